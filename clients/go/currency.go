package secretbroker

import (
	"context"
	"sync"
	"time"
)

// currency finds out until when a watch is known to be current, without comparing this machine's clock with the broker's.
//
// Everything that is sent up to a sync marker was read after the subscription before it was sent. A heartbeat whose time
// differs from the one before it was made after the manager had been asked in between. So a proof is rather too old than
// too young, by one heartbeat at most.
type currency struct {
	guard sync.Mutex
	// asked is when the subscription that is being answered was sent; zero when none is.
	asked time.Time
	// heardAt is when anything came last.
	heardAt time.Time
	// beatTime and beatAt are the last heartbeat's own time, and when it came.
	beatTime time.Time
	beatAt   time.Time
}

func newCurrency(asked time.Time) *currency {
	return &currency{asked: asked, heardAt: asked}
}

func (c *currency) heard(now time.Time) {
	c.guard.Lock()
	defer c.guard.Unlock()
	c.heardAt = now
}

// ask notes that everything is asked for again, unless an answer is still due.
func (c *currency) ask(now time.Time) bool {
	c.guard.Lock()
	defer c.guard.Unlock()
	if !c.asked.IsZero() {
		return false
	}
	c.asked = now
	return true
}

// synced tells what a sync marker proves.
func (c *currency) synced() time.Time {
	c.guard.Lock()
	defer c.guard.Unlock()
	proven := c.asked
	c.asked = time.Time{}
	return proven
}

// beat tells what a heartbeat proves; nothing is a zero time.
func (c *currency) beat(brokerTime, now time.Time) time.Time {
	c.guard.Lock()
	defer c.guard.Unlock()
	var proven time.Time
	if !c.beatTime.IsZero() && !brokerTime.Equal(c.beatTime) {
		proven = c.beatAt
	}
	c.beatTime, c.beatAt = brokerTime, now
	return proven
}

// isQuiet tells whether an answer is due and nothing at all has come for too long.
func (c *currency) isQuiet(now time.Time, bound time.Duration) bool {
	c.guard.Lock()
	defer c.guard.Unlock()
	return !c.asked.IsZero() && now.Sub(c.heardAt) > bound && now.Sub(c.asked) > bound
}

// acks are versions to acknowledge. What waits grows with the number of secrets only, and whoever adds never waits for
// the stream.
type acks struct {
	guard   sync.Mutex
	waiting map[string]uint32
	wake    chan struct{}
}

func newAcks() *acks {
	return &acks{waiting: map[string]uint32{}, wake: make(chan struct{}, 1)}
}

func (a *acks) add(name string, version uint32) {
	a.guard.Lock()
	a.waiting[name] = version
	a.guard.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// send acknowledges on the watch until the context ends.
func (a *acks) send(ctx context.Context, watch *Watch) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		}
		a.guard.Lock()
		batch := a.waiting
		a.waiting = map[string]uint32{}
		a.guard.Unlock()
		for name, version := range batch {
			if watch.Ack(name, version) != nil {
				return
			}
		}
	}
}
