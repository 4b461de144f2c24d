package book

// Stops. A stop waits in a ladder of its own, by stop price, until a trade is at that price or beyond; where there was no trade yet, it waits for one.
// Every trade counts, also one in the middle of an order's way through the book. What was reached comes in one after the other when the
// order that caused it is done: the buys before the sells, of each the price reached first before the others, of one price the longest waiting;
// and what their trades reach comes in behind them. A stop whose price was reached before it was entered comes in at once.

// waiting tells whether an order that lies in a ladder is a stop that was not reached.
func (m *Market) waiting(slot uint32) bool {
	return m.levels.levels[m.pool.orders[slot].level].ladder >= stopped
}

// reached tells whether the last trade was at the order's stop price or beyond.
func (m *Market) reached(slot uint32) bool {
	o := &m.pool.orders[slot]
	last, stop := m.books[o.instrument].day.Last, m.pool.terms[slot].stop
	switch {
	case last == 0:
		return false
	case o.side == Buy:
		return last >= stop
	}
	return last <= stop
}

// wait puts a stop among those that wait.
func (m *Market) wait(slot uint32) {
	o := &m.pool.orders[slot]
	t := &m.pool.terms[slot]
	t.shown = t.display
	m.place(slot, stopped+uint8(o.side), t.stop)
	if o.typ.in(trailing) {
		m.startTrailing(slot)
	}
}

// traded notes a trade: statistics first, then what follows from its price.
func (m *Market) traded(instrument uint16, price int64, qty uint32) {
	b := &m.books[instrument]
	last := b.day.Last
	b.day.add(price, qty)
	if b.stirs(price) {
		m.follow(b, last, price)
	}
}

// stirs tells whether a trade's price may concern a stop: one that trails, or one that it reaches. What reach is to an order, whose key is the worst price that
// it may trade at, it is to the price of a trade.
func (b *instrumentBook) stirs(price int64) bool {
	key := uint64(price) ^ 1<<63
	return b.trailing != [2]uint32{} || b.ladders[stopped+Buy].reach >= ^key || b.ladders[stopped+Sell].reach >= key
}

// follow does what follows from the price of a trade, where that of the one before was last.
func (m *Market) follow(b *instrumentBook, last, price int64) {
	m.until = 0 // what room stops take was not looked at
	if price != last {
		m.trail(b, price)
	}
	m.elect(&b.ladders[stopped+Buy], func(stop int64) bool { return stop <= price })
	m.elect(&b.ladders[stopped+Sell], func(stop int64) bool { return stop >= price })
}

// elect takes the stops that were reached out of their ladder, to come in when the order at hand is done.
func (m *Market) elect(l *ladder, reached func(stop int64) bool) {
	for l.best != 0 && reached(m.levels.levels[l.best].price) {
		slot := m.first(l)
		m.withdraw(slot)
		m.pool.orders[slot].next = 0
		if m.electedLast != 0 {
			m.pool.orders[m.electedLast].next = slot
		} else {
			m.electedFirst = slot
		}
		m.electedLast = slot
	}
}

// runElected lets come in what was reached, until nothing more is.
func (m *Market) runElected() {
	for m.electedFirst != 0 {
		slot := m.electedFirst
		m.electedFirst = m.pool.orders[slot].next
		if m.electedFirst == 0 {
			m.electedLast = 0
		}
		m.trigger(slot)
	}
}

// trigger lets a stop come in, under a reference that tells when it did.
func (m *Market) trigger(slot uint32) {
	m.counters.ref++
	m.pool.orders[slot].ref = m.counters.ref
	m.send(m.about(Triggered, slot), m.pool.orders[slot].session)
	m.arrive(slot, 0)
}

// trailFrom is the stop price at a distance from a trade.
func trailFrom(side Side, last, distance int64) int64 {
	if side == Buy {
		return last + distance
	}
	return last - distance
}

// startTrailing adds a stop to its instrument's trailing ones, which stand in the order of their ids.
func (m *Market) startTrailing(slot uint32) {
	o := &m.pool.orders[slot]
	first := &m.books[o.instrument].trailing[o.side]
	newest := &m.books[o.instrument].newestTrailing[o.side]
	before := *newest
	for before != 0 && m.pool.orders[before].id > o.id { // only one that was replaced goes back
		before = m.pool.terms[before].older
	}
	t := &m.pool.terms[slot]
	t.older = before
	if before != 0 {
		t.newer = m.pool.terms[before].newer
		m.pool.terms[before].newer = slot
	} else {
		t.newer = *first
		*first = slot
	}
	if t.newer != 0 {
		m.pool.terms[t.newer].older = slot
	} else {
		*newest = slot
	}
}

// stopTrailing takes a stop out of its instrument's trailing ones.
func (m *Market) stopTrailing(slot uint32) {
	o, t := &m.pool.orders[slot], &m.pool.terms[slot]
	b := &m.books[o.instrument]
	if t.older != 0 {
		m.pool.terms[t.older].newer = t.newer
	} else {
		b.trailing[o.side] = t.newer
	}
	if t.newer != 0 {
		m.pool.terms[t.newer].older = t.older
	} else {
		b.newestTrailing[o.side] = t.older
	}
	t.older, t.newer = 0, 0
}

// trail moves the trailing stops that a trade's price has got further away from, in the order of their ids. It takes time in proportion to their number.
// One for which there is no room at its new price is cancelled.
func (m *Market) trail(b *instrumentBook, price int64) {
	for side := range b.trailing {
		for slot := b.trailing[side]; slot != 0; {
			o, t := &m.pool.orders[slot], &m.pool.terms[slot]
			next := t.newer
			stop := trailFrom(o.side, price, t.trail)
			if o.side == Buy && stop < t.stop || o.side == Sell && stop > t.stop {
				m.dequeue(slot)
				if o.typ == TrailingStopLimit {
					o.price = min(max(o.price+stop-t.stop, 1), b.maxPrice)
				}
				t.stop = stop
				m.enqueue(slot, stopped+uint8(o.side), stop)
				if !m.nodes.last() {
					m.end(slot, BookFull, nil)
				}
			}
			slot = next
		}
	}
}
