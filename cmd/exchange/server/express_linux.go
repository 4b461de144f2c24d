package server

import (
	"io"
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
//
// The other way too: as long as the loop has nothing else to do it looks itself whether the clients that it answered last have something new. It takes no more
// from the socket than the acceptor is sure to take; if that is nothing, the reader waits for it. reading is held by whoever takes bytes from the socket until
// the acceptor has them. Meanwhile the reader is not told of less than unheardUntil bytes: its thread would be woken for each order, on the client's
// processor, to find nothing.
type express struct {
	writing sync.Mutex
	raw     syscall.RawConn // nil: there is no short way, over TLS for instance
	write   func(fd uintptr)
	out     []byte // what the loop took from the acceptor; then what the socket did not take of it
	taken   int

	reading sync.Mutex
	receive func(fd uintptr) bool // the reader's
	buf     []byte
	n       int
	failed  syscall.Errno
	look    func(fd uintptr) // the loop's, as are the following
	heard   [heardAtOnce]byte
	fresh   int
	hushed  bool // the reader is not told
	lowest  func(fd uintptr)
}

// heardAtOnce is up to how many bytes the loop reads from a client at a time: some ten orders.
const heardAtOnce = 2 << 10

// unheardUntil is how many bytes wait before a reader is told of them though the loop hears its client. Twice as much fits into a socket as it is.
const unheardUntil = 32 << 10

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
	x.receive = func(fd uintptr) bool {
		x.reading.Lock()
		x.n, x.failed = recv(fd, x.buf, syscall.MSG_DONTWAIT)
		if x.failed == syscall.EAGAIN {
			x.reading.Unlock()
			return false
		}
		return true
	}
	x.lowest = func(fd uintptr) {
		n := int32(1)
		if x.hushed {
			n = unheardUntil
		}
		_, _, _ = syscall.RawSyscall6(syscall.SYS_SETSOCKOPT, fd, syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, uintptr(unsafe.Pointer(&n)), unsafe.Sizeof(n), 0)
	}
	x.look = func(fd uintptr) {
		x.fresh, _ = recv(fd, x.heard[:x.fresh], syscall.MSG_DONTWAIT)
	}
}

func recv(fd uintptr, b []byte, flags uintptr) (int, syscall.Errno) {
	for {
		n, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), flags, 0, 0)
		switch e {
		case 0:
			return int(n), 0
		case syscall.EINTR:
		default:
			return 0, e
		}
	}
}

// read is the reader's Read of the socket. It calls took when the acceptor has what was read.
func (x *express) read(socket net.Conn, b []byte) (n int, err error) {
	if x.raw == nil {
		return socket.Read(b)
	}
	x.buf = b
	switch err := x.raw.Read(x.receive); {
	case err != nil: // closed: nothing was tried
		x.reading.Lock()
		return 0, err
	case x.failed != 0:
		return 0, x.failed
	case x.n == 0:
		return 0, io.EOF
	}
	return x.n, nil
}

// took ends a read, or a listen.
func (x *express) took() {
	if x.raw != nil {
		x.reading.Unlock()
	}
}

// listen tells whether the loop may read now. If so it holds the connection's mu, gives it back when the acceptor has what hear gave, and then calls took.
// Nothing may wait in the inbox, as of now that nobody else reads: what the reader or the writer put there comes before what is heard.
func (x *express) listen(mu *sync.Mutex, before *inbox) bool {
	if x.raw == nil || !x.reading.TryLock() {
		return false
	}
	if mu.TryLock() {
		if before.waiting() == 0 {
			return true
		}
		mu.Unlock()
	}
	x.reading.Unlock()
	return false
}

// hear takes from the socket what the client has sent, at most so many bytes, which are valid until the next call.
func (x *express) hear(most int) []byte {
	x.fresh = min(most, len(x.heard))
	if x.fresh == 0 || x.raw.Control(x.look) != nil { // it fails when the socket was closed
		return nil
	}
	return x.heard[:x.fresh]
}

// hush has the reader not told of what comes, or told again, of what waits there already too. The loop's.
func (x *express) hush(on bool) {
	if x.raw == nil || x.hushed == on {
		return
	}
	x.hushed = on
	_ = x.raw.Control(x.lowest) // fails when the socket was closed: the reader was told of that
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
