package consensus

import "exchange/rdmaio"

// EventKind is what an Event tells.
type EventKind uint8

const (
	RoleChanged EventKind = iota
	FollowerConfirmed
	FollowerDropped
	FollowerBehind
	LearnerAdmitted
	PeerDied
	PeerSilent
	SnapshotNeeded
)

func (k EventKind) String() string {
	return [...]string{"role", "follower confirmed", "follower dropped", "follower needs a state", "learner admitted", "replica died", "replica is silent", "state needed"}[k]
}

// Event is one change worth a line in a log.
type Event struct {
	Kind   EventKind
	Peer   rdmaio.NodeID
	Role   Role
	Reason string
}

// maxEvents bounds the events nobody has taken; older ones are forgotten.
const maxEvents = 256

func (n *Node) tell(e Event) {
	if len(n.events) == maxEvents {
		n.events = append(n.events[:0], n.events[1:]...)
	}
	n.events = append(n.events, e)
}

// AppendEvents moves what happened since the last call behind dst.
func (n *Node) AppendEvents(dst []Event) []Event {
	dst = append(dst, n.events...)
	n.events = n.events[:0]
	return dst
}

// Counters count what happened to a node.
type Counters struct{ Elections, StepDowns, Prepares, Adopted, Granted, NotFenced, Denied, Dropped, Admitted uint64 }

// Status is what a node says of itself.
type Status struct {
	Role   Role
	Leader rdmaio.NodeID // as far as known; 0: nobody
	Voter  bool
	// Epoch is the highest proposal number seen in our log.
	Epoch     uint64
	Reason    string
	Majority  bool // as far as this node can see, a majority lives with its memory
	Confirmed []rdmaio.NodeID
	// FUO and Applied are positions in the log, End the end of what a leader has proposed.
	FUO, Applied Position
	End          uint64
	Counters     Counters
}

// Status makes a copy; it allocates.
func (n *Node) Status() Status {
	s := Status{
		Role: n.role, Voter: n.voter, Epoch: load(n.log.region, wordMinProposal), Reason: n.reason, FUO: n.fuo, Applied: n.applied,
		End: n.fuo.Offset, Counters: n.stats,
	}
	voters := 0
	if n.voter {
		voters = 1
	}
	for _, p := range n.peers {
		if p.alive && p.fresh.flags&flagVoter != 0 {
			voters++
		}
		if n.role == Leader && p.state == confirmed && p.counts {
			s.Confirmed = append(s.Confirmed, p.id)
		}
	}
	s.Majority = voters >= n.majority
	switch {
	case n.role == Leader:
		s.Leader, s.End = n.cfg.Local, n.lead.end.Offset
	case n.holder != 0 && n.holder != n.cfg.Local && n.byID[n.holder].alive:
		s.Leader = n.holder
	}
	return s
}

// Leading tells whether this node leads.
func (n *Node) Leading() bool { return n.role == Leader }
