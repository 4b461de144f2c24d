//go:build linux && (amd64 || arm64)

package shm

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// life is the page by which a process shows its peers that it lives and what they may read. Its owner writes it, peers map it
// read-only.
type life struct {
	// word is a robust futex: the holder's thread id while the process lives, and that somebody may wait for its end; the kernel, or Close, sets
	// ownerDied.
	word uint32
	_    [60]byte
	// mayRead has, by peer and domain, 1 where the peer may READ.
	mayRead [rdmaio.MaxNodes + 1][rdmaio.MaxPDs]uint32
	// mayWrite has, by peer and domain, a number that is new with each grant of RemoteWrite, and 0 where there is none. It is told, not
	// enforced: the fence enforces.
	mayWrite [rdmaio.MaxNodes + 1][rdmaio.MaxPDs]uint64
	// served has, by peer and domain, the peer's want that the window was last moved for.
	served [rdmaio.MaxNodes + 1][rdmaio.MaxPDs]uint64
	// wants has, by owner and domain, where in the owner's region this process writes: a part's number below a count of changes.
	wants [rdmaio.MaxNodes + 1][rdmaio.MaxPDs]uint64
}

const (
	ownerDied = 0x40000000 // FUTEX_OWNER_DIED
	lifeSize  = int(unsafe.Sizeof(life{}))
)

func (l *life) over() bool { return atomic.LoadUint32(&l.word)&ownerDied != 0 }

func lifeIn(mem []byte) *life { return (*life)(unsafe.Pointer(&mem[0])) }

// robustList is what the kernel walks when a thread dies (struct robust_list_head and one struct robust_list). It lies
// outside Go's heap.
type robustList struct {
	next    uintptr // the head's: the entry
	offset  int64   // from an entry to its futex word
	pending uintptr
	entry   uintptr // the entry's next: the head
}

// holder keeps the life word from a locked thread that does nothing else, so that it dies only with the process.
type holder struct {
	list    []byte
	release chan struct{}
	gone    chan struct{}
}

// holdLife marks the page alive and returns once the kernel watches it.
func holdLife(page *life) (*holder, error) {
	list, err := unix.Mmap(-1, 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("map the robust list: %w", err)
	}
	h := &holder{list: list, release: make(chan struct{}), gone: make(chan struct{})}
	started := make(chan error)
	go h.hold(page, started)
	if err := <-started; err != nil {
		_ = unix.Munmap(list)
		return nil, err
	}
	return h, nil
}

func (h *holder) hold(page *life, started chan<- error) {
	defer close(h.gone)
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	list := (*robustList)(unsafe.Pointer(&h.list[0]))
	head, entry := uintptr(unsafe.Pointer(list)), uintptr(unsafe.Pointer(&list.entry))
	list.entry = head
	list.offset = int64(uintptr(unsafe.Pointer(&page.word))) - int64(entry)
	list.next = entry
	if _, _, e := unix.RawSyscall(unix.SYS_SET_ROBUST_LIST, head, unsafe.Offsetof(list.entry), 0); e != 0 {
		started <- fmt.Errorf("set_robust_list: %w", e)
		return
	}
	atomic.StoreUint32(&page.word, uint32(unix.Gettid())|futexWaiters)
	started <- nil
	<-h.release
	list.next = head // empty: the page may be unmapped before the thread ends
}

// letGo marks the page dead and ends the holder.
func (h *holder) letGo(page *life) {
	atomic.StoreUint32(&page.word, ownerDied)
	_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&page.word)), futexWake, 1, 0, 0, 0) // one, as the kernel does
	close(h.release)
	<-h.gone
	// The list stays mapped: the thread may still be on its way out, and the kernel reads it then.
}
