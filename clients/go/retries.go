package secretbroker

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
)

// RetryOptions is how calls that may be repeated are tried again: those that only read, and changes that carry an
// IdempotencyID. What is 0 is as it is unless given.
type RetryOptions struct {
	// Attempts is how often a call is tried at most, 1 to 10; 3 unless given, 1 is once only.
	Attempts int
	// BaseDelay is the longest pause before the second attempt; 100 milliseconds unless given. It doubles with each one.
	BaseDelay time.Duration
	// MaxDelay is the longest pause of all, unless the broker asks for a longer one; 2 seconds unless given.
	MaxDelay time.Duration
}

const (
	maxAttempts = 10
	// A broken broker is not asked much more often than a whole one: so many retries at once, and one for ten answers.
	retryBudget     = 10.0
	refillPerAnswer = 0.1
)

// WithRetries sets how calls that may be repeated are tried again.
func WithRetries(options RetryOptions) Option {
	return func(s *settings) error {
		if options.Attempts < 0 || options.Attempts > maxAttempts {
			return invalidField("retry.attempts", "must be a whole number from 1 to 10")
		}
		filled := options.filled()
		if filled.BaseDelay < 0 || filled.MaxDelay < filled.BaseDelay {
			return invalidField("retry.base_delay", "must not be negative, and not be above retry.max_delay")
		}
		s.retries = options
		return nil
	}
}

func (o RetryOptions) filled() RetryOptions {
	if o.Attempts == 0 {
		o.Attempts = 3
	}
	if o.BaseDelay == 0 {
		o.BaseDelay = 100 * time.Millisecond
	}
	if o.MaxDelay == 0 {
		o.MaxDelay = max(2*time.Second, o.BaseDelay)
	}
	return o
}

// retries decides whether and when a failed call is tried again, within a budget for all calls of a client.
type retries struct {
	options RetryOptions
	// spread is a number from 0 to 1.
	spread func() float64
	guard  sync.Mutex
	budget float64
}

func newRetries(options RetryOptions) *retries {
	return &retries{options: options.filled(), spread: rand.Float64, budget: retryBudget}
}

func (r *retries) noteAnswer() {
	r.guard.Lock()
	defer r.guard.Unlock()
	r.budget = min(r.budget+refillPerAnswer, retryBudget)
}

func (r *retries) spend() bool {
	r.guard.Lock()
	defer r.guard.Unlock()
	if r.budget < 1 {
		return false
	}
	r.budget--
	return true
}

// delayAfter is how long to wait after so many attempts, where so much time is left; false when that was the last.
func (r *retries) delayAfter(failure *Error, attempt int, remaining time.Duration) (time.Duration, bool) {
	if attempt >= r.options.Attempts || !passes(failure.Reason) {
		return 0, false
	}
	longest := r.options.BaseDelay
	for doubled := 1; doubled < attempt && longest < r.options.MaxDelay; doubled++ {
		longest *= 2
	}
	delay := time.Duration(float64(min(longest, r.options.MaxDelay)) * r.spread())
	if failure.RetryDelay >= remaining {
		return 0, false
	}
	if failure.RetryDelay > 0 {
		// What the broker asks for is the least; those who were told the same do not come back together.
		delay = time.Duration(float64(failure.RetryDelay) * (1 + r.spread()/10))
	}
	return delay, delay < remaining && r.spend()
}

// passes tells whether a failure passes by itself; docs/errors.md says so of each.
func passes(reason Reason) bool {
	switch reason {
	case RateLimited, ManagerQuota, ManagerUnavailable, BreakerOpen, StaleTooOld, AuditUnavailable, IdentityUnavailable,
		ManagerTimeout, CallCancelled:
		return true
	default:
		return false
	}
}

// pauseAfter waits before the next attempt. It gives the error that the call ends with instead, if it does.
func (c *Client) pauseAfter(ctx context.Context, err error, attempt int) error {
	failure := (*Error)(nil)
	if !errors.As(err, &failure) || c.isClosed() {
		return err
	}
	if ctx.Err() != nil {
		return orCancelled(ctx, failure)
	}
	deadline, _ := ctx.Deadline()
	delay, again := c.retries.delayAfter(failure, attempt, time.Until(deadline))
	if !again {
		return err
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.closed:
		return err
	case <-ctx.Done():
		return orCancelled(ctx, failure)
	}
}

// orCancelled gives the failure of a call that is over, unless its caller ended it.
func orCancelled(ctx context.Context, failure *Error) error {
	if ctx.Err() != context.Canceled || failure.Code == codes.Canceled {
		return failure
	}
	return &Error{Reason: CallCancelled, Code: codes.Canceled, Message: "the call was cancelled; before that: " + failure.Message}
}

func (c *Client) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}
