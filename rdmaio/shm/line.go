//go:build linux && (amd64 || arm64)

package shm

import (
	"sync/atomic"

	"exchange/rdmaio"
)

// The writer's side of a window: requests of a pair stand in line while the first of them waits for the peer's window to be moved.

// waitingRequest is a request in line.
type waitingRequest struct {
	id     uint64
	offset uint64
	local  []byte
	done   int // bytes that were stored
	opcode rdmaio.Opcode
	flags  rdmaio.SendFlags
	inline [rdmaio.MaxInline]byte // what local is in, if it was not in our memory
}

// line is the requests of one pair that are not done, and what is known of the peer's window. A right that was taken meanwhile, though given
// again, ends them all: what was posted under one grant is never placed under the next.
type line struct {
	waiting []waitingRequest // a ring of SendQueueDepth
	first   int
	queued  int
	grant   uint64 // under which they were posted
	want    uint64 // what was told the peer last: the part written, below a count of changes
	stalled bool   // that part was found closed
}

// postToWindow does the request at once if nothing is in line and it lies in the part that was written last, as most do; otherwise it gets in line.
func (q *queuePair) postToWindow(wr *rdmaio.WorkRequest, ours bool) {
	t, n := q.target, uint64(len(wr.Local))
	if q.queued == 0 {
		life := q.link.life
		q.grant = atomic.LoadUint64(&life.mayWrite[q.owner.cfg.Local][q.pd])
		part, last := wr.RemoteOffset/t.part, (wr.RemoteOffset+n-1)/t.part
		if q.grant != 0 && part == last && q.want != 0 && uint32(part) == uint32(q.want) && q.fits(wr.RemoteOffset, n) && !life.over() {
			q.owner.unseen = true
			if t.store(wr.RemoteOffset, wr.Local) == rdmaio.Success {
				q.finish(wr.ID, wr.Opcode, wr.Flags, rdmaio.Success)
				return
			}
		}
	}
	q.enqueue(wr, ours)
	q.serve()
}

// enqueue puts a request at the end of the line. There is room.
func (q *queuePair) enqueue(wr *rdmaio.WorkRequest, ours bool) {
	w := &q.waiting[(q.first+q.queued)%SendQueueDepth]
	w.id, w.offset, w.local, w.done, w.opcode, w.flags = wr.ID, wr.RemoteOffset, wr.Local, 0, wr.Opcode, wr.Flags
	if !ours {
		w.local = w.inline[:copy(w.inline[:], wr.Local)]
	}
	q.queued++
	q.cq.reserved++
}

// leave takes the first out of the line.
func (q *queuePair) leave() *waitingRequest {
	w := &q.waiting[q.first]
	q.first = (q.first + 1) % SendQueueDepth
	q.queued--
	q.cq.reserved--
	return w
}

// serve does what stands in line, until something waits for the peer's window.
func (q *queuePair) serve() {
	for q.queued > 0 {
		w := &q.waiting[q.first]
		var status rdmaio.Status
		if w.opcode == rdmaio.Write {
			var done bool
			if status, done = q.writeThrough(w); !done {
				return
			}
		} else {
			status = q.perform(w.opcode, w.offset, w.local)
		}
		q.leave()
		q.finish(w.id, w.opcode, w.flags, status)
	}
}

// serve does what stands in line of all pairs.
func (c *completionQueue) serve() {
	for _, q := range c.pairs {
		if q.queued > 0 {
			q.serve()
		}
	}
}

// writeThrough stores a request's bytes, part by part, as far as the window reaches. done is false if it has to wait.
func (q *queuePair) writeThrough(w *waitingRequest) (status rdmaio.Status, done bool) {
	p, t, life := q.owner, q.target, q.link.life
	if !q.fits(w.offset, uint64(len(w.local))) {
		return rdmaio.RemoteAccessError, true
	}
	mayWrite := &life.mayWrite[p.cfg.Local][q.pd]
	for w.done < len(w.local) {
		at := w.offset + uint64(w.done)
		part := at / t.part
		n := min(len(w.local)-w.done, int((part+1)*t.part-at))
		switch {
		case life.over():
			p.news.Store(1) // the death is told when polled next
			return rdmaio.RetryExceeded, true
		case q.grant == 0 || atomic.LoadUint64(mayWrite) != q.grant:
			return rdmaio.RemoteAccessError, true
		case uint32(q.want) != uint32(part) || q.want == 0:
			q.tellWant(part)
		case q.stalled && atomic.LoadUint64(&life.served[p.cfg.Local][q.pd]) != q.want:
			return 0, false
		}
		p.unseen = true
		if t.store(at, w.local[w.done:w.done+n]) == rdmaio.Success {
			w.done += n
			q.stalled = false
			continue
		}
		if atomic.LoadUint64(mayWrite) != q.grant {
			return rdmaio.RemoteAccessError, true
		}
		if q.stalled { // it was moved here, and on
			q.tellWant(part)
		}
		q.stalled = true
		q.link.more[q.pd].Store(true)
		p.callers[q.peer].wake.wake()
		return 0, false
	}
	return rdmaio.Success, true
}

// tellWant shows the peer where we write, so that its window goes before us.
func (q *queuePair) tellWant(part uint64) {
	word := &q.owner.life.wants[q.peer][q.pd]
	q.want = (*word>>32+1)<<32 | part
	q.stalled = false
	atomic.StoreUint64(word, q.want)
}
