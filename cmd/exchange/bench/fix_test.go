package bench

import (
	"bufio"
	"io"
	"strings"
	"testing"
)

// TestFloorTakesManyConnections: the floor answers as many bytes with as many on each of its connections, at the same time.
func TestFloorTakesManyConnections(t *testing.T) {
	in, _ := io.Pipe() // never ends: the end of it would end the process
	out, told := io.Pipe()
	go func() { _ = Echo(150, 200, in, told) }()
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
		peers:  map[string]map[fixLoad]*samples{"quickfixgo": {one: took(240)}},
	}
	r := b.report()
	for name, want := range map[string]float64{
		"over_raw_tcp_p50": 1.2, "over_raw_tcp_p50_1_1": 1.2, "over_raw_tcp_p50_64_256": 5, "replicated_over_unreplicated_p50": 120.0 / 110,
		"replicated_over_unreplicated_p50_64_256": 2, "quickfixgo_over_ours_p50": 2,
	} {
		if r.Ratios[name] != want {
			t.Errorf("%s is %v, want %v", name, r.Ratios[name], want)
		}
	}
	if len(r.Floors) != 4 || len(r.Peers) != 1 || len(r.Figures) != 8+2 {
		t.Errorf("%d floors, %d peers, %d figures", len(r.Floors), len(r.Peers), len(r.Figures))
	}
}
