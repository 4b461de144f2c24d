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
	if err := n.CheckCommit(); err != nil {
		w.violated("%v", err)
	}
	r.checkEpoch(n)
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
	r.decided = d
	if was, known := r.w.truth.decided[d.Index]; known && was != d.Chain {
		r.w.violated("replica %d takes another entry %d for decided than others", r.id, d.Index)
	}
	r.w.truth.decided[d.Index] = d.Chain
	if err := n.CheckDecided(); err != nil {
		r.w.violated("%v", err)
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

// checkBooks: no book is crossed.
func (r *replica) checkBooks() {
	m := r.v.Market()
	for i := 1; i <= m.NumInstruments(); i++ {
		bid, bids := m.Best(uint16(i), book.Buy)
		ask, asks := m.Best(uint16(i), book.Sell)
		if bids && asks && bid >= ask {
			r.w.violated("replica %d: instrument %d is crossed: %d over %d", r.id, i, bid, ask)
		}
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
