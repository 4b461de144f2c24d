package book

// status tells of a session's orders and changes nothing. What is over is not told of in full: the book keeps an order's id for the day, but not the order.
func (m *Market) status() {
	c := m.cmd
	if !m.accept() {
		return
	}
	if c.Code != 'A' {
		if c.Reason != NoReason {
			m.tellOfNone(c.Reason)
			return
		}
		m.tell(&c.OrigID)
		return
	}
	open := int64(0)
	if c.Reason == NoReason {
		m.eachOwn(func(uint32) { open++ })
	}
	if open == 0 {
		m.tellOfNone(max(c.Reason, UnknownOrder))
		return
	}
	left := open
	m.eachOwn(func(slot uint32) {
		left--
		e := m.about(Told, slot)
		m.tellOf(e, 'A')
		e.LastQty, e.Shown = open, left
	})
}

// eachOwn calls f with each order of the command's session that waits, book by book, each as it would have traded.
func (m *Market) eachOwn(f func(slot uint32)) {
	c := m.cmd
	for number := range m.books {
		if c.Instrument != 0 && int(c.Instrument) != number {
			continue
		}
		for k := range m.books[number].ladders {
			if c.Flags&OneSide != 0 && Side(k&1) != c.Side {
				continue
			}
			for slot := m.first(&m.books[number].ladders[k]); slot != 0; slot = m.after(slot) {
				if m.pool.orders[slot].session == c.Session {
					f(slot)
				}
			}
		}
	}
}

// tell answers with the state of the session's order that has the id.
func (m *Market) tell(id *ClientID) {
	if slot := m.pool.find(m.cmd.Session, id); slot != 0 {
		m.tellOf(m.about(Told, slot), 'H')
		return
	}
	why := UnknownOrder
	if id[0] != 0 {
		if _, state := m.ids.find(makeKey(m.cmd.Session, id), m.cmd.Session, id); state == wasOrder {
			why = TooLateToCancel
		}
	}
	m.tellOfNone(why)
}

// tellOf gives the event what the request has, and sends it.
func (m *Market) tellOf(e *Event, code byte) {
	c := m.cmd
	e.Code, e.InSeq, e.OrigID = code, c.InSeq, ClientID{}
	if c.Kind == Status {
		copyID(&e.OrigID, &c.ClientID)
	}
	m.send(e, c.Session)
}

// tellOfNone answers that there is no such order.
func (m *Market) tellOfNone(why Reason) {
	c := m.cmd
	e := m.event(Told)
	e.Reason, e.Instrument, e.Side = why, c.Instrument, c.Side
	code := byte('H')
	switch {
	case c.Kind != Status:
		copyID(&e.ClientID, &c.ClientID)
	case c.Code == 'A':
		code = 'A'
	default:
		copyID(&e.ClientID, &c.OrigID)
	}
	m.tellOf(e, code)
}
