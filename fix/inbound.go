package fix

import (
	"bytes"

	"exchange/book"
)

// readFrames takes frames from the buffer for as long as the state allows.
func (a *Acceptor) readFrames(now int64) {
	for a.state != stateClosed && a.state != stateLogonPending && !a.resend.active {
		frame, status := a.framer.next()
		switch status {
		case frameMore:
			return
		case frameGarbled:
			a.dropGarbled("no FIX message")
		case frameOversize:
			a.oversize(now)
			return
		case frameReady:
			a.readFrame(now, frame)
		}
	}
}

func (a *Acceptor) dropGarbled(why string) {
	a.garbled++
	if a.state == stateConnected {
		a.close("first message garbled: " + why)
	}
}

// oversize ends a session whose client sends a message that no buffer holds. Its bytes cannot be passed over safely, and asking for it
// again would bring it again.
func (a *Acceptor) oversize(now int64) {
	switch a.state {
	case stateActive:
		a.logoutAndClose(now, "Message too long")
		a.framer.drop()
	default:
		a.close("message too long")
	}
}

func (a *Acceptor) readFrame(now int64, frame []byte) {
	m := &a.msg
	if why := m.parse(frame); why != notGarbled {
		a.dropGarbled(string(why))
		return
	}
	a.timers.lastIn, a.timers.testing = now, false
	switch a.state {
	case stateConnected:
		a.firstMessage(now, m)
	case stateActive:
		a.sessionFrame(now, m)
	case stateLogoutPending, stateLogoutSent:
		a.afterLogout(m)
	}
}

// afterLogout looks for the client's Logout and passes over everything else; what was passed over keeps its number free, so that the client is
// asked for it at the next Logon.
func (a *Acceptor) afterLogout(m *Message) {
	if !m.is(tagMsgType, '5') || a.closeOnLogout {
		return
	}
	if seq, ok := parseUint(m.get(tagMsgSeqNum)); ok && seq == a.expected && string(m.valueAt(0)) == a.session.Version.BeginString {
		a.expected++
		a.sessionMessage(0, seq)
	}
	if a.state == stateLogoutPending {
		a.closeOnLogout = true
		return
	}
	a.close(a.reason)
}

// inbound is one message of a session on its way through the rules.
type inbound struct {
	m     *Message
	fault fault
	seq   uint64
	// possDup is 43=Y. kept: it was kept above a gap, and its time, CompIDs and rate have been looked at; refused: it was one too many.
	possDup, kept, refused bool
}

// sessionFrame applies the session rules in this order: BeginString, fields, CompIDs, times, number, MsgType.
func (a *Acceptor) sessionFrame(now int64, m *Message) {
	if string(m.valueAt(0)) != a.session.Version.BeginString {
		a.logout(now, "Incorrect BeginString")
		return
	}
	in := inbound{m: m, fault: a.session.Version.validate(m)}
	seq, ok := parseUint(m.get(tagMsgSeqNum))
	if !ok {
		a.logoutAndClose(now, "Required tag missing: MsgSeqNum (34)")
		return
	}
	in.seq, in.possDup = seq, m.is(tagPossDupFlag, 'Y')
	a.numbered(now, &in)
	a.readKept(now)
}

// readKept applies what was kept above a gap and is expected now.
func (a *Acceptor) readKept(now int64) {
	for a.state == stateActive && !a.resend.active {
		kept, ok := a.gap.take(a.expected)
		if !ok {
			return
		}
		if a.msg.parse(kept.frame) != notGarbled {
			panic("fix: a frame kept above a gap is garbled")
		}
		in := inbound{m: &a.msg, fault: a.session.Version.validate(&a.msg), seq: a.expected, kept: true, refused: kept.refused}
		in.possDup = a.msg.is(tagPossDupFlag, 'Y')
		a.numbered(now, &in)
	}
}

func (a *Acceptor) numbered(now int64, in *inbound) {
	if in.fault.found && in.seq == a.expected {
		if a.admitted(now, in) {
			a.reject(in, in.fault)
		}
		return
	}
	if !in.kept && !in.fault.found && !a.identityAndTime(now, in) {
		return
	}
	if a.ownRules(in) {
		return
	}
	switch {
	case in.seq > a.expected:
		a.tooHigh(now, in)
	case in.seq < a.expected:
		a.alreadySeen(now, in)
	case in.possDup && !a.originalTime(now, in):
	default:
		a.dispatch(now, in)
	}
}

// identityAndTime checks CompIDs and SendingTime; a fault is answered with Reject and Logout.
func (a *Acceptor) identityAndTime(now int64, in *inbound) bool {
	m := in.m
	if string(m.get(tagSenderCompID)) != a.session.Sender || string(m.get(tagTargetCompID)) != a.session.Target {
		a.rejectAndLogout(now, in, rejectCompID)
		return false
	}
	if !a.inWindow(now, m) {
		a.rejectAndLogout(now, in, rejectSendingTime)
		return false
	}
	return true
}

func (a *Acceptor) inWindow(now int64, m *Message) bool {
	window := a.session.SendingTimeWindow
	sent, ok := m.time(tagSendingTime)
	return ok && (window < 0 || now-sent <= window && sent-now <= window)
}

