//go:build linux

package moldudp64

import (
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"exchange/marketdata/feed"
)

// continuous reads packets until one has a message from `until` on; they must have every message from `from` on, at the latest, and no hole.
func continuous(t *testing.T, conn *net.UDPConn, from, until uint64) {
	t.Helper()
	buf, next := make([]byte, 2048), uint64(0)
	for next <= until {
		conn.SetReadDeadline(time.Now().Add(patience))
		n, _, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatalf("after message %d of %d: %v", next, until, err)
		}
		p, err := Parse(buf[:n])
		switch {
		case err != nil:
			t.Fatal(err)
		case p.Count == 0:
			continue
		case next == 0 && p.Number > from, next != 0 && p.Number != next:
			t.Fatalf("a packet begins with message %d; the port was open from %d on, and the next one is %d", p.Number, from, next)
		}
		next = p.Number + uint64(p.Count)
	}
}

// unheardLine is a line, and the address of its receiver, who is not there.
func unheardLine(t *testing.T, store *feed.Store) (*Publisher, netip.AddrPort) {
	t.Helper()
	conn, address := listen(t)
	conn.Close()
	line, err := NewPublisher(store, PublisherConfig{Session: session(t, "DAY0001"), Destinations: []netip.AddrPort{address}, From: 1, Heartbeat: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(line.Close)
	return line, address
}

// TestALineThatNobodyHearsIsPassedOver: of a stream of messages to a port that nobody has open few packets are sent, and hardly anybody is woken for them. Who
// opens the port gets, again and again, each message that is published from then on.
func TestALineThatNobodyHearsIsPassedOver(t *testing.T) {
	store := feed.NewStore(1 << 30)
	raised := 0
	store.PassOn(func() { raised++; store.Wake() })
	line, address := unheardLine(t, store)
	const messages = 20_000
	start := time.Now()
	for n := uint64(1); n <= messages; n++ {
		store.Append(n, messageOf(n))
		store.Publish()
	}
	for end := time.Now().Add(patience); line.Status().Next <= messages; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the line stands: %+v", line.Status())
		}
	}
	pauses := uint64(time.Since(start)/unheardPause) + 1
	if st := line.Status(); st.Unheard == 0 || st.SendErrors != 0 || st.Packets > 2*pauses+2 || uint64(raised) > pauses+1 {
		t.Errorf("woken %d times in %d pauses: %+v", raised, pauses, st)
	}

	var writing sync.WaitGroup
	stop := make(chan struct{})
	writing.Go(func() {
		for n := uint64(messages + 1); ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Microsecond):
				store.Append(n, messageOf(n))
				store.Publish()
			}
		}
	})
	defer writing.Wait()
	defer close(stop)
	for range 30 {
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(address))
		if err != nil {
			t.Fatal(err)
		}
		from := store.Next()
		continuous(t, conn, from, from+50)
		conn.Close()
		silent := line.Status().Unheard
		for end := time.Now().Add(patience); line.Status().Unheard == silent; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("nobody listens, and the line goes on: %+v", line.Status())
			}
		}
	}
}

// TestWhatIsPublishedWhileNobodyHearsWaits: the last messages before a receiver opened its port may be in the pause, and nothing comes behind them: those
// published since then are sent all the same.
func TestWhatIsPublishedWhileNobodyHearsWaits(t *testing.T) {
	store := feed.NewStore(1 << 20)
	_, address := unheardLine(t, store)
	next := uint64(1)
	publish := func() {
		store.Append(next, messageOf(next))
		store.Publish()
		next++
	}
	for range 20 {
		publish()
		publish()
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(address))
		if err != nil {
			t.Fatal(err)
		}
		publish()
		continuous(t, conn, next-1, next-1)
		conn.Close()
	}
}

// TestAReceiverThatComesBack: the packet behind one that nobody heard is refused for that one, and is sent all the same: to a receiver that is back by then.
func TestAReceiverThatComesBack(t *testing.T) {
	day, store := session(t, "DAY0001"), feed.NewStore(1<<20)
	conn, address := listen(t)
	line, err := NewPublisher(store, PublisherConfig{Session: day, Destinations: []netip.AddrPort{address}, From: 1, Heartbeat: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	next := uint64(1)
	publish := func(n int) (first uint64) {
		for first = next; next < first+uint64(n); next++ {
			store.Append(next, messageOf(next))
		}
		store.Publish()
		return first
	}
	for range 20 {
		first := publish(1)
		continuous(t, conn, first, first)
		conn.Close()
		publish(1)
		for end := time.Now().Add(patience); line.Status().Next < next && time.Now().Before(end); {
			runtime.Gosched()
		}
		if conn, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(address)); err != nil {
			t.Fatal(err)
		}
		first = publish(expressMessages + 1) // by the line's goroutine
		continuous(t, conn, first, next-1)
	}
	conn.Close()
}

// TestOneReceiverIsEnough: a line with several receivers goes on as long as one of them hears.
func TestOneReceiverIsEnough(t *testing.T) {
	day, store := session(t, "DAY0001"), feed.NewStore(1<<20)
	gone, closed := listen(t)
	gone.Close()
	conn, address := listen(t)
	line, err := NewPublisher(store, PublisherConfig{Session: day, Destinations: []netip.AddrPort{closed, address}, From: 1, Heartbeat: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	for n := uint64(1); n <= 100; n++ {
		store.Append(n, messageOf(n))
		store.Publish()
	}
	continuous(t, conn, 1, 100)
	if st := line.Status(); st.Unheard != 0 {
		t.Errorf("%+v", st)
	}
}

// TestWhatIsPublishedDuringAnAttemptIsKept: only what was there before the packet left is passed over; whoever opens the port while it is under way hears the rest.
func TestWhatIsPublishedDuringAnAttemptIsKept(t *testing.T) {
	store := storeOf(10)
	conn, address := listen(t)
	conn.Close()
	config := PublisherConfig{Session: session(t, "DAY0001"), Destinations: []netip.AddrPort{address}}
	sender, err := openSender(&config)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.close()
	p := &Publisher{config: config, store: store, sender: sender, reader: store.NewReader(3)}
	p.next.Store(3)
	before := store.Next()
	p.sender.send([]byte("a packet"))
	store.Append(11, messageOf(11))
	store.Publish()
	if p.told(before); p.reader.Number() != 11 || p.Status().Next != 11 || p.Status().Unheard != 8 || p.pause() == 0 {
		t.Errorf("it goes on with message %d: %+v", p.reader.Number(), p.Status())
	}
}
