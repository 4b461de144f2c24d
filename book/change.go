package book

// target finds the order that a Cancel, Replace or Reduce means. If there is none, or the request is refused, it answers and gives 0. The
// request's own id is remembered.
func (m *Market) target() (slot, place uint32) {
	c := m.cmd
	place, seen := m.ids.find(c.Session, &c.ClientID)
	orig, known := m.ids.find(c.Session, &c.OrigID)
	reason := c.Reason
	if reason == NoReason && c.ClientID[0] != 0 {
		if seen {
			reason = DuplicateClientID
		} else if m.ids.full() && c.Kind != Cancel { // a Cancel needs no id: an order can always be taken out
			reason = ClientIDsFull
		}
	}
	if known {
		slot = m.ids.table[orig].slot
		if slot < firstSlot || m.pool.orders[slot].name != orig {
			slot = 0
		}
	}
	if reason == NoReason && slot == 0 {
		if reason = UnknownOrder; known && m.ids.table[orig].slot != notOrder {
			reason = TooLateToCancel
		}
	}
	if reason == NoReason {
		return slot, place
	}
	if c.ClientID[0] != 0 && !seen && !m.ids.full() {
		m.ids.add(place, c.Session, &c.ClientID, notOrder)
	}
	m.refuseChange(slot, reason)
	return 0, 0
}

// refuseChange answers a request that changes nothing. slot is the order meant, 0 if there is none.
func (m *Market) refuseChange(slot uint32, why Reason) {
	c := m.cmd
	e := m.event(CancelRejected)
	if slot != 0 {
		o := &m.pool.orders[slot]
		e.OrderID, e.Ref, e.Qty, e.Cum, e.Leaves, e.Price = o.id, o.ref, int64(o.qty), int64(o.cum()), int64(o.open), o.price
		e.Instrument, e.Side, e.Type, e.TIF, e.NotionalLo = o.instrument, o.side, o.typ, o.tif, uint64(o.notional)
	}
	e.Reason, e.InSeq, e.ClientID, e.OrigID, e.Code = why, c.InSeq, c.ClientID, c.OrigID, 'F'
	if c.Kind == Replace {
		e.Code = 'G'
	}
	m.send(e, c.Session)
}

func (m *Market) cancel() {
	if !m.accept() {
		return
	}
	slot, place := m.target()
	if slot == 0 {
		return
	}
	m.remember(place)
	m.end(slot, UserRequest, &m.cmd.ClientID)
}

// remember keeps the id of a request that names no order, if there is room.
func (m *Market) remember(place uint32) {
	if m.cmd.ClientID[0] != 0 && !m.ids.full() {
		m.ids.add(place, m.cmd.Session, &m.cmd.ClientID, notOrder)
	}
}

// reduce takes quantity off, at or above what is open the whole order.
func (m *Market) reduce() {
	c := m.cmd
	if !m.accept() {
		return
	}
	slot, place := m.target()
	if slot == 0 {
		return
	}
	o := &m.pool.orders[slot]
	if c.Qty < 1 {
		m.remember(place)
		m.refuseChange(slot, QuantityOutOfRange)
		return
	}
	if c.Qty >= int64(o.open) {
		m.remember(place)
		m.end(slot, UserRequest, &c.ClientID)
		return
	}
	m.rename(slot, place)
	m.shrink(slot, uint32(c.Qty))
}

// rename makes the request's id the order's, if it has one. The old id stays seen.
func (m *Market) rename(slot, place uint32) {
	if m.cmd.ClientID[0] == 0 {
		return
	}
	m.ids.add(place, m.cmd.Session, &m.cmd.ClientID, slot)
	o := &m.pool.orders[slot]
	m.ids.table[o.name].slot = ended
	o.name = place
	m.pool.ids[slot] = m.cmd.ClientID
}

// shrink lowers a resting order's quantity where it stands.
func (m *Market) shrink(slot uint32, off uint32) {
	o := &m.pool.orders[slot]
	o.qty -= off
	o.open -= off
	m.levels.levels[o.level].qty -= int64(off)
	e := m.about(Reduced, slot)
	e.LastQty, e.InSeq = int64(off), m.cmd.InSeq
	if m.cmd.ClientID[0] != 0 {
		e.OrigID = m.cmd.OrigID
	}
	m.onFeed(e, 'X')
	m.send(e, o.session)
}

// replace gives an order another price and total quantity. A lower quantity at the same price keeps its place.
func (m *Market) replace() {
	c := m.cmd
	if !m.accept() {
		return
	}
	slot, place := m.target()
	if slot == 0 {
		return
	}
	o := &m.pool.orders[slot]
	if c.Qty >= 1 && c.Qty <= int64(o.cum()) {
		m.remember(place)
		m.end(slot, UserRequest, &c.ClientID) // nothing would be left open
		return
	}
	if why := m.replaceable(o); why != NoReason {
		m.remember(place)
		m.refuseChange(slot, why)
		return
	}
	m.rename(slot, place)
	if c.Price == o.price && c.Qty < int64(o.qty) && c.Flags&Requeue == 0 {
		m.shrink(slot, o.qty-uint32(c.Qty))
		return
	}
	m.requeue(slot)
}

// replaceable checks the new terms. The order's own place in the book is counted as free.
func (m *Market) replaceable(o *order) Reason {
	why := m.terms(&m.books[o.instrument], Limit, Day, m.cmd.Price, m.cmd.Qty)
	if why == BookFull && m.nodes.room() {
		return NoReason
	}
	return why
}

// requeue takes the order out, changes it, and lets it come in again as if it were new.
func (m *Market) requeue(slot uint32) {
	c, o := m.cmd, &m.pool.orders[slot]
	m.dequeue(slot)
	m.counters.resting--
	m.sessions[o.session].OpenOrders--
	cum, old := o.cum(), o.ref
	m.counters.ref++
	o.ref, o.price, o.qty, o.open = m.counters.ref, c.Price, uint32(c.Qty), uint32(c.Qty)-cum
	e := m.about(Replaced, slot)
	e.OldRef, e.InSeq = old, c.InSeq
	if c.ClientID[0] != 0 {
		e.OrigID = c.OrigID
	}
	if best := m.books[o.instrument].sides[1-o.side].best; best != 0 && crosses(o, &m.levels.levels[best]) {
		m.onFeed(e, 'D')
		m.send(e, o.session)
		m.match(slot)
		m.settle(slot)
		return
	}
	m.onFeed(e, 'U')
	m.send(e, o.session)
	m.rest(slot)
}
