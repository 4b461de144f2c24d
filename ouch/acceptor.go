package ouch

import (
	"fmt"
	"strconv"

	"exchange/book"
	"exchange/ouch/soupbin"
)

// acceptorState is where a connection stands.
type acceptorState uint8

const (
	// stateConnected: waiting for the client's login.
	stateConnected acceptorState = iota
	// stateLoginPending: a Logon command is out, its answer is awaited; input waits.
	stateLoginPending
	// stateActive: logged in.
	stateActive
	// stateClosed: nothing is read or sent any more.
	stateClosed
)

const (
	// maxInput bounds the bytes of one packet that is not whole, or of what waits for the login's answer.
	maxInput = soupbin.HeaderLen + soupbin.ServerMaxPayload
	// FullOutput is how many bytes may wait for the client before nothing more is to be delivered.
	FullOutput = 256 << 10
)

// Acceptor is the venue's side of one TCP connection. All its methods are called by one goroutine at a time. After each call the caller takes what came
// out: Commands, Bytes, Closed.
//
// The caller follows the session's events with a number, from Next on, and hands them to Deliver in order; events without a number as they come. It
// stops while Full.
type Acceptor struct {
	dir  Directory
	soup soupbin.Server

	state   acceptorState
	reason  string
	account Account
	epoch   uint32
	// nonce is what the answer to our Logon is known by, 0 when none is awaited.
	nonce uint64
	// wanted is the number that the client asked for, 0: what comes from now on.
	wanted        uint64
	sessionClosed bool

	throttle throttle
	in       []byte // what is not done with of the input, at most maxInput
	out      []byte
	message  []byte
	cmds     []book.Command
	request  Request
	report   Report
}

// NewAcceptor makes the core for one connection, accepted now.
func NewAcceptor(dir Directory, now int64) *Acceptor {
	return &Acceptor{dir: dir, soup: soupbin.MakeServer(now), in: make([]byte, 0, maxInput), message: make([]byte, 0, MaxReport)}
}

// Receive takes bytes from the client and returns how many: not all while the login's answer is awaited. While Pending the caller comes again a little
// later, also without bytes, and reads no more meanwhile. Only Receive makes commands of requests, so that their order is the client's. Bytes are
// taken and ignored once the connection is closed.
func (a *Acceptor) Receive(now int64, b []byte) int {
	if len(a.in) > 0 {
		a.readKept(now)
	}
	taken := 0
	for taken < len(b) {
		if a.state == stateClosed {
			return len(b)
		}
		if len(a.in) == 0 {
			n := a.readPackets(now, b[taken:])
			taken += n
		}
		n := copy(a.in[len(a.in):cap(a.in)], b[taken:])
		if n == 0 {
			break // full, which only the wait for the answer can make it
		}
		a.in = a.in[:len(a.in)+n]
		taken += n
		a.readKept(now)
	}
	return taken
}

// readKept reads what was kept of the input.
func (a *Acceptor) readKept(now int64) {
	n := a.readPackets(now, a.in)
	a.in = a.in[:copy(a.in, a.in[n:])]
}

// readPackets takes whole packets off for as long as the state allows, and gives how many bytes are done with.
func (a *Acceptor) readPackets(now int64, b []byte) (done int) {
	for a.state == stateConnected || a.state == stateActive {
		e, n, err := a.soup.Receive(b[done:], now)
		if err != nil {
			a.refuse(now, err)
			return done
		}
		if n == 0 {
			return done
		}
		done += n
		switch e.Kind {
		case soupbin.LoginRequested:
			login := e.Login // which alone goes to the heap
			a.login(now, &login)
		case soupbin.UnsequencedData:
			if err := a.request.Parse(e.Message); err != nil {
				a.refuse(now, err)
				return done
			}
			a.commandOf(now, &a.request)
		case soupbin.LogoutRequested:
			a.close("logged out by the client")
		}
	}
	return done
}

// refuse tells a client why its bytes are not taken, where it may hear it, and ends the connection: what follows them cannot be trusted either. Nothing of
// them has reached the state machine.
func (a *Acceptor) refuse(now int64, err error) {
	a.out = soupbin.AppendPacket(a.out, soupbin.Debug, []byte(err.Error()))
	a.close(err.Error())
}

func (a *Acceptor) login(now int64, l *soupbin.Login) {
	account, ok := a.dir.Account(l)
	if !ok {
		a.out = a.soup.Reject(a.out, soupbin.NotAuthorized, now)
		a.close(fmt.Sprintf("login as %q refused: %v", Trim(l.Username[:]), soupbin.NotAuthorized))
		return
	}
	first, next := a.dir.Stream(account.Session)
	if _, ok := l.Decide(account.Stream, first, next); !ok {
		a.out = a.soup.Reject(a.out, soupbin.SessionNotAvailable, now)
		a.close(fmt.Sprintf("login as %q for number %d of session %q refused: %s has %d to %d", Trim(l.Username[:]), l.Number, l.Session, account.Stream, first, next))
		return
	}
	a.dir.Claim(account.Session)
	a.account, a.wanted, a.throttle = account, l.Number, newThrottle(account.MaxRate)
	a.nonce = max(uint64(now), 1)
	a.state = stateLoginPending
	a.cmds = append(a.cmds, book.Command{Kind: book.Logon, Protocol: book.OUCH, Session: account.Session, InSeq: a.nonce})
}

