package simulate

import (
	"fmt"
	"math/rand/v2"
	"time"

	"exchange/book"
	"exchange/rdmaio/sim"
)

// world is one run.
type world struct {
	o        Options
	plan     plan
	rng      *rand.Rand
	net      *sim.Network
	replicas []*replica
	clients  []*client
	truth    truth

	pace        int64 // mean time from one turn of a replica to the next
	think       int64 // how long a client waits at most before its next request
	steps       int
	hash        uint64
	faults      [faultKinds]int
	came        [cameKinds]int
	leaders     together
	candidates  together
	leaderships int
	lastApplied int64
	settling    bool
	quota       int // how many requests each client may have made by now
	// ballast is what a leader is given to write until ballastUntil, commands a turn; ambush is what happens as soon as a leader has something undecided.
	ballast      int
	ballastUntil int64
	written      uint64 // offset behind everything that any leader ever wrote
	wrapped      uint64 // offset up to which the log has to be decided before anything is settled
	ambush       func(leader *replica)
	// whenIdle: the ambush is when a leader that takes orders has nothing undecided. Until hushUntil clients ask for nothing new.
	whenIdle  bool
	hushUntil int64
	fail      *failure
}

type failure struct {
	text  string
	stuck bool
}

// violated ends the run: something does not hold that must.
func (w *world) violated(format string, args ...any) {
	if w.fail == nil {
		w.fail = &failure{text: fmt.Sprintf(format, args...)}
		w.say(0, "VIOLATED: %s", w.fail.text)
	}
}

// Run plays a seed.
func Run(seed uint64, o Options) Result {
	w := &world{o: o, rng: rand.New(rand.NewPCG(seed, 0x6d75)), truth: newTruth()}
	w.plan = drawPlan(w.rng, &w.o)
	w.net = sim.New(w.plan.fabric)
	w.pace, w.think, w.quota = w.plan.heartbeat/10, 10*w.plan.heartbeat, w.plan.requests-w.plan.later
	for id := 1; id <= w.plan.size; id++ {
		r := &replica{w: w, id: id}
		w.replicas = append(w.replicas, r)
		r.start()
	}
	for k := range w.plan.clients {
		w.clients = append(w.clients, w.newClient(k))
	}
	w.suffer()
	w.mend()
	w.settle("all was mended")
	w.endure()
	w.mend()
	w.settle("all was mended again")
	if w.fail == nil {
		w.checkEnd()
	}
	w.tallyAll()
	res := Result{
		Seed: seed, Replicas: w.plan.size, Steps: w.steps, Virtual: time.Duration(w.net.Now()), Faults: w.faults, Came: w.came,
		Commands: len(w.truth.commands) - 1, Leaders: w.leaderships,
	}
	for _, c := range w.clients {
		res.Answered += len(c.operations) - c.waiting
		res.operations = append(res.operations, c.operations...)
		res.told = append(res.told, c.heard...)
	}
	if w.fail != nil {
		res.Violation, res.Stuck = w.fail.text, w.fail.stuck
	}
	w.mix(uint64(w.steps), uint64(w.net.Now()))
	w.mix(uint64(res.Answered), uint64(w.leaderships))
	res.Hash = w.hash
	return res
}

// mix takes something that happened into the run's hash.
func (w *world) mix(a, b uint64) {
	x := (w.hash ^ a) * 0x9e3779b97f4a7c15
	x = (x ^ x>>29 ^ b) * 0xbf58476d1ce4e5b9
	w.hash = x ^ x>>32
}

// turnsPerPhase is about how many turns each replica takes between two faults, however much time that is.
const turnsPerPhase = 120

// suffer lets faults happen, with some time after each.
func (w *world) suffer() {
	w.run(w.net.Now() + w.plan.heartbeat*int64(20+w.rng.IntN(60)))
	for n := 0; n < w.plan.faults && w.fail == nil; n++ {
		kind := fault(w.rng.IntN(int(faultKinds)))
		for range 1 + w.rng.IntN(2) {
			if w.inflict(kind) {
				w.faults[kind]++
			}
			if w.rng.IntN(3) > 0 {
				break
			}
			kind = fault(w.rng.IntN(int(faultKinds)))
		}
		w.lookClosely(kind)
		phase := w.plan.heartbeat
		for range w.rng.IntN(7) {
			phase *= 3
		}
		phase += w.rng.Int64N(phase)
		w.pace = max(w.plan.heartbeat/50, phase/turnsPerPhase)
		w.think = 1 + w.rng.Int64N(phase)/4
		w.run(w.net.Now() + phase)
	}
}

// lookClosely lets the time after a fault that comes about within a few heartbeats go by in small steps.
func (w *world) lookClosely(kind fault) {
	switch kind {
	case flap, rivals, unfencedLeader, loneLate, lateFollower, handOver, ambushCrash, ambushPause, ambushCut:
		w.pace, w.think = w.plan.heartbeat/20, w.plan.heartbeat
		w.run(w.net.Now() + 12*w.plan.heartbeat)
	case lateWrites:
		w.pace, w.think = w.plan.heartbeat/20, w.plan.heartbeat
		w.run(w.net.Now() + 24*w.plan.heartbeat)
	case succession:
		w.pace, w.think = w.plan.heartbeat/6, w.plan.heartbeat
		w.run(w.net.Now() + 150*w.plan.heartbeat)
	}
}

// run lets everything happen up to a time.
func (w *world) run(until int64) {
	for w.fail == nil {
		var first *replica
		var who *client
		at := until
		for _, r := range w.replicas {
			due := max(r.due, r.pausedUntil)
			if r.v == nil {
				due = r.restartAt
			}
			if due < at {
				first, at = r, due
			}
		}
		for _, c := range w.clients {
			if c.due < at {
				first, who, at = nil, c, c.due
			}
		}
		w.net.RunUntil(at)
		switch {
		case who != nil:
			w.steps++
			who.due = at + 1 + w.pace + w.rng.Int64N(3*w.pace)
			who.step()
		case first != nil && first.v == nil:
			w.say(first.id, "starts again, without its memory")
			first.start()
		case first != nil:
			w.steps++
			first.due = at + 1 + w.pace/2 + w.rng.Int64N(w.pace)
			first.turn()
			w.afterTurn(first)
		default:
			return
		}
	}
}

// afterTurn gives a leader ballast, and springs an ambush.
func (w *world) afterTurn(r *replica) {
	if w.fail != nil || !r.v.Node().Leading() {
		return
	}
	if w.ambush != nil && (r.v.Node().Undecided() > 0) != w.whenIdle && (!w.whenIdle || r.v.Serving()) {
		spring := w.ambush
		if w.rng.IntN(2) == 0 {
			w.ambush = nil // and otherwise the next leader comes to the same
		}
		spring(r)
		return
	}
	if w.ballastUntil > w.net.Now() && r.v.Serving() {
		for range w.rng.IntN(w.ballast + 1) {
			if r.v.Waiting() > inboxSize/8 {
				return
			}
			c := book.Command{Kind: book.Tick}
			_ = w.rng.IntN(3) == 0 && copy(c.ClientID[:], "ballast that makes an entry longer") > 0
			r.v.Submit(&c)
		}
	}
}

// soon is within the next few moments, when an end of a connection finds out that it is broken.
func (w *world) soon() int64 { return w.net.Now() + w.rng.Int64N(8*w.plan.heartbeat) }

// delay is how long bytes of a client take.
func (w *world) delay() int64 { return 1000 + w.rng.Int64N(w.plan.heartbeat/2) }
