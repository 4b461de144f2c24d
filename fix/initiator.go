package fix

import (
	"strings"
)

// InitiatorConfig is a client's settings. Zero values mean the defaults given.
type InitiatorConfig struct {
	// Sender is our CompID (49), Target the venue's (56).
	Sender, Target string
	// Username and Password (553, 554) are sent unless both are empty.
	Username, Password string
	// Version spoken; nil: FIX44.
	Version *Version
	// HeartBtInt in seconds. 0: 30. NoHeartbeats asks for 108=0.
	HeartBtInt   uint16
	NoHeartbeats bool
	// ResetOnLogon resets the numbers (141=Y) with every Logon.
	ResetOnLogon bool
	// SendNextExpected puts 789 into the Logon and relies on the venue to send what is missing from there.
	SendNextExpected bool
	// AdoptNumbers is for a client that has lost its numbers: when a Logon is refused with "MsgSeqNum too low, expecting N", it takes N, and the
	// refusal's own number, so that the next Connect goes on from there.
	AdoptNumbers bool
	// Precision of our times.
	Precision TimePrecision
	// LogonTimeout and LogoutTimeout in ns. Defaults 10 s and 5 s.
	LogonTimeout, LogoutTimeout int64
	// SentMessages and SentBytes bound what is kept for sending again. Defaults 16,384 and 4 MiB.
	SentMessages, SentBytes int
}

const (
	defaultHeartBtInt   = 30
	defaultSentMessages = 16 << 10
	defaultSentBytes    = 4 << 20
)

type initiatorState uint8

const (
	initiatorDown initiatorState = iota
	initiatorLogonSent
	initiatorActive
	initiatorLogoutSent
)

// Initiator is the client's side of a session, over any number of connections one after another: Connect when a connection is up, Hangup
// when it is gone. Numbers go on from one to the next. All its methods are called by one goroutine at a time; after each call the caller takes
// Bytes, Received and Closed.
//
// An application message may be sent at any time. Without a session it gets its number and waits: it is sent with the next Logon, or when the
// venue asks for it.
type Initiator struct {
	cfg InitiatorConfig

	state   initiatorState
	reason  string
	nextIn  uint64
	nextOut uint64
	// logonSeq is the number of the present connection's Logon, answerSeq of the venue's.
	logonSeq, answerSeq uint64
	sent                sentStore
	gap                 gap
	timers              timers

	framer   framer
	msg      Message
	out      []byte
	scratch  []byte
	ctx      EncodeContext
	received []Received
	garbled  uint64
}

// NewInitiator makes a client whose numbers both start at 1.
func NewInitiator(cfg InitiatorConfig) *Initiator {
	if cfg.Version == nil {
		cfg.Version = FIX44
	}
	if cfg.HeartBtInt == 0 && !cfg.NoHeartbeats {
		cfg.HeartBtInt = defaultHeartBtInt
	}
	if cfg.LogonTimeout == 0 {
		cfg.LogonTimeout = defaultLogonTimeout
	}
	if cfg.LogoutTimeout == 0 {
		cfg.LogoutTimeout = defaultLogoutTimeout
	}
	if cfg.SentMessages == 0 {
		cfg.SentMessages = defaultSentMessages
	}
	if cfg.SentBytes == 0 {
		cfg.SentBytes = defaultSentBytes
	}
	return &Initiator{
		cfg: cfg, nextIn: 1, nextOut: 1, sent: newSentStore(cfg.SentMessages, cfg.SentBytes), framer: newFramer(MaxFrame, framerBuffer),
		reason: "not connected", ctx: EncodeContext{Version: cfg.Version, Sender: cfg.Sender, Target: cfg.Target, Precision: cfg.Precision},
	}
}

// Numbers are the next number expected from the venue and the next one given out.
func (i *Initiator) Numbers() (nextIn, nextOut uint64) { return i.nextIn, i.nextOut }

// SetNumbers sets both numbers, between connections; what was kept for sending again is forgotten.
func (i *Initiator) SetNumbers(nextIn, nextOut uint64) {
	i.nextIn, i.nextOut = max(nextIn, 1), max(nextOut, 1)
	i.sent.clear()
}

// Active tells that the session is logged on.
func (i *Initiator) Active() bool { return i.state == initiatorActive }

// Closed tells that there is no session and the connection, if there is one, is to be closed after Bytes have been sent, and why.
func (i *Initiator) Closed() (bool, string) { return i.state == initiatorDown, i.reason }

// GapOpen tells that messages of the venue are missing and have been asked for.
func (i *Initiator) GapOpen() bool { return i.gap.open }

// Garbled counts frames dropped.
func (i *Initiator) Garbled() uint64 { return i.garbled }

// Bytes are what is to be sent, valid until the next call; Sent tells how many of them were.
func (i *Initiator) Bytes() []byte { return i.out }

// Sent forgets the first n of Bytes.
func (i *Initiator) Sent(n int) { i.out = i.out[:copy(i.out, i.out[n:])] }

// Received gives what came in, in the order it was taken, and forgets it; valid until the next call.
func (i *Initiator) Received() []Received {
	r := i.received
	i.received = i.received[:0]
	return r
}

