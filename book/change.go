package book

// target finds the order that a Cancel, Replace or Reduce means. If there is none, or the request is refused, it answers and gives 0. The
// request's own id is remembered.
func (m *Market) target() (slot uint32, request place) {
	c := m.cmd
	request = m.look(&c.ClientID)
	slot = m.pool.find(c.Session, &c.OrigID)
	reason := c.Reason
	switch {
	case reason != NoReason:
	case request.numbered && !m.numbers():
		reason = UnsupportedOrder
	case request.state != neverSeen:
		reason = DuplicateClientID
	case c.ClientID[0] != 0 && !request.numbered && c.Kind != Cancel && m.ids.full(): // a Cancel needs no id: an order can always be taken out
		reason = ClientIDsFull
	case slot == 0:
		if reason = UnknownOrder; c.OrigID[0] != 0 {
			if _, state := m.ids.find(makeKey(c.Session, &c.OrigID), c.Session, &c.OrigID); state == wasOrder {
				reason = TooLateToCancel
			}
		}
	}
	if reason == NoReason {
		return slot, request
	}
	m.remember(request)
	m.refuseChange(slot, reason)
	return 0, place{}
}

// place is where a command's id is, or would be, in the table of ids.
type place struct {
	key   idKey
	block uint32
	state idState
	// numbered ids are not in the table: their session knows which were used.
	numbered bool
}

// look finds the place of an id of the command's session; one that is empty is never seen.
func (m *Market) look(id *ClientID) (p place) {
	if id[0] == 0 {
		return place{}
	}
	p.key = makeKey(m.cmd.Session, id)
	if id[0] == NumberedID {
		p.numbered = true
		return p
	}
	p.block, p.state = m.ids.find(p.key, m.cmd.Session, id)
	return p
}

