package thread

import (
	"encoding/binary"
	"os"
	"syscall"
	"unsafe"
)

// latencyRequest is where a program asks that no processor of the host sleeps so deeply that it takes longer than so many µs to wake, for as long as it has the
// file open (the kernel's Documentation/power/pm_qos_interface.rst).
const latencyRequest = "/dev/cpu_dma_latency"

// Values of a request, in µs: 0 lets no processor sleep, it polls while it has nothing to do; -1 asks for nothing.
const (
	neverSleep = 0
	asYouLike  = -1
)

// Awake asks the system to keep the processors of this host awake. The zero value asks for nothing; its methods are one goroutine's.
type Awake struct {
	file *os.File
	fd   uintptr
	on   bool
}

// Open gets hold of the request; the error says why there is none: it takes root, or the right to write the file.
func (a *Awake) Open() error {
	f, err := os.OpenFile(latencyRequest, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	a.file, a.fd = f, f.Fd()
	return nil
}

// Keep begins or ceases to ask. Where it has no request nothing happens.
func (a *Awake) Keep(on bool) {
	if a.file == nil || a.on == on {
		return
	}
	a.on = on
	us := int32(asYouLike)
	if on {
		us = neverSleep
	}
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], uint32(us))
	// It never blocks; a request that is refused leaves everything as it is. The runtime is not told of it.
	_, _, _ = syscall.RawSyscall(syscall.SYS_WRITE, a.fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
}

// Close ends the request.
func (a *Awake) Close() {
	if a.file != nil {
		a.file.Close()
		a.file = nil
	}
}
