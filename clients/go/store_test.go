package secretbroker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "secretbroker.dev/go/gen/secretbroker/v1"
)

func TestAStoreAnswersUpToItsBoundAndNeverBeyond(t *testing.T) {
	scene := newScene(t)
	store, watch := scene.open(secretOf("a", "one", 1))
	scene.clock.advance(29 * time.Second)
	answer, err := store.Get("a")
	if err != nil || answer.Age != 29*time.Second || answer.ServedFrom != ServedFromCache {
		t.Fatalf("got %+v, %v", answer, err)
	}
	untilGet(t, store, "b", "SECRET_NOT_FOUND")
	watch.end <- status.Error(codes.Unavailable, "stopping")
	scene.clock.advance(31 * time.Second)
	untilGet(t, store, "a", "one")
	scene.clock.advance(time.Millisecond)
	for _, name := range []string{"a", "b"} {
		if _, err := store.Get(name); !errors.Is(err, StaleTooOld) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestAChangeDoesNotProveThatTheRestIsCurrent(t *testing.T) {
	scene := newScene(t)
	store, watch := scene.open(secretOf("a", "one", 1), secretOf("b", "two", 1))
	scene.clock.advance(20 * time.Second)
	watch.change(secretOf("a", "three", 2))
	untilGet(t, store, "a", "three")
	if answer, err := store.Get("a"); err != nil || answer.Age != 20*time.Second {
		t.Fatalf("got %+v, %v", answer, err)
	}
}

func TestHeartbeatsProveWhatTheManagerWasAskedBetween(t *testing.T) {
	scene := newScene(t)
	store, watch := scene.open(secretOf("a", "one", 1))
	ageAfter := func(beat int64, want time.Duration) {
		t.Helper()
		watch.beat(beat)
		watch.change(secretOf("b", fmt.Sprint(beat, want), 1))
		untilGet(t, store, "b", fmt.Sprint(beat, want))
		if answer, err := store.Get("a"); err != nil || answer.Age != want {
			t.Fatalf("got %+v, %v", answer, err)
		}
	}
	scene.clock.advance(9 * time.Second)
	ageAfter(1_000, 9*time.Second)
	scene.clock.advance(9 * time.Second)
	ageAfter(1_009, 9*time.Second)
	// The manager is down: the broker's time stands still.
	scene.clock.advance(9 * time.Second)
	ageAfter(1_009, 18*time.Second)
}

func TestAStoreAsksAgainWhenHalfItsBoundHasPassed(t *testing.T) {
	scene := newScene(t)
	store, watch := scene.open(secretOf("a", "one", 1))
	for range 2 {
		scene.clock.await(t, 1)
		scene.clock.advance(15 * time.Second)
	}
	asked := watch.subscription()
	if len(asked.GetNames()) != 2 || len(asked.GetKnownVersions()) != 0 {
		t.Fatalf("asked %v", asked)
	}
	watch.sync()
	untilGet(t, store, "a", "one")
}

func TestAStoreResumesWithWhatItHoldsAndDropsWhatIsGone(t *testing.T) {
	scene := newScene(t)
	unversioned := secretOf("b", "two", 0)
	store, watch := scene.open(secretOf("a", "one", 3), unversioned)
	watch.end <- status.Error(codes.Unavailable, "stopping")
	// One looks out for a watch that has gone quiet, the other waits to come back.
	scene.clock.await(t, 2)
	scene.clock.advance(200 * time.Millisecond)
	again := scene.watch()
	if known := again.subscription().GetKnownVersions(); len(known) != 1 || known["a"] != 3 {
		t.Fatalf("claimed %v", known)
	}
	again.sync()
	untilGet(t, store, "b", "SECRET_NOT_FOUND")
	untilGet(t, store, "a", "one")
}

func TestWhoeverMayNotWatchAnyMoreKeepsNothing(t *testing.T) {
	scene := newScene(t)
	store, watch := scene.open(secretOf("a", "one", 1))
	watch.end <- status.Error(codes.PermissionDenied, "no")
	untilGet(t, store, "a", "POLICY_DENIED")
	if known, unclaimed := store.claims(); len(known)+len(unclaimed) != 0 {
		t.Fatalf("still holds %v %v", known, unclaimed)
	}
}

func TestATokenThatCannotBeReadTakesNothingAway(t *testing.T) {
	scene := newScene(t)
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("sbt_placeholder")
	client, err := Open(scene.address, WithTokenFile(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	scene.client = client
	store, watch := scene.open(secretOf("a", "one", 1))
	watch.end <- status.Error(codes.Unavailable, "stopping")
	for _, lose := range []func(){func() { _ = os.Remove(path) }, func() { write("") }} {
		lose()
		// One looks out for a watch that has gone quiet, the other waits to come back.
		scene.clock.await(t, 2)
		scene.clock.advance(5 * time.Second)
		scene.clock.await(t, 2)
		store.guard.RLock()
		failure := store.failure
		store.guard.RUnlock()
		if !errors.Is(failure, IdentityUnavailable) {
			t.Fatalf("got %v", failure)
		}
		if answer, err := store.Get("a"); err != nil || answer.ServedFrom != ServedFromStale {
			t.Fatalf("got %+v, %v", answer, err)
		}
	}
	write("sbt_placeholder")
	scene.clock.advance(5 * time.Second)
	again := scene.watch()
	if known := again.subscription().GetKnownVersions(); known["a"] != 1 {
		t.Fatalf("claimed %v", known)
	}
	again.sync()
	untilGet(t, store, "a", "one")
}

func TestAVersionInUseIsAcknowledged(t *testing.T) {
	scene := newScene(t)
	store, watch := scene.open(secretOf("a", "one", 4))
	if ack := watch.ack(); ack.GetName() != "a" || ack.GetVersion() != 4 {
		t.Fatalf("got %v", ack)
	}
	removal := &pb.WatchRemoval{Name: "a"}
	watch.send(&pb.WatchSecretsResponse{Event: &pb.WatchSecretsResponse_Removal{Removal: removal}})
	if ack := watch.ack(); ack.GetName() != "a" || ack.GetVersion() != 0 {
		t.Fatalf("got %v", ack)
	}
	untilGet(t, store, "a", "SECRET_NOT_FOUND")
}

func TestAnExpiredSecretIsNotAnswered(t *testing.T) {
	scene := newScene(t)
	secret := secretOf("a", "one", 1)
	secret.ExpireTime = timestamppb.New(scene.clock.now().Add(10 * time.Second))
	store, _ := scene.open(secret)
	untilGet(t, store, "a", "one")
	scene.clock.advance(10 * time.Second)
	untilGet(t, store, "a", "SECRET_NOT_FOUND")
}

func TestOpeningFailsAsTheBrokerDoes(t *testing.T) {
	scene := newScene(t)
	failed := make(chan error, 1)
	go func() {
		_, err := scene.client.OpenStore(t.Context(), StoreOptions{Names: []string{"a"}})
		failed <- err
	}()
	scene.watch().end <- status.Error(codes.PermissionDenied, "no")
	if err := wait(t, failed); !errors.Is(err, PolicyDenied) {
		t.Fatalf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := scene.client.OpenStore(ctx, StoreOptions{Names: []string{"a"}}); !errors.Is(err, CallCancelled) {
		t.Fatalf("got %v", err)
	}
	if _, err := scene.client.OpenStore(t.Context(), StoreOptions{}); !errors.Is(err, FieldInvalid) {
		t.Fatalf("got %v", err)
	}
}

func TestAClosedStoreForgets(t *testing.T) {
	scene := newScene(t)
	store, _ := scene.open(secretOf("a", "one", 1))
	store.Close()
	store.Close()
	if _, err := store.Get("a"); !errors.Is(err, CallCancelled) {
		t.Fatalf("got %v", err)
	}
	if _, err := store.Get("c"); !errors.Is(err, FieldInvalid) {
		t.Fatalf("got %v", err)
	}
}
