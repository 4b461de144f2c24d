package book

// All-or-none. An order with this condition trades its whole open quantity in one go, as the incoming or the resting order, or nothing of it. It is not
// shown, and nobody waits for it:
//
//  1. An incoming order meets, at each price, first the book and then the all-or-none orders that waited there, the longest first. One that is larger than
//     what the incoming order has left is passed over, and is not looked at again for this order, which goes on to worse prices and may come to rest
//     at a price that crosses it. So the book that is shown is never locked nor crossed, and is always traded with first.
//  2. An all-or-none order comes in only if a dry run of that very matching fills it. If not, it waits.
//  3. Whenever an order comes to rest, the waiting ones of the other side are tried, best price and longest first, once each: one that can be filled now
//     comes in as if it were new, and trades at the resting orders' prices. One whose quantity was lowered is tried too.
//
// No other combination of orders is searched for: price and time decide, not size.

// matchAround is match where all-or-none orders wait on the other side.
func (m *Market) matchAround(slot uint32) Reason {
	o := &m.pool.orders[slot]
	b := &m.books[o.instrument]
	other := &b.ladders[1-o.side]
	whole := m.first(&b.ladders[allOrNones+1-o.side])
	for o.open > 0 {
		for whole != 0 && m.pool.orders[whole].open > o.open {
			whole = m.after(whole)
		}
		var met uint32
		var price int64
		if l := &m.levels.levels[other.best]; other.best != 0 && o.crosses(l.price) {
			met, price = l.head, l.price
		}
		if whole != 0 {
			if p := m.pool.orders[whole].price; o.crosses(p) && (met == 0 || priceKey(1-o.side, p) < priceKey(1-o.side, price)) {
				met, price = whole, p
				whole = m.after(whole)
			}
		}
		if met == 0 {
			break
		}
		if why := m.meet(slot, met, price); why != NoReason {
			return why
		}
	}
	return NoReason
}

// retry tries the all-or-none orders of one side again, each once.
func (m *Market) retry(instrument uint16, side Side) {
	b := &m.books[instrument]
	l := &b.ladders[allOrNones+side]
	if l.best == 0 || m.phase != 'Q' || b.info.State != 'T' {
		return
	}
	// Those tried leave the ladder only by trading, and then are all that leaves it on this side.
	for s := m.first(l); s != 0; {
		next := m.after(s)
		m.tryAgain(s)
		s = next
	}
}

// tryAgain lets an all-or-none order that waits come in, if it can be filled.
func (m *Market) tryAgain(slot uint32) {
	if qty, _ := m.available(slot); qty < m.pool.orders[slot].open {
		return
	}
	m.withdraw(slot)
	m.settle(slot, m.match(slot))
}
