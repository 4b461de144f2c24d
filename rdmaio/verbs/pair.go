//go:build verbs && linux && cgo

package verbs

/*
#include <stdlib.h>
#include "device.h"
*/
import "C"

import (
	"math/rand/v2"
	"time"
	"unsafe"

	"exchange/rdmaio"
)

// queuePair is our end of a pair: the way by which our requests go out, and the gate by which the peer's come in.
//
// A request's life:
//
//  1. PostSend splits it into pieces, each of which takes the next place in slots, and stages them in the lane.
//  2. The lane is flushed: at once, or by the next Poll.
//  3. The card completes: succeeded retires all places up to that one, failed completes it and flushes all behind it.
//
// The owner loop alone uses everything here but the gate.
type queuePair struct {
	owner *Provider
	peer  *peer
	pd    rdmaio.PD
	cq    *completionQueue
	index int
	gate  *gate

	state       rdmaio.QPState
	incarnation uint64
	rc          *rcPair
	psn         uint32
	attempt     uint32
	remote      message // where the region is, while ready
	lame        bool    // the gate was cut while nothing was under way: the next request is refused

	lane    *C.struct_x_lane
	staged  int // places in the lane
	inDirty bool
	slots   [slotRing]slot
	first   uint32 // oldest place that is not retired
	next    uint32
	waiting int           // requests that are not retired
	cause   rdmaio.Status // what the first flush means
	epoch   uint16        // counts the pair's failures
	late    int           // places of the epoch before that the card has not flushed yet
	drained bool

	piece *piece // of our memory, that the last request's Local lay in
}

// slot is one piece of a request.
type slot struct {
	id       uint64
	opcode   rdmaio.Opcode
	signaled bool // the request asked for a completion
	last     bool // the request's last piece
}

const (
	marker   = 1 << 15               // instead of a place: see drain
	drainFor = 50 * time.Millisecond // then the card's queue pair is made anew
)

func newQueuePair(p *Provider, r *peer, pd rdmaio.PD, cq *completionQueue) (*queuePair, error) {
	q := &queuePair{owner: p, peer: r, pd: pd, cq: cq, index: int(r.id)*rdmaio.MaxPDs + int(pd), cause: rdmaio.RetryExceeded}
	q.gate = &gate{region: p.regions[pd], open: true}
	var err error
	if q.gate.rc, err = newRCPair(p.port, p.domains[pd], p.unused, 1); err != nil {
		return nil, err
	}
	if q.rc, err = newRCPair(p.port, p.domains[pd], cq.c, sendSlots+1); err != nil {
		_ = q.gate.rc.destroy()
		return nil, err
	}
	q.lane = (*C.struct_x_lane)(C.calloc(1, C.sizeof_struct_x_lane))
	return q, nil
}

// Peer is the process at the other end.
func (q *queuePair) Peer() rdmaio.NodeID { return q.peer.id }

// PD is the pair's protection domain.
func (q *queuePair) PD() rdmaio.PD { return q.pd }

// State is the pair's state, after what has become known of the peer.
func (q *queuePair) State() rdmaio.QPState {
	if q.owner.news.Load() && !q.owner.closing.Load() {
		q.owner.takeNews()
	}
	return q.state
}

// PeerIncarnation is the incarnation of the process that this end last met.
func (q *queuePair) PeerIncarnation() uint64 { return q.incarnation }

// RemoteSize is the size of the peer's region; 0 until ready.
func (q *queuePair) RemoteSize() uint64 {
	if q.state != rdmaio.StateReady {
		return 0
	}
	return q.remote.size
}

// Access is what the present incarnation of the peer may do to our region.
func (q *queuePair) Access() rdmaio.Access {
	q.peer.mu.Lock()
	defer q.peer.mu.Unlock()
	return q.gate.access
}

// PostSend hands the request to the card in one call, or, with Config.Batch, leaves it to the next Poll.
func (q *queuePair) PostSend(wr *rdmaio.WorkRequest) error {
	p := q.owner
	if p.closing.Load() {
		return rdmaio.ErrClosed
	}
	if p.news.Load() {
		p.takeNews()
	}
	if q.state != rdmaio.StateReady {
		return rdmaio.ErrNotReady
	}
	if len(wr.Local) == 0 || wr.Flags&^rdmaio.Unsignaled != 0 || wr.Opcode != rdmaio.Write && wr.Opcode != rdmaio.Read {
		return rdmaio.ErrBadRequest
	}
	inline := wr.Opcode == rdmaio.Write && len(wr.Local) <= rdmaio.MaxInline
	if !inline && (q.piece == nil || !q.piece.holds(wr.Local)) {
		if q.piece = p.pieceOf(wr.Local); q.piece == nil {
			return rdmaio.ErrBadRequest
		}
	}
	lengths, pieces := [maxPieces]int{len(wr.Local)}, 1
	if wr.RemoteOffset < q.remote.size && uint64(len(wr.Local)) <= q.remote.size-wr.RemoteOffset {
		lengths, pieces = splitAtWords(wr.RemoteOffset, len(wr.Local))
	} // else the peer's card is to refuse all of it
	signaled := wr.Flags&rdmaio.Unsignaled == 0
	if q.waiting == SendQueueDepth || q.cq.full(pieces, signaled) {
		return rdmaio.ErrQueueFull
	}
	if signaled {
		q.cq.owed++
	}
	if q.lame {
		q.cq.put(q.completion(&slot{id: wr.ID, opcode: wr.Opcode}, rdmaio.RemoteAccessError), signaled)
		q.state, q.lame = rdmaio.StateError, false
		return nil
	}
	q.stage(wr, inline, lengths[:pieces])
	if !p.cfg.Batch || q.staged+maxPieces > stageSlots {
		q.flush()
	} else if !q.inDirty {
		q.inDirty = true
		q.cq.dirty[q.cq.count], q.cq.lanes[q.cq.count] = q, q.lane
		q.cq.count++
	}
	return nil
}

