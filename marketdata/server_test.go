package marketdata

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"exchange/marketdata/feed"
	"exchange/ouch/soupbin"
)

// patience bounds how long a test waits for what has to come; nothing is measured by it.
const patience = 20 * time.Second

func numbered(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func appendTo(s *feed.Store, upTo uint64) {
	for n := s.Next(); n <= upTo; n++ {
		s.Append(n, numbered(n))
	}
	s.Publish()
}

// serve starts a server of the store on a port of the loopback.
func serve(t *testing.T, store *feed.Store, config ServerConfig) (*Server, string) {
	t.Helper()
	s, err := NewServer(store, config)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; !errors.Is(err, ErrServerClosed) {
			t.Errorf("Serve ended with %v", err)
		}
	})
	day, err := soupbin.MakeSession("DAY0001")
	if err != nil {
		t.Fatal(err)
	}
	s.SetSession(day)
	return s, l.Addr().String()
}

// dialed is a client with its socket.
type dialed struct {
	t    *testing.T
	conn net.Conn
	core *soupbin.Client
	in   []byte
}

func dial(t *testing.T, address string, core *soupbin.Client, username string) *dialed {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.Write(core.Login(nil, username, "secret", 0)); err != nil {
		t.Fatal(err)
	}
	return &dialed{t: t, conn: conn, core: core}
}

// next gives the next event that is one.
func (d *dialed) next() (soupbin.ClientEvent, error) {
	d.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		e, n, err := d.core.Receive(d.in, 0)
		d.in = d.in[n:]
		switch {
		case err != nil:
			return e, err
		case e.Kind != soupbin.NothingFromServer:
			return e, nil
		case n > 0:
			continue
		}
		var buf [4096]byte
		got, err := d.conn.Read(buf[:])
		d.in = append(d.in, buf[:got]...)
		if got == 0 && err != nil {
			return e, err
		}
	}
}

func (d *dialed) want(kind soupbin.ClientEventKind) soupbin.ClientEvent {
	d.t.Helper()
	e, err := d.next()
	if err != nil || e.Kind != kind {
		d.t.Fatalf("event %+v, %v; want kind %d", e, err, kind)
	}
	return e
}

func (d *dialed) wantMessages(from, to uint64) {
	d.t.Helper()
	for n := from; n <= to; n++ {
		if e := d.want(soupbin.SequencedData); e.Number != n || binary.BigEndian.Uint64(e.Message) != n {
			d.t.Fatalf("message %d: %+v", n, e)
		}
	}
}

func TestFromAnyNumberAndOnwards(t *testing.T) {
	store := feed.NewStore(1 << 30)
	appendTo(store, 50_000)
	_, address := serve(t, store, ServerConfig{})
	for _, from := range []uint64{1, 2, 777, 32768, 32769, 50_000, 50_001} {
		core := soupbin.MakeClient(soupbin.Session{}, from)
		d := dial(t, address, &core, "anyone")
		if e := d.want(soupbin.LoginWasAccepted); e.Number != from || e.Session.String() != "DAY0001" {
			t.Fatalf("from %d: %+v", from, e)
		}
		d.wantMessages(from, store.Next()-1)
		appendTo(store, store.Next()+9)
		d.wantMessages(store.Next()-10, store.Next()-1)
		d.conn.Close()
	}
}

// TestWhatIsPublishedWakesTheConnections: without a tick nothing but the store's wake-up can send it.
func TestWhatIsPublishedWakesTheConnections(t *testing.T) {
	store := feed.NewStore(0)
	s, err := NewServer(store, ServerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.tick = time.Hour
	day, _ := soupbin.MakeSession("DAY0001")
	s.SetSession(day)
	ours, theirs := net.Pipe()
	s.take(theirs)
	var c *connection
	for c = range s.connections {
	}
	core := soupbin.MakeClient(soupbin.Session{}, 1)
	// A byte at a time: a packet may come in pieces.
	for _, b := range core.Login(nil, "anyone", "secret", 0) {
		if _, err := ours.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	d := &dialed{t: t, conn: ours, core: &core}
	d.want(soupbin.LoginWasAccepted)
	for n := uint64(1); n < 5000; n += 1 + n%3 {
		// Only a connection that waits is woken: let it come to that.
		for deadline := time.Now().Add(patience); !c.armed.Load(); runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatal("the connection does not wait for messages")
			}
		}
		appendTo(store, n)
		for core.NextNumber() <= n {
			d.want(soupbin.SequencedData)
		}
	}
}

