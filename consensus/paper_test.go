package consensus

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"exchange/rdmaio"
)

// One test for each claim of the paper: here the replication plane (section 4), in paper_background_test.go the background plane (section 5).

// Section 4, the steady state: a command is one WRITE to each follower and nothing else on the replication plane, and it is decided one round trip after it
// was proposed. No follower's processor takes part.
func TestPaperOneWriteRound(t *testing.T) {
	for _, size := range []int{3, 5} {
		fabric := calmFabric()
		fabric.MinLatency, fabric.MaxLatency = 1000, 1000
		s, m := metered(t, size, fabric, nil)
		s.step = 100
		for range 20 {
			start := s.net.Now()
			at := s.propose(1, "a command")
			s.must("decided", time.Millisecond, func() bool { return s.nodes[1].fuo == at })
			if took := s.net.Now() - start; took > 2000+2*s.step {
				t.Errorf("%d replicas: decided after %d ns, a round trip is 2000", size, took)
			}
		}
		if w, r := m[1].count(onLog(rdmaio.Write)), m[1].count(onLog(rdmaio.Read)); w != 20*(size-1) || r != 0 {
			t.Errorf("%d replicas, 20 commands: %d WRITEs and %d READs on the logs, want %d and 0", size, w, r, 20*(size-1))
		}
		for id := 2; id <= size; id++ {
			if k := m[id].count(func(p posted) bool { return p.pd == logPD || p.opcode == rdmaio.Write }); k != 0 {
				t.Errorf("follower %d posted %d requests for commands: %+v", id, k, m[id].posts)
			}
		}
	}
}

// Section 3: the followers' processors are idle. Not polled at all, they have the entries in their memory, and the leader decides them.
func TestPaperFollowersAreIdle(t *testing.T) {
	s, _ := metered(t, 3, calmFabric(), nil)
	s.asleep[2], s.asleep[3] = true, true
	var at Position
	for k := range 10 {
		at = s.propose(1, fmt.Sprint("command ", k))
		s.run(10 * time.Microsecond)
	}
	if s.nodes[1].fuo != at || s.states[1].Index != 10 {
		t.Fatalf("decided %+v, proposed up to %+v", s.nodes[1].fuo, at)
	}
	for id := 2; id <= 3; id++ {
		n := s.nodes[id]
		if n.fuo.Index != 0 || !bytes.Equal(n.log.at(0)[:at.Offset], s.nodes[1].log.at(0)[:at.Offset]) {
			t.Errorf("replica %d looked at its log, or its log is not the leader's", id)
		}
	}
	s.asleep[2], s.asleep[3] = false, false
	s.run(10 * time.Microsecond)
	if s.states[2].Index < 9 {
		t.Errorf("replica 2 woke up and has applied %d of the 9 that it can know of", s.states[2].Index)
	}
}

// Section 4, the proposal: nobody waits for all. Two of five that cannot be reached hold up neither a decision nor a change of leader.
func TestPaperAMajorityIsEnough(t *testing.T) {
	s, _ := metered(t, 5, calmFabric(), nil)
	for _, far := range []rdmaio.NodeID{4, 5} {
		for near := rdmaio.NodeID(1); near <= 3; near++ {
			s.net.Partition(near, far)
		}
	}
	at := s.propose(1, "with three")
	s.must("decided", 20*time.Microsecond, func() bool { return s.nodes[1].fuo == at })
	s.crash(1)
	s.must("no leader without a majority, as only 2 and 3 are left", time.Millisecond, func() bool { return s.nodes[2].role == Candidate })
	s.run(3 * time.Millisecond)
	if s.nodes[2].Leading() || s.nodes[3].Leading() {
		t.Fatal("two of five lead")
	}
	s.net.HealAll()
	s.must("a leader", 10*time.Millisecond, func() bool { return s.nodes[2].Leading() })
	s.must("the entry", 10*time.Millisecond, func() bool { return s.states[2].Index == 1 })
}

