package consensus

import (
	"fmt"

	"exchange/rdmaio"
)

// phase of an attempt to lead.
type phase uint8

const (
	phaseAsk     phase = iota // permission from a majority
	phaseKnow                 // READ what the confirmed followers have
	phaseCatchUp              // copy what is decided and missing here
	phasePrepare              // bring them up, WRITE the proposal number, READ the tails
)

// followerState is how far a leader, or one that tries to be, has taken a peer in.
type followerState uint8

const (
	stranger  followerState = iota
	granted                 // it gave permission
	knowing                 // its record and header are being read
	known                   // they are
	confirmed               // it is written to
	behind                  // it needs a state before the log helps it
)

// leadership is what a leader, or one that tries to be, keeps.
type leadership struct {
	attempt  uint64
	phase    phase
	source   *peer // whose entries are copied
	end      Position
	base     Position // where the tails begin
	proposal uint64
	copied   []byte // what was decided and missing here, as read
	top      uint64 // offset below which all that is known to be decided lies, when the attempt began
	draining bool   // nothing new is proposed until everything under way is decided
	proposed int64
	lowest   uint64 // lowest head of those that are written to, our own included
	since    int64
	begun    int64 // when a majority had given permission

	successor      *peer // to whom it is handed over
	successorUntil int64
	summonedUntil  int64 // the attempt was asked for by the old leader
}

// stand begins an attempt.
func (n *Node) stand() {
	why := n.whyNotHolder()
	if n.holder == n.cfg.Local {
		why = n.reason // of the end of our last attempt
	}
	n.standFor(fmt.Sprintf("%s, and of those that live replica %d is the first", why, n.cfg.Local))
}

// standFor begins an attempt, for the reason given.
func (n *Node) standFor(why string) {
	if !n.revoke(n.cfg.Local) {
		return
	}
	n.holder = n.cfg.Local
	n.scan = n.fuo
	n.settle()
	n.role = Candidate
	n.lead = leadership{attempt: n.lead.attempt + 1}
	n.setReason(why)
	n.stats.Elections++
	for _, p := range n.peers {
		p.forget()
		p.asked = 0
	}
	n.tell(Event{Kind: RoleChanged, Role: n.role, Reason: n.reason})
	n.attempt()
}

// attemptPatience is how many heartbeat intervals an attempt waits for one that gave permission and is not needed for a majority.
const attemptPatience = 3

// attempt carries the attempt on as far as it goes without waiting. Over shared memory what was asked is answered at once, and a node that came back
// for each answer would sleep between them.
func (n *Node) attempt() {
	for n.role == Candidate {
		before := n.lead.phase
		n.step()
		if answers := n.complete(); n.role != Candidate || answers == 0 && n.lead.phase == before {
			return
		}
	}
}

// step is one step of an attempt.
func (n *Node) step() {
	if n.leaveBehind(); n.role != Candidate {
		return
	}
	switch n.lead.phase {
	case phaseAsk:
		n.gatherPermission()
	case phaseKnow:
		n.gatherKnowledge()
	case phaseCatchUp:
		if n.allRead() {
			n.caughtUp()
		}
	case phasePrepare:
		if n.allRead() {
			n.choose()
		}
	}
}

// leaveBehind drops those that keep the others waiting too long, as long as a majority remains. A leader takes them in later.
func (n *Node) leaveBehind() {
	if n.lead.phase == phaseAsk || n.now-n.lead.begun < attemptPatience*n.cfg.HeartbeatInterval {
		return
	}
	for _, p := range n.peers {
		slow := p.waiting > 0 || n.lead.phase == phaseKnow && p.state != known
		if p.state != stranger && slow && n.without(p) >= n.majority {
			n.drop(p, "does not answer in time")
		}
	}
}

// all tells whether every peer that was taken in is in the state.
func (n *Node) all(s followerState) bool {
	for _, p := range n.peers {
		if p.state != stranger && p.state != s {
			return false
		}
	}
	return true
}

