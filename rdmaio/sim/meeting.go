package sim

import "exchange/rdmaio"

// How processes find and lose each other: introduce and reunite plan it, the notices tell the process, meet and part move its
// pairs.

// introduce lets a new process and those that run learn of each other.
func (n *Network) introduce(id rdmaio.NodeID) {
	p := n.procs[id]
	for _, other := range n.procs {
		if other != nil && other != p && !other.dead {
			n.push(event{at: n.now + n.latency(other.id, id), kind: noticeUp, proc: other, to: p})
			n.push(event{at: n.now + n.latency(id, other.id), kind: noticeUp, proc: p, to: other})
		}
	}
}

// reunite lets what the cut between two processes held up happen: notices about from to to, and the meeting of pairs.
func (n *Network) reunite(from, to rdmaio.NodeID) {
	p, other := n.procs[from], n.procs[to]
	if p == nil || other == nil || other.dead {
		return
	}
	at := n.now + n.latency(from, to)
	switch {
	case !p.dead:
		n.push(event{at: at, kind: noticeUp, proc: p, to: other})
		for _, q := range other.pairs[from] {
			if q != nil {
				n.seek(q)
			}
		}
	case !p.silent:
		n.push(event{at: at, kind: noticeDown, proc: p, to: other})
	}
}

func (n *Network) noticeUp(p, to *Provider) {
	if !p.dead && !to.dead && n.connected(p.id, to.id) {
		to.learn(p)
	}
}

func (n *Network) noticeDown(p, to *Provider) {
	if !to.dead && !n.cut[p.id][to.id] {
		to.lose(p.id, p.incarnation)
	}
}

// learn tells of a process that runs. An earlier incarnation of it that was not told dead is so told first.
func (p *Provider) learn(of *Provider) {
	known := &p.peers[of.id]
	if known.incarnation >= of.incarnation {
		return
	}
	if known.incarnation != 0 {
		p.lose(of.id, known.incarnation)
	}
	*known = peerKnowledge{incarnation: of.incarnation}
	p.tell(rdmaio.AsyncEvent{Kind: rdmaio.PeerUp, Peer: of.id, Incarnation: of.incarnation})
}

// lose tells of a death, once, and fails the pairs that hang on the dead process.
func (p *Provider) lose(id rdmaio.NodeID, incarnation uint64) {
	known := &p.peers[id]
	if known.incarnation != incarnation || known.down {
		return
	}
	known.down = true
	for _, q := range p.pairs[id] {
		if q == nil || q.met == nil || q.met.incarnation != incarnation {
			continue
		}
		q.access = 0
		if q.state == rdmaio.StateReady {
			q.fail(rdmaio.RetryExceeded)
		}
	}
	p.tell(rdmaio.AsyncEvent{Kind: rdmaio.PeerDown, Peer: id, Incarnation: incarnation})
}

// tell queues an event. Of an incarnation whose start has not been handed out yet, neither start nor death is told, so that
// at most two events for each peer wait.
func (p *Provider) tell(e rdmaio.AsyncEvent) {
	if e.Kind == rdmaio.PeerDown {
		for i, waiting := range p.async {
			if waiting.Kind == rdmaio.PeerUp && waiting.Peer == e.Peer {
				p.async = append(p.async[:i], p.async[i+1:]...)
				return
			}
		}
	}
	p.async = append(p.async, e)
}

// seek plans an attempt of this end to meet the other.
func (n *Network) seek(q *QueuePair) {
	if q.state == rdmaio.StateInit && !q.seeking {
		q.seeking = true
		n.push(event{at: n.now + n.latency(q.owner.id, q.peer) + n.latency(q.peer, q.owner.id), kind: meetPeer, pair: q})
	}
}

// meet makes an end ready if the other end is there for it. Whatever it is that is missing, its coming seeks again.
func (n *Network) meet(q *QueuePair) {
	q.seeking = false
	p, other := q.owner, n.procs[q.peer]
	if p.dead || q.state != rdmaio.StateInit || other == nil || other.dead || !n.connected(p.id, q.peer) {
		return
	}
	end := other.pairs[p.id][q.pd]
	if end == nil || end.met != p && end.state != rdmaio.StateInit {
		return
	}
	p.learn(other)
	other.learn(p)
	q.adopt(other)
	end.adopt(p)
	q.gen++
	q.state = rdmaio.StateReady
	n.seek(end)
}

// adopt takes another process as the one at the other end. A new incarnation starts without rights.
func (q *QueuePair) adopt(p *Provider) {
	if q.met != p {
		q.met, q.access = p, 0
	}
}
