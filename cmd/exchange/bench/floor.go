package bench

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"exchange/rdmaio"

	"golang.org/x/sys/unix"
)

// floor is what the hardware and the system ask for the same, without anything of ours.
type floor interface {
	// both moves size bytes to two other processes.
	both(size int) error
}

// openFloorPeer makes the other process's end of both floors at a path: a file that is mapped and looked at, and a socket that echoes. It answers
// where they are.
func openFloorPeer(path string) (string, error) {
	mem, err := mapFile(path, os.O_CREATE|os.O_EXCL)
	if err != nil {
		return "", err
	}
	go func() {
		for sum := uint64(0); ; time.Sleep(followerNap) {
			sum += atomic.LoadUint64((*uint64)(unsafe.Pointer(&mem[0])))
		}
	}()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b := make([]byte, echoMost)
		for {
			if _, err := io.ReadFull(c, b[:echoHead]); err != nil {
				return
			}
			size := int(b[0]) | int(b[1])<<8
			if _, err := io.ReadFull(c, b[:size]); err != nil {
				return
			}
			if _, err := c.Write(b[:echoAnswer]); err != nil {
				return
			}
		}
	}()
	return path + " " + l.Addr().String(), nil
}

func mapFile(path string, flags int) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDWR|flags, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.Truncate(rdmaRegion); err != nil {
		return nil, err
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, rdmaRegion, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	for i := 0; i < len(mem); i += os.Getpagesize() {
		mem[i] = 0 // no page faults later
	}
	return mem, nil
}

// copyFloor is two memory copies with a fence.
type copyFloor struct {
	mem    [2][]byte
	src    []byte
	fence  uint64
	offset int
}

func newCopyFloor(at [2]string) (floor, error) {
	f := &copyFloor{src: make([]byte, 4096)}
	for i := range at {
		var err error
		if f.mem[i], err = mapFile(strings.Fields(at[i])[0], 0); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *copyFloor) both(size int) error {
	copy(f.mem[0][f.offset:f.offset+size], f.src)
	copy(f.mem[1][f.offset:f.offset+size], f.src)
	atomic.AddUint64(&f.fence, 1) // a full fence
	if f.offset += size; f.offset > rdmaRegion-2048 {
		f.offset = 0
	}
	return nil
}

// echoFloor is the same bytes to two processes over plain sockets, and a short answer from each.
type echoFloor struct {
	conns [2]net.Conn
	buf   []byte
}

// What a request and its answer carry besides the bytes written: as much as the tcp provider's.
const (
	echoHead   = 24
	echoAnswer = 16
	echoMost   = 1 << 12
)

func newEchoFloor(at [2]string) (floor, error) {
	f := &echoFloor{buf: make([]byte, echoMost)}
	for i := range at {
		var err error
		if f.conns[i], err = net.Dial("tcp", strings.Fields(at[i])[1]); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *echoFloor) both(size int) error {
	f.buf[0], f.buf[1] = byte(size), byte(size>>8)
	for _, c := range f.conns {
		if _, err := c.Write(f.buf[:echoHead+size]); err != nil {
			return err
		}
	}
	var answer [echoAnswer]byte
	for _, c := range f.conns {
		if _, err := io.ReadFull(c, answer[:]); err != nil {
			return err
		}
	}
	return nil
}

// plainWriter is a provider that has the library's own calls for a floor.
type plainWriter interface {
	PlainWrites(pairs [2]rdmaio.QueuePair, local []byte) (write func(offset uint64, size int) error, err error)
}

// plainFloor is the same writes as the library does them.
type plainFloor struct {
	write  func(offset uint64, size int) error
	offset uint64
}

func (f *plainFloor) both(size int) error {
	if f.offset += uint64(size); f.offset > rdmaRegion-2048 {
		f.offset = 0
	}
	return f.write(f.offset, size)
}
