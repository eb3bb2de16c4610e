package secretbroker_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	secretbroker "secretbroker.dev/go"
)

// ownBroker is a broker of a test's own, which it may end and start again.
type ownBroker struct {
	t       *testing.T
	folder  string
	address string
	process *exec.Cmd
}

// startOwnBroker starts the program of this repository with the vectors' configuration and more of it.
func startOwnBroker(t *testing.T, more string) *ownBroker {
	t.Helper()
	brokerAddress(t)
	// The path of a socket is short.
	folder, err := os.MkdirTemp("", "sb-go-")
	if err != nil {
		t.Fatal(err)
	}
	broker := &ownBroker{t: t, folder: folder}
	for name, added := range map[string]string{"config.yaml": more, "tokens.yaml": ""} {
		text, err := os.ReadFile(filepath.Join(vectorsFolder, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), append(text, added...), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	broker.start()
	t.Cleanup(func() {
		broker.kill()
		_ = os.RemoveAll(folder)
	})
	return broker
}

// start starts it, again at the address it had.
func (b *ownBroker) start() {
	node := os.Getenv("SECRET_BROKER_NODE")
	if node == "" {
		node = "../../node_modules/.bin/node"
	}
	arguments := []string{"../../dist/main.js", "serve", "--config", filepath.Join(b.folder, "config.yaml")}
	if b.address != "" {
		arguments = append(arguments, "--listen", b.address)
	}
	b.process = exec.Command(node, arguments...)
	output, err := b.process.StderrPipe()
	if err == nil {
		err = b.process.Start()
	}
	if err != nil {
		b.t.Error(err)
		return
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if found := regexp.MustCompile(`gRPC +(127\.0\.0\.1:\d+)`).FindStringSubmatch(lines.Text()); found != nil {
			b.address = found[1]
			break
		}
	}
	if b.address == "" {
		b.t.Error("the broker did not start")
	}
	go func() {
		for lines.Scan() {
		}
	}()
}

// kill ends it without a word.
func (b *ownBroker) kill() {
	_ = b.process.Process.Kill()
	_ = b.process.Wait()
}

func (b *ownBroker) open(options ...secretbroker.Option) *secretbroker.Client {
	b.t.Helper()
	token := secretbroker.WithToken(readCallers(b.t)["owner"].Token)
	client, err := secretbroker.Open(b.address, append([]secretbroker.Option{token}, options...)...)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestAReadAndAWriteWithAnIDOutlastARestart(t *testing.T) {
	broker := startOwnBroker(t, "")
	retries := secretbroker.RetryOptions{Attempts: 10, BaseDelay: time.Second, MaxDelay: 30 * time.Second}
	client := broker.open(secretbroker.WithRetries(retries), secretbroker.WithTimeout(5*time.Minute))
	once := &secretbroker.WriteOptions{IdempotencyID: "first"}
	must[*secretbroker.Version](t)(client.Write(t.Context(), "shared/a", secretbroker.Text("one"), once))
	for _, again := range []func() error{
		func() error {
			version, err := client.Write(t.Context(), "shared/a", secretbroker.Text("one"), once)
			if err == nil && version.Version != 1 {
				t.Errorf("written as version %d", version.Version)
			}
			return err
		},
		func() error {
			_, err := client.Read(t.Context(), "shared/a", nil)
			return err
		},
	} {
		broker.kill()
		started := make(chan struct{})
		go func() {
			defer close(started)
			broker.start()
		}()
		err := again()
		<-started
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestARateLimitIsWaitedFor(t *testing.T) {
	broker := startOwnBroker(t, "  limits: { per_principal: { requests_per_second: 2, burst: 1 } }\n")
	client := broker.open(secretbroker.WithRetries(secretbroker.RetryOptions{Attempts: 10}), secretbroker.WithTimeout(5*time.Minute))
	for range 4 {
		if _, err := client.Read(t.Context(), "shared/absent", nil); !errors.Is(err, secretbroker.SecretNotFound) {
			t.Fatalf("got %v", err)
		}
	}
}
