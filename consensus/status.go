package consensus

import (
	"fmt"

	"exchange/rdmaio"
)

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
	WriterChanged // Peer may write our log from now on: the reason of the change of leader, as this node sees it
	MajorityLost
	MajorityFound
	Stopped         // see Err
	HandOverGivenUp // to Peer: this node goes on leading
	LayoutRefused   // Peer was started with another LogBytes or WindowBytes
)

func (k EventKind) String() string {
	return [...]string{
		"role", "follower confirmed", "follower dropped", "follower needs a state", "learner admitted", "replica died", "replica is silent",
		"state needed", "log may be written by", "majority lost", "majority found", "stopped",
		"goes on leading instead of", "refuses replica",
	}[k]
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
type Counters struct{ Elections, StepDowns, Prepares, Adopted, Granted, NotFenced, Denied, Dropped, Admitted, HandedOver uint64 }

// PeerStatus is what a node knows of another member.
type PeerStatus struct {
	ID    rdmaio.NodeID
	Alive bool
	Score int // 0 to 15, see Config
	Voter bool
	// State is how far a leader has taken it in: "unknown", "asked", "granted", "reading", "known", "confirmed", "learning" (confirmed, and does not
	// count yet) or "needs a state".
	State string
	// Lag is how many bytes of the log it lacks: for a confirmed follower what it has not completed of what was proposed, for others what it does not know
	// to be decided and this node does. Unread is what it knows to be decided and its application has not taken.
	Lag, Unread uint64
}

func (n *Node) peerStatus(p *peer) PeerStatus {
	s := PeerStatus{ID: p.id, Alive: p.alive, Score: p.score, Voter: p.fresh.flags&flagVoter != 0, Unread: p.fresh.fuo - min(p.fresh.head, p.fresh.fuo)}
	s.State = [...]string{"unknown", "granted", "reading", "known", "confirmed", "needs a state"}[p.state]
	s.Lag = n.fuo.Offset - min(p.fresh.fuo, n.fuo.Offset)
	switch {
	case p.state == confirmed:
		s.Lag = n.lead.end.Offset - min(p.acked, n.lead.end.Offset)
		if !p.counts {
			s.State = "learning"
		}
	case p.state == stranger && p.asked != 0:
		s.State = "asked"
	}
	return s
}

// Status is what a node says of itself.
type Status struct {
	Role   Role
	Leader rdmaio.NodeID // as far as known; 0: nobody
	Voter  bool
	// Epoch is the highest proposal number seen in our log.
	Epoch uint64
	// Reason is why the node is what it is: a leader's or candidate's why it stood, a follower's why it lets the leader write its log, or why it leads no
	// more. Without a majority it says so first: then nothing goes on until others come back with their memory.
	Reason    string
	Majority  bool // as far as this node can see, a majority lives with its memory
	Confirmed []rdmaio.NodeID
	Successor rdmaio.NodeID // whom a leader is handing over to; 0: nobody
	Peers     []PeerStatus
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
	for _, p := range n.peers {
		s.Peers = append(s.Peers, n.peerStatus(p))
		if n.role == Leader && p.state == confirmed && p.counts {
			s.Confirmed = append(s.Confirmed, p.id)
		}
	}
	if s.Majority = !n.lonely; n.lonely {
		voters, learners, _ := n.living()
		s.Reason = fmt.Sprintf("no majority: %s; %s", n.census(voters, learners), n.reason)
	}
	switch {
	case n.role == Leader:
		s.Leader, s.End = n.cfg.Local, n.lead.end.Offset
		if n.lead.successor != nil {
			s.Successor = n.lead.successor.id
		}
	case n.holder != 0 && n.holder != n.cfg.Local && n.byID[n.holder].alive:
		s.Leader = n.holder
	}
	return s
}

// Standing tells whether this node tries to lead.
func (n *Node) Standing() bool { return n.role == Candidate }

// Leading tells whether this node leads.
func (n *Node) Leading() bool { return n.role == Leader }
