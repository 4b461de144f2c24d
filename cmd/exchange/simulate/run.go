package simulate

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"exchange/book"
	"exchange/cmd/exchange/trader"
	"exchange/rdmaio"
	"exchange/rdmaio/sim"
)

// Options of a run.
type Options struct {
	// Replicas is 3 or 5; 0: the seed decides.
	Replicas int
	// Trace is written a line for each thing that happens; nil: none.
	Trace io.Writer
	// Small makes a history that can be searched for an order: few requests of many clients.
	Small bool
}

// smallHistory bounds the requests of a small run.
const smallHistory = 144

// Result is what a seed came to.
type Result struct {
	Seed     uint64
	Replicas int
	// Steps is how many turns replicas and clients took, Virtual how much virtual time went by.
	Steps   int
	Virtual time.Duration
	Faults  [faultKinds]int
	Came    [cameKinds]int
	// Commands, Orders, Leaders: commands decided, requests answered, and how often somebody took the lead.
	Commands, Answered, Leaders int
	// Hash is the same for the same seed.
	Hash uint64
	// Violation says what did not hold, empty if all did; Stuck: it is that nothing went on, and not that something wrong was done.
	Violation string
	Stuck     bool

	operations []operation
	told       []heard
}

// String is the last line of a run.
func (r *Result) String() string {
	return fmt.Sprintf("seed %d: %d replicas, %d steps, %v, %d commands, %d answers, %d leaders, faults: %s; came about: %s; hash %016x", r.Seed, r.Replicas, r.Steps,
		r.Virtual.Round(time.Microsecond), r.Commands, r.Answered, r.Leaders, Counts(r.FaultsByKind()), Counts(r.CameAbout()), r.Hash)
}

// FaultsByKind counts the faults that happened.
func (r *Result) FaultsByKind() map[string]int {
	all := map[string]int{}
	for k, n := range r.Faults {
		if n > 0 {
			all[faultNames[k]] = n
		}
	}
	return all
}

// CameAbout counts what the faults led to.
func (r *Result) CameAbout() map[string]int {
	all := map[string]int{}
	for k, n := range r.Came {
		if n > 0 {
			all[cameNames[k]] = n
		}
	}
	return all
}