func TestAStreamOverCutConnections(t *testing.T) {
	store := feed.NewStore(1 << 30)
	appendTo(store, 1000)
	_, address := serve(t, store, ServerConfig{})
	core := soupbin.MakeClient(soupbin.Session{}, 1)
	want := uint64(1)
	for cut := uint64(1); want < 20_000; cut++ {
		d := dial(t, address, &core, "anyone")
		d.want(soupbin.LoginWasAccepted)
		stretch := 1 + cut*613%3000
		appendTo(store, want+stretch+20)
		d.wantMessages(want, want+stretch-1)
		want += stretch
		d.conn.Close() // with more under way
	}
}

func TestLoginsThatAreRefused(t *testing.T) {
	store := feed.NewStore(2 * feed.ChunkSize)
	appendTo(store, 120_000)
	if store.First() == 1 {
		t.Fatal("nothing was dropped; the test is broken")
	}
	server, address := serve(t, store, ServerConfig{Username: "alice", Password: "secret"})
	other, _ := soupbin.MakeSession("OTHER")
	for _, c := range []struct {
		name    string
		core    soupbin.Client
		user    string
		reason  soupbin.Reason
		prepare func()
	}{
		{"wrong user", soupbin.MakeClient(soupbin.Session{}, store.First()), "bob", soupbin.NotAuthorized, nil},
		{"another session", soupbin.MakeClient(other, store.First()), "alice", soupbin.SessionNotAvailable, nil},
		{"no longer kept", soupbin.MakeClient(soupbin.Session{}, store.First()-1), "alice", soupbin.SessionNotAvailable, nil},
		{"ahead of the feed", soupbin.MakeClient(soupbin.Session{}, store.Next()+1), "alice", soupbin.SessionNotAvailable, nil},
		{"no session yet", soupbin.MakeClient(soupbin.Session{}, store.First()), "alice", soupbin.SessionNotAvailable, func() { server.session.Store(nil) }},
	} {
		if c.prepare != nil {
			c.prepare()
		}
		d := dial(t, address, &c.core, c.user)
		if e := d.want(soupbin.LoginWasRejected); e.Reason != c.reason {
			t.Errorf("%s: %v", c.name, e.Reason)
		}
		if _, err := d.next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: after the reject: %v", c.name, err)
		}
	}
}

func TestTheEndOfTheSession(t *testing.T) {
	store := feed.NewStore(0)
	server, address := serve(t, store, ServerConfig{})
	core := soupbin.MakeClient(soupbin.Session{}, 1)
	d := dial(t, address, &core, "anyone")
	d.want(soupbin.LoginWasAccepted)
	appendTo(store, 5000)
	server.EndSession()
	d.wantMessages(1, 5000)
	d.want(soupbin.SessionEnded)
	if _, err := d.next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
	// One that was cut before it had everything gets the rest, and hears of the end too; one that has everything hears of the end alone.
	for _, from := range []uint64{4990, 5001} {
		late := soupbin.MakeClient(soupbin.Session{}, from)
		d := dial(t, address, &late, "anyone")
		d.want(soupbin.LoginWasAccepted)
		if from <= 5000 {
			d.wantMessages(from, 5000)
		}
		d.want(soupbin.SessionEnded)
	}
}

// ended gives the reasons that connections ended with, in order.
func ended(config *ServerConfig) chan error {
	why := make(chan error, 64)
	config.Closed = func(_ net.Addr, err error) { why <- err }
	return why
}

