package consensus

import "exchange/rdmaio"

// logStart is the lowest offset that our log still holds for sure. Behind what is decided a tail may have been written that nobody counts any more; it
// lies within two windows, since a leader keeps its end within one of what it knows to be decided, and says so in every entry.
func (n *Node) logStart() uint64 {
	end := max(n.lead.end.Offset, n.fuo.Offset) + 2*uint64(n.cfg.WindowBytes)
	if end <= uint64(n.cfg.LogBytes) {
		return n.floor
	}
	return max(n.floor, end-uint64(n.cfg.LogBytes))
}

// recycle finds out how far the log may be written over: not past the head of anyone that is written to. One that holds the log up for too long
// is dropped; when it comes back the log may no longer help it.
func (n *Node) recycle() {
	lowest := n.applied.Offset
	for _, p := range n.peers {
		switch p.state {
		case confirmed:
			if !planted("purged too early") {
				lowest = min(lowest, p.fresh.head)
			}
		case behind:
			n.look(p) // as soon as it has a state, the log from there on is kept for it
		case stranger:
			if planted("the dead hold the log") {
				lowest = min(lowest, p.fresh.head)
			}
		case granted, knowing, known:
			if p.fresh.flags&flagEmpty == 0 && p.fresh.head >= n.logStart() && !n.pinsTooLong(p) {
				lowest = min(lowest, p.fresh.head)
			}
		}
	}
	n.lead.lowest = lowest
	used := n.lead.end.Offset - lowest
	if used < uint64(n.cfg.LogBytes)/2 {
		return
	}
	for _, p := range n.peers {
		if p.state != confirmed {
			continue
		}
		n.look(p)
		if n.lead.end.Offset-p.fresh.head <= uint64(n.cfg.LogBytes-n.cfg.WindowBytes) {
			p.pinnedSince = 0
		} else if n.pinsTooLong(p) && n.spare(p) {
			n.drop(p, "holds up the log")
		}
	}
}

// look READs a peer's record, unless that is being done; false: it cannot be.
func (n *Node) look(p *peer) bool {
	if !p.reading {
		p.reading = n.postBackground(p, op{kind: opRecord}, rdmaio.Read, 0, p.record)
		p.readAt = n.now
	}
	return p.reading
}

// pinsTooLong tells whether the peer has held the log up, without a break, for longer than it may.
func (n *Node) pinsTooLong(p *peer) bool {
	if p.pinnedSince == 0 {
		p.pinnedSince = n.now
	}
	return n.now-p.pinnedSince > n.cfg.MaxLogPin
}

// spare tells whether a majority remains without the peer.
func (n *Node) spare(without *peer) bool {
	if !without.counts {
		return true
	}
	k := 1
	for _, p := range n.peers {
		if p != without && p.state == confirmed && p.counts {
			k++
		}
	}
	return k >= n.majority
}
