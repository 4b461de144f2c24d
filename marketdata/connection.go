package marketdata

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"exchange/marketdata/feed"
	"exchange/ouch/soupbin"
)

// connection is one client of a Server: a goroutine that reads its few packets, and one that writes.
type connection struct {
	server *Server
	conn   net.Conn

	// The session core is used by both goroutines, for as long as it takes to make or read bytes, never while they travel.
	mu     sync.Mutex
	core   soupbin.Server
	answer []byte // to a login, or why the connection ends; to be sent before anything else
	fault  error  // of what the client sent: the connection ends when the answer is sent
	reader feed.Reader

	armed atomic.Bool
	wake  chan struct{}

	// sending is held from the moment at which bytes are taken from the core until the socket has them, so that they go out in order. It comes before mu.
	sending sync.Mutex
	short   express
	rest    []byte // what the socket did not take of what was sent expressly

	once sync.Once
	done chan struct{}
	why  error // of the end; read after done
}

func newConnection(s *Server, conn net.Conn) *connection {
	c := &connection{server: s, conn: conn, core: soupbin.MakeServer(s.now()), wake: make(chan struct{}, 1), done: make(chan struct{})}
	c.short.open(conn)
	return c
}

// end closes the connection; the first reason counts.
func (c *connection) end(why error) {
	c.once.Do(func() {
		c.why = why
		close(c.done)
		c.conn.Close()
	})
}

// wakeIfArmed wakes the writer if it waits for messages.
func (c *connection) wakeIfArmed() {
	if c.armed.Load() && c.armed.Swap(false) {
		c.wakeNow()
	}
}

func (c *connection) wakeNow() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run serves the connection to its end and says why it ended.
func (c *connection) run() error {
	var reading sync.WaitGroup
	reading.Add(1)
	go func() {
		defer reading.Done()
		c.end(c.read())
	}()
	c.end(c.write())
	reading.Wait()
	return c.why
}

// read takes the client's packets until the connection ends.
func (c *connection) read() error {
	buf := make([]byte, receiveBuffer)
	have := 0
	for {
		n, err := c.conn.Read(buf[have:])
		have += n
		if n > 0 {
			used, err := c.receive(buf[:have])
			if err != nil {
				return c.refuse(err)
			}
			have = copy(buf, buf[used:have])
		}
		switch {
		case errors.Is(err, io.EOF):
			return errors.New("the client closed the connection")
		case err != nil:
			return fmt.Errorf("reading: %w", err)
		}
	}
}

// refuse ends the connection of a client whose bytes are not taken: the writer tells it why, and closes. One that logged out knows.
func (c *connection) refuse(why error) error {
	if errors.Is(why, ErrLoggedOut) {
		return why
	}
	c.mu.Lock()
	c.answer, c.fault = soupbin.AppendPacket(c.answer, soupbin.Debug, []byte(why.Error())), why
	c.mu.Unlock()
	c.wakeNow()
	<-c.done
	return why
}

// receive takes the whole packets of in and says how many bytes they were.
func (c *connection) receive(in []byte) (used int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.server.now()
	for {
		e, n, err := c.core.Receive(in[used:], now)
		if err != nil || n == 0 {
			return used, err
		}
		used += n
		switch e.Kind {
		case soupbin.LoginRequested:
			c.login(&e.Login, now)
		case soupbin.LogoutRequested:
			return used, ErrLoggedOut
		}
	}
}

// login answers a login: the writer sends it, and goes on from the number.
func (c *connection) login(l *soupbin.Login, now int64) {
	defer c.wakeNow()
	s := c.server
	if s.config.Username+s.config.Password != "" && !l.Is(s.config.Username, s.config.Password) {
		c.answer = c.core.Reject(c.answer, soupbin.NotAuthorized, now)
		return
	}
	session := s.session.Load()
	if session == nil {
		c.answer = c.core.Reject(c.answer, soupbin.SessionNotAvailable, now)
		return
	}
	number, ok := l.Decide(*session, s.store.First(), s.store.Next())
	if !ok {
		c.answer = c.core.Reject(c.answer, soupbin.SessionNotAvailable, now)
		return
	}
	c.answer = c.core.Accept(c.answer, *session, number, now)
	c.reader = s.store.NewReader(number)
}

// write sends until the connection ends.
func (c *connection) write() error {
	ticker := time.NewTicker(c.server.tick)
	defer ticker.Stop()
	buf := make([]byte, 0, sendBuffer+soupbin.MaxPacket)
	for {
		sent, err := c.send(buf)
		switch {
		case err != nil:
			return err
		case sent > 0:
			continue
		}
		select {
		case <-c.wake:
		case <-ticker.C:
		case <-c.done:
			return ErrServerClosed
		}
	}
}

// send writes what there is to send now; an error ends the connection.
func (c *connection) send(buf []byte) (sent int, err error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.mu.Lock()
	out, last := c.fill(append(buf[:0], c.rest...))
	c.mu.Unlock()
	c.rest = c.rest[:0]
	if len(out) > 0 {
		c.conn.SetWriteDeadline(time.Now().Add(c.server.config.WriteTimeout))
		if _, err := c.conn.Write(out); err != nil {
			return 0, fmt.Errorf("writing: %w", err)
		}
	}
	return len(out), last
}

// expressBuffer is how much is sent expressly at a time, and a message: about what an exchange says at once with a hundred orders under way.
const expressBuffer = 4 << 10

// expressly is send on the thread of the store's writer, of a few messages, and waits for nothing. It tells whether all there is went out; the connection's
// own writer does the rest.
func (c *connection) expressly() bool {
	if !c.short.possible() || !c.sending.TryLock() {
		return false
	}
	defer c.sending.Unlock()
	if len(c.rest) > 0 || !c.mu.TryLock() {
		return false
	}
	if !c.core.LoggedIn() || len(c.answer) > 0 {
		c.mu.Unlock()
		return false
	}
	out, err := c.rest[:0], error(nil)
	for now := c.server.now(); len(out) < expressBuffer && err == nil; {
		var message []byte
		if message, err = c.reader.Next(); err == nil {
			out = c.core.AppendSequenced(out, message, now)
		}
	}
	c.mu.Unlock()
	taken := 0
	if len(out) > 0 {
		taken = c.short.send(out)
	}
	c.rest = out[:copy(out, out[taken:])]
	return errors.Is(err, feed.ErrNotYet) && len(c.rest) == 0
}

// fill takes what there is to send now, at most sendBuffer bytes and a message. last is not nil if the connection is to be closed after it. Under mu.
func (c *connection) fill(out []byte) (_ []byte, last error) {
	now := c.server.now()
	out = append(out, c.answer...)
	c.answer = c.answer[:0]
	if c.fault != nil {
		return out, c.fault
	}
	if !c.core.LoggedIn() {
		if len(out) > 0 {
			return out, ErrLoginRefused
		}
		return c.core.Tick(out, now)
	}
	// Armed before the store is looked at: what is published later wakes. Ended before it too: what came before the end is sent.
	c.armed.Store(true)
	c.server.follower.Arm()
	ended := c.server.ended.Load()
	for len(out) < sendBuffer {
		message, err := c.reader.Next()
		switch {
		case errors.Is(err, feed.ErrNotYet) && ended:
			return c.core.EndOfSession(out, now), ErrEndOfSession
		case errors.Is(err, feed.ErrNotYet):
			return c.core.Tick(out, now)
		case err != nil:
			return soupbin.AppendPacket(out, soupbin.Debug, []byte(ErrTooSlow.Error())), ErrTooSlow
		}
		out = c.core.AppendSequenced(out, message, now)
	}
	return out, nil
}
