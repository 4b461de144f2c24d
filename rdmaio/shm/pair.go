//go:build linux && (amd64 || arm64)

package shm

import (
	"errors"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// queuePair is our end of a pair: link and target are the way to the peer's region, fence is our hold on its way to ours.
//
// Invariant: target and link are set exactly while the pair is ready, and the link's peer has not been told dead.
type queuePair struct {
	owner       *Provider
	peer        rdmaio.NodeID
	pd          rdmaio.PD
	state       rdmaio.QPState
	access      rdmaio.Access
	cq          *completionQueue
	target      *target
	link        *link
	fence       *fence
	incarnation uint64
	unretired   int    // unsignaled requests done since the last signaled one
	slidTo      uint64 // the peer's want that was looked at last
	line               // what waits for the peer's window to be moved
	piece       []byte // of our memory that the last request's Local lay in
}

// Peer is the process at the other end.
func (q *queuePair) Peer() rdmaio.NodeID { return q.peer }

// PD is the pair's protection domain.
func (q *queuePair) PD() rdmaio.PD { return q.pd }

// State is the pair's state, after what has become known of the peer.
func (q *queuePair) State() rdmaio.QPState {
	if q.owner.news.Load() != 0 && !q.owner.closing.Load() {
		q.owner.takeNews()
	}
	return q.state
}

// PeerIncarnation is the incarnation of the process that this end last met.
func (q *queuePair) PeerIncarnation() uint64 { return q.incarnation }

// RemoteSize is the size of the peer's region; 0 until ready.
func (q *queuePair) RemoteSize() uint64 {
	if q.target == nil {
		return 0
	}
	return q.target.size
}

// Access is what the present incarnation of the peer may do to our region.
func (q *queuePair) Access() rdmaio.Access { return q.access }

// PostSend does the request at once; its completion is there when it returns.
func (q *queuePair) PostSend(wr *rdmaio.WorkRequest) error {
	p := q.owner
	if p.news.Load() != 0 && !p.closing.Load() {
		p.takeNews()
	}
	if q.state != rdmaio.StateReady {
		return q.notReady()
	}
	if len(wr.Local) == 0 || wr.Flags&^rdmaio.Unsignaled != 0 {
		return rdmaio.ErrBadRequest
	}
	ours := inside(wr.Local, q.piece)
	if !ours {
		if piece, ok := p.owns(wr.Local); ok {
			q.piece, ours = piece, true
		}
	}
	if !ours && (wr.Opcode != rdmaio.Write || len(wr.Local) > rdmaio.MaxInline) || wr.Opcode != rdmaio.Write && wr.Opcode != rdmaio.Read {
		return rdmaio.ErrBadRequest
	}
	if q.unretired+q.queued >= SendQueueDepth || q.cq.full() {
		return rdmaio.ErrQueueFull
	}
	if q.target.part != 0 && (wr.Opcode == rdmaio.Write || q.queued > 0) {
		q.postToWindow(wr, ours)
		return nil
	}
	status := q.perform(wr.Opcode, wr.RemoteOffset, wr.Local)
	if status == rdmaio.Success && wr.Flags == 0 { // as finish would, which is not called for what is posted most
		q.unretired = 0
		q.complete(wr.ID, wr.Opcode, status)
		return nil
	}
	q.finish(wr.ID, wr.Opcode, wr.Flags, status)
	return nil
}

// finish ends a request. After a failure everything behind it is flushed.
func (q *queuePair) finish(id uint64, op rdmaio.Opcode, flags rdmaio.SendFlags, status rdmaio.Status) {
	switch {
	case status != rdmaio.Success:
		q.complete(id, op, status)
		q.cutOff(rdmaio.Flushed)
	case flags&rdmaio.Unsignaled != 0:
		q.unretired++
	default:
		q.unretired = 0
		q.complete(id, op, rdmaio.Success)
	}
}

// complete puts the outcome into the completion queue, field by field: to copy what was just stored in smaller parts, the processor would wait until
// it had left its buffer, which takes longer than all the rest.
func (q *queuePair) complete(id uint64, op rdmaio.Opcode, s rdmaio.Status) {
	c := q.cq
	done := &c.ring[c.end&uint64(len(c.ring)-1)]
	done.ID, done.Peer, done.PD, done.Opcode, done.Status = id, q.peer, q.pd, op, s
	c.end++
}

func (q *queuePair) notReady() error {
	if q.owner.closing.Load() {
		return rdmaio.ErrClosed
	}
	return rdmaio.ErrNotReady
}

// perform moves the bytes.
func (q *queuePair) perform(op rdmaio.Opcode, offset uint64, local []byte) rdmaio.Status {
	t := q.target
	if q.link.life.over() {
		q.owner.news.Store(1) // the death is told when polled next
		return rdmaio.RetryExceeded
	}
	if !q.fits(offset, uint64(len(local))) {
		return rdmaio.RemoteAccessError
	}
	if op == rdmaio.Write {
		q.owner.unseen = true
		return t.store(offset, local)
	}
	if atomic.LoadUint32(&q.link.life.mayRead[q.owner.cfg.Local][q.pd]) == 0 {
		return rdmaio.RemoteAccessError
	}
	q.owner.seen()
	load(t.mem, offset, local)
	return rdmaio.Success
}

// fits reports whether n bytes at the offset lie in the peer's region.
func (q *queuePair) fits(offset, n uint64) bool {
	size := q.target.size
	return offset <= size && n <= size-offset
}

// seen makes what we wrote visible to every READ that starts from now on.
func (p *Provider) seen() {
	if p.unseen {
		p.unseen = false
		barrier(&p.fenceW)
	}
}

// cutOff puts a ready pair into StateError. What waits in line is completed: the first with the status, the rest as flushed.
func (q *queuePair) cutOff(first rdmaio.Status) {
	if q.state == rdmaio.StateReady {
		q.state = rdmaio.StateError
	}
	for status := first; q.queued > 0; status = rdmaio.Flushed {
		w := q.leave()
		q.complete(w.id, w.opcode, status)
	}
	q.target, q.link = nil, nil
	q.unretired = 0
}

// Reset seeks the peer anew.
func (q *queuePair) Reset() error {
	if q.owner.closing.Load() {
		return rdmaio.ErrClosed
	}
	if q.state != rdmaio.StateInit {
		q.cutOff(rdmaio.Flushed)
		q.state = rdmaio.StateInit
		q.owner.news.Store(1)
	}
	return nil
}

// ModifyAccess sets the peer's rights. Taking RemoteWrite away from a peer that has it costs an ioctl or a few, some 20 to 40 µs while
// the peer runs, and more the more pages it has written.
func (q *queuePair) ModifyAccess(a rdmaio.Access) error {
	switch {
	case q.owner.closing.Load():
		return rdmaio.ErrClosed
	case a&^(rdmaio.RemoteRead|rdmaio.RemoteWrite) != 0:
		return rdmaio.ErrBadRequest
	}
	if q.owner.news.Load() != 0 {
		q.owner.takeNews()
	}
	switch {
	case q.fence == nil && a != 0:
		return rdmaio.ErrNotReady
	case q.access&^a&rdmaio.RemoteWrite != 0:
		if err := q.fence.take(); err != nil && !errors.Is(err, unix.ESRCH) && !q.closedItself(err) {
			return rdmaio.ErrNotFenced
		}
	case a&^q.access&rdmaio.RemoteWrite != 0:
		if q.fence.give() != nil {
			return rdmaio.ErrNotReady
		}
	}
	q.setAccess(a)
	return nil
}

// closedItself: the peer has unmapped our region, having ended in order.
func (q *queuePair) closedItself(err error) bool {
	l := q.owner.peers[q.peer].link
	return errors.Is(err, unix.ENOENT) && l != nil && l.life.over()
}

func (q *queuePair) setAccess(a rdmaio.Access) {
	p := q.owner
	mayWrite := &p.life.mayWrite[q.peer][q.pd]
	switch {
	case a&rdmaio.RemoteWrite == 0:
		atomic.StoreUint64(mayWrite, 0)
	case q.access&rdmaio.RemoteWrite == 0:
		p.grants++
		q.slidTo = 0
		atomic.StoreUint64(mayWrite, p.grants)
	}
	q.access = a
	mayRead := uint32(0)
	if a&rdmaio.RemoteRead != 0 {
		mayRead = 1
	}
	atomic.StoreUint32(&p.life.mayRead[q.peer][q.pd], mayRead)
}

// completionQueue is a ring; between next and end lies what has not been polled.
type completionQueue struct {
	owner     *Provider
	ring      []rdmaio.Completion // a power of two
	depth     uint64
	next, end uint64
	reserved  uint64 // places for what waits in line
	pairs     []*queuePair
}

func newCompletionQueue(p *Provider, depth int) *completionQueue {
	size := 1
	for size < depth {
		size *= 2
	}
	return &completionQueue{owner: p, ring: make([]rdmaio.Completion, size), depth: uint64(depth)}
}

func (c *completionQueue) full() bool { return c.end-c.next+c.reserved >= c.depth }

// Poll hands out completions; what they promise visible is visible from then on.
func (c *completionQueue) Poll(dst []rdmaio.Completion) int {
	if c.reserved > 0 {
		c.serve()
	}
	if c.next == c.end {
		return 0
	}
	c.owner.seen()
	k := 0
	for ; k < len(dst) && c.next != c.end; k++ {
		// Field by field too: see complete.
		d, from := &dst[k], &c.ring[c.next&uint64(len(c.ring)-1)]
		d.ID, d.Peer, d.PD, d.Opcode, d.Status = from.ID, from.Peer, from.PD, from.Opcode, from.Status
		c.next++
	}
	return k
}
