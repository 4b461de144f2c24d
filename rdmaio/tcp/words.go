package tcp

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"
)

// place copies src into mem from at on. Whole aligned words are stored at once; the bytes of a word that is written in part are exchanged for the
// new ones without touching what its owner may be storing beside them. mem is 8-byte aligned and a whole number of words long.
func place(mem []byte, at uint64, src []byte) {
	for len(src) > 0 {
		inWord := at & 7
		w := (*uint64)(unsafe.Pointer(&mem[at-inWord]))
		if inWord == 0 && len(src) >= 8 {
			n := len(src) &^ 7
			dst := unsafe.Slice(w, n/8)
			for i := range dst {
				atomic.StoreUint64(&dst[i], binary.NativeEndian.Uint64(src[8*i:]))
			}
			at, src = at+uint64(n), src[n:]
			continue
		}
		n := min(len(src), int(8-inWord))
		for {
			old := atomic.LoadUint64(w)
			var b [8]byte
			binary.NativeEndian.PutUint64(b[:], old)
			copy(b[inWord:], src[:n])
			if atomic.CompareAndSwapUint64(w, old, binary.NativeEndian.Uint64(b[:])) {
				break
			}
		}
		at, src = at+uint64(n), src[n:]
	}
}

// fetch copies from mem at on into dst, each aligned word loaded at once.
func fetch(dst []byte, mem []byte, at uint64) {
	for len(dst) > 0 {
		inWord := at & 7
		w := (*uint64)(unsafe.Pointer(&mem[at-inWord]))
		if inWord == 0 && len(dst) >= 8 {
			n := len(dst) &^ 7
			src := unsafe.Slice(w, n/8)
			for i := range src {
				binary.NativeEndian.PutUint64(dst[8*i:], atomic.LoadUint64(&src[i]))
			}
			at, dst = at+uint64(n), dst[n:]
			continue
		}
		var b [8]byte
		binary.NativeEndian.PutUint64(b[:], atomic.LoadUint64(w))
		n := copy(dst, b[inWord:])
		at, dst = at+uint64(n), dst[n:]
	}
}