// stage puts the request's pieces into the lane.
func (q *queuePair) stage(wr *rdmaio.WorkRequest, inline bool, lengths []int) {
	local, remote, left := wr.Local, q.remote.address+wr.RemoteOffset, len(lengths)
	signaled := wr.Flags&rdmaio.Unsignaled == 0
	for _, length := range lengths {
		left--
		post := &q.lane.posts[q.staged]
		post.wr_id = C.uint64_t(workID(q.index, q.epoch, q.next))
		post.remote, post.rkey, post.length = C.uint64_t(remote), C.uint32_t(q.remote.rkey), C.uint32_t(length)
		post.opcode, post.flags = C.IBV_WR_RDMA_WRITE, 0
		if wr.Opcode == rdmaio.Read {
			post.opcode = C.IBV_WR_RDMA_READ
		}
		if inline {
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&post.data)), C.X_INLINE), local[:length])
			post.flags, post.lkey = C.IBV_SEND_INLINE, 0
		} else {
			post.local = C.uint64_t(uintptr(unsafe.Pointer(unsafe.SliceData(local))))
			post.lkey = q.piece.mrs[q.pd].lkey
		}
		if left == 0 && signaled {
			post.flags |= C.IBV_SEND_SIGNALED
		}
		q.slots[q.next%slotRing] = slot{id: wr.ID, opcode: wr.Opcode, signaled: signaled, last: left == 0}
		q.next++
		q.staged++
		local, remote = local[length:], remote+uint64(length)
	}
	q.lane.staged = C.uint32_t(q.staged)
	q.cq.reserved += len(lengths)
	q.waiting++
}

// flush posts what is staged.
func (q *queuePair) flush() {
	C.x_flush(q.lane)
	q.staged = 0
	if q.lane.refused != 0 {
		q.postFailed()
	}
}

// postFailed: the card took only a part of what was staged. Nothing that was promised a completion is forgotten.
func (q *queuePair) postFailed() {
	q.staged = int(q.lane.refused)
	q.peer.setProblem(result("post a request", C.int(q.lane.error)))
	q.lane.refused = 0
	q.cut(rdmaio.RetryExceeded)
}

func (q *queuePair) completion(s *slot, status rdmaio.Status) rdmaio.Completion {
	return rdmaio.Completion{ID: s.id, Peer: q.peer.id, PD: q.pd, Opcode: s.opcode, Status: status}
}

// succeeded retires everything up to a place.
func (q *queuePair) succeeded(place uint32) {
	for q.first != place+1 {
		s := &q.slots[q.first%slotRing]
		q.first++
		q.cq.reserved--
		if s.last {
			q.waiting--
			if s.signaled {
				q.cq.put(q.completion(s, rdmaio.Success), true)
			}
		}
	}
}

// failed completes the request at a place and flushes everything behind it. The card's own flushes of these come later.
func (q *queuePair) failed(place uint32, wc uint32) {
	q.succeeded(place - 1)
	status, flush := statusOf(wc)
	if flush {
		status = q.cause
	}
	if q.state == rdmaio.StateReady {
		q.state = rdmaio.StateError
	}
	q.late = int(q.next-place) - 1 - q.staged
	q.cq.reserved -= 1 + q.staged // the one that has completed, and what the card never saw
	q.flushFrom(status)
}

// flushFrom completes what is not retired: the first as told, the rest as Flushed.
func (q *queuePair) flushFrom(status rdmaio.Status) {
	for ; q.first != q.next; q.first++ {
		if s := &q.slots[q.first%slotRing]; s.last {
			q.cq.put(q.completion(s, status), s.signaled)
			status = rdmaio.Flushed
		}
	}
	q.waiting = 0
	q.epoch++
	q.unstage()
}

func (q *queuePair) unstage() {
	q.staged, q.lane.staged = 0, 0
}

