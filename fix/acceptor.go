package fix

import (
	"strconv"

	"exchange/book"
)

// AcceptorConfig is what holds for every connection. Zero values mean the defaults given.
type AcceptorConfig struct {
	// LogonTimeout closes a connection that has not logged on, in ns. Default 10 s.
	LogonTimeout int64
	// LogoutTimeout closes a connection whose client does not answer our Logout, in ns. Default 5 s.
	LogoutTimeout int64
	// MaxFrame bounds frames of a session in bytes, MaxLogonFrame those before; defaults and upper bounds are the constants of those names.
	MaxFrame, MaxLogonFrame int
	// Application takes application messages in the exchange's place; nil: the exchange.
	Application Application
	// Market answers market data requests; nil: they are refused as not supported.
	Market MarketView
}

const (
	defaultLogonTimeout  = 10 * nanosPerSecond
	defaultLogoutTimeout = 5 * nanosPerSecond
)

// acceptorState is where a connection stands.
type acceptorState uint8

const (
	// stateConnected: waiting for the client's Logon.
	stateConnected acceptorState = iota
	// stateLogonPending: a Logon command is out, its answer is awaited; input waits.
	stateLogonPending
	// stateActive: logged on.
	stateActive
	// stateLogoutPending: our Logout is on its way through the log.
	stateLogoutPending
	// stateLogoutSent: our Logout is sent, the client's is awaited.
	stateLogoutSent
	// stateClosed: nothing is read or sent any more.
	stateClosed
)

// Acceptor is the venue's side of one TCP connection. All its methods are called by one goroutine at a time. After each call the caller takes
// what came out: Commands, Bytes, ResendRequest, Closed.
//
// The caller follows the session's outbound events with a cursor and hands them to Deliver in the order of their numbers, from those that
// exist when it submits the Logon command; what precedes the answer to that is passed over. When ResendRequest asks for a range, the
// caller reads it from the same store into Resend and ends with ResendDone, before the next Deliver.
type Acceptor struct {
	cfg AcceptorConfig
	dir Directory

	state   acceptorState
	reason  string
	session SessionConfig
	claimed bool
	epoch   uint32
	// expected is the next inbound number; it runs ahead of the replicated one by the commands under way.
	expected uint64
	// lastOut is the highest outbound number delivered.
	lastOut  uint64
	logon    logonSeen
	gap      gap
	resend   resendRange
	market   marketData
	throttle throttle
	// closeOnLogout closes as soon as our Logout is written.
	closeOnLogout bool
	// sessionClosed: the state machine has told that our epoch is over.
	sessionClosed bool
	garbled       uint64

	timers timers
	framer framer
	msg    Message
	cmds   []book.Command
	out    []byte
	ctx    EncodeContext
}

// logonSeen is what the answer to a Logon is recognised by, and what the Logon asked for.
type logonSeen struct {
	inSeq, nextExpected uint64
	heartbeat           uint16
	// reset: the client asked for the numbers to be reset.
	reset bool
}

// timers are instants in ns; 0: not set.
type timers struct {
	started, lastIn, lastOut, logoutBy int64
	// heartbeat is HeartBtInt in ns; 0: no heartbeats.
	heartbeat int64
	// testing: a TestRequest is out.
	testing bool
}

// NewAcceptor makes the core for one connection. Its logon time limit starts with the first Receive or Tick.
func NewAcceptor(cfg AcceptorConfig, dir Directory) *Acceptor {
	if cfg.LogonTimeout == 0 {
		cfg.LogonTimeout = defaultLogonTimeout
	}
	if cfg.LogoutTimeout == 0 {
		cfg.LogoutTimeout = defaultLogoutTimeout
	}
	if cfg.MaxFrame <= 0 || cfg.MaxFrame > MaxFrame {
		cfg.MaxFrame = MaxFrame
	}
	if cfg.MaxLogonFrame <= 0 || cfg.MaxLogonFrame > cfg.MaxFrame {
		cfg.MaxLogonFrame = min(MaxLogonFrame, cfg.MaxFrame)
	}
	return &Acceptor{cfg: cfg, dir: dir, framer: newFramer(cfg.MaxLogonFrame, logonBuffer)}
}

// Room is how many bytes Receive would take now. While it is 0 the caller stops reading from the connection.
func (a *Acceptor) Room() int {
	if a.state == stateClosed {
		return len(a.framer.buf)
	}
	return a.framer.room()
}

// Receive takes bytes from the client, at most Room of them, and returns how many. Bytes are taken and ignored once the connection is closed.
func (a *Acceptor) Receive(now int64, b []byte) int {
	a.start(now)
	taken := 0
	for taken < len(b) {
		if a.state == stateClosed {
			return len(b)
		}
		n := a.framer.write(b[taken:])
		taken += n
		a.readFrames(now)
		if n == 0 {
			break
		}
	}
	return taken
}

// Tick lets time pass: at least once a second, and more often if timers finer than that matter.
func (a *Acceptor) Tick(now int64) {
	a.start(now)
	t := &a.timers
	switch a.state {
	case stateConnected:
		if now-t.started >= a.cfg.LogonTimeout {
			a.close("no Logon in time")
		}
	case stateActive:
		a.tickSession(now)
		if a.state == stateActive && !a.resend.active {
			a.followMarket()
		}
	case stateLogoutPending, stateLogoutSent:
		if now >= t.logoutBy {
			a.close("Logout not answered in time")
		}
	}
}

