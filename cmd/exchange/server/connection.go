package server

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"exchange/book"
	"exchange/fix"
)

// conn is one FIX connection.
//
//  1. The reader gives bytes to the acceptor and submits the commands that come out, waiting while the inbox is full.
//  2. The loop applies them, files the reports and wakes the writer.
//  3. The writer follows the session's reports with a cursor and sends what the acceptor makes of them, all that there is in one write. While little is under
//     way the loop does that in its place, and reads what the client sends next in the reader's (express_linux.go).
//  4. When either side ends, the writer goes on until the state machine has answered the end, so that no answer meant for this connection is
//     taken for one of the next.
type conn struct {
	g      *gateway
	socket net.Conn
	// control carries the session's events without a number; awake says that there are reports.
	control chan book.Event
	awake   chan struct{}
	short   express
	// abandoned: the leadership ended; nothing is submitted any more.
	abandoned atomic.Bool
	closedAt  int64 // monotonic ns; the writer's own

	mu         sync.Mutex
	acceptor   *fix.Acceptor
	session    uint16
	cursor     uint64 // last report given to the acceptor
	generation uint64 // of the session's numbers
	reports    [reportsAtOnce]book.Event
	// resendFrom to resendTo (0: none) is what is left of a range being sent again.
	resendFrom, resendTo uint64
	spare                []byte // what was written last; the writer's
}

const (
	// controlEvents bounds the session events waiting for a connection's writer.
	controlEvents = 256
	// reportsAtOnce is how many reports are read from the store at a time, bytesAtOnce how much is encoded before it is written.
	reportsAtOnce = 64
	bytesAtOnce   = 64 << 10
	readBuffer    = 16 << 10
	tickEvery     = 100 * time.Millisecond
	// inboxBackoff is how long a gateway waits before it tries a full inbox again.
	inboxBackoff = 50 * time.Microsecond
	// overPatience bounds the wait for the state machine's answer to the end of a connection.
	overPatience = 5 * time.Second
)

func newConn(g *gateway, socket net.Conn) *conn {
	c := &conn{g: g, socket: socket, control: make(chan book.Event, controlEvents), awake: make(chan struct{}, 1)}
	c.acceptor = fix.NewAcceptor(g.r.cfg.acceptor(g.r), claimant{g.r.directory, c})
	c.short.open(socket)
	return c
}

// claimant is the directory as one connection sees it.
type claimant struct {
	*directory
	c *conn
}

// Session finds a session by the client's CompIDs, if its client may come from where this connection does.
func (d claimant) Session(sender, target []byte) (fix.SessionConfig, bool) {
	s, ok := d.session(sender, target)
	if !ok || !within(addressOf(d.c.socket.RemoteAddr()), s.networks) || !certified(d.c.socket, s.certificate) {
		return fix.SessionConfig{}, false
	}
	return s.config, true
}

// Claim binds the session to the connection and remembers where its reports stand: the answer to the Logon comes after them.
func (d claimant) Claim(session uint16) bool {
	if !d.c.g.claim(session, d.c) {
		return false
	}
	d.c.session = session
	d.c.cursor, d.c.generation = d.c.g.r.outbox.reports.last(session)
	return true
}

// read turns bytes into commands until the connection ends.
func (c *conn) read() {
	buf := make([]byte, readBuffer)
	for {
		n, err := c.short.read(c.socket, buf)
		over := c.received(buf[:n], err)
		if c.short.took(); over {
			return
		}
	}
}

// received takes what was read; it tells whether nothing more is to be read.
func (c *conn) received(b []byte, err error) (over bool) {
	c.mu.Lock()
	for len(b) > 0 {
		taken := c.acceptor.Receive(c.g.r.host.wall(), b)
		b = b[taken:]
		if c.submitAll(); taken == 0 {
			// Its buffers are full until an answer comes back: the client waits meanwhile.
			c.mu.Unlock()
			c.rouse()
			c.g.r.host.pause(inboxBackoff)
			c.mu.Lock()
		}
		if c.abandoned.Load() {
			break
		}
	}
	if err != nil {
		c.acceptor.Hangup(c.g.r.host.wall())
		c.submitAll()
	}
	closed, _ := c.acceptor.Closed()
	if closed || c.acceptor.WantsResend() || len(c.acceptor.Bytes()) > 0 {
		c.rouse()
	}
	c.mu.Unlock()
	return err != nil || closed // the writer sends what is left, and closes
}

