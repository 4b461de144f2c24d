package tcp

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// stream is a connection as the owner loop uses it: neither call blocks, and 0 with a nil error means "not now".
type stream interface {
	tryRead(b []byte) (int, error)
	tryWrite(b []byte) (int, error)
	close()
}

// socket is a plain TCP connection, read and written by the loop itself. The functions handed to the system's poller are made once, so that a call
// allocates nothing.
type socket struct {
	conn            *net.TCPConn
	raw             syscall.RawConn
	reader, writer  func(fd uintptr) bool
	in, out         []byte
	readN, writeN   int
	readErr, outErr error
}

func newSocket(c *net.TCPConn) (*socket, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &socket{conn: c, raw: raw}
	s.reader = func(fd uintptr) bool {
		s.readN, s.readErr = unix.Read(int(fd), s.in)
		return true
	}
	s.writer = func(fd uintptr) bool {
		s.writeN, s.outErr = unix.Write(int(fd), s.out)
		return true
	}
	return s, nil
}

func (s *socket) tryRead(b []byte) (int, error) {
	s.in = b
	if err := s.raw.Read(s.reader); err != nil {
		return 0, err
	}
	switch {
	case errors.Is(s.readErr, unix.EAGAIN) || errors.Is(s.readErr, unix.EINTR):
		return 0, nil
	case s.readErr != nil:
		return 0, s.readErr
	case s.readN == 0:
		return 0, io.EOF
	}
	return s.readN, nil
}

func (s *socket) tryWrite(b []byte) (int, error) {
	s.out = b
	if err := s.raw.Write(s.writer); err != nil {
		return 0, err
	}
	switch {
	case errors.Is(s.outErr, unix.EAGAIN) || errors.Is(s.outErr, unix.EINTR):
		return 0, nil
	case s.outErr != nil:
		return 0, s.outErr
	}
	return s.writeN, nil
}

func (s *socket) close() { s.conn.Close() }

// pump is a connection that only a goroutine can read and write, as TLS needs; the loop meets its goroutines at two bounded buffers.
type pump struct {
	conn      net.Conn
	mu        sync.Mutex
	came      []byte
	going     []byte
	err       error
	room, out *sync.Cond
}

// pumpBytes bounds each of a pump's buffers.
const pumpBytes = 256 << 10

func newPump(c net.Conn) *pump {
	p := &pump{conn: c, came: make([]byte, 0, pumpBytes), going: make([]byte, 0, pumpBytes)}
	p.room, p.out = sync.NewCond(&p.mu), sync.NewCond(&p.mu)
	go p.readAll()
	go p.writeAll()
	return p
}

func (p *pump) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
	p.room.Broadcast()
	p.out.Broadcast()
}

func (p *pump) readAll() {
	b := make([]byte, MaxPiece)
	for {
		n, err := p.conn.Read(b)
		p.mu.Lock()
		for len(p.came)+n > pumpBytes && p.err == nil {
			p.room.Wait()
		}
		p.came = append(p.came, b[:n]...)
		p.mu.Unlock()
		if err != nil {
			p.fail(err)
			return
		}
	}
}

func (p *pump) writeAll() {
	b := make([]byte, 0, pumpBytes)
	for {
		p.mu.Lock()
		for len(p.going) == 0 && p.err == nil {
			p.out.Wait()
		}
		if p.err != nil {
			p.mu.Unlock()
			return
		}
		b = append(b[:0], p.going...)
		p.going = p.going[:0]
		p.mu.Unlock()
		if _, err := p.conn.Write(b); err != nil {
			p.fail(err)
			return
		}
	}
}

func (p *pump) tryRead(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := copy(b, p.came)
	if n == 0 {
		return 0, p.err
	}
	p.came = append(p.came[:0], p.came[n:]...)
	p.room.Signal()
	return n, nil
}

func (p *pump) tryWrite(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return 0, p.err
	}
	n := min(len(b), pumpBytes-len(p.going))
	p.going = append(p.going, b[:n]...)
	if n > 0 {
		p.out.Signal()
	}
	return n, nil
}

func (p *pump) close() {
	p.fail(net.ErrClosed)
	p.conn.Close()
}
