package sim

import (
	"exchange/rdmaio"
)

// QueuePair is one end of a pair.
//
// Its requests stand in a ring: head <= answered <= placed <= tail. What lies before answered is done and waits only, being
// unsignaled, for a signaled one to retire it.
type QueuePair struct {
	owner *Provider
	peer  rdmaio.NodeID
	pd    rdmaio.PD
	cq    *completionQueue

	state  rdmaio.QPState
	met    *Provider // the process at the other end, which access is for
	access rdmaio.Access

	gen       uint64 // rises when what is in flight becomes void
	strayLost uint64 // generation of strays of which one was lost to a cut
	ring      []request
	head      uint64
	answered  uint64
	placed    uint64
	tail      uint64

	lastDue, lastAnswer            int64 // order on the wire, each way
	heard                          int64 // when the last answer came
	placing, answering, retryArmed bool  // an event for it is in the schedule
	refused                        bool  // the peer refused a request: nothing behind it is placed
	seeking                        bool
}

// request is a work request on its way.
type request struct {
	id       uint64
	opcode   rdmaio.Opcode
	flags    rdmaio.SendFlags
	status   rdmaio.Status
	half     bool // its first words are placed
	inline   bool
	remote   uint64
	local    []byte
	copied   [rdmaio.MaxInline]byte
	fetched  []byte // what a READ found, on its way back
	due      int64
	answerAt int64
	deadline int64
	tear     tear
}

func (r *request) source() []byte {
	if r.inline {
		return r.copied[:len(r.local)]
	}
	return r.local
}

func (q *QueuePair) at(i uint64) *request { return &q.ring[i%uint64(len(q.ring))] }

// Peer is the process at the other end.
func (q *QueuePair) Peer() rdmaio.NodeID { return q.peer }

// PD is the pair's protection domain.
func (q *QueuePair) PD() rdmaio.PD { return q.pd }

// State is the pair's state.
func (q *QueuePair) State() rdmaio.QPState { return q.state }

// PeerIncarnation is the incarnation of the process that this end last met.
func (q *QueuePair) PeerIncarnation() uint64 {
	if q.met == nil {
		return 0
	}
	return q.met.incarnation
}

// RemoteSize is the size of the peer's region; 0 until ready.
func (q *QueuePair) RemoteSize() uint64 {
	if q.state != rdmaio.StateReady {
		return 0
	}
	return uint64(len(q.met.regions[q.pd].bytes))
}

// Access is what the present incarnation of the peer may do to our region.
func (q *QueuePair) Access() rdmaio.Access { return q.access }

// ModifyAccess takes effect at once: a request that has not been placed by now finds the new rights.
func (q *QueuePair) ModifyAccess(a rdmaio.Access) error {
	p := q.owner
	if p.dead {
		return rdmaio.ErrClosed
	}
	if a&^(rdmaio.RemoteRead|rdmaio.RemoteWrite) != 0 {
		return rdmaio.ErrBadRequest
	}
	gone := q.met == nil || p.peers[q.peer].incarnation == q.met.incarnation && p.peers[q.peer].down
	if a&^q.access != 0 && gone {
		return rdmaio.ErrNotReady
	}
	if q.access&^a&rdmaio.RemoteWrite != 0 && p.net.unfenc[p.id][q.peer] {
		return rdmaio.ErrNotFenced
	}
	q.access = a
	return nil
}

// Reset drops what was posted and seeks the peer anew.
func (q *QueuePair) Reset() error {
	if q.owner.dead {
		return rdmaio.ErrClosed
	}
	if q.state == rdmaio.StateInit {
		return nil
	}
	if q.state == rdmaio.StateReady {
		q.fail(rdmaio.Flushed)
	}
	q.state = rdmaio.StateInit
	q.owner.net.seek(q)
	if other := q.owner.net.procs[q.peer]; other != nil && !other.dead {
		if end := other.pairs[q.owner.id][q.pd]; end != nil {
			q.owner.net.seek(end)
		}
	}
	return nil
}

