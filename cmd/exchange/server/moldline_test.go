package server

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"exchange/marketdata/feed"
	"exchange/marketdata/moldudp64"
)

// lineReceiver hears one line.
type lineReceiver struct {
	t    *testing.T
	conn *net.UDPConn
	// next is the number that must come next at the latest: what is heard before it is repeated.
	next uint64
}

func hearLine(t *testing.T) *lineReceiver {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadBuffer(4 << 20)
	t.Cleanup(func() { conn.Close() })
	return &lineReceiver{t: t, conn: conn, next: 1}
}

// packet gives the first number and the count of the next packet with messages.
func (r *lineReceiver) packet() (number uint64, count uint64) {
	r.t.Helper()
	buf := make([]byte, 64<<10)
	for {
		_ = r.conn.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := r.conn.Read(buf)
		if err != nil {
			r.t.Fatal(err)
		}
		p, err := moldudp64.Parse(buf[:n])
		if err != nil {
			r.t.Fatal(err)
		}
		for number = p.Number; ; count++ {
			message, ok := p.Next()
			if !ok {
				break
			}
			if want := lineMessage(number + count); !bytes.Equal(message, want) {
				r.t.Fatalf("message %d is %q, want %q", number+count, message, want)
			}
		}
		if count > 0 {
			return number, count
		}
	}
}

// until hears the line up to a number; it must not leave a hole.
func (r *lineReceiver) until(number uint64) {
	r.t.Helper()
	for r.next < number {
		first, count := r.packet()
		if first > r.next {
			r.t.Fatalf("the line goes on at %d, %d is next", first, r.next)
		}
		r.next = max(r.next, first+count)
	}
}

func lineMessage(number uint64) []byte { return fmt.Appendf(nil, "message %d", number) }

func extend(s *feed.Store, to uint64) {
	for n := s.Next(); n <= to; n++ {
		s.Append(n, lineMessage(n))
	}
	s.Publish()
}

// lineOf opens the line of a replica that publishes to the receiver.
func lineOf(t *testing.T, cfg *Config, r *lineReceiver, store *feed.Store) *moldLine {
	t.Helper()
	l, err := openMoldLine(cfg, Member{ID: cfg.ID, Mold: r.conn.LocalAddr().String()}, store)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func lineConfig(t *testing.T) *Config {
	cfg := DefaultConfig()
	cfg.Dir = t.TempDir()
	return &cfg
}

// killed waits until the line's place is written down, and leaves the file as a killed replica leaves it.
func killed(t *testing.T, cfg *Config, l *moldLine, number uint64) {
	t.Helper()
	var left []byte
	for want := fmt.Sprintf("%-10s %020d\n", cfg.FeedSession, number); string(left) != want; time.Sleep(time.Millisecond) {
		var err error
		if left, err = os.ReadFile(cfg.path("line")); err != nil {
			t.Fatal(err)
		}
	}
	l.close()
	if err := os.WriteFile(cfg.path("line"), left, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A replica was away while many more messages than lineOverlap came: its line goes on where it was, and whoever hears it alone misses nothing.
func TestALineThatBeginsAgainLeavesNoHole(t *testing.T) {
	cfg, r, store := lineConfig(t), hearLine(t), feed.NewStore(1<<24)
	extend(store, 1000)
	first := lineOf(t, cfg, r, store)
	if err := first.start(); err != nil {
		t.Fatal(err)
	}
	// A first start begins near the tail: what came before was another's to publish.
	begins, count := r.packet()
	if want := uint64(1001 - lineOverlap); begins != want {
		t.Fatalf("the line begins at %d, want %d", begins, want)
	}
	r.next = begins + count
	r.until(1001)
	killed(t, cfg, first, 1001)
	extend(store, 9000)
	again := lineOf(t, cfg, r, store)
	defer again.close()
	if err := again.start(); err != nil {
		t.Fatal(err)
	}
	r.until(9001)
	extend(store, 9100)
	r.until(9101)
}

func TestWhereALineBegins(t *testing.T) {
	const next = 2*lineCatchUp + 1
	for name, c := range map[string]struct {
		left string
		next uint64
		want uint64
	}{
		"a new market":                     {"", 1, 1},
		"a short one":                      {"", lineOverlap, 1},
		"nothing is known":                 {"", 1000, 1000 - lineOverlap},
		"some time ago":                    {"DAY0000001 00000000000000000500", 1000, 500},
		"just now: what is sent again":     {"DAY0000001 00000000000000000990", 1000, 1000 - lineOverlap},
		"as long ago as is caught up with": {fmt.Sprintf("DAY0000001 %020d\n", next-lineCatchUp), next, next - lineCatchUp},
		"too long ago":                     {fmt.Sprintf("DAY0000001 %020d\n", next-lineCatchUp-1), next, next - lineOverlap},
		"of another day":                   {"DAY0000000 00000000000000000500", 1000, 1000 - lineOverlap},
		"of a market that was lost":        {"DAY0000001 00000000000000005000", 1000, 1000 - lineOverlap},
		"not a place":                      {"DAY0000001 five", 1000, 1000 - lineOverlap},
		"cut short":                        {"DAY00", 1000, 1000 - lineOverlap},
	} {
		cfg, store := lineConfig(t), feed.NewStore(1<<30)
		if c.left != "" {
			if err := os.WriteFile(cfg.path("line"), []byte(c.left), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		extend(store, c.next-1)
		l := lineOf(t, cfg, hearLine(t), store)
		if from := l.from(); from != c.want {
			t.Errorf("%s: the line begins at %d, want %d", name, from, c.want)
		}
		l.close()
	}
}
