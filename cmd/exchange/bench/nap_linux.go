package bench

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// shortSlice is the least that the scheduler takes, ns.
const shortSlice = 100_000

// promptly makes the calling thread's naps as long as asked for: the kernel otherwise rounds them up by 50 µs. And it asks for short turns on a processor,
// for which the scheduler lets it have its turns sooner (since Linux 6.12).
func promptly() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Runtime: shortSlice}, 0)
}

// nap sleeps on the calling thread, without a change of goroutine and without telling the runtime, as a replica's loop does.
func nap(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}

// yield lets another thread that waits for this processor run first, if there is one.
func yield() { unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
