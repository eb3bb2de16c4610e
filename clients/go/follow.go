package secretbroker

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
)

const (
	firstRetry   = 100 * time.Millisecond
	longestRetry = 5 * time.Second
	// maxKnown is how many versions a subscription may claim.
	maxKnown = 10_000
)

// run keeps a watch going until the store is closed.
func (s *Store) run(ctx context.Context) {
	defer close(s.done)
	wait := firstRetry
	for ctx.Err() == nil {
		hasSynced, err := s.follow(ctx)
		if hasSynced {
			wait = firstRetry
		}
		if ctx.Err() != nil {
			return
		}
		s.lose(err)
		select {
		case <-ctx.Done():
		case <-s.clock.after(pause(wait, err)):
		}
		wait = min(2*wait, longestRetry)
	}
}

// pause spreads many stores that lost one broker, and waits as long as the broker asks.
func pause(wait time.Duration, err error) time.Duration {
	spread := wait/2 + rand.N(wait)
	if failure := (*Error)(nil); errors.As(err, &failure) {
		return max(spread, min(failure.RetryDelay, time.Minute))
	}
	return spread
}

// follow watches until the stream ends; it tells whether the store was current meanwhile, and why it ended.
func (s *Store) follow(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	known, unclaimed := s.claims()
	currency := newCurrency(s.clock.now())
	watch, err := s.client.Watch(ctx, Subscription{Names: s.options.Names, Prefixes: s.options.Prefixes, Known: known})
	if err != nil {
		return false, err
	}
	acks := newAcks()
	go acks.send(ctx, watch)
	go s.keepCurrent(ctx, cancel, watch, currency)
	hasSynced := false
	for {
		event, err := watch.Next()
		if err != nil {
			return hasSynced, err
		}
		currency.heard(s.clock.now())
		switch event.Kind {
		case Changed:
			delete(unclaimed, event.Name)
			s.hold(*event.Secret)
			// 0 would say that it was dropped; a manager without versions has none to acknowledge.
			if event.Secret.Version > 0 {
				acks.add(event.Name, event.Secret.Version)
			}
		case Removed:
			delete(unclaimed, event.Name)
			s.drop(event.Name)
			acks.add(event.Name, 0)
		case Synced:
			// What could not be claimed, and was not sent again, is gone.
			for name := range unclaimed {
				s.drop(name)
			}
			unclaimed = nil
			hasSynced = true
			s.prove(currency.synced())
		case Heartbeat:
			s.prove(currency.beat(event.CurrentTime, s.clock.now()))
		}
	}
}

// keepCurrent asks again for everything when no sign came that nothing has changed, and ends a watch that has gone quiet.
func (s *Store) keepCurrent(ctx context.Context, end context.CancelFunc, watch *Watch, currency *currency) {
	bound := s.options.MaxStaleness
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.clock.after(bound / 4):
		}
		now := s.clock.now()
		switch {
		case currency.isQuiet(now, bound):
			end()
			return
		case now.Sub(s.currentAsOf()) >= bound/2 && currency.ask(now):
			// Sending to a broker that is gone may wait, and this must go on to notice. An error ends the stream too, and
			// Next tells of it.
			go func() {
				_ = watch.Subscribe(Subscription{Names: s.options.Names, Prefixes: s.options.Prefixes})
			}()
		}
	}
}

// claims are the versions to claim from before, and the names that cannot be claimed.
func (s *Store) claims() (map[string]Known, map[string]struct{}) {
	s.guard.RLock()
	defer s.guard.RUnlock()
	known, unclaimed := map[string]Known{}, map[string]struct{}{}
	for name, secret := range s.held {
		if secret.Version == 0 || len(known) == maxKnown {
			unclaimed[name] = struct{}{}
		} else {
			known[name] = Known{UID: secret.UID, Version: secret.Version}
		}
	}
	return known, unclaimed
}

func (s *Store) hold(secret Secret) {
	s.guard.Lock()
	s.held[secret.Name] = secret
	s.guard.Unlock()
	s.tell(secret.Name)
}

func (s *Store) drop(name string) {
	s.guard.Lock()
	_, found := s.held[name]
	delete(s.held, name)
	s.guard.Unlock()
	if found {
		s.tell(name)
	}
}

func (s *Store) tell(name string) {
	if s.options.OnChange != nil {
		s.options.OnChange(name)
	}
}

func (s *Store) currentAsOf() time.Time {
	s.guard.RLock()
	defer s.guard.RUnlock()
	return s.asOf
}

// prove notes that what is held was current at a time; a zero time proves nothing.
func (s *Store) prove(asOf time.Time) {
	s.guard.Lock()
	if !asOf.IsZero() {
		s.failure, s.isRefused = nil, false
	}
	if asOf.After(s.asOf) {
		s.asOf = asOf
	}
	isCurrent := !s.asOf.IsZero()
	s.guard.Unlock()
	if isCurrent {
		s.open.Do(func() { close(s.opened) })
	}
}

// lose notes why the watch ended. Whoever may not watch any more keeps nothing.
func (s *Store) lose(err error) {
	refused := isRefusal(err)
	var dropped []string
	s.guard.Lock()
	s.failure, s.isRefused = err, refused
	if refused {
		for name := range s.held {
			dropped = append(dropped, name)
		}
		clear(s.held)
	}
	s.guard.Unlock()
	for _, name := range dropped {
		s.tell(name)
	}
	if refused {
		s.open.Do(func() { close(s.opened) })
	}
}

func isRefusal(err error) bool {
	failure := (*Error)(nil)
	if !errors.As(err, &failure) {
		return false
	}
	switch failure.Code {
	case codes.PermissionDenied, codes.Unauthenticated, codes.InvalidArgument, codes.NotFound, codes.Unimplemented:
		return true
	default:
		return false
	}
}
