package server

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exchange/book"
	"exchange/fix"
)

// Who does not log on is cut, whether nothing comes, part of a Logon, or no handshake.
func TestFIXLogonTimeLimit(t *testing.T) {
	dir := t.TempDir()
	certificates(t, dir, "client-one")
	v := openFIXVenue(t, nil, func(c *Config) {
		c.Gateway.LogonTimeout = Duration(200 * time.Millisecond)
		c.Members[0].FIX, c.Members[0].FIXTLS = "127.0.0.2:0", "127.0.0.1:0"
		c.Gateway.TLSCertificate, c.Gateway.TLSKey = filepath.Join(dir, "venue.pem"), filepath.Join(dir, "venue.key")
	})
	silent, slow := v.call("CLIENT1", nil), v.call("CLIENT1", nil)
	_, _ = io.WriteString(slow.conn, "8=FIX.4.4\x019=70\x0135=A\x0134=1\x01")
	noHandshake, err := net.Dial("tcp", v.r.gateway.listeners[1].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer noHandshake.Close()
	silent.refused()
	slow.refused()
	(&fixCaller{t: t, conn: noHandshake}).refused()
	c := v.call("CLIENT1", nil)
	c.send("A", fixLogon)
	c.expect("35=A")
}

// A message may be longer after the Logon than before it, and one that no buffer holds ends the session.
func TestFIXSizes(t *testing.T) {
	v := openFIXVenue(t, nil, func(*Config) {})
	long := func(n int) string { return "58=" + strings.Repeat("x", n) + "|" }
	c := v.call("CLIENT1", nil)
	c.send("A", fixLogon+long(5000))
	c.refused()
	c = v.call("CLIENT1", nil)
	endless := strings.Repeat("x", 8<<10)
	_, _ = io.WriteString(c.conn, "8=FIX.4.4\x019=2000000000\x0135=A\x0134=1\x0158="+endless)
	c.refused()
	c = v.call("CLIENT1", nil)
	c.send("A", fixLogon)
	c.expect("35=A")
	c.send("D", "11=a|55=ABC|54=1|40=2|44=10.00|38=10|60=<now>|"+long(15000))
	c.expect("35=8", "150=0", "11=a")
	c.send("D", "11=b|55=ABC|54=1|40=2|44=10.00|38=10|60=<now>|"+long(17000))
	c.expect("35=5", "58=Message too long")
	c.refused()
}

// With tls_always the FIX port speaks nothing else, and nothing older than TLS 1.2.
func TestFIXWithTLSAlways(t *testing.T) {
	dir := t.TempDir()
	_, _, without := certificates(t, dir, "client-one")
	v := openFIXVenue(t, nil, func(c *Config) {
		c.Gateway.TLSAlways = true
		c.Gateway.TLSCertificate, c.Gateway.TLSKey = filepath.Join(dir, "venue.pem"), filepath.Join(dir, "venue.key")
	})
	plain := v.call("CLIENT1", nil)
	plain.send("A", fixLogon)
	_ = plain.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	got, err := io.ReadAll(plain.conn)
	if e, ok := err.(net.Error); ok && e.Timeout() || strings.Contains(string(got), "8=FIX") {
		t.Errorf("without TLS: %q, %v", got, err)
	}
	old := without.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if conn, err := tls.Dial("tcp", v.r.gateway.listeners[0].Addr().String(), old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	c := v.call("CLIENT1", without)
	c.send("A", fixLogon)
	c.expect("35=A", "34=1")
}

// There are at most so many connections, and one that goes makes room.
func TestFIXMaxConnections(t *testing.T) {
	v := openFIXVenue(t, nil, func(c *Config) { c.Gateway.MaxConnections, c.Gateway.MaxPerAddress, c.Gateway.NewPerAddress = 2, 0, 0 })
	first, second := v.call("CLIENT1", nil), v.call("CLIENT2", nil)
	for _, c := range []*fixCaller{first, second} {
		c.send("A", fixLogon)
		c.expect("35=A")
	}
	third := v.call("DROP", nil)
	third.send("A", fixLogon)
	third.refused()
	first.conn.Close()
	session, _ := v.r.market.SessionByName("CLIENT1>EXCHANGE")
	v.gone(session)
	c := v.call("DROP", nil)
	c.send("A", fixLogon)
	c.expect("35=A")
}

// gone waits until the session has no connection any more.
func (v *fixVenue) gone(session uint16) {
	v.t.Helper()
	for end := time.Now().Add(20 * time.Second); v.r.gateway.connected(session); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			v.t.Fatal("the connection is not over")
		}
	}
}

