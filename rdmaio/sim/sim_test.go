package sim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"testing"

	"exchange/rdmaio"
)

// process is a provider with one region, its pairs and everything it was told.
type process struct {
	*Provider
	mem    []byte
	local  []byte
	cq     rdmaio.CompletionQueue
	pair   map[rdmaio.NodeID]rdmaio.QueuePair
	done   []rdmaio.Completion
	events []rdmaio.AsyncEvent
}

func start(t testing.TB, p *Provider, peers ...rdmaio.NodeID) *process {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := p.Register(0, 4096)
	must(err)
	local, err := p.AllocLocal(4096)
	must(err)
	cq, err := p.CreateCQ(256)
	must(err)
	out := &process{Provider: p, mem: r.Bytes(), local: local, cq: cq, pair: map[rdmaio.NodeID]rdmaio.QueuePair{}}
	for _, id := range peers {
		qp, err := p.Connect(id, 0, cq)
		must(err)
		out.pair[id] = qp
	}
	return out
}

func (p *process) poll() {
	var c [16]rdmaio.Completion
	for k := p.cq.Poll(c[:]); k > 0; k = p.cq.Poll(c[:]) {
		p.done = append(p.done, c[:k]...)
	}
	var e [16]rdmaio.AsyncEvent
	p.events = append(p.events, e[:p.PollAsync(e[:])]...)
}

// group starts processes 1..size, all connected with all, and waits until they are ready.
func group(t testing.TB, n *Network, size rdmaio.NodeID) []*process {
	t.Helper()
	ps := make([]*process, size+1)
	for id := rdmaio.NodeID(1); id <= size; id++ {
		var peers []rdmaio.NodeID
		for other := rdmaio.NodeID(1); other <= size; other++ {
			if other != id {
				peers = append(peers, other)
			}
		}
		ps[id] = start(t, n.Provider(id, 1), peers...)
	}
	for n.Step() {
	}
	for id := rdmaio.NodeID(1); id <= size; id++ {
		ps[id].poll()
		for peer, qp := range ps[id].pair {
			if qp.State() != rdmaio.StateReady {
				t.Fatalf("pair %d to %d is in state %d", id, peer, qp.State())
			}
		}
	}
	return ps
}

func grant(t testing.TB, qp rdmaio.QueuePair, a rdmaio.Access) {
	t.Helper()
	if err := qp.ModifyAccess(a); err != nil {
		t.Fatal(err)
	}
}

func post(t testing.TB, qp rdmaio.QueuePair, id, offset uint64, local []byte) {
	t.Helper()
	if err := qp.PostSend(&rdmaio.WorkRequest{ID: id, Opcode: rdmaio.Write, RemoteOffset: offset, Local: local}); err != nil {
		t.Fatal(err)
	}
}

var wan = Config{MinLatency: 1000, MaxLatency: 50_000, MinNotice: 100_000, MaxNotice: 300_000, TornWrite: 0.5}

func TestWriteIsPlacedLater(t *testing.T) {
	n := New(wan)
	ps := group(t, n, 2)
	grant(t, ps[2].pair[1], rdmaio.RemoteWrite)
	copy(ps[1].local, "sixteen bytes ok")
	post(t, ps[1].pair[2], 7, 32, ps[1].local[:16])
	if !bytes.Equal(ps[2].mem[32:48], make([]byte, 16)) {
		t.Fatal("the write was placed when it was posted")
	}
	for n.Step() {
	}
	ps[1].poll()
	if got := string(ps[2].mem[32:48]); got != "sixteen bytes ok" {
		t.Errorf("placed %q", got)
	}
	want := rdmaio.Completion{ID: 7, Peer: 2, PD: 0, Opcode: rdmaio.Write, Status: rdmaio.Success}
	if len(ps[1].done) != 1 || ps[1].done[0] != want {
		t.Errorf("completions %v, want %v", ps[1].done, want)
	}
}

// busyRun drives three processes that write to each other through faults, and hashes all that can be seen.
func busyRun(t *testing.T, seed uint64) uint64 {
	cfg := wan
	cfg.Seed = seed
	n := New(cfg)
	ps := group(t, n, 3)
	h := fnv.New64a()
	word := make([]byte, 24)
	next := rdmaio.NodeID(1)
	for step := range 2000 {
		from := next
		to := from%3 + 1
		next = to
		if !n.Alive(from) {
			continue
		}
		qp := ps[from].pair[to]
		switch {
		case step%97 == 0:
			n.PartitionOneWay(from, to)
		case step%97 == 40:
			n.HealAll()
		case step == 1500:
			n.Crash(from)
			continue
		case step%5 == 0:
			_ = qp.ModifyAccess(rdmaio.Access(step / 5 % 4))
		}
		if qp.State() == rdmaio.StateError {
			_ = qp.Reset()
		}
		binary.LittleEndian.PutUint64(word, uint64(step))
		copy(word[16:], word[:8])
		_ = qp.PostSend(&rdmaio.WorkRequest{ID: uint64(step), Opcode: rdmaio.Write, RemoteOffset: uint64(step) % 4000, Local: word})
		n.RunUntil(n.Now() + 3000)
		ps[from].poll()
	}
	for _, p := range ps[1:] {
		fmt.Fprint(h, p.done, p.events, p.mem)
	}
	return h.Sum64()
}

