//go:build linux

package shm

import (
	"runtime/debug"
	"unsafe"

	"exchange/rdmaio"
)

// How a denied store is caught on arm64: as a panic, by Go's own means.

func catchFaults() error { return nil }

// store copies src to offset, which with src's length must lie in the mapping, or as much of it as the fence lets pass.
func (a *armed) store(offset uint64, src []byte) (status rdmaio.Status) {
	was := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(was)
		if fault := recover(); fault != nil {
			if !a.has(fault) {
				panic(fault)
			}
			status = rdmaio.RemoteAccessError
		}
	}()
	orderStores()
	dst := unsafe.Pointer(&a.mem[offset])
	copyWords(dst, unsafe.Pointer(unsafe.SliceData(src)), uintptr(len(src)), toBoundary(dst))
	return rdmaio.Success
}

// has reports whether a recovered value is a memory fault within the mapping.
func (a *armed) has(fault any) bool {
	f, ok := fault.(interface{ Addr() uintptr })
	if !ok {
		return false
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(a.mem)))
	return f.Addr() >= start && f.Addr() < start+uintptr(len(a.mem))
}
