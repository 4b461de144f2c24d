package fix

import "exchange/book"

// firstMessage takes the Logon that must come first. What is wrong with it is answered by closing, without a message.
func (a *Acceptor) firstMessage(now int64, m *Message) {
	if !m.is(tagMsgType, 'A') {
		a.close("first message is not a Logon")
		return
	}
	session, ok := a.dir.Session(m.get(tagSenderCompID), m.get(tagTargetCompID))
	if !ok {
		a.close("unknown SenderCompID or TargetCompID")
		return
	}
	session.setDefaults()
	a.session = session
	if string(m.valueAt(0)) != session.Version.BeginString {
		a.close("wrong BeginString")
		return
	}
	if f := session.Version.validate(m); f.found {
		a.close("Logon refused: " + sessionRejectText(f.reason) + ", tag " + string(appendInt(nil, int64(f.tag))))
		return
	}
	if !a.inWindow(now, m) {
		a.close("SendingTime of the Logon is out of its window")
		return
	}
	seq, _ := parseUint(m.get(tagMsgSeqNum))
	if seq == 0 {
		a.close("MsgSeqNum of the Logon is 0")
		return
	}
	if m.is(tagPossDupFlag, 'Y') && (!m.has(tagOrigSendingTime) || m.sentLater()) {
		a.close("OrigSendingTime of the Logon is missing, or later than its SendingTime")
		return
	}
	switch session.wrongTerm(m) {
	case tagDefaultApplVerID:
		a.close("DefaultApplVerID is not that of the session's version")
		return
	case tagEncryptMethod:
		a.close("EncryptMethod is not 0")
		return
	case tagHeartBtInt:
		a.close("HeartBtInt is out of its bounds")
		return
	}
	if session.Authenticate != nil && !session.Authenticate(m.get(tagUsername), m.get(tagPassword)) {
		a.close("wrong Username or Password")
		return
	}
	if !a.dir.Claim(session.Number) {
		a.close("the session has a connection already")
		return
	}
	a.claimed = true
	a.framer.enlarge(a.cfg.MaxFrame, framerBuffer)
	a.submitLogon(m, seq)
}

// wrongTerm is the field in which a Logon asks for what the session does not have, 0 if there is none. A Logon that resets the numbers inside of a session is
// held to it too: otherwise it would be a way around the bounds.
func (c *SessionConfig) wrongTerm(m *Message) int32 {
	if id := c.Version.ApplVerID; id != "" && string(m.get(tagDefaultApplVerID)) != id {
		return tagDefaultApplVerID
	}
	if !m.is(tagEncryptMethod, '0') {
		return tagEncryptMethod
	}
	heartbeat, ok := parseUint(m.get(tagHeartBtInt))
	if !ok || heartbeat < uint64(c.MinHeartbeat) || heartbeat > uint64(c.MaxHeartbeat) {
		return tagHeartBtInt
	}
	return 0
}

// submitLogon submits the Logon command; input waits for its answer. It is also how numbers are reset inside a session.
func (a *Acceptor) submitLogon(m *Message, seq uint64) {
	heartbeat, _ := parseUint(m.get(tagHeartBtInt))
	next, _ := parseUint(m.get(tagNextExpectedMsgSeqNum))
	c := a.command(book.Logon, seq)
	c.Seconds = uint16(heartbeat)
	c.NextIn = next
	if m.is(tagResetSeqNumFlag, 'Y') && a.session.MayReset || a.session.ResetOnLogon {
		c.Flags |= book.ResetNumbers
	}
	if m.is(tagPossDupFlag, 'Y') {
		c.Flags |= book.PossDup
	}
	a.logon = logonSeen{inSeq: seq, nextExpected: next, heartbeat: uint16(heartbeat), reset: m.is(tagResetSeqNumFlag, 'Y')}
	a.state = stateLogonPending
}

// Deliver takes the next event of the session's stream: those with an outbound number in their order, and SessionClosed and CommandDropped
// where they lie between them. Not between a range given by ResendRequest and its ResendDone: what is resent must not be mixed with what is live.
func (a *Acceptor) Deliver(now int64, ev *book.Event) {
	if a.resend.asked {
		panic("fix: Deliver between a ResendRequest and ResendDone")
	}
	a.start(now)
	switch {
	case ev.Kind == book.SessionClosed:
		a.onSessionClosed(ev)
	case ev.Kind == book.CommandDropped:
		a.onCommandDropped(ev)
	case ev.OutSeq == 0:
	case a.logon.inSeq != 0 && a.answersLogon(ev):
		a.onAnswer(now, ev)
	case a.logon.inSeq != 0 && a.epoch == 0:
		// What precedes the answer is for the client to ask for.
	case a.state == stateLogonPending, a.state == stateActive, a.state == stateLogoutPending:
		a.send(now, ev)
	}
}

