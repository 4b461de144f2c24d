package consensus

import (
	"errors"
	"fmt"

	"exchange/rdmaio"
)

// A planned change of leader:
//
//  1. HandOver names a successor among the confirmed followers that vote. From then on Propose says ErrBusy.
//  2. When everything proposed is decided and lies with the successor, the leader steps down, shows that, and only then summons it by a word in its
//     memory: whoever is summoned READs no older news.
//  3. The successor stands at once. The old leader lets it into its log without delay, and with that the two of three are a majority; the third
//     looks at the old leader when it is asked, and sees that it does not lead.
//
// If 2 does not come about in time the leader goes on as before. If the successor dies after 2, an ordinary election follows. So a hand-over that fails
// costs time, and nothing else: the summons gives no rights.

// ErrNoSuccessor: nobody, or not the member named, is a confirmed follower that votes; nothing was done.
var ErrNoSuccessor = errors.New("consensus: not a confirmed follower that votes")

// handOverPatience is how many heartbeat intervals a leader waits for its successor to have everything, and a successor that was summoned stands
// without looking at who else might.
const handOverPatience = 3

// HandOver begins to hand the lead over to the member, 0: to whichever follower has most. It is done when this node no longer leads; an Event tells of a
// hand-over that is given up.
func (n *Node) HandOver(to rdmaio.NodeID) error {
	if n.role != Leader {
		return ErrNotLeader
	}
	var best *peer
	for _, p := range n.peers {
		if p.state == confirmed && p.counts && p.alive && (to == 0 || p.id == to) && (best == nil || p.acked > best.acked) {
			best = p
		}
	}
	if best == nil {
		return ErrNoSuccessor
	}
	n.lead.successor, n.lead.successorUntil = best, n.now+handOverPatience*n.cfg.HeartbeatInterval
	return nil
}

// handOver is step 2, a leader's part of a Poll.
func (n *Node) handOver() {
	l := &n.lead
	p := l.successor
	switch {
	case p == nil:
	case p.state != confirmed || !p.counts || !p.alive:
		n.giveUpHandOver("it is no confirmed follower any more")
	case n.now >= l.successorUntil:
		n.giveUpHandOver("it did not have everything in time")
	case n.fuo.Offset == l.end.Offset && p.acked == l.end.Offset && !p.bgOps.full() && p.background.State() == rdmaio.StateReady:
		number := l.proposal
		n.stats.HandedOver++
		n.stepDown(fmt.Sprintf("handed over to replica %d", p.id))
		n.publish()
		n.writeBackgroundWord(p, wordSummons, number, op{kind: opSmall})
	}
}

func (n *Node) giveUpHandOver(why string) {
	n.tell(Event{Kind: HandOverGivenUp, Peer: n.lead.successor.id, Reason: why})
	n.lead.successor = nil
}

// answerSummons is step 3. A summons counts only from the holder of our log, under the number that it led by.
func (n *Node) answerSummons() {
	number := load(n.background, wordSummons)
	if number == n.summons {
		return
	}
	n.summons = number
	h := n.byID[n.holder]
	if h == nil || n.role != Follower || !n.voter || n.empty || number != load(n.log.region, wordMinProposal) {
		return
	}
	h.yieldedAt = n.now
	h.fresh.flags &^= flagLeading | flagEstablished
	n.standFor(fmt.Sprintf("replica %d hands over", h.id))
	n.lead.summonedUntil = n.now + handOverPatience*n.cfg.HeartbeatInterval
}

// summoned tells whether this attempt is one that the old leader asked for.
func (n *Node) summoned() bool { return n.role == Candidate && n.now < n.lead.summonedUntil }