// write follows the session's reports and keeps its timers, until the connection is over.
func (c *conn) write() {
	tick := time.NewTicker(min(tickEvery, c.g.r.cfg.Gateway.MarketDataInterval.D()))
	defer tick.Stop()
	for {
		var over bool
		select {
		case e := <-c.control:
			over = c.look(&e)
		case <-c.awake:
			over = c.look(nil)
		case <-tick.C:
			over = c.look(nil)
		}
		if over {
			return
		}
	}
}

// look sends what there is to send, the event without a number too if there is one; it tells whether the connection is over. It does not write under mu:
// the reader goes on meanwhile.
func (c *conn) look(e *book.Event) (over bool) {
	for more := true; more; {
		c.short.writing.Lock()
		c.send(c.short.out)
		c.short.out = c.short.out[:0]
		c.mu.Lock()
		if more = c.follow(); !more {
			now := c.g.r.host.wall()
			if e != nil {
				c.acceptor.Deliver(now, e)
			}
			c.acceptor.Tick(now)
			c.submitAll()
		}
		c.spare = c.acceptor.TakeBytes(c.spare)
		c.mu.Unlock()
		c.send(c.spare)
		c.short.writing.Unlock()
	}
	c.mu.Lock()
	closed, reason := c.acceptor.Closed()
	over, session := c.acceptor.Over() || c.abandoned.Load(), c.session
	again := c.acceptor.WantsResend() || len(c.acceptor.Bytes()) > 0
	c.mu.Unlock()
	if again {
		c.rouse()
	}
	at := c.g.r.host.monotonic()
	if closed && c.closedAt == 0 {
		c.closedAt = at
		c.socket.Close()
		c.g.r.log.Debug().Uint16("session", session).Str("reason", reason).Msg("FIX connection closed")
	}
	if over || closed && at-c.closedAt > int64(overPatience) {
		c.socket.Close()
		c.g.forget(c, session)
		return true
	}
	return false
}

// expressly is look by the loop: the session's new reports, if they are few and nothing else is to be done. It tells whether they are on their way.
func (c *conn) expressly() bool {
	if !c.short.begin(&c.mu) {
		return false
	}
	n := c.newReports()
	now := c.g.r.host.wall()
	for i := range n {
		c.acceptor.Deliver(now, &c.reports[i])
	}
	c.cursor += uint64(n)
	closed, _ := c.acceptor.Closed()
	more := closed || c.acceptor.WantsResend() || len(c.acceptor.Commands()) > 0 // commands are not the loop's to submit: it might wait for itself
	if n > 0 {
		c.short.out = c.acceptor.TakeBytes(c.short.out)
	}
	c.mu.Unlock()
	if all := c.short.end(); !all || more {
		c.rouse()
	}
	return n > 0
}

// hear is received by the loop: what the client has sent, if nothing else is to be done. The commands are appended to those given.
func (c *conn) hear(commands []book.Command) []book.Command {
	if !c.short.listen(&c.mu, c.g.r.inbox) {
		return commands
	}
	if closed, _ := c.acceptor.Closed(); !closed && !c.abandoned.Load() && c.session != 0 {
		room := c.acceptor.Room()
		if room == 0 {
			c.short.hush(false) // its buffers are full until an answer comes back: the reader waits for that
		}
		if b := c.short.hear(room); len(b) > 0 {
			c.acceptor.Receive(c.g.r.host.wall(), b)
			commands = append(commands, c.acceptor.Commands()...)
			if closed, _ := c.acceptor.Closed(); closed || c.acceptor.WantsResend() || len(c.acceptor.Bytes()) > 0 {
				c.rouse()
			}
		}
	}
	c.mu.Unlock()
	c.short.took()
	return commands
}

