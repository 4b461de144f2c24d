package book

// incoming makes an event about the command's order before it has a slot.
func (m *Market) incoming(kind EventKind) *Event {
	c := m.cmd
	e := m.event(kind)
	e.Instrument, e.Side, e.Type, e.TIF, e.Price, e.Qty, e.InSeq = c.Instrument, c.Side, c.Type, c.TIF, c.Price, c.Qty, c.InSeq
	e.Conditions, e.StopPrice = c.Conditions, c.StopPrice
	copyID(&e.ClientID, &c.ClientID)
	copyID(&e.OrigID, &c.OrigID)
	return e
}

// about makes an event about an order that has a slot.
func (m *Market) about(kind EventKind, slot uint32) *Event {
	o := &m.pool.orders[slot]
	e := m.event(kind)
	e.Instrument, e.Side, e.Type, e.TIF, e.Price, e.Qty = o.instrument, o.side, o.typ, o.tif, o.price, int64(o.qty)
	e.OrderID, e.Ref, e.Cum, e.Leaves = o.id, o.ref, int64(o.cum()), int64(o.open)
	o.name.put(&e.ClientID)
	e.Notional = o.notional
	if o.marks != 0 {
		e.Conditions = o.marks.conditions()
		if o.marks&hasTerms != 0 {
			e.StopPrice = m.pool.terms[slot].stop
		}
	}
	return e
}

// enter takes a new order: checks it, and lets it wait or come in.
func (m *Market) enter() {
	c := m.cmd
	if !m.accept() {
		return
	}
	own := m.look(&c.ClientID)
	reason, price := m.refusal(&own), int64(0)
	if reason == NoReason {
		price, reason = m.entryPrice(&m.books[c.Instrument], c)
	}
	if reason == DuplicateClientID && c.Flags&PossResend != 0 {
		m.tell(&c.ClientID)
		return
	}
	if reason != NoReason {
		m.remember(own)
		e := m.incoming(Rejected)
		e.Reason = reason
		m.send(e, c.Session)
		return
	}
	slot := m.admit(own, price)
	e := m.about(Accepted, slot)
	e.InSeq = c.InSeq
	if own.numbered {
		copyID(&e.OrigID, &c.OrigID)
	}
	m.send(e, c.Session)
	if c.Type.in(stops) && !m.reached(slot) {
		m.wait(slot)
		return
	}
	if c.Type.in(stops) {
		m.trigger(slot)
	} else {
		m.arrive(slot, uint32(c.MinQty))
	}
	m.runElected()
}

// admit gives the command's order a slot and its numbers.
func (m *Market) admit(own place, price int64) (slot uint32) {
	c := m.cmd
	slot = m.pool.take()
	if !own.numbered {
		m.ids.add(own.block, own.key, true)
	}
	m.pool.name(slot, c.Session, &c.ClientID)
	m.counters.order++
	m.counters.ref++
	o := &m.pool.orders[slot]
	o.id, o.ref, o.price, o.notional, o.qty, o.open = m.counters.order, m.counters.ref, price, 0, uint32(c.Qty), uint32(c.Qty)
	o.session, o.instrument, o.side, o.typ, o.tif, o.marks = c.Session, c.Instrument, c.Side, c.Type, c.TIF, makeMarks(c.Conditions, c.SelfTrade)
	if c.Type.in(stops) || c.TIF == GoodTillDate || c.Display != 0 && c.Display < c.Qty {
		m.giveTerms(slot)
	}
	return slot
}

// giveTerms notes what only some orders have.
func (m *Market) giveTerms(slot uint32) {
	c := m.cmd
	m.pool.orders[slot].marks |= hasTerms
	t := terms{stop: c.StopPrice, trail: c.Trail, expire: c.Expire}
	if c.Display < c.Qty {
		t.display = uint32(c.Display)
	}
	if c.StopPrice == 0 && c.Trail != 0 {
		t.stop = trailFrom(c.Side, m.books[c.Instrument].day.Last, c.Trail)
	}
	m.pool.terms[slot] = t
	if c.TIF == GoodTillDate {
		m.due.push(m, slot)
	}
}

// refusal is why an order cannot be taken, NoReason if it can.
func (m *Market) refusal(own *place) Reason {
	c := m.cmd
	switch {
	case own.state != neverSeen:
		return DuplicateClientID
	case c.Reason != NoReason:
		return c.Reason
	case c.Instrument == 0 || int(c.Instrument) >= len(m.books):
		return UnknownInstrument
	case c.ClientID[0] == 0 || own.numbered && !m.numbers() || c.Side > Sell || c.Type >= orderTypes || c.TIF >= timesInForce:
		return UnsupportedOrder
	case m.ids.full() && !own.numbered:
		return ClientIDsFull
	}
	b := &m.books[c.Instrument]
	if why := m.terms(b, c.Type, c.Price, c.Qty, waits(c.Type, c.TIF)); why != NoReason {
		return why
	}
	return m.conditionsFault(b)
}

