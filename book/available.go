package book

// fillable counts an order out: NoReason if all of it would trade now, within its budget if it has one, or why not.
func (m *Market) fillable(slot uint32) Reason {
	o := &m.pool.orders[slot]
	switch qty, notional := m.available(slot); {
	case qty < o.open && !planted("fill or kill fills in part"):
		return NotFillable
	case o.typ == Budget && (o.side == Buy && notional > o.price || o.side == Sell && notional < o.price):
		return BudgetNotMet
	}
	return NoReason
}

// available is how much of an order would trade if it came in now, and the sum of price x quantity over those fills: a dry run of match that stops where
// the order would be stopped.
func (m *Market) available(slot uint32) (qty uint32, notional int64) {
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
					notional += w.price * int64(w.open)
				case o.marks.selfTrade() != CancelOldest:
					return o.open - need, notional
				}
				whole = m.after(whole)
				continue
			}
		}
		if !inBook {
			break
		}
		n, stop := m.availableAt(slot, lv)
		n = min(n, int64(need))
		need -= uint32(n)
		notional += lv.price * n
		if stop {
			break
		}
		li = lv.worse
	}
	return o.open - need, notional
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
