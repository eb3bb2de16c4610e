package secretbroker

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "secretbroker.dev/go/gen/secretbroker/v1"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// manualClock stands still until a test moves it.
type manualClock struct {
	guard  sync.Mutex
	time   time.Time
	timers map[chan time.Time]time.Time
}

func newManualClock() *manualClock {
	return &manualClock{time: time.Now(), timers: map[chan time.Time]time.Time{}}
}

func (c *manualClock) clock() clock {
	return clock{now: c.now, after: c.after}
}

func (c *manualClock) now() time.Time {
	c.guard.Lock()
	defer c.guard.Unlock()
	return c.time
}

func (c *manualClock) after(wait time.Duration) <-chan time.Time {
	c.guard.Lock()
	defer c.guard.Unlock()
	timer := make(chan time.Time, 1)
	c.timers[timer] = c.time.Add(wait)
	return timer
}

func (c *manualClock) advance(by time.Duration) {
	c.guard.Lock()
	defer c.guard.Unlock()
	c.time = c.time.Add(by)
	for timer, due := range c.timers {
		if !c.time.Before(due) {
			timer <- c.time
			delete(c.timers, timer)
		}
	}
}

// await waits until so many timers are set.
func (c *manualClock) await(t *testing.T, count int) {
	t.Helper()
	for giveUp := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		c.guard.Lock()
		set := len(c.timers)
		c.guard.Unlock()
		if set >= count {
			return
		}
		if time.Now().After(giveUp) {
			t.Fatalf("%d timers and never %d", set, count)
		}
	}
}

// scriptedBroker is a broker whose watches a test plays.
type scriptedBroker struct {
	pb.UnimplementedSecretBrokerServer
	watches chan *scriptedWatch
}

type scriptedWatch struct {
	t        *testing.T
	requests chan *pb.WatchSecretsRequest
	events   chan *pb.WatchSecretsResponse
	end      chan error
}

func (b *scriptedBroker) WatchSecrets(stream pb.SecretBroker_WatchSecretsServer) error {
	watch := &scriptedWatch{
		requests: make(chan *pb.WatchSecretsRequest, 1_000),
		events:   make(chan *pb.WatchSecretsResponse),
		end:      make(chan error, 1),
	}
	go func() {
		for {
			request, err := stream.Recv()
			if err != nil {
				return
			}
			watch.requests <- request
		}
	}()
	select {
	case b.watches <- watch:
	case <-stream.Context().Done():
		return nil
	}
	for {
		select {
		case event := <-watch.events:
			if err := stream.Send(event); err != nil {
				return err
			}
		case err := <-watch.end:
			return err
		case <-stream.Context().Done():
			return nil
		}
	}
}

// scene is a store on a scripted broker and a manual clock.
type scene struct {
	t       *testing.T
	address string
	broker  *scriptedBroker
	client  *Client
	clock   *manualClock
}

func newScene(t *testing.T) *scene {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	broker := &scriptedBroker{watches: make(chan *scriptedWatch)}
	server := grpc.NewServer()
	pb.RegisterSecretBrokerServer(server, broker)
	go func() { _ = server.Serve(listener) }()
	client, err := Open(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		server.Stop()
	})
	return &scene{t, listener.Addr().String(), broker, client, newManualClock()}
}

// open opens a store whose first watch is answered with an initial set.
func (s *scene) open(initial ...*pb.Secret) (*Store, *scriptedWatch) {
	s.t.Helper()
	opened := make(chan *Store, 1)
	go func() {
		options := StoreOptions{Names: []string{"a", "b"}, MaxStaleness: time.Minute}
		store, err := s.client.openStore(s.t.Context(), options, s.clock.clock())
		if err != nil {
			s.t.Error(err)
		}
		opened <- store
	}()
	watch := s.watch()
	watch.subscription()
	watch.send(&pb.WatchSecretsResponse{Event: &pb.WatchSecretsResponse_InitialSet{
		InitialSet: &pb.WatchInitialSet{Secrets: initial},
	}})
	watch.sync()
	store := wait(s.t, opened)
	s.t.Cleanup(store.Close)
	return store, watch
}

func wait[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatal("what must come did not")
		panic("unreachable")
	}
}

func (s *scene) watch() *scriptedWatch {
	s.t.Helper()
	watch := wait(s.t, s.broker.watches)
	watch.t = s.t
	return watch
}

func (w *scriptedWatch) subscription() *pb.WatchSubscribe {
	w.t.Helper()
	for {
		if subscribe := wait(w.t, w.requests).GetSubscribe(); subscribe != nil {
			return subscribe
		}
	}
}

func (w *scriptedWatch) ack() *pb.WatchAck {
	w.t.Helper()
	for {
		if ack := wait(w.t, w.requests).GetAck(); ack != nil {
			return ack
		}
	}
}

func (w *scriptedWatch) send(event *pb.WatchSecretsResponse) {
	w.t.Helper()
	select {
	case w.events <- event:
	case <-time.After(patience):
		w.t.Fatal("the watch takes no more")
	}
}

func (w *scriptedWatch) sync() {
	w.send(&pb.WatchSecretsResponse{Event: &pb.WatchSecretsResponse_SyncMarker{SyncMarker: &pb.WatchSyncMarker{}}})
}

func (w *scriptedWatch) change(secret *pb.Secret) {
	change := &pb.WatchChange{Secret: secret}
	w.send(&pb.WatchSecretsResponse{Event: &pb.WatchSecretsResponse_Change{Change: change}})
}

func (w *scriptedWatch) beat(seconds int64) {
	beat := &pb.WatchHeartbeat{CurrentTime: &timestamppb.Timestamp{Seconds: seconds}}
	w.send(&pb.WatchSecretsResponse{Event: &pb.WatchSecretsResponse_Heartbeat{Heartbeat: beat}})
}

func secretOf(name, text string, version uint32) *pb.Secret {
	return &pb.Secret{Name: name, Version: version, Payload: &pb.Secret_Text{Text: text}}
}

// untilGet waits until a store answers with a text, or fails with a reason.
func untilGet(t *testing.T, store *Store, name, want string) {
	t.Helper()
	giveUp := time.Now().Add(patience)
	for {
		answer, err := store.Get(name)
		got := ""
		if failure := (*Error)(nil); errors.As(err, &failure) {
			got = string(failure.Reason)
		} else {
			got = answer.Payload.Text()
		}
		if got == want {
			return
		}
		if time.Now().After(giveUp) {
			t.Fatalf("got %q and never %q", got, want)
		}
		time.Sleep(time.Millisecond)
	}
}
