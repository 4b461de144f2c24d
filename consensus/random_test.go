package consensus

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"exchange/rdmaio"
	"exchange/rdmaio/sim"
)

type world struct {
	t     *testing.T
	seed  uint64
	net   *sim.Network
	rng   *rand.Rand
	n     int
	nodes []*Node // by id
	inc   []uint64
	alive []bool
	until []int64 // paused until
	// streams: payload by index, as applied by anyone
	truth  map[uint64]string
	chain  map[uint64]uint32
	got    []uint64 // last index applied by each
	need   []bool   // waits for a state
	acked  map[string]uint64
	next   int
	cfg    func(id int) Config
	last   int64
	trace  bool
	handed int // hand-overs begun
}

func newWorld(t *testing.T, seed uint64, n int) *world {
	w := &world{t: t, seed: seed, n: n, rng: rand.New(rand.NewPCG(seed, 7)), truth: map[uint64]string{}, chain: map[uint64]uint32{}, acked: map[string]uint64{},
		nodes: make([]*Node, n+1), inc: make([]uint64, n+1), alive: make([]bool, n+1), until: make([]int64, n+1), got: make([]uint64, n+1), need: make([]bool, n+1)}
	w.net = sim.New(sim.Config{Seed: seed, MinLatency: 500, MaxLatency: 3000, MinNotice: 50_000, MaxNotice: 200_000, TornWrite: 0.3})
	for id := 1; id <= n; id++ {
		w.start(id)
	}
	return w
}

func (w *world) start(id int) {
	w.inc[id]++
	cfg := Config{Local: rdmaio.NodeID(id), Incarnation: w.inc[id], Learner: w.inc[id] > 1, LogBytes: 1 << 14, MaxPayload: 512, WindowBytes: 4096, HeartbeatInterval: 50_000, CommitPush: 10_000, MaxLogPin: 3_000_000}
	for m := 1; m <= w.n; m++ {
		cfg.Members = append(cfg.Members, rdmaio.NodeID(m))
	}
	node, err := New(cfg, w.net.Provider(rdmaio.NodeID(id), w.inc[id]))
	if err != nil {
		w.t.Fatal(err)
	}
	w.nodes[id], w.alive[id], w.until[id] = node, true, 0
	w.got[id], w.need[id] = 0, w.inc[id] > 1
}

func (w *world) poll(id int) {
	if !w.alive[id] || w.net.Now() < w.until[id] {
		return
	}
	n := w.nodes[id]
	n.Poll(w.net.Now())
	for range w.rng.IntN(8) {
		e, ok := n.Next()
		if !ok {
			break
		}
		if e.Index != w.got[id]+1 {
			w.t.Fatalf("seed %d: node %d applied %d after %d", w.seed, id, e.Index, w.got[id])
		}
		w.got[id] = e.Index
		p := string(e.Payload)
		if was, ok := w.truth[e.Index]; ok && was != p {
			w.t.Fatalf("seed %d: node %d index %d: %q, another had %q", w.seed, id, e.Index, p, was)
		}
		w.truth[e.Index] = p
		if was, ok := w.chain[e.Index]; ok && was != e.After().Chain {
			w.t.Fatalf("chain differs")
		}
		w.chain[e.Index] = e.After().Chain
		w.last = w.net.Now()
	}
	for _, e := range n.AppendEvents(nil) {
		if w.trace {
			fmt.Printf("%10d  n%d %v peer=%d role=%v %s\n", w.net.Now(), id, e.Kind, e.Peer, e.Role, e.Reason)
		}
		if e.Kind == SnapshotNeeded {
			w.need[id] = true
		}
	}
	if w.need[id] {
		for m := 1; m <= w.n; m++ {
			if m != id && w.alive[m] && !w.need[m] && w.net.Now() >= w.until[m] && w.nodes[m].applied.Index == w.got[m] {
				if err := n.InstallSnapshot(w.nodes[m].applied); err == nil {
					w.got[id], w.need[id] = w.got[m], false
					break
				}
			}
		}
	}
	if n.Leading() && w.rng.IntN(3) == 0 {
		for range 1 + w.rng.IntN(3) {
			w.next++
			b := fmt.Appendf(nil, "v%d-%0*d", w.next, w.rng.IntN(300), 0)
			_, _ = n.Propose(b)
		}
	}
}

