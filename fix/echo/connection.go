package main

import (
	"net"
	"time"

	"exchange/book"
	"exchange/fix"
)

// connection is one TCP connection: what comes in goes through the acceptor, its commands are applied, and what follows goes out, all under the venue's
// lock.
type connection struct {
	venue    *venue
	socket   net.Conn
	acceptor *fix.Acceptor
}

const (
	tickEvery    = 50 * time.Millisecond
	writeTimeout = 5 * time.Second
	readBuffer   = 16 << 10
)

func (v *venue) serve(socket net.Conn) {
	c := &connection{venue: v, socket: socket}
	c.acceptor = fix.NewAcceptor(fix.AcceptorConfig{Application: v.echo}, claimant{v, c})
	over := make(chan struct{})
	go c.tick(over)
	defer close(over)
	buf := make([]byte, readBuffer)
	for {
		n, err := socket.Read(buf)
		v.mu.Lock()
		for rest := buf[:n]; len(rest) > 0; {
			taken := c.acceptor.Receive(v.now(), rest)
			rest = rest[taken:]
			if c.settle(); taken == 0 {
				break // closed: settle has made room otherwise
			}
		}
		if err != nil {
			c.acceptor.Hangup(v.now())
			c.settle()
		}
		closed, _ := c.acceptor.Closed()
		v.mu.Unlock()
		if err != nil || closed {
			socket.Close()
			return
		}
	}
}

// tick lets time pass.
func (c *connection) tick(over chan struct{}) {
	t := time.NewTicker(tickEvery)
	defer t.Stop()
	for {
		select {
		case <-over:
			return
		case <-t.C:
		}
		c.venue.mu.Lock()
		c.acceptor.Tick(c.venue.now())
		c.settle()
		c.venue.mu.Unlock()
	}
}

// settle applies commands, delivers what follows and writes, until nothing is left to do.
func (c *connection) settle() {
	for {
		worked := c.resend()
		commands := append([]book.Command(nil), c.acceptor.Commands()...)
		for i := range commands {
			worked = true
			events := c.venue.apply(&commands[i])
			for k := range events {
				c.deliver(&events[k])
			}
		}
		c.write()
		if !worked {
			break
		}
	}
	closed, _ := c.acceptor.Closed()
	if closed {
		c.socket.Close()
	}
	if c.acceptor.Over() && c.venue.owner == c {
		c.venue.owner = nil
	}
}

// resend gives the acceptor the range that it asks for.
func (c *connection) resend() bool {
	from, to, ok := c.acceptor.ResendRequest()
	if !ok {
		return false
	}
	now := c.venue.now()
	events := c.venue.between(from, to)
	for i := range events {
		c.acceptor.Resend(now, &events[i])
	}
	c.acceptor.ResendDone(now)
	return true
}

// deliver gives the acceptor an event; what a resend holds up waits for its end.
func (c *connection) deliver(e *book.Event) {
	c.resend()
	c.acceptor.Deliver(c.venue.now(), e)
}

func (c *connection) write() {
	b := c.acceptor.Bytes()
	if len(b) == 0 {
		return
	}
	_ = c.socket.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := c.socket.Write(b); err != nil {
		c.socket.Close() // the reader ends it
	}
	c.acceptor.Sent(len(b))
}
