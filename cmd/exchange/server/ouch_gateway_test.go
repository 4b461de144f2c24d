package server

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"exchange/book"
	"exchange/ouch"
	"exchange/ouch/soupbin"

	"github.com/rs/zerolog"
)

// ouchVenue is a replica's OUCH port with a loop that decides at once: no consensus, no other replica.
type ouchVenue struct {
	t       testing.TB
	r       *Replica
	paused  atomic.Bool
	stopped chan struct{}
}

func openOUCHVenue(t testing.TB, change func(*Config)) *ouchVenue {
	cfg := DefaultConfig()
	cfg.Members[0].OUCH = "127.0.0.1:0"
	cfg.Limits.Orders = 1 << 12
	change(&cfg)
	r := &Replica{cfg: &cfg, log: zerolog.Nop(), market: book.NewMarket(cfg.limits()), stopped: make(chan struct{})}
	r.inbox = newInbox(cfg.Limits.InboxCommands, r.park.Wake)
	r.directory = newDirectory(r.cfg)
	r.outbox = newOutbox(r.cfg, r.directory)
	r.gateway = &gateway{r: r, conns: map[*conn]struct{}{}}
	var err error
	if r.ouch, err = listenOUCH(r); err != nil {
		t.Fatal(err)
	}
	v := &ouchVenue{t: t, r: r, stopped: make(chan struct{})}
	for _, c := range start(r.cfg, r.market, nil) {
		r.outbox.apply(r.market, &c)
	}
	r.outbox.onEvent = r.deliver
	r.directory.serving.Store(true)
	go r.ouch.serve()
	go v.loop()
	t.Cleanup(func() {
		r.stopping.Store(true)
		r.ouch.close()
		<-v.stopped
	})
	return v
}

func (v *ouchVenue) loop() {
	defer close(v.stopped)
	var c book.Command
	v.r.leading.active = true
	for !v.r.stopping.Load() {
		v.r.leading.followSessions(v.r, monotonic())
		if !v.paused.Load() {
			v.r.listen()
		}
		if v.paused.Load() || !v.r.leading.take(&c) && !v.r.takeHeard(&c) && !v.r.inbox.take(&c) {
			v.r.leaveToReaders()
			time.Sleep(50 * time.Microsecond)
			continue
		}
		c.Time = time.Now().UnixNano()
		v.r.outbox.apply(v.r.market, &c)
		v.r.outbox.flush(v.r.wakeAll)
	}
}

// reader is a client that reads when it is told to.
type reader struct {
	t    testing.TB
	conn net.Conn
	soup soupbin.Client
	in   []byte
	text []string
}

func (v *ouchVenue) dial() net.Conn {
	v.t.Helper()
	conn, err := net.Dial("tcp", v.r.ouch.listeners[0].Addr().String())
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { conn.Close() })
	return conn
}

func (r *reader) login(conn net.Conn) {
	r.conn, r.in = conn, nil
	conn.Write(r.soup.Login(nil, "OUCH1", "change-me1", 0))
}

// letIn waits until the login is answered. Of two that are under way at a time either may be the later one, and ends the other.
func (r *reader) letIn() {
	r.t.Helper()
	_ = r.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := r.conn.Read(make([]byte, 1)); err != nil {
		r.t.Fatalf("login: %v", err)
	}
}

// read follows the stream until ok, and gives the last number, or fails after a while.
func (r *reader) read(ok func(number uint64, report *ouch.Report) bool) {
	r.t.Helper()
	buf := make([]byte, 64<<10)
	_ = r.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	var report ouch.Report
	for {
		n, err := r.conn.Read(buf)
		if err != nil {
			r.t.Fatalf("next %d: %v", r.soup.NextNumber(), err)
		}
		r.in = append(r.in, buf[:n]...)
		for {
			e, used, err := r.soup.Receive(r.in, 0)
			if err != nil {
				r.t.Fatal(err)
			}
			if used == 0 {
				break
			}
			if r.in[2] == byte(soupbin.Debug) {
				r.text = append(r.text, string(r.in[3:used]))
			}
			r.in = r.in[used:]
			if e.Kind == soupbin.SequencedData {
				if err := report.Parse(e.Message); err != nil {
					r.t.Fatal(err)
				}
				if ok(e.Number, &report) {
					return
				}
			}
		}
	}
}

func orderPackets(from, to uint32) (b []byte) {
	q := ouch.Request{Type: ouch.EnterOrder, Side: 'B', Quantity: 100, Symbol: ouch.MakeSymbol("ABC"), Price: 10_0000, TimeInForce: '3', Display: 'Y', Capacity: 'P',
		Sweep: 'N', Cross: 'N', ClOrdID: ouch.MakeClOrdID("x")}
	for n := from; n <= to; n++ {
		q.UserRefNum = n
		b = soupbin.AppendPacket(b, soupbin.Unsequenced, q.AppendTo(nil))
	}
	return b
}