// Counts writes faults, or what came about, in the order of their kinds.
func Counts(counted map[string]int) string {
	var parts []string
	for _, name := range append(faultNames[:len(faultNames):len(faultNames)], cameNames[:]...) {
		if n := counted[name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", name, n))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

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

// settlePatience is the bound on liveness, in virtual time: with all faults mended, or a minority lost and nothing else, everything is answered by then, and
// all that are there vote.
func (w *world) settlePatience() int64 { return int64(30*time.Second) + 2000*w.plan.heartbeat }

// mend ends everything that was inflicted, and what was to come.
func (w *world) mend() {
	w.settling, w.ballastUntil, w.hushUntil, w.ambush = true, 0, 0, nil
	w.net.HealAll()
	for _, r := range w.replicas {
		r.lost = false
		r.pausedUntil = min(r.pausedUntil, w.net.Now())
		r.restartAt = min(r.restartAt, w.net.Now())
		for _, other := range w.replicas {
			w.net.SetDelay(rdmaio.NodeID(r.id), rdmaio.NodeID(other.id), 0)
			w.net.Unfence(rdmaio.NodeID(r.id), rdmaio.NodeID(other.id), false)
		}
	}
	for _, c := range w.clients {
		c.stalled, c.nextAt = 0, 0
	}
	w.say(0, "all is mended")
}

// endure takes a minority away for good and has the rest go on: clients ask for what they have left to ask, and in half of the seeds the log is written
// over from end to end, which those that are gone must not hold up.
func (w *world) endure() {
	if w.fail != nil {
		return
	}
	w.quota = w.plan.requests
	for _, at := range w.rng.Perm(len(w.replicas))[:1+w.rng.IntN(len(w.replicas)/2)] {
		w.lose(w.replicas[at])
	}
	if w.rng.IntN(2) == 0 && !w.o.Small {
		w.ballast, w.ballastUntil = 1+w.rng.IntN(8), never
		w.say(0, "the log is to be written over")
		w.wrapped = w.decided() + uint64(w.plan.limits.LogBytes)*5/4
	}
	w.settle("a minority was lost")
	w.wrapped = 0
}

// lose takes a replica away until all is mended.
func (w *world) lose(r *replica) {
	kind := [...]fault{crash, powerLoss, pause, isolate}[w.rng.IntN(4)]
	switch kind {
	case crash, powerLoss:
		if !w.kill(r, kind == powerLoss) {
			return
		}
		r.restartAt = never
	case pause:
		r.pausedUntil = never
		w.say(r.id, "stands still for good")
	case isolate:
		w.isolate(r)
	}
	r.lost = true
	w.faults[kind]++
}

// decided is how far the log is decided, as far as those know that are there.
func (w *world) decided() (offset uint64) {
	for _, r := range w.replicas {
		if r.running() {
			offset = max(offset, r.v.Node().Decided().Offset)
		}
	}
	return offset
}

// settle lets everything come to rest. While nothing happens, time goes by faster.
func (w *world) settle(since string) {
	w.think = 5 * w.plan.heartbeat
	h := w.plan.heartbeat
	for end := w.net.Now() + w.settlePatience(); w.fail == nil && !w.settled(); {
		if w.net.Now() > end {
			w.violated("nothing is settled %v after %s: %s", time.Duration(w.settlePatience()), since, w.unsettled())
			w.fail.stuck = true
			return
		}
		w.pace = min(max(h/8, (w.net.Now()-w.lastApplied)/32), 20*int64(time.Millisecond))
		if w.run(w.net.Now() + 8*w.pace); w.decided() >= w.wrapped {
			w.ballastUntil = 0
		}
	}
}

func (w *world) settled() bool { return w.unsettled() == "" }

// unsettled says what is still to come.
func (w *world) unsettled() string {
	if at := w.decided(); at < w.wrapped {
		return fmt.Sprintf("the log is decided up to offset %d of %d", at, w.wrapped)
	}
	for _, c := range w.clients {
		if !c.settled() || len(c.operations) < w.quota || !c.upToDate() {
			closed, why := c.initiator.Closed()
			in, out := c.initiator.Numbers()
			return fmt.Sprintf("%s: %d requests, %d unanswered, gap %v, closed %v %s, next in %d out %d", c.name, len(c.operations), c.waiting,
				c.initiator.GapOpen(), closed, why, in, out)
		}
	}
	for _, r := range w.replicas {
		switch {
		case r.lost:
		case r.v == nil:
			return fmt.Sprintf("replica %d is dead", r.id)
		case !r.v.Node().Votes() || !r.v.HaveState():
			return fmt.Sprintf("replica %d has no vote: %+v", r.id, r.v.Node().Status())
		case r.commands != uint64(len(w.truth.commands)-1):
			return fmt.Sprintf("replica %d is at command %d of %d", r.id, r.commands, len(w.truth.commands)-1)
		}
	}
	return ""
}

// upToDate tells whether the client was told everything that the state machine has for it.
func (c *client) upToDate() bool {
	in, _ := c.initiator.Numbers()
	return in == uint64(len(c.w.truth.reports[c.number]))+1
}

// checkEnd compares whole states, and what clients believe with what is.
func (w *world) checkEnd() {
	first := w.replicas[0].v
	hash := first.Market().Hash()
	w.mix(hash, hash)
	for _, r := range w.replicas {
		if h := r.v.Market().Hash(); h != hash {
			w.violated("replica %d: its whole state is %016x, that of replica 1 is %016x", r.id, h, hash)
		}
		for session := 1; session <= first.Market().NumSessions(); session++ {
			w.compareReports(r, uint16(session))
		}
	}
	var operations []operation
	var told []heard
	for _, c := range w.clients {
		c.checkOpen(first.Market())
		for n := 1; n < len(c.seen); n++ {
			if !c.seen[n].told {
				w.violated("%s was never told of number %d", c.name, n)
			}
		}
		operations = append(operations, c.operations...)
		told = append(told, c.heard...)
	}
	if w.fail == nil {
		if err := witness(operations, told, w.truth.canceled); err != nil {
			w.violated("%v", err)
		}
	}
}

// compareReports: every replica keeps the same messages.
func (w *world) compareReports(r *replica, session uint16) {
	last := w.replicas[0].v.LastReport(session)
	if r.v.LastReport(session) != last {
		w.violated("replica %d keeps %d messages of session %d, replica 1 keeps %d", r.id, r.v.LastReport(session), session, last)
		return
	}
	for n := uint64(1); n <= last; n++ {
		mine, have := r.v.Report(session, n)
		theirs, had := w.replicas[0].v.Report(session, n)
		if have && had && mine != theirs {
			w.violated("replica %d keeps message %d of session %d as %+v, replica 1 as %+v", r.id, n, session, mine, theirs)
		}
	}
}

// checkOpen: what the client believes to be open is what the books hold of it, in the order of price and time.
func (c *client) checkOpen(m *book.Market) {
	open := 0
	var orders []book.RestingOrder
	for i := 1; i <= m.NumInstruments(); i++ {
		for _, side := range [...]book.Side{book.Buy, book.Sell} {
			orders = m.RestingOrders(uint16(i), side, orders[:0])
			better := func(a, b book.RestingOrder) int {
				d := a.Price - b.Price
				if side == book.Buy {
					d = -d
				}
				if d == 0 {
					d = int64(a.Ref) - int64(b.Ref)
				}
				return int(d)
			}
			if !slices.IsSortedFunc(orders, better) {
				c.w.violated("instrument %d side %d: orders do not stand in the order of price and time: %+v", i, side, orders)
			}
			for _, o := range orders {
				if int(o.Session) != c.number {
					continue
				}
				open++
				if mine := c.blotter.Open[o.ClientID]; mine == nil || mine.Leaves != o.Open || mine.Number != o.OrderID || mine.Price != o.Price*priceTick {
					c.w.violated("%s: order %s rests with %d open at %d, the client believes %+v", c.name, trader.Text(o.ClientID), o.Open, o.Price, mine)
				}
			}
		}
	}
	if open != len(c.blotter.Open) {
		c.w.violated("%s believes that %d orders are open, %d are", c.name, len(c.blotter.Open), open)
	}
}
