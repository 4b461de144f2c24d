package thread

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Parker lets the loop's thread sleep until it is woken or a time has passed. A futex costs the waker one load when nobody sleeps, and wakes
// the very thread, which a channel would not.
type Parker struct{ word atomic.Uint32 }

const (
	parkerRunning  = 0
	parkerSleeping = 1
)

const (
	futexWaitPrivate = 0 | 128
	futexWakePrivate = 1 | 128
)

// Prepare announces the sleep. The caller looks for work once more before it sleeps, so that no wake-up is lost.
func (p *Parker) Prepare() { p.word.Store(parkerSleeping) }

// Cancel takes the announcement back.
func (p *Parker) Cancel() { p.word.Store(parkerRunning) }

// Sleep waits until wake or for at most d. The runtime is not told: it would give the loop's processor to others, and the loop would have to queue
// for one when it wakes. d bounds what that costs a stop of the world.
func (p *Parker) Sleep(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&p.word)), futexWaitPrivate, parkerSleeping, uintptr(unsafe.Pointer(&ts)), 0, 0)
	p.word.Store(parkerRunning)
}

// Wake ends a sleep that was prepared. Any goroutine may call it.
func (p *Parker) Wake() {
	if p.word.Load() == parkerSleeping && p.word.CompareAndSwap(parkerSleeping, parkerRunning) {
		unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&p.word)), futexWakePrivate, 1, 0, 0, 0)
	}
}
