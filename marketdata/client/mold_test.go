package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"exchange/marketdata/feed"
	"exchange/marketdata/moldudp64"
)

// lossy passes datagrams on to an address, but for some.
func lossy(t *testing.T, to string, seed uint64, loss float64) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	target := netip.MustParseAddrPort(to)
	go func() {
		random := rand.New(rand.NewPCG(seed, 1))
		buf := make([]byte, 2048)
		for {
			n, _, err := conn.ReadFromUDPAddrPort(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil && random.Float64() >= loss {
				conn.WriteToUDPAddrPort(buf[:n], target)
			}
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// freePort gives an address that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().String()
}

// TestTwoLinesThatLosePackets: two replicas publish a line each, packed differently; both lines lose a fifth; the first request
// server is dead.
func TestTwoLinesThatLosePackets(t *testing.T) {
	const messages = 20_000
	day := session(t, "DAY0001")
	stores := []*feed.Store{feed.NewStore(1 << 30), feed.NewStore(1 << 30)}
	m := Mold{RequestServers: []string{freePort(t)}, RequestAgain: 10 * time.Millisecond}
	var publishers []*moldudp64.Publisher
	for i, store := range stores {
		line := freePort(t)
		m.Lines = append(m.Lines, line)
		p, err := moldudp64.NewPublisher(store, moldudp64.PublisherConfig{Session: day, From: 1, MaxPacket: 300 + 1000*i, Heartbeat: 10 * time.Millisecond,
			Destinations: []netip.AddrPort{lossy(t, line, uint64(i), 0.2)}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		publishers = append(publishers, p)
		requests, err := moldudp64.ListenRequests("127.0.0.1:0", store, moldudp64.RequestConfig{Session: day, PerSecond: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer requests.Close()
		m.RequestServers = append(m.RequestServers, requests.Addr().String())
	}
	go func() {
		for n := uint64(1); n <= messages; n++ {
			for _, store := range stores {
				store.Append(n, messageOf(n))
				if n%31 == 0 {
					store.Publish()
				}
			}
		}
		for i, store := range stores {
			store.Publish()
			publishers[i].EndSession()
		}
	}()
	var requests atomic.Int64
	m.Notice = func(n Notice) { requests.Add(1) }
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	last := uint64(0)
	check := inOrder(1, messages, func() {})
	if err := m.Run(ctx, func(number uint64, message []byte) error {
		last = number
		return check(number, message)
	}); err != nil || last != messages {
		t.Fatalf("ended after %d with %v", last, err)
	}
	if requests.Load() == 0 {
		t.Error("nothing was asked for: the test loses nothing")
	}
}

func TestWhatAMoldCannotDo(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	never := func(uint64, []byte) error { return nil }
	for name, m := range map[string]*Mold{
		"no line":           {},
		"no such address":   {Lines: []string{"nowhere"}},
		"no such interface": {Lines: []string{"239.1.1.1:9"}, Interface: "no such thing"},
		"no such server":    {Lines: []string{"127.0.0.1:0"}, RequestServers: []string{"nowhere"}},
		"no session name":   {Lines: []string{"127.0.0.1:0"}, Session: "not a name"},
	} {
		if err := m.Run(ctx, never); err == nil || ctx.Err() != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	line := freePort(t)
	day := session(t, "DAY0001")
	store := feed.NewStore(0)
	store.Append(1, nil)
	store.Append(2, nil)
	store.Publish()
	p, err := moldudp64.NewPublisher(store, moldudp64.PublisherConfig{Session: day, Destinations: []netip.AddrPort{netip.MustParseAddrPort(line)}, Heartbeat: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := (&Mold{Lines: []string{line}}).Run(ctx, never); !errors.Is(err, ErrLost) {
		t.Errorf("loss without a request server: %v", err)
	}
	short, stop := context.WithCancel(ctx)
	stop()
	if err := (&Mold{Lines: []string{line}, FromNow: true}).Run(short, never); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