// terms checks what can change from moment to moment, price and quantity.
func (m *Market) terms(b *instrumentBook, typ OrderType, price, qty int64, waits bool) Reason {
	switch {
	case m.phase != 'Q':
		return MarketClosed
	case b.info.State != 'T':
		return InstrumentHalted
	case qty < 1 || qty > b.maxQty:
		return QuantityOutOfRange
	case (price < 1 || price > b.maxPrice) && !typ.in(unpriced|1<<MarketToLimit):
		return PriceOutOfRange
	case waits && (int(m.counters.resting) >= m.limits.Orders || !m.nodes.room()):
		return BookFull
	}
	return NoReason
}

// crosses tells whether an order may trade at a price of the other side.
func (o *order) crosses(price int64) bool {
	switch {
	case o.typ.in(unpriced):
		return true
	case o.side == Buy:
		return price <= o.price
	}
	return price >= o.price
}

// arrive lets an order come in: what its conditions ask for first, then trades, then rest or end.
func (m *Market) arrive(slot, minimum uint32) {
	o := &m.pool.orders[slot]
	why := NoReason
	switch {
	case o.typ == MarketToLimit && o.price == 0:
		m.drop(slot, NoLiquidity) // there is no best price to become its limit
		return
	case o.tif == FillOrKill || o.marks&marks(AllOrNone) != 0:
		why = m.fillable(slot)
	case minimum > 0:
		if qty, _ := m.available(slot); qty < minimum {
			m.drop(slot, MinimumNotMet)
			return
		}
	}
	switch {
	case why == NoReason:
		why = m.match(slot)
	case rests(o.typ, o.tif): // an all-or-none waits
		why = NoReason
	}
	m.settle(slot, why)
}

// match trades the order with the other side: best price first, at each price the order that has been there longest, at the resting order's price. It gives
// the reason if the order must not go on.
func (m *Market) match(slot uint32) Reason {
	o := &m.pool.orders[slot]
	b := &m.books[o.instrument]
	if b.ladders[allOrNones+1-o.side].best != 0 {
		return m.matchAround(slot)
	}
	other, key := &b.ladders[1-o.side], o.limitKey()
	for o.open > 0 && key <= other.reach {
		l := &m.levels.levels[other.best]
		first := l.head
		if planted("map order in matching") {
			for first = range map[uint32]bool{l.head: true, l.tail: true} {
				break
			}
		}
		if planted("last come first served") {
			first = l.tail
		}
		if m.tradePlain(b, o, &m.pool.orders[first], first, l) {
			continue
		}
		if why := m.meet(slot, first, l.price); why != NoReason {
			return why
		}
	}
	return NoReason
}

// meet trades two orders, unless that is to be prevented.
func (m *Market) meet(incoming, resting uint32, price int64) Reason {
	if m.own(incoming, resting) {
		return m.prevent(incoming, resting, price)
	}
	m.trade(incoming, resting, price)
	return NoReason
}

// trade fills both orders. The resting one's event comes first, and is the feed's.
func (m *Market) trade(incoming, resting uint32, price int64) {
	in, rest := &m.pool.orders[incoming], &m.pool.orders[resting]
	qty := min(in.open, m.pool.slice(resting))
	m.counters.match++
	m.counters.trades++
	m.counters.volume += uint64(qty)
	in.notional += price * int64(qty)
	rest.notional += price * int64(qty)
	in.open -= qty
	refresh := false
	if rest.open == qty {
		m.dequeue(resting) // with its open quantity still in place
		rest.open = 0
	} else {
		refresh = m.takeOff(resting, qty)
	}
	for _, slot := range [2]uint32{resting, incoming} {
		e := m.about(Filled, slot)
		e.LastPrice, e.LastQty, e.Match = price, int64(qty), m.counters.match
		if slot == resting {
			e.Resting = true
			if rest.marks&unseen == 0 {
				m.onFeed(e, 'E')
			} else {
				m.onFeed(e, 'P')
			}
		}
		m.send(e, m.pool.orders[slot].session)
	}
	if rest.open == 0 {
		m.forget(resting)
		m.counters.resting--
		m.sessions[rest.session].OpenOrders--
	} else if refresh {
		m.refresh(resting)
	}
	m.traded(in.instrument, price, qty)
}

