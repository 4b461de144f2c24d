//go:build linux

package shm

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// How a denied store is caught on amd64: as the kernel catches its own, by a table (of one row) of instructions that may fault and where to go on
// when they do. Ours is looked up before Go's handler of SIGBUS, which sees every other fault as before. A permitted store then costs nothing but
// the copy; a defer and a recover around it would cost more than all the rest of a short write.

// wide says that aligned 16-byte stores are never torn, which processors with AVX promise (Intel SDM volume 3, "Guaranteed Atomic Operations").
var wide = cpu.X86.HasAVX

// Where storeFenced lies, and the handler that Go had installed.
var storeStart, storeEnd, goHandler uintptr

// storeFenced copies n bytes to memory that may be write-protected, each aligned 8-byte word by one store. It reports whether a store was denied.
//
//go:noescape
func storeFenced(dst, src unsafe.Pointer, n uintptr) (denied bool)

func addresses() (store, handler uintptr)

// kernelSigaction is the kernel's struct sigaction on amd64.
type kernelSigaction struct{ handler, flags, restorer, mask uintptr }

func sigaction(new, old *kernelSigaction) error {
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGBUS), uintptr(unsafe.Pointer(new)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(old.mask), 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

// catchFaults makes denied stores return. It must have succeeded before the first store.
var catchFaults = sync.OnceValue(func() error {
	var a kernelSigaction
	if err := sigaction(nil, &a); err != nil {
		return fmt.Errorf("look at the handler of SIGBUS: %w", err)
	}
	store, handler := addresses()
	for storeStart, storeEnd = store, store; ; storeEnd++ { // to the end of the function
		if f := runtime.FuncForPC(storeEnd); f == nil || f.Entry() != store {
			break
		}
	}
	goHandler, a.handler = a.handler, handler
	const ignoredOrDefault = 1
	if storeEnd == store || goHandler <= ignoredOrDefault {
		return fmt.Errorf("no handler of SIGBUS to put ours before")
	}
	if err := sigaction(&a, nil); err != nil {
		return fmt.Errorf("set a handler of SIGBUS: %w", err)
	}
	return nil
})

// store copies src to offset, which with src's length must lie in the mapping, or as much of it as the fence lets pass.
func (a *armed) store(offset uint64, src []byte) rdmaio.Status {
	if storeFenced(unsafe.Pointer(&a.mem[offset]), unsafe.Pointer(unsafe.SliceData(src)), uintptr(len(src))) {
		return rdmaio.RemoteAccessError
	}
	return rdmaio.Success
}
