package consensus

import (
	"fmt"

	"exchange/rdmaio"
)

// heartbeat READs every peer's record once an interval. A peer whose counter stands still, or that cannot be read, loses a point.
func (n *Node) heartbeat() {
	if n.now < n.heartbeatAt {
		return
	}
	n.heartbeatAt = n.now + n.cfg.HeartbeatInterval
	for _, p := range n.peers {
		p.due = true // as soon as a READ ends: one that is slow says nothing, a slow network does not look like a death
		if !p.reading && !n.look(p) {
			n.score(p) // it cannot even be asked
		}
	}
}

// learn takes in a record that was read.
func (n *Node) learn(p *peer) {
	old := p.fresh.counter
	p.seenAt = p.readAt
	p.fresh = record{
		counter: load(p.record, wordCounter), incarnation: load(p.record, wordIncarnation), flags: load(p.record, wordFlags),
		head: load(p.record, wordHead), fuo: load(p.record, wordFUO), holder: load(p.record, wordHolder), layout: load(p.record, wordLayout),
	}
	p.moved = p.moved || p.fresh.counter != old
	if p.id == n.holder && p.readAt <= n.grantedAt {
		p.fresh.flags |= flagLeading // it was let in since: it tries to
	}
	if p.yieldedAt > 0 && p.readAt <= p.yieldedAt {
		p.fresh.flags &^= flagLeading | flagEstablished
	}
	n.watchHolder(p)
}

// score counts what was seen in an interval: the counter moved, or it did not.
func (n *Node) score(p *peer) {
	if p.moved {
		p.score = min(p.score+1, scoreMax)
	} else {
		p.score = max(p.score-1, 0)
	}
	p.moved, p.due = false, false
	switch {
	case p.alive && p.score < scoreDead:
		p.alive, p.died = false, false
		n.tell(Event{Kind: PeerSilent, Peer: p.id})
	case !p.alive && p.score > scoreAlive:
		p.alive = true
	}
}

// preferred is who should lead as far as this node can see: whoever holds our log's permission, as long as it lives and leads or tries to;
// otherwise whoever lives and leads; otherwise the living voter with the lowest id of those that
// see a majority.
func (n *Node) preferred() rdmaio.NodeID {
	if h := n.byID[n.holder]; h != nil && h.alive && (h.fresh.flags&flagLeading != 0 || h.fresh.counter == 0) {
		return n.holder
	}
	for _, p := range n.peers {
		if p.alive && p.fresh.flags&flagEstablished != 0 {
			return p.id
		}
	}
	for _, id := range n.order {
		if id == n.cfg.Local {
			return id
		}
		p := n.byID[id]
		if p.alive && (p.fresh.counter == 0 || p.fresh.flags&(flagVoter|flagEmpty|flagLonely) == flagVoter) {
			return id
		}
	}
	return n.cfg.Local
}

// elect starts or ends this node's own attempt to lead. A leader stays until it loses a permission or its majority. Without a living majority an
// attempt cannot succeed: whoever sees none leaves it to others that may see more.
func (n *Node) elect() {
	n.countVoters()
	if n.role == Leader || !n.voter || n.empty {
		return
	}
	switch first := n.preferred(); {
	case n.lonely:
		n.stepDown("no majority lives, as far as can be seen")
	case first == n.cfg.Local && n.role != Candidate:
		if n.now >= n.standAt {
			n.stand()
		}
	case first != n.cfg.Local && n.role == Candidate && !n.summoned():
		n.stepDown("another replica should lead")
	}
}

// countVoters finds out whether those that live with their memory, as far as this node can see, are a majority, and says when they are none any more, and when
// they are again. As long as one that lives has not been heard, the verdict stays.
func (n *Node) countVoters() {
	voters, learners, sure := n.living()
	if lonely := voters < n.majority; sure && lonely != n.lonely {
		n.lonely = lonely
		kind := MajorityFound
		if lonely {
			kind = MajorityLost
		}
		n.tell(Event{Kind: kind, Reason: n.census(voters, learners)})
	}
}

// living counts those that live, this node included: with their memory, and without. It is not sure while one of them has not been heard.
func (n *Node) living() (voters, learners int, sure bool) {
	if n.voter {
		voters++
	} else {
		learners++
	}
	sure = true
	for _, p := range n.peers {
		switch {
		case !p.alive:
		case p.fresh.counter == 0:
			sure = false
		case p.fresh.flags&flagVoter != 0:
			voters++
		default:
			learners++
		}
	}
	return voters, learners, sure
}

func (n *Node) census(voters, learners int) string {
	s := fmt.Sprintf("of %d voters %d live, %d are needed", len(n.order), voters, n.majority)
	if learners > 0 && voters < n.majority {
		s += fmt.Sprintf("; %d more without their memory", learners)
	}
	return s
}
