package trader

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"exchange/fix"
)

// Credentials name a session as its client does.
type Credentials struct{ Sender, Target, Username, Password string }

// Options of a client.
type Options struct {
	Credentials
	// Addresses of all replicas' FIX ports; the client goes from one to the next until one answers its Logon.
	Addresses []string
	// TLS, if not nil, is what the ports are spoken to with.
	TLS *tls.Config
	// HeartBtInt in seconds; 0: 30.
	HeartBtInt uint16
	// AdoptNumbers lets a client without a memory of its numbers go on from where the venue stands.
	AdoptNumbers bool
	// SentMessages bounds what is kept for sending again; 0: fix's default.
	SentMessages int
	// OnReceived is told of each message, in order, before anything it makes the initiator send goes out. It may send through the initiator.
	OnReceived func(i *fix.Initiator, r *fix.Received, now int64)
	// OnRefused is told of each connection that could not be made, or ended before the session was logged on.
	OnRefused func(address string, err error)
	// OnUp and OnDown are told when the session is logged on, and when the connection is gone.
	OnUp   func(address string)
	OnDown func(reason string)
}

// Client keeps one FIX session going over one connection after the other. Its methods may be called by any goroutine.
type Client struct {
	o Options

	mu        sync.Mutex
	initiator *fix.Initiator
	socket    net.Conn // nil: not connected
	up        bool
}

const (
	dialTimeout = time.Second
	// firstPause and lastPause bound the wait after all addresses were tried in vain; it doubles in between.
	firstPause   = time.Millisecond
	lastPause    = 50 * time.Millisecond
	tickEvery    = 200 * time.Millisecond
	writeTimeout = 5 * time.Second
	readBuffer   = 32 << 10
)

// New makes a client; Run connects it.
func New(o Options) *Client {
	cfg := fix.InitiatorConfig{
		Sender: o.Sender, Target: o.Target, Username: o.Username, Password: o.Password, HeartBtInt: o.HeartBtInt, AdoptNumbers: o.AdoptNumbers,
		SentMessages: o.SentMessages, SentBytes: 256 * o.SentMessages,
	}
	return &Client{o: o, initiator: fix.NewInitiator(cfg)}
}

// Do gives f the initiator to send through, and writes what it wants sent.
func (c *Client) Do(f func(i *fix.Initiator, now int64)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.initiator, time.Now().UnixNano())
	c.flush()
}

// Up tells whether the session is logged on.
func (c *Client) Up() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up
}

// Settled tells whether the session is logged on with nothing missing.
func (c *Client) Settled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up && !c.initiator.GapOpen()
}

// Run keeps the session going until the context ends, and then logs out.
func (c *Client) Run(ctx context.Context) {
	pause, tried := firstPause, 0
	for at := 0; ctx.Err() == nil; at++ {
		address := c.o.Addresses[at%len(c.o.Addresses)]
		socket, err := dial(address, c.o.TLS)
		wasUp := false
		if err == nil {
			wasUp = c.converse(ctx, socket, address)
		} else if c.o.OnRefused != nil {
			c.o.OnRefused(address, err)
		}
		if wasUp {
			pause, tried = firstPause, 0
			continue
		}
		if tried++; tried%len(c.o.Addresses) == 0 {
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, lastPause)
		}
	}
}

// converse holds the session over one connection; it tells whether it was ever logged on.
func (c *Client) converse(ctx context.Context, socket net.Conn, address string) (wasUp bool) {
	defer socket.Close()
	over := make(chan struct{})
	defer close(over)
	go c.keep(ctx, socket, over)
	c.mu.Lock()
	c.socket = socket
	c.initiator.Connect(time.Now().UnixNano())
	c.flush()
	c.mu.Unlock()
	buf := make([]byte, readBuffer)
	for {
		n, err := socket.Read(buf)
		c.mu.Lock()
		now := time.Now().UnixNano()
		if n > 0 {
			c.initiator.Receive(now, buf[:n])
		}
		if err != nil {
			c.initiator.Hangup(now)
		}
		c.take(now)
		if !c.up && c.initiator.Active() {
			c.up, wasUp = true, true
			if c.o.OnUp != nil {
				c.o.OnUp(address)
			}
		}
		c.flush()
		closed, reason := c.initiator.Closed()
		if closed || err != nil {
			c.socket = nil
			if err == nil {
				err = errors.New(reason)
			}
			switch {
			case c.up && c.o.OnDown != nil:
				c.o.OnDown(reason)
			case !c.up && c.o.OnRefused != nil:
				c.o.OnRefused(address, err)
			}
			c.up = false
			c.mu.Unlock()
			return wasUp
		}
		c.mu.Unlock()
	}
}

// take hands on what came in. Under mu.
func (c *Client) take(now int64) {
	received := c.initiator.Received()
	if c.o.OnReceived == nil {
		return
	}
	for i := range received {
		c.o.OnReceived(c.initiator, &received[i], now)
	}
}

// flush writes what the initiator wants sent. Under mu.
func (c *Client) flush() {
	b := c.initiator.Bytes()
	if len(b) == 0 || c.socket == nil {
		return
	}
	_ = c.socket.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := c.socket.Write(b); err != nil {
		c.socket.Close() // the reader ends it
	}
	c.initiator.Sent(len(b))
}

// keep lets time pass for the initiator, and logs out when the context ends.
func (c *Client) keep(ctx context.Context, socket net.Conn, over chan struct{}) {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	done := ctx.Done()
	for {
		select {
		case <-over:
			return
		case <-done:
			done = nil
			c.Do(func(i *fix.Initiator, now int64) { i.Logout(now) })
		case <-tick.C:
			c.Do(func(i *fix.Initiator, now int64) { i.Tick(now) })
		}
		c.mu.Lock()
		closed, _ := c.initiator.Closed()
		c.mu.Unlock()
		if closed {
			socket.Close()
		}
	}
}