func (w *world) run(until int64) {
	for w.net.Now() < until {
		for id := 1; id <= w.n; id++ {
			w.poll(id)
		}
		w.net.RunUntil(w.net.Now() + 1000 + w.rng.Int64N(4000))
	}
}

func (w *world) voters() (k int) {
	for id := 1; id <= w.n; id++ {
		if w.alive[id] && w.nodes[id].voter {
			k++
		}
	}
	return k
}

// runSeed tells how many hand-overs were begun.
func runSeed(t *testing.T, seed uint64, n int, trace bool) int {
	w := newWorld(t, seed, n)
	w.trace = trace
	say := func(f string, a ...any) {
		if trace {
			fmt.Printf("%10d  ", w.net.Now())
			fmt.Printf(f+"\n", a...)
		}
	}
	for range 30 {
		w.run(w.net.Now() + 200_000 + w.rng.Int64N(3_000_000))
		id := 1 + w.rng.IntN(n)
		switch w.rng.IntN(8) {
		case 0, 1:
			if w.alive[id] && (w.voters() > n/2+1 || !w.nodes[id].voter) {
				say("crash %d", id)
				w.alive[id] = false
				w.net.Crash(rdmaio.NodeID(id))
			}
		case 2, 3:
			if !w.alive[id] {
				say("restart %d", id)
				w.start(id)
			}
		case 4:
			w.until[id] = w.net.Now() + w.rng.Int64N(5_000_000)
			say("pause %d until %d", id, w.until[id])
		case 5:
			m := 1 + w.rng.IntN(n)
			if m != id {
				say("cut %d %d", id, m)
				if w.rng.IntN(2) == 0 {
					w.net.Partition(rdmaio.NodeID(id), rdmaio.NodeID(m))
				} else {
					w.net.PartitionOneWay(rdmaio.NodeID(id), rdmaio.NodeID(m))
				}
			}
		case 6:
			say("heal")
			w.net.HealAll()
		case 7:
			if w.alive[id] {
				say("hand over to %d", id)
				for m := 1; m <= n; m++ {
					if w.alive[m] && w.nodes[m].HandOver(rdmaio.NodeID(id)) == nil {
						w.handed++
					}
				}
			}
		}
	}
	w.net.HealAll()
	say("heal all, settle")
	for id := 1; id <= n; id++ {
		if !w.alive[id] {
			say("restart %d", id)
			w.start(id)
		}
		w.until[id] = 0
	}
	before := len(w.truth)
	w.run(w.net.Now() + 60_000_000)
	if len(w.truth) < before+20 {
		for id := 1; id <= n; id++ {
			fmt.Printf("node %d: %+v need=%v\n", id, w.nodes[id].Status(), w.need[id])
			for _, p := range w.nodes[id].peers {
				fmt.Printf("   peer %d alive=%v score=%d state=%d asked=%x counts=%v fresh=%+v bg=%v log=%v sent=%d acked=%d\n", p.id, p.alive, p.score, p.state, p.asked, p.counts, p.fresh, p.background.State(), p.log.State(), p.sent, p.acked)
			}
			fmt.Printf("   phase %d read %v draining %v end %+v\n", w.nodes[id].lead.phase, w.nodes[id].allRead(), w.nodes[id].lead.draining, w.nodes[id].lead.end)
		}
		t.Fatalf("seed %d: no progress at the end: %d entries before, %d after", seed, before, len(w.truth))
	}
	for id := 1; id <= n; id++ {
		if !w.nodes[id].voter {
			t.Fatalf("seed %d: node %d is not a voter at the end: %+v", seed, id, w.nodes[id].Status())
		}
		if w.got[id]+200 < uint64(len(w.truth)) {
			t.Errorf("seed %d: node %d is at %d of %d", seed, id, w.got[id], len(w.truth))
		}
	}
	return w.handed
}

func TestRandom(t *testing.T) {
	handed := 0
	for seed := uint64(1); seed <= randomSeeds; seed++ {
		handed += runSeed(t, seed, 3, false)
		if seed%4 == 0 {
			handed += runSeed(t, seed, 5, false)
		}
	}
	if handed < randomSeeds {
		t.Errorf("%d hand-overs in %d seeds: they are hardly tested", handed, randomSeeds)
	}
}
