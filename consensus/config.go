package consensus

import (
	"errors"
	"fmt"

	"exchange/rdmaio"
)

// Config is what a node is told. Zero timings and bounds mean the defaults.
type Config struct {
	Local   rdmaio.NodeID
	Members []rdmaio.NodeID
	// Incarnation is which start of this member this is, from 1.
	Incarnation uint64
	// Learner: this start has lost the memory of an earlier one, so it does not vote until a leader has brought it up.
	Learner bool

	// LogBytes is the circular log, a power of two. It and WindowBytes must be the same at all members: others are not led, and do not lead.
	LogBytes int
	// MaxPayload bounds one entry.
	MaxPayload int
	// WindowBytes bounds what is written and not decided; a new leader reads that much of every tail.
	WindowBytes int

	// HeartbeatInterval is the time between two READs of each other's counter, ns.
	HeartbeatInterval int64
	// CommitPush is how long the last entry may stay unseen by followers when nothing follows it, ns.
	CommitPush int64
	// MaxLogPin is how long a slow follower may keep the log from being recycled before it is dropped, ns.
	MaxLogPin int64
}

// Scores of the pull-score election (paper, section 5.1): up by one for a READ that saw the counter change, down by one for one that did not.
const (
	scoreMax   = 15
	scoreDead  = 2 // below: failed
	scoreAlive = 6 // above: alive again
)

// Defaults of Config: a profile for machines that share their processors, where a busy thread may stand still for tens of milliseconds.
const (
	DefaultLogBytes          = 4 << 20
	DefaultMaxPayload        = 32 << 10
	DefaultWindowBytes       = 256 << 10
	DefaultHeartbeatInterval = 7_000_000
	DefaultCommitPush        = 20_000
	DefaultMaxLogPin         = 1_000_000_000
)

func (c *Config) complete() error {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	set64 := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	set(&c.LogBytes, DefaultLogBytes)
	set(&c.MaxPayload, min(DefaultMaxPayload, c.LogBytes/16))
	set(&c.WindowBytes, max(min(DefaultWindowBytes, c.LogBytes/8), 2*(c.MaxPayload+2*align)))
	set64(&c.HeartbeatInterval, DefaultHeartbeatInterval)
	set64(&c.CommitPush, DefaultCommitPush)
	set64(&c.MaxLogPin, DefaultMaxLogPin)
	switch {
	case c.LogBytes&(c.LogBytes-1) != 0 || c.LogBytes < 1<<12:
		return fmt.Errorf("consensus: LogBytes %d: a power of two from 4096 is needed", c.LogBytes)
	case c.MaxPayload+2*align > c.WindowBytes || 4*c.WindowBytes > c.LogBytes:
		return fmt.Errorf("consensus: MaxPayload %d, WindowBytes %d, LogBytes %d: an entry must fit the window, and four windows the log", c.MaxPayload, c.WindowBytes, c.LogBytes)
	case c.Incarnation == 0:
		return errors.New("consensus: Incarnation 0: they count from 1")
	case len(c.Members)%2 == 0:
		return fmt.Errorf("consensus: %d members: an odd number is needed", len(c.Members))
	}
	seen := map[rdmaio.NodeID]bool{}
	for _, m := range c.Members {
		if m < 1 || m > rdmaio.MaxNodes || seen[m] {
			return fmt.Errorf("consensus: member %d: 1 to %d, each once", m, rdmaio.MaxNodes)
		}
		seen[m] = true
	}
	if !seen[c.Local] {
		return fmt.Errorf("consensus: node %d is not a member", c.Local)
	}
	return nil
}

// layout is what must be the same at all members.
func (c *Config) layout() uint64 { return uint64(c.LogBytes)<<32 | uint64(c.WindowBytes) }

// Errors of Propose.
var (
	// ErrNotLeader: this node does not lead; nothing was done.
	ErrNotLeader = errors.New("consensus: not the leader")
	// ErrBusy: the window or the log is full; nothing was done. Poll and try again.
	ErrBusy = errors.New("consensus: busy")
	// ErrTooLarge: the payload is longer than MaxPayload, or empty.
	ErrTooLarge = errors.New("consensus: payload empty or too large")
)
