package consensus

import "testing"

// A candidate stands still between writing its number into a follower's log and reading the tail there. Meanwhile that follower lets another in, which
// writes an entry under a higher number. The candidate sees it when it goes on: it is late, and nothing is wrong with it.
func TestACandidateThatWasOvertakenStepsDown(t *testing.T) {
	r := newRig(t, 3, calm, func(c *Config) { c.LogBytes = 1 << 16 })
	r.until("1 leads", 1000, func() bool { return r.nodes[1].Leading() && len(r.nodes[1].Status().Confirmed) == 2 })
	r.crash(1)
	r.step = 100
	candidate := r.nodes[2]
	reads := func() bool {
		return candidate.role == Candidate && candidate.lead.phase == phasePrepare && !candidate.allRead()
	}
	if !r.until("2 reads the tail of 3", 100_000, reads) {
		t.Fatalf("it never does: %+v", candidate.Status())
	}
	r.asleep[2] = true
	r.until("the READ is done", 1000, func() bool { return false })
	higher := newCircle(make([]byte, logStartBytes+1<<16))
	higher.append(candidate.lead.end, proposalAbove(candidate.lead.proposal, 3), candidate.fuo.Offset, []byte("of another leader"))
	copy(candidate.byID[3].tail, higher.at(candidate.lead.end.Offset))
	r.asleep[2] = false
	r.turn()
	if candidate.Err() != nil || candidate.Leading() {
		t.Fatalf("err %v, %+v", candidate.Err(), candidate.Status())
	}
	if s := candidate.Status(); s.Reason != "replica 3 was written to by another meanwhile" {
		t.Errorf("%+v", s)
	}
}
