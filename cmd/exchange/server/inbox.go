package server

import (
	"sync/atomic"

	"exchange/book"
)

// inbox carries commands from many gateways to the one loop: a bounded ring in which each cell has a turn number (Vyukov's bounded
// queue). A producer that finds no room is told at once; nothing blocks and nothing allocates.
//
// Invariant: a cell at position p is free for the producer of turn p, and full for the consumer when its turn is p+1.
type inbox struct {
	cells []inboxCell
	mask  uint64
	tail  atomic.Uint64 // next position to fill
	_     [56]byte      // tail and head change on different cores
	head  uint64        // next position to take; the loop's own
	wake  func()
}

type inboxCell struct {
	turn    atomic.Uint64
	command book.Command
}

// newInbox makes room for size commands, a power of two. wake is called after a command was put in.
func newInbox(size int, wake func()) *inbox {
	q := &inbox{cells: make([]inboxCell, size), mask: uint64(size - 1), wake: wake}
	for i := range q.cells {
		q.cells[i].turn.Store(uint64(i))
	}
	return q
}

// put copies the command in, from any goroutine; false: full.
func (q *inbox) put(c *book.Command) bool {
	for {
		pos := q.tail.Load()
		cell := &q.cells[pos&q.mask]
		switch turn := cell.turn.Load(); {
		case turn == pos:
			if q.tail.CompareAndSwap(pos, pos+1) {
				cell.command = *c
				cell.turn.Store(pos + 1)
				q.wake()
				return true
			}
		case turn < pos:
			return false
		}
	}
}

// take copies the oldest command out; only the loop calls it.
func (q *inbox) take(c *book.Command) bool {
	cell := &q.cells[q.head&q.mask]
	if cell.turn.Load() != q.head+1 {
		return false
	}
	*c = cell.command
	cell.turn.Store(q.head + uint64(len(q.cells)))
	q.head++
	return true
}

// waiting is how many commands are in the queue, roughly.
func (q *inbox) waiting() int { return int(q.tail.Load() - q.head) }

// drain drops everything that waits: a replica that does not lead has no use for it.
func (q *inbox) drain() (dropped int) {
	var c book.Command
	for q.take(&c) {
		dropped++
	}
	return dropped
}
