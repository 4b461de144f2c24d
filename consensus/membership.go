package consensus

import "fmt"

// admissionLag is how near a learner must be before new proposals wait for it to draw level, bytes.
const admissionLag = 64 << 10

// takeIn brings members that were late, or were dropped, or come back as learners, into the set that is written to. Each counts as a change of
// leader: a new proposal number, once nothing is under way.
func (n *Node) takeIn() {
	draining := false
	for _, p := range n.peers {
		switch p.state {
		case stranger:
			if p.alive {
				n.ask(p)
			}
			if ok, _ := n.answered(p); ok {
				p.state = granted
			}
		case granted:
			n.startKnowing(p)
		case known:
			if n.mustWait(p) || !n.canRenumber() {
				continue
			}
			if draining = true; n.fuo.Offset == n.lead.end.Offset {
				n.join(p)
			}
		case behind:
			if p.fresh.fuo >= n.logStart() && p.fresh.flags&flagEmpty == 0 {
				p.state, p.pinnedSince = granted, 0
			} else if p.fresh.flags&flagEmpty == 0 && n.now >= p.tellAgain {
				n.sayBehind(p) // the state it took has become too old in the meantime
			}
		case confirmed:
			draining = n.admit(p) || draining
		}
		if n.role != Leader {
			return
		}
	}
	n.lead.draining = draining
}

// mustWait tells whether a peer whose state is known cannot be written to yet: it needs a state first, or time to take what it has.
func (n *Node) mustWait(p *peer) bool {
	if p.fresh.flags&flagEmpty != 0 || p.decidedAt() < n.logStart() {
		if n.sayBehind(p) {
			p.state = behind
		}
		return true
	}
	if !n.canTake(p, 0) {
		p.state = granted // look again
		return true
	}
	return false
}

// sayBehind tells a peer that the logs no longer hold what it lacks.
func (n *Node) sayBehind(p *peer) bool {
	if !n.writeBackgroundWord(p, wordNeedsState, n.logStart()+1, op{kind: opBehind}) {
		return false
	}
	p.tellAgain = n.now + n.cfg.HeartbeatInterval
	n.tell(Event{Kind: FollowerBehind, Peer: p.id})
	return true
}

// renumberOps is how many work requests one follower takes in join, and those of one Propose behind it.
const renumberOps = 8

// canRenumber tells whether every confirmed follower can be written a new number now. While one cannot, nobody waits for it: new entries go on, until
// it takes what is on its way or is dropped.
func (n *Node) canRenumber() bool {
	for _, q := range n.peers {
		if q.state == confirmed && (q.sent != n.lead.end.Offset || q.logOps.room() < renumberOps) {
			return false
		}
	}
	return true
}

// join starts writing to a peer. Nothing is under way: what it lacks is decided, and canRenumber.
//
// A leader may have been deposed without knowing, and another have decided more since; a peer that it is let into only then is of that other's majority,
// and would count for entries that contradict what it holds. So a new number goes first, to those that made this one leader, and only when a
// majority has it, written after the peer was let in and read, is the peer written to: until then nobody else was let in there.
func (n *Node) join(p *peer) {
	if p.under != n.lead.proposal && !n.takeNumber() || !n.numbered() {
		return
	}
	if p.decidedAt() > n.fuo.Offset {
		n.stepDown(fmt.Sprintf("replica %d knows more to be decided than this one", p.id))
		return
	}
	_, voter := n.answered(p)
	if !n.writeLogWord(p, wordMinProposal, n.lead.proposal, op{kind: opSmall}) || !n.bringUp(p) {
		p.state = granted
		return
	}
	p.state, p.counts = confirmed, voter || planted("learner counts")
	n.stats.Prepares++
	n.tell(Event{Kind: FollowerConfirmed, Peer: p.id})
}

// takeNumber writes a new number to all confirmed followers, for all who wait to be written to.
func (n *Node) takeNumber() bool {
	highest := n.minProposal
	for _, q := range n.peers {
		if q.state == known {
			highest = max(highest, load(q.header, wordMinProposal))
		}
	}
	n.number(highest)
	for _, q := range n.peers {
		if q.state == confirmed && !n.renumber(q) {
			return false // no room at the moment: again at the next Poll, under yet another number
		}
	}
	for _, q := range n.peers {
		if q.state == known {
			q.under = n.lead.proposal
		}
	}
	return true
}

// numbered tells whether a majority has the present number in its logs' headers.
func (n *Node) numbered() bool {
	k := 1
	for _, q := range n.peers {
		if q.state == confirmed && q.counts && q.number == n.lead.proposal {
			k++
		}
	}
	return k >= n.majority
}

// renumber writes a confirmed follower the new number, and first that all it has is decided: entries under an older number behind that are no longer ours.
func (n *Node) renumber(p *peer) bool {
	if !n.writeLogWord(p, wordCommit, n.fuo.Offset, op{kind: opSmall}) {
		return false
	}
	p.pushed = n.fuo.Offset
	return n.writeLogWord(p, wordMinProposal, n.lead.proposal, op{kind: opNumber, arg: n.lead.proposal})
}

// admit makes a learner that has caught up count: the word goes behind everything decided on the same pair, and it counts when that is placed. It
// tells whether proposals have to wait for it.
func (n *Node) admit(p *peer) (wait bool) {
	if p.counts {
		return false
	}
	if p.admitting { // what is decided from here on lies at a majority without it, as with any follower that lags
		return false
	}
	if p.acked+admissionLag < n.lead.end.Offset {
		return false
	}
	if n.fuo.Offset != n.lead.end.Offset || p.sent != n.lead.end.Offset {
		return true
	}
	p.admitting = n.writeLogWord(p, wordCommit, n.fuo.Offset, op{kind: opSmall}) &&
		n.writeLogWord(p, wordAdmitted, p.log.PeerIncarnation(), op{kind: opAdmit})
	return !p.admitting
}

// needsState looks whether a leader has told this node that the logs no longer hold what it lacks.
func (n *Node) needsState() {
	told := load(n.background, wordNeedsState)
	if told == 0 || n.empty || told-1 <= n.fuo.Offset {
		return
	}
	n.empty = true
	n.setReason("the logs no longer hold what is missing here")
	n.tell(Event{Kind: SnapshotNeeded, Reason: n.reason})
}
