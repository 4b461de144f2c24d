//go:build verbs && linux && cgo

package verbs

/*
#include <stdlib.h>
#include "device.h"
*/
import "C"

import (
	"fmt"
	"syscall"
	"unsafe"

	"exchange/rdmaio"
)

// PlainWrites gives the loop that the provider is measured by: one WRITE posted to each of two ready pairs and their completion queue polled until
// both are complete, with the library's calls alone. Nothing else may be under way on that queue. local is memory of AllocLocal.
func (p *Provider) PlainWrites(pairs [2]rdmaio.QueuePair, local []byte) (write func(offset uint64, size int) error, err error) {
	plain := (*C.struct_x_plain)(C.calloc(1, C.sizeof_struct_x_plain)) // lives as long as the process: a benchmark's
	var cq *completionQueue
	for i, pair := range pairs {
		q, ok := pair.(*queuePair)
		if !ok || q.state != rdmaio.StateReady {
			return nil, rdmaio.ErrNotReady
		}
		piece := p.pieceOf(local)
		if piece == nil {
			return nil, rdmaio.ErrBadRequest
		}
		cq = q.cq
		plain.qp[i], plain.rkey[i], plain.lkey = q.rc.c, C.uint32_t(q.remote.rkey), piece.mrs[q.pd].lkey
	}
	plain.local = C.uint64_t(uintptr(unsafe.Pointer(unsafe.SliceData(local))))
	return func(offset uint64, size int) error {
		for i, pair := range pairs {
			plain.remote[i] = C.uint64_t(pair.(*queuePair).remote.address + offset)
		}
		plain.length = C.uint32_t(size)
		switch status := C.x_write_both(cq.c, plain); {
		case status > 0:
			return fmt.Errorf("verbs: post: %w", syscall.Errno(status))
		case status < 0:
			return fmt.Errorf("verbs: a write completed with status %d", -status)
		}
		return nil
	}, nil
}