// Section 4, prepare: of several accepted values for one place the new leader proposes the one with the highest number. 5 holds one of the first leader, 4
// one of the second; the third sees both.
func TestPaperTheHighestAcceptedValueIsAdopted(t *testing.T) {
	s, _ := metered(t, 5, calmFabric(), nil)
	only := func(leader, at int) {
		for id := 1; id <= 5; id++ {
			if id != at && id != leader {
				s.net.SetDelay(rdmaio.NodeID(leader), rdmaio.NodeID(id), int64(time.Millisecond))
			}
		}
	}
	only(1, 5)
	s.propose(1, "the older")
	s.run(8 * time.Microsecond)
	s.crash(1)
	s.net.Partition(2, 5)
	s.must("2 leads", 10*time.Millisecond, func() bool { return s.nodes[2].Leading() })
	only(2, 4)
	s.propose(2, "the younger")
	s.run(8 * time.Microsecond)
	s.crash(2)
	s.net.HealAll()
	s.must("3 leads", 10*time.Millisecond, func() bool { return s.nodes[3].Leading() })
	s.propose(3, "of its own")
	s.run(100 * time.Microsecond)
	if s.values[1] != "the younger" || s.values[2] != "of its own" {
		t.Fatalf("decided %v, want the younger, then its own", s.values)
	}
}

// Section 4.2, followers commit in the background: an entry tells that the one before it is decided, so a follower applies i when i+1 comes, and
// without anything that follows when the commit offset is pushed.
func TestPaperCommitIsPiggybacked(t *testing.T) {
	s, m := metered(t, 3, calmFabric(), nil)
	applied := func(want uint64) {
		t.Helper()
		s.run(50 * time.Microsecond)
		if s.states[1].Index != want+1 || s.states[2].Index != want || s.states[3].Index != want {
			t.Fatalf("applied %v, want %d at the leader and %d at the followers", s.states[1:], want+1, want)
		}
	}
	for k := range uint64(5) {
		s.propose(1, fmt.Sprint("command ", k))
		applied(k)
	}
	if w := m[1].count(onLog(rdmaio.Write)); w != 10 {
		t.Errorf("%d WRITEs for 5 commands at 2 followers", w)
	}
	s.nodes[1].cfg.CommitPush = 10_000
	s.run(50 * time.Microsecond)
	if s.states[2].Index != 5 || s.states[3].Index != 5 {
		t.Errorf("applied %v after the push, want 5", s.states[1:])
	}
}

// Section 4.2 with several proposals in flight: what one follower holds is not decided, however much follows it, so it does not apply it; and when some of it
// is, it applies that much. Of three the leader waits for the completions of what 2 holds, of five for another follower. Then the leader dies with all of it
// under way, and the next one finds the end of what was accepted, and decides that, no more and no less.
func TestPaperNothingAboveTheCommitIsApplied(t *testing.T) {
	for _, size := range []int{3, 5} {
		s, _ := metered(t, size, calmFabric(), nil)
		if size == 3 {
			s.net.SetDelay(2, 1, int64(time.Millisecond)) // completions
		}
		for id := rdmaio.NodeID(3); int(id) <= size; id++ {
			s.net.SetDelay(1, id, int64(time.Millisecond))
		}
		for k := range 10 {
			s.propose(1, fmt.Sprint("in flight ", k))
		}
		s.run(100 * time.Microsecond)
		if n := s.nodes[2]; n.scan.Index != 10 || n.fuo.Index != 0 || s.states[1].Index != 0 {
			t.Fatalf("of %d, replica 2 holds %d entries, of which %d decided; the leader has applied %d", size, n.scan.Index, n.fuo.Index, s.states[1].Index)
		}
		s.net.SetDelay(2, 1, 0)
		for id := rdmaio.NodeID(3); int(id) <= size; id++ {
			s.net.SetDelay(1, id, 0)
		}
		s.must("all applied at the leader", 5*time.Millisecond, func() bool { return s.states[1].Index == 10 })
		s.propose(1, "tells how far")
		s.run(5 * time.Microsecond)
		if n := s.nodes[2]; n.scan.Index != 11 || s.states[2].Index != 10 {
			t.Errorf("of %d, replica 2 holds %d entries and has applied %d, want 11 and 10", size, n.scan.Index, s.states[2].Index)
		}
		for k := range 20 {
			s.propose(1, fmt.Sprint("at its death ", k))
		}
		s.step = 100
		s.run(600 * time.Nanosecond) // some have arrived somewhere
		s.crash(1)
		s.step = 2000
		s.must("another leads", 10*time.Millisecond, func() bool { return s.nodes[2].Leading() })
		end := s.nodes[2].lead.end.Index
		s.propose(2, "after")
		s.must("all that is left is decided", 5*time.Millisecond, func() bool { return s.states[2].Index == end+1 })
		s.nodes[2].cfg.CommitPush = 10_000
		s.run(time.Millisecond)
		for id := 3; id <= size; id++ {
			if s.states[id] != s.states[2] {
				t.Errorf("of %d, replica %d has applied up to %+v, the leader up to %+v", size, id, s.states[id], s.states[2])
			}
		}
	}
}

