//go:build linux && (amd64 || arm64)

package shm

import (
	"runtime/debug"
	"unsafe"

	"exchange/rdmaio"
)

// copyWords copies n bytes, each aligned 8-byte word of shared memory by one load or store, so that no such word is ever torn.
// edge is how many bytes lie before the first word boundary of the shared side.
func copyWords(dst, src unsafe.Pointer, n, edge uintptr) {
	i := uintptr(0)
	for edge = min(edge, n); i < edge; i++ {
		*(*byte)(unsafe.Add(dst, i)) = *(*byte)(unsafe.Add(src, i))
	}
	for ; i+32 <= n; i += 32 {
		d, s := unsafe.Add(dst, i), unsafe.Add(src, i)
		*(*uint64)(d) = *(*uint64)(s)
		*(*uint64)(unsafe.Add(d, 8)) = *(*uint64)(unsafe.Add(s, 8))
		*(*uint64)(unsafe.Add(d, 16)) = *(*uint64)(unsafe.Add(s, 16))
		*(*uint64)(unsafe.Add(d, 24)) = *(*uint64)(unsafe.Add(s, 24))
	}
	for ; i+8 <= n; i += 8 {
		*(*uint64)(unsafe.Add(dst, i)) = *(*uint64)(unsafe.Add(src, i))
	}
	for ; i < n; i++ {
		*(*byte)(unsafe.Add(dst, i)) = *(*byte)(unsafe.Add(src, i))
	}
}

// toBoundary is how many bytes lie before the first 8-byte boundary.
func toBoundary(p unsafe.Pointer) uintptr { return -uintptr(p) & 7 }

// store copies src to mem[offset:], which must hold it, or as much of it as the fence lets pass.
func store(mem []byte, offset uint64, src []byte) (status rdmaio.Status) {
	was := debug.SetPanicOnFault(true)
	done := false
	defer func() {
		debug.SetPanicOnFault(was)
		if done {
			return
		}
		fault := recover()
		if !faultIn(mem, fault) {
			panic(fault)
		}
		status = rdmaio.RemoteAccessError
	}()
	orderStores()
	dst := unsafe.Pointer(&mem[offset])
	copyWords(dst, unsafe.Pointer(unsafe.SliceData(src)), uintptr(len(src)), toBoundary(dst))
	done = true
	return rdmaio.Success
}

// load copies mem[offset:] to dst until it is full. Reading never faults.
func load(mem []byte, offset uint64, dst []byte) {
	src := unsafe.Pointer(&mem[offset])
	copyWords(unsafe.Pointer(unsafe.SliceData(dst)), src, uintptr(len(dst)), toBoundary(src))
}

// faultIn reports whether a recovered value is a memory fault within mem.
func faultIn(mem []byte, fault any) bool {
	f, ok := fault.(interface{ Addr() uintptr })
	if !ok {
		return false
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(mem)))
	return f.Addr() >= start && f.Addr() < start+uintptr(len(mem))
}