func TestSameSeedSameRun(t *testing.T) {
	seen := map[uint64]bool{}
	for seed := range uint64(8) {
		first, second := busyRun(t, seed), busyRun(t, seed)
		if first != second {
			t.Errorf("seed %d gave two runs: %x and %x", seed, first, second)
		}
		seen[first] = true
	}
	if len(seen) < 8 {
		t.Errorf("8 seeds gave only %d different runs", len(seen))
	}
}

func TestCrashIsToldAndNothingLandsAfterwards(t *testing.T) {
	landed, torn := 0, 0
	for seed := range uint64(300) {
		cfg := wan
		cfg.Seed, cfg.MinNotice, cfg.MaxNotice = seed, 0, 60_000 // often sooner than the writes in flight
		n := New(cfg)
		ps := group(t, n, 3)
		grant(t, ps[2].pair[1], rdmaio.RemoteWrite)
		for i := range ps[1].local {
			ps[1].local[i] = 0xff
		}
		post(t, ps[1].pair[2], 1, 0, ps[1].local[:64])
		n.Crash(1)
		told := false
		var then [64]byte
		for n.Step() {
			ps[2].poll()
			ps[3].poll()
			if !told && len(ps[2].events)+len(ps[3].events) > 4 {
				told = true
				copy(then[:], ps[2].mem)
			}
		}
		if !told {
			t.Fatalf("seed %d: nobody was told", seed)
		}
		if last := ps[2].events[len(ps[2].events)-1]; last != (rdmaio.AsyncEvent{Kind: rdmaio.PeerDown, Peer: 1, Incarnation: 1}) {
			t.Fatalf("seed %d: last event %v", seed, last)
		}
		if !bytes.Equal(then[:], ps[2].mem[:64]) {
			t.Fatalf("seed %d: the dead wrote after it was told dead", seed)
		}
		switch count := bytes.Count(then[:], []byte{0xff}); {
		case count == 64:
			landed++
		case count > 0:
			torn++
		}
		if ps[2].pair[1].State() != rdmaio.StateError {
			t.Fatalf("seed %d: pair to the dead in state %d", seed, ps[2].pair[1].State())
		}
	}
	if landed == 0 || torn == 0 || landed+torn == 300 {
		t.Errorf("of 300 writes in flight %d landed and %d in part: some of each and some lost are expected", landed, torn)
	}
}

func TestPartitionGivesRetryExceededAndHealResets(t *testing.T) {
	for _, oneWay := range []string{"there", "back", "both"} {
		n := New(wan)
		ps := group(t, n, 2)
		grant(t, ps[2].pair[1], rdmaio.RemoteWrite)
		switch oneWay {
		case "there":
			n.PartitionOneWay(1, 2)
		case "back":
			n.PartitionOneWay(2, 1)
		case "both":
			n.Partition(1, 2)
		}
		copy(ps[1].local, "w")
		post(t, ps[1].pair[2], 1, 0, ps[1].local[:1])
		post(t, ps[1].pair[2], 2, 1, ps[1].local[:1])
		from := n.Now()
		for n.Step() {
		}
		ps[1].poll()
		if len(ps[1].done) != 2 || ps[1].done[0].Status != rdmaio.RetryExceeded || ps[1].done[1].Status != rdmaio.Flushed {
			t.Fatalf("%s: completions %v", oneWay, ps[1].done)
		}
		if took := n.Now() - from; took < DefaultRetryTime {
			t.Errorf("%s: gave up after %d ns", oneWay, took)
		}
		if placed := ps[2].mem[0] == 'w'; placed != (oneWay == "back") {
			t.Errorf("%s: placed: %v", oneWay, placed)
		}
		if err := ps[1].pair[2].Reset(); err != nil {
			t.Fatal(err)
		}
		for n.Step() {
		}
		if s := ps[1].pair[2].State(); s != rdmaio.StateInit {
			t.Fatalf("%s: state %d while cut", oneWay, s)
		}
		n.Heal(1, 2)
		for n.Step() {
		}
		post(t, ps[1].pair[2], 3, 2, ps[1].local[:1])
		for n.Step() {
		}
		ps[1].poll()
		if ps[2].mem[2] != 'w' || ps[1].done[2].Status != rdmaio.Success {
			t.Errorf("%s: after Heal and Reset: %v", oneWay, ps[1].done[2:])
		}
	}
}

func TestShortCutIsRetransmitted(t *testing.T) {
	n := New(wan)
	ps := group(t, n, 2)
	grant(t, ps[2].pair[1], rdmaio.RemoteWrite)
	n.Partition(1, 2)
	post(t, ps[1].pair[2], 1, 0, []byte{1})
	n.RunUntil(n.Now() + DefaultRetryTime/2)
	n.Heal(1, 2)
	for n.Step() {
	}
	ps[1].poll()
	if len(ps[1].done) != 1 || ps[1].done[0].Status != rdmaio.Success {
		t.Errorf("completions %v", ps[1].done)
	}
}

