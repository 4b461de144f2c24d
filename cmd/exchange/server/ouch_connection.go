package server

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"exchange/book"
	"exchange/ouch"
)

// ouchConn is one OUCH connection.
//
//  1. The reader gives bytes to the acceptor and submits the commands that come out, waiting while the inbox is full.
//  2. The loop applies them, files the reports and wakes the writer.
//  3. The writer follows the session's reports from the number that the acceptor wants, and sends what it makes of them.
//  4. When either side ends, the writer goes on until the state machine has answered the end.
//
// Neither holds the acceptor while it waits for the socket or the inbox.
type ouchConn struct {
	g      *ouchGateway
	socket net.Conn
	// control carries the session's events without a number; awake says that there is something.
	control chan book.Event
	awake   chan struct{}
	short   express
	// abandoned: the leadership ended, or the account has another connection; nothing is submitted any more.
	abandoned atomic.Bool

	mu       sync.Mutex
	acceptor *ouch.Acceptor

	reports  [reportsAtOnce]book.Event // the writer's
	commands []book.Command            // the reader's
	busySaid time.Time                 // the reader's
}

const (
	// ouchReadBuffer is how much is read from a client at once: some 300 orders, while which are read the writer waits.
	ouchReadBuffer = 16 << 10
	// busyAfter is how long the inbox may be full before a client is told so, busyEvery how often at most.
	busyAfter = time.Millisecond
	busyEvery = time.Second
	busyText  = "busy: more orders come than the exchange decides; yours wait, nothing is lost"
)

func newOUCHConn(g *ouchGateway, socket net.Conn) *ouchConn {
	c := &ouchConn{g: g, socket: socket, control: make(chan book.Event, controlEvents), awake: make(chan struct{}, 1)}
	c.acceptor = ouch.NewAcceptor(ouchDirectory{g.r.directory, c}, time.Now().UnixNano())
	c.short.open(socket)
	return c
}

// abandon ends the connection without a word to the state machine.
func (c *ouchConn) abandon() {
	c.abandoned.Store(true)
	c.socket.Close()
	c.rouse()
}

// read turns bytes into commands until the connection ends.
func (c *ouchConn) read() {
	buf := make([]byte, ouchReadBuffer)
	for {
		n, err := c.short.read(c.socket, buf)
		over := c.received(buf[:n], err)
		if c.short.took(); over {
			c.rouse()
			return
		}
	}
}

// received takes what was read; it tells whether nothing more is to be read.
func (c *ouchConn) received(rest []byte, err error) (over bool) {
	for pending := false; (len(rest) > 0 || pending) && !c.abandoned.Load(); {
		if pending {
			time.Sleep(inboxBackoff) // the answer to its login is awaited: what follows that waits meanwhile
		}
		c.mu.Lock()
		taken := c.acceptor.Receive(time.Now().UnixNano(), rest)
		pending = c.acceptor.Pending()
		c.takeCommands()
		c.mu.Unlock()
		rest = rest[taken:]
		c.submit(c.commands)
	}
	c.mu.Lock()
	if err != nil {
		c.acceptor.Hangup("connection closed by the client")
	}
	c.takeCommands()
	closed, _ := c.acceptor.Closed()
	c.mu.Unlock()
	c.submit(c.commands)
	return closed || err != nil || c.abandoned.Load()
}

// hear is received by the loop: what the client has sent, if nothing else is to be done. The commands are appended to those given. An acceptor takes all
// that it is given once its client is logged in.
func (c *ouchConn) hear(commands []book.Command) []book.Command {
	if !c.short.listen(&c.mu, c.g.r.inbox) {
		return commands
	}
	if c.acceptor.Active() && !c.abandoned.Load() {
		if b := c.short.hear(ouchReadBuffer); len(b) > 0 {
			c.acceptor.Receive(time.Now().UnixNano(), b)
			commands = append(commands, c.acceptor.Commands()...)
			if closed, _ := c.acceptor.Closed(); closed || len(c.acceptor.Bytes()) > 0 {
				c.rouse()
			}
		}
	}
	c.mu.Unlock()
	c.short.took()
	return commands
}

// takeCommands copies out what is to be submitted. Under mu.
func (c *ouchConn) takeCommands() {
	c.commands = append(c.commands[:0], c.acceptor.Commands()...)
}