// allRead tells whether every READ of the attempt has come back.
func (n *Node) allRead() bool {
	for _, p := range n.peers {
		if p.waiting > 0 {
			return false
		}
	}
	return true
}

// without counts those that an attempt has, or would have without one of them, ourselves included. Only voters are taken into an attempt.
func (n *Node) without(lost *peer) int {
	k := 1
	for _, p := range n.peers {
		if p != lost && (p.state == granted || p.state == knowing || p.state == known || p.state == confirmed) {
			k++
		}
	}
	return k
}

// goOnWithout carries an attempt on without a peer that was dropped, if the others are a majority. If entries were being copied from it, others
// that were asked before hold what is decided.
func (n *Node) goOnWithout(lost *peer, why string) {
	if n.without(lost) < n.majority {
		n.stepDown(fmt.Sprintf("replica %d %s in the middle of the attempt", lost.id, why))
		return
	}
	if n.lead.phase == phaseCatchUp && n.lead.source == lost {
		n.lead.phase, n.lead.source = phaseKnow, nil
	}
}

// gatherPermission asks everyone, and goes on with the first majority. Learners do not count.
func (n *Node) gatherPermission() {
	votes := 1
	for _, p := range n.peers {
		n.ask(p)
		ok, voter := n.answered(p)
		if ok && voter {
			votes++
		} else if ok && p.fresh.flags&flagVoter != 0 {
			p.asked = 0 // it was a learner when it answered, and is none any more
		}
	}
	if votes < n.majority && !(planted("elected by a minority") && votes == n.majority-1) || planted("all have to let it in") && votes < len(n.order) {
		return
	}
	for _, p := range n.peers {
		if ok, voter := n.answered(p); ok && voter {
			p.state = granted
		}
	}
	n.lead.phase, n.lead.begun = phaseKnow, n.now
	n.gatherKnowledge()
}

// gatherKnowledge READs what everyone who gave permission has.
func (n *Node) gatherKnowledge() {
	for _, p := range n.peers {
		n.startKnowing(p)
	}
	if n.all(known) {
		n.catchUp()
	}
}

// startKnowing READs a peer's record and log header. A READ of the record that is under way is waited for first.
func (n *Node) startKnowing(p *peer) {
	if p.reading || p.state != granted {
		return
	}
	if !n.postBackground(p, op{kind: opKnowRecord}, rdmaio.Read, 0, p.record) {
		return
	}
	p.reading, p.readAt = true, n.now
	if n.postLog(p, op{kind: opKnowHeader}, rdmaio.Read, 0, p.header) {
		p.state, p.parts, p.under = knowing, 2, 0
	}
}

// knew takes in one of the two.
func (n *Node) knew(p *peer, good bool) {
	if p.state != knowing {
		return
	}
	if !good {
		n.drop(p, "cannot be read")
		return
	}
	if p.parts--; p.parts > 0 {
		return
	}
	if p.fresh.layout != n.cfg.layout() {
		n.refuse(p)
		n.drop(p, "has another layout")
		return
	}
	if p.fresh.holder != uint64(n.cfg.Local) {
		n.drop(p, "has taken its log back since it gave it") // its answer was long on its way
		return
	}
	p.state = known
}

// decidedAt is the offset below which the peer's log holds everything, decided.
func (p *peer) decidedAt() uint64 { return max(p.fresh.fuo, load(p.header, wordCommit)) }

