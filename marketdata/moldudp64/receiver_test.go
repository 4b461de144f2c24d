package moldudp64

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"exchange/marketdata/feed"
)

// packed cuts a store into packets of at most maxBytes.
func packed(s *feed.Store, day Session, from uint64, maxBytes int) (packets [][]byte) {
	r := s.NewReader(from)
	for {
		p, count, err := fill(nil, day, &r, maxBytes, MaxCount)
		if count > 0 {
			packets = append(packets, p)
		}
		if err != nil {
			return packets
		}
	}
}

func TestPacketsAreFilledAndFollowEachOther(t *testing.T) {
	const messages = 5000
	day, store := session(t, "DAY0001"), storeOf(messages)
	for _, maxBytes := range []int{HeaderLen + BlockLen, 80, 200, DefaultMaxPacket, LargestPacket} {
		next := uint64(1)
		for _, b := range packed(store, day, 1, maxBytes) {
			p, err := Parse(b)
			if err != nil || p.Number != next {
				t.Fatalf("packets of %d: number %d follows %d, %v", maxBytes, p.Number, next-1, err)
			}
			if len(b) > maxBytes && p.Count > 1 {
				t.Fatalf("packets of %d: one of %d with %d messages", maxBytes, len(b), p.Count)
			}
			next += uint64(p.Count)
			if next <= messages && len(b)+BlockLen+len(messageOf(next)) <= maxBytes {
				t.Fatalf("packets of %d: one of %d, where message %d had room", maxBytes, len(b), next)
			}
			for n := p.Number; p.Count > 0; n++ {
				if m, _ := p.Next(); !bytes.Equal(m, messageOf(n)) {
					t.Fatalf("message %d: %x", n, m)
				}
			}
		}
		if next != messages+1 {
			t.Fatalf("packets of %d: %d messages", maxBytes, next-1)
		}
	}
}

// checker takes what a receiver delivers and insists on order and content.
type checker struct {
	t    *testing.T
	next uint64
}

func (c *checker) take(r *Receiver) {
	c.t.Helper()
	for {
		n, m, ok := r.Next()
		if !ok {
			return
		}
		if n != c.next || !bytes.Equal(m, messageOf(n)) {
			c.t.Fatalf("delivered %d %x where %d is next", n, m, c.next)
		}
		c.next++
	}
}

// TestLinesWithLossAndDifferentPacking: lines pack differently, lose packets, double and shuffle them; the answers are short and get lost too.
// The union is every message, in order and once.
func TestLinesWithLossAndDifferentPacking(t *testing.T) {
	const messages = 20_000
	day := session(t, "DAY0001")
	store := storeOf(messages)
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			loss := []float64{0, 0.01, 0.3}[seed%3]
			lines := 1 + int(seed%2)
			var queues [][][]byte
			for line := range lines {
				queues = append(queues, append(packed(store, day, 1, 200+500*line+random.IntN(300)), AppendEndOfSession(nil, day, messages+1)))
			}
			requests, err := NewRequests(store, RequestConfig{Session: day, MaxPacket: 400, PerSecond: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			r := NewReceiver(ReceiverConfig{From: 1, Window: 1000})
			c := checker{t, 1}
			var answers [][]byte
			now := int64(0)
			for steps := 0; !r.Ended(); steps++ {
				if steps > 1_000_000 {
					t.Fatalf("does not end: next %d of %d, %+v", r.NextNumber(), messages, r.Status())
				}
				now += int64(100 * time.Microsecond)
				var packet []byte
				line := random.IntN(lines + 1)
				switch {
				case line < lines && len(queues[line]) > 0:
					at := 0
					if random.IntN(20) == 0 { // out of order
						at = min(random.IntN(4), len(queues[line])-1)
					}
					packet = queues[line][at]
					if random.IntN(30) > 0 { // else doubled
						queues[line] = append(queues[line][:at:at], queues[line][at+1:]...)
					}
				case len(answers) > 0:
					packet, answers = answers[0], answers[1:]
				case line < lines: // the end, again and again
					packet = AppendEndOfSession(nil, day, messages+1)
				}
				if packet != nil && random.Float64() >= loss {
					if err := r.Receive(packet, now); err != nil {
						t.Fatal(err)
					}
					c.take(r)
				}
				if q, ok := r.Request(now); ok {
					if a := requests.Answer(nil, q.AppendTo(nil), local, now); len(a) > 0 {
						answers = append(answers, a)
					}
				}
			}
			if c.next != messages+1 {
				t.Errorf("%d messages delivered, of %d", c.next-1, messages)
			}
			st := r.Status()
			if loss == 0 && lines == 1 && st.Delivered != messages || loss == 0.3 && (st.Requests == 0 || st.Gaps == 0) || lines == 2 && st.Duplicates == 0 {
				t.Errorf("lines %d, loss %v: %+v", lines, loss, st)
			}
		})
	}
}

