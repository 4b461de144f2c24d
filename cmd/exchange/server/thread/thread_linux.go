package thread

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// haste is how long a loop runs ahead of ordinary threads after it was hurried, ns: some times what a change of leader takes, and no more, since
	// what it waits for may be an ordinary thread.
	haste = int64(2 * time.Millisecond)
	// slice is how long an ordinary loop wants to run at a time before others have their turn, ns: the least that the scheduler takes.
	slice = 100_000

	schedNormal, schedRR = 0, 2
	loopPriority         = 1 // the lowest of its class
	watchPriority        = 2 // a loop that is hurried already must not keep another one's watch from its processor
	schedFlagResetOnFork = 1 // threads that the runtime starts from this one are ordinary
	timerSlack           = 1 // ns; the kernel otherwise makes naps 50 µs longer
)

// Turns is the standing of a loop's thread with the scheduler.
type Turns struct {
	id       atomic.Int32 // the thread; 0: not yet known
	ordinary atomic.Bool  // never ahead of others: it was not asked for, or was refused
	until    atomic.Int64 // ahead of others until then, ns; 0: it is an ordinary thread
}

// Begin sets the calling thread up, which must be locked to its goroutine. With realtime it may be hurried, where the system allows that.
func (t *Turns) Begin(realtime bool) {
	t.ordinary.Store(!realtime)
	t.id.Store(int32(unix.Gettid()))
	settle()
}

// Hurry lets the thread run ahead of ordinary ones from now, ns, for 2 ms. Any goroutine may call it, with the time by the loop's clock.
func (t *Turns) Hurry(now int64) {
	id := t.id.Load()
	if id == 0 || t.ordinary.Load() {
		return
	}
	if t.until.Swap(now+haste) == 0 && standing(int(id), loopPriority) != nil {
		t.ordinary.Store(true)
	}
}

// Turn is called at the beginning of each turn of the loop, on its thread, with the time in ns. It costs a system call only when a haste ends.
func (t *Turns) Turn(now int64) {
	if until := t.until.Load(); until != 0 && now > until && t.until.CompareAndSwap(until, 0) {
		settle()
	}
}

// settle makes the calling thread an ordinary one whose naps are as long as asked for: a change of class undoes that.
func settle() {
	_ = standing(0, 0)
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, timerSlack, 0, 0, 0)
}

// aheadHere lets the calling thread, another one than the loop's, run ahead of ordinary ones for good.
func (t *Turns) aheadHere() {
	if !t.ordinary.Load() {
		_ = standing(0, watchPriority)
	}
}

// standing makes a thread a real-time one of a priority above 0, or an ordinary one with short turns. Thread 0 is the calling one.
func standing(id int, priority uint32) error {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: schedNormal, Runtime: slice, Flags: schedFlagResetOnFork}
	if priority > 0 {
		attr = unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: schedRR, Priority: priority, Flags: schedFlagResetOnFork}
	}
	return unix.SchedSetAttr(id, &attr, 0)
}

// Nap sleeps on the calling thread, without a change of goroutine. The runtime is not told: it would give the loop's processor to others, and the loop would
// have to queue for one when it wakes. d bounds what that costs a stop of the world.
func Nap(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// Yield lets another thread of the same standing that waits for this processor run first, if there is one. The scheduler would see to it only at its tick.
func Yield() { unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
