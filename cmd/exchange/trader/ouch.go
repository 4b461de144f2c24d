package trader

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"exchange/ouch"
)

// OUCHOptions of a client that speaks OUCH.
type OUCHOptions struct {
	Username, Password string
	// Addresses of all replicas' OUCH ports; the client goes from one to the next until one answers its login.
	Addresses []string
	// TLS, if not nil, is what the ports are spoken to with.
	TLS *tls.Config
	// Number is the first message wanted of the stream; see ouch.InitiatorConfig.
	Number uint64
	// OnReport is told of each message, in order; it may send through the initiator.
	OnReport func(i *ouch.Initiator, number uint64, r *ouch.Report, now int64)
	// OnText is told of the exchange's texts for people.
	OnText func(text string)
	// OnRefused is told of each connection that could not be made, or ended without an answer to the login.
	OnRefused func(address string, err error)
	// OnUp and OnDown are told when the account is logged in, and when the connection is gone.
	OnUp   func(address string)
	OnDown func(reason string)
}

// OUCHClient keeps one OUCH account going over one connection after the other. Its methods may be called by any goroutine.
type OUCHClient struct {
	o OUCHOptions

	mu        sync.Mutex
	initiator *ouch.Initiator
	socket    net.Conn // nil: not connected
	up        bool
	now       int64 // of what is being taken in
}

// NewOUCH makes a client; Run connects it.
func NewOUCH(o OUCHOptions) *OUCHClient {
	c := &OUCHClient{o: o}
	cfg := ouch.InitiatorConfig{Username: o.Username, Password: o.Password, Number: o.Number, OnText: o.OnText}
	if o.OnReport != nil {
		cfg.OnReport = func(number uint64, r *ouch.Report) { o.OnReport(c.initiator, number, r, c.now) }
	}
	c.initiator = ouch.NewInitiator(cfg)
	return c
}

// Do gives f the initiator to send through, and writes what it wants sent.
func (c *OUCHClient) Do(f func(i *ouch.Initiator, now int64)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.initiator, time.Now().UnixNano())
	c.flush()
}

// Up tells whether the account is logged in and requests go out at once.
func (c *OUCHClient) Up() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up
}

// Run keeps the account going until the context ends, and then logs out.
func (c *OUCHClient) Run(ctx context.Context) {
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

// converse holds the account over one connection; it tells whether it was ever logged in.
func (c *OUCHClient) converse(ctx context.Context, socket net.Conn, address string) (wasUp bool) {
	defer socket.Close()
	over := make(chan struct{})
	defer close(over)
	c.mu.Lock()
	c.socket = socket
	c.initiator.Connected(time.Now().UnixNano())
	c.flush()
	c.mu.Unlock()
	go c.keep(ctx, socket, over)
	buf := make([]byte, readBuffer)
	for {
		n, err := socket.Read(buf)
		c.mu.Lock()
		c.now = time.Now().UnixNano()
		if bad := c.initiator.Receive(c.now, buf[:n]); bad != nil {
			err = bad
		}
		if !c.up && c.initiator.Ready() && err == nil {
			c.up, wasUp = true, true
			if c.o.OnUp != nil {
				c.o.OnUp(address)
			}
		}
		c.flush()
		if err != nil {
			c.socket = nil
			var refused *ouch.LoginError
			switch told := c.up || errors.As(err, &refused); {
			case told && c.o.OnDown != nil:
				c.o.OnDown(err.Error())
			case !told && c.o.OnRefused != nil:
				c.o.OnRefused(address, err)
			}
			c.up = false
			c.mu.Unlock()
			return wasUp
		}
		c.mu.Unlock()
	}
}

// flush writes what the initiator wants sent. Under mu.
func (c *OUCHClient) flush() {
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
func (c *OUCHClient) keep(ctx context.Context, socket net.Conn, over chan struct{}) {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	done := ctx.Done()
	for {
		select {
		case <-over:
			return
		case <-done:
			done = nil
			c.Do(func(i *ouch.Initiator, now int64) { i.Logout(now) })
			socket.Close()
		case <-tick.C:
			c.Do(func(i *ouch.Initiator, now int64) {
				if err := i.Tick(now); err != nil {
					socket.Close()
				}
			})
		}
	}
}
