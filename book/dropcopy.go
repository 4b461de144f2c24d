package book

// DropCopy in the Flags of AddSession, and of the Session: the session gets copies of the reports on its participant's orders, in the order they are
// made, under numbers of its own. In the Flags of an event: it is such a copy; Seconds is the session and InSeq the number of the report it
// copies, everything else that says something of the order is the same.
const DropCopy uint8 = 1 << 0

// copyReports copies the command's reports to the drop-copy sessions. The events begin at first.
func (m *Market) copyReports(first int) {
	last := len(m.out)
	for i := first; i < last; i++ {
		if e := &m.out[i]; e.OutSeq == 0 || !copied(e.Kind) {
			continue
		}
		participant := m.sessions[m.out[i].Session].Participant
		for _, session := range m.drops {
			if m.sessions[session].Participant != participant {
				continue
			}
			e := m.event(m.out[i].Kind)
			report := &m.out[i] // event may have moved them all
			*e = *report
			e.Feed, e.FeedSeq = 0, 0
			e.Seconds, e.InSeq, e.Flags = report.Session, report.OutSeq, DropCopy
			m.send(e, session)
		}
	}
}

// copied tells whether reports of a kind are copied: all that change an order.
func copied(k EventKind) bool {
	switch k {
	case Accepted, Rejected, Filled, Cancelled, Reduced, Replaced, Triggered:
		return true
	}
	return false
}

// noteDrops lists the drop-copy sessions; after every change of the sessions.
func (m *Market) noteDrops() {
	m.drops = m.drops[:0]
	for i := range m.sessions {
		if m.sessions[i].Flags&DropCopy != 0 {
			m.drops = append(m.drops, uint16(i))
		}
	}
}
