package simulate

import (
	"fmt"
	"slices"
	"time"

	"exchange/book"
	"exchange/cmd/exchange/trader"
	"exchange/rdmaio"
)

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
