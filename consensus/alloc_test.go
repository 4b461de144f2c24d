package consensus

import (
	"testing"
	"time"
)

// Nothing is allocated for a command: not by Propose, not by the Polls that bring it to a decision, not by the followers that look at their logs and hand it
// out, and not by heartbeats, commit pushes and recycling meanwhile, over many laps of the log. One turn in the count is one Poll of all.
func TestACommandAllocatesNothing(t *testing.T) {
	for _, size := range []int{3, 5} {
		commandsAllocateNothing(t, size)
	}
}

func commandsAllocateNothing(t *testing.T, size int) {
	s := newStage(t, size, calmFabric(), func(int) Config { return smallConfig() })
	s.startAll()
	s.must("a leader", 20*time.Millisecond, func() bool { return s.leads(1, size-1) && !s.nodes[1].lead.draining })
	payload := make([]byte, 100)
	proposed, applied := 0, make([]uint64, size+1)
	commands := func(k int) {
		for done := proposed + k; proposed < done; {
			if _, err := s.nodes[1].Propose(payload); err == nil {
				proposed++
			} else if err != ErrBusy {
				t.Fatal(err)
			}
			if proposed%7 == 0 || proposed == done {
				for id := 1; id <= size; id++ {
					s.nodes[id].Poll(s.net.Now())
					for {
						e, ok := s.nodes[id].Next()
						if !ok {
							break
						}
						applied[id] = e.Index
					}
				}
				s.net.RunUntil(s.net.Now() + s.step)
			}
		}
	}
	commands(2000) // the fabric's own queues grow to their size
	laps := s.nodes[1].fuo.Offset / uint64(s.nodes[1].cfg.LogBytes)
	if allocs := testing.AllocsPerRun(1, func() { commands(5000) }); allocs != 0 {
		t.Errorf("%d replicas: %v allocations for 5000 commands", size, allocs)
	}
	if more := s.nodes[1].fuo.Offset/uint64(s.nodes[1].cfg.LogBytes) - laps; more < 50 {
		t.Errorf("the log was written over only %d times", more)
	}
	for id := 1; id <= size; id++ {
		if applied[id]+200 < uint64(proposed) {
			t.Errorf("replica %d has applied %d of %d", id, applied[id], proposed)
		}
	}
}

// A lone command and its whole way, one at a time: propose, decided at the leader, commit pushed, taken by both followers.
func TestALoneCommandAllocatesNothing(t *testing.T) {
	s := newStage(t, 3, calmFabric(), func(int) Config { return smallConfig() })
	s.startAll()
	s.must("a leader", 20*time.Millisecond, func() bool { return s.leads(1, 2) && !s.nodes[1].lead.draining })
	payload := make([]byte, 64)
	one := func() {
		at, err := s.nodes[1].Propose(payload)
		if err != nil {
			t.Fatal(err)
		}
		for turns := 0; s.nodes[1].applied.Offset < at.Offset || s.nodes[2].applied.Offset < at.Offset || s.nodes[3].applied.Offset < at.Offset; turns++ {
			if turns > 100 {
				t.Fatal("not applied everywhere")
			}
			for id := 1; id <= 3; id++ {
				s.nodes[id].Poll(s.net.Now())
				for _, ok := s.nodes[id].Next(); ok; _, ok = s.nodes[id].Next() {
				}
			}
			s.net.RunUntil(s.net.Now() + s.step)
		}
	}
	for range 500 {
		one()
	}
	if allocs := testing.AllocsPerRun(1, func() {
		for range 1000 {
			one()
		}
	}); allocs != 0 {
		t.Errorf("%v allocations for 1000 commands", allocs)
	}
}