// A client that sends and does not read is cut, the exchange goes on, and when the client comes back it has every message, none twice, and every order counted
// once although it sends them all again.
func TestSlowOUCHClientLosesNothing(t *testing.T) {
	v := openOUCHVenue(t, func(c *Config) { c.Gateway.WriteTimeout = Duration(100 * time.Millisecond) })
	const orders = 20_000 // with two reports each: more than the sockets' buffers and ours hold
	slow := &reader{t: t, soup: soupbin.MakeClient(soupbin.Session{}, 1)}
	conn := v.dial()
	conn.(*net.TCPConn).SetReadBuffer(4096)
	slow.login(conn)
	slow.read(func(number uint64, r *ouch.Report) bool { return true }) // the day's start
	v.r.ouch.mu.Lock()
	for c := range v.r.ouch.conns {
		_ = c.socket.(*net.TCPConn).SetWriteBuffer(8192) // or the system takes some megabytes for the client
	}
	v.r.ouch.mu.Unlock()
	packets := orderPackets(1, orders)
	go conn.Write(packets)
	session, _ := v.r.market.SessionByName("OUCH1")
	for end := time.Now().Add(20 * time.Second); v.r.ouch.connected(session); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a client that does not read is not cut")
		}
	}
	conn.Close()
	again := v.dial()
	slow.login(again)
	go again.Write(packets)
	answered := map[uint32]int{}
	last := uint64(1)
	slow.read(func(number uint64, r *ouch.Report) bool {
		if number != last+1 {
			t.Fatalf("message %d follows %d", number, last)
		}
		last = number
		if r.Type == ouch.Accepted {
			answered[r.UserRefNum]++
		}
		return r.Type == ouch.Canceled && r.UserRefNum == orders
	})
	if len(answered) != orders || last != 1+2*orders {
		t.Errorf("%d orders answered in %d messages", len(answered), last)
	}
}

// While the inbox is full a client's orders wait, it is told, and nothing is lost.
func TestOUCHClientIsToldBusy(t *testing.T) {
	v := openOUCHVenue(t, func(c *Config) { c.Limits.InboxCommands = 16 })
	r := &reader{t: t, soup: soupbin.MakeClient(soupbin.Session{}, 1)}
	r.login(v.dial())
	r.read(func(uint64, *ouch.Report) bool { return true })
	v.paused.Store(true)
	r.conn.Write(orderPackets(1, 1000))
	for len(r.text) == 0 {
		buf := make([]byte, 4096)
		n, err := r.conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		for b := buf[:n]; len(b) > 0; {
			p, n, err := soupbin.Next(b, soupbin.MaxPayload)
			if err != nil || n == 0 {
				t.Fatalf("%q: %v", b, err)
			}
			if b = b[n:]; p.Type == soupbin.Debug {
				r.text = append(r.text, string(p.Payload))
			}
		}
	}
	if !strings.HasPrefix(r.text[0], "busy: ") {
		t.Errorf("told %q", r.text)
	}
	v.paused.Store(false)
	count := 0
	r.read(func(_ uint64, rep *ouch.Report) bool {
		if rep.Type == ouch.Accepted {
			count++
		}
		return rep.Type == ouch.Canceled && rep.UserRefNum == 1000
	})
	if count != 1000 {
		t.Errorf("%d of 1000 orders accepted", count)
	}
}

// A login takes the account over from the connection before, also while that one's orders are on their way; of two that send the same, each order counts once.
func TestOUCHAccountIsTakenOver(t *testing.T) {
	v := openOUCHVenue(t, func(*Config) {})
	const orders = 3000
	var last *reader
	for round := range 4 {
		r := &reader{t: t, soup: soupbin.MakeClient(soupbin.Session{}, 1)}
		r.login(v.dial())
		packets := orderPackets(1, orders)
		go func() { _, _ = r.conn.Write(packets) }()
		if last = r; round < 3 {
			r.letIn()
			time.Sleep(time.Duration(round) * time.Millisecond)
		}
	}
	answered := map[uint32]int{}
	last.read(func(_ uint64, r *ouch.Report) bool {
		if r.Type == ouch.Accepted {
			answered[r.UserRefNum]++
		}
		return r.Type == ouch.Canceled && r.UserRefNum == orders
	})
	for n := uint32(1); n <= orders; n++ {
		if answered[n] != 1 {
			t.Fatalf("order %d was answered %d times", n, answered[n])
		}
	}
}