func TestTwoOverlappingLinesByHand(t *testing.T) {
	day := session(t, "DAY0001")
	packet := func(from, to uint64) []byte {
		b := AppendHeader(nil, day, from, uint16(to-from+1))
		for n := from; n <= to; n++ {
			b = AppendMessage(b, messageOf(n))
		}
		return b
	}
	ms := int64(time.Millisecond)
	r := NewReceiver(ReceiverConfig{From: 1, RequestAfter: 2 * time.Millisecond, RequestAgain: 100 * time.Millisecond})
	c := checker{t, 1}
	step := func(at int64, b []byte, next uint64, want string) {
		t.Helper()
		if b != nil {
			if err := r.Receive(b, at); err != nil {
				t.Fatal(err)
			}
			c.take(r)
		}
		got := ""
		if q, ok := r.Request(at); ok {
			got = fmt.Sprintf("%d+%d", q.Number, q.Count)
		}
		if c.next != next || got != want {
			t.Fatalf("at %d ms: next %d, request %q; want %d, %q", at/ms, c.next, got, next, want)
		}
	}
	step(0, packet(1, 4), 5, "")
	step(0, packet(3, 6), 7, "")      // the other line: its head is known
	step(0, packet(1, 6), 7, "")      // nothing new
	step(1*ms, packet(12, 14), 7, "") // a hole: the other line may yet fill it
	step(2*ms, packet(16, 16), 7, "")
	step(3*ms, nil, 7, "7+5")                              // it did not
	step(4*ms, nil, 7, "")                                 // asked already
	step(5*ms, packet(7, 9), 10, "10+2")                   // a short answer: go on at once
	step(6*ms, packet(10, 10), 11, "11+1")                 // shorter still
	step(7*ms, packet(11, 13), 15, "")                     // and the line itself; now 15 is missing
	step(8*ms, nil, 15, "")                                // for a moment
	step(9*ms, nil, 15, "15+1")                            // asked
	step(108*ms, nil, 15, "")                              // no answer yet
	step(109*ms, nil, 15, "15+1")                          // lost: again
	step(110*ms, AppendHeartbeat(nil, day, 19), 15, "")    // shows that 17 and 18 exist
	step(111*ms, packet(15, 15), 17, "")                   // fills the hole and gives 16
	step(114*ms, nil, 17, "17+2")                          // the tail was lost
	step(115*ms, packet(17, 18), 19, "")                   //
	step(116*ms, AppendEndOfSession(nil, day, 20), 19, "") // one more was sent
	step(120*ms, nil, 19, "19+1")                          //
	step(121*ms, packet(19, 19), 20, "")                   // all
	if !r.Ended() {
		t.Error("not ended")
	}
	if err := r.Receive(AppendHeartbeat(nil, session(t, "DAY0002"), 1), 0); !errors.Is(err, ErrSession) {
		t.Errorf("another session: %v", err)
	}
}

func TestFromTheFirstPacketSeen(t *testing.T) {
	day := session(t, "DAY0001")
	r := NewReceiver(ReceiverConfig{})
	r.Receive(AppendHeartbeat(nil, day, 77), 0)
	if r.NextNumber() != 77 || r.Session() != day {
		t.Errorf("next %d in %s", r.NextNumber(), r.Session())
	}
	if _, ok := r.Request(1 << 40); ok {
		t.Error("asked for what is not there")
	}
}

func TestReceivingAllocatesNothingOnceWarm(t *testing.T) {
	day := session(t, "DAY0001")
	const messages = 20_000
	packets := packed(storeOf(messages), day, 1, DefaultMaxPacket)
	r := NewReceiver(ReceiverConfig{From: 1, Window: 64})
	at := 0
	if n := testing.AllocsPerRun(len(packets)-2, func() {
		if r.Receive(packets[at], 0) != nil {
			t.Fatal("refused")
		}
		for _, _, ok := r.Next(); ok; _, _, ok = r.Next() {
		}
		at++
	}); n != 0 {
		t.Errorf("%v allocations for a packet", n)
	}
}
