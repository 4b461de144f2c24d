package tcp

import "exchange/rdmaio"

// completionQueue is a ring; between next and end lies what has not been polled. Each request that was posted holds a place in it until it is
// polled, or retired unsignaled, so that a failure of all of them always finds room.
type completionQueue struct {
	owner     *Provider
	ring      []rdmaio.Completion // a power of two
	depth     int
	held      int
	next, end uint64
	pairs     []*queuePair
}

func newCompletionQueue(p *Provider, depth int) *completionQueue {
	size := 1
	for size < depth {
		size *= 2
	}
	return &completionQueue{owner: p, ring: make([]rdmaio.Completion, size), depth: depth}
}

func (c *completionQueue) full() bool { return c.held == c.depth }

func (c *completionQueue) put(done rdmaio.Completion) {
	c.ring[c.end&uint64(len(c.ring)-1)] = done
	c.end++
}

// Poll sends what was posted, takes what was answered, and hands out completions.
func (c *completionQueue) Poll(dst []rdmaio.Completion) int {
	for _, q := range c.pairs {
		if q.outstanding() {
			q.exchange()
		}
	}
	k := 0
	for ; k < len(dst) && c.next != c.end; k++ {
		dst[k] = c.ring[c.next&uint64(len(c.ring)-1)]
		c.next++
		c.held--
	}
	return k
}
