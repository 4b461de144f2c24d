//go:build linux && (amd64 || arm64)

package shm

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	futexWaiters = 0x80000000 // FUTEX_WAITERS: without it the kernel wakes nobody
	futexWait    = 0          // FUTEX_WAIT, between processes
	futexWake    = 1          // FUTEX_WAKE
	everybody    = 1 << 16
	// watchSpell is how long a watch waits at a time before it looks whether it is still wanted.
	watchSpell = 100 * time.Millisecond
)

// watch waits on the peer's life word and tells the owner of the provider when it is marked. The page may be unmapped while it waits: it is touched by
// nothing but system calls, which then fail.
func (c *caller) watch(l *link, word *uint32, alive uint32) {
	defer c.p.running.Done()
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine, whatever Begin made of it
	c.p.cfg.Watch.Begin()
	at := uintptr(unsafe.Pointer(word))
	for spell := unix.NsecToTimespec(int64(watchSpell)); !c.p.closing.Load() && !l.released.Load() && !l.dead.Load(); {
		_, _, e := unix.Syscall6(unix.SYS_FUTEX, at, futexWait, uintptr(alive), uintptr(unsafe.Pointer(&spell)), 0, 0)
		switch e {
		case unix.ETIMEDOUT, unix.EINTR:
			continue
		case 0, unix.EAGAIN: // woken, or it was marked before
			_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, at, futexWake, everybody, 0, 0, 0) // the kernel wakes one of those that wait
			c.p.cfg.Watch.Died(c.peer)
		}
		return
	}
}

// startWatch begins to watch a link's peer, if the owner of the provider wants that.
func (c *caller) startWatch(l *link) {
	if c.p.cfg.Watch == nil {
		return
	}
	if alive := atomic.LoadUint32(&l.life.word); alive&ownerDied == 0 {
		c.p.running.Add(1)
		go c.watch(l, &l.life.word, alive)
	}
}
