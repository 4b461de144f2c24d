//go:build verbs && linux && cgo

package verbs

/*
#include <stdlib.h>
#include "device.h"
*/
import "C"

import (
	"fmt"
	"syscall"
	"unsafe"

	"exchange/rdmaio"
)

// completionQueue is the card's queue and, behind it, a ring of what is known but not yet handed out.
//
// Invariant: reserved + undelivered <= room, so that neither overflows: each work request that the card holds has a place kept.
type completionQueue struct {
	owner *Provider
	c     *C.struct_ibv_cq
	depth int // completions that the owner asked room for
	room  int

	reserved int // work requests with the card that may still give a completion
	owed     int // signaled requests posted and not yet handed out
	ring     []rdmaio.Completion
	next     uint64
	end      uint64

	lanes *[maxPairs]*C.struct_x_lane // with requests staged
	dirty [maxPairs]*queuePair        // theirs
	count int
	done  *[C.X_DONE]C.struct_x_done
}

const (
	maxPairs = (rdmaio.MaxNodes + 1) * rdmaio.MaxPDs
	// extraRoom is for unsignaled requests, which complete if they fail, and for markers.
	extraRoom = 4*slotRing + maxPairs
)

func newCompletionQueue(p *Provider, depth int) (*completionQueue, error) {
	room := min(depth+extraRoom, int(p.port.c.max_cqe))
	if room < depth+slotRing {
		return nil, fmt.Errorf("verbs: completion queue of depth %d: the device holds %d in all: ask for less", depth, int(p.port.c.max_cqe))
	}
	c := &completionQueue{owner: p, depth: depth, room: room - maxPairs}
	var err error
	if c.c, err = C.ibv_create_cq(p.port.c.context, C.int(room), nil, nil, 0); c.c == nil {
		return nil, fmt.Errorf("verbs: completion queue of depth %d: %w", depth, err)
	}
	size := 1
	for size < room {
		size *= 2
	}
	c.ring = make([]rdmaio.Completion, size)
	c.lanes = (*[maxPairs]*C.struct_x_lane)(C.calloc(maxPairs, C.size_t(unsafe.Sizeof(c.lanes[0]))))
	c.done = (*[C.X_DONE]C.struct_x_done)(C.calloc(C.X_DONE, C.sizeof_struct_x_done))
	return c, nil
}

func (c *completionQueue) free() {
	if c.c != nil {
		C.ibv_destroy_cq(c.c)
		C.free(unsafe.Pointer(c.lanes))
		C.free(unsafe.Pointer(c.done))
		c.c = nil
	}
}

// full tells whether there is no room for one more request in so many pieces.
func (c *completionQueue) full(pieces int, signaled bool) bool {
	return signaled && c.owed >= c.depth || c.reserved+int(c.end-c.next)+pieces > c.room
}

func (c *completionQueue) put(done rdmaio.Completion, signaled bool) {
	if !signaled {
		c.owed++ // a failure that nobody asked to hear of takes its place, too
	}
	c.ring[c.end&uint64(len(c.ring)-1)] = done
	c.end++
}

// Poll hands out completions, oldest first within a pair. With Config.Batch it first posts what is staged.
func (c *completionQueue) Poll(dst []rdmaio.Completion) int {
	if c.owner.closing.Load() {
		return c.take(dst)
	}
	if c.owner.news.Load() {
		c.owner.takeNews()
	}
	if c.count > 0 || c.reserved > 0 && int(c.end-c.next) < len(dst) {
		c.round()
	}
	return c.take(dst)
}

func (c *completionQueue) take(dst []rdmaio.Completion) int {
	k := 0
	for ; k < len(dst) && c.next != c.end; k++ {
		dst[k] = c.ring[c.next&uint64(len(c.ring)-1)]
		c.next++
	}
	c.owed -= k
	return k
}

// round posts what is staged, polls the card once and settles what it finds.
func (c *completionQueue) round() {
	count := c.count
	c.count = 0
	for _, q := range c.dirty[:count] {
		q.staged, q.inDirty = 0, false
	}
	n := c.call(count)
	for _, q := range c.dirty[:count] {
		if q.lane.refused != 0 {
			q.postFailed()
		}
	}
	if n < 0 {
		c.owner.pollFailed(c, syscall.Errno(-n))
	}
}

// poll settles what the card has to tell, posts nothing, and returns how much it was.
func (c *completionQueue) poll() int { return c.call(0) }

func (c *completionQueue) call(lanes int) int {
	n := int(C.x_round(&c.lanes[0], C.int(lanes), c.c, &c.done[0], C.X_DONE))
	for i := range max(n, 0) {
		c.settle(&c.done[i])
	}
	return n
}

// A work request's number tells pair, epoch of that pair, and place.
func workID(index int, epoch uint16, place uint32) uint64 {
	return uint64(index)<<48 | uint64(epoch)<<32 | uint64(place)
}

func (c *completionQueue) settle(done *C.struct_x_done) {
	id := uint64(done.wr_id)
	index, epoch, place := int(id>>48), uint16(id>>32), uint32(id)
	q := c.owner.byIndex[index&^marker]
	switch {
	case q == nil || q.cq != c:
	case index&marker != 0:
		q.drained = q.drained || epoch == q.epoch || epoch == q.epoch-1
	case epoch != q.epoch:
		if epoch == q.epoch-1 && q.late > 0 {
			q.late--
			c.reserved--
		}
	case done.status == C.IBV_WC_SUCCESS:
		q.succeeded(place)
	default:
		q.failed(place, uint32(done.status))
	}
}

// statusOf maps what the card says of a request that failed. A flush is the pair's affair: see queuePair.cause.
func statusOf(wc uint32) (status rdmaio.Status, flushed bool) {
	switch wc {
	case C.IBV_WC_REM_INV_REQ_ERR, C.IBV_WC_REM_ACCESS_ERR, C.IBV_WC_REM_OP_ERR:
		return rdmaio.RemoteAccessError, false
	case C.IBV_WC_WR_FLUSH_ERR:
		return rdmaio.Flushed, true
	}
	return rdmaio.RetryExceeded, false // among them what cannot happen: the outcome is unknown, which is what this status says
}
