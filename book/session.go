package book

import "strconv"

// Session is one counterparty's session: its numbers outlive its connections, and leaders.
type Session struct {
	Name        string
	Participant uint16
	Protocol    Protocol
	Flags       uint8
	Connected   bool
	// Epoch counts connections.
	Epoch uint32
	// NextIn is the inbound number expected next (of OUCH: in channel 0), NextOut the outbound number given next.
	NextIn, NextOut uint64
	// OpenOrders is how many of its orders rest.
	OpenOrders int
	Heartbeat  uint16
}

// NumSessions is how many sessions there are; they are numbered from 1.
func (m *Market) NumSessions() int { return len(m.sessions) - 1 }

// Session gives a session.
func (m *Market) Session(number uint16) Session { return m.sessions[number] }

// SessionByName finds a session's number.
func (m *Market) SessionByName(name string) (uint16, bool) {
	for i := 1; i < len(m.sessions); i++ {
		if m.sessions[i].Name == name {
			return uint16(i), true
		}
	}
	return 0, false
}

// send gives the event its number in its session.
func (m *Market) send(e *Event, session uint16) {
	s := &m.sessions[session]
	e.Session, e.OutSeq, e.NextIn, e.Epoch = session, s.NextOut, s.NextIn, s.Epoch
	s.NextOut++
	if planted("outbound number skipped") && e.Kind == Replaced {
		s.NextOut++
	}
}

// sessionOf is the command's session, nil if there is none.
func (m *Market) sessionOf() *Session {
	if m.cmd.Session == 0 || int(m.cmd.Session) >= len(m.sessions) {
		return nil
	}
	return &m.sessions[m.cmd.Session]
}

// accept checks that the command comes from the session's present connection under the expected number, and consumes that. Otherwise nothing happens:
// the number was consumed before, or the connection is over.
func (m *Market) accept() bool {
	c, s := m.cmd, m.sessionOf()
	if s == nil {
		return false
	}
	next := m.next(s)
	if c.Epoch != s.Epoch || !s.Connected || c.InSeq != 0 && c.InSeq != *next {
		e := m.event(CommandDropped)
		e.Session, e.Epoch, e.InSeq, e.NextIn = c.Session, c.Epoch, c.InSeq, *next
		return false
	}
	if c.InSeq != 0 {
		*next++
	}
	return true
}

// resetNumbers sets both numbers to 1 if the command asks for it and the session may, and returns the flag if so.
func (m *Market) resetNumbers(s *Session) uint8 {
	if m.cmd.Flags&ResetNumbers == 0 || s.Flags&MayReset == 0 {
		return 0
	}
	s.NextIn, s.NextOut = 1, 1
	return ResetNumbers
}

// openStream answers the login of an OUCH session, whose inbound messages have no numbers and whose outbound stream has reports only: the answer
// has no number either; it says InSeq again, by which its connection knows it.
func (m *Market) openStream(s *Session) {
	s.Connected = true
	e := m.event(SessionMessageSent)
	e.Code, e.InSeq, e.Session, e.Epoch, e.NextIn = 'A', m.cmd.InSeq, m.cmd.Session, s.Epoch, s.NextIn
}

// logon opens a connection: a new epoch. If the one before was still open, the higher epoch is all that says it is over.
func (m *Market) logon() {
	c, s := m.cmd, m.sessionOf()
	if s == nil {
		return
	}
	s.Epoch++
	if s.Protocol == OUCH {
		m.openStream(s)
		return
	}
	flags := m.resetNumbers(s)
	if c.InSeq < s.NextIn && c.Flags&PossDup == 0 {
		m.refuseLogon("MsgSeqNum too low, expecting ", s.NextIn, c.InSeq)
		return
	}
	gap := c.InSeq > s.NextIn
	if c.InSeq == s.NextIn {
		s.NextIn++
	}
	if c.NextIn > s.NextOut {
		m.refuseLogon("NextExpectedMsgSeqNum too high, expecting ", s.NextOut, c.NextIn)
		return
	}
	s.Connected, s.Heartbeat = true, c.Seconds
	e := m.event(SessionMessageSent)
	e.Code, e.InSeq, e.Seconds, e.Flags = 'A', c.InSeq, c.Seconds, flags
	m.send(e, c.Session)
	if gap {
		e := m.event(SessionMessageSent)
		e.Code, e.InSeq = '2', c.InSeq
		m.send(e, c.Session)
	}
}

// refuseLogon answers with a Logout and leaves the session without a connection.
func (m *Market) refuseLogon(why string, expected, received uint64) {
	s := m.sessionOf()
	s.Connected = false
	e := m.event(SessionMessageSent)
	e.Code, e.InSeq = '5', m.cmd.InSeq
	var buf [MaxText]byte
	b := append(buf[:0], why...)
	b = strconv.AppendUint(b, expected, 10)
	b = append(b, " but received "...)
	b = strconv.AppendUint(b, received, 10)
	copy(e.OrigID[:], b[copy(e.ClientID[:], b):])
	m.send(e, m.cmd.Session)
	m.sessionClosed()
}

func (m *Market) sessionClosed() {
	s := m.sessionOf()
	e := m.event(SessionClosed)
	e.Session, e.Epoch, e.NextIn = m.cmd.Session, s.Epoch, s.NextIn
}

func (m *Market) sessionMessage() {
	c, s := m.cmd, m.sessionOf()
	flags := c.Flags &^ ResetNumbers
	if s != nil && s.Connected && s.Epoch == c.Epoch && c.InSeq <= 1 { // a reset comes under the number 1, whatever was expected
		flags |= m.resetNumbers(s)
	}
	if !m.accept() {
		return
	}
	if c.NextIn > s.NextIn {
		s.NextIn = c.NextIn
	}
	if c.Code == 0 {
		return
	}
	e := m.event(SessionMessageSent)
	e.Code, e.InSeq, e.Seconds, e.RefTag, e.RefMsgType, e.Reason, e.Flags = c.Code, c.InSeq, c.Seconds, c.RefTag, c.RefMsgType, c.Reason, flags
	e.ClientID, e.OrigID = c.ClientID, c.OrigID
	m.send(e, c.Session)
}

func (m *Market) disconnect() {
	s := m.sessionOf()
	if s == nil || s.Epoch != m.cmd.Epoch || !s.Connected {
		return
	}
	s.Connected = false
	m.sessionClosed()
}

// cancelSession ends the orders of a session that stayed away, in the order of the books.
func (m *Market) cancelSession() {
	s := m.sessionOf()
	if s == nil || s.Epoch != m.cmd.Epoch || s.Connected || s.OpenOrders == 0 {
		return
	}
	for number := range m.books {
		for k := range m.books[number].ladders {
			for slot := m.first(&m.books[number].ladders[k]); slot != 0 && s.OpenOrders > 0; {
				next := m.after(slot)
				if m.pool.orders[slot].session == m.cmd.Session {
					m.end(slot, SessionDisconnected, nil)
				}
				slot = next
			}
		}
	}
}
