package server

import (
	"time"

	"exchange/book"
)

// host is what a replica takes from the machine it runs on. A served replica has the system's; one whose loop is called has virtual time (virtual.go).
type host struct {
	// monotonic never falls, wall is the time of day in ns since the Unix epoch and may jump.
	monotonic, wall func() int64
	// pause is how a gateway waits for room.
	pause func(time.Duration)
	// fetch gets the state of another replica, without waiting for it.
	fetch func()
	// limits of the state machine; the same on every replica.
	limits book.Limits
	// applied, if not nil, is told of each command that was applied.
	applied func(c *book.Command, events []book.Event)
	// called: whoever calls the loop is the only goroutine there is.
	called bool
}

// system is the host of a served replica.
func (r *Replica) system() host {
	return host{
		monotonic: monotonic, wall: func() int64 { return time.Now().UnixNano() }, pause: time.Sleep,
		fetch: func() { go r.fetchState() }, limits: r.cfg.limits(),
	}
}
