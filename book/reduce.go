package book

import "unsafe"

// reducePlain takes quantity off an order without marks that lies in the book and keeps some, for a request without an id: the short way of reduce, in the
// manner of plain.go.
func (m *Market) reducePlain() bool {
	c := m.cmd
	if int(c.Session) >= len(m.sessions) {
		return false
	}
	s := &m.sessions[c.Session]
	if !c.expected(s) || c.head()&^anyTerms != uint64(Reduce) || c.Protocol == OUCH || c.ClientID[0] != 0 || c.OrigID[0] <= NumberedID {
		return false
	}
	slot := *m.pool.findLink(chainHash(c.Session, &c.OrigID), c.Session, &c.OrigID)
	o := &m.pool.orders[slot]
	kinds, qty, open := o.kinds(), int64(o.qty), int64(o.open)
	if kinds>>56 != 0 || c.Qty < 1 || c.Qty >= open { // no order, slot 0, has nothing open
		return false
	}
	lv := &m.levels.levels[o.level] // of the book: what waits elsewhere has marks
	n, off := &m.counters, c.Qty
	cum := qty - open
	qty -= off
	open -= off
	o.qty, o.open = uint32(qty), uint32(open)
	lv.qty -= off
	lv.shown -= off
	lv.stamp = n.index
	feed := n.feed + 1
	n.feed = feed

	e := m.vacant()
	e.setFirst(plainReduced, kinds, c.Epoch)
	e.OutSeq, e.FeedSeq, e.Index, e.Time = s.NextOut, feed, n.index, n.time
	e.NextIn, e.InSeq = c.InSeq+1, c.InSeq
	*(*wide16)(unsafe.Pointer(&e.OrderID)) = *(*wide16)(unsafe.Pointer(&o.id)) // and Ref
	e.OldRef, e.Match = 0, 0
	e.Price, e.Qty = o.price, qty
	e.LastPrice, e.LastQty, e.StopPrice, e.Shown = 0, off, 0, 0
	e.Cum, e.Leaves = cum, open
	e.Notional = o.notional
	o.putName(&e.ClientID)
	e.noOrigID()
	s.NextIn, s.NextOut = c.InSeq+1, s.NextOut+1
	return true
}
