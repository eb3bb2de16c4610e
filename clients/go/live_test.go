package secretbroker_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	secretbroker "secretbroker.dev/go"
	pb "secretbroker.dev/go/gen/secretbroker/v1"
)

const vectorsFolder = "../vectors"

// caller is who calls, as the vectors' callers.json says.
type caller struct {
	Token  string `json:"token"`
	Socket string `json:"socket"`
}

// brokerAddress is where a broker with the vectors' configuration runs; without one the test is skipped.
func brokerAddress(t *testing.T) string {
	t.Helper()
	address := os.Getenv("SECRET_BROKER_ADDRESS")
	if address == "" && os.Getenv("SECRET_BROKER_REQUIRE_PEERS") == "1" {
		t.Fatal("SECRET_BROKER_ADDRESS must say where a broker with the vectors' configuration runs")
	}
	if address == "" {
		t.Skip("SECRET_BROKER_ADDRESS does not say where a broker with the vectors' configuration runs")
	}
	return address
}

func readCallers(t *testing.T) map[string]caller {
	t.Helper()
	callers := map[string]caller{}
	readJSON(t, filepath.Join(vectorsFolder, "callers.json"), &callers)
	return callers
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func openAs(t *testing.T, name string, options ...secretbroker.Option) *secretbroker.Client {
	t.Helper()
	address := brokerAddress(t)
	who := readCallers(t)[name]
	if who.Token != "" {
		options = append(options, secretbroker.WithToken(who.Token))
	}
	if who.Socket != "" {
		address = "unix:" + filepath.Join(os.Getenv("SECRET_BROKER_FOLDER"), who.Socket)
	}
	client, err := secretbroker.Open(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// failure is the *Error an error is.
func failure(t *testing.T, err error) *secretbroker.Error {
	t.Helper()
	own := (*secretbroker.Error)(nil)
	if !errors.As(err, &own) {
		t.Fatalf("%v is no *secretbroker.Error", err)
	}
	return own
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func TestAFailureHasItsReasonAndFacts(t *testing.T) {
	client := openAs(t, "owner")
	ctx := secretbroker.WithRequestID(t.Context(), "go-1")
	_, err := client.Read(ctx, "go/absent", nil)
	if !errors.Is(err, secretbroker.SecretNotFound) || errors.Is(err, secretbroker.PolicyDenied) {
		t.Fatalf("got %v", err)
	}
	own := failure(t, err)
	if own.Code != codes.NotFound || own.Metadata["request_id"] != "go-1" {
		t.Fatalf("got %+v", own)
	}
}

func TestEveryBrokenFieldIsNamed(t *testing.T) {
	description := string(make([]byte, 3_000))
	options := &secretbroker.WriteOptions{Description: &description}
	_, err := openAs(t, "owner").Write(t.Context(), "", secretbroker.Text("x"), options)
	var fields []string
	for _, violation := range failure(t, err).Violations {
		fields = append(fields, violation.Field)
	}
	if !slices.Equal(fields, []string{"name", "description"}) {
		t.Fatalf("got %v", fields)
	}
}

func TestADeadlineThatHasPassedIsTheContextsError(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := openAs(t, "owner").Read(ctx, "go/absent", nil)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, secretbroker.ManagerTimeout) {
		t.Fatalf("got %v", err)
	}
	cancelled, end := context.WithCancel(t.Context())
	end()
	_, err = openAs(t, "owner").Read(cancelled, "go/absent", nil)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, secretbroker.CallCancelled) {
		t.Fatalf("got %v", err)
	}
}

func TestNobodyListeningIsUnavailable(t *testing.T) {
	client := must[*secretbroker.Client](t)(secretbroker.Open("unix:" + filepath.Join(t.TempDir(), "no.sock")))
	defer func() { _ = client.Close() }()
	_, err := client.Read(t.Context(), "go/absent", nil)
	if !errors.Is(err, secretbroker.ManagerUnavailable) {
		t.Fatalf("got %v", err)
	}
}

func TestAClosedClientRefuses(t *testing.T) {
	client := openAs(t, "owner")
	_ = client.Close()
	_, err := client.Read(t.Context(), "go/absent", nil)
	if !errors.Is(err, secretbroker.CallCancelled) {
		t.Fatalf("got %v", err)
	}
}

func TestATokenFileIsReadForEachCall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	callers := readCallers(t)
	write := func(name string) {
		if err := os.WriteFile(path, []byte(callers[name].Token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	client := openAs(t, "nobody", secretbroker.WithTokenFile(path))
	write("expired")
	if _, err := client.Read(t.Context(), "go/absent", nil); !errors.Is(err, secretbroker.CredentialExpired) {
		t.Fatalf("got %v", err)
	}
	write("owner")
	if _, err := client.Read(t.Context(), "go/absent", nil); !errors.Is(err, secretbroker.SecretNotFound) {
		t.Fatalf("got %v", err)
	}
	_ = os.Remove(path)
	if _, err := client.Read(t.Context(), "go/absent", nil); !errors.Is(err, secretbroker.IdentityUnavailable) {
		t.Fatalf("got %v", err)
	}
}

func TestAListGoesThroughItsPages(t *testing.T) {
	client := openAs(t, "owner")
	for _, name := range []string{"go/list/a", "go/list/b", "go/list/c"} {
		must[*secretbroker.Version](t)(client.Write(t.Context(), name, secretbroker.Text("x"), nil))
	}
	var names []string
	for secret, err := range client.List(t.Context(), &secretbroker.ListOptions{Prefix: "go/list/", PageSize: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, secret.Name)
	}
	if !slices.Equal(names, []string{"go/list/a", "go/list/b", "go/list/c"}) {
		t.Fatalf("got %v", names)
	}
	for _, err := range client.List(t.Context(), &secretbroker.ListOptions{PageSize: 5_000}) {
		if !errors.Is(err, secretbroker.FieldInvalid) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestOptionsThatAreNoJSONAreRefusedHere(t *testing.T) {
	options := &secretbroker.ReadOptions{Options: map[string]any{"x": make(chan int)}}
	_, err := openAs(t, "owner").Read(t.Context(), "go/absent", options)
	if violations := failure(t, err).Violations; len(violations) != 1 || violations[0].Field != "options" {
		t.Fatalf("got %v", err)
	}
}

func TestAWatchTellsOfChangesAndRemovals(t *testing.T) {
	client := openAs(t, "owner")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	must[*secretbroker.Version](t)(client.Write(ctx, "go/watch/a", secretbroker.Text("one"), nil))
	watch := must[*secretbroker.Watch](t)(client.Watch(ctx, secretbroker.Subscription{Prefixes: []string{"go/watch/"}}))
	defer watch.Close()
	next := func(kind secretbroker.EventKind) secretbroker.Event {
		t.Helper()
		for {
			event := must[secretbroker.Event](t)(watch.Next())
			if event.Kind == kind {
				return event
			}
			if event.Kind != secretbroker.Heartbeat {
				t.Fatalf("got %+v", event)
			}
		}
	}
	if first := next(secretbroker.Changed); !first.Initial || first.Secret.Payload.Text() != "one" {
		t.Fatalf("got %+v", first)
	}
	if synced := next(secretbroker.Synced); synced.Revision == 0 {
		t.Fatalf("got %+v", synced)
	}
	must[*secretbroker.Version](t)(client.Write(ctx, "go/watch/b", secretbroker.Binary([]byte{0, 255}), nil))
	second := next(secretbroker.Changed)
	if second.Initial || second.Name != "go/watch/b" || !second.Secret.Payload.Equal(secretbroker.Binary([]byte{0, 255})) {
		t.Fatalf("got %+v", second)
	}
	must[*secretbroker.Deletion](t)(client.Delete(ctx, "go/watch/a", nil))
	if gone := next(secretbroker.Removed); gone.Name != "go/watch/a" || gone.UID == "" {
		t.Fatalf("got %+v", gone)
	}
	watch.Close()
	if _, err := watch.Next(); !errors.Is(err, secretbroker.CallCancelled) {
		t.Fatalf("got %v", err)
	}
}

func TestAStoreAsksAgainWithinItsBound(t *testing.T) {
	client := openAs(t, "owner")
	must[*secretbroker.Version](t)(client.Write(t.Context(), "go/store/a", secretbroker.Text("one"), nil))
	options := secretbroker.StoreOptions{Prefixes: []string{"go/store/"}, MaxStaleness: 2 * time.Second}
	store := must[*secretbroker.Store](t)(client.OpenStore(t.Context(), options))
	defer store.Close()
	// Past its bound nothing but having asked again lets it answer: the broker's heartbeat is slower.
	time.Sleep(3 * time.Second)
	for giveUp := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		answer, err := store.Get("go/store/a")
		if err == nil && answer.Payload.Text() == "one" {
			return
		}
		if !errors.Is(err, secretbroker.StaleTooOld) || time.Now().After(giveUp) {
			t.Fatalf("got %v, %v", answer, err)
		}
	}
}

func TestTheStubsServeWhatTheClientLeavesOut(t *testing.T) {
	stub := pb.NewSecretBrokerClient(openAs(t, "socket").Conn())
	must[*secretbroker.Version](t)(openAs(t, "owner").Write(t.Context(), "go/stub", secretbroker.Text("x"), nil))
	response, err := stub.ActivateSecretVersion(t.Context(), &pb.ActivateSecretVersionRequest{Name: "go/stub", Version: 1})
	if err != nil || response.GetSecret().GetActiveVersion() != 1 {
		t.Fatalf("got %v, %v", response, err)
	}
}