// ownRules handles messages to which the number rules do not apply: SequenceReset-Reset, and a Logon that resets the numbers.
func (a *Acceptor) ownRules(in *inbound) bool {
	m := in.m
	reset := m.is(tagMsgType, '4') && !m.is(tagGapFillFlag, 'Y')
	switch {
	case reset && in.fault.found:
		in.seq = unconsumed(in.seq)
		a.reject(in, in.fault)
		return true
	case in.fault.found:
		return false
	case reset:
		next, _ := parseUint(m.get(tagNewSeqNo))
		switch {
		case next > a.expected:
			c := a.sessionMessage(0, 0)
			c.NextIn = next
			a.jumpTo(next)
		case next < a.expected:
			in.seq = unconsumed(in.seq)
			a.reject(in, faultOf(rejectValueOutOfRange, 0))
		}
		return true
	case m.is(tagMsgType, 'A') && m.is(tagResetSeqNumFlag, 'Y') && a.session.MayReset:
		if tag := a.session.wrongTerm(m); tag != 0 {
			a.reject(in, faultOf(rejectValueOutOfRange, tag))
		} else {
			a.submitLogon(m, in.seq)
		}
		return true
	}
	return false
}

// unconsumed marks a number that a Reject is about but that is not consumed even if it is the expected one.
func unconsumed(seq uint64) uint64 { return seq | unconsumedBit }

// unconsumedBit is above every number that parseUint gives.
const unconsumedBit = 1 << 63

func (a *Acceptor) jumpTo(next uint64) {
	a.expected = next
	a.gap.passed(next)
	if a.gap.open && next > a.gap.until {
		a.gap.open = false
	}
}

// tooHigh opens a gap. A ResendRequest is served at once, since the other side may be waiting for it before it fills ours; a Logout is
// answered.
func (a *Acceptor) tooHigh(now int64, in *inbound) {
	if !in.fault.found && in.m.is(tagMsgType, '5') {
		a.answerLogout(now)
		return
	}
	a.gap.keep(in.seq, in.m.frame, a.tooMany(now, in))
	if a.gap.ask(in.seq - 1) {
		a.sessionMessage('2', 0)
	}
	if !in.fault.found && in.m.is(tagMsgType, '2') {
		a.startResend(in)
	}
}

// answerLogout answers a Logout that does not come in order: the session is over, whatever is missing, and its number stays free.
func (a *Acceptor) answerLogout(now int64) {
	a.sessionMessage('5', 0)
	a.state, a.closeOnLogout, a.reason = stateLogoutPending, true, "Logout received"
	a.timers.logoutBy = now + a.cfg.LogoutTimeout
}

// alreadySeen handles a number below the expected one. A Logout ends the session and a ResendRequest is served all the same: neither changes anything
// that its number protects.
func (a *Acceptor) alreadySeen(now int64, in *inbound) {
	switch {
	case in.possDup:
		a.originalTime(now, in)
	case !in.fault.found && in.m.is(tagMsgType, '5'):
		a.answerLogout(now)
	case !in.fault.found && in.m.is(tagMsgType, '2'):
		a.startResend(in)
	default:
		a.logoutAndClose(now, tooLow(a.expected, in.seq))
	}
}

// originalTime checks OrigSendingTime of a message with 43=Y and answers what is wrong with it.
func (a *Acceptor) originalTime(now int64, in *inbound) bool {
	orig := in.m.get(tagOrigSendingTime)
	if orig == nil {
		in.seq = unconsumed(in.seq)
		a.reject(in, faultOf(rejectRequiredMissing, tagOrigSendingTime))
		return false
	}
	if in.m.sentLater() {
		a.rejectAndLogout(now, in, rejectSendingTime)
		return false
	}
	return true
}

// sentLater tells whether OrigSendingTime is later than SendingTime.
func (m *Message) sentLater() bool {
	first, ok := m.time(tagOrigSendingTime)
	sent, also := m.time(tagSendingTime)
	return ok && also && first > sent
}

// dispatch applies a message that has the expected number and no fault. Every branch consumes it.
func (a *Acceptor) dispatch(now int64, in *inbound) {
	m := in.m
	msgType := m.msgType()
	if !a.admitted(now, in) {
		return
	}
	if a.session.Version.message(msgType) == nil {
		a.unsupported(in)
		return
	}
	if len(msgType) > 1 {
		a.application(in)
		return
	}
	switch msgType[0] {
	case '0', '3', 'j':
		a.consume(in, 0)
	case '1':
		id := m.get(tagTestReqID)
		if len(id) > book.MaxText || bytes.IndexByte(id, 0) >= 0 {
			a.reject(in, faultOf(rejectValueOutOfRange, tagTestReqID))
			return
		}
		setText(a.consume(in, '0'), id)
	case '2':
		a.resendRequest(in)
	case '4':
		next, _ := parseUint(m.get(tagNewSeqNo))
		if next <= in.seq {
			in.seq = unconsumed(in.seq)
			a.reject(in, faultOf(rejectValueOutOfRange, 0))
			return
		}
		c := a.consume(in, 0)
		c.NextIn = next
		a.jumpTo(next)
	case '5':
		a.consume(in, '5')
		a.state, a.closeOnLogout, a.reason = stateLogoutPending, true, "Logout received"
		a.timers.logoutBy = now + a.cfg.LogoutTimeout
	case 'A':
		a.rejectText(in, faultOf(rejectOther, 0), "Already logged on")
	default:
		a.application(in)
	}
}

// consume submits the SessionMessage of a message that changes nothing but its number; code is the answer, 0: none.
func (a *Acceptor) consume(in *inbound, code byte) *book.Command {
	a.expected++
	c := a.sessionMessage(code, in.seq)
	if in.possDup {
		c.Flags |= book.PossDup
	}
	return c
}