func (a *Acceptor) onSessionClosed(ev *book.Event) {
	if a.epoch == 0 || ev.Epoch != a.epoch || a.logon.inSeq != 0 {
		return
	}
	a.sessionClosed = true
	if a.state != stateClosed {
		reason := a.reason
		if reason == "" {
			reason = "session closed"
		}
		a.close(reason)
	}
}

// onCommandDropped: our numbers and the replicated ones are no longer the same, which a client that reconnects puts right.
func (a *Acceptor) onCommandDropped(ev *book.Event) {
	switch {
	case a.logon.inSeq != 0 && ev.InSeq == a.logon.inSeq:
		a.logon.inSeq = 0
		a.close("Logon dropped by the book")
	case a.epoch != 0 && ev.Epoch == a.epoch && a.logon.inSeq == 0:
		a.close("out of step with the session's inbound numbers")
	}
}

// answersLogon tells whether the event is the answer to our Logon.
func (a *Acceptor) answersLogon(ev *book.Event) bool {
	return ev.Kind == book.SessionMessageSent && (ev.Code == 'A' || ev.Code == '5') && ev.InSeq == a.logon.inSeq && ev.Epoch > a.epoch
}

func (a *Acceptor) onAnswer(now int64, ev *book.Event) {
	seen := a.logon
	a.logon.inSeq = 0
	a.epoch, a.sessionClosed = ev.Epoch, false
	a.lastOut = ev.OutSeq - 1
	if a.state == stateClosed {
		// The client went away in the meantime. A Logon refused has no connection to end.
		a.sessionClosed = ev.Code == '5'
		a.disconnect()
		return
	}
	if ev.Code == '5' {
		a.state = stateLogoutPending
		a.closeOnLogout = true
		a.sessionClosed = true
		a.reason = string(eventText(ev))
		a.send(now, ev)
		return
	}
	a.state = stateActive
	a.expected = ev.NextIn
	a.gap.clear()
	t := &a.timers
	t.heartbeat = int64(seen.heartbeat) * nanosPerSecond
	t.lastIn, t.testing = now, false
	a.context(now, false).ResetUnasked = !seen.reset
	a.send(now, ev)
	if seen.inSeq >= ev.NextIn {
		// The book asks for the gap by itself, under the number after the answer's.
		a.gap.ask(seen.inSeq)
	}
	if seen.nextExpected != 0 && seen.nextExpected < ev.OutSeq {
		a.resend = newResend(seen.nextExpected, ev.OutSeq-1)
		return
	}
	a.readFrames(now)
}

// send writes an event with an outbound number.
func (a *Acceptor) send(now int64, ev *book.Event) {
	if ev.OutSeq != a.lastOut+1 {
		a.close("outbound events out of step: " + string(appendUint(nil, ev.OutSeq)) + " after " + string(appendUint(nil, a.lastOut)))
		return
	}
	a.lastOut = ev.OutSeq
	if marketMessage(ev) && a.cfg.Application == nil {
		a.sendMarketData(now, ev)
	} else {
		a.out = EncodeEvent(a.out, ev, a.context(now, false))
	}
	a.timers.lastOut = now
	if ev.Kind != book.SessionMessageSent || ev.Code != '5' {
		return
	}
	if a.closeOnLogout {
		a.close(a.reason)
		return
	}
	a.state = stateLogoutSent
	a.timers.logoutBy = now + a.cfg.LogoutTimeout
}

// context is the encoding's context at this moment.
func (a *Acceptor) context(now int64, possDup bool) *EncodeContext {
	c := &a.ctx
	if c.Version == nil {
		*c = EncodeContext{
			Version: a.session.Version, Sender: a.session.Target, Target: a.session.Sender, Precision: a.session.Precision,
			NextExpected: a.session.SendNextExpected, Instruments: a.dir, Application: a.cfg.Application,
		}
	}
	c.SendingTime, c.PossDup = now, possDup
	return c
}
