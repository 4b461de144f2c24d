//go:build unix

package marketdata

import (
	"net"
	"syscall"
	"testing"
	"time"

	"exchange/marketdata/feed"
	"exchange/ouch/soupbin"
)

// The publisher sends to a client that does not read until its socket takes no more; the connection's writer sends the rest and what comes after: nothing is lost,
// doubled or torn.
func TestPublishingToASlowReader(t *testing.T) {
	store := feed.NewStore(1 << 20)
	s, address := serve(t, store, ServerConfig{})
	small := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) { // before it connects: a window once offered is not taken back
		_ = raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 16<<10) })
		return err
	}}
	conn, err := small.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	core := soupbin.MakeClient(soupbin.Session{}, 1)
	d := &dialed{t: t, conn: conn, core: &core}
	if _, err := conn.Write(core.Login(nil, "ME", "secret", 0)); err != nil {
		t.Fatal(err)
	}
	d.want(soupbin.LoginWasAccepted)
	var c *connection
	s.mu.Lock()
	for c = range s.connections {
		_ = c.conn.(*net.TCPConn).SetWriteBuffer(4096)
	}
	s.mu.Unlock()
	const most = 100_000
	short, blocked := 0, false
	for n := uint64(1); !blocked; n++ {
		if n == most {
			t.Fatal("the client held nobody up")
		}
		time.Sleep(10 * time.Microsecond) // the writer may have something to finish
		woken := len(c.wake)
		appendTo(store, n)
		if c.sending.TryLock() {
			if woken == 0 && len(c.wake) == 0 && len(c.rest) == 0 {
				short++
			}
			c.sending.Unlock()
			continue
		}
		time.Sleep(20 * time.Millisecond)
		if blocked = !c.sending.TryLock(); !blocked {
			c.sending.Unlock()
		}
	}
	sent := store.Next() - 1
	appendTo(store, sent+500)
	t.Logf("%d of %d messages were on their way at once", short, sent)
	if short == 0 {
		t.Error("none was on its way at once")
	}
	d.wantMessages(1, sent+500)
}

// What one turn of an exchange brings leaves before Publish returns, and nobody is woken for it; what is more, the connection's own writer sends.
func TestThePublisherSendsABatchItself(t *testing.T) {
	store := feed.NewStore(1 << 20)
	raised := 0
	store.PassOn(func() { raised++; store.Wake() })
	s, address := serve(t, store, ServerConfig{})
	core := soupbin.MakeClient(soupbin.Session{}, 1)
	d := dial(t, address, &core, "ME")
	d.want(soupbin.LoginWasAccepted)
	var c *connection
	s.mu.Lock()
	for c = range s.connections {
	}
	s.mu.Unlock()
	// sent publishes so many messages and gives the number of the first that has not left when Publish returns.
	sent := func(n uint64) uint64 {
		appendTo(store, store.Next()+n-1)
		c.sending.Lock()
		defer c.sending.Unlock()
		return c.reader.Number()
	}
	for end, inTurn := time.Now().Add(20*time.Second), 0; inTurn < 20; { // until the connection's writer waits for news, which it then goes on doing
		before := raised
		if inTurn++; sent(1) != store.Next() || raised != before {
			inTurn = 0
		}
		if time.Sleep(time.Millisecond); time.Now().After(end) {
			t.Fatal("the publisher sends nothing")
		}
	}
	before := raised
	const batch = expressBuffer / 11 // of 8 bytes with their heads
	if n := sent(batch); n != store.Next() || raised != before {
		t.Errorf("%d of %d messages left; woken %d times", batch-(store.Next()-n), batch, raised-before)
	}
	if sent(2 * batch); raised != before+1 {
		t.Errorf("woken %d times for more than is sent at a time", raised-before)
	}
	d.wantMessages(1, store.Next()-1)
}
