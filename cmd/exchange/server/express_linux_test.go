package server

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"exchange/book"
)

// The loop answers a client that does not read until its socket takes no more; the writer sends the rest, and what comes after: nothing is lost, doubled or torn.
func TestShortWayToASlowReader(t *testing.T) {
	v := openFIXVenue(t, nil, func(*Config) {})
	small := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) { // before it connects: a window once offered is not taken back
		_ = raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 16<<10) })
		return err
	}}
	socket, err := small.Dial("tcp", v.r.gateway.listeners[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	c := &fixCaller{t: t, conn: socket, sender: "CLIENT1", seq: 1}
	c.send("A", fixLogon)
	c.expect("35=A", "34=1")
	var server *conn
	for i := range v.r.gateway.live {
		if l := v.r.gateway.live[i].Load(); l != nil {
			server = l
		}
	}
	if err := server.socket.(*net.TCPConn).SetWriteBuffer(4096); err != nil {
		t.Fatal(err)
	}
	const orders = 4000
	short, sent := 0, 0
	order := func() {
		c.send("D", fmt.Sprintf("11=O%d|21=1|55=ABC|54=1|60=<now>|38=10|40=2|44=99.00|", sent))
		sent++
	}
	for {
		if order(); sent == orders {
			t.Fatal("the client held nobody up")
		}
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Microsecond) {
			if last, _ := v.r.outbox.reports.last(server.session); last == uint64(sent)+1 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("order %d is not answered", sent)
			}
		}
		if !server.short.writing.TryLock() {
			time.Sleep(20 * time.Millisecond)
			if !server.short.writing.TryLock() {
				break // the writer waits for the client
			}
		}
		if len(server.awake) == 0 && server.cursor == uint64(sent)+1 {
			short++
		}
		server.short.writing.Unlock()
	}
	for range 50 {
		order()
	}
	t.Logf("%d of %d reports were on their way at once", short, sent)
	for n := range sent {
		c.expect("35=8", fmt.Sprintf("34=%d", 2+n), fmt.Sprintf("11=O%d", n), "39=0")
	}
	c.send("1", "112=all|")
	c.expect("35=0", "112=all")
}

// connected gives both ends of a connection.
func connected(t *testing.T) (client, socket net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if socket, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return client, socket
}

// While the loop listens the reader is told of nothing less than unheardUntil bytes; when it stops, of what waits.
func TestHushedReader(t *testing.T) {
	client, socket := connected(t)
	var x express
	x.open(socket)
	// told sends so many bytes, waits until all that was sent so far is there, and tells whether the system says that there is something to read.
	sent, buf := 0, make([]byte, 4*unheardUntil)
	told := func(n int) (told bool) {
		t.Helper()
		if _, err := client.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		sent += n
		var err error
		if failed := x.raw.Control(func(fd uintptr) {
			for there := 0; there < sent; {
				there, _ = recv(fd, buf, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			}
			polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			_, err = unix.Poll(polled, 0)
			told = polled[0].Revents&unix.POLLIN != 0
		}); failed != nil || err != nil {
			t.Fatal(failed, err)
		}
		return told
	}
	if !told(1) {
		t.Error("the reader is not told of the first byte")
	}
	x.hush(true)
	if told(100) {
		t.Error("the reader is told though the loop listens")
	}
	if !told(unheardUntil) {
		t.Error("the reader is not told of so much")
	}
	x.hush(false)
	if !told(0) {
		t.Error("the reader is not told of what waits")
	}
}

// What the loop hears comes behind what the reader has put into the inbox, also if that was after the loop looked there.
func TestHeardBehindTheInbox(t *testing.T) {
	client, socket := connected(t)
	var x express
	x.open(socket)
	if _, err := client.Write([]byte("order")); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	before := newInbox(8, func() {})
	for there := 0; there < len("order"); {
		_ = x.raw.Control(func(fd uintptr) { there, _ = recv(fd, make([]byte, 8), syscall.MSG_PEEK|syscall.MSG_DONTWAIT) })
	}
	before.put(&book.Command{Kind: book.Tick})
	if x.listen(&mu, before) {
		t.Fatal("the loop may read before the inbox is empty")
	}
	var tick book.Command
	if !before.take(&tick) {
		t.Fatal("the inbox is empty")
	}
	if !x.listen(&mu, before) || mu.TryLock() || x.reading.TryLock() {
		t.Fatal("the loop may not read, or others may too")
	}
	if b := x.hear(3); string(b) != "ord" {
		t.Fatalf("heard %q", b)
	}
	if b := x.hear(100); string(b) != "er" {
		t.Fatalf("heard %q then", b)
	}
	if b := x.hear(100); len(b) > 0 {
		t.Fatalf("heard %q where nothing is", b)
	}
	mu.Unlock()
	if x.took(); !x.reading.TryLock() {
		t.Fatal("the reader may not read")
	}
}

// The reader and the loop take turns at what a client sends, in whatever pieces it comes: each order is entered once, in order, and some of it is the loop's.
func TestShortWayIn(t *testing.T) {
	v := openFIXVenue(t, nil, func(*Config) {})
	c := v.call("CLIENT1", nil)
	c.send("A", fixLogon)
	c.expect("35=A", "34=1")
	const orders = 3000
	stream := &pieces{to: c.conn, r: rand.New(rand.NewPCG(1, 1))}
	sender := &fixCaller{t: t, conn: stream, sender: "CLIENT1", seq: c.seq}
	go func() {
		for n := range orders {
			sender.send("D", fmt.Sprintf("11=O%d|21=1|55=ABC|54=1|60=<now>|38=10|40=2|44=99.00|", n))
		}
		sender.send("1", "112=all|")
	}()
	for n := range orders {
		c.expect("35=8", fmt.Sprintf("34=%d", 2+n), fmt.Sprintf("11=O%d", n), "39=0")
	}
	c.expect("35=0", "112=all")
	if heard := v.heard.Load(); heard < orders/100 || heard > orders*99/100 {
		t.Errorf("the loop heard %d of %d orders itself: both were to be at work", heard, orders)
	} else {
		t.Logf("the loop heard %d of %d orders itself", heard, orders)
	}
}

// pieces is a connection whose writes are cut and joined by chance, with pauses.
type pieces struct {
	net.Conn
	to   net.Conn
	r    *rand.Rand
	kept []byte
}

func (p *pieces) Write(b []byte) (int, error) {
	for p.kept = append(p.kept, b...); len(p.kept) > 0; {
		n := len(p.kept)
		switch p.r.IntN(8) {
		case 0:
			if n < 3000 && !bytes.Contains(b, []byte("35=1")) {
				return len(b), nil // with the next
			}
		case 1, 2:
			n = 1 + p.r.IntN(n)
		case 3:
			time.Sleep(time.Duration(p.r.IntN(300)) * time.Microsecond)
		}
		if _, err := p.to.Write(p.kept[:n]); err != nil {
			return 0, err
		}
		p.kept = p.kept[n:]
	}
	return len(b), nil
}