func wantEnd(t *testing.T, why chan error, want error) {
	t.Helper()
	select {
	case err := <-why:
		if !errors.Is(err, want) {
			t.Errorf("the connection ended with %v, want %v", err, want)
		}
	case <-time.After(patience):
		t.Fatalf("the connection did not end; want %v", want)
	}
}

func TestAClientThatTakesNothingIsCut(t *testing.T) {
	store := feed.NewStore(1 << 30)
	config := ServerConfig{WriteTimeout: 50 * time.Millisecond}
	why := ended(&config)
	_, address := serve(t, store, config)
	slow, fast := soupbin.MakeClient(soupbin.Session{}, 1), soupbin.MakeClient(soupbin.Session{}, 1)
	dial(t, address, &slow, "slow").want(soupbin.LoginWasAccepted)
	for range 12 {
		for range 20 { // some 12 MB in all: more than the sockets take
			big := make([]byte, feed.MaxMessage)
			for range 50 {
				store.Append(store.Next(), big)
				store.Publish()
			}
		}
	}
	wantEnd(t, why, os.ErrDeadlineExceeded)
	_, patient := serve(t, store, ServerConfig{WriteTimeout: patience})
	d := dial(t, patient, &fast, "fast")
	d.want(soupbin.LoginWasAccepted)
	for n := uint64(1); n < store.Next(); n++ {
		if e := d.want(soupbin.SequencedData); e.Number != n {
			t.Fatalf("message %d came where %d is next", e.Number, n)
		}
	}
}

// wantWord reads to the end: the last packet tells why.
func (d *dialed) wantWord(text string) {
	d.t.Helper()
	d.conn.SetReadDeadline(time.Now().Add(patience))
	rest, err := io.ReadAll(d.conn)
	if err != nil {
		d.t.Fatal(err)
	}
	var last soupbin.Packet
	for in := append(d.in, rest...); len(in) > 0; {
		p, n, err := soupbin.Next(in, soupbin.MaxPayload)
		if err != nil || n == 0 {
			d.t.Fatalf("%d bytes at the end are no packet: %v", len(in), err)
		}
		last, in = p, in[n:]
	}
	if last.Type != soupbin.Debug || !strings.Contains(string(last.Payload), text) {
		d.t.Errorf("the last packet is %q %q, want a word about %q", last.Type, last.Payload, text)
	}
}

// A client reads so slowly that what it needs next is dropped: it is told so, behind what it got in sequence.
func TestAClientThatIsTooSlowIsToldSo(t *testing.T) {
	store := feed.NewStore(2 * feed.ChunkSize)
	appendTo(store, 10)
	config := ServerConfig{}
	why := ended(&config)
	_, address := serve(t, store, config)
	core := soupbin.MakeClient(soupbin.Session{}, 1)
	d := dial(t, address, &core, "slow")
	d.want(soupbin.LoginWasAccepted)
	for big := make([]byte, feed.MaxMessage); store.First() < 60_000; { // far more than the sockets take
		store.Append(store.Next(), big)
		store.Publish()
	}
	d.wantWord(ErrTooSlow.Error())
	wantEnd(t, why, ErrTooSlow)
}

func TestNonsenseAndTooManyConnections(t *testing.T) {
	store := feed.NewStore(0)
	config := ServerConfig{MaxConnections: 1}
	why := ended(&config)
	server, address := serve(t, store, config)
	core := soupbin.MakeClient(soupbin.Session{}, 1)
	d := dial(t, address, &core, "first")
	d.want(soupbin.LoginWasAccepted)
	if server.Connections() != 1 {
		t.Errorf("%d connections", server.Connections())
	}
	if _, err := net.Dial("tcp", address); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, why, ErrTooManyConnections)
	d.conn.Write([]byte("\xff\xffU"))
	wantEnd(t, why, soupbin.ErrTooLong)
	d.wantWord("longer than this end takes")

	other := soupbin.MakeClient(soupbin.Session{}, 1)
	d = dial(t, address, &other, "second")
	d.want(soupbin.LoginWasAccepted)
	d.conn.Write(other.Logout(nil, 0))
	wantEnd(t, why, ErrLoggedOut)
}