// submit puts commands into the inbox, waiting while it is full: the client feels it through TCP, and is told.
func (c *ouchConn) submit(commands []book.Command) {
	for i := range commands {
		if c.abandoned.Load() {
			return
		}
		if c.g.r.inbox.put(&commands[i]) {
			continue
		}
		for since := time.Now(); !c.abandoned.Load() && !c.g.r.stopping.Load() && !c.g.r.inbox.put(&commands[i]); time.Sleep(inboxBackoff) {
			if now := time.Now(); now.Sub(since) > busyAfter && now.Sub(c.busySaid) > busyEvery {
				c.busySaid = now
				c.mu.Lock()
				c.acceptor.Say(busyText)
				c.mu.Unlock()
				c.rouse()
			}
		}
	}
}

// rouse makes the writer look.
func (c *ouchConn) rouse() {
	select {
	case c.awake <- struct{}{}:
	default:
	}
}

// write follows the session's reports and keeps its timers, until the connection is over.
func (c *ouchConn) write() {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	var out []byte
	var closedAt time.Time
	for {
		select {
		case <-c.awake:
		case <-tick.C:
		}
		closed, reason := false, ""
		for more := true; more; {
			c.short.writing.Lock()
			c.mu.Lock()
			more = c.follow()
			closed, reason = c.acceptor.Closed() // as of these bytes, which are the last then
			out = c.acceptor.TakeBytes(out)
			c.mu.Unlock()
			sent := c.send(c.short.out) && c.send(out)
			c.short.out = c.short.out[:0]
			c.short.writing.Unlock()
			if !sent {
				break
			}
		}
		c.mu.Lock()
		ends := append([]book.Command(nil), c.acceptor.Commands()...) // the reader's are its own: these end the session
		over, session := closed && c.acceptor.Over() || c.abandoned.Load(), c.acceptor.Session()
		c.mu.Unlock()
		c.submit(ends)
		now := time.Now()
		if closed && closedAt.IsZero() {
			closedAt = now
			c.socket.Close()
			c.g.r.log.Debug().Uint16("session", session).Str("reason", reason).Msg("OUCH connection closed")
		}
		if over || closed && now.Sub(closedAt) > overPatience {
			c.socket.Close()
			c.g.forget(c, session)
			return
		}
	}
}

// expressly is what the writer does, by the loop: the session's new reports, if they are few and nothing else is to be done. It tells whether they are on
// their way.
func (c *ouchConn) expressly() bool {
	if !c.short.begin(&c.mu) {
		return false
	}
	n := 0
	if next := c.acceptor.Next(); next != 0 && len(c.control) == 0 {
		if n, _ = c.g.r.outbox.reports.read(c.acceptor.Session(), next, c.reports[:]); n == len(c.reports) {
			n = 0
		}
	}
	now := time.Now().UnixNano()
	for i := range n {
		c.acceptor.Deliver(now, &c.reports[i])
	}
	closed, _ := c.acceptor.Closed()
	if n > 0 {
		c.short.out = c.acceptor.TakeBytes(c.short.out)
	}
	c.mu.Unlock()
	if all := c.short.end(); !all || closed {
		c.rouse()
	}
	return n > 0
}

// follow gives the acceptor the session's events it has not had, and tells whether there may be more. Under mu.
func (c *ouchConn) follow() (more bool) {
	now := time.Now().UnixNano()
	for len(c.control) > 0 {
		e := <-c.control
		c.acceptor.Deliver(now, &e)
	}
	c.acceptor.Tick(now)
	for !c.acceptor.Full() {
		next := c.acceptor.Next()
		if next == 0 {
			return false
		}
		n, _ := c.g.r.outbox.reports.read(c.acceptor.Session(), next, c.reports[:])
		for i := range n {
			c.acceptor.Deliver(now, &c.reports[i]) // one that is no longer kept ends the connection
		}
		if n < len(c.reports) {
			return false
		}
	}
	return true
}

// send writes to the client. One that takes nothing for a while is cut; its stream is kept, and it goes on from there when it comes back.
func (c *ouchConn) send(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	_ = c.socket.SetWriteDeadline(time.Now().Add(c.g.r.cfg.Gateway.WriteTimeout.D()))
	if _, err := c.socket.Write(b); err != nil {
		c.mu.Lock()
		c.acceptor.Hangup("the client does not take what is sent: " + err.Error())
		c.mu.Unlock()
		return false
	}
	return true
}
