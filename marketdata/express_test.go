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