// refuseChange answers a request that changes nothing. slot is the order meant, 0 if there is none.
func (m *Market) refuseChange(slot uint32, why Reason) {
	c := m.cmd
	e := m.event(CancelRejected)
	if slot != 0 {
		o := &m.pool.orders[slot]
		e.OrderID, e.Ref, e.Qty, e.Cum, e.Leaves, e.Price = o.id, o.ref, int64(o.qty), int64(o.cum()), int64(o.open), o.price
		e.Instrument, e.Side, e.Type, e.TIF, e.Notional = o.instrument, o.side, o.typ, o.tif, o.notional
	}
	e.Reason, e.InSeq, e.Code = why, c.InSeq, 'F'
	copyID(&e.ClientID, &c.ClientID)
	copyID(&e.OrigID, &c.OrigID)
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

// remember keeps the command's id, which names no order, if it is new and there is room.
func (m *Market) remember(p place) {
	if m.cmd.ClientID[0] != 0 && !p.numbered && p.state == neverSeen && !m.ids.full() {
		m.ids.add(p.block, p.key, false)
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
	m.lower(slot, uint32(c.Qty))
}

// rename makes the request's id the order's, if it has one. The old id stays seen.
func (m *Market) rename(slot uint32, p place) {
	if m.cmd.ClientID[0] == 0 {
		return
	}
	if !p.numbered {
		m.ids.add(p.block, p.key, true)
	}
	m.pool.unname(slot)
	m.pool.name(slot, m.cmd.Session, &m.cmd.ClientID)
}

// lower takes quantity off a resting order where it stands, because its owner asked.
func (m *Market) lower(slot, off uint32) {
	o := &m.pool.orders[slot]
	e := m.shrink(slot, off)
	e.InSeq = m.cmd.InSeq
	if m.cmd.ClientID[0] != 0 {
		copyID(&e.OrigID, &m.cmd.OrigID)
	}
	m.send(e, o.session)
	if o.marks&marks(AllOrNone) == 0 || m.waiting(slot) {
		return
	}
	instrument, side := o.instrument, o.side
	if b := &m.books[instrument]; m.phase == 'Q' && b.info.State == 'T' {
		m.tryAgain(slot)
		m.retry(instrument, 1-side)
		m.runElected()
	}
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
	price, why := m.replaceable(slot)
	if why != NoReason {
		m.remember(place)
		m.refuseChange(slot, why)
		return
	}
	m.rename(slot, place)
	if (price == o.price || planted("replacement keeps its price")) && c.Qty < int64(o.qty) && c.Flags&Requeue == 0 && !m.newTerms(slot) {
		m.lower(slot, o.qty-uint32(c.Qty))
		return
	}
	m.requeue(slot, price)
	m.runElected()
}

// newTerms tells whether the command changes what only some orders have.
func (m *Market) newTerms(slot uint32) bool {
	c := m.cmd
	if m.pool.orders[slot].marks&hasTerms == 0 {
		return false
	}
	t := &m.pool.terms[slot]
	return c.Display != 0 && uint32(c.Display) != t.display || c.StopPrice != 0 && c.StopPrice != t.stop || c.Trail != 0 && c.Trail != t.trail
}

// replaceable checks the new terms and gives the price that the order will have. The order's own place in the book is counted as free.
func (m *Market) replaceable(slot uint32) (price int64, why Reason) {
	c, o := m.cmd, &m.pool.orders[slot]
	b := &m.books[o.instrument]
	typ := o.typ
	if typ == MarketToLimit {
		typ = Limit // it has become one
	}
	why = m.terms(b, typ, c.Price, c.Qty, true)
	if why == BookFull && m.nodes.room() {
		why = NoReason
	}
	switch {
	case why != NoReason:
		return 0, why
	case !m.waiting(slot) && c.StopPrice|c.Trail != 0, !o.typ.in(trailing) && c.Trail != 0,
		c.Display != 0 && (o.marks&hasTerms == 0 || m.pool.terms[slot].display == 0):
		return 0, UnsupportedOrder
	case c.Display < 0 || c.Display > c.Qty || tooManyParts(m.displayed(slot), c.Qty):
		return 0, QuantityOutOfRange
	case c.StopPrice < 0 || c.StopPrice > b.maxPrice || c.Trail < 0 || c.Trail > b.maxPrice:
		return 0, StopPriceOutOfRange
	case o.typ.in(unpriced):
		return 0, NoReason
	case o.marks&marks(PostOnly|PostOnlySlide) != 0:
		return m.postPrice(b, o.side, c.Price, o.marks.conditions())
	}
	return c.Price, NoReason
}

// displayed is how much of an order the command would have shown at a time, 0: all.
func (m *Market) displayed(slot uint32) int64 {
	if m.cmd.Display == 0 && m.pool.orders[slot].marks&hasTerms != 0 {
		return int64(m.pool.terms[slot].display)
	}
	return m.cmd.Display
}

// requeue takes the order out, changes it, and lets it come in again as if it were new.
func (m *Market) requeue(slot uint32, price int64) {
	c, o := m.cmd, &m.pool.orders[slot]
	visible, waiting := m.visible(slot), m.waiting(slot)
	m.withdraw(slot)
	cum, old := o.cum(), o.ref
	m.counters.ref++
	o.ref, o.price, o.qty, o.open = m.counters.ref, price, uint32(c.Qty), uint32(c.Qty)-cum
	if o.marks&hasTerms != 0 {
		m.changeTerms(slot)
	}
	e := m.about(Replaced, slot)
	e.OldRef, e.InSeq = old, c.InSeq
	if c.ClientID[0] != 0 {
		copyID(&e.OrigID, &c.OrigID)
	}
	meets := !waiting && m.meets(o)
	switch {
	case visible && meets:
		m.onFeed(e, 'D')
	case visible:
		m.show(e, slot)
		m.onFeed(e, 'U')
	}
	m.send(e, o.session)
	switch {
	case waiting && m.reached(slot):
		m.trigger(slot)
	case waiting:
		m.wait(slot)
	case meets:
		m.arrive(slot, 0)
	default:
		m.rest(slot)
	}
}

// changeTerms takes over what a Replace changes of an iceberg's or a stop's terms.
func (m *Market) changeTerms(slot uint32) {
	c, o, t := m.cmd, &m.pool.orders[slot], &m.pool.terms[slot]
	if c.Display != 0 {
		t.display = uint32(c.Display)
	}
	t.shown = min(t.display, o.open)
	if c.Trail != 0 {
		t.trail = c.Trail
		if last := m.books[o.instrument].day.Last; last != 0 {
			t.stop = trailFrom(o.side, last, c.Trail)
		}
	}
	if c.StopPrice != 0 {
		t.stop = c.StopPrice
	}
}

// meets tells whether there is anything on the other side at a price that the order reaches.
func (m *Market) meets(o *order) bool {
	b := &m.books[o.instrument]
	for _, l := range [2]*ladder{&b.ladders[1-o.side], &b.ladders[allOrNones+1-o.side]} {
		if l.best != 0 && o.crosses(m.levels.levels[l.best].price) {
			return true
		}
	}
	return false
}
