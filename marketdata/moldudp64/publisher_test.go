package moldudp64

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"exchange/marketdata/feed"
)

// patience bounds how long a test waits for what has to come; nothing is measured by it.
const patience = 20 * time.Second

func listen(t *testing.T) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// TestALineOverSockets: a publisher, a receiver that loses every third packet, and a request server, over the loopback.
func TestALineOverSockets(t *testing.T) {
	const messages = 5_000
	day := session(t, "DAY0001")
	store := feed.NewStore(1 << 30)
	conn, address := listen(t)
	server, err := ListenRequests("127.0.0.1:0", store, RequestConfig{Session: day, PerSecond: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	line, err := NewPublisher(store, PublisherConfig{Session: day, Destinations: []netip.AddrPort{address}, From: 1, Heartbeat: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	go func() {
		for n := uint64(1); n <= messages; n++ {
			store.Append(n, messageOf(n))
			if n%97 == 0 {
				store.Publish()
			}
		}
		store.Publish()
		line.EndSession()
	}()

	r := NewReceiver(ReceiverConfig{From: 1, RequestAfter: time.Millisecond, RequestAgain: 5 * time.Millisecond})
	c := checker{t, 1}
	start, buf := time.Now(), make([]byte, 2048)
	for packets := 0; !r.Ended(); {
		now := int64(time.Since(start))
		if now > int64(patience) {
			t.Fatalf("only %d of %d messages: %+v, %+v", c.next-1, messages, r.Status(), line.Status())
		}
		conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
		n, _, err := conn.ReadFromUDPAddrPort(buf)
		if err == nil {
			if packets++; packets%3 != 0 {
				if err := r.Receive(buf[:n], now); err != nil {
					t.Fatal(err)
				}
				c.take(r)
			}
		} else if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		if q, ok := r.Request(now); ok {
			if _, err := conn.WriteToUDPAddrPort(q.AppendTo(nil), server.Addr()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if c.next != messages+1 {
		t.Errorf("%d messages delivered, of %d", c.next-1, messages)
	}
	asked, answered := server.Counts()
	if st := r.Status(); asked == 0 || answered == 0 || st.Requests == 0 || line.Status().Packets == 0 {
		t.Errorf("asked %d, answered %d, %+v", asked, answered, st)
	}
}

func TestHeartbeatsWhenIdleAndTheNumberTheyName(t *testing.T) {
	day := session(t, "DAY0001")
	store := storeOf(5)
	conn, address := listen(t)
	line, err := NewPublisher(store, PublisherConfig{Session: day, Destinations: []netip.AddrPort{address}, Heartbeat: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	read := func() Packet {
		t.Helper()
		buf := make([]byte, 2048)
		conn.SetReadDeadline(time.Now().Add(patience))
		n, _, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse(buf[:n])
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for range 3 {
		if p := read(); p.Count != 0 || p.Number != 6 || p.End {
			t.Fatalf("heartbeat: %+v", p)
		}
	}
	store.Append(6, messageOf(6))
	store.Publish()
	for p := read(); p.Count != 1 || p.Number != 6; p = read() {
		if p.Count != 0 || p.Number != 6 {
			t.Fatalf("before the message: %+v", p)
		}
	}
	line.EndSession()
	line.Close()
	for p := read(); !p.End; p = read() {
		if p.Count != 0 {
			t.Fatalf("before the end: %+v", p)
		}
	}
}

// TestWhatIsPublishedWakesTheLine: without a heartbeat nothing but the store's wake-up can send it.
func TestWhatIsPublishedWakesTheLine(t *testing.T) {
	day, store := session(t, "DAY0001"), storeOf(0)
	conn, address := listen(t)
	// As net.UDPAddr gives it: an IPv4 address in IPv6's clothes.
	address = netip.AddrPortFrom(netip.AddrFrom16(address.Addr().As16()), address.Port())
	line, err := NewPublisher(store, PublisherConfig{Session: day, Destinations: []netip.AddrPort{address}, Heartbeat: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	buf := make([]byte, 2048)
	for next := uint64(1); next < 200; next++ {
		store.Append(next, messageOf(next))
		store.Publish()
		conn.SetReadDeadline(time.Now().Add(patience))
		n, _, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatalf("message %d: %v", next, err)
		}
		if p, err := Parse(buf[:n]); err != nil || p.Number != next || p.Count != 1 {
			t.Fatalf("message %d: %+v, %v", next, p, err)
		}
	}
}

// TestTheWriterSendsWhatIsLittle: up to expressMessages leave before Publish returns, in as many packets as they take, and nobody is woken for them; more are
// the line's goroutine's. Each is sent once.
func TestTheWriterSendsWhatIsLittle(t *testing.T) {
	day, store := session(t, "DAY0001"), feed.NewStore(1<<20)
	raised := 0
	store.PassOn(func() { raised++; store.Wake() })
	conn, address := listen(t)
	line, err := NewPublisher(store, PublisherConfig{Session: day, Destinations: []netip.AddrPort{address}, From: 1, MaxPacket: 300, Heartbeat: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	next := uint64(1)
	publish := func(n int) {
		for range n {
			store.Append(next, messageOf(next))
			next++
		}
		store.Publish()
	}
	for end, inTurn := time.Now().Add(patience), 0; inTurn < 20; { // until the goroutine waits for news, which it then goes on doing
		if publish(1); line.Status().Next == next {
			inTurn++
		} else {
			inTurn = 0
		}
		if time.Sleep(time.Millisecond); time.Now().After(end) {
			t.Fatalf("the writer sends nothing: %+v", line.Status())
		}
	}
	before, raisedBefore := line.Status().Packets, raised
	if publish(expressMessages); line.Status().Next != next || raised != raisedBefore {
		t.Errorf("%d messages published, sent up to %d when Publish returned; woken %d times", next-1, line.Status().Next-1, raised-raisedBefore)
	}
	if packets := line.Status().Packets - before; packets < 2 {
		t.Errorf("%d messages took %d packets of 300 bytes", expressMessages, packets)
	}
	if publish(expressMessages + 1); raised != raisedBefore+1 {
		t.Errorf("woken %d times for %d messages", raised-raisedBefore, expressMessages+1)
	}
	buf := make([]byte, 2048)
	for want := uint64(1); want < next; {
		conn.SetReadDeadline(time.Now().Add(patience))
		n, _, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatalf("message %d: %v", want, err)
		}
		p, err := Parse(buf[:n])
		if err != nil || p.Number != want {
			t.Fatalf("message %d: %+v, %v", want, p, err)
		}
		want += uint64(p.Count)
	}
}

// TestMulticastOnThisHost: sent to a group, heard by a member. Where the system has no multicast route, that a publisher says so is
// what is tested.
func TestMulticastOnThisHost(t *testing.T) {
	day := session(t, "DAY0001")
	group := net.UDPAddr{IP: net.IPv4(239, 255, 77, 77)}
	loopback, err := net.InterfaceByName("lo")
	if err != nil {
		loopback = nil
	}
	conn, err := net.ListenMulticastUDP("udp4", loopback, &group)
	if err != nil {
		t.Logf("no group can be joined here: %v", err)
		return
	}
	defer conn.Close()
	to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{239, 255, 77, 77}), conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	name := ""
	if loopback != nil {
		name = loopback.Name
	}
	line, err := NewPublisher(storeOf(3), PublisherConfig{Session: day, Destinations: []netip.AddrPort{to}, Interface: name, From: 1, Heartbeat: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	buf := make([]byte, 2048)
	for deadline := time.Now().Add(patience); ; {
		conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		n, _, err := conn.ReadFromUDPAddrPort(buf)
		switch {
		case err == nil:
			p, err := Parse(buf[:n])
			if err != nil || p.Session != day {
				t.Fatalf("%+v, %v", p, err)
			}
			return
		case line.Status().SendErrors > 0:
			t.Logf("no multicast here, and the line counts it: %+v", line.Status())
			return
		case time.Now().After(deadline):
			t.Fatalf("nothing was heard: %+v", line.Status())
		}
	}
}

// TestALineTellsNoMoreThanItSent: who begins a line again where Status says leaves no hole, whenever the line was killed.
func TestALineTellsNoMoreThanItSent(t *testing.T) {
	const messages = 20_000 // some bursts, with pauses between them
	store := feed.NewStore(1 << 30)
	for n := uint64(1); n <= messages; n++ {
		store.Append(n, messageOf(n))
	}
	store.Publish()
	_, address := listen(t)
	line, err := NewPublisher(store, PublisherConfig{Session: session(t, "DAY0001"), Destinations: []netip.AddrPort{address}, From: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	for next := uint64(0); next <= messages; {
		line.sending.Lock() // between two packets
		sent := line.reader.Number()
		next = line.Status().Next
		line.sending.Unlock()
		if next > sent {
			t.Fatalf("what is below %d was sent, and the line says %d", sent, next)
		}
		runtime.Gosched()
	}
}
