package fix

// throttle bounds the application messages of a session: so many a second on the long run, so many at once. It is the generic cell rate algorithm: due is
// when the bucket would be empty again.
type throttle struct {
	due     int64
	refused int
}

// counted tells whether a message counts for the rate: all do that are not the session's own, those too that are not taken or have a fault.
func (m *Message) counted() bool {
	kind := m.msgType()
	return len(kind) > 1 || kind[0] != 'A' && kind[0] != 'j' && kind[0]-'0' > 5
}

// tooMany counts a message when it comes, and tells whether it is one too many. What fills a gap that we asked for is not counted.
func (a *Acceptor) tooMany(now int64, in *inbound) bool {
	s := &a.session
	return s.MessagesPerSecond > 0 && in.seq > a.gap.until && in.m.counted() && !a.throttle.take(now, s.MessagesPerSecond, s.MessageBurst)
}

// admitted tells whether a message is within the session's rate. One too many is answered here; too many of them in a row end the session.
func (a *Acceptor) admitted(now int64, in *inbound) bool {
	if !in.kept {
		in.refused = a.tooMany(now, in)
	}
	if !in.refused {
		return true
	}
	s := &a.session
	if s.MaxRefused > 0 && a.throttle.refused > s.MaxRefused {
		a.logoutAndClose(now, "Message rate exceeded")
		return false
	}
	a.refuseText(in, businessOther, "Message rate exceeded: at most "+string(appendUint(nil, uint64(s.MessagesPerSecond)))+" a second")
	return false
}

// take tells whether a message may pass now; it counts those in a row that may not.
func (t *throttle) take(now int64, perSecond, burst int) bool {
	if perSecond <= 0 {
		return true
	}
	step := nanosPerSecond / int64(perSecond)
	due := max(t.due, now)
	if due-now > step*int64(max(burst-1, 0)) {
		t.refused++
		return false
	}
	t.due = due + step
	t.refused = 0
	return true
}
