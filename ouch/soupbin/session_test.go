package soupbin

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"
)

const second = int64(time.Second)

// link is a server and a client with the bytes between them.
type link struct {
	t        *testing.T
	server   Server
	client   *Client
	toServer []byte
	toClient []byte
	got      []string
}

func newLink(t *testing.T, c *Client) *link {
	l := &link{t: t, server: MakeServer(0), client: c}
	l.toServer = c.Login(nil, "alice", "secret", 0)
	return l
}

// fromClient gives the next event of the client's that is one.
func (l *link) fromClient(now int64) (ServerEvent, error) {
	for {
		e, n, err := l.server.Receive(l.toServer, now)
		l.toServer = l.toServer[n:]
		if n == 0 || err != nil || e.Kind != NothingFromClient {
			return e, err
		}
	}
}

// fromServer takes everything the server sent; messages go to got.
func (l *link) fromServer(now int64) (last ClientEvent, err error) {
	for {
		e, n, err := l.client.Receive(l.toClient, now)
		l.toClient = l.toClient[n:]
		if n == 0 || err != nil {
			return last, err
		}
		if e.Kind == SequencedData {
			l.got = append(l.got, fmt.Sprintf("%d:%s", e.Number, e.Message))
		}
		if e.Kind != NothingFromServer {
			last = e
		}
	}
}

func (l *link) login(active Session, first, next uint64) ClientEvent {
	l.t.Helper()
	e, err := l.fromClient(0)
	if err != nil || e.Kind != LoginRequested || !e.Login.Is("alice", "secret") {
		l.t.Fatalf("login: %+v, %v", e, err)
	}
	if number, ok := e.Login.Decide(active, first, next); ok {
		l.toClient = l.server.Accept(l.toClient, active, number, 0)
	} else {
		l.toClient = l.server.Reject(l.toClient, SessionNotAvailable, 0)
	}
	got, err := l.fromServer(0)
	if err != nil {
		l.t.Fatal(err)
	}
	return got
}

func TestAStreamGoesOnOverConnections(t *testing.T) {
	day := session(t, "DAY0001")
	c := MakeClient(Session{}, 1)
	var all []string
	for connection := range 4 {
		l := newLink(t, &c)
		if e := l.login(day, 1, 100); e.Kind != LoginWasAccepted || e.Number != uint64(1+3*connection) || e.Session != day {
			t.Fatalf("connection %d: %+v", connection, e)
		}
		for range 3 {
			l.toClient = l.server.AppendSequenced(l.toClient, []byte{byte('a' + l.server.NextNumber())}, 0)
		}
		// A fourth message is cut off with the connection.
		whole := len(l.toClient)
		l.toClient = l.server.AppendSequenced(l.toClient, []byte("lost"), 0)[:whole+5]
		if _, err := l.fromServer(0); err != nil {
			t.Fatal(err)
		}
		all = append(all, l.got...)
	}
	want := ""
	for n := 1; n <= 12; n++ {
		want += fmt.Sprintf("%d:%c ", n, 'a'+n)
	}
	got := ""
	for _, m := range all {
		got += m + " "
	}
	if got != want {
		t.Errorf("delivered %s\nwant %s", got, want)
	}
}

func TestTheRulesOfSessionAndNumber(t *testing.T) {
	day, other := session(t, "DAY0001"), session(t, "DAY0002")
	for _, c := range []struct {
		login       Login
		first, next uint64
		number      uint64
		ok          bool
	}{
		{Login{Number: 1}, 1, 10, 1, true},
		{Login{Number: 0}, 1, 10, 10, true},
		{Login{Number: 10}, 1, 10, 10, true},
		{Login{Number: 11}, 1, 10, 0, false}, // ahead of us
		{Login{Number: 4}, 5, 10, 0, false},  // no longer kept
		{Login{Number: 5}, 5, 10, 5, true},
		{Login{Number: 1, Session: day}, 1, 10, 1, true},
		{Login{Number: 1, Session: other}, 1, 10, 0, false},
		{Login{Number: 0, Session: other}, 1, 10, 0, false},
	} {
		number, ok := c.login.Decide(day, c.first, c.next)
		if ok != c.ok || ok && number != c.number {
			t.Errorf("session %q number %d with %d to %d: %d, %v", c.login.Session, c.login.Number, c.first, c.next, number, ok)
		}
	}
}

