package soupbin

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// The packets as the specification lays them out, written by hand.
const (
	login300  = "\x00\x2fL" + "alice " + "secret    " + "   DAY0001" + "                   7"
	login41   = "\x00\x34L" + "alice " + "secret    " + "   DAY0001" + "                   7" + "01500"
	accepted  = "\x00\x1fA" + "   DAY0001" + "                  42"
	rejectedS = "\x00\x02JS"
	data      = "\x00\x06Shello"
)

func session(t *testing.T, name string) Session {
	t.Helper()
	s, err := MakeSession(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func alice(t *testing.T) Login {
	l := Login{Session: session(t, "DAY0001"), Number: 7}
	copy(l.Username[:], "alice ")
	copy(l.Password[:], "secret    ")
	return l
}

func TestPacketsAsTheSpecificationLaysThemOut(t *testing.T) {
	l := alice(t)
	if got := l.AppendTo(nil); string(got) != login300 {
		t.Errorf("login: %q", got)
	}
	l.TimeoutMillis = 1500
	if got := l.AppendTo(nil); string(got) != login41 {
		t.Errorf("login of 4.1: %q", got)
	}
	if got := appendAccepted(nil, session(t, "DAY0001"), 42); string(got) != accepted {
		t.Errorf("accepted: %q", got)
	}
	if got := AppendPacket(nil, Sequenced, []byte("hello")); string(got) != data {
		t.Errorf("data: %q", got)
	}
	for _, text := range []string{login300, login41} {
		p, n, err := Next([]byte(text+"rest"), MaxPayload)
		if err != nil || n != len(text) || p.Type != LoginRequest {
			t.Fatalf("%q: %v, %d, %v", text, p, n, err)
		}
		got, err := ParseLogin(p.Payload)
		want := alice(t)
		if len(text) == len(login41) {
			want.TimeoutMillis = 1500
		}
		if err != nil || got != want {
			t.Errorf("login: %+v, %v", got, err)
		}
	}
	s, next, err := parseAccepted([]byte(accepted[3:]))
	if err != nil || s != session(t, "DAY0001") || next != 42 {
		t.Errorf("accepted: %v %d %v", s, next, err)
	}
}

func TestFieldsAreReadWithAnyPadding(t *testing.T) {
	for _, c := range []struct{ session, number string }{
		{"DAY0001   ", "7                   "},
		{"  DAY0001 ", "00000000000000000007"},
		{"DAY0001\x00\x00\x00", "7\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
	} {
		l, err := ParseLogin([]byte("alice " + "secret    " + c.session + c.number))
		if err != nil || l != alice(t) {
			t.Errorf("%q: %+v, %v", c, l, err)
		}
	}
	l, err := ParseLogin([]byte("alice " + "secret    " + strings.Repeat(" ", 30)))
	if err != nil || !l.Session.Blank() || l.Number != 0 {
		t.Errorf("blank session and number: %+v, %v", l, err)
	}
	for _, number := range []string{"                  x7", "99999999999999999999", "7 7                 ", "                  -1"} {
		if _, err := ParseLogin([]byte("alice secret       DAY0001" + number)); !errors.Is(err, ErrPacket) {
			t.Errorf("number %q: %v", number, err)
		}
	}
	if n, err := parseNumber([]byte("18446744073709551615")); err != nil || n != 1<<64-1 {
		t.Errorf("the highest number: %d, %v", n, err)
	}
	if got := string(appendNumber(nil, 1<<64-1)); got != "18446744073709551615" {
		t.Errorf("the highest number: %q", got)
	}
	if got := string(appendNumber(nil, 0)); got != "                   0" {
		t.Errorf("zero: %q", got)
	}
}

func TestUserAndPasswordAreComparedWithoutCase(t *testing.T) {
	l := alice(t)
	for _, c := range []struct {
		user, password string
		want           bool
	}{{"ALICE", "Secret", true}, {"alice", "secret", true}, {"alice", "secre", false}, {"bob", "secret", false}, {"alice", "", false}} {
		if l.Is(c.user, c.password) != c.want {
			t.Errorf("%q %q: not %v", c.user, c.password, c.want)
		}
	}
}

func TestNextWaitsForAWholePacketAndRefusesNonsense(t *testing.T) {
	for cut := range len(data) {
		if _, n, err := Next([]byte(data[:cut]), MaxPayload); n != 0 || err != nil {
			t.Fatalf("cut to %d bytes: %d, %v", cut, n, err)
		}
	}
	if _, _, err := Next([]byte{0, 0}, MaxPayload); !errors.Is(err, ErrPacket) {
		t.Errorf("length 0: %v", err)
	}
	if _, _, err := Next([]byte{0, 12}, 10); !errors.Is(err, ErrTooLong) || !errors.Is(err, ErrPacket) {
		t.Errorf("too long: %v", err)
	}
	if _, n, err := Next([]byte{0, 11}, 10); n != 0 || err != nil {
		t.Errorf("just long enough: %d, %v", n, err)
	}
	long := bytes.Repeat([]byte{1}, MaxPayload)
	p, n, err := Next(AppendPacket(nil, Sequenced, long), MaxPayload)
	if err != nil || n != MaxPacket || !bytes.Equal(p.Payload, long) {
		t.Errorf("the longest packet: %d, %v", n, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a payload too long was packed")
		}
	}()
	AppendPacket(nil, Sequenced, make([]byte, MaxPayload+1))
}

func TestMakeSession(t *testing.T) {
	for _, name := range []string{"", "ELEVENCHARS", "WITH SPACE", "ünicode"} {
		if s, err := MakeSession(name); err == nil {
			t.Errorf("%q was taken as %q", name, s)
		}
	}
	if s := session(t, "DAY1"); s.String() != "DAY1" || s.Blank() {
		t.Errorf("%q", s)
	}
}

func FuzzNext(f *testing.F) {
	for _, s := range []string{login300, login41, accepted, rejectedS, data, "\x00\x01H\x00\x01Z"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		server, client := MakeServer(0), MakeClient(Session{}, 1)
		client.Login(nil, "a", "b", 0)
		for rest := in; ; {
			p, n, err := Next(rest, MaxPayload)
			if n == 0 || err != nil {
				break
			}
			if again := AppendPacket(nil, p.Type, p.Payload); !bytes.Equal(again, rest[:n]) {
				t.Fatalf("packet %q became %q", rest[:n], again)
			}
			rest = rest[n:]
		}
		for rest := in; ; {
			e, n, err := server.Receive(rest, 1)
			if n == 0 || err != nil {
				break
			}
			if e.Kind == LoginRequested {
				server.Accept(nil, Session{'X'}, 1, 1)
			}
			rest = rest[n:]
		}
		want := uint64(1)
		for rest := in; ; {
			e, n, err := client.Receive(rest, 1)
			if n == 0 || err != nil {
				break
			}
			if e.Kind == SequencedData {
				if e.Number != want {
					t.Fatalf("message %d delivered where %d is next", e.Number, want)
				}
				want++
			}
			rest = rest[n:]
		}
	})
}
