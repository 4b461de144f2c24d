//go:build linux && (amd64 || arm64)

package shm

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's words for userfaultfd (linux/userfaultfd.h).
const (
	uffdUserModeOnly = 1
	uffdAPI          = 0xaa

	ioctlUffdAPI          = 0xc018aa3f
	ioctlUffdRegister     = 0xc020aa00
	ioctlUffdWriteProtect = 0xc018aa06

	registerWriteProtect = 1 << 1
	writeProtectOn       = 1 << 0

	featurePagefaultFlagWP  = 1 << 0
	featureSigbus           = 1 << 7
	featureWPHugetlbfsShmem = 1 << 12
	featureWPUnpopulated    = 1 << 13
	featuresNeeded          = featurePagefaultFlagWP | featureSigbus | featureWPHugetlbfsShmem | featureWPUnpopulated
	againLimit              = 100 * time.Millisecond // how long an ioctl may answer EAGAIN before we call it unfenced
	sealRegion              = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	kernelWithWPUnpopulated = "6.4"
)

var pageSize = os.Getpagesize()

// pages rounds up to whole pages.
func pages(size int) int { return (size + pageSize - 1) &^ (pageSize - 1) }

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg)); e != 0 {
		return e
	}
	return nil
}

// hugePage is the size of the huge pages that are asked for, in bytes: what both amd64 and arm64 (with 4 KiB pages) have.
const hugePage = 2 << 20

// newRegionMemory makes zeroed memory of at least size bytes, all of it present: of huge pages if it fills one and the system has enough set
// aside, otherwise of ordinary ones. Moving a right costs time for each page.
func newRegionMemory(size int) (fd int, mem []byte, huge bool, err error) {
	if size >= hugePage {
		fd, mem, err = newMemory("exchange-region", (size+hugePage-1)&^(hugePage-1), unix.MFD_HUGETLB|unix.MFD_HUGE_2MB)
		if err == nil && unix.Madvise(mem, unix.MADV_POPULATE_WRITE) == nil {
			return fd, mem, true, nil
		}
		if err == nil {
			unix.Munmap(mem)
			unix.Close(fd)
		}
	}
	if fd, mem, err = newMemory("exchange-region", pages(size), 0); err != nil {
		return -1, nil, false, err
	}
	if err = unix.Madvise(mem, unix.MADV_POPULATE_WRITE); err != nil {
		unix.Munmap(mem)
		unix.Close(fd)
		return -1, nil, false, fmt.Errorf("fill it with pages: %w: free some memory or register less", err)
	}
	return fd, mem, false, nil
}

// newMemory makes size bytes (whole pages) of zeroed memory that can be passed on by its descriptor and never changes its
// size. flags are memfd_create's.
func newMemory(name string, size, flags int) (fd int, mem []byte, err error) {
	fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|flags)
	if err != nil {
		return -1, nil, fmt.Errorf("memfd_create: %w", err)
	}
	if err = unix.Ftruncate(fd, int64(size)); err != nil {
		err = fmt.Errorf("size a memfd to %d bytes: %w", size, err)
	} else if _, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, sealRegion); err != nil {
		err = fmt.Errorf("seal a memfd: %w", err)
	} else if mem, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		err = fmt.Errorf("map %d bytes: %w", size, err)
	}
	if err != nil {
		unix.Close(fd)
		return -1, nil, err
	}
	_ = unix.Madvise(mem, unix.MADV_DONTFORK)
	return fd, mem, nil
}

// armed is a peer's region mapped by us: no store to it succeeds until the holder of the userfaultfd permits it.
type armed struct {
	mem  []byte
	uffd int // our own copy: while it is open, the protection stands
}

// arm maps the first size bytes (whole pages) of a memfd, in this order: read-only, registered, protected, and only then
// writable. At no moment is there a mapping through which a store could pass unfenced.
func arm(memfd, size int) (*armed, error) {
	fd, _, e := unix.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC|unix.O_NONBLOCK|uffdUserModeOnly, 0, 0)
	if e != 0 {
		return nil, fmt.Errorf("userfaultfd: %w", e)
	}
	a := &armed{uffd: int(fd)}
	if err := a.protectedMapping(memfd, size); err != nil {
		a.disarm()
		return nil, err
	}
	return a, nil
}

func (a *armed) protectedMapping(memfd, size int) error {
	api := struct{ api, features, ioctls uint64 }{api: uffdAPI, features: featuresNeeded}
	if err := ioctl(a.uffd, ioctlUffdAPI, unsafe.Pointer(&api)); err != nil {
		return fmt.Errorf("userfaultfd features %#x: %w", featuresNeeded, err)
	}
	mem, err := unix.Mmap(memfd, 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map %d bytes: %w", size, err)
	}
	a.mem = mem
	if err := unix.Madvise(mem, unix.MADV_DONTFORK); err != nil {
		return fmt.Errorf("keep the mapping from children: %w", err)
	}
	reg := struct{ start, length, mode, ioctls uint64 }{a.address(), uint64(size), registerWriteProtect, 0}
	if err := ioctl(a.uffd, ioctlUffdRegister, unsafe.Pointer(&reg)); err != nil {
		return fmt.Errorf("register for write protection: %w", err)
	}
	if err := protect(a.uffd, a.address(), uint64(size), true); err != nil {
		return fmt.Errorf("write-protect: %w", err)
	}
	if err := unix.Mprotect(mem, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return fmt.Errorf("make writable: %w", err)
	}
	return nil
}

func (a *armed) address() uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(a.mem)))) }

// disarm unmaps first, so that no mapping outlives its protection.
func (a *armed) disarm() {
	if a.mem != nil {
		_ = unix.Munmap(a.mem)
		a.mem = nil
	}
	unix.Close(a.uffd)
}

// protect takes away (or gives) the ability to store to a range of the address space that a userfaultfd belongs to. nil means that it is done;
// unix.ESRCH, that the address space is gone, and with it every store. After any other error nothing is known.
func protect(uffd int, address, length uint64, on bool) error {
	arg := struct{ start, length, mode uint64 }{start: address, length: length}
	if on {
		arg.mode = writeProtectOn
	}
	var since time.Time
	for {
		err := ioctl(uffd, ioctlUffdWriteProtect, unsafe.Pointer(&arg))
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return err
		}
		// The address space is being changed: it will be over soon.
		if since.IsZero() {
			since = time.Now()
		} else if time.Since(since) > againLimit {
			return err
		}
		runtime.Gosched()
	}
}