// cut ends a ready pair: the card flushes what is under way, the first of which failed for the given cause.
func (q *queuePair) cut(cause rdmaio.Status) {
	if q.state != rdmaio.StateReady {
		return
	}
	q.state, q.lame, q.cause = rdmaio.StateError, false, cause
	_ = q.rc.toError()
	if q.first != q.next {
		// Marks the end: what is in front of it and did not complete was unsignaled and has succeeded.
		q.drain(C.x_mark(q.lane.qp, C.uint64_t(workID(q.index|marker, q.epoch, 0))) == 0)
	}
	if q.first != q.next { // no failure was found
		if q.drained {
			posted := q.next - uint32(q.staged)
			if posted != q.first {
				q.succeeded(posted - 1)
			}
		} else {
			q.late = int(q.next-q.first) - q.staged
		}
		q.cq.reserved -= q.staged
		q.flushFrom(cause)
	}
	q.cause = rdmaio.RetryExceeded
}

// drain polls until the marker was flushed, or, without one, until everything was.
func (q *queuePair) drain(marked bool) {
	q.drained = false
	for start, idle := time.Now(), 0; ; {
		if marked && q.drained || !marked && q.late == 0 && q.first == q.next {
			return
		}
		if q.cq.poll() > 0 {
			continue
		}
		if idle++; idle%64 == 0 && time.Since(start) > drainFor {
			return
		}
	}
}

// Reset drops what was posted and seeks the peer anew.
func (q *queuePair) Reset() error {
	p := q.owner
	if p.closing.Load() {
		return rdmaio.ErrClosed
	}
	if p.news.Load() {
		p.takeNews()
	}
	if q.state == rdmaio.StateInit {
		return nil
	}
	q.cut(rdmaio.Flushed)
	if q.late > 0 {
		q.drain(false)
	}
	q.state = rdmaio.StateInit
	return q.seek(0)
}

// seek makes the way ready to be connected and asks for the peer's gate.
func (q *queuePair) seek(after time.Duration) error {
	err := q.renew()
	q.attempt++
	q.psn = rand.Uint32() & 0xffffff
	r := q.peer
	r.mu.Lock()
	defer r.mu.Unlock()
	q.gate.open = true
	r.asks[q.pd] = ask{active: err == nil, due: time.Now().Add(after), question: message{
		kind: kindConnect, pd: q.pd, attempt: q.attempt, end: q.owner.port.end(q.rc.number(), q.psn),
	}}
	poke(r.wake)
	return err
}

// renew takes the way to INIT, by a new queue pair of the card if the old one cannot be brought to rest.
func (q *queuePair) renew() error {
	_ = q.owner.port.quiesce() // what the card brings for READs that were given up
	if q.late > 0 || q.rc.toReset() != nil {
		if err := q.rc.destroy(); err != nil {
			return err
		}
		q.cq.reserved -= q.late
		q.late = 0
	}
	q.epoch++ // whatever is told of the old one from now on means nothing
	if err := q.rc.toInit(0); err != nil {
		return err
	}
	q.lane.qp = q.rc.c
	return nil
}

// join connects the way to the gate that the peer has opened.
func (q *queuePair) join(answer *message, incarnation uint64) {
	if err := q.rc.toReady(answer.end, q.psn, 0, q.owner.timeout); err != nil {
		q.peer.setProblem(err)
		_ = q.seek(maxPause)
		return
	}
	q.remote, q.incarnation, q.lame = *answer, incarnation, false
	q.state = rdmaio.StateReady
}

// refuse: the peer has cut the gate, that is, taken a right away. What is under way did not pass it, or has succeeded.
func (q *queuePair) refuse() {
	for q.cq.reserved > 0 && q.cq.poll() > 0 {
	}
	switch {
	case q.state != rdmaio.StateReady:
	case q.first == q.next:
		q.lame = true
	default:
		q.cut(rdmaio.RemoteAccessError)
	}
}

// ModifyAccess sets the peer's rights by the gate's flags, or by a cut: see the package doc.
func (q *queuePair) ModifyAccess(a rdmaio.Access) error {
	p := q.owner
	switch {
	case p.closing.Load():
		return rdmaio.ErrClosed
	case a&^(rdmaio.RemoteRead|rdmaio.RemoteWrite) != 0:
		return rdmaio.ErrBadRequest
	}
	if p.news.Load() {
		p.takeNews()
	}
	r := q.peer
	r.mu.Lock()
	defer r.mu.Unlock()
	if a != 0 && (r.dead || q.incarnation == 0 || q.incarnation != r.incarnation) {
		return rdmaio.ErrNotReady
	}
	cut, err := q.gate.setAccess(a, p.cfg.AlwaysCycle)
	if err != nil {
		r.problem = err
		return rdmaio.ErrNotFenced
	}
	if cut && r.visitor != nil {
		poke(r.visitor.wake)
	}
	return nil
}

func (q *queuePair) freeLane() {
	C.free(unsafe.Pointer(q.lane))
	q.lane = nil
}
