package secretbroker_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheREADMECanBeFollowed makes a module beside the client as the README says, and runs each of its programs there.
func TestTheREADMECanBeFollowed(t *testing.T) {
	address := brokerAddress(t)
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	client, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	prints := []string{
		"has 6 characters; printed it is [redacted]\nthere is no such secret\n",
		"readme/CERTIFICATE true\nreadme/CERTIFICATE true\nreadme/ABSENT false\nreadme/CERTIFICATE ",
		"from memory, at most 30 seconds old: true\n",
	}
	programs := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	commands := regexp.MustCompile("(?s)```text\n(.*?)```").FindStringSubmatch(string(readme))
	if len(programs) != len(prints) || len(commands) != 2 {
		t.Fatalf("%d programs, %d blocks of commands", len(programs), len(commands))
	}
	module := t.TempDir()
	run := func(name string, parameters ...string) string {
		t.Helper()
		command := exec.Command(name, parameters...)
		command.Dir = module
		command.Env = append(os.Environ(),
			"SECRET_BROKER_ADDRESS="+address, "SECRET_BROKER_TOKEN="+readCallers(t)["owner"].Token)
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, parameters, err, output)
		}
		return string(output)
	}
	for index, program := range programs {
		folder := filepath.Join(module, fmt.Sprintf("program%d", index))
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(program[1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run("go", "mod", "init", "example")
	run("sh", "-euc", strings.ReplaceAll(commands[1], "../secret-broker/clients/go", client))
	for index, want := range prints {
		if output := run("go", "run", fmt.Sprintf("./program%d", index)); !strings.Contains(output, want) {
			t.Errorf("program %d printed\n%s", index, output)
		}
	}
}
