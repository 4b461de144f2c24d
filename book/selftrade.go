package book

// own tells whether two orders belong to one group and the incoming one asks that they do not trade.
func (m *Market) own(incoming, resting uint32) bool {
	in := &m.pool.orders[incoming]
	if in.marks < 1<<selfTradeShift {
		return false
	}
	return m.group(in.session) == m.group(m.pool.orders[resting].session)
}

// group is a session's participant's group.
func (m *Market) group(session uint16) uint16 { return m.groups[m.sessions[session].Participant] }

// prevented is a trade that decrement had in its hands last: what its events, of which the incoming order's may come later, have to say.
type prevented struct {
	qty   uint32
	price int64 // 0: it was prevented in another way
}

// tellPrevented adds to an event, already sent, what would have traded, at which price, and whether its order rested. OUCH tells its clients; FIX has no
// place for it.
func (m *Market) tellPrevented(e *Event, resting bool) {
	if m.sessions[e.Session].Protocol == OUCH {
		e.LastQty, e.LastPrice, e.Resting = int64(m.kept.qty), m.kept.price, resting
	}
}

// prevent does what the incoming order asks for in place of a trade. It gives the reason if the incoming order ends.
func (m *Market) prevent(incoming, resting uint32, price int64) Reason {
	in := &m.pool.orders[incoming]
	m.kept = prevented{}
	switch in.marks.selfTrade() {
	case CancelNewest:
		return SelfTradePrevented
	case CancelOldest:
		m.end(resting, SelfTradePrevented, nil)
		return NoReason
	case CancelBoth:
		m.end(resting, SelfTradePrevented, nil)
		return SelfTradePrevented
	}
	return m.decrement(incoming, resting, price)
}

// decrement takes the smaller open quantity off both orders; what has nothing left is cancelled.
func (m *Market) decrement(incoming, resting uint32, price int64) Reason {
	in, rest := &m.pool.orders[incoming], &m.pool.orders[resting]
	off := min(in.open, rest.open)
	m.kept = prevented{off, price}
	if off == rest.open {
		m.end(resting, SelfTradePrevented, nil)
	} else {
		e := m.shrink(resting, off)
		e.Reason = SelfTradePrevented
		m.send(e, rest.session)
	}
	m.tellPrevented(&m.out[len(m.out)-1], true)
	if off == in.open {
		return SelfTradePrevented
	}
	in.qty -= off
	in.open -= off
	e := m.about(Reduced, incoming)
	e.LastQty, e.Reason = int64(off), SelfTradePrevented
	m.send(e, in.session)
	m.tellPrevented(e, false)
	return NoReason
}