func TestARejectedLogin(t *testing.T) {
	c := MakeClient(Session{}, 50)
	l := newLink(t, &c)
	if e := l.login(session(t, "DAY0001"), 1, 10); e.Kind != LoginWasRejected || e.Reason != SessionNotAvailable || c.LoggedIn() || l.server.LoggedIn() {
		t.Errorf("%+v", e)
	}
	if c.NextNumber() != 50 {
		t.Errorf("the place in the stream is lost: %d", c.NextNumber())
	}
}

func TestOnlyWhatIsNew(t *testing.T) {
	c := MakeClient(Session{}, 0)
	l := newLink(t, &c)
	l.login(session(t, "DAY0001"), 1, 10)
	l.toClient = l.server.AppendSequenced(nil, []byte("x"), 0)
	l.fromServer(0)
	if len(l.got) != 1 || l.got[0] != "10:x" || c.NextNumber() != 11 {
		t.Errorf("%v, next %d", l.got, c.NextNumber())
	}
}

func TestAServerThatBeginsElsewhere(t *testing.T) {
	day := session(t, "DAY0001")
	c := MakeClient(day, 5)
	l := newLink(t, &c)
	l.fromClient(0)
	l.toClient = l.server.Accept(nil, day, 3, 0) // earlier: what is known is skipped
	for i := range 4 {
		l.toClient = l.server.AppendSequenced(l.toClient, []byte{byte('3' + i)}, 0)
	}
	if _, err := l.fromServer(0); err != nil || fmt.Sprint(l.got) != "[5:5 6:6]" {
		t.Errorf("%v, %v", l.got, err)
	}
	l = newLink(t, &c)
	l.fromClient(0)
	l.toClient = l.server.Accept(nil, day, 9, 0) // later: a gap
	var gap *GapError
	if _, err := l.fromServer(0); !errors.As(err, &gap) || gap.Wanted != 7 || gap.Offers != 9 {
		t.Errorf("a gap: %v", err)
	}
	l = newLink(t, &c)
	l.fromClient(0)
	l.toClient = l.server.Accept(nil, session(t, "DAY0002"), 7, 0)
	if _, err := l.fromServer(0); !errors.Is(err, ErrPacket) {
		t.Errorf("another session: %v", err)
	}
}

func TestHeartbeatsAndDeadLinks(t *testing.T) {
	c := MakeClient(Session{}, 1)
	l := newLink(t, &c)
	l.login(session(t, "DAY0001"), 1, 10)
	for now := second / 4; now <= 40*second; now += second / 4 {
		var err error
		before := len(l.toClient)
		if l.toClient, err = l.server.Tick(l.toClient, now); err != nil {
			t.Fatal(err)
		}
		if beat := len(l.toClient) > before; beat != (now%second == 0) {
			t.Fatalf("at %v: server heartbeat %v", time.Duration(now), beat)
		}
		if l.toServer, err = c.Tick(l.toServer, now); err != nil {
			t.Fatal(err)
		}
		l.fromClient(now)
		l.fromServer(now)
	}
	// Data put the next heartbeat off.
	l.server.AppendSequenced(nil, nil, 40*second+second/2)
	if b, _ := l.server.Tick(nil, 41*second); len(b) != 0 {
		t.Error("heartbeat half a second after data")
	}
	if _, err := l.server.Tick(nil, 55*second-1); err != nil {
		t.Errorf("before 15 s: %v", err)
	}
	if _, err := l.server.Tick(nil, 55*second); !errors.Is(err, ErrDead) {
		t.Errorf("after 15 s: %v", err)
	}
	if _, err := c.Tick(nil, 55*second); !errors.Is(err, ErrDead) {
		t.Errorf("client after 15 s: %v", err)
	}
	silent := MakeServer(0)
	if _, err := silent.Tick(nil, 30*second-1); err != nil {
		t.Error(err)
	}
	if _, err := silent.Tick(nil, 30*second); !errors.Is(err, ErrNoLogin) {
		t.Errorf("no login: %v", err)
	}
}

