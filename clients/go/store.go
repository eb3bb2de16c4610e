package secretbroker

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
)

const defaultMaxStaleness = time.Minute

// StoreOptions is what a store holds, and for how long it answers from memory alone.
type StoreOptions struct {
	// Names are held whether they exist yet or not. At most 1,000.
	Names []string
	// Prefixes are held with whatever appears under them. At most 100.
	Prefixes []string
	// MaxStaleness bounds how old an answer may be; a minute when 0. The store asks the broker again whenever half of it
	// has passed without a sign that nothing has changed.
	MaxStaleness time.Duration
	// OnChange is called with the name of each secret that changed or went, one after the other. It must neither
	// wait nor close the store.
	OnChange func(name string)
}

// Store holds secrets in memory and a watch keeps them current. It must be closed.
type Store struct {
	client  *Client
	options StoreOptions
	names   map[string]struct{}
	clock   clock
	cancel  context.CancelFunc
	// opened is closed with the first sync, or the first refusal.
	opened chan struct{}
	open   sync.Once
	done   chan struct{}

	guard sync.RWMutex
	held  map[string]Secret
	// asOf is when what is held was last known to be current; zero before the first sync.
	asOf time.Time
	// failure is why nothing is being watched now; nil while it is.
	failure error
	// isRefused tells that the caller may hold nothing, for the reason in failure.
	isRefused bool
	isClosed  bool
}

// clock is time, which tests drive by hand.
type clock struct {
	now   func() time.Time
	after func(time.Duration) <-chan time.Time
}

// OpenStore begins to watch, and returns once everything that exists is held. The context bounds only the opening; where
// it has no deadline the client's timeout does.
func (c *Client) OpenStore(ctx context.Context, options StoreOptions) (*Store, error) {
	return c.openStore(ctx, options, clock{now: time.Now, after: time.After})
}

func (c *Client) openStore(ctx context.Context, options StoreOptions, clock clock) (*Store, error) {
	if len(options.Names) == 0 && len(options.Prefixes) == 0 {
		return nil, invalidField("names", "must name something to hold, unless prefixes do")
	}
	if options.MaxStaleness < 0 {
		return nil, invalidField("max_staleness", "must not be negative")
	}
	if options.MaxStaleness == 0 {
		options.MaxStaleness = defaultMaxStaleness
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	store := &Store{
		client:  c,
		options: options,
		names:   make(map[string]struct{}, len(options.Names)),
		clock:   clock,
		cancel:  cancel,
		opened:  make(chan struct{}),
		done:    make(chan struct{}),
		held:    map[string]Secret{},
	}
	for _, name := range options.Names {
		store.names[name] = struct{}{}
	}
	go store.run(running)
	ctx, stop := c.bounded(ctx)
	defer stop()
	select {
	case <-store.opened:
	case <-ctx.Done():
	}
	if err := store.openingFailure(ctx); err != nil {
		store.Close()
		return nil, err
	}
	return store, nil
}

func (s *Store) openingFailure(ctx context.Context) error {
	s.guard.RLock()
	defer s.guard.RUnlock()
	if s.isRefused {
		return s.failure
	}
	if !s.asOf.IsZero() {
		return nil
	}
	if s.failure != nil {
		return s.failure
	}
	code := codes.DeadlineExceeded
	if ctx.Err() == context.Canceled {
		code = codes.Canceled
	}
	return &Error{Reason: reasonOf(code), Code: code, Message: "the broker did not send all of the store in time"}
}

// Get answers from memory, with the Age of the answer. Past MaxStaleness it fails with StaleTooOld: an answer that may be
// out of date beyond the bound is never given.
func (s *Store) Get(name string) (*Answer, error) {
	if !s.covers(name) {
		return nil, invalidField("name", "is not among the names and prefixes of the store")
	}
	s.guard.RLock()
	defer s.guard.RUnlock()
	switch {
	case s.isClosed:
		return nil, &Error{Reason: CallCancelled, Code: codes.Canceled, Message: "the store is closed"}
	case s.isRefused:
		return nil, s.failure
	}
	now := s.clock.now()
	age := now.Sub(s.asOf)
	if age > s.options.MaxStaleness {
		return nil, s.tooOld(name, age)
	}
	secret, found := s.held[name]
	if !found || (!secret.ExpireTime.IsZero() && !now.Before(secret.ExpireTime)) {
		return nil, absent(name)
	}
	secret.Tags = maps.Clone(secret.Tags)
	servedFrom := ServedFromCache
	if s.failure != nil {
		servedFrom = ServedFromStale
	}
	return &Answer{Secret: secret, ServedFrom: servedFrom, Age: age}, nil
}

// Close ends the watch and forgets every secret. Idempotent.
func (s *Store) Close() {
	s.cancel()
	<-s.done
	s.guard.Lock()
	defer s.guard.Unlock()
	s.isClosed = true
	clear(s.held)
}

func (s *Store) covers(name string) bool {
	if _, found := s.names[name]; found {
		return true
	}
	for _, prefix := range s.options.Prefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func (s *Store) tooOld(name string, age time.Duration) error {
	message := fmt.Sprintf("what is held of %q was last known to be current %s ago", name, age.Round(time.Millisecond))
	if s.failure != nil {
		message += "; the watch failed: " + s.failure.Error()
	}
	return &Error{
		Reason:   StaleTooOld,
		Code:     codes.Unavailable,
		Message:  message,
		Metadata: map[string]string{"name": name, "age": age.String()},
	}
}

func absent(name string) error {
	return &Error{
		Reason:   SecretNotFound,
		Code:     codes.NotFound,
		Message:  fmt.Sprintf("there is no secret %q", name),
		Metadata: map[string]string{"name": name},
	}
}
