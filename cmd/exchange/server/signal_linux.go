package server

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// signal is an event descriptor: raised by one thread, awaited by a goroutine through the runtime's poller.
type signal struct {
	fd   int
	file *os.File
}

func (s *signal) open() error {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("event descriptor: %w", err)
	}
	s.fd, s.file = fd, os.NewFile(uintptr(fd), "wake-ups")
	return nil
}

func (s *signal) works() bool { return true }

// raise ends an await, the next one if there is none now. The call never blocks, and the runtime is not told of it.
func (s *signal) raise() {
	one := [8]byte{1} // little endian
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(s.fd), uintptr(unsafe.Pointer(&one)), 8)
}

// await waits for a raise; false: closed.
func (s *signal) await() bool {
	var count [8]byte
	_, err := s.file.Read(count[:])
	return err == nil
}

func (s *signal) close() {
	if s.file != nil {
		s.file.Close()
	}
}