// newReports reads the session's new reports; 0: there are none, or they are the writer's business. Under mu.
func (c *conn) newReports() int {
	if c.session == 0 || c.resendTo != 0 || c.acceptor.WantsResend() {
		return 0
	}
	store := c.g.r.outbox.reports
	if _, g := store.last(c.session); g != c.generation {
		return 0
	}
	n, first := store.read(c.session, c.cursor+1, c.reports[:])
	if n == len(c.reports) || first != c.cursor+1 {
		return 0
	}
	for i := range n {
		if c.reports[i].Kind == book.SessionMessageSent {
			return 0 // an answer to a message of the session, for which the acceptor may have to ask the loop
		}
	}
	return n
}

// rouse makes the writer look.
func (c *conn) rouse() {
	select {
	case c.awake <- struct{}{}:
	default:
	}
}

// send writes to the client, for at most the time that a client may take nothing.
func (c *conn) send(b []byte) {
	if len(b) == 0 {
		return
	}
	_ = c.socket.SetWriteDeadline(time.Now().Add(c.g.r.cfg.Gateway.WriteTimeout.D()))
	if _, err := c.socket.Write(b); err != nil {
		c.mu.Lock()
		c.acceptor.Hangup(c.g.r.host.wall())
		c.submitAll()
		c.mu.Unlock()
	}
}

// follow gives the acceptor the reports it has not had, until there is enough for one write; true: there are more. Under mu.
func (c *conn) follow() (more bool) {
	for c.session != 0 {
		if c.resendIfAsked(); len(c.acceptor.Bytes()) > bytesAtOnce {
			return true
		}
		store := c.g.r.outbox.reports
		if _, g := store.last(c.session); g != c.generation {
			c.cursor, c.generation = 0, g // the numbers were reset: they start at 1 again
		}
		n, first := store.read(c.session, c.cursor+1, c.reports[:])
		if n == 0 {
			return false
		}
		now := c.g.r.host.wall()
		if first != c.cursor+1 {
			// So slow that what it has not read is no longer kept. It asks again when it comes back.
			c.g.r.log.Warn().Uint16("session", c.session).Uint64("next", c.cursor+1).Uint64("kept", first).Msg("FIX client too slow: cut")
			c.acceptor.Hangup(now)
			c.cursor = first - 1
		}
		for i := range n {
			c.acceptor.Deliver(now, &c.reports[i])
			c.cursor++
			if c.acceptor.WantsResend() {
				break // what is live waits until that is done
			}
		}
		c.submitAll()
	}
	return false
}

// submitAll submits the acceptor's commands. Under mu.
func (c *conn) submitAll() {
	commands := c.acceptor.Commands()
	for i := range commands {
		c.submit(&commands[i])
	}
}

// submit puts a command into the inbox, waiting while it is full: the client feels it through TCP.
func (c *conn) submit(cmd *book.Command) {
	for !c.abandoned.Load() && !c.g.r.stopping.Load() {
		if c.g.r.inbox.put(cmd) {
			return
		}
		c.g.r.host.pause(inboxBackoff)
	}
}

// resendIfAsked gives the acceptor the stored reports of the range it asks for, in pieces: the socket has its turn in between. Under mu; the writer's.
func (c *conn) resendIfAsked() {
	if c.resendTo == 0 {
		from, to, ok := c.acceptor.ResendRequest()
		if !ok {
			return
		}
		c.resendFrom, c.resendTo = from, to
	}
	if closed, _ := c.acceptor.Closed(); closed {
		c.resendTo = 0
		return
	}
	for c.resendFrom <= c.resendTo {
		if len(c.acceptor.Bytes()) > bytesAtOnce {
			return
		}
		n, first := c.g.r.outbox.reports.read(c.session, c.resendFrom, c.reports[:])
		if n == 0 || first > c.resendTo {
			break
		}
		now := c.g.r.host.wall()
		for i := range n {
			if c.reports[i].OutSeq <= c.resendTo {
				c.acceptor.Resend(now, &c.reports[i])
			}
		}
		c.resendFrom = first + uint64(n)
	}
	c.resendTo = 0
	c.acceptor.ResendDone(c.g.r.host.wall())
	c.submitAll()
}
