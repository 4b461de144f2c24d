package book

// Most commands are of two kinds: a plain limit order that meets nobody and comes to rest, and a plain order that is cancelled. What enter and cancel do with
// these is here once more, in one piece, since calls and questions that have one answer took half of a command's time. Each looks first whether
// the command is such a one, and if not changes nothing and leaves it to the general way; what it does is what the general way would have done, to the
// last number.

// expected tells whether the command consumes the number that its session's connection is to use next.
func (c *Command) expected(s *Session) bool {
	return c.Epoch == s.Epoch && s.Connected && c.InSeq == s.NextIn && c.InSeq != 0
}

// ownKey is the key of the command's own id.
func (m *Market) ownKey() idKey {
	if m.keys != nil {
		return m.keys.own
	}
	return makeKey(m.cmd.Session, &m.cmd.ClientID)
}

// enterPlain enters a limit order for the day without conditions that reaches no price of the other side, where nobody waits as all-or-none either.
func (m *Market) enterPlain() bool {
	c, n := m.cmd, &m.counters
	if c.Session == 0 || int(c.Session) >= len(m.sessions) || c.Instrument == 0 || int(c.Instrument) >= len(m.books) {
		return false
	}
	s, b, side := &m.sessions[c.Session], &m.books[c.Instrument], uint64(c.Side)
	if !c.expected(s) || side > 1 || uint8(c.Type)|uint8(c.TIF)|uint8(c.Reason)|uint8(c.Conditions)|uint8(c.SelfTrade) != 0 ||
		c.StopPrice|c.Trail|c.MinQty|c.Display|c.Expire != 0 || c.ClientID[0] <= NumberedID || m.phase != 'Q' || b.info.State != 'T' ||
		uint64(c.Qty-1) >= uint64(b.maxQty) || uint64(c.Price-1) >= uint64(b.maxPrice) ||
		int(n.resting) >= m.limits.Orders || !m.nodes.room() || m.ids.full() || m.ids.older != nil || b.ladders[allOrNones+(1-side)].best != 0 {
		return false
	}
	if best := b.ladders[1-side].best; best != 0 {
		better := c.Price - m.levels.levels[best].price // of a buy
		if (better^-int64(side))+int64(side) >= 0 {
			return false
		}
	}
	k := m.ownKey()
	at := m.ids.block(k)
	if m.ids.blocks[at].seen>>(k.member&63)&1 != 0 {
		return false
	}

	s.NextIn++
	m.ids.add(at, k, true)
	slot := m.pool.take()
	m.pool.name(slot, k, &c.ClientID)
	n.order++
	n.ref++
	n.accepted++
	o := &m.pool.orders[slot]
	o.id, o.ref, o.price, o.notional, o.qty, o.open = n.order, n.ref, c.Price, 0, uint32(c.Qty), uint32(c.Qty)
	o.session, o.instrument, o.side, o.typ, o.tif, o.marks = c.Session, c.Instrument, c.Side, Limit, Day, 0
	l := &b.ladders[side]
	key := uint64(c.Price) ^ 1<<63 ^ (side - 1) // as priceKey has it
	li := m.nodes.find(l, key)
	if li == 0 {
		li = m.addLevel(l, key, c.Price, uint8(side))
	}
	m.queue(slot, o, li)
	n.resting++
	s.OpenOrders++

	e := m.event(Accepted)
	e.Side, e.Instrument, e.InSeq, e.OrderID, e.Ref = c.Side, c.Instrument, c.InSeq, n.order, n.ref
	e.Price, e.Qty, e.Leaves = c.Price, c.Qty, c.Qty
	copyID(&e.ClientID, &c.ClientID)
	m.onFeed(e, 'A')
	m.send(e, c.Session)
	return true
}

// cancelPlain cancels an order without marks that lies in the book, for a request with an id that was not seen before.
func (m *Market) cancelPlain() bool {
	c, n := m.cmd, &m.counters
	if c.Session == 0 || int(c.Session) >= len(m.sessions) {
		return false
	}
	s := &m.sessions[c.Session]
	if !c.expected(s) || c.Reason != NoReason || c.ClientID[0] <= NumberedID || c.OrigID[0] <= NumberedID || m.ids.full() || m.ids.older != nil {
		return false
	}
	k := m.ownKey()
	at := m.ids.block(k)
	if m.ids.blocks[at].seen>>(k.member&63)&1 != 0 {
		return false
	}
	slot := m.pool.find(m.origKey(), c.Session, &c.OrigID)
	o := &m.pool.orders[slot]
	lv := &m.levels.levels[o.level]
	if slot == 0 || o.marks != 0 || lv.ladder >= allOrNones {
		return false
	}

	s.NextIn++
	m.ids.add(at, k, false)
	m.unlink(slot, lv)
	lv.qty -= int64(o.open)
	lv.shown -= int64(o.open)
	lv.stamp = n.index
	lv.seen--
	if lv.count--; lv.count == 0 {
		m.removeLevel(&m.books[o.instrument].ladders[lv.ladder], o.level, priceKey(o.side, lv.price))
	}
	n.resting--
	s.OpenOrders--

	e := m.event(Cancelled)
	e.Instrument, e.Side, e.Type, e.TIF, e.Price, e.Qty = o.instrument, o.side, o.typ, o.tif, o.price, int64(o.qty)
	e.Reason, e.InSeq, e.OrderID, e.Ref, e.Cum, e.NotionalLo = UserRequest, c.InSeq, o.id, o.ref, int64(o.cum()), uint64(o.notional)
	copyID(&e.ClientID, &c.ClientID)
	copyID(&e.OrigID, &c.OrigID)
	m.onFeed(e, 'D')
	m.send(e, c.Session)
	m.pool.release(slot)
	return true
}
