package server

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// parker lets the loop's thread sleep until it is woken or a time has passed. A futex costs the waker one load when nobody sleeps, and wakes
// the very thread, which a channel would not.
type parker struct{ word atomic.Uint32 }

const (
	parkerRunning  = 0
	parkerSleeping = 1
)

const (
	futexWaitPrivate = 0 | 128
	futexWakePrivate = 1 | 128
)

// prepare announces the sleep. The caller looks for work once more before it sleeps, so that no wake-up is lost.
func (p *parker) prepare() { p.word.Store(parkerSleeping) }

// cancel takes the announcement back.
func (p *parker) cancel() { p.word.Store(parkerRunning) }

// sleep waits until wake or for at most d. The runtime is not told: it would give the loop's processor to others, and the loop would have to queue
// for one when it wakes. d bounds what that costs a stop of the world.
func (p *parker) sleep(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&p.word)), futexWaitPrivate, parkerSleeping, uintptr(unsafe.Pointer(&ts)), 0, 0)
	p.word.Store(parkerRunning)
}

// wake ends a sleep that was prepared. Any goroutine may call it.
func (p *parker) wake() {
	if p.word.Load() == parkerSleeping && p.word.CompareAndSwap(parkerSleeping, parkerRunning) {
		unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&p.word)), futexWakePrivate, 1, 0, 0, 0)
	}
}

// loopSlice is how long the loop's thread wants to run at a time before others have their turn, ns: the least that the scheduler takes.
const loopSlice = 100_000

// promptly makes the calling thread's sleeps as long as asked for: the kernel otherwise rounds them up by 50 µs. And it asks for short turns on a processor,
// for which the scheduler gives it a turn sooner when it wakes (since Linux 6.12): with fewer processors than threads, who follows a dead leader would
// otherwise wait out whole turns of others, 3 ms each.
func promptly() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Runtime: loopSlice}, 0)
}

// yield lets another thread that waits for this processor run first, if there is one. The scheduler would see to it only at its tick, after 4 ms.
func yield() { unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
