package book

import "unsafe"

// The short way of plain orders that meet somebody, and of the trades between plain orders: plain.go says what short ways are.

// putName writes an order's id to where an event has it.
func (o *order) putName(id *ClientID) {
	copyWide((*idText)(unsafe.Pointer(id)), (*ClientID)(unsafe.Pointer(&o.name)))
}

// limitKey is the key of the worst price that an order may trade at: it meets somebody where that is not above the other side's reach.
func (o *order) limitKey() uint64 {
	if o.typ.in(unpriced) {
		return 1 // nobody's reach is 0
	}
	return priceKey(o.side, o.price)
}

// plainKinds are what in the first eight bytes of a command that enters such an order may differ: Limit or MarketOrder, Day or ImmediateOrCancel, and what may
// differ in any.
const plainKinds = anySide | anyCode | 1<<16 | 1<<24

// enterCrossing enters a limit order without conditions that reaches a price of the other side, an immediate-or-cancel limit order or a market order, where
// nobody waits as all-or-none on the other side. Its id is not in the chains until it rests: nobody looks for it before.
func (m *Market) enterCrossing() bool {
	c := m.cmd
	if int(c.Session) >= len(m.sessions) || int(c.Instrument) >= len(m.books) {
		return false
	}
	s, b, side := &m.sessions[c.Session], &m.books[c.Instrument], uint64(c.Side&1)
	head := c.head()
	if !c.expected(s) || head&^plainKinds != plainEnter || uint16(c.Conditions)|uint16(c.SelfTrade)<<8 != 0 ||
		c.StopPrice|c.Trail|c.MinQty|c.Display|c.Expire != 0 || c.ClientID[0] <= NumberedID || uint64(c.Qty-1) >= uint64(b.entryQty) {
		return false
	}
	price, other := c.Price, side^1
	if head&(1<<16) != 0 {
		price = 0
	} else if uint64(price-1) >= uint64(b.maxPrice) {
		return false
	}
	waits := head&(1<<16|1<<24) == 0
	if waits && (uint64(price)^1<<63^(side-1) > b.ladders[other].reach || int(m.counters.resting) >= m.limits.Orders || !m.nodes.room()) ||
		b.ladders[allOrNones+other].best != 0 || len(m.ids.older) != 0 || m.ids.count >= m.ids.limit || !m.ids.note(c.Session, &c.ClientID, forOrder) {
		return false
	}

	n := &m.counters
	slot := m.pool.take()
	o := &m.pool.orders[slot]
	order, ref, qty := n.order+1, n.ref+1, uint32(c.Qty)
	n.order, n.ref = order, ref
	kinds := orderKinds(c.Session) | orderKinds(c.Instrument)<<16 | orderKinds(head>>8&0xff_ffff)<<32
	o.id, o.ref, o.price, o.notional, o.qty, o.open = order, ref, price, 0, qty, qty
	o.setKinds(kinds)
	copyWide(&o.name, &c.ClientID)
	e := m.vacant()
	e.setFirst(uint64(Accepted), kinds, c.Epoch)
	e.OutSeq, e.FeedSeq, e.Index, e.Time = s.NextOut, 0, n.index, n.time
	e.NextIn, e.InSeq = c.InSeq+1, c.InSeq
	e.OrderID, e.Ref, e.OldRef, e.Match = order, ref, 0, 0
	e.Price, e.Qty = price, int64(qty)
	e.LastPrice, e.LastQty, e.StopPrice, e.Shown, e.Cum = 0, 0, 0, 0, 0
	e.Leaves, e.Notional = int64(qty), 0
	copyWide((*idText)(unsafe.Pointer(&e.ClientID)), &c.ClientID)
	e.noOrigID()
	s.NextIn, s.NextOut = c.InSeq+1, s.NextOut+1

	m.finishCrossing(slot)
	return true
}

// finishCrossing trades what is left of an order on its way in, as far as it may, and lets the rest rest or end.
func (m *Market) finishCrossing(slot uint32) {
	o := &m.pool.orders[slot]
	m.match(slot) // without a reason why the order should end: that have only those that say what to do about orders of their own group
	switch {
	case o.open == 0:
		m.pool.giveBack(slot)
	case !rests(o.typ, o.tif):
		why := ImmediateOrCancelRest
		if o.typ == MarketOrder {
			why = NoLiquidity
		}
		m.rested(m.vacant(), o, uint64(Cancelled)|uint64(why)<<48, &m.sessions[o.session])
		m.pool.giveBack(slot)
	default:
		m.restCrossed(slot, o)
	}
	if m.electedFirst != 0 {
		m.runElected()
	}
}

// restCrossed lets what is left of an order that has traded come to rest. Nobody waits as all-or-none who would have to be tried.
func (m *Market) restCrossed(slot uint32, o *order) {
	c, b := m.cmd, &m.books[o.instrument]
	m.pool.chain(slot, o, chainHash(c.Session, &c.ClientID))
	if !m.nodes.room() { // trailing stops may have taken it
		m.settle(slot, NoReason)
		return
	}
	m.counters.resting++
	m.sessions[c.Session].OpenOrders++
	l, key := &b.ladders[inBook+o.side], priceKey(o.side, o.price)
	li := m.nodes.find(l, key)
	if li == 0 {
		li = m.addLevel(l, key, o.price, o.instrument, inBook+uint8(o.side))
	}
	m.queue(slot, o, li)
	m.rested(m.vacant(), o, uint64(Rested)|'A'<<8, nil)
}