// catchUp copies what is decided and missing here from the follower that has most.
func (n *Node) catchUp() {
	source, top := (*peer)(nil), n.fuo.Offset
	for _, p := range n.peers {
		if p.state == known && p.decidedAt() > top {
			source, top = p, p.decidedAt()
		}
	}
	n.lead.phase = phaseCatchUp
	n.lead.top, n.lead.source = top, source
	if n.fuo.Offset+uint64(n.cfg.LogBytes-2*n.cfg.WindowBytes) < top {
		n.empty = true
		store(n.background, wordNeedsState, top-uint64(n.cfg.LogBytes-2*n.cfg.WindowBytes)+1)
		n.stepDown("the log here is too far behind: a state is needed")
		n.tell(Event{Kind: SnapshotNeeded, Reason: n.reason})
		return
	}
	if top > n.applied.Offset+uint64(n.cfg.LogBytes) {
		n.stepDown("the application here is too far behind to lead yet")
		return
	}
	if source == nil {
		return
	}
	// Not straight into our log: if we lose the attempt while the READ is under way, another may write there.
	n.lead.copied = n.catchup[:top-n.fuo.Offset]
	for at, into := n.fuo.Offset, n.lead.copied; len(into) > 0; {
		piece := min(uint64(len(into)), n.log.untilEnd(at))
		if !n.postLog(source, op{kind: opCatchUp}, rdmaio.Read, logStartBytes+at&n.log.mask, into[:piece]) {
			n.stepDown("catch-up could not be started")
			return
		}
		source.waiting++
		at, into = at+piece, into[piece:]
	}
}

// caughtUp checks what was copied, brings the followers up to it, and prepares.
func (n *Node) caughtUp() {
	at, copied := n.fuo, n.lead.copied
	for at.Offset < n.lead.top {
		h, _, ok := parse(copied, at)
		if !ok {
			// Nobody writes there at the moment, so it will not come: the source began behind it, or has written over it.
			n.empty = true
			store(n.background, wordNeedsState, at.Offset+2)
			n.stepDown(fmt.Sprintf("the entry at %d is nowhere any more: a state is needed", at.Offset))
			n.tell(Event{Kind: SnapshotNeeded, Reason: n.reason})
			return
		}
		copy(n.log.at(at.Offset), copied[:h.size()])
		at, copied = h.after(), copied[h.size():]
	}
	n.decideTo(at.Offset)
	if n.err != nil {
		return
	}
	if at.Offset > n.applied.Offset+uint64(n.cfg.LogBytes-n.cfg.WindowBytes) {
		n.stepDown("the application here has to take what was copied first")
		return
	}
	highest := max(n.minProposal, load(n.log.region, wordMinProposal))
	for _, p := range n.peers {
		if p.state == known {
			highest = max(highest, load(p.header, wordMinProposal))
		}
	}
	n.lead.base, n.lead.end, n.lead.phase = at, at, phasePrepare
	n.number(highest)
	for _, p := range n.peers {
		switch {
		case p.state != known || n.canTake(p, n.cfg.WindowBytes) && n.prepare(p):
		case n.canTake(p, n.cfg.WindowBytes):
			n.drop(p, "cannot be reached")
		case n.without(p) >= n.majority:
			p.state = granted // it is taken in later
		default:
			n.help(p)
			n.drop(p, "is too far behind")
		}
		if n.role != Candidate {
			return
		}
	}
	n.stats.Prepares++
}

// number takes a new proposal number.
func (n *Node) number(highest uint64) {
	n.lead.proposal = proposalAbove(max(highest, n.lead.proposal), n.cfg.Local)
	if planted("proposal number reused") {
		n.lead.proposal = highest>>8<<8 | uint64(n.cfg.Local)
	}
	n.minProposal = n.lead.proposal
	store(n.log.region, wordMinProposal, n.lead.proposal)
}

// help makes the next attempt easier for a follower that is too far behind for this one: it is told that it needs a state, or it is written what
// is decided, so that it can take that and make room.
func (n *Node) help(p *peer) {
	switch {
	case p.decidedAt() < n.logStart():
		n.sayBehind(p)
	case n.canTake(p, 0):
		n.bringUp(p)
	}
}

// prepare brings one follower that can take it up to what is decided, writes it the proposal number and READs its tail, in this order on one pair.
func (n *Node) prepare(p *peer) bool {
	if !n.bringUp(p) || !n.writeLogWord(p, wordMinProposal, n.lead.proposal, op{kind: opSmall}) {
		return false
	}
	p.state = confirmed
	p.counts = true
	p.tailRead = 0
	return n.readTail(p)
}

// tailParts is in how many parts of its length at least a tail may be READ: most end within the first, and the window is there for the few that do not.
const tailParts = 32

