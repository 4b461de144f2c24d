package consensus

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"exchange/rdmaio"
)

// The background plane (section 5 of the paper).

// Section 3.1: two planes, each with its own pairs and memory. Through the background pair, which anyone may write at any time, the log cannot be
// reached; through the log pair only its holder WRITEs.
func TestPaperTwoPlanes(t *testing.T) {
	s, _ := metered(t, 3, calmFabric(), nil)
	for id := 2; id <= 3; id++ {
		for _, p := range s.nodes[id].peers {
			if p.background.RemoteSize() != backgroundSize || p.background.Access() != rdmaio.RemoteRead|rdmaio.RemoteWrite {
				t.Errorf("replica %d, peer %d: background region of %d bytes, access %d", id, p.id, p.background.RemoteSize(), p.background.Access())
			}
			want := rdmaio.RemoteRead
			if p.id == 1 {
				want |= rdmaio.RemoteWrite
			}
			if p.log.Access() != want {
				t.Errorf("replica %d lets %d do %d to its log, want %d", id, p.id, p.log.Access(), want)
			}
		}
	}
	// 2 WRITEs into the log of 3 without holding it.
	n, p := s.nodes[2], s.nodes[2].byID[3]
	if !n.writeLogWord(p, logStartBytes, 42, op{kind: opSmall}) {
		t.Fatal("not posted")
	}
	s.run(10 * time.Microsecond)
	if load(s.nodes[3].log.ring, 0) != 0 {
		t.Error("written without the right to")
	}
}

// Section 5.1, pull-score: a READ that sees the counter unchanged costs a point, of 15 at most; below 2 is failed, above 6 is alive again.
func TestPaperPullScore(t *testing.T) {
	s, _ := metered(t, 3, calmFabric(), nil)
	s.run(2 * time.Millisecond)
	p := s.nodes[3].byID[1]
	if p.score != scoreMax {
		t.Fatalf("score %d of one that lives", p.score)
	}
	s.asleep[1] = true
	start := s.net.Now()
	s.must("failed", 10*time.Millisecond, func() bool { return !p.alive })
	if p.score != 1 {
		t.Errorf("failed with score %d, want 1", p.score)
	}
	if reads := (s.net.Now() - start) / s.nodes[3].cfg.HeartbeatInterval; reads < 13 || reads > 16 {
		t.Errorf("failed after %d READs, want about 14", reads)
	}
	s.run(5 * time.Millisecond)
	if p.score != 0 {
		t.Errorf("score %d after a long silence", p.score)
	}
	s.asleep[1] = false
	s.must("alive", 10*time.Millisecond, func() bool { return p.alive })
	if p.score != 7 {
		t.Errorf("alive again with score %d, want 7", p.score)
	}
}

// Section 5.1: a slow network slows the READs down, and does not look like a death.
func TestPaperASlowNetworkIsNoDeath(t *testing.T) {
	s, _ := metered(t, 3, calmFabric(), nil)
	for id := rdmaio.NodeID(2); id <= 3; id++ { // a round trip is 20 heartbeat intervals
		s.net.SetDelay(1, id, 500_000)
		s.net.SetDelay(id, 1, 500_000)
	}
	elections := s.nodes[2].stats.Elections
	s.run(50 * time.Millisecond)
	if !s.leads(1, 2) || s.nodes[2].stats.Elections != elections || !s.nodes[2].byID[1].alive {
		t.Errorf("taken for dead:\n%s", s.statuses())
	}
}

// Section 5.1, fate sharing: the loop that replicates is the one that counts. If it stands still, so does the counter, however well the memory answers.
func TestPaperFateSharing(t *testing.T) {
	s, _ := metered(t, 3, calmFabric(), nil)
	s.asleep[1] = true
	counter := load(s.nodes[1].background, wordCounter)
	s.must("another leads", 5*time.Millisecond, func() bool { return s.nodes[2].Leading() })
	if now := load(s.nodes[1].background, wordCounter); now != counter {
		t.Errorf("the counter of one that stands still went from %d to %d", counter, now)
	}
	if s.nodes[2].byID[1].background.State() != rdmaio.StateReady {
		t.Error("its memory did not answer")
	}
}

// Section 5.2: at most one may write a log. An owner takes the right from the old holder before it gives it to the next, and the old one's WRITEs fail
// from then on. Here leaders stop and wake up fifty times, with proposals of both on their way.
func TestPaperOneWriterPerLog(t *testing.T) {
	s, m := metered(t, 3, calmFabric(), nil)
	m[1].rights, m[2].rights, m[3].rights = nil, nil, nil
	writes := map[[2]int]bool{}
	for id := 2; id <= 3; id++ {
		writes[[2]int{id, 1}] = true
	}
	for round := range 50 {
		leader := 0
		s.must("a leader", 20*time.Millisecond, func() bool {
			for id := 1; id <= 3; id++ {
				if n := s.nodes[id]; n.Leading() && !n.lead.draining {
					leader = id
				}
			}
			return leader != 0
		})
		_, _ = s.nodes[leader].Propose([]byte(fmt.Sprint("on its way ", round)))
		s.asleep[leader] = true
		s.must("another leader", 20*time.Millisecond, func() bool {
			for id := 1; id <= 3; id++ {
				if id != leader && s.nodes[id].Leading() {
					return true
				}
			}
			return false
		})
		_, _ = s.nodes[leader].Propose([]byte(fmt.Sprint("stale ", round)))
		s.asleep[leader] = false
		s.run(500 * time.Microsecond)
	}
	denied := uint64(0)
	for owner := 1; owner <= 3; owner++ {
		denied += s.nodes[owner].stats.Denied
		for _, r := range m[owner].rights {
			if r.pd != logPD {
				continue
			}
			writes[[2]int{owner, int(r.peer)}] = r.access&rdmaio.RemoteWrite != 0
			holders := 0
			for peer := 1; peer <= 3; peer++ {
				if writes[[2]int{owner, peer}] {
					holders++
				}
			}
			if holders > 1 {
				t.Fatalf("%d replicas may write the log of %d", holders, owner)
			}
		}
	}
	if denied == 0 {
		t.Error("no stale WRITE was denied: the situation did not come about")
	}
}