// rested writes e: what is left of a plain order that came in rests, which is for the feed, or is cancelled, which is for the session s. head is as in setFirst.
func (m *Market) rested(e *Event, o *order, head uint64, s *Session) {
	n, kinds := &m.counters, o.kinds()
	cum := int64(o.cum())
	if s != nil {
		e.setFirst(head, kinds, s.Epoch)
		e.OutSeq, e.FeedSeq, e.NextIn, e.Cum, e.Leaves = s.NextOut, 0, s.NextIn, cum, 0
		s.NextOut++
	} else {
		n.feed++
		e.setFirst(head, kinds&^0xffff, 0)
		e.OutSeq, e.FeedSeq, e.NextIn, e.Cum, e.Leaves = 0, n.feed, 0, cum, int64(o.open)
	}
	e.Index, e.Time, e.InSeq = n.index, n.time, 0
	e.OrderID, e.Ref, e.OldRef, e.Match = o.id, o.ref, 0, 0
	e.Price, e.Qty = o.price, int64(o.qty)
	e.LastPrice, e.LastQty, e.StopPrice, e.Shown = 0, 0, 0, 0
	e.Notional = o.notional
	o.putName(&e.ClientID)
	e.noOrigID()
}

// giveBack is release of an order whose id is in no chain. It joins none either: what it takes from used, taking the slot had added.
func (p *orderPool) giveBack(slot uint32) {
	p.orders[slot].next = p.free
	p.free = slot
	p.used--
}

// pair is where the next two events go, one behind the other, nil if out would have to grow for them.
func (m *Market) pair() *[2]Event {
	n := len(m.out)
	if cap(m.out)-n < 2 {
		return nil
	}
	m.out = m.out[:n+2]
	return (*[2]Event)(unsafe.Pointer(&m.out[n]))
}

// tradePlain trades an incoming order with one that lies at a level of the book, in slot resting, neither of which has marks. b is their instrument's. It
// leaves it to the general way where out would have to grow: a call in the midst of this would cost each trade.
func (m *Market) tradePlain(b *instrumentBook, in, rest *order, resting uint32, lv *level) bool {
	kinds, restKinds := in.kinds(), rest.kinds()
	if (kinds|restKinds)>>56 != 0 {
		return false
	}
	pair := m.pair()
	if pair == nil {
		return false
	}
	n, price, qty := &m.counters, lv.price, min(in.open, rest.open)
	match, index, time := n.match+1, n.index, n.time
	n.match = match
	n.trades++
	n.volume += uint64(qty)
	notional := price * int64(qty)

	left := rest.open - qty
	rest.open = left
	s := &m.sessions[uint16(restKinds)]
	e := &pair[0]
	e.setFirst(plainFilled, restKinds, s.Epoch)
	out, feed := s.NextOut, n.feed+1
	s.NextOut, n.feed = out+1, feed
	e.OutSeq, e.FeedSeq, e.Index, e.Time = out, feed, index, time
	e.NextIn, e.InSeq = s.NextIn, 0
	*(*wide16)(unsafe.Pointer(&e.OrderID)) = *(*wide16)(unsafe.Pointer(&rest.id)) // and Ref
	e.OldRef, e.Match = 0, match
	total := rest.qty
	e.Price, e.Qty = rest.price, int64(total)
	e.LastPrice, e.LastQty, e.StopPrice, e.Shown = price, int64(qty), 0, 0
	e.Cum, e.Leaves = int64(total-left), int64(left)
	sum := rest.notional + notional
	rest.notional, e.Notional = sum, sum
	rest.putName(&e.ClientID)
	e.noOrigID()
	if left == 0 {
		s.OpenOrders--
	}

	open := in.open - qty
	in.open = open
	s = &m.sessions[uint16(kinds)]
	e = &pair[1]
	e.setFirst(uint64(Filled), kinds, s.Epoch)
	out = s.NextOut
	s.NextOut = out + 1
	e.OutSeq, e.FeedSeq, e.Index, e.Time = out, 0, index, time
	e.NextIn, e.InSeq = s.NextIn, 0
	e.OrderID, e.Ref, e.OldRef, e.Match = in.id, in.ref, 0, match // one by one: they may have been written just now
	total = in.qty
	e.Price, e.Qty = in.price, int64(total)
	e.LastPrice, e.LastQty, e.StopPrice, e.Shown = price, int64(qty), 0, 0
	e.Cum, e.Leaves = int64(total-open), int64(open)
	sum = in.notional + notional
	in.notional, e.Notional = sum, sum
	in.putName(&e.ClientID)
	e.noOrigID()

	if left != 0 {
		lv.qty -= int64(qty)
		lv.shown -= int64(qty)
		lv.stamp = index
	} else {
		m.tookAll(b, rest, resting, lv, qty, open != 0)
	}
	last := b.day.Last
	b.day.add(price, qty)
	if b.stirs(price) {
		m.follow(b, last, price)
	}
	return true
}

// tookAll takes an order without marks, that traded qty as its last, out of the book. more: the next one is likely to be met then.
func (m *Market) tookAll(b *instrumentBook, rest *order, resting uint32, lv *level, qty uint32, more bool) {
	m.counters.resting--
	count, behind := lv.count-1, rest.next
	lv.count = count
	if count == 0 { // what else is in a level that goes does not matter
		m.removeLevel(&b.ladders[lv.ladder], rest.level, keyOf(lv.ladder, lv.price))
		m.pool.release(resting)
		return
	}
	if more && m.counters.resting >= aheadFrom {
		m.prefetchOrder(behind)
	}
	lv.qty -= int64(qty)
	lv.shown -= int64(qty)
	lv.stamp = m.counters.index
	lv.seen--
	if lv.head == resting {
		lv.head = behind // there is one, or the level would be gone
		m.pool.orders[behind].prev = 0
		if lv.lastSeen == resting {
			lv.lastSeen = 0
		}
	} else {
		m.unlink(resting, lv)
	}
	m.pool.release(resting)
}
