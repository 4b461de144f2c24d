//go:build linux && (amd64 || arm64)

package shm

import (
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// A window has windowParts parts, of which it is opened partsAhead beyond the one that is written: a right to write goes before its writer. The rest
// is what was written before, and what is written now and then elsewhere, such as a header.
const (
	windowParts = 8
	partsAhead  = 3
)

// partOf is of how many bytes the parts of a region's window are, 0 if it is opened as a whole: huge pages are few enough.
func (cfg *Config) partOf(r *region) uint64 {
	window := cfg.Window
	if window == 0 && r.size > WholeRegion {
		window = DefaultWindow
	}
	if r.huge || window == 0 || r.size <= window {
		return 0
	}
	return uint64(pages((window + windowParts - 1) / windowParts))
}

// slideWindows moves the windows of our regions to where those write who may.
func (p *Provider) slideWindows() {
	for _, q := range p.windowed {
		l := p.peers[q.peer].link
		if q.access&rdmaio.RemoteWrite == 0 || l == nil || q.incarnation != l.incarnation {
			continue
		}
		if want := atomic.LoadUint64(&l.life.wants[p.cfg.Local][q.pd]); want != q.slidTo {
			if q.fence.slide(want) {
				q.slidTo = want
			}
		}
	}
}

// fence is an owner's hold on the armed mapping of one peer. The owner loop takes and gives the right; a window is moved by the owner loop when it
// polls, or by the porter when the peer asks.
type fence struct {
	uffd            int
	address, length uint64 // in the peer's address space
	incarnation     uint64 // of the peer
	visitor         *visitor
	part            uint64         // bytes, 0: the whole is opened at once
	written         *atomic.Uint32 // part of the region that was written last, whoever did
	served          *uint64        // where the peer sees that its want was served

	mu       sync.Mutex
	closed   bool
	writable bool
	open     []uint32 // parts of the window, the one that was wanted longest ago first; a part that is not in it is closed
	done     uint64   // the want served last
}

// take takes away the right to write. Errors are those of protect, and after any but those that mean fenced what may be open is still known.
//
// Of a window only the parts in the list are protected, since the kernel takes 60 ns for each page that was ever written, protected or not. What
// is not in the list is protected: all was when the mapping was armed, and a part leaves the list only after it was protected again.
func (f *fence) take() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writable = false
	if f.part == 0 {
		return protect(f.uffd, f.address, f.length, true)
	}
	return f.closeAll()
}

// closeAll protects the parts in the list, neighbours at once: each call makes every processor that runs the peer forget what it may write.
func (f *fence) closeAll() error {
	slices.Sort(f.open)
	for len(f.open) > 0 {
		last := len(f.open) - 1
		first := last
		for first > 0 && f.open[first-1] == f.open[first]-1 {
			first--
		}
		start := uint64(f.open[first]) * f.part
		end := min(uint64(f.open[last]+1)*f.part, f.length)
		if err := protect(f.uffd, f.address+start, end-start, true); err != nil {
			return err
		}
		f.open = f.open[:first]
	}
	return nil
}

// give gives the right to write, or after an error nothing.
func (f *fence) give() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var err error
	if f.part == 0 {
		if err = protect(f.uffd, f.address, f.length, false); err != nil {
			// Whatever it is that keeps the peer from writing, it must not begin to by itself later.
			_ = protect(f.uffd, f.address, f.length, true)
		}
	} else {
		if err = f.openPart(0); err == nil {
			err = f.openFrom(f.written.Load())
		}
		if err != nil {
			_ = f.closeAll()
		}
	}
	if err != nil {
		return err
	}
	f.writable, f.done = true, 0
	return nil
}

// slide moves the window to where the peer wants to write, and reports whether that is done.
func (f *fence) slide(want uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.part == 0 || !f.writable {
		return false
	}
	if want == f.done {
		return true
	}
	part := uint32(want)
	if part >= f.parts() || f.openFrom(part) != nil {
		return false
	}
	if part != 0 { // where a header may be
		f.written.Store(part)
	}
	f.done = want
	atomic.StoreUint64(f.served, want)
	return true
}

func (f *fence) parts() uint32 { return uint32((f.length + f.part - 1) / f.part) }

// openFrom opens a part and those behind it, going around, so that none of them closes another. The part itself comes last, and so stays longest.
func (f *fence) openFrom(part uint32) error {
	count := f.parts()
	for ahead := min(partsAhead+1, count); ahead > 0; ahead-- {
		if err := f.openPart((part + ahead - 1) % count); err != nil {
			return err
		}
	}
	return nil
}

// openPart opens one part, and closes the one that was wanted longest ago if there are too many.
func (f *fence) openPart(part uint32) error {
	for i, p := range f.open {
		if p == part {
			copy(f.open[i:], f.open[i+1:])
			f.open[len(f.open)-1] = part
			return nil
		}
	}
	if len(f.open) == windowParts {
		if err := f.protectPart(f.open[0], true); err != nil {
			return err
		}
		f.open = f.open[:copy(f.open, f.open[1:])]
	}
	f.open = append(f.open, part) // first: what may be open is in the list
	return f.protectPart(part, false)
}

func (f *fence) protectPart(part uint32, on bool) error {
	start := uint64(part) * f.part
	return protect(f.uffd, f.address+start, min(f.part, f.length-start), on)
}

func (f *fence) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed, f.writable = true, false
		unix.Close(f.uffd)
	}
}
