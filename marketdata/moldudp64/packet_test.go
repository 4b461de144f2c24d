package moldudp64

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"time"

	"exchange/marketdata/feed"
	"exchange/ouch/soupbin"
)

func session(t testing.TB, name string) Session {
	t.Helper()
	s, err := soupbin.MakeSession(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The packets as the specification lays them out, written by hand.
const (
	twoMessages = "DAY0001   " + "\x00\x00\x00\x00\x00\x00\x01\x02" + "\x00\x02" + "\x00\x05hello" + "\x00\x00"
	heartbeat   = "DAY0001   " + "\x00\x00\x00\x00\x00\x00\x01\x04" + "\x00\x00"
	theEnd      = "DAY0001   " + "\x00\x00\x00\x00\x00\x00\x01\x04" + "\xff\xff"
	aRequest    = "DAY0001   " + "\x00\x00\x00\x00\x00\x00\x01\x02" + "\x00\x09"
)

func TestPacketsAsTheSpecificationLaysThemOut(t *testing.T) {
	day := session(t, "DAY0001")
	b := AppendMessage(AppendMessage(AppendHeader(nil, day, 0x102, 2), []byte("hello")), nil)
	if string(b) != twoMessages {
		t.Errorf("two messages: %q", b)
	}
	if b := AppendHeartbeat(nil, day, 0x104); string(b) != heartbeat {
		t.Errorf("heartbeat: %q", b)
	}
	if b := AppendEndOfSession(nil, day, 0x104); string(b) != theEnd {
		t.Errorf("end: %q", b)
	}
	q := Request{Session: day, Number: 0x102, Count: 9}
	if b := q.AppendTo(nil); string(b) != aRequest {
		t.Errorf("request: %q", b)
	}
	if got, err := ParseRequest([]byte(aRequest)); err != nil || got != q {
		t.Errorf("request: %+v, %v", got, err)
	}
	p, err := Parse([]byte(twoMessages))
	if err != nil || p.Session != day || p.Number != 0x102 || p.Count != 2 || p.End {
		t.Fatalf("two messages: %+v, %v", p, err)
	}
	for _, want := range []string{"hello", ""} {
		if m, ok := p.Next(); !ok || string(m) != want {
			t.Errorf("message %q, %v", m, ok)
		}
	}
	if _, ok := p.Next(); ok || p.Number != 0x104 {
		t.Errorf("after the last: %v, %d", ok, p.Number)
	}
	if p, err := Parse([]byte(heartbeat)); err != nil || p.Count != 0 || p.End || p.Number != 0x104 {
		t.Errorf("heartbeat: %+v, %v", p, err)
	}
	if p, err := Parse([]byte(theEnd)); err != nil || p.Count != 0 || !p.End || p.Number != 0x104 {
		t.Errorf("end: %+v, %v", p, err)
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for cut := range len(twoMessages) {
		if _, err := Parse([]byte(twoMessages[:cut])); !errors.Is(err, ErrPacket) {
			t.Fatalf("cut to %d bytes: %v", cut, err)
		}
	}
	for name, b := range map[string]string{
		"a byte too many":   twoMessages + "x",
		"number 0":          "DAY0001   " + "\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00",
		"numbers overflow":  "DAY0001   " + "\xff\xff\xff\xff\xff\xff\xff\xff" + "\x00\x01" + "\x00\x00",
		"end with messages": theEnd + "\x00\x01x",
	} {
		if _, err := Parse([]byte(b)); !errors.Is(err, ErrPacket) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string]string{
		"too long": aRequest + "x", "too short": aRequest[1:],
		"number 0": "DAY0001   " + "\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x09",
		"none":     "DAY0001   " + "\x00\x00\x00\x00\x00\x00\x00\x01" + "\x00\x00",
	} {
		if _, err := ParseRequest([]byte(b)); !errors.Is(err, ErrPacket) {
			t.Errorf("request %s: %v", name, err)
		}
	}
}

// messageOf makes the message under a number, of changing length.
func messageOf(n uint64) []byte {
	return append(binary.BigEndian.AppendUint64(nil, n), bytes.Repeat([]byte{byte(n)}, int(n%40))...)
}

func storeOf(messages uint64) *feed.Store {
	s := feed.NewStore(1 << 30)
	for n := uint64(1); n <= messages; n++ {
		s.Append(n, messageOf(n))
	}
	s.Publish()
	return s
}

var local = netip.MustParseAddr("127.0.0.1")

func TestAnswersToRequests(t *testing.T) {
	day := session(t, "DAY0001")
	requests, err := NewRequests(storeOf(1000), RequestConfig{Session: day, MaxPacket: 300})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(q Request) []byte { return requests.Answer(nil, q.AppendTo(nil), local, 0) }
	for _, c := range []struct{ number, count, want uint64 }{{1, 1, 1}, {1, 3, 3}, {500, 60000, 0}, {999, 10, 2}, {1000, 1, 1}} {
		b := ask(Request{day, c.number, uint16(c.count)})
		p, err := Parse(b)
		if err != nil || p.Session != day || p.Number != c.number {
			t.Fatalf("%+v: %+v, %v", c, p, err)
		}
		if c.want == 0 { // filled up
			if len(b) > 300 || len(b) < 250 {
				t.Errorf("%+v: %d bytes of at most 300", c, len(b))
			}
		} else if uint64(p.Count) != c.want {
			t.Errorf("%+v: %d messages", c, p.Count)
		}
		for n := c.number; p.Count > 0; n++ {
			if m, _ := p.Next(); !bytes.Equal(m, messageOf(n)) {
				t.Fatalf("message %d: %x", n, m)
			}
		}
	}
	for name, b := range map[string][]byte{
		"not there yet":   ask(Request{day, 1001, 1}),
		"another session": ask(Request{session(t, "DAY0002"), 1, 1}),
		"number 0":        ask(Request{day, 0, 1}),
		"nonsense":        requests.Answer(nil, []byte("hello"), local, 0),
	} {
		if len(b) != 0 {
			t.Errorf("%s: answered %q", name, b)
		}
	}
}

func TestWhoAsksTooOftenIsNotAnswered(t *testing.T) {
	day := session(t, "DAY0001")
	requests, err := NewRequests(storeOf(10), RequestConfig{Session: day, PerSecond: 10, Burst: 5, MaxSources: 2})
	if err != nil {
		t.Fatal(err)
	}
	q := Request{day, 1, 1}
	second := int64(time.Second)
	answers := func(source string, times int, now int64) (n int) {
		for range times {
			if len(requests.Answer(nil, q.AppendTo(nil), netip.MustParseAddr(source), now)) > 0 {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		source string
		now    int64
		want   int
	}{
		{"10.0.0.1", 0, 5},             // the burst
		{"10.0.0.2", 0, 5},             // its own allowance
		{"10.0.0.1", second / 10, 1},   // one more
		{"10.0.0.3", second / 10, 0},   // no room to remember it
		{"10.0.0.1", 10 * second, 5},   // saved up, no more than the burst
		{"10.0.0.3", 20 * second, 5},   // the others are forgotten
		{"10.0.0.1", 20*second + 1, 5}, // and come again
	} {
		if n := answers(c.source, 20, c.now); n != c.want {
			t.Errorf("%s at %v: %d answers, want %d", c.source, time.Duration(c.now), n, c.want)
		}
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	day, store := session(t, "DAY0001"), storeOf(1)
	for name, config := range map[string]RequestConfig{"no session": {}, "packet": {Session: day, MaxPacket: 5000}} {
		if _, err := NewRequests(store, config); err == nil {
			t.Errorf("requests, %s: taken", name)
		}
	}
	to := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9")}
	for name, config := range map[string]PublisherConfig{
		"no session": {Destinations: to}, "no destination": {Session: day}, "packet": {Session: day, Destinations: to, MaxPacket: 21},
		"interface": {Session: day, Destinations: []netip.AddrPort{netip.MustParseAddrPort("239.1.1.1:9")}, Interface: "no such thing"},
	} {
		if _, err := NewPublisher(store, config); err == nil {
			t.Errorf("publisher, %s: taken", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{twoMessages, heartbeat, theEnd, aRequest} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err == nil {
			count := p.Count
			if p.End {
				count = endOfSessionCount
			}
			again := AppendHeader(nil, p.Session, p.Number, count)
			for m, ok := p.Next(); ok; m, ok = p.Next() {
				again = AppendMessage(again, m)
			}
			if !bytes.Equal(again, b) {
				t.Fatalf("%q became %q", b, again)
			}
		}
		r := NewReceiver(ReceiverConfig{Window: 16, From: 1})
		if r.Receive(b, 0) == nil {
			want := uint64(1)
			for n, _, ok := r.Next(); ok; n, _, ok = r.Next() {
				if n != want {
					t.Fatalf("message %d where %d is next", n, want)
				}
				want++
			}
			if q, ok := r.Request(1 << 40); ok && (q.Number != r.NextNumber() || q.Count == 0) {
				t.Fatalf("request %+v", q)
			}
		}
		if q, err := ParseRequest(b); err == nil && !bytes.Equal(q.AppendTo(nil), b) {
			t.Fatalf("request %q", b)
		}
	})
}
