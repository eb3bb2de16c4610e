package secretbroker_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheProgramsOfTheREADMERun builds each program of the README within this module, and runs it.
func TestTheProgramsOfTheREADMERun(t *testing.T) {
	address := brokerAddress(t)
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	module, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	programs := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	prints := []string{
		"has 6 characters; printed it is [redacted]\nthere is no such secret\n",
		"readme/CERTIFICATE true\nreadme/CERTIFICATE true\nreadme/ABSENT false\nreadme/CERTIFICATE ",
		"from memory, at most 30 seconds old: true\n",
	}
	if len(programs) != len(prints) {
		t.Fatalf("%d programs", len(programs))
	}
	folder := t.TempDir()
	replaced := map[string]string{}
	for index, program := range programs {
		path := filepath.Join(folder, fmt.Sprintf("program%d.go", index))
		if err := os.WriteFile(path, []byte(program[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		replaced[filepath.Join(module, fmt.Sprintf("program%d", index), "main.go")] = path
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	overlayPath := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(overlayPath, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	for index, want := range prints {
		command := exec.Command("go", "run", "-overlay", overlayPath, fmt.Sprintf("./program%d", index))
		command.Env = append(os.Environ(),
			"SECRET_BROKER_ADDRESS="+address, "SECRET_BROKER_TOKEN="+readCallers(t)["owner"].Token)
		output, err := command.CombinedOutput()
		if err != nil || !strings.Contains(string(output), want) {
			t.Errorf("program %d: %v\n%s", index, err, output)
		}
	}
}
