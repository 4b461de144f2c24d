package fix

// Receive takes bytes from the venue, all of them.
func (i *Initiator) Receive(now int64, b []byte) {
	for len(b) > 0 && i.state != initiatorDown {
		n := i.framer.write(b)
		b = b[n:]
		i.readFrames(now)
		if n == 0 {
			i.close("message too long")
		}
	}
}

func (i *Initiator) readFrames(now int64) {
	for i.state != initiatorDown {
		frame, status := i.framer.next()
		switch status {
		case frameMore:
			return
		case frameGarbled:
			i.garbled++
		case frameOversize:
			i.close("message too long")
			return
		case frameReady:
			if i.msg.parse(frame) != notGarbled {
				i.garbled++
				continue
			}
			i.timers.lastIn, i.timers.testing = now, false
			i.message(now, &i.msg, false)
			i.readKept(now)
		}
	}
}

func (i *Initiator) readKept(now int64) {
	for i.state == initiatorActive || i.state == initiatorLogoutSent {
		kept, ok := i.gap.take(i.nextIn)
		if !ok {
			return
		}
		if i.msg.parse(kept.frame) != notGarbled {
			panic("fix: a frame kept above a gap is garbled")
		}
		i.message(now, &i.msg, true)
	}
}

// message applies the number rules to one message. kept: it was kept above a gap.
func (i *Initiator) message(now int64, m *Message, kept bool) {
	seq, ok := parseUint(m.get(tagMsgSeqNum))
	if !ok || string(m.valueAt(0)) != i.cfg.Version.BeginString || string(m.get(tagSenderCompID)) != i.cfg.Target ||
		string(m.get(tagTargetCompID)) != i.cfg.Sender {
		i.close("message of another session")
		return
	}
	kind := byte(0)
	if t := m.msgType(); len(t) == 1 {
		kind = t[0]
	}
	if i.state == initiatorLogonSent {
		i.logonAnswer(now, m, seq, kind)
		return
	}
	possDup := m.is(tagPossDupFlag, 'Y')
	if kind == '4' && !m.is(tagGapFillFlag, 'Y') {
		if next, ok := parseUint(m.get(tagNewSeqNo)); ok && next > i.nextIn {
			i.report(m, seq)
			i.jumpTo(next)
		}
		return
	}
	switch {
	case seq > i.nextIn:
		i.tooHigh(now, m, seq, kind)
	case seq < i.nextIn && possDup:
		i.report(m, seq).Duplicate = true
	case seq < i.nextIn:
		i.report(m, seq).Duplicate = true
		text := tooLow(i.nextIn, seq)
		i.sendLogout(now, text)
		i.reason = text
		i.close(text)
	default:
		if !kept || seq != i.answerSeq { // a Logon's answer above a gap was told of when it came
			i.report(m, seq)
		}
		i.nextIn++
		i.dispatch(now, m, kind, kept)
	}
}

func (i *Initiator) jumpTo(next uint64) {
	i.nextIn = next
	i.gap.passed(next)
	if i.gap.open && next > i.gap.until {
		i.gap.open = false
	}
}

// tooHigh keeps the message and asks for what is missing. A ResendRequest is served at once: both sides may have a gap.
func (i *Initiator) tooHigh(now int64, m *Message, seq uint64, kind byte) {
	i.gap.keep(seq, m.frame, false)
	if i.gap.ask(seq - 1) {
		i.askFor(now)
	}
	switch kind {
	case '2':
		i.serve(now, m)
	case '5':
		i.close("logged out by the venue: " + string(m.get(tagText)))
	}
}

func (i *Initiator) askFor(now int64) {
	i.admin(now, "2", func(e *encoder) {
		e.uint(tagBeginSeqNo, i.nextIn)
		e.char(tagEndSeqNo, '0')
	})
}

func (i *Initiator) serve(now int64, m *Message) {
	begin, ok := parseUint(m.get(tagBeginSeqNo))
	end, also := parseUint(m.get(tagEndSeqNo))
	if ok && also {
		i.resend(now, begin, end)
	}
}

// logonAnswer takes the first message of a connection.
func (i *Initiator) logonAnswer(now int64, m *Message, seq uint64, kind byte) {
	switch kind {
	case 'A':
	case '5':
		i.refused(m, seq)
		return
	default:
		i.close("first message is neither Logon nor Logout")
		return
	}
	if m.is(tagResetSeqNumFlag, 'Y') {
		i.nextIn = seq
	}
	if seq < i.nextIn {
		i.report(m, seq).Duplicate = true
		text := tooLow(i.nextIn, seq)
		i.sendLogout(now, text)
		i.reason = text
		i.close(text)
		return
	}
	i.state = initiatorActive
	i.answerSeq = seq
	i.report(m, seq)
	switch {
	case seq == i.nextIn:
		i.nextIn++
	case i.cfg.SendNextExpected:
		// The venue fills the gap unasked, up to the number before its Logon's.
		i.gap.ask(seq - 1)
		i.gap.keep(seq, m.frame, false)
	default:
		// The Logon's own number belongs to the gap: it is filled over with the rest.
		i.gap.ask(seq)
		i.askFor(now)
	}
	for k := i.sent.from(i.logonSeq); k < i.sent.count; k++ {
		r := i.sent.at(k)
		i.transmit(now, r.seq, string(trimNULs(r.msgType[:])), i.sent.body(r), false, 0)
	}
}

// refused takes a Logout in place of the Logon's answer.
func (i *Initiator) refused(m *Message, seq uint64) {
	i.report(m, seq)
	text := string(m.get(tagText))
	if seq == i.nextIn {
		i.nextIn++
	}
	if expected, ok := expectedIn(text); ok && i.cfg.AdoptNumbers {
		i.SetNumbers(seq+1, expected)
	}
	i.close("Logon refused: " + text)
}

// dispatch answers a session message that came in order.
func (i *Initiator) dispatch(now int64, m *Message, kind byte, kept bool) {
	switch kind {
	case '1':
		id := m.get(tagTestReqID)
		i.admin(now, "0", func(e *encoder) { e.bytes(tagTestReqID, id) })
	case '2':
		if !kept {
			i.serve(now, m)
		}
	case '4':
		if next, ok := parseUint(m.get(tagNewSeqNo)); ok && next > i.nextIn {
			i.jumpTo(next)
		}
	case '5':
		if i.state == initiatorActive {
			i.sendLogout(now, "")
		}
		i.close("logged out by the venue: " + string(m.get(tagText)))
	}
}