// Section 5.2, the permission request array: an owner answers requests one at a time, in the order of the requesters' ids.
func TestPaperRequestsInOrderOfIDs(t *testing.T) {
	s, m := metered(t, 5, calmFabric(), nil)
	owner := s.nodes[5]
	owner.holder = 0
	if err := owner.byID[1].log.ModifyAccess(rdmaio.RemoteRead); err != nil {
		t.Fatal(err)
	}
	m[5].rights = nil
	for _, asker := range []rdmaio.NodeID{4, 2, 3} {
		store(owner.background, requestAt(asker), owner.served[asker]+1)
	}
	var order []rdmaio.NodeID
	for range 10 {
		owner.now += owner.cfg.HeartbeatInterval
		owner.servePermissions()
	}
	for _, r := range m[5].rights {
		if r.pd == logPD && r.access&rdmaio.RemoteWrite != 0 {
			order = append(order, r.peer)
		}
	}
	if fmt.Sprint(order) != "[2 3 4]" {
		t.Errorf("granted in the order %v, want [2 3 4]", order)
	}
}

// Section 5.3, log recycling: the leader writes over nothing that a confirmed follower has not applied, and over everything that all have.
func TestPaperRecycling(t *testing.T) {
	s, _ := metered(t, 3, calmFabric(), func(c *Config) { c.MaxLogPin, c.CommitPush = int64(time.Hour), 10_000 })
	s.holds[3] = true
	first := s.propose(1, "the first entry")
	s.run(100 * time.Microsecond)
	before := bytes.Clone(s.nodes[3].log.at(0)[:first.Offset])
	busy := 0
	for k := 0; busy < 100; k++ {
		if k > 10_000 {
			t.Fatal("never busy: entries that were not applied must have been written over")
		}
		if _, err := s.nodes[1].Propose(make([]byte, 100)); err == ErrBusy {
			busy++
			s.turn()
		} else if err != nil {
			t.Fatal(err)
		}
	}
	n := s.nodes[1]
	if used := n.lead.end.Offset; used > uint64(n.cfg.LogBytes) || used < uint64(n.cfg.LogBytes)/2 {
		t.Errorf("%d bytes of a log of %d used", used, n.cfg.LogBytes)
	}
	if !bytes.Equal(before, s.nodes[3].log.at(0)[:first.Offset]) {
		t.Error("an entry that replica 3 has not applied was written over")
	}
	s.holds[3] = false
	for done := 0; done < 1000; {
		if _, err := n.Propose(make([]byte, 100)); err == nil {
			done++
		} else {
			s.turn()
		}
	}
	s.run(100 * time.Microsecond)
	if laps := n.fuo.Offset / uint64(n.cfg.LogBytes); laps < 5 || s.states[3].Index != s.states[1].Index {
		t.Errorf("%d laps, applied %v", laps, s.states[1:])
	}
}

// Section 5.3: a new leader takes no entry of an earlier lap for one of its own: what lies behind the end is as good as empty. The paper zeroes what it
// recycles; here an entry says at which offset it stands.
func TestPaperAnEarlierLapIsEmpty(t *testing.T) {
	s, _ := metered(t, 3, calmFabric(), func(c *Config) { c.CommitPush = 10_000 })
	for done := 0; done < 777; {
		if _, err := s.nodes[1].Propose(make([]byte, 80)); err == nil {
			done++
		} else {
			s.turn()
		}
	}
	s.run(100 * time.Microsecond)
	s.crash(1)
	s.must("2 leads", 10*time.Millisecond, func() bool { return s.nodes[2].Leading() })
	if n := s.nodes[2]; n.lead.end.Index != 777 || n.stats.Adopted != 0 {
		t.Errorf("leads with its end at %d, %d entries adopted: want 777 and none", n.lead.end.Index, n.stats.Adopted)
	}
}

// Section 5.2: an answer may be long on its way, and the log have gone to another since. Who gets it READs the owner's record, and does not take it for granted.
func TestPaperALateAnswerIsNotBelieved(t *testing.T) {
	s, _ := metered(t, 3, calmFabric(), nil)
	s.crash(1)
	s.must("2 asks", 5*time.Millisecond, func() bool { return s.nodes[2].role == Candidate && s.nodes[2].byID[3].asked != 0 })
	s.net.SetDelay(3, 2, 20_000)
	owner := s.nodes[3]
	s.must("3 grants", time.Millisecond, func() bool { return owner.holder == 2 })
	if !owner.revoke(3) { // it stands itself, before 2 has the answer
		t.Fatal("not revoked")
	}
	store(owner.background, wordHolder, 0)
	s.asleep[3] = true
	s.run(200 * time.Microsecond)
	if s.nodes[2].Leading() || s.nodes[2].byID[3].state == confirmed || s.nodes[2].stats.Denied != 0 || s.nodes[2].stats.Dropped == 0 {
		t.Errorf("the late answer was believed:\n%s", s.statuses())
	}
	s.asleep[3] = false
	s.must("2 leads after asking again", 5*time.Millisecond, func() bool { return s.nodes[2].Leading() })
}
