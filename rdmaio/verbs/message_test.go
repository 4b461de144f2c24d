package verbs

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"exchange/rdmaio"
)

func TestMessagesSurviveTheWire(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		m := message{
			kind: kindConnect + kind(rnd.IntN(int(kindGate-kindConnect)+1)), pd: rdmaio.PD(rnd.IntN(rdmaio.MaxPDs)),
			attempt: rnd.Uint32(), generation: rnd.Uint32(), rkey: rnd.Uint32(), address: rnd.Uint64() >> 1, size: 1 + rnd.Uint64N(MaxRegion),
			end: endpoint{qpn: rnd.Uint32() >> 8, psn: rnd.Uint32() >> 8, lid: uint16(rnd.Uint32()), mtu: uint8(1 + rnd.IntN(5)), reads: uint8(rnd.Uint32())},
		}
		for i := range m.end.gid {
			m.end.gid[i] = byte(rnd.Uint32())
		}
		f := m.encode()
		if got, err := f.message(); err != nil || got != m {
			t.Fatalf("sent %+v, read %+v, %v", m, got, err)
		}
	}
}

func TestGreetingsSurviveTheWire(t *testing.T) {
	for _, g := range []greeting{
		{kind: kindHello, from: 1, to: 16, incarnation: 1<<64 - 1, cluster: clusterHash("a")},
		{kind: kindRefusal, from: 3, to: 2, cluster: clusterHash("b"), why: "it is not wanted"},
	} {
		f := g.encode()
		if got, err := f.greeting(); err != nil || got != g {
			t.Errorf("sent %+v, read %+v, %v", g, got, err)
		}
	}
	long := greeting{kind: kindRefusal, why: strings.Repeat("x", 500)}
	f := long.encode()
	if got, err := f.greeting(); err != nil || got.why != strings.Repeat("x", frameSize-whyOffset) {
		t.Errorf("a long reason: %q, %v", got.why, err)
	}
	f = (&greeting{kind: kindHello}).encode()
	f[1] = version + 1
	if _, err := f.greeting(); err == nil || errors.Is(err, errStranger) || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("another version: %v", err)
	}
	copy(f[:], "GET / HTTP/1.1\r\n")
	if _, err := f.greeting(); !errors.Is(err, errStranger) {
		t.Errorf("a web browser: %v", err)
	}
}

func TestBadMessagesAreRefused(t *testing.T) {
	good := message{kind: kindAdmitted, pd: 1, size: 4096, address: 1 << 40, end: endpoint{mtu: 3}}
	for want, spoil := range map[string]func(*message){
		"kind 0":         func(m *message) { m.kind = 0 },
		"kind 200":       func(m *message) { m.kind = 200 },
		"domain 4":       func(m *message) { m.pd = rdmaio.MaxPDs },
		"MTU number 6":   func(m *message) { m.end.mtu = 6 },
		"MTU number 0":   func(m *message) { m.end.mtu = 0 },
		"24 bits":        func(m *message) { m.end.qpn = 1 << 24 },
		"0 bytes":        func(m *message) { m.size = 0 },
		"it cannot be":   func(m *message) { m.address = 1<<64 - 100 },
		"cannot":         func(m *message) { m.size = MaxRegion + 1 },
		"from packet 0x": func(m *message) { m.end.psn = 1 << 31 },
	} {
		m := good
		spoil(&m)
		f := m.encode()
		if _, err := f.message(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", m, err, want)
		}
	}
	if _, err := readFrame(bytes.NewReader(make([]byte, frameSize-1))); err == nil {
		t.Error("a frame cut short was read")
	}
}

// FuzzFrame: whatever comes over the wire is refused or is a message that says the same when sent on.
func FuzzFrame(f *testing.F) {
	hello := (&greeting{kind: kindHello, from: 1, to: 2, incarnation: 7}).encode()
	admitted := (&message{kind: kindAdmitted, size: 1, end: endpoint{mtu: 5}}).encode()
	f.Add(hello[:])
	f.Add(admitted[:])
	f.Fuzz(func(t *testing.T, b []byte) {
		var wire frame
		copy(wire[:], b)
		if m, err := wire.message(); err == nil {
			again := m.encode()
			if got, err := again.message(); err != nil || got != m {
				t.Errorf("%+v became %+v, %v", m, got, err)
			}
		}
		if g, err := wire.greeting(); err == nil {
			again := g.encode()
			if got, err := again.greeting(); err != nil || got != g {
				t.Errorf("%+v became %+v, %v", g, got, err)
			}
		}
	})
}

