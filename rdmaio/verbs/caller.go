//go:build verbs && linux && cgo

package verbs

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// caller goes to one peer's host: it asks for gates on behalf of the owner loop, and finds out whether the peer lives.
//
// A connection that breaks proves nothing. But when the peer's system then says that nobody listens at the address where we
// had met it, the process is gone: it listens for as long as it lives. A system that does not answer says nothing.
type caller struct {
	owner *Provider
	peer  *peer
	met   uint64 // incarnation that answered last
}

func (c *caller) run() {
	defer c.owner.running.Done()
	pause := dialPause
	for c.owner.ctx.Err() == nil {
		conn, err := c.dial()
		if err == nil {
			pause = dialPause
			err = c.converse(conn)
		} else if errors.Is(err, syscall.ECONNREFUSED) {
			if c.met != 0 {
				c.peer.die(c.met)
				c.met = 0
			}
			err = errors.New("nobody listens there: it is not running")
		}
		if c.owner.ctx.Err() != nil {
			return
		}
		c.peer.setProblem(err)
		select {
		case <-time.After(pause):
		case <-c.owner.ctx.Done():
		}
		pause = min(2*pause, maxPause)
	}
}

// dial reaches the peer and exchanges greetings.
func (c *caller) dial() (net.Conn, error) {
	o := c.owner
	conn, err := o.dialer.DialContext(o.ctx, "tcp", c.peer.address)
	if err != nil {
		return nil, err
	}
	if err = c.greet(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (c *caller) greet(conn net.Conn) error {
	o := c.owner
	stop := o.closeAtEnd(conn)
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return err
	}
	hello := greeting{kind: kindHello, from: o.cfg.Local, to: c.peer.id, incarnation: o.cfg.Incarnation, cluster: o.cluster}
	f := hello.encode()
	if _, err := conn.Write(f[:]); err != nil {
		return err
	}
	f, err := readFrame(conn)
	if err != nil {
		return fmt.Errorf("it took the connection and says nothing: %w", err)
	}
	g, err := f.greeting()
	switch {
	case err != nil:
		return err
	case g.kind == kindRefusal:
		return fmt.Errorf("it refuses us: %s", g.why)
	case g.kind != kindWelcome || g.from != c.peer.id || g.cluster != o.cluster:
		return errStranger
	}
	if err := c.peer.meet(g.incarnation); err != nil {
		return err
	}
	c.met = g.incarnation
	return conn.SetDeadline(time.Time{})
}

// converse asks and listens until the connection breaks.
func (c *caller) converse(conn net.Conn) error {
	stop := c.owner.closeAtEnd(conn)
	defer stop()
	c.peer.setProblem(nil)
	c.peer.askAgain()
	broken := make(chan error, 1)
	go func() { broken <- c.listen(conn) }()
	for {
		questions, wait := c.peer.due(time.Now())
		for i := range questions {
			f := questions[i].encode()
			_ = conn.SetWriteDeadline(time.Now().Add(dialTimeout))
			if _, err := conn.Write(f[:]); err != nil {
				conn.Close()
				return errors.Join(err, <-broken)
			}
		}
		select {
		case <-c.peer.wake:
		case <-time.After(wait):
		case err := <-broken:
			conn.Close()
			return fmt.Errorf("connection broken: %w", err)
		}
	}
}

func (c *caller) listen(conn net.Conn) error {
	for {
		f, err := readFrame(conn)
		if err != nil {
			return err
		}
		m, err := f.message()
		if err != nil {
			return err
		}
		c.peer.hear(c.met, &m)
	}
}
