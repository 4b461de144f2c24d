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

// available is how much of an order would trade if it came in now: a dry run of match that stops where the order would be stopped.
func (m *Market) available(slot uint32) uint32 {
	o := &m.pool.orders[slot]
	b := &m.books[o.instrument]
	li := b.ladders[1-o.side].best
	whole := m.first(&b.ladders[allOrNones+1-o.side])
	need := o.open
	for need > 0 {
		for whole != 0 && m.pool.orders[whole].open > need {
			whole = m.after(whole)
		}
		lv := &m.levels.levels[li]
		inBook := li != 0 && o.crosses(lv.price)
		if whole != 0 {
			w := &m.pool.orders[whole]
			if o.crosses(w.price) && (!inBook || priceKey(1-o.side, w.price) < priceKey(1-o.side, lv.price)) {
				switch {
				case !m.own(slot, whole):
					need -= w.open
				case o.marks.selfTrade() != CancelOldest:
					return o.open - need
				}
				whole = m.after(whole)
				continue
			}
		}
		if !inBook {
			break
		}
		n, stop := m.availableAt(slot, lv)
		need -= uint32(min(n, int64(need)))
		if stop {
			break
		}
		li = lv.worse
	}
	return o.open - need
}

// availableAt is what an order would find at one level, and whether an order of its own stops it there.
func (m *Market) availableAt(slot uint32, lv *level) (qty int64, stop bool) {
	mode := m.pool.orders[slot].marks.selfTrade()
	if mode == SelfTradeAllowed {
		return lv.qty, false
	}
	slices, all := int64(0), int64(0) // of the seen orders so far: icebergs trade all they have before the first hidden order has its turn
	hidden := lv.lastSeen == 0
	for s := lv.head; s != 0; s = m.pool.orders[s].next {
		switch {
		case !m.own(slot, s):
			slices += int64(m.pool.slice(s))
			all += int64(m.pool.orders[s].open)
		case mode == CancelOldest:
		case hidden:
			return all, true
		default:
			return slices, true
		}
		hidden = hidden || s == lv.lastSeen
	}
	return all, false
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
	if m.available(slot) < m.pool.orders[slot].open {
		return
	}
	m.withdraw(slot)
	m.settle(slot, m.match(slot))
}
