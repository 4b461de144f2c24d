//go:build linux

package shm

import "sync/atomic"

// orderStores: stores of one thread become visible in order on amd64.
func orderStores() {}

// barrier makes everything stored before it visible before anything loaded after it. The word is the caller's own.
func barrier(word *uint32) { atomic.SwapUint32(word, 0) }
