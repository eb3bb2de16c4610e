package secretbroker

import (
	"context"
	"errors"
	"math"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "secretbroker.dev/go/gen/secretbroker/v1"
)

func unspread(options RetryOptions, spread float64) *retries {
	decides := newRetries(options)
	decides.spread = func() float64 { return spread }
	return decides
}

func TestPausesDoubleUpToABound(t *testing.T) {
	options := RetryOptions{Attempts: 6, BaseDelay: 100 * time.Millisecond, MaxDelay: 500 * time.Millisecond}
	decides := unspread(options, 1)
	var got []int64
	for attempt := 1; attempt <= 6; attempt++ {
		delay, again := decides.delayAfter(&Error{Reason: ManagerUnavailable}, attempt, time.Hour)
		if !again {
			delay = -time.Millisecond
		}
		got = append(got, delay.Milliseconds())
	}
	if !slices.Equal(got, []int64{100, 200, 400, 500, 500, -1}) {
		t.Fatalf("got %v", got)
	}
}

func TestWhatTheBrokerAsksForIsTheLeast(t *testing.T) {
	asked := &Error{Reason: RateLimited, RetryDelay: 10 * time.Second}
	for spread, want := range map[float64]time.Duration{0: 10 * time.Second, 1: 11 * time.Second} {
		if delay, again := unspread(RetryOptions{}, spread).delayAfter(asked, 1, time.Hour); delay != want || !again {
			t.Errorf("got %v, %v for %v", delay, again, spread)
		}
	}
	if _, again := unspread(RetryOptions{}, 0).delayAfter(asked, 1, 10*time.Second); again {
		t.Error("a pause was begun that outlasts the call")
	}
	longest := &Error{Reason: RateLimited, RetryDelay: math.MaxInt64}
	if delay, again := unspread(RetryOptions{}, 1).delayAfter(longest, 1, time.Hour); again {
		t.Errorf("the longest delay there is became %v", delay)
	}
}

func TestABrokenBrokerIsNotAskedMuchMoreOften(t *testing.T) {
	decides := unspread(RetryOptions{}, 1)
	ask := func() bool {
		_, again := decides.delayAfter(&Error{Reason: ManagerUnavailable}, 1, time.Hour)
		return again
	}
	count := 0
	for ask() {
		count++
	}
	for range 11 {
		decides.noteAnswer()
	}
	if count != 10 || !ask() || ask() {
		t.Fatalf("%d retries at once", count)
	}
}

// TestTheReasonsAreThoseOfTheDocument holds the constants, and what is said to pass, to the page that all clients share.
func TestTheReasonsAreThoseOfTheDocument(t *testing.T) {
	page, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("errors.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| \x60([A-Z_]+)\x60 .*$`).FindAllStringSubmatch(string(page), -1)
	if len(rows) < 28 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		cells := strings.Split(row[0], "|")
		if !strings.Contains(string(source), `"`+row[1]+`"`) {
			t.Errorf("%s is no reason", row[1])
		}
		again := slices.Contains([]string{"yes", "if idempotent", "after the delay"}, strings.TrimSpace(cells[3]))
		if passes(Reason(row[1])) != again {
			t.Errorf("%s: the page says %q", row[1], cells[3])
		}
	}
}

func TestRetriesAreChecked(t *testing.T) {
	for _, options := range []RetryOptions{{Attempts: -1}, {Attempts: 11}, {BaseDelay: -1}, {BaseDelay: 2, MaxDelay: 1}} {
		if _, err := Open("127.0.0.1:1", WithRetries(options)); !errors.Is(err, FieldInvalid) {
			t.Errorf("%+v: got %v", options, err)
		}
	}
}

// failingBroker fails so many times, then answers.
type failingBroker struct {
	pb.UnimplementedSecretBrokerServer
	guard    sync.Mutex
	failures int
	failure  error
	asked    []time.Time
}

func (b *failingBroker) next() error {
	b.guard.Lock()
	defer b.guard.Unlock()
	b.asked = append(b.asked, time.Now())
	if len(b.asked) <= b.failures {
		return b.failure
	}
	return nil
}

func (b *failingBroker) times() []time.Time {
	b.guard.Lock()
	defer b.guard.Unlock()
	return slices.Clone(b.asked)
}

func (b *failingBroker) ReadSecret(_ context.Context, request *pb.ReadSecretRequest) (*pb.ReadSecretResponse, error) {
	secret := &pb.Secret{Name: request.GetName(), Version: 1, Payload: &pb.Secret_Text{Text: "value"}}
	return &pb.ReadSecretResponse{Secret: secret}, b.next()
}