// Section 4.2, prepare is left out once a leader has found a place that is empty everywhere, and comes back with the next leader.
func TestPaperPrepareIsLeftOut(t *testing.T) {
	s, m := metered(t, 3, calmFabric(), nil)
	prepares := func(id int) int {
		return m[id].count(onLog(rdmaio.Read)) + m[id].count(func(p posted) bool { return p.pd == logPD && p.offset == wordMinProposal })
	}
	numbers := func(id int) uint64 { return load(s.nodes[id].log.region, wordMinProposal) }
	before := numbers(3)
	for k := range 100 {
		s.propose(1, fmt.Sprint("command ", k))
		s.run(5 * time.Microsecond)
	}
	if k := prepares(1); k != 0 || numbers(3) != before {
		t.Errorf("%d requests of prepare for 100 commands", k)
	}
	s.crash(1)
	s.must("2 leads", 10*time.Millisecond, func() bool { return s.nodes[2].Leading() })
	if prepares(2) == 0 || numbers(3) <= before || s.nodes[2].stats.Prepares == 0 {
		t.Errorf("no prepare for a new leader: %d requests, number %s", prepares(2), number(numbers(3)))
	}
	at := prepares(2)
	for k := range 100 {
		s.propose(2, fmt.Sprint("another ", k))
		s.run(5 * time.Microsecond)
	}
	if k := prepares(2) - at; k != 0 {
		t.Errorf("%d requests of prepare for 100 commands", k)
	}
}

// Section 4.2, growing confirmed followers: one that comes late is first brought up to date, and then prepare is made again: a new number for all.
func TestPaperConfirmedFollowersGrow(t *testing.T) {
	s, _ := metered(t, 3, calmFabric(), nil)
	s.net.Partition(1, 3)
	s.propose(1, "without 3")
	s.must("3 is dropped", 10*time.Millisecond, func() bool { return s.leads(1, 1) })
	n := s.nodes[1]
	prepares, before := n.stats.Prepares, n.lead.proposal
	s.net.HealAll()
	s.must("3 is confirmed", 10*time.Millisecond, func() bool { return s.leads(1, 2) })
	s.run(10 * time.Microsecond)
	if n.stats.Prepares != prepares+1 || n.lead.proposal <= before {
		t.Errorf("%d prepares, number %s after %s: no new one", n.stats.Prepares-prepares, number(n.lead.proposal), number(before))
	}
	for id := 2; id <= 3; id++ {
		if m := load(s.nodes[id].log.region, wordMinProposal); m != n.lead.proposal {
			t.Errorf("replica %d has number %s, the leader %s", id, number(m), number(n.lead.proposal))
		}
	}
	if s.nodes[3].fuo.Index != 1 {
		t.Errorf("replica 3 was not brought up: %+v", s.nodes[3].fuo)
	}
}

