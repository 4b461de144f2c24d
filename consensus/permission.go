package consensus

import (
	"fmt"

	"exchange/rdmaio"
)

// servePermissions answers what others ask of our log, one at a time, in the order of their ids: revoke, then grant, then say so.
func (n *Node) servePermissions() {
	for _, p := range n.peers {
		request := load(n.background, requestAt(p.id))
		if request <= n.served[p.id] {
			continue
		}
		if p.background.State() != rdmaio.StateReady || p.log.State() != rdmaio.StateReady || n.empty {
			continue // without its state a node cannot say what is decided in its log
		}
		if n.defers(p, request) {
			continue
		}
		why := n.whyNotHolder()
		if planted("grant before revoke") {
			_ = p.log.ModifyAccess(rdmaio.RemoteRead | rdmaio.RemoteWrite)
		}
		if !n.revoke(p.id) {
			return // not fenced: nobody gets anything
		}
		if !planted("granted without settling") {
			n.settle()
		}
		if n.err != nil {
			return
		}
		if err := p.log.ModifyAccess(rdmaio.RemoteRead | rdmaio.RemoteWrite); err != nil {
			continue
		}
		if n.holder != p.id {
			n.grantedAt = n.now
			n.tell(Event{Kind: WriterChanged, Peer: p.id, Reason: why})
			if n.role == Follower && why != gaveWay {
				n.setReason(fmt.Sprintf("lets replica %d lead: %s", p.id, why))
			}
		}
		n.holder = p.id
		p.fresh.flags |= flagLeading                  // who asks tries to: its record may be older
		store(n.background, wordHolder, uint64(p.id)) // before the answer: whoever gets that READs this
		n.scan = n.fuo                                // the new holder may write other entries there
		if !n.writeBackgroundWord(p, ackAt(n.cfg.Local), ackOf(request, n.voter), op{kind: opAck, arg: request}) {
			continue // again at the next Poll
		}
		n.served[p.id] = request
		n.stats.Granted++
	}
}

// defers tells whether a request waits: while the holder of our log lives and leads, one that cannot see it changes nothing. Otherwise two that are cut
// off from each other would take a third from each other for ever. A leader does not give up its own log either: whether it still leads is for
// its followers to say, so it looks at them at once.
func (n *Node) defers(asker *peer, request uint64) bool {
	if n.role == Leader {
		if n.challenged[asker.id] != request {
			n.challenged[asker.id] = request
			for _, p := range n.peers {
				n.look(p)
			}
		}
		return true
	}
	if n.role == Candidate && n.cfg.Local < asker.id && asker.fresh.flags&flagEstablished == 0 {
		return true // two stand at once, and ask each other: the lower id gets it
	}
	h := n.byID[n.holder]
	if h == nil || h == asker || !h.alive {
		return false
	}
	if h.fresh.flags&flagEstablished != 0 && n.challenged[asker.id] != request {
		n.challenged[asker.id] = request
		n.look(h) // it may have handed over since we looked
	}
	// One that has just been let in gets an interval's time for its attempt before the next may end that, and what came of it is judged by a look that
	// is no older, if one comes back within another interval.
	since := n.now - n.grantedAt
	if h.seenAt-n.grantedAt < n.cfg.HeartbeatInterval {
		since -= n.cfg.HeartbeatInterval
	}
	return h.fresh.flags&flagEstablished != 0 || since < n.cfg.HeartbeatInterval
}

// gaveWay is why one that led, or tried to, gives its log to another; its own reason says more.
const gaveWay = "this one gives way"

// whyNotHolder says for what reason the holder of our log loses it.
func (n *Node) whyNotHolder() string {
	switch h := n.byID[n.holder]; {
	case n.holder == 0:
		return "nobody had this log"
	case n.holder == n.cfg.Local:
		return gaveWay
	case h.died:
		return fmt.Sprintf("replica %d died", h.id)
	case !h.alive:
		return fmt.Sprintf("replica %d is silent", h.id)
	default:
		return fmt.Sprintf("replica %d does not lead", h.id)
	}
}

// watchHolder ends a leadership that a follower no longer knows of. With proposals under way a denied WRITE says the same.
func (n *Node) watchHolder(p *peer) {
	if n.role == Leader && p.state == confirmed && p.fresh.holder != uint64(n.cfg.Local) {
		n.stepDown(fmt.Sprintf("replica %d lets another write its log", p.id))
	}
}

// revoke takes the permission from whoever has it, unless that is to.
func (n *Node) revoke(to rdmaio.NodeID) bool {
	switch n.holder {
	case 0, to:
		return true
	case n.cfg.Local:
		n.stepDown(fmt.Sprintf("replica %d asked for this log", to))
	default:
		// With a peer that is gone there is nobody left to grant reading to; taking everything away then says that it is fenced.
		log := n.byID[n.holder].log
		if !planted("no revocation") && log.ModifyAccess(rdmaio.RemoteRead) != nil && log.ModifyAccess(0) != nil {
			n.stats.NotFenced++
			return false
		}
	}
	n.holder = 0
	return true
}

// ask requests permission of a peer, if that has not been done.
func (n *Node) ask(p *peer) {
	if p.asked != 0 || p.fresh.flags&flagEmpty != 0 || p.log.State() != rdmaio.StateReady {
		return
	}
	if p.fresh.counter != 0 && p.fresh.layout != n.cfg.layout() {
		n.refuse(p)
		return
	}
	// A WRITE of an earlier attempt that is still on its way would be let through by the new permission, over what others wrote between the two.
	if !p.logOps.empty() && !planted("asked with writes under way") {
		return
	}
	n.request++
	number := n.cfg.Incarnation<<32 | n.request
	if n.writeBackgroundWord(p, requestAt(n.cfg.Local), number, op{kind: opAsk, arg: number}) {
		p.asked = number
	}
}

// refuse says, once, that a member was started with another layout: its log cannot be written to or read in the right places.
func (n *Node) refuse(p *peer) {
	if !p.refused {
		p.refused = true
		n.tell(Event{Kind: LayoutRefused, Peer: p.id, Reason: "it has another LogBytes or WindowBytes than this one: make them the same"})
	}
}

// answered tells whether the peer has granted what was last asked of it, and whether it votes.
func (n *Node) answered(p *peer) (granted, voter bool) {
	ack := load(n.background, ackAt(p.id))
	return p.asked != 0 && ack>>1 == p.asked, ack&1 != 0
}

// withdraw takes back what has not been served yet, so that it is not served when nobody wants it any more.
func (n *Node) withdraw() {
	for _, p := range n.peers {
		if p.asked != 0 {
			n.writeBackgroundWord(p, requestAt(n.cfg.Local), 0, op{kind: opSmall})
			p.asked = 0
		}
	}
}
