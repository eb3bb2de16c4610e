package secretbroker

import (
	"context"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "secretbroker.dev/go/gen/secretbroker/v1"
)

// Subscription is what a watch asks for.
type Subscription struct {
	// Names are watched whether they exist yet or not. At most 1,000.
	Names []string
	// Prefixes are watched with whatever appears under them; an empty one is everything the caller may watch. At most
	// 100.
	Prefixes []string
	// Known is what the caller holds from before: versions that are still active are not sent again, and of secrets that
	// are gone a removal is sent. At most 10,000.
	Known map[string]Known
	// ResumeRevision is the revision of the last event Synced or Heartbeat: only what has changed since is sent.
	ResumeRevision uint64
}

// Known is a version the caller holds from before.
type Known struct {
	UID     string
	Version uint32
}

// EventKind says what an Event tells.
type EventKind int

// What an event tells.
const (
	// Changed: a secret is new or has another active version. Secret holds it.
	Changed EventKind = iota + 1
	// Removed: a secret is gone, or the caller may watch it no longer.
	Removed
	// Synced: everything up to Revision has been told.
	Synced
	// Heartbeat: the stream is alive; CurrentTime is when the broker last knew everything to be current.
	Heartbeat
)

// Event is what a watch is told.
type Event struct {
	Kind EventKind
	// Name is the secret's, of Changed and Removed.
	Name string
	// Secret is set for Changed.
	Secret *Secret
	// Initial tells that Secret existed when the subscription began.
	Initial bool
	// UID is the generation that ended, of Removed; empty when it is not known.
	UID string
	// Revision is what to resume from, of Synced and Heartbeat; 0 when the manager keeps none.
	Revision uint64
	// CurrentTime is the broker's time, of Heartbeat.
	CurrentTime time.Time
	// PollInterval is how often the manager is asked for changes, of Synced; 0 when it tells of them by itself.
	PollInterval time.Duration
}

// Watch is a stream of changes. Next is for one goroutine at a time; everything else is for any.
type Watch struct {
	stream  pb.SecretBroker_WatchSecretsClient
	cancel  context.CancelFunc
	sending sync.Mutex
	// initial are secrets of an initial set that Next has not returned yet.
	initial []*pb.Secret
}

// Watch pushes the subscribed secrets and then every change, until the context ends or Close is called.
func (c *Client) Watch(ctx context.Context, subscription Subscription) (*Watch, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := c.broker.WatchSecrets(ctx)
	if err != nil {
		cancel()
		return nil, fromCall(err)
	}
	watch := &Watch{stream: stream, cancel: cancel}
	if err := watch.Subscribe(subscription); err != nil {
		cancel()
		return nil, err
	}
	return watch, nil
}

// Close ends the watch; Next then fails with CallCancelled.
func (w *Watch) Close() { w.cancel() }

// Subscribe adds to what is watched; Synced follows.
func (w *Watch) Subscribe(subscription Subscription) error {
	message := &pb.WatchSubscribe{
		Names:          subscription.Names,
		Prefixes:       subscription.Prefixes,
		ResumeRevision: subscription.ResumeRevision,
	}
	if len(subscription.Known) > 0 {
		message.KnownVersions = make(map[string]uint32, len(subscription.Known))
		message.KnownUids = make(map[string]string, len(subscription.Known))
		for name, known := range subscription.Known {
			message.KnownVersions[name] = known.Version
			if known.UID != "" {
				message.KnownUids[name] = known.UID
			}
		}
	}
	return w.send(&pb.WatchSecretsRequest{Action: &pb.WatchSecretsRequest_Subscribe{Subscribe: message}})
}

// Unsubscribe takes away from what is watched.
func (w *Watch) Unsubscribe(names, prefixes []string) error {
	message := &pb.WatchUnsubscribe{Names: names, Prefixes: prefixes}
	return w.send(&pb.WatchSecretsRequest{Action: &pb.WatchSecretsRequest_Unsubscribe{Unsubscribe: message}})
}

// Ack reports that a version is in use; version 0 that nothing is left of the secret after its removal.
func (w *Watch) Ack(name string, version uint32) error {
	message := &pb.WatchAck{Name: name, Version: version}
	return w.send(&pb.WatchSecretsRequest{Action: &pb.WatchSecretsRequest_Ack{Ack: message}})
}

// Nack reports that a version could not be used. The message must hold no payload.
func (w *Watch) Nack(name string, version uint32, code codes.Code, message string) error {
	refusal := &pb.WatchNack{Name: name, Version: version, Status: status.New(code, message).Proto()}
	return w.send(&pb.WatchSecretsRequest{Action: &pb.WatchSecretsRequest_Nack{Nack: refusal}})
}

func (w *Watch) send(request *pb.WatchSecretsRequest) error {
	w.sending.Lock()
	defer w.sending.Unlock()
	err := w.stream.Send(request)
	if err == io.EOF {
		// The stream has ended; Next tells why.
		return nil
	}
	return fromCall(err)
}

// Next waits for the next event. After an error the watch is over; a watch that the broker ends fails with
// ManagerUnavailable.
func (w *Watch) Next() (Event, error) {
	for {
		if len(w.initial) > 0 {
			secret := w.initial[0]
			w.initial = w.initial[1:]
			return changed(secret, Event{Initial: true})
		}
		response, err := w.stream.Recv()
		if err == io.EOF {
			return Event{}, &Error{Reason: ManagerUnavailable, Code: codes.Unavailable, Message: "the broker ended the watch"}
		}
		if err != nil {
			return Event{}, fromCall(err)
		}
		switch event := response.GetEvent().(type) {
		case *pb.WatchSecretsResponse_InitialSet:
			w.initial = event.InitialSet.GetSecrets()
		case *pb.WatchSecretsResponse_Change:
			return changed(event.Change.GetSecret(), Event{Revision: event.Change.GetRevision()})
		case *pb.WatchSecretsResponse_Removal:
			gone := event.Removal
			return Event{Kind: Removed, Name: gone.GetName(), UID: gone.GetUid(), Revision: gone.GetRevision()}, nil
		case *pb.WatchSecretsResponse_SyncMarker:
			marker := event.SyncMarker
			interval := marker.GetPollInterval().AsDuration()
			return Event{Kind: Synced, Revision: marker.GetRevision(), PollInterval: interval}, nil
		case *pb.WatchSecretsResponse_Heartbeat:
			beat := event.Heartbeat
			return Event{Kind: Heartbeat, Revision: beat.GetRevision(), CurrentTime: toTime(beat.GetCurrentTime())}, nil
		default:
			// A newer broker may tell more.
		}
	}
}

func changed(wire *pb.Secret, event Event) (Event, error) {
	secret, err := toSecret(wire)
	if err != nil {
		return Event{}, err
	}
	event.Kind, event.Name, event.Secret = Changed, secret.Name, &secret
	return event, nil
}
