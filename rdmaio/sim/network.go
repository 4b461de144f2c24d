package sim

import (
	"fmt"
	"math/rand/v2"

	"exchange/rdmaio"
)

// Config says how the fabric behaves. Times are nanoseconds of virtual time. The zero value is a fabric without delay in which
// everything still happens one event after the other.
type Config struct {
	// Seed decides everything that is left to chance.
	Seed uint64
	// MinLatency and MaxLatency bound one way of one request or answer, drawn evenly between them.
	MinLatency, MaxLatency int64
	// RetryTime is how long a pair may wait for an answer before the request completes as RetryExceeded. It is more than four
	// times MaxLatency. Zero: DefaultRetryTime.
	RetryTime int64
	// MinNotice and MaxNotice bound the time from a death to PeerDown at a peer.
	MinNotice, MaxNotice int64
	// TornWrite is the probability, 0 to 1, that a WRITE longer than a word becomes visible in two steps, and that one which
	// its process did not survive lands in part.
	TornWrite float64
	// SendQueue is how many requests one pair holds. Zero: DefaultSendQueue.
	SendQueue int
}

const (
	// DefaultRetryTime is four milliseconds, near what a card with its usual timeouts takes.
	DefaultRetryTime = 4_000_000
	// DefaultSendQueue is the depth of a send queue when Config does not say.
	DefaultSendQueue = 256
	// MaxLocalAllocs bounds how often AllocLocal may be called on one provider.
	MaxLocalAllocs = 64

	retransmitsPerRetryTime = 8
)

// Network is the fabric: its processes, its links and its clock.
type Network struct {
	cfg   Config
	rng   *rand.Rand
	now   int64
	seq   uint64
	queue []event
	procs [rdmaio.MaxNodes + 1]*Provider
	cut   [rdmaio.MaxNodes + 1][rdmaio.MaxNodes + 1]bool
	delay [rdmaio.MaxNodes + 1][rdmaio.MaxNodes + 1]int64
	// torn and refused count WRITEs by protection domain: see Placed.
	torn, refused [rdmaio.MaxPDs]uint64
	unfenc        [rdmaio.MaxNodes + 1][rdmaio.MaxNodes + 1]bool
}

// New makes an empty fabric at time zero. A configuration that contradicts itself panics.
func New(cfg Config) *Network {
	if cfg.RetryTime == 0 {
		cfg.RetryTime = DefaultRetryTime
	}
	if cfg.SendQueue == 0 {
		cfg.SendQueue = DefaultSendQueue
	}
	switch {
	case cfg.MinLatency < 0 || cfg.MaxLatency < cfg.MinLatency:
		panic(fmt.Sprintf("sim: latency from %d to %d", cfg.MinLatency, cfg.MaxLatency))
	case cfg.MinNotice < 0 || cfg.MaxNotice < cfg.MinNotice:
		panic(fmt.Sprintf("sim: notice from %d to %d", cfg.MinNotice, cfg.MaxNotice))
	case cfg.RetryTime <= 4*cfg.MaxLatency:
		panic(fmt.Sprintf("sim: retry time %d within two round trips of up to %d", cfg.RetryTime, 2*cfg.MaxLatency))
	case cfg.SendQueue < 1 || cfg.TornWrite < 0 || cfg.TornWrite > 1:
		panic(fmt.Sprintf("sim: send queue of %d, torn write probability %v", cfg.SendQueue, cfg.TornWrite))
	}
	return &Network{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, cfg.Seed^0x9e3779b97f4a7c15))}
}

// Provider starts the process id. Its incarnation must be above that of every earlier process of this id, which must be dead.
func (n *Network) Provider(id rdmaio.NodeID, incarnation uint64) *Provider {
	if id < 1 || id > rdmaio.MaxNodes || incarnation == 0 {
		panic(fmt.Sprintf("sim: process %d incarnation %d", id, incarnation))
	}
	if old := n.procs[id]; old != nil && (!old.dead || old.incarnation >= incarnation) {
		panic(fmt.Sprintf("sim: process %d incarnation %d starts over incarnation %d (dead: %v)", id, incarnation, old.incarnation, old.dead))
	}
	p := &Provider{net: n, id: id, incarnation: incarnation}
	n.procs[id] = p
	n.introduce(id)
	return p
}

// Now is the virtual time in nanoseconds.
func (n *Network) Now() int64 { return n.now }

// Schedule runs f at the virtual time at (or now, if that has passed), in order with everything else.
func (n *Network) Schedule(at int64, f func()) {
	n.push(event{at: at, kind: callDriver, call: f})
}

// Next is the time of the next event, and whether there is one.
func (n *Network) Next() (at int64, ok bool) {
	if len(n.queue) == 0 {
		return 0, false
	}
	return n.queue[0].at, true
}

// Step runs the next event and moves the clock to it. It reports whether there was one.
func (n *Network) Step() bool {
	if len(n.queue) == 0 {
		return false
	}
	e := n.pop()
	n.now = e.at
	n.run(&e)
	return true
}

// RunUntil runs every event up to and including the time t and sets the clock to t.
func (n *Network) RunUntil(t int64) {
	for len(n.queue) > 0 && n.queue[0].at <= t {
		n.Step()
	}
	n.now = max(n.now, t)
}

// latency draws the time of one way between two processes.
func (n *Network) latency(from, to rdmaio.NodeID) int64 {
	return n.between(n.cfg.MinLatency, n.cfg.MaxLatency) + n.delay[from][to]
}

func (n *Network) between(lo, hi int64) int64 {
	if lo == hi {
		return lo
	}
	return lo + n.rng.Int64N(hi-lo+1)
}

func (n *Network) connected(a, b rdmaio.NodeID) bool { return !n.cut[a][b] && !n.cut[b][a] }
