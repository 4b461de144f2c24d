package consensus

import "exchange/rdmaio"

// Propose writes the payload behind everything proposed before. It is decided when Next gives it out. The payload is copied.
func (n *Node) Propose(payload []byte) (Position, error) {
	if n.role != Leader {
		if n.err != nil {
			return Position{}, n.err
		}
		return Position{}, ErrNotLeader
	}
	if len(payload) == 0 || len(payload) > n.cfg.MaxPayload {
		return Position{}, ErrTooLarge
	}
	l := &n.lead
	needs := n.log.needs(l.end.Offset, len(payload))
	if l.draining || l.successor != nil || l.end.Offset+needs-n.fuo.Offset > uint64(n.cfg.WindowBytes) || l.end.Offset+needs > l.lowest+uint64(n.cfg.LogBytes) {
		return Position{}, ErrBusy
	}
	l.end = n.log.append(l.end, l.proposal, n.fuo.Offset, payload)
	l.proposed = n.now
	for _, p := range n.peers {
		if p.state == confirmed {
			n.send(p)
		}
	}
	n.complete()
	n.decide()
	return l.end, n.err
}

// send writes the follower what it has not been sent, in as few pieces as the circle allows.
func (n *Node) send(p *peer) {
	for p.sent < n.lead.end.Offset {
		piece := min(n.lead.end.Offset-p.sent, n.log.untilEnd(p.sent))
		o := op{kind: opEntries, arg: p.sent + piece}
		if !n.postLog(p, o, rdmaio.Write, logStartBytes+p.sent&n.log.mask, n.log.at(p.sent)[:piece]) {
			return
		}
		p.sent += piece
	}
}

// replicate is a leader's part of a Poll.
func (n *Node) replicate() {
	n.takeIn()
	for _, p := range n.peers {
		if p.state == confirmed {
			n.send(p)
		}
	}
	n.complete()
	if n.role != Leader {
		return
	}
	if n.decide(); n.role != Leader {
		return
	}
	n.recycle()
	n.pushCommit()
	n.handOver()
}

// decide moves the first undecided offset to what a majority of voters has in its memory, ours included.
func (n *Node) decide() {
	if n.role != Leader {
		return
	}
	if n.allHave() && n.lead.end.Offset > n.fuo.Offset {
		n.decideTo(n.lead.end.Offset)
		return
	}
	var acked [rdmaio.MaxNodes]uint64
	k := 1
	acked[0] = n.lead.end.Offset
	for _, p := range n.peers {
		if p.state != confirmed || !p.counts {
			continue
		}
		// Kept in falling order: there are few of them.
		at := k
		for ; at > 0 && acked[at-1] < p.acked; at-- {
			acked[at] = acked[at-1]
		}
		acked[at] = p.acked
		k++
	}
	if k < n.majority {
		n.stepDown("majority lost")
		return
	}
	d := acked[n.majority-1]
	if planted("acknowledge before majority") {
		d = acked[0]
	}
	if d > n.fuo.Offset {
		n.decideTo(d)
	}
}

// allHave tells whether as many voters as make a majority have everything that was proposed: then there is nothing to sort.
func (n *Node) allHave() bool {
	k := 1
	for _, p := range n.peers {
		if p.state == confirmed && p.counts && p.acked == n.lead.end.Offset {
			k++
		}
	}
	return k >= n.majority
}

// pushCommit tells followers of the last decision when nothing follows that would. The word must lie behind the entries it speaks of: a follower
// believes it.
func (n *Node) pushCommit() {
	if n.fuo.Offset != n.lead.end.Offset || n.now-n.lead.proposed < n.cfg.CommitPush {
		return
	}
	for _, p := range n.peers {
		if p.state == confirmed && p.pushed < n.fuo.Offset && p.sent == n.lead.end.Offset && n.writeLogWord(p, wordCommit, n.fuo.Offset, op{kind: opSmall}) {
			p.pushed = n.fuo.Offset
		}
	}
}

// drop stops writing to a follower. With it may go the majority.
func (n *Node) drop(p *peer, why string) {
	was := p.state
	if was == stranger {
		return
	}
	p.forget()
	p.asked = 0 // permission is asked for again before anything is written to it
	p.recall()
	if was == confirmed || was == knowing || was == known || was == granted {
		n.stats.Dropped++
		n.tell(Event{Kind: FollowerDropped, Peer: p.id, Reason: why})
	}
	if n.role == Candidate {
		n.goOnWithout(p, why)
		return
	}
	if n.role == Leader {
		n.decide()
	}
}

// recall stops what is on its way to a peer's log. It is read from our log when it is sent, and sent again until it arrives: when somebody else has
// written there in the meantime, it would carry other bytes to a place that they do not belong to.
func (p *peer) recall() {
	if !p.logOps.empty() && !planted("writes not recalled") {
		_ = p.log.Reset()
	}
}

// forget makes a peer a stranger to this leader.
func (p *peer) forget() {
	p.state, p.counts, p.admitting, p.parts, p.waiting = stranger, false, false, 0, 0
	p.sent, p.acked, p.pushed, p.pinnedSince, p.under, p.number = 0, 0, 0, 0, 0, 0
}
