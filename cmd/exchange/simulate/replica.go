package simulate

import (
	"bytes"
	"math"

	"exchange/book"
	"exchange/cmd/exchange/server"
	"exchange/consensus"
	"exchange/marketdata/feed"
	"exchange/rdmaio"
)

// replica is one process: at most one incarnation of it runs.
type replica struct {
	w  *world
	id int
	v  *server.Virtual // nil: dead

	incarnation uint64
	due         int64 // its next turn
	pausedUntil int64
	lost        bool  // until all is mended
	restartAt   int64 // of a dead one; never: math.MaxInt64
	clock       int64 // its wall clock is this much ahead
	links       []*link
	transfer    transfer

	// What checks compare with.
	decided    consensus.Position
	kept       []consensus.Position // where decided entries begin and end that the log still holds
	again      int                  // which of them was read again last
	orders     []book.RestingOrder
	entry      consensus.Position // applied, as last checked
	commands   uint64
	leads      bool
	published  feed.Reader
	unfence    bool
	installing bool
}

// transfer is a state on its way to a replica that asked for one.
type transfer struct {
	state []byte
	from  int
	at    int64 // when it arrives, or when another may be asked
}

const never = math.MaxInt64

// start starts the process: the first time with everything to come, later as a learner.
func (r *replica) start() {
	w := r.w
	r.incarnation++
	id := rdmaio.NodeID(r.id)
	v, err := server.OpenVirtual(server.VirtualConfig{
		Config: w.plan.config(r.id), Provider: w.net.Provider(id, r.incarnation), Incarnation: r.incarnation, Learner: r.incarnation > 1,
		Limits: marketLimits, Monotonic: w.net.Now, Wall: r.wall, Log: r.logger(), Applied: r.applied,
	})
	if err != nil {
		panic(err) // the plan makes no configuration that cannot be opened
	}
	r.v, r.pausedUntil, r.due, r.restartAt = v, 0, w.net.Now(), never
	r.kept = append(r.kept[:0], consensus.Position{})
	r.decided, r.entry, r.commands, r.leads = consensus.Position{}, consensus.Position{}, 0, false
	r.links, r.transfer = r.links[:0], transfer{}
	r.published = v.Feed().NewReader(1)
}

// epoch is the time of day at which every run begins.
const epoch = int64(1_700_000_000_000_000_000)

func (r *replica) wall() int64 { return epoch + r.w.net.Now() + r.clock }

// crash ends the process; unnoticed: nobody is told.
func (r *replica) crash(unnoticed bool) {
	if id := rdmaio.NodeID(r.id); unnoticed {
		r.w.net.CrashUnnoticed(id)
	} else {
		r.w.net.Crash(id)
	}
	r.w.tally(r)
	r.v, r.leads = nil, false
	for _, l := range r.links {
		l.at = nil
		found := r.w.soon()
		if unnoticed {
			found = never // no word comes: the client's own timers tell it
		}
		l.sever(found, never)
	}
	r.links = r.links[:0]
}

// running tells whether the process lives and gets processor time.
func (r *replica) running() bool { return r.v != nil && r.pausedUntil <= r.w.net.Now() }

// turn is one turn of the loop, and of the gateway around it.
func (r *replica) turn() {
	w, now := r.w, r.w.net.Now()
	if r.takeTransfer(now); w.fail != nil {
		return
	}
	if w.rng.IntN(4) > 0 {
		r.serveLinks(now)
	}
	if err := r.v.Turn(now); err != nil {
		w.violated("%v", err)
		return
	}
	if w.rng.IntN(4) > 0 {
		r.serveLinks(now)
	}
	r.check()
}

func (r *replica) serveLinks(now int64) {
	kept := r.links[:0]
	for _, l := range r.links {
		if !l.serve(now) {
			kept = append(kept, l)
			continue
		}
		// Closed without a word, or both ends are done with it.
		l.at = nil
		if !l.broken && !l.venueClosed {
			l.venueClosed = true
			l.clientEnd = max(l.clientEnd, now+r.w.delay())
		}
	}
	r.links = kept
}

// applied is told of each command that the state machine has applied.
func (r *replica) applied(c *book.Command, events []book.Event) {
	m := r.v.Market()
	r.commands = m.Index()
	r.w.truth.command(r, m.Index(), m.StreamHash(), c, events)
}

// takeTransfer asks another replica for its state if this one wants one, and installs it when it has come.
func (r *replica) takeTransfer(now int64) {
	if !r.v.WantsState() || now < r.transfer.at {
		return
	}
	if t := r.transfer; t.state != nil {
		r.transfer = transfer{at: now + r.w.plan.heartbeat}
		if err := r.v.TakeState(t.state); err != nil {
			r.w.say(r.id, "cannot use the state of replica %d: %v", t.from, err)
			return
		}
		r.w.say(r.id, "takes over the state of replica %d at entry %d", t.from, r.v.Applied().Index)
		r.w.came[states]++
		r.installed()
		return
	}
	s := r.w.replicas[r.w.rng.IntN(len(r.w.replicas))]
	if s == r || !s.running() || !s.v.HaveState() || r.w.net.Cut(rdmaio.NodeID(r.id), rdmaio.NodeID(s.id)) {
		r.transfer.at = now + r.w.plan.heartbeat
		return
	}
	var b bytes.Buffer
	if err := s.v.State(&b); err != nil {
		r.w.violated("replica %d gives no state: %v", s.id, err)
		return
	}
	r.transfer = transfer{state: b.Bytes(), from: s.id, at: now + r.w.rng.Int64N(4*r.w.plan.heartbeat)}
}

// installed goes on from a state that was taken over, after comparing it with what is known of that place.
func (r *replica) installed() {
	m := r.v.Market()
	r.commands = m.Index()
	r.w.truth.at(r, m.Index(), m.StreamHash())
	r.entry = r.v.Applied()
	r.decided, r.kept = r.entry, append(r.kept[:0], r.entry)
	r.w.truth.entry(r, r.entry)
	r.published = r.v.Feed().NewReader(r.v.Feed().First())
}
