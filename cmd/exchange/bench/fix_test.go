package bench

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestFloorTakesManyConnections: the floor answers as many bytes with as many on each of its connections, at the same time.
func TestFloorTakesManyConnections(t *testing.T) {
	in, _ := io.Pipe() // never ends: the end of it would end the process
	out, told := io.Pipe()
	go func() { _ = Echo(150, 200, 0, in, told) }()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	floor := echoPeer{request: make([]byte, 150), answer: 200, address: strings.TrimSpace(address)}
	fleet, err := floor.more(3)
	if err != nil {
		t.Fatal(err)
	}
	defer fleet.close()
	for _, inFlight := range []int{1, 7, 1000} { // the last are more bytes than the floor reads at a time
		s, err := fleet.round(3000, inFlight)
		if err != nil || s.ops != 3000 || s.h.TotalCount() != 3000 {
			t.Errorf("%d in flight: %d answers, %d timed: %v", inFlight, s.ops, s.h.TotalCount(), err)
		}
	}
}

// TestFloorWorksBeforeItAnswers: as long as it was told to, on the clock.
func TestFloorWorksBeforeItAnswers(t *testing.T) {
	const work = 3 * time.Millisecond
	client, server := net.Pipe()
	defer client.Close()
	go answerAll(server, 10, 20, work)
	for range 3 {
		began := time.Now()
		if _, err := client.Write(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		if n, err := io.ReadFull(client, make([]byte, 20)); err != nil || n != 20 {
			t.Fatal(n, err)
		}
		if took := time.Since(began); took < work {
			t.Errorf("answered after %v, told to work for %v", took, work)
		}
	}
}

// TestFIXReportNamesItsRatios: the ratios of one order at a time have the names that programs look for, the others say what they are of.
func TestFIXReportNamesItsRatios(t *testing.T) {
	took := func(ns int64) *samples {
		s := newSamples()
		s.record(ns)
		return s
	}
	one, many := fixLoad{0, 1, 1}, fixLoad{0, 64, 256}
	b := fixBench{
		o: FIXOptions{InFlight: []int{1, 256}, Connections: []int{1, 64}, Replicas: []int{3, 1}},
		ours: map[fixLoad]*samples{
			{3, 1, 1}: took(120), {1, 1, 1}: took(110), {3, 64, 256}: took(400), {1, 64, 256}: took(200),
			{3, 1, 256}: took(1), {1, 1, 256}: took(1), {3, 64, 1}: took(1), {1, 64, 1}: took(1),
		},
		floors: map[fixLoad]*samples{one: took(100), many: took(80), {0, 1, 256}: took(1), {0, 64, 1}: took(1)},
		worked: took(96),
		heard:  took(130),
		peers:  map[string]map[fixLoad]*samples{"quickfixgo": {one: took(240)}},
	}
	r := b.report()
	for name, want := range map[string]float64{
		"over_raw_tcp_p50": 1.2, "over_raw_tcp_p50_1_1": 1.2, "over_raw_tcp_p50_64_256": 5, "replicated_over_unreplicated_p50": 120.0 / 110,
		"replicated_over_unreplicated_p50_64_256": 2, "quickfixgo_over_ours_p50": 2, "over_raw_tcp_working_p50": 1.25, "line_heard_over_raw_tcp_p50": 1.3,
	} {
		if r.Ratios[name] != want {
			t.Errorf("%s is %v, want %v", name, r.Ratios[name], want)
		}
	}
	if len(r.Floors) != 4+1 || len(r.Peers) != 1 || len(r.Figures) != 8+1+2 {
		t.Errorf("%d floors, %d peers, %d figures", len(r.Floors), len(r.Peers), len(r.Figures))
	}
}