// TestRevocationRacesWithWrites revokes at every moment of a write's way: what had been placed by then stays, nothing follows,
// and a write not placed in full is refused.
func TestRevocationRacesWithWrites(t *testing.T) {
	whole, part, none := 0, 0, 0
	for seed := range uint64(400) {
		cfg := wan
		cfg.Seed = seed
		n := New(cfg)
		ps := group(t, n, 2)
		grant(t, ps[2].pair[1], rdmaio.RemoteWrite)
		for i := range ps[1].local {
			ps[1].local[i] = 0xff
		}
		post(t, ps[1].pair[2], 1, 0, ps[1].local[:64])
		n.RunUntil(n.Now() + int64(seed)*200)
		grant(t, ps[2].pair[1], 0)
		then := bytes.Count(ps[2].mem[:64], []byte{0xff})
		for n.Step() {
		}
		ps[1].poll()
		status := ps[1].done[0].Status
		if now := bytes.Count(ps[2].mem[:64], []byte{0xff}); now != then {
			t.Fatalf("seed %d: %d bytes at the revocation, %d later", seed, then, now)
		}
		switch {
		case then == 64:
			whole++
			continue
		case then == 0:
			none++
		default:
			part++
		}
		if status != rdmaio.RemoteAccessError || ps[1].pair[2].State() != rdmaio.StateError {
			t.Fatalf("seed %d: %d bytes placed, status %d, state %d", seed, then, status, ps[1].pair[2].State())
		}
	}
	if whole == 0 || part == 0 || none == 0 {
		t.Errorf("whole %d, part %d, none %d: the race was not run", whole, part, none)
	}
}

func TestRestartMeetsWithoutRights(t *testing.T) {
	for _, notice := range []bool{true, false} {
		n := New(wan)
		ps := group(t, n, 2)
		grant(t, ps[2].pair[1], rdmaio.RemoteWrite|rdmaio.RemoteRead)
		grant(t, ps[1].pair[2], rdmaio.RemoteWrite)
		post(t, ps[2].pair[1], 1, 0, []byte{9})
		for n.Step() {
		}
		if notice {
			n.Crash(1)
		} else {
			n.CrashUnnoticed(1)
		}
		for n.Step() {
		}
		ps[2].poll()
		if down := len(ps[2].events) == 2; down != notice {
			t.Fatalf("notice %v: events %v", notice, ps[2].events)
		}
		again := start(t, n.Restart(1, 2), 2)
		for n.Step() {
		}
		ps[2].poll()
		want := []rdmaio.AsyncEvent{{Kind: rdmaio.PeerUp, Peer: 1, Incarnation: 1}, {Kind: rdmaio.PeerDown, Peer: 1, Incarnation: 1}, {Kind: rdmaio.PeerUp, Peer: 1, Incarnation: 2}}
		if fmt.Sprint(ps[2].events) != fmt.Sprint(want) {
			t.Fatalf("notice %v: events %v", notice, ps[2].events)
		}
		if ps[2].pair[1].State() != rdmaio.StateError || again.pair[2].State() != rdmaio.StateInit {
			t.Fatalf("states %d and %d before the Reset", ps[2].pair[1].State(), again.pair[2].State())
		}
		if again.mem[0] != 0 {
			t.Error("the memory came back")
		}
		if err := ps[2].pair[1].Reset(); err != nil {
			t.Fatal(err)
		}
		for n.Step() {
		}
		if ps[2].pair[1].Access() != 0 || ps[2].pair[1].PeerIncarnation() != 2 {
			t.Errorf("access %d for incarnation %d", ps[2].pair[1].Access(), ps[2].pair[1].PeerIncarnation())
		}
		post(t, again.pair[2], 1, 0, []byte{1})
		for n.Step() {
		}
		again.poll()
		if again.done[0].Status != rdmaio.RemoteAccessError {
			t.Errorf("a new incarnation wrote: %v", again.done)
		}
	}
}

func TestUnfencedRevocationKeepsTheRight(t *testing.T) {
	n := New(Config{})
	ps := group(t, n, 2)
	grant(t, ps[2].pair[1], rdmaio.RemoteWrite)
	n.Unfence(2, 1, true)
	if err := ps[2].pair[1].ModifyAccess(0); err != rdmaio.ErrNotFenced || ps[2].pair[1].Access() != rdmaio.RemoteWrite {
		t.Errorf("%v, access %d", err, ps[2].pair[1].Access())
	}
}

func TestPostAllocatesNothing(t *testing.T) {
	n := New(Config{MinLatency: 10, MaxLatency: 20})
	ps := group(t, n, 2)
	grant(t, ps[2].pair[1], rdmaio.RemoteWrite)
	wr := rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: ps[1].local[:64]}
	var c [4]rdmaio.Completion
	allocs := testing.AllocsPerRun(1000, func() {
		if err := ps[1].pair[2].PostSend(&wr); err != nil {
			t.Fatal(err)
		}
		for ps[1].cq.Poll(c[:]) == 0 {
			n.Step()
		}
	})
	if allocs != 0 {
		t.Errorf("a write allocates %v times", allocs)
	}
}