// Two channels of an account use the same numbers; what comes again on a second connection counts once in each.
func TestOUCHChannelsAreNumberedApart(t *testing.T) {
	v := openOUCHVenue(t, func(*Config) {})
	r := &reader{t: t, soup: soupbin.MakeClient(soupbin.Session{}, 1)}
	var packets []byte
	q := ouch.Request{Type: ouch.EnterOrder, Side: 'B', Quantity: 100, Symbol: ouch.MakeSymbol("ABC"), Price: 10_0000, TimeInForce: '3', Display: 'Y', Capacity: 'P',
		Sweep: 'N', Cross: 'N', ClOrdID: ouch.MakeClOrdID("x")}
	for n := uint32(1); n <= 100; n++ {
		for _, channel := range []uint64{0, 1, 255} {
			q.UserRefNum = n
			q.Tags.Clear()
			q.Tags.Set(ouch.TagUserRefIdx, channel)
			packets = soupbin.AppendPacket(packets, soupbin.Unsequenced, q.AppendTo(nil))
		}
	}
	r.login(v.dial())
	r.conn.Write(packets)
	r.letIn()
	r.login(v.dial())
	r.conn.Write(packets)
	answered := map[[2]uint32]int{}
	r.read(func(_ uint64, rep *ouch.Report) bool {
		if rep.Type == ouch.Accepted {
			answered[[2]uint32{uint32(rep.Tags.UserRefIdx()), rep.UserRefNum}]++
		}
		return rep.Type == ouch.Canceled && rep.UserRefNum == 100 && rep.Tags.UserRefIdx() == 255
	})
	for key, times := range answered {
		if times != 1 {
			t.Errorf("order %d of channel %d was answered %d times", key[1], key[0], times)
		}
	}
	if len(answered) != 300 {
		t.Errorf("%d of 300 orders were answered", len(answered))
	}
}

// An account that asks for it has its orders cancelled when it stays away, and not when it comes back in time.
func TestOUCHOrdersOfTheAbsentAreCancelled(t *testing.T) {
	for _, grace := range []time.Duration{time.Millisecond, time.Hour} {
		v := openOUCHVenue(t, func(c *Config) {
			c.Gateway.CancelGrace = Duration(grace)
			c.OUCHAccounts[0].CancelOnDisconnect = true
		})
		r := &reader{t: t, soup: soupbin.MakeClient(soupbin.Session{}, 1)}
		packet := orderPackets(1, 1)
		packet[len(packet)-47+26] = ouch.TIFDay // in a message of 47 bytes
		r.login(v.dial())
		r.conn.Write(packet)
		r.read(func(_ uint64, rep *ouch.Report) bool {
			return rep.Type == ouch.Accepted && rep.TimeInForce == ouch.TIFDay
		})
		r.conn.Close()
		session, _ := v.r.market.SessionByName("OUCH1")
		for v.r.ouch.connected(session) {
			time.Sleep(time.Millisecond)
		}
		kept := func() (next uint64) { _, next = v.r.outbox.reports.kept(session); return next }
		for end := time.Now().Add(20 * time.Second); grace < time.Hour && kept() == 3 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		r.login(v.dial())
		r.conn.Write(soupbin.AppendPacket(nil, soupbin.Unsequenced, []byte("Q")))
		said := ""
		r.read(func(_ uint64, rep *ouch.Report) bool {
			said += string(rep.Type)
			if rep.Type == ouch.Canceled {
				said += string(rep.Reason)
			}
			return rep.Type == ouch.QueryAnswer
		})
		if want := map[bool]string{true: "Q", false: "CZQ"}[grace == time.Hour]; said != want {
			t.Errorf("with a grace of %v the client hears %s, not %s", grace, said, want)
		}
	}
}

// What is wrong with accounts is told by name.
func TestBadAccountsAreExplained(t *testing.T) {
	good := OUCHAccount{Username: "A1", Password: "p", Participant: "FIRM1"}
	for says, change := range map[string]func(*OUCHAccount){
		"username": func(a *OUCHAccount) { a.Username = "TOOLONG" }, "each once": func(a *OUCHAccount) { a.Username = "b1" },
		"password": func(a *OUCHAccount) { a.Password = "12345678901" }, "firm": func(a *OUCHAccount) { a.Firm = "FIVES" },
		"self_trade": func(a *OUCHAccount) { a.SelfTrade = "maybe" },
		"max_rate":   func(a *OUCHAccount) { a.MaxRate = -1 }, "not in participants": func(a *OUCHAccount) { a.Participant = "X" },
	} {
		c := DefaultConfig()
		bad := good
		change(&bad)
		c.OUCHAccounts = []OUCHAccount{{Username: "B1", Password: "p", Participant: "FIRM2"}, bad}
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "ouch_accounts") {
			t.Errorf("%s: %v", says, err)
		}
		c.OUCHAccounts[1] = good
		if err := c.Check(); err != nil {
			t.Error(fmt.Errorf("a good account: %w", err))
		}
	}
}

// BenchmarkOUCHGateway is an order in and its two reports out, through the port and the market, without consensus.
func BenchmarkOUCHGateway(b *testing.B) {
	v := openOUCHVenue(b, func(*Config) {})
	r := &reader{t: b, soup: soupbin.MakeClient(soupbin.Session{}, 1)}
	r.login(v.dial())
	r.read(func(uint64, *ouch.Report) bool { return true })
	packets := orderPackets(1, uint32(b.N))
	b.ResetTimer()
	go func() { _, _ = r.conn.Write(packets) }()
	r.read(func(_ uint64, rep *ouch.Report) bool {
		return rep.Type == ouch.Canceled && rep.UserRefNum == uint32(b.N)
	})
}