// readTail READs the next part of the follower's tail, as much again as is there already.
func (n *Node) readTail(p *peer) bool {
	part := min(max(p.tailRead, len(p.tail)/tailParts, align), len(p.tail)-p.tailRead)
	for at, into := n.lead.base.Offset+uint64(p.tailRead), p.tail[p.tailRead:p.tailRead+part]; len(into) > 0; {
		piece := min(uint64(len(into)), n.log.untilEnd(at))
		if !n.postLog(p, op{kind: opTail}, rdmaio.Read, logStartBytes+at&n.log.mask, into[:piece]) {
			return false
		}
		p.waiting++
		at, into = at+piece, into[piece:]
	}
	p.tailRead += part
	return true
}

// readOn READs more of the tails in which it cannot be told yet what stands at the position, and tells whether there are any.
func (n *Node) readOn(at Position) (wait bool) {
	for _, p := range n.peers {
		from := int(at.Offset - n.lead.base.Offset)
		if p.state != confirmed || p.tailRead == len(p.tail) || from < p.tailRead && tellsWhat(p.tail[from:p.tailRead], at) {
			continue
		}
		if wait = true; !n.readTail(p) {
			n.drop(p, "cannot be read")
		}
		if n.role != Candidate {
			return true
		}
	}
	return wait
}

// canTake tells whether the log alone brings the follower up: what it lacks is still here, and neither that nor room bytes behind it overwrite what it
// has not taken yet.
func (n *Node) canTake(p *peer, room int) bool {
	return p.decidedAt() >= n.logStart() && p.fresh.head+uint64(n.cfg.LogBytes-room) >= n.lead.end.Offset
}

// bringUp writes the follower the entries it lacks and then how far it may believe them.
func (n *Node) bringUp(p *peer) bool {
	p.sent = min(p.decidedAt(), n.lead.end.Offset)
	if planted("followers not updated") {
		p.sent = n.lead.end.Offset
	}
	p.acked, p.pinnedSince = p.sent, 0
	n.send(p)
	if p.sent < n.lead.end.Offset || !n.writeLogWord(p, wordCommit, n.fuo.Offset, op{kind: opSmall}) {
		return false
	}
	p.pushed = n.fuo.Offset
	return true
}

// choose goes through the tails, ours and the followers': at each place the entry with the highest proposal number that follows what was chosen
// before it is written again under our number. The first place that is empty everywhere is where new entries go, and from there on prepare
// is left out.
func (n *Node) choose() {
	base, end := n.lead.base, n.lead.end
	for end.Offset-base.Offset < uint64(n.cfg.WindowBytes) {
		if n.lead.end = end; n.readOn(end) {
			return // again from here when that has come
		}
		best, payload, found := n.log.parse(end)
		from := n.cfg.Local
		for _, p := range n.peers {
			if p.state != confirmed || planted("tails not read") {
				continue
			}
			if h, b, ok := parse(p.tail[end.Offset-base.Offset:p.tailRead], end); ok && (!found || h.proposal > best.proposal != planted("lowest number adopted")) {
				best, payload, found, from = h, b, true, p.id
			}
		}
		if !found {
			break
		}
		if best.proposal > n.lead.proposal && from != n.cfg.Local {
			// This process stood still between writing its number there and reading, and somebody else was let in.
			n.stepDown(fmt.Sprintf("replica %d was written to by another meanwhile", from))
			return
		}
		if best.proposal >= n.lead.proposal {
			n.halt("entry %d was written under the number %d, ours is %d", best.index, best.proposal, n.lead.proposal)
			return
		}
		end = n.log.adopt(end, best, payload, n.lead.proposal, n.fuo.Offset)
		n.stats.Adopted++
		if planted("one entry of a tail") {
			break
		}
	}
	n.lead.end = end
	n.role = Leader
	n.lead.since = n.now
	n.tell(Event{Kind: RoleChanged, Role: Leader, Reason: n.reason})
	for _, p := range n.peers {
		if p.state == confirmed {
			n.tell(Event{Kind: FollowerConfirmed, Peer: p.id})
		}
	}
	n.replicate()
}