func TestWhatAClientMayNotDo(t *testing.T) {
	login := string(alicePacket(t))
	for name, bytes := range map[string]string{
		"data before login":  "\x00\x02Ux",
		"a second login":     login + login,
		"a server's packet":  "\x00\x02Sx",
		"an unknown packet":  "\x00\x01?",
		"a login too short":  "\x00\x02Lx",
		"a packet too long":  "\xff\xffU",
		"a packet of length": "\x00\x00",
	} {
		s := MakeServer(0)
		in := []byte(bytes)
		var err error
		for n := 1; n > 0 && err == nil; {
			_, n, err = s.Receive(in, 0)
			in = in[n:]
		}
		if !errors.Is(err, ErrPacket) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, bytes := range map[string]string{
		"data before login":     "\x00\x02Sx",
		"a client's packet":     "\x00\x01R",
		"number 0":              "\x00\x1fA   DAY0001                   0",
		"a reject too long":     "\x00\x03JSS",
		"an answer too short":   "\x00\x02A1",
		"accepted a second one": accepted1 + accepted1,
	} {
		c := MakeClient(Session{}, 1)
		c.Login(nil, "a", "b", 0)
		in := []byte(bytes)
		var err error
		for n := 1; n > 0 && err == nil; {
			_, n, err = c.Receive(in, 0)
			in = in[n:]
		}
		if !errors.Is(err, ErrPacket) {
			t.Errorf("client, %s: %v", name, err)
		}
	}
}

const accepted1 = "\x00\x1fA" + "   DAY0001" + "                   1"

func alicePacket(t *testing.T) []byte {
	l := alice(t)
	return l.AppendTo(nil)
}

func TestDataFromTheClientLogoutAndTheEnd(t *testing.T) {
	c := MakeClient(Session{}, 1)
	l := newLink(t, &c)
	l.login(session(t, "DAY0001"), 1, 1)
	l.toServer = c.AppendUnsequenced(l.toServer, []byte("order"), 0)
	l.toServer = AppendPacket(l.toServer, Debug, []byte("hello"))
	l.toServer = c.Logout(l.toServer, 0)
	if e, err := l.fromClient(0); err != nil || e.Kind != UnsequencedData || string(e.Message) != "order" {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := l.fromClient(0); err != nil || e.Kind != LogoutRequested {
		t.Errorf("%+v, %v", e, err)
	}
	l.toClient = l.server.EndOfSession(l.toClient, 0)
	if e, err := l.fromServer(0); err != nil || e.Kind != SessionEnded || e.Number != 1 || c.LoggedIn() || l.server.LoggedIn() {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	c := MakeClient(Session{}, 1)
	l := newLink(t, &c)
	l.login(session(t, "DAY0001"), 1, 1)
	buf := make([]byte, 0, 256)
	message := bytes.Repeat([]byte{1}, 36)
	if n := testing.AllocsPerRun(100, func() {
		b := l.server.AppendSequenced(buf, message, 0)
		if e, _, err := c.Receive(b, 0); err != nil || e.Kind != SequencedData {
			t.Fatal(e, err)
		}
		b = c.AppendUnsequenced(buf, message, 0)
		if e, _, err := l.server.Receive(b, 0); err != nil || e.Kind != UnsequencedData {
			t.Fatal(e, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