// Section 4.2, bringing stragglers up to date: a new leader that lacks entries READs them from the follower that has most, and WRITEs what they lack to the
// others. 4 has everything, 2 leads, 3 lags with it.
func TestPaperStragglersAreBroughtUp(t *testing.T) {
	s, m := metered(t, 5, calmFabric(), nil)
	for _, id := range []rdmaio.NodeID{2, 3} {
		s.net.Partition(1, id)
	}
	var at Position
	for k := range 20 {
		at = s.propose(1, fmt.Sprint("decided at 1, 4 and 5: ", k))
		s.run(5 * time.Microsecond)
	}
	s.crash(1)
	s.crash(5)
	s.run(100 * time.Microsecond) // nothing of 1 is on its way any more
	s.net.HealAll()
	s.must("2 leads", 10*time.Millisecond, func() bool { return s.nodes[2].Leading() })
	covers := func(to rdmaio.NodeID, op rdmaio.Opcode) bool {
		return m[2].count(func(p posted) bool {
			return p.peer == to && p.pd == logPD && p.opcode == op && p.offset == logStartBytes && p.length >= int(at.Offset)-128
		}) == 1
	}
	if !covers(4, rdmaio.Read) || !covers(3, rdmaio.Write) {
		t.Errorf("2 did not copy the log from 4 and write it to 3: %+v", m[2].posts)
	}
	s.propose(2, "goes on")
	s.must("applied", time.Millisecond, func() bool { return s.states[2].Index == 21 })
	s.nodes[2].cfg.CommitPush = 10_000
	s.run(50 * time.Microsecond)
	if s.states[3].Index != 21 || s.states[4].Index != 21 {
		t.Errorf("applied %v", s.states[1:])
	}
}

// Section 4, a failed operation ends the attempt: before it proposes again, a leader whose WRITE was denied asks for permission and prepares anew.
func TestPaperADeniedWriteEndsLeadership(t *testing.T) {
	s, _ := metered(t, 3, calmFabric(), nil)
	n := s.nodes[1]
	for id := 2; id <= 3; id++ { // as if another had been let in
		if err := s.nodes[id].byID[1].log.ModifyAccess(rdmaio.RemoteRead); err != nil {
			t.Fatal(err)
		}
	}
	elections, prepares := n.stats.Elections, n.stats.Prepares
	s.propose(1, "denied")
	s.must("stepped down", time.Millisecond, func() bool { return n.role == Follower })
	if n.stats.Denied == 0 || s.states[1].Index != 0 {
		t.Fatalf("denied %d, decided %d", n.stats.Denied, s.states[1].Index)
	}
	if _, err := n.Propose([]byte("too early")); err != ErrNotLeader {
		t.Fatalf("proposes without leading: %v", err)
	}
	s.must("leads again", 5*time.Millisecond, func() bool { return n.Leading() })
	if n.stats.Elections == elections || n.stats.Prepares == prepares {
		t.Error("leads again without permission and prepare")
	}
	s.must("its own tail is decided", time.Millisecond, func() bool { return s.values[1] == "denied" })
}

// Section 4, the canary: an entry counts only if every byte of it is in place. Here each bit of it is wrong once.
func TestPaperAnIncompleteEntryIsNone(t *testing.T) {
	region := make([]byte, logStartBytes+1<<12)
	c := newCircle(region)
	at := Position{Index: 7, Offset: 640, Chain: 12345}
	c.append(at, 3<<8|2, 600, []byte("what is written to the log"))
	if _, payload, ok := c.parse(at); !ok || string(payload) != "what is written to the log" {
		t.Fatal("the entry itself does not parse")
	}
	b := c.at(at.Offset)
	for i := range headerBytes + len("what is written to the log") {
		for bit := range 8 {
			b[i] ^= 1 << bit
			if h, _, ok := c.parse(at); ok {
				t.Errorf("byte %d bit %d wrong, and taken for %+v", i, bit, h)
			}
			b[i] ^= 1 << bit
		}
	}
	for _, other := range []Position{{7, 640, 1}, {6, 640, 12345}, {7, 640 + 1<<12, 12345}, {7, 704, 12345}} {
		if _, _, ok := c.parse(other); ok {
			t.Errorf("taken for the entry after %+v", other)
		}
	}
}