// No log of any level has a password, right or wrong, in Logons that are taken, refused, garbled or too long.
func TestFIXSecretsStayOutOfTheLog(t *testing.T) {
	var log notes
	v := openFIXVenue(t, &log, func(c *Config) {
		c.FIXSessions[0].Username, c.FIXSessions[0].PasswordHash = "me", HashPassword("secret-word", PassingHashCost)
		c.FIXSessions[0].MayReset = true
	})
	credentials := "553=me|554=secret-word|"
	for _, logon := range []string{
		"98=1|108=30|" + credentials, "98=0|108=99999|" + credentials, "98=0|" + credentials, "98=0|108=30|9999=1|" + credentials, "98=0|108=30|553=me|554=secret-guess|",
		"98=0|108=30|58=" + strings.Repeat("x", 5000) + "|" + credentials, "98=0|108=30|554=secret-word|554=secret-word|553=me|",
	} {
		c := v.call("CLIENT1", nil)
		c.send("A", logon)
		c.refused()
	}
	stranger := v.call("NOBODY", nil)
	stranger.send("A", fixLogon+credentials)
	stranger.refused()
	garbled := v.call("CLIENT1", nil)
	_, _ = io.WriteString(garbled.conn, "8=FIX.4.4\x019=21\x0135=A\x01554=secret-word\x0110=000\x01")
	garbled.refused()
	c := v.call("CLIENT1", nil)
	c.send("A", fixLogon+credentials)
	c.expect("35=A")
	c.send("A", fixLogon+credentials) // inside the session
	c.expect("35=3", "58=Already logged on")
	c.send("D", "554=secret-word|11=a|55=ABC|54=1|40=2|44=10.00|38=10|60=<now>|")
	c.expect("35=3", "371=554")
	session, _ := v.r.market.SessionByName("CLIENT1>EXCHANGE")
	c.conn.Close()
	v.gone(session)
	if text := log.String(); strings.Contains(text, "secret") || len(text) == 0 {
		t.Errorf("a password is in the log, or nothing is: %s", text)
	}
	if _, err := parsePasswordHash("secret-word"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a password in the place of its hash: %v", err)
	}
}

// A client that sends and does not read is cut, the exchange goes on, and when it comes back it has every number without a hole and each order answered once.
func TestSlowFIXClientLosesNothing(t *testing.T) {
	v := openFIXVenue(t, nil, func(c *Config) { c.Gateway.WriteTimeout = Duration(100 * time.Millisecond) })
	const orders = 8000 // with two reports each: more than the sockets' buffers and ours hold
	session, _ := v.r.market.SessionByName("CLIENT1>EXCHANGE")
	client := fix.NewInitiator(fix.InitiatorConfig{Sender: "CLIENT1", Target: "EXCHANGE", SentMessages: 2 * orders, SentBytes: 8 << 20})
	news, ends := map[string]int{}, map[string]int{}
	next := uint64(1)
	take := func() {
		for _, r := range client.Received() {
			if r.Duplicate {
				continue
			}
			if r.Seq > next { // what came too early comes again
				continue
			}
			if next = r.Seq + 1; r.Is("4") {
				next = r.NewSeqNo
			}
			if r.Is("5") || r.Is("3") || r.Is("j") {
				t.Errorf("the client is told %q", r.Text)
			}
			id := strings.TrimRight(string(r.ClOrdID[:]), "\x00")
			switch {
			case r.Is("8") && r.ExecType == '0':
				news[id]++
			case r.Is("8"):
				ends[id]++
			}
		}
	}
	// talk writes what the client has to say and reads until done says so.
	talk := func(conn net.Conn, done func() bool) {
		buf := make([]byte, 64<<10)
		for end := time.Now().Add(30 * time.Second); !done(); {
			if time.Now().After(end) {
				t.Fatalf("no end: %d of %d orders have their New, %d their end", len(news), orders, len(ends))
			}
			if b := client.Bytes(); len(b) > 0 {
				n, err := conn.Write(b[:min(len(b), 32<<10)])
				if client.Sent(n); err != nil {
					t.Fatal(err)
				}
			}
			_ = conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
			n, err := conn.Read(buf)
			if e, ok := err.(net.Error); err != nil && (!ok || !e.Timeout()) {
				t.Fatal(err)
			}
			client.Receive(time.Now().UnixNano(), buf[:n])
			take()
		}
	}
	first := v.call("CLIENT1", nil).conn
	_ = first.(*net.TCPConn).SetReadBuffer(4096)
	client.Connect(time.Now().UnixNano())
	talk(first, client.Active)
	v.r.gateway.mu.Lock()
	for c := range v.r.gateway.conns {
		_ = c.socket.(*net.TCPConn).SetWriteBuffer(8192) // or the system takes some megabytes for the client
	}
	v.r.gateway.mu.Unlock()
	for n := range orders {
		client.NewOrderSingle(time.Now().UnixNano(), &fix.Order{ClOrdID: fmt.Appendf(nil, "o%d", n), Symbol: []byte("ABC"), Qty: 1, Price: 100_000, TIF: book.ImmediateOrCancel})
	}
	go func(b []byte) { _, _ = first.Write(b) }(append([]byte(nil), client.Bytes()...))
	v.gone(session)
	if len(news) == orders {
		t.Fatal("it was not slow")
	}
	first.Close()
	other := v.call("CLIENT2", nil) // the exchange goes on
	other.send("A", fixLogon)
	other.expect("35=A")
	client.Hangup(time.Now().UnixNano())
	again := v.call("CLIENT1", nil).conn
	client.Connect(time.Now().UnixNano())
	talk(again, func() bool { return len(ends) == orders && !client.GapOpen() })
	for n := range orders {
		if id := fmt.Sprintf("o%d", n); news[id] != 1 || ends[id] != 1 {
			t.Fatalf("%s: %d New, %d ends", id, news[id], ends[id])
		}
	}
	if in, _ := client.Numbers(); in != next {
		t.Errorf("the client expects %d, its numbers go to %d", in, next)
	}
}