// PostSend puts a request on the wire.
func (q *QueuePair) PostSend(wr *rdmaio.WorkRequest) error {
	p, n := q.owner, q.owner.net
	if p.dead {
		return rdmaio.ErrClosed
	}
	if q.state != rdmaio.StateReady {
		return rdmaio.ErrNotReady
	}
	ours := len(wr.Local) > 0 && p.owns(wr.Local)
	switch {
	case len(wr.Local) == 0 || wr.Flags&^rdmaio.Unsignaled != 0:
		return rdmaio.ErrBadRequest
	case wr.Opcode == rdmaio.Write && !ours && len(wr.Local) > rdmaio.MaxInline:
		return rdmaio.ErrBadRequest
	case wr.Opcode == rdmaio.Read && !ours, wr.Opcode != rdmaio.Write && wr.Opcode != rdmaio.Read:
		return rdmaio.ErrBadRequest
	}
	if q.tail-q.head == uint64(n.cfg.SendQueue) || !q.cq.reserve() {
		return rdmaio.ErrQueueFull
	}
	if q.tail-q.head == uint64(len(q.ring)) {
		q.grow()
	}
	r := q.at(q.tail)
	q.tail++
	due := max(q.lastDue, n.now+n.latency(p.id, q.peer))
	q.lastDue = due
	*r = request{id: wr.ID, opcode: wr.Opcode, flags: wr.Flags, remote: wr.RemoteOffset, local: wr.Local, inline: !ours,
		fetched: r.fetched[:0], due: due, deadline: n.now + n.cfg.RetryTime}
	if r.inline {
		copy(r.copied[:], wr.Local)
	}
	n.schedulePlacing(q, due)
	n.armRetry(q, r.deadline)
	return nil
}

// grow doubles the ring, up to Config.SendQueue.
func (q *QueuePair) grow() {
	size := min(max(16, 2*len(q.ring)), q.owner.net.cfg.SendQueue)
	ring := make([]request, size)
	for i := q.head; i != q.tail; i++ {
		ring[i%uint64(size)] = *q.at(i)
	}
	q.ring = ring
}

// fail ends everything posted: the oldest unanswered request with first, the others Flushed. The pair is in StateError.
func (q *QueuePair) fail(first rdmaio.Status) {
	if !q.refused {
		q.owner.net.strand(q)
	}
	for ; q.head != q.answered; q.head++ {
		q.cq.release()
	}
	for status := first; q.head != q.tail; q.head++ {
		q.complete(q.at(q.head), status)
		status = rdmaio.Flushed
	}
	q.answered, q.placed = q.head, q.head
	q.gen++
	q.placing, q.answering, q.retryArmed, q.refused = false, false, false, false
	q.lastDue, q.lastAnswer = 0, 0
	q.state = rdmaio.StateError
}

func (q *QueuePair) complete(r *request, status rdmaio.Status) {
	q.cq.put(rdmaio.Completion{ID: r.id, Peer: q.peer, PD: q.pd, Opcode: r.opcode, Status: status})
}

// completionQueue keeps a place for every request posted, so that a completion always finds room.
type completionQueue struct {
	owner    *Provider
	ring     []rdmaio.Completion
	first    int
	filled   int
	reserved int
}

func (c *completionQueue) reserve() bool {
	if c.filled+c.reserved == len(c.ring) {
		return false
	}
	c.reserved++
	return true
}

func (c *completionQueue) release() { c.reserved-- }

func (c *completionQueue) put(done rdmaio.Completion) {
	c.reserved--
	c.ring[(c.first+c.filled)%len(c.ring)] = done
	c.filled++
}

// Poll hands out completions.
func (c *completionQueue) Poll(dst []rdmaio.Completion) int {
	if c.owner.dead {
		return 0
	}
	k := 0
	for ; k < len(dst) && c.filled > 0; k++ {
		dst[k] = c.ring[c.first]
		c.first = (c.first + 1) % len(c.ring)
		c.filled--
	}
	return k
}
