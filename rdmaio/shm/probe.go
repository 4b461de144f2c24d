//go:build linux && (amd64 || arm64)

package shm

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// Probe tries out whether this process can fence: it arms a page, sees a write refused, granted, and refused again. The error
// says what is missing and what to do.
func Probe() error {
	if err := catchFaults(); err != nil {
		return fmt.Errorf("shm: no write fence: %w: use a provider that needs no fence of the kernel", err)
	}
	fd, mem, err := newMemory("exchange-probe", pageSize, 0)
	if err != nil {
		return fmt.Errorf("shm: no shared memory: %w", err)
	}
	defer unix.Munmap(mem)
	defer unix.Close(fd)
	a, err := arm(fd, pageSize)
	if err != nil {
		return fmt.Errorf("shm: no write fence: %w: %s", err, remedy(err))
	}
	defer a.disarm()
	for step, allowed := range []bool{false, true, false} {
		if step > 0 {
			if err := protect(a.uffd, a.address(), uint64(pageSize), !allowed); err != nil {
				return fmt.Errorf("shm: no write fence: %w: %s", err, remedy(err))
			}
		}
		mark := byte(step + 1)
		status := a.store(0, []byte{mark})
		if passed := status == rdmaio.Success; passed != allowed || (mem[0] == mark) != allowed {
			return fmt.Errorf("shm: no write fence: step %d of the trial let a write pass: %v, and should have: %v: this kernel (%s) does not fence: use another provider", step+1, passed, allowed, kernel())
		}
	}
	return nil
}

// remedy says what to do about a system that refuses userfaultfd.
func remedy(err error) string {
	const other = ", or use a provider that needs no fence of the kernel"
	switch {
	case errors.Is(err, unix.EPERM):
		return "a container's default seccomp profile forbids userfaultfd: allow that system call in the profile" + other
	case errors.Is(err, unix.ENOSYS):
		return "this kernel (" + kernel() + ") was built without userfaultfd: use one that has it" + other
	case errors.Is(err, unix.EINVAL):
		return "this kernel (" + kernel() + ") cannot write-protect shared memory for another process: it takes Linux " + kernelWithWPUnpopulated + " or later" + other
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return "too many open files: raise the limit (ulimit -n)"
	}
	return "see userfaultfd(2)" + other
}

func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}