// A session that asks for it has its orders cancelled when it stays away longer than its grace, by a command; not when it comes back in time. A change of leader
// is no disconnect: the session has reconnect_grace first.
func TestFIXOrdersOfTheAbsentAreCancelled(t *testing.T) {
	const short, long = time.Millisecond, time.Hour
	for _, c := range []struct {
		what             string
		grace, reconnect time.Duration
		change           bool // the leadership ends, and this replica leads again
		cancelled        bool
	}{
		{"away longer than its grace", short, long, false, true},
		{"back in time", long, short, false, false},
		{"a change of leader, back in time", short, long, true, false},
		{"a change of leader, and stays away", short, short, true, true},
		{"a change of leader, and back before both graces are over", long, short, true, false},
	} {
		v := openFIXVenue(t, nil, func(cfg *Config) {
			cfg.FIXSessions[0].CancelOnDisconnect = true
			cfg.Gateway.ReconnectGrace = Duration(c.reconnect)
			cfg.FIXSessions[0].CancelGrace = Duration(c.grace)
		})
		client := v.call("CLIENT1", nil)
		client.send("A", fixLogon)
		client.expect("35=A", "34=1")
		client.send("D", "11=a|55=ABC|54=1|40=2|44=10.00|38=10|59=1|60=<now>|")
		client.expect("35=8", "34=2", "150=0")
		session, _ := v.r.market.SessionByName("CLIENT1>EXCHANGE")
		if c.change {
			v.r.gateway.disconnectAll("as when a leadership ends")
		} else {
			client.conn.Close()
		}
		v.gone(session)
		for end := time.Now().Add(20 * time.Second); c.cancelled && v.sent(session) < 3; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: nothing is cancelled", c.what)
			}
		}
		back := v.call("CLIENT1", nil)
		back.seq = client.seq
		back.send("A", fixLogon)
		next := map[bool]int{true: 4, false: 3}[c.cancelled]
		back.expect("35=A", fmt.Sprintf("34=%d", next))
		if c.cancelled {
			back.send("2", "7=3|16=3|")
			back.expect("35=8", "34=3", "43=Y", "150=4", "39=4", "11=a")
		}
		back.send("H", "11=a|55=ABC|54=1|")
		back.expect("35=8", "150=I", map[bool]string{true: "39=3", false: "39=0"}[c.cancelled])
	}
}

// sent is the last number that the session was given.
func (v *fixVenue) sent(session uint16) uint64 {
	last, _ := v.r.outbox.reports.last(session)
	return last
}