// TestPiecesCoverWords: the pieces are the whole request, and every aligned word that it covers lies in one of them, from an
// aligned beginning.
func TestPiecesCoverWords(t *testing.T) {
	for offset := range uint64(17) {
		for length := 1; length < 70; length++ {
			pieces, count := splitAtWords(offset, length)
			at, owner := offset, map[uint64]int{}
			for i, n := range pieces[:count] {
				if n <= 0 {
					t.Fatalf("%d bytes to %d: pieces %v", length, offset, pieces[:count])
				}
				if at%8 != 0 && at/8 != (at+uint64(n)-1)/8 {
					t.Fatalf("%d bytes to %d: piece %d of %v begins within a word and goes on to the next", length, offset, i, pieces[:count])
				}
				for ; n > 0; n-- {
					owner[at] = i
					at++
				}
			}
			if at != offset+uint64(length) {
				t.Fatalf("%d bytes to %d: pieces %v", length, offset, pieces[:count])
			}
			for w := (offset + 7) / 8; 8*w+8 <= at; w++ {
				for i := range uint64(8) {
					if owner[8*w+i] != owner[8*w] {
						t.Fatalf("%d bytes to %d: word %d is torn by %v", length, offset, w, pieces[:count])
					}
				}
			}
			if offset%8 == 0 && (length%8 == 0 || length < 8) && count != 1 {
				t.Errorf("%d bytes to %d: %d pieces where one will do", length, offset, count)
			}
		}
	}
}

func TestTimeouts(t *testing.T) {
	for want, code := range map[time.Duration]uint8{
		time.Millisecond: 5, 100 * time.Millisecond: 11, 500 * time.Millisecond: 14, time.Second: 15, time.Minute: 20,
	} {
		got := timeoutCode(want)
		all := (retryCount + 1) * 4096 * time.Nanosecond << got
		if got != code || all > want || 2*all <= want {
			t.Errorf("%v: code %d, that is %v in all; want %d", want, got, all, code)
		}
	}
	if timeoutCode(1) == 0 {
		t.Error("0 waits for ever")
	}
}

func TestBadConfiguration(t *testing.T) {
	good := Config{Cluster: "c", Local: 1, Incarnation: 1, Listen: "127.0.0.1:7001"}
	for want, spoil := range map[string]func(*Config){
		"ids are 1 to":     func(c *Config) { c.Local = 0 },
		"id 17":            func(c *Config) { c.Local = 17 },
		"incarnation 0":    func(c *Config) { c.Incarnation = 0 },
		"no cluster name":  func(c *Config) { c.Cluster = "" },
		"give HOST:PORT":   func(c *Config) { c.Listen = "7001" },
		"peer 17":          func(c *Config) { c.Peers = map[rdmaio.NodeID]string{17: "a:1"} },
		"peer 2 at":        func(c *Config) { c.Peers = map[rdmaio.NodeID]string{2: "nowhere"} },
		"the same address": func(c *Config) { c.Peers = map[rdmaio.NodeID]string{2: "a:1", 3: "a:1"} },
		"ports are 1 to":   func(c *Config) { c.Port = 256 },
		"GID index -1":     func(c *Config) { c.GIDIndex = -1 },
		"between 1ms":      func(c *Config) { c.UnreachableAfter = time.Hour },
	} {
		cfg := good
		spoil(&cfg)
		if err := checkConfig(&cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", cfg, err, want)
		}
	}
	good.Peers = map[rdmaio.NodeID]string{1: "not looked at", 2: "b:1"}
	if err := checkConfig(&good); err != nil || len(good.Peers) != 1 || good.UnreachableAfter != DefaultUnreachableAfter {
		t.Errorf("%+v: %v", good, err)
	}
}
