package book

// incoming makes an event about the command's order before it has a slot.
func (m *Market) incoming(kind EventKind) *Event {
	c := m.cmd
	e := m.event(kind)
	e.Instrument, e.Side, e.Type, e.TIF, e.Price, e.Qty, e.InSeq = c.Instrument, c.Side, c.Type, c.TIF, c.Price, c.Qty, c.InSeq
	e.ClientID, e.OrigID = c.ClientID, c.OrigID
	return e
}

// about makes an event about an order that has a slot.
func (m *Market) about(kind EventKind, slot uint32) *Event {
	o := &m.pool.orders[slot]
	e := m.event(kind)
	e.Instrument, e.Side, e.Type, e.TIF, e.Price, e.Qty = o.instrument, o.side, o.typ, o.tif, o.price, int64(o.qty)
	e.OrderID, e.Ref, e.Cum, e.Leaves, e.ClientID = o.id, o.ref, int64(o.cum()), int64(o.open), m.pool.ids[slot]
	e.NotionalHi, e.NotionalLo = o.notional>>63, uint64(o.notional)
	return e
}

// enter takes a new order: checks it, matches it, and rests or ends what is left.
func (m *Market) enter() {
	c := m.cmd
	if !m.accept() {
		return
	}
	place, seen := m.ids.find(c.Session, &c.ClientID)
	reason := m.refusal(seen)
	if reason != NoReason {
		if !seen && c.ClientID[0] != 0 && !m.ids.full() {
			m.ids.add(place, c.Session, &c.ClientID, notOrder)
		}
		e := m.incoming(Rejected)
		e.Reason = reason
		m.send(e, c.Session)
		return
	}
	slot := m.pool.take()
	m.ids.add(place, c.Session, &c.ClientID, slot)
	m.counters.order++
	m.counters.ref++
	m.counters.accepted++
	m.pool.orders[slot] = order{
		id: m.counters.order, ref: m.counters.ref, price: c.Price, qty: uint32(c.Qty), open: uint32(c.Qty), name: place,
		session: c.Session, instrument: c.Instrument, side: c.Side, typ: c.Type, tif: c.TIF,
	}
	if c.Type == MarketOrder {
		m.pool.orders[slot].price = 0
	}
	m.pool.ids[slot] = c.ClientID
	e := m.about(Accepted, slot)
	e.InSeq = c.InSeq
	m.send(e, c.Session)
	if c.TIF == FillOrKill && !m.fillable(slot) {
		m.drop(slot, NotFillable)
		return
	}
	m.match(slot)
	m.settle(slot)
}

// refusal is why an order cannot be taken, NoReason if it can.
func (m *Market) refusal(seen bool) Reason {
	c := m.cmd
	switch {
	case seen:
		return DuplicateClientID
	case c.Reason != NoReason:
		return c.Reason
	case c.Instrument == 0 || int(c.Instrument) >= len(m.books):
		return UnknownInstrument
	case c.ClientID[0] == 0 || c.Side > Sell || c.Type > MarketOrder || c.TIF > FillOrKill:
		return UnsupportedOrder
	case m.ids.full():
		return ClientIDsFull
	}
	return m.terms(&m.books[c.Instrument], c.Type, c.TIF, c.Price, c.Qty)
}

// terms checks what can change from moment to moment, price and quantity.
func (m *Market) terms(b *instrumentBook, typ OrderType, tif TimeInForce, price, qty int64) Reason {
	switch {
	case m.phase != 'Q':
		return MarketClosed
	case b.info.State != 'T':
		return InstrumentHalted
	case qty < 1 || qty > b.maxQty:
		return QuantityOutOfRange
	case typ == Limit && (price < 1 || price > b.maxPrice):
		return PriceOutOfRange
	case typ == Limit && tif == Day && (int(m.counters.resting) >= m.limits.Orders || !m.nodes.room()): // only what may rest needs room
		return BookFull
	}
	return NoReason
}

