package book

// massCancel ends all orders that the command means, instrument by instrument, and answers with their number. It looks at each order that waits in those
// instruments.
func (m *Market) massCancel() {
	c := m.cmd
	if c.Session == 0 {
		m.exchangeCancels()
		return
	}
	if !m.accept() {
		return
	}
	request := m.look(&c.ClientID)
	why := c.Reason
	switch {
	case why != NoReason:
	case request.state != neverSeen:
		why = DuplicateClientID
	case int(c.Instrument) >= len(m.books):
		why = UnknownInstrument
	case c.Code != 'S' && c.Code != 'P', c.Side > Sell:
		why = UnsupportedOrder
	}
	m.remember(request)
	count := int64(0)
	if why == NoReason {
		participant := m.sessions[c.Session].Participant
		if c.Code == 'S' {
			count = m.endAll(UserRequest, func(session uint16) bool { return session == c.Session })
		} else {
			count = m.endAll(UserRequest, func(session uint16) bool { return m.sessions[session].Participant == participant })
		}
	}
	e := m.event(MassCancelled)
	e.Code, e.Instrument, e.Side, e.Flags, e.Qty, e.Reason, e.InSeq, e.ClientID = c.Code, c.Instrument, c.Side, c.Flags&OneSide, count, why, c.InSeq, c.ClientID
	m.send(e, c.Session)
}

// exchangeCancels is a MassCancel of the exchange itself: of a participant's orders, or of everybody's. It answers nobody.
func (m *Market) exchangeCancels() {
	c := m.cmd
	participant, known := m.ParticipantByName(text(&c.OrigID))
	everybody := c.OrigID == ClientID{}
	if c.Code != 'P' || c.Side > Sell || int(c.Instrument) >= len(m.books) || !known && !everybody {
		return
	}
	m.endAll(NotAuthorized, func(session uint16) bool { return everybody || m.sessions[session].Participant == participant })
}

// endAll ends the orders of the sessions meant, in the instrument and on the side that the command names (if it names any), and counts them: book by
// book, each as it would have traded, then those that wait.
func (m *Market) endAll(why Reason, meant func(session uint16) bool) (count int64) {
	c := m.cmd
	for number := range m.books {
		if c.Instrument != 0 && int(c.Instrument) != number {
			continue
		}
		for k := range m.books[number].ladders {
			if c.Flags&OneSide != 0 && Side(k&1) != c.Side {
				continue
			}
			for slot := m.first(&m.books[number].ladders[k]); slot != 0; {
				next := m.after(slot)
				if meant(m.pool.orders[slot].session) {
					m.end(slot, why, nil)
					count++
				}
				slot = next
			}
		}
	}
	return count
}
