package server

import (
	"net"
	"sync"
	"syscall"
	"unsafe"
)

// express is the short way back to a client: while little is under way, the loop's own thread encodes a session's reports and writes them to its socket. The
// long way, through the waker and the connection's writer, costs two wake-ups of other threads, many times what the write itself does. The loop waits for
// nobody: if the connection is in use, or the socket takes no more, the writer does it, or does the rest.
//
// writing is held by whoever writes to the socket, from the moment at which it takes bytes from the acceptor, so that they go out in order. It comes before
// the connection's mu.
type express struct {
	writing sync.Mutex
	raw     syscall.RawConn // nil: there is no short way, over TLS for instance
	write   func(fd uintptr)
	out     []byte // what the loop took from the acceptor; then what the socket did not take of it
	taken   int
}

// open looks whether a socket has a short way.
func (x *express) open(socket net.Conn) {
	plain, ok := socket.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := plain.SyscallConn()
	if err != nil {
		return
	}
	x.raw = raw
	x.write = func(fd uintptr) {
		// The call never blocks: the socket does not. The runtime is not told of it, and does not take the loop's processor away.
		if n, _, e := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&x.out[0])), uintptr(len(x.out))); e == 0 {
			x.taken = int(n)
		}
	}
}

// begin tells whether the loop may write now. If so it holds the connection's mu, gives it back when it has taken what there is, and then calls end.
func (x *express) begin(mu *sync.Mutex) bool {
	if x.raw == nil || !x.writing.TryLock() {
		return false
	}
	if len(x.out) > 0 || !mu.TryLock() { // the writer has the rest of the last one to send, or somebody uses the acceptor
		x.writing.Unlock()
		return false
	}
	return true
}

// end writes what was put into out as far as the socket takes it; it tells whether that was all. The rest is the writer's, and a broken socket too.
func (x *express) end() (all bool) {
	if len(x.out) > 0 {
		x.taken = 0
		_ = x.raw.Control(x.write) // fails when the socket was closed: nothing is taken then
		x.out = x.out[:copy(x.out, x.out[x.taken:])]
	}
	all = len(x.out) == 0
	x.writing.Unlock()
	return all
}
