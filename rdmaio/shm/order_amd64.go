//go:build linux

package shm

import "sync/atomic"

// barrier makes everything stored before it visible before anything loaded after it. The word is the caller's own.
func barrier(word *uint32) { atomic.SwapUint32(word, 0) }