func (a *Acceptor) tickSession(now int64) {
	t := &a.timers
	if t.heartbeat == 0 {
		return
	}
	if a.resend.active {
		t.lastIn = now // input waits, which is not the client's silence
	}
	silent := now - t.lastIn
	switch {
	case silent >= t.heartbeat*12/5:
		a.close("nothing received for 2.4 x HeartBtInt")
		return
	case silent >= t.heartbeat*6/5 && !t.testing:
		t.testing = true
		c := a.sessionMessage('1', 0)
		setText(c, []byte("TEST"))
		t.lastOut = now
	}
	if now-t.lastOut >= t.heartbeat && !t.testing { // a TestRequest that waits for its answer says that we live
		t.lastOut = now
		a.sessionMessage('0', 0)
	}
}

// Logout starts an orderly end of the session: Logout with the text (at most book.MaxText bytes), the client's answer, close. A connection
// that has not logged on is closed at once.
func (a *Acceptor) Logout(now int64, text string) {
	a.start(now)
	switch a.state {
	case stateConnected:
		a.close(text)
	case stateLogonPending:
		a.close(text)
	case stateActive:
		a.logout(now, text)
	}
}

// Hangup tells that the connection is gone.
func (a *Acceptor) Hangup(now int64) {
	a.start(now)
	if a.state != stateClosed {
		a.close("connection closed by the client")
	}
}

// Commands gives the commands to submit, in order, and forgets them; the slice is valid until the next call. One call of Receive makes no
// more than the frames in its buffer and those kept above a gap do, and at most two for each.
func (a *Acceptor) Commands() []book.Command {
	cmds := a.cmds
	a.cmds = a.cmds[:0]
	return cmds
}

// Bytes are what is to be sent, valid until the next call; Sent tells how many of them were. A caller whose client does not read stops
// calling Deliver and Resend, so that they stay bounded.
func (a *Acceptor) Bytes() []byte { return a.out }

// Sent forgets the first n of Bytes.
func (a *Acceptor) Sent(n int) {
	if n == len(a.out) {
		a.out = a.out[:0]
		return
	}
	a.out = a.out[:copy(a.out, a.out[n:])]
}

// TakeBytes gives Bytes away, to be sent while the acceptor goes on, and has it write into other instead, which is overwritten.
func (a *Acceptor) TakeBytes(other []byte) []byte {
	b := a.out
	a.out = other[:0]
	return b
}

// Closed tells that the connection is to be closed, after Bytes have been sent, and why.
func (a *Acceptor) Closed() (bool, string) { return a.state == stateClosed, a.reason }

// Over tells that nothing more will come out and no event is awaited: the session may be given to another connection. Until then the caller
// goes on delivering events.
func (a *Acceptor) Over() bool {
	return a.state == stateClosed && a.logon.inSeq == 0 && (a.epoch == 0 || a.sessionClosed)
}

// Session is the session's number and the connection's epoch, 0 while they are not known. Claimed sessions have a number before Logon is
// answered.
func (a *Acceptor) Session() (number uint16, epoch uint32) {
	if !a.claimed {
		return 0, 0
	}
	return a.session.Number, a.epoch
}

// Active tells that the session is logged on.
func (a *Acceptor) Active() bool { return a.state == stateActive }

// Garbled counts frames dropped.
func (a *Acceptor) Garbled() uint64 { return a.garbled }

func (a *Acceptor) start(now int64) {
	if a.timers.started == 0 {
		a.timers.started = now
	}
}

// close ends the connection and, when it was logged on, tells the state machine.
func (a *Acceptor) close(reason string) {
	if a.state == stateClosed {
		return
	}
	a.state, a.reason = stateClosed, reason
	a.gap.clear()
	a.resend = resendRange{}
	a.market = marketData{}
	a.framer.drop()
	a.disconnect()
}

// disconnect submits Disconnect once the epoch is known. If the answer to our Logon is still out, Deliver calls it again.
func (a *Acceptor) disconnect() {
	if a.epoch != 0 && !a.sessionClosed && a.logon.inSeq == 0 {
		c := a.command(book.Disconnect, 0)
		c.Flags = 0
	}
}

// command appends a command of this session.
func (a *Acceptor) command(kind book.CommandKind, inSeq uint64) *book.Command {
	a.cmds = append(a.cmds, book.Command{Kind: kind, Protocol: book.FIX, Session: a.session.Number, Epoch: a.epoch, InSeq: inSeq})
	return &a.cmds[len(a.cmds)-1]
}

// sessionMessage appends a SessionMessage; code 0 sends nothing.
func (a *Acceptor) sessionMessage(code byte, inSeq uint64) *book.Command {
	c := a.command(book.SessionMessage, inSeq)
	c.Code = code
	return c
}

// logout submits our Logout and waits for the client's, up to the time-out.
func (a *Acceptor) logout(now int64, text string) {
	c := a.sessionMessage('5', 0)
	setText(c, []byte(text))
	a.state = stateLogoutPending
	a.reason = text
	a.timers.logoutBy = now + a.cfg.LogoutTimeout
}

// logoutAndClose submits our Logout and closes as soon as it is written.
func (a *Acceptor) logoutAndClose(now int64, text string) {
	a.logout(now, text)
	a.closeOnLogout = true
}

func tooLow(expected, received uint64) string {
	return "MsgSeqNum too low, expecting " + strconv.FormatUint(expected, 10) + " but received " + strconv.FormatUint(received, 10)
}
