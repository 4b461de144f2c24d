package bench

import (
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"exchange/cmd/exchange/server/thread"
	"exchange/consensus"
)

// floorLog is memory that two processes map, as long as a replica's log. One writes entries of a flag and bytes behind each other, each as far apart as
// the log's; the other looks at them when it looks at its log, and checks them. There is nothing else of a log in it.
type floorLog struct {
	mem     []byte
	at      int
	entries uint64 // written, or read
	sum     uint32
}

const (
	floorFlag    = 8  // size of an entry in bytes << 48 | its number
	floorSpacing = 64 // as the log's
	floorBytes   = consensus.DefaultLogBytes
	floorRead    = floorBytes // where the reader says how many entries it has read: a page of its own
	floorMemory  = floorBytes + 4096
)

// openFloorLog maps the file at the path, and makes it if it is not there.
func openFloorLog(path string) (*floorLog, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := file.Truncate(floorMemory); err != nil {
		return nil, err
	}
	mem, err := unix.Mmap(int(file.Fd()), 0, floorMemory, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	for i := 0; i < len(mem); i += os.Getpagesize() {
		mem[i] = 0 // no page faults later
	}
	return &floorLog{mem: mem}, nil
}

func (f *floorLog) word(at int) *uint64 { return (*uint64)(unsafe.Pointer(&f.mem[at])) }

// advance goes behind an entry of size bytes.
func (f *floorLog) advance(size int) {
	f.entries++
	if f.at += (floorFlag + size + floorSpacing - 1) &^ (floorSpacing - 1); f.at > floorBytes-floorFlag-1<<15 {
		f.at = 0
	}
}

// write copies the bytes, then sets the flag.
func (f *floorLog) write(b []byte) {
	copy(f.mem[f.at+floorFlag:], b)
	*f.word(f.at) = uint64(len(b))<<48 | (f.entries + 1)
	f.advance(len(b))
}

// read takes in what was written since.
func (f *floorLog) read() {
	before := f.entries
	for {
		flag := atomic.LoadUint64(f.word(f.at))
		if flag&(1<<48-1) != f.entries+1 {
			break
		}
		size := int(flag >> 48)
		f.sum = crc32.Update(f.sum, floorTable, f.mem[f.at+floorFlag:][:size])
		f.advance(size)
	}
	if f.entries != before {
		atomic.StoreUint64(f.word(floorRead), f.entries)
	}
}

var floorTable = crc32.MakeTable(crc32.Castagnoli)

// readBy tells whether the reader has read all that was written.
func (f *floorLog) readBy() bool { return atomic.LoadUint64(f.word(floorRead)) == f.entries }

// logFloor is two memory copies with a fence, into memory that is read as followers read their logs.
type logFloor struct {
	logs  [2]*floorLog
	src   []byte
	fence uint64
}

func newLogFloor(at [2]string) (floor, error) {
	f := &logFloor{src: make([]byte, 1<<12)}
	for i, path := range at {
		var err error
		if f.logs[i], err = openFloorLog(path); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// settle waits until everything is read: a reader must not be a lap behind.
func (f *logFloor) settle() {
	for !f.logs[0].readBy() || !f.logs[1].readBy() {
		thread.Nap(followerNap)
		runtime.Gosched()
	}
}

func (f *logFloor) both(size int) error {
	f.logs[0].write(f.src[:size])
	f.logs[1].write(f.src[:size])
	atomic.AddUint64(&f.fence, 1) // a full fence
	return nil
}
