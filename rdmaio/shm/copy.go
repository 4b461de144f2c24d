//go:build linux && (amd64 || arm64)

package shm

import "unsafe"

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

// load copies mem[offset:] to dst until it is full. Reading never faults.
func load(mem []byte, offset uint64, dst []byte) {
	src := unsafe.Pointer(&mem[offset])
	copyWords(unsafe.Pointer(unsafe.SliceData(dst)), src, uintptr(len(dst)), toBoundary(src))
}