// Connect starts the session on a connection that is up: it sends the Logon.
func (i *Initiator) Connect(now int64) {
	i.framer.drop()
	i.gap.clear()
	i.out = i.out[:0]
	i.timers = timers{started: now, lastIn: now, lastOut: now, heartbeat: int64(i.cfg.HeartBtInt) * nanosPerSecond}
	if i.cfg.ResetOnLogon {
		i.SetNumbers(1, 1)
	}
	i.state, i.reason = initiatorLogonSent, ""
	i.logonSeq = i.nextOut
	i.admin(now, "A", func(e *encoder) {
		e.char(tagEncryptMethod, '0')
		e.uint(tagHeartBtInt, uint64(i.cfg.HeartBtInt))
		if i.cfg.ResetOnLogon {
			e.char(tagResetSeqNumFlag, 'Y')
		}
		if i.cfg.Username != "" || i.cfg.Password != "" {
			e.text(tagUsername, i.cfg.Username)
			e.text(tagPassword, i.cfg.Password)
		}
		if i.cfg.SendNextExpected {
			e.uint(tagNextExpectedMsgSeqNum, i.nextIn)
		}
		if i.cfg.Version.ApplVerID != "" {
			e.text(tagDefaultApplVerID, i.cfg.Version.ApplVerID)
		}
	})
}

// Logout ends the session in order: the venue's answer, or the time-out, closes.
func (i *Initiator) Logout(now int64) {
	if i.state != initiatorActive {
		i.close("logged out")
		return
	}
	i.sendLogout(now, "")
	i.reason = "logged out"
}

// Hangup tells that the connection is gone.
func (i *Initiator) Hangup(int64) { i.close("connection lost") }

func (i *Initiator) close(reason string) {
	if i.state == initiatorDown {
		return
	}
	i.state = initiatorDown
	if i.reason == "" {
		i.reason = reason
	}
	i.gap.clear()
	i.framer.drop()
}

// Tick lets time pass: at least once a second.
func (i *Initiator) Tick(now int64) {
	t := &i.timers
	switch i.state {
	case initiatorLogonSent:
		if now-t.started >= i.cfg.LogonTimeout {
			i.close("Logon not answered in time")
		}
	case initiatorLogoutSent:
		if now >= t.logoutBy {
			i.close("Logout not answered in time")
		}
	case initiatorActive:
		if t.heartbeat == 0 {
			return
		}
		silent := now - t.lastIn
		switch {
		case silent >= t.heartbeat*12/5:
			i.close("nothing received for 2.4 x HeartBtInt")
			return
		case silent >= t.heartbeat*6/5 && !t.testing:
			t.testing = true
			i.admin(now, "1", func(e *encoder) { e.text(tagTestReqID, "TEST") })
		}
		if now-t.lastOut >= t.heartbeat {
			i.admin(now, "0", func(*encoder) {})
		}
	}
}

func (i *Initiator) context(now int64, possDup bool) *EncodeContext {
	i.ctx.SendingTime, i.ctx.PossDup = now, possDup
	return &i.ctx
}

// admin sends a session message under the next number. Session messages are not kept.
func (i *Initiator) admin(now int64, msgType string, body func(*encoder)) {
	e := encoderOn(i.out)
	header(&e, i.context(now, false), msgType, i.nextOut, 0, nil)
	body(&e)
	i.out = e.finish()
	i.nextOut++
	i.timers.lastOut = now
}

// Send sends an application message and gives its number. body is its fields after the header, each tag=value SOH.
func (i *Initiator) Send(now int64, msgType string, body []byte) uint64 {
	seq := i.nextOut
	i.nextOut++
	i.sent.add(seq, now, msgType, body)
	if i.state == initiatorActive {
		i.transmit(now, seq, msgType, body, false, 0)
	}
	return seq
}

// transmit writes an application message, as new or as sent again.
func (i *Initiator) transmit(now int64, seq uint64, msgType string, body []byte, possDup bool, origTime int64) {
	e := encoderOn(i.out)
	header(&e, i.context(now, possDup), msgType, seq, origTime, nil)
	e.fields(body)
	i.out = e.finish()
	i.timers.lastOut = now
}

// resend sends begin to end again: what is kept with 43=Y and 122, the rest filled over.
func (i *Initiator) resend(now int64, begin, end uint64) {
	if end == 0 || end >= i.nextOut {
		end = i.nextOut - 1
	}
	next := max(begin, 1)
	for k := i.sent.from(next); k < i.sent.count; k++ {
		r := i.sent.at(k)
		if r.seq > end {
			break
		}
		if r.seq > next {
			i.out = encodeGapFill(i.out, next, r.seq, i.context(now, true))
		}
		i.transmit(now, r.seq, string(trimNULs(r.msgType[:])), i.sent.body(r), true, r.time)
		next = r.seq + 1
	}
	if next <= end {
		i.out = encodeGapFill(i.out, next, end+1, i.context(now, true))
	}
	i.timers.lastOut = now
}

func (i *Initiator) sendLogout(now int64, text string) {
	i.admin(now, "5", func(e *encoder) {
		if text != "" {
			e.text(tagText, text)
		}
	})
	i.state = initiatorLogoutSent
	i.timers.logoutBy = now + i.cfg.LogoutTimeout
}

// expectedIn reads N from "MsgSeqNum too low, expecting N but received M".
func expectedIn(text string) (uint64, bool) {
	rest, ok := strings.CutPrefix(text, "MsgSeqNum too low, expecting ")
	if !ok {
		return 0, false
	}
	number, _, _ := strings.Cut(rest, " ")
	return parseUint([]byte(number))
}