// crosses tells whether an order may trade with a level.
func crosses(o *order, l *level) bool {
	switch {
	case o.typ == MarketOrder:
		return true
	case o.side == Buy:
		return l.price <= o.price
	}
	return l.price >= o.price
}

// fillable tells whether the whole order would trade now.
func (m *Market) fillable(slot uint32) bool {
	o := &m.pool.orders[slot]
	need := int64(o.open)
	for li := m.books[o.instrument].sides[1-o.side].best; li != 0 && need > 0; {
		l := &m.levels.levels[li]
		if !crosses(o, l) {
			break
		}
		need -= l.qty
		li = l.worse
	}
	return need <= 0
}

// match trades the order with the other side: best price first, at each price the order that has been there longest, at the resting order's price.
func (m *Market) match(slot uint32) {
	o := &m.pool.orders[slot]
	other := &m.books[o.instrument].sides[1-o.side]
	for o.open > 0 && other.best != 0 {
		l := &m.levels.levels[other.best]
		if !crosses(o, l) {
			return
		}
		m.trade(slot, l.head, l.price)
	}
}

// trade fills both orders. The resting one's event comes first, and is the feed's.
func (m *Market) trade(incoming, resting uint32, price int64) {
	in, rest := &m.pool.orders[incoming], &m.pool.orders[resting]
	qty := min(in.open, rest.open)
	m.counters.match++
	m.counters.trades++
	m.counters.volume += uint64(qty)
	in.notional += price * int64(qty)
	rest.notional += price * int64(qty)
	in.open -= qty
	if rest.open == qty {
		m.dequeue(resting) // with its open quantity still in place
		rest.open = 0
	} else {
		rest.open -= qty
		m.levels.levels[rest.level].qty -= int64(qty)
	}
	for _, slot := range [2]uint32{resting, incoming} {
		e := m.about(Filled, slot)
		e.LastPrice, e.LastQty, e.Match = price, int64(qty), m.counters.match
		if slot == resting {
			e.Resting = true
			m.onFeed(e, 'E')
		}
		m.send(e, m.pool.orders[slot].session)
	}
	if rest.open == 0 {
		m.forget(resting)
		m.counters.resting--
		m.sessions[rest.session].OpenOrders--
	}
}

// settle does with what is left of an incoming order what its time in force says.
func (m *Market) settle(slot uint32) {
	o := &m.pool.orders[slot]
	switch {
	case o.open == 0:
		m.forget(slot)
	case o.typ == MarketOrder:
		m.drop(slot, NoLiquidity)
	case o.tif != Day:
		m.drop(slot, ImmediateOrCancelRest)
	default:
		m.rest(slot)
		m.onFeed(m.about(Rested, slot), 'A')
	}
}

// rest puts an order into the book.
func (m *Market) rest(slot uint32) {
	m.enqueue(slot)
	m.counters.resting++
	m.sessions[m.pool.orders[slot].session].OpenOrders++
}

// drop ends an order that never came into the book.
func (m *Market) drop(slot uint32, why Reason) {
	o := &m.pool.orders[slot]
	e := m.about(Cancelled, slot)
	e.Reason, e.Leaves = why, 0
	m.send(e, o.session)
	m.forget(slot)
}

// end takes a resting order out of the book. request is the id of the request for it (empty if that had none), nil if nobody asked.
func (m *Market) end(slot uint32, why Reason, request *ClientID) {
	o := &m.pool.orders[slot]
	m.dequeue(slot)
	m.counters.resting--
	m.sessions[o.session].OpenOrders--
	e := m.about(Cancelled, slot)
	e.Reason, e.Leaves = why, 0
	if request != nil {
		e.OrigID, e.InSeq = e.ClientID, m.cmd.InSeq
		if request[0] != 0 {
			e.ClientID = *request
		}
	}
	m.onFeed(e, 'D')
	m.send(e, o.session)
	m.forget(slot)
}

// forget gives the order's slot back; its id stays seen.
func (m *Market) forget(slot uint32) {
	m.ids.table[m.pool.orders[slot].name].slot = ended
	m.pool.release(slot)
}