// Next is the number of the event that is wanted next, 0 while none is.
func (a *Acceptor) Next() uint64 {
	if a.state != stateActive {
		return 0
	}
	return a.soup.NextNumber()
}

// Full tells that so much waits for the client that nothing more is to be delivered now.
func (a *Acceptor) Full() bool { return len(a.out) >= FullOutput }

// Deliver takes an event of the session: under a number the one that Next tells (earlier ones are passed over), and those without. A number beyond ends
// the connection, for the stream must have no hole.
func (a *Acceptor) Deliver(now int64, e *book.Event) {
	if e.OutSeq != 0 {
		switch next := a.Next(); {
		case next == 0 || e.OutSeq < next:
		case e.OutSeq > next:
			a.close("message " + strconv.FormatUint(next, 10) + " is no longer kept")
		default:
			a.report.FromEvent(e, a.dir)
			a.message = a.report.AppendTo(a.message[:0])
			a.out = a.soup.AppendSequenced(a.out, a.message, now)
		}
		return
	}
	switch {
	case e.Kind == book.SessionMessageSent && e.Code == 'A' && e.InSeq == a.nonce && a.nonce != 0:
		a.answered(now, e)
	case e.Kind == book.SessionClosed && e.Epoch == a.epoch && a.epoch != 0:
		a.sessionClosed = true
		a.close("the exchange has closed the session")
	}
}

// answered begins the stream: the state machine knows of the connection.
func (a *Acceptor) answered(now int64, e *book.Event) {
	a.epoch, a.nonce = e.Epoch, 0
	if a.state == stateClosed {
		a.disconnect()
		return
	}
	if a.wanted == 0 {
		_, a.wanted = a.dir.Stream(a.account.Session)
	}
	a.out = a.soup.Accept(a.out, a.account.Stream, a.wanted, now)
	a.state = stateActive
}

// Tick lets time pass: heartbeats and the end of silent connections. About four times a second.
func (a *Acceptor) Tick(now int64) {
	if a.state == stateClosed || a.state == stateLoginPending {
		return
	}
	var err error
	if a.out, err = a.soup.Tick(a.out, now); err != nil {
		a.close(err.Error())
	}
}

// Say appends a text for people, which clients pass over.
func (a *Acceptor) Say(text string) {
	if a.state == stateActive {
		a.out = soupbin.AppendPacket(a.out, soupbin.Debug, []byte(text))
	}
}

// Hangup tells that the connection is gone, or is to be ended, and why.
func (a *Acceptor) Hangup(why string) { a.close(why) }

func (a *Acceptor) close(reason string) {
	if a.state == stateClosed {
		return
	}
	a.state, a.reason = stateClosed, reason
	a.disconnect()
}

// disconnect tells the state machine, once the epoch is known. If the answer to our Logon is still out, Deliver calls it again.
func (a *Acceptor) disconnect() {
	if a.epoch != 0 && !a.sessionClosed {
		a.cmds = append(a.cmds, book.Command{Kind: book.Disconnect, Protocol: book.OUCH, Session: a.account.Session, Epoch: a.epoch})
	}
}

// Commands gives the commands to submit, in order, and forgets them; the slice is valid until the next call.
func (a *Acceptor) Commands() []book.Command {
	cmds := a.cmds
	a.cmds = a.cmds[:0]
	return cmds
}

// Bytes are what is to be sent, valid until the next call; Sent tells how many of them were.
func (a *Acceptor) Bytes() []byte { return a.out }

// Sent forgets the first n of Bytes.
func (a *Acceptor) Sent(n int) {
	a.out = a.out[:copy(a.out, a.out[n:])]
}

// TakeBytes gives what is to be sent away, and takes a buffer for what comes next: so that the caller can write without holding the acceptor.
func (a *Acceptor) TakeBytes(next []byte) []byte {
	b := a.out
	a.out = next[:0]
	return b
}

// Closed tells that the connection is to be closed, after Bytes have been sent, and why.
func (a *Acceptor) Closed() (bool, string) { return a.state == stateClosed, a.reason }

// Over tells that nothing more will come out and no event is awaited.
func (a *Acceptor) Over() bool {
	return a.state == stateClosed && a.nonce == 0 && (a.epoch == 0 || a.sessionClosed)
}

// Session is the session's number, 0 before the login.
func (a *Acceptor) Session() uint16 { return a.account.Session }

// Pending tells that the login's answer is awaited, and input waits for that.
func (a *Acceptor) Pending() bool { return a.state == stateLoginPending }

// Active tells that the account is logged in.
func (a *Acceptor) Active() bool { return a.state == stateActive }
