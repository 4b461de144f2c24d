package server

import "sync/atomic"

// hashRing remembers the state hash after each of the last commands, so that replicas can be compared at equal index from outside. One
// writer, any readers.
type hashRing struct{ cells []hashCell }

const hashesKept = 1 << 16

// hashCell is read as index, hash, index: a change in between shows.
type hashCell struct{ index, hash atomic.Uint64 }

// newHashRing keeps the last kept hashes, a power of two.
func newHashRing(kept int) *hashRing { return &hashRing{make([]hashCell, kept)} }

func (r *hashRing) store(index, hash uint64) {
	c := &r.cells[index&uint64(len(r.cells)-1)]
	c.index.Store(0)
	c.hash.Store(hash)
	c.index.Store(index)
}

// at gives the hash after the command; false: not applied yet, or too long ago.
func (r *hashRing) at(index uint64) (uint64, bool) {
	c := &r.cells[index&uint64(len(r.cells)-1)]
	if index == 0 || c.index.Load() != index {
		return 0, false
	}
	h := c.hash.Load()
	return h, c.index.Load() == index
}