// takeOff lowers what a resting order has open by a fill in part, and tells whether it is an iceberg that shows nothing any more.
func (m *Market) takeOff(slot, qty uint32) (refresh bool) {
	o := &m.pool.orders[slot]
	lv := &m.levels.levels[o.level]
	o.open -= qty
	lv.qty -= int64(qty)
	if o.marks&unseen == 0 {
		lv.stamp = m.counters.index
		lv.shown -= int64(qty)
	}
	if o.marks&hasTerms == 0 || m.pool.terms[slot].display == 0 {
		return false
	}
	t := &m.pool.terms[slot]
	t.shown -= qty
	return t.shown == 0
}

// settle does with what is left of an incoming order what its time in force says. why not NoReason: it ends for that.
func (m *Market) settle(slot uint32, why Reason) {
	o := &m.pool.orders[slot]
	switch {
	case o.open == 0:
		m.forget(slot)
	case why != NoReason:
		m.drop(slot, why)
	case o.typ.in(unpriced):
		m.drop(slot, NoLiquidity)
	case o.tif == ImmediateOrCancel || o.tif == FillOrKill:
		m.drop(slot, ImmediateOrCancelRest)
	case !m.nodes.room() && !m.mayRest(o):
		m.drop(slot, BookFull)
	default:
		m.rest(slot)
		e := m.justAccepted(o)
		if e == nil {
			e = m.about(Rested, slot)
		}
		if o.marks&unseen == 0 {
			m.show(e, slot)
			m.onFeed(e, 'A')
		}
		m.retry(o.instrument, 1-o.side)
	}
}

// justAccepted is the order's Accepted if nothing has happened since and it will be seen.
func (m *Market) justAccepted(o *order) *Event {
	if e := &m.out[len(m.out)-1]; e.Kind == Accepted && e.OrderID == o.id && o.marks&unseen == 0 {
		return e
	}
	return nil
}

// mayRest tells whether a level for the order is there already, so that it needs no more room.
func (m *Market) mayRest(o *order) bool {
	ladder := restingLadder(o)
	return m.nodes.find(&m.books[o.instrument].ladders[ladder], keyOf(ladder, o.price)) != 0
}

func restingLadder(o *order) uint8 {
	if o.marks&marks(AllOrNone) != 0 {
		return allOrNones + uint8(o.side)
	}
	return inBook + uint8(o.side)
}

// rest puts an order into the book.
func (m *Market) rest(slot uint32) {
	o := &m.pool.orders[slot]
	if o.marks&hasTerms != 0 {
		t := &m.pool.terms[slot]
		t.shown = min(t.display, o.open)
	}
	m.place(slot, restingLadder(o), o.price)
}

// place puts an order into a ladder and counts it.
func (m *Market) place(slot uint32, ladder uint8, price int64) {
	m.enqueue(slot, ladder, price)
	m.counters.resting++
	m.sessions[m.pool.orders[slot].session].OpenOrders++
}

// withdraw is place undone.
func (m *Market) withdraw(slot uint32) {
	o := &m.pool.orders[slot]
	if o.typ.in(trailing) && m.waiting(slot) {
		m.stopTrailing(slot)
	}
	m.dequeue(slot)
	m.counters.resting--
	m.sessions[o.session].OpenOrders--
}

// visible tells whether the feed knows a resting order.
func (m *Market) visible(slot uint32) bool {
	return m.pool.orders[slot].marks&unseen == 0 && !m.waiting(slot)
}

// drop ends an order that is not in the book.
func (m *Market) drop(slot uint32, why Reason) {
	o := &m.pool.orders[slot]
	e := m.about(Cancelled, slot)
	e.Reason, e.Leaves = why, 0
	m.send(e, o.session)
	if why == SelfTradePrevented && m.kept.price != 0 {
		m.tellPrevented(e, false)
	}
	m.forget(slot)
}

// end takes a resting order out of the book. request is the id of the request for it (empty if that had none), nil if nobody asked.
func (m *Market) end(slot uint32, why Reason, request *ClientID) {
	o := &m.pool.orders[slot]
	visible := m.visible(slot)
	m.withdraw(slot)
	e := m.about(Cancelled, slot)
	e.Reason, e.Leaves = why, 0
	if request != nil {
		e.InSeq = m.cmd.InSeq
		o.name.put(&e.OrigID)
		if request[0] != 0 {
			copyID(&e.ClientID, request)
		}
	}
	if visible {
		m.onFeed(e, 'D')
	}
	m.send(e, o.session)
	m.forget(slot)
}

// forget gives the order's slot back; its id stays seen.
func (m *Market) forget(slot uint32) {
	o := &m.pool.orders[slot]
	if o.marks&hasTerms != 0 && m.pool.terms[slot].expire != 0 {
		m.due.remove(m, slot)
	}
	m.pool.release(slot)
}
