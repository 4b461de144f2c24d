package simulate

import (
	"exchange/book"
	"exchange/consensus"
	"exchange/marketdata/feed"
	"exchange/rdmaio"
)

// logPD is the protection domain of the logs.
const logPD rdmaio.PD = 1

// check looks at a replica between two turns.
func (r *replica) check() {
	w, n := r.w, r.v.Node()
	writers := w.net.Writers(rdmaio.NodeID(r.id), logPD)
	switch {
	case len(writers) > 1:
		w.violated("replicas %v may all write the log of replica %d", writers, r.id)
	case len(writers) == 1 && n.Leading():
		w.violated("replica %d leads, and replica %v may write its log", r.id, writers)
	}
	r.checkWriter(n, writers)
	r.checkDecided(n)
	r.checkKept(n)
	if err := n.CheckCommit(); err != nil {
		w.violated("%v", err)
	}
	r.checkEpoch(n)
	w.watch()
	if at := r.v.Applied(); at != r.entry {
		r.entry = at
		w.truth.entry(r, at)
		r.checkBooks()
		r.checkFeed()
	}
}

// checkWriter: a leader that writes this log, and was let in to do so, has proposed all that is decided here.
func (r *replica) checkWriter(n *consensus.Node, writers []rdmaio.NodeID) {
	if len(writers) == 0 {
		return
	}
	l := r.w.replicas[writers[0]-1]
	if l.v == nil {
		return
	}
	if end, ok := l.v.Node().Writes(rdmaio.NodeID(r.id)); ok && end < n.Decided().Offset {
		r.w.violated("replica %d leads up to offset %d and writes the log of replica %d, where all before offset %d is decided", l.id, end, r.id, n.Decided().Offset)
	}
}

// checkDecided: what is decided does not shrink, is the same everywhere, and lies in the memory.
func (r *replica) checkDecided(n *consensus.Node) {
	d := n.Decided()
	if d == r.decided {
		return
	}
	if d.Offset < r.decided.Offset {
		r.w.violated("replica %d: decided up to %+v, before up to %+v", r.id, d, r.decided)
	}
	r.w.came[laps] += int(d.Offset/uint64(r.w.plan.limits.LogBytes) - r.decided.Offset/uint64(r.w.plan.limits.LogBytes))
	r.keep(n, d)
	r.decided = d
	if was, known := r.w.truth.decided[d.Index]; known && was != d.Chain {
		r.w.violated("replica %d takes another entry %d for decided than others", r.id, d.Index)
	}
	r.w.truth.decided[d.Index] = d.Chain
	if err := n.CheckDecided(); err != nil {
		r.w.violated("%v", err)
	}
}

// keep remembers where the entries end that are decided now.
func (r *replica) keep(n *consensus.Node, upTo consensus.Position) {
	at := r.decided
	for at.Offset < upTo.Offset {
		after, ok := n.Holds(at)
		if !ok {
			r.w.violated("replica %d: decided entry %d at offset %d is not complete in its log", r.id, at.Index+1, at.Offset)
			return
		}
		at = after
		r.kept = append(r.kept, at)
	}
}

// keptAtATime is how many entries are read again after each turn. All that a log holds come about in turn.
const keptAtATime = 8

// checkKept reads some of what is decided and was applied long ago from the log's memory again: nothing below the first undecided offset changes, as long as
// the log is not written over there, which is by what lies a whole log further. A follower that is brought up may be written that at once.
func (r *replica) checkKept(n *consensus.Node) {
	r.w.written = max(r.w.written, n.Written())
	from := r.w.written - min(r.w.written, uint64(r.w.plan.limits.LogBytes))
	for len(r.kept) > 1 && r.kept[0].Offset < from {
		r.kept = r.kept[1:]
	}
	for range min(keptAtATime, len(r.kept)-1) {
		r.again = (r.again + 1) % (len(r.kept) - 1)
		if at := r.kept[r.again]; at.Offset >= from {
			if after, ok := n.Holds(at); !ok || after != r.kept[r.again+1] {
				r.w.violated("replica %d: entry %d at offset %d was decided and has changed in its log", r.id, at.Index+1, at.Offset)
			}
		}
	}
}

// checkEpoch: no proposal number is led under by two.
func (r *replica) checkEpoch(n *consensus.Node) {
	leads := n.Leading()
	if leads == r.leads {
		return
	}
	if r.leads = leads; !leads {
		return
	}
	r.w.leaderships++
	me, number := led{r.id, r.incarnation}, n.Epoch()
	if was, known := r.w.truth.leaders[number]; known {
		r.w.violated("replica %d leads under number %d.%d, under which replica %d led before", r.id, number>>8, number&0xff, was.id)
	}
	r.w.truth.leaders[number] = me
}

// checkBooks: no book is crossed, orders stand in the order of price and time, and what they have open is what they were entered with, less what was
// traded and taken away.
func (r *replica) checkBooks() {
	m := r.v.Market()
	open := int64(0)
	for i := uint16(1); int(i) <= m.NumInstruments(); i++ {
		bid, bids := m.Best(i, book.Buy)
		ask, asks := m.Best(i, book.Sell)
		if bids && asks && bid >= ask {
			r.w.violated("replica %d: instrument %d is crossed: %d over %d", r.id, i, bid, ask)
		}
		for _, side := range [...]book.Side{book.Buy, book.Sell} {
			r.orders = m.RestingOrders(i, side, r.orders[:0])
			for k := range r.orders {
				o := &r.orders[k]
				if before := &r.orders[max(k-1, 0)]; k > 0 && !goesBefore(side, before.Price, o.Price, before.Ref, o.Ref) {
					r.w.violated("replica %d: instrument %d side %d: order %d at %d stands behind order %d at %d", r.id, i, side, o.Ref, o.Price, before.Ref, before.Price)
				}
				open += o.Open
			}
		}
	}
	if want := r.w.truth.sum[m.Index()]; open != want {
		r.w.violated("replica %d: after command %d its orders have %d open; entered, less traded and taken away, is %d", r.id, m.Index(), open, want)
	}
}

// checkFeed: what it publishes is what others publish.
func (r *replica) checkFeed() {
	for {
		number := r.published.Number()
		m, err := r.published.Next()
		if err == feed.ErrNotYet {
			return
		}
		if err != nil {
			r.w.violated("replica %d: feed message %d: %v", r.id, number, err)
			return
		}
		r.w.truth.message(r, number, m)
	}
}