func (b *failingBroker) WriteSecret(context.Context, *pb.WriteSecretRequest) (*pb.WriteSecretResponse, error) {
	return &pb.WriteSecretResponse{Version: &pb.SecretVersion{Version: 1}}, b.next()
}

func (b *failingBroker) DeleteSecret(context.Context, *pb.DeleteSecretRequest) (*pb.DeleteSecretResponse, error) {
	return &pb.DeleteSecretResponse{Status: pb.DeleteStatus_DELETE_STATUS_DELETED}, b.next()
}

func (b *failingBroker) RotateSecret(context.Context, *pb.RotateSecretRequest) (*pb.RotateSecretResponse, error) {
	return &pb.RotateSecretResponse{Version: &pb.SecretVersion{Version: 2}}, b.next()
}

func serveFailing(t *testing.T, broker *failingBroker, options ...Option) *Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pb.RegisterSecretBrokerServer(server, broker)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	client, err := Open(listener.Addr().String(), append([]Option{WithTimeout(time.Minute)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestOnlyWhatIsSafeIsRepeated(t *testing.T) {
	away := status.Error(codes.Unavailable, "away")
	calls := map[string]struct {
		asked int
		make  func(context.Context, *Client) error
	}{
		"a read": {2, func(ctx context.Context, c *Client) error { _, err := c.Read(ctx, "a", nil); return err }},
		"a write with an id": {2, func(ctx context.Context, c *Client) error {
			_, err := c.Write(ctx, "a", Text("x"), &WriteOptions{IdempotencyID: "once"})
			return err
		}},
		"a deletion with an id": {2, func(ctx context.Context, c *Client) error {
			_, err := c.Delete(ctx, "a", &DeleteOptions{IdempotencyID: "once"})
			return err
		}},
		"a write":    {1, func(ctx context.Context, c *Client) error { _, err := c.Write(ctx, "a", Text("x"), nil); return err }},
		"a deletion": {1, func(ctx context.Context, c *Client) error { _, err := c.Delete(ctx, "a", nil); return err }},
		"a rotation": {1, func(ctx context.Context, c *Client) error { _, err := c.Rotate(ctx, "a", Text("x"), nil); return err }},
	}
	for title, call := range calls {
		t.Run(title, func(t *testing.T) {
			broker := &failingBroker{failures: 1, failure: away}
			err := call.make(t.Context(), serveFailing(t, broker))
			if (err == nil) != (call.asked == 2) || len(broker.times()) != call.asked {
				t.Fatalf("asked %d times: %v", len(broker.times()), err)
			}
		})
	}
	broker := &failingBroker{failures: 9, failure: away}
	if _, err := serveFailing(t, broker).Read(t.Context(), "a", nil); !errors.Is(err, ManagerUnavailable) {
		t.Fatalf("got %v", err)
	}
	if len(broker.times()) != 3 {
		t.Fatalf("asked %d times", len(broker.times()))
	}
}

func TestTheDelayTheBrokerAsksForIsWaited(t *testing.T) {
	limited, err := status.New(codes.ResourceExhausted, "too many").WithDetails(
		&errdetails.ErrorInfo{Reason: "RATE_LIMITED", Domain: errorDomain},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(500 * time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	broker := &failingBroker{failures: 1, failure: limited.Err()}
	if _, err := serveFailing(t, broker).Read(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	if times := broker.times(); len(times) != 2 || times[1].Sub(times[0]) < 500*time.Millisecond {
		t.Fatalf("asked at %v", times)
	}
}

func TestAPauseEndsWithTheCallersContextAndWithTheClient(t *testing.T) {
	long := WithRetries(RetryOptions{BaseDelay: time.Hour, MaxDelay: time.Hour})
	for title, end := range map[string]func(*Client, context.CancelFunc){
		"context": func(_ *Client, cancel context.CancelFunc) { cancel() },
		"client":  func(c *Client, _ context.CancelFunc) { _ = c.Close() },
	} {
		t.Run(title, func(t *testing.T) {
			broker := &failingBroker{failures: 9, failure: status.Error(codes.Unavailable, "away")}
			client := serveFailing(t, broker, long, WithTimeout(24*time.Hour))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				_, err := client.Read(ctx, "a", nil)
				ended <- err
			}()
			for len(broker.times()) == 0 {
				time.Sleep(time.Millisecond)
			}
			end(client, cancel)
			select {
			case err := <-ended:
				if title == "context" && !errors.Is(err, context.Canceled) {
					t.Fatalf("got %v", err)
				}
			case <-time.After(patience):
				t.Fatal("it goes on waiting")
			}
		})
	}
}
