//go:build unix

package marketdata

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// express writes to a socket without ever waiting for it, so that a thread that must not wait can do it.
type express struct {
	raw   syscall.RawConn // nil: not possible, over TLS for instance
	write func(fd uintptr)
	out   []byte
	taken int
}

func (x *express) open(conn net.Conn) {
	plain, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := plain.SyscallConn(); err == nil {
		x.raw, x.write = raw, x.toSocket
	}
}

func (x *express) possible() bool { return x.raw != nil }

func (x *express) toSocket(fd uintptr) {
	if n, err := unix.Write(int(fd), x.out); err == nil {
		x.taken = n
	}
}

// send writes what the socket takes, and tells how much that was; 0 too if it is broken.
func (x *express) send(out []byte) int {
	x.out, x.taken = out, 0
	_ = x.raw.Control(x.write) // fails when the socket was closed: nothing is taken then
	return x.taken
}
