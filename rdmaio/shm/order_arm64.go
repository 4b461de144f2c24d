//go:build linux

package shm

// orderStores makes everything stored before it visible before anything stored after it.
func orderStores() { barrierAll() }

// barrier makes everything stored before it visible before anything loaded after it.
func barrier(*uint32) { barrierAll() }

// barrierAll is DMB ISH.
func barrierAll()
