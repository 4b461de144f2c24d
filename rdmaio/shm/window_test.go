//go:build linux && (amd64 || arm64)

package shm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// TestPartsOfARegion: what is opened as a whole, and what in parts.
func TestPartsOfARegion(t *testing.T) {
	for _, c := range []struct {
		size, window int
		huge         bool
		want         uint64
	}{
		{1 << 20, 0, false, 0},
		{WholeRegion, 0, false, 0},
		{WholeRegion + 1, 0, false, DefaultWindow / windowParts},
		{16 << 20, 0, true, 0},
		{16 << 20, 4 << 20, false, 512 << 10},
		{16 << 20, 4 << 20, true, 0},
		{4 << 20, 4 << 20, false, 0},
		{1 << 20, 1, false, uint64(pageSize)},
	} {
		cfg := Config{Window: c.window}
		if got := cfg.partOf(&region{size: c.size, huge: c.huge}); got != c.want {
			t.Errorf("%+v: parts of %d bytes", c, got)
		}
	}
}

// TestWindowIsWhatItSays plays a random owner, and after each step tries to write to each part: it passes where the list has the part, and nowhere
// else, so that closing what is in the list closes all.
func TestWindowIsWhatItSays(t *testing.T) {
	const parts = 20
	length := parts*pageSize*2 - pageSize // the last part is half as long
	fd, mem, err := newMemory("exchange-test", length, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	defer unix.Munmap(mem)
	if err := catchFaults(); err != nil {
		t.Fatal(err)
	}
	a, err := arm(fd, length)
	if err != nil {
		t.Fatal(err)
	}
	defer a.disarm()
	f := &fence{uffd: a.uffd, address: a.address(), length: uint64(length), part: uint64(2 * pageSize), written: new(atomic.Uint32), served: new(uint64)}
	random := rand.New(rand.NewPCG(1, 2))
	given := false
	for step := range 3000 {
		var what string
		switch n := random.IntN(20); {
		case n == 0:
			what, given = "take", false
			err = f.take()
		case n == 1:
			what, given = "give", true
			err = f.give()
		default:
			part := uint32(random.IntN(parts + 2)) // there are no such last two
			want := uint64(step+1)<<32 | uint64(part)
			what = fmt.Sprint("slide to ", part)
			err = nil
			if f.slide(want) != (given && part < parts) {
				t.Fatalf("step %d: slide to part %d, with the right given: %v", step, part, given)
			}
			if given && part < parts && (*f.served != want || !slices.Contains(f.open, part)) {
				t.Fatalf("step %d: slide to part %d: open %v", step, part, f.open)
			}
		}
		if err != nil {
			t.Fatalf("step %d: %s: %v", step, what, err)
		}
		if len(f.open) > windowParts || !given && len(f.open) > 0 {
			t.Fatalf("step %d: %s: open %v, with the right given: %v", step, what, f.open, given)
		}
		for part := range uint32(parts) {
			start, end := uint64(part)*f.part, min(uint64(part+1)*f.part, f.length)
			for _, at := range []uint64{start, end - 8} {
				passed := a.store(at, []byte("written!")) == rdmaio.Success
				if passed != slices.Contains(f.open, part) {
					t.Fatalf("step %d: %s: a write at %d of part %d passed: %v, open are %v", step, what, at, part, passed, f.open)
				}
			}
		}
	}
}

// windowEnds are two ends of this process: the first may write to the second's region through a window that nothing moves until the test says so.
func windowEnds(t *testing.T) (writer, owner *end) {
	t.Helper()
	dir := t.TempDir()
	var ends [3]*end
	for id := rdmaio.NodeID(1); id <= 2; id++ {
		e, err := newEndWithWindow(dir, id, 1, 3-id, windowParts*pageSize)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		ends[id] = e
	}
	writer, owner = ends[1], ends[2]
	until(t, "the pair is ready", func() bool {
		x, y := writer.pair.State(), owner.pair.State()
		return x == rdmaio.StateReady && y == rdmaio.StateReady
	})
	owner.setAccess(t, rdmaio.RemoteRead|rdmaio.RemoteWrite)
	owner.hold(true)
	return writer, owner
}

// hold keeps the owner's window where it is, or lets it go.
func (e *end) hold(on bool) {
	f := e.pair.(*queuePair).fence
	f.mu.Lock()
	f.writable = !on
	f.mu.Unlock()
}

const farPart = 12 // not among those that are open after a grant

func (e *end) post(t *testing.T, id uint64, op rdmaio.Opcode, flags rdmaio.SendFlags, offset int, local []byte) {
	t.Helper()
	if err := e.pair.PostSend(&rdmaio.WorkRequest{ID: id, Opcode: op, Flags: flags, RemoteOffset: uint64(offset), Local: local}); err != nil {
		t.Fatalf("post %d: %v", id, err)
	}
}

// outcomes are the completions there are, as text.
func (e *end) outcomes() (text string) {
	var c [64]rdmaio.Completion
	for _, done := range c[:e.cq.Poll(c[:])] {
		text += fmt.Sprintf("%d:%d ", done.ID, done.Status)
	}
	return text
}

// TestWritesWaitInLine: what the window does not reach waits, and all that was posted behind it; once the window has moved, all of it takes effect
// in the order of posting.
func TestWritesWaitInLine(t *testing.T) {
	writer, owner := windowEnds(t)
	local, err := writer.AllocLocal(testRegion)
	if err != nil {
		t.Fatal(err)
	}
	long := local[:9*pageSize] // longer than the window
	for i := range long {
		long[i] = byte(i%250) + 1
	}
	read := local[10*pageSize:][:8]
	inline := []byte("inline..")
	writer.post(t, 1, rdmaio.Write, 0, 0, []byte("near"))
	if got := writer.outcomes(); got != "1:0 " {
		t.Fatalf("within the window: %q", got)
	}
	writer.post(t, 2, rdmaio.Write, 0, farPart*pageSize, inline)
	copy(inline, "changed!") // what was posted was copied
	writer.post(t, 3, rdmaio.Write, rdmaio.Unsignaled, 8, []byte("behind"))
	writer.post(t, 4, rdmaio.Read, 0, farPart*pageSize, read)
	writer.post(t, 5, rdmaio.Write, 0, 5*pageSize+100, long)
	for range 100 {
		owner.PollAsync(nil)
		if got := writer.outcomes(); got != "" {
			t.Fatalf("while the window stands: %q", got)
		}
	}
	if !zero(owner.mem[8:]) {
		t.Fatal("something was written that should wait")
	}
	owner.hold(false)
	var got string
	until(t, "all is done", func() bool {
		owner.PollAsync(nil)
		got += writer.outcomes()
		return len(got) == len("2:0 4:0 5:0 ")
	})
	if got != "2:0 4:0 5:0 " {
		t.Errorf("outcomes %q", got)
	}
	if string(read) != "inline.." {
		t.Errorf("read %q behind a write of it", read)
	}
	if string(owner.mem[8:14]) != "behind" || !bytes.Equal(owner.mem[5*pageSize+100:][:len(long)], long) {
		t.Error("the owner's memory is not what was written")
	}
}

// TestWhatWaitsIsBounded: the line is as long as the send queue, and leaves room in the completion queue.
func TestWhatWaitsIsBounded(t *testing.T) {
	writer, owner := windowEnds(t)
	posted := uint64(0)
	var err error
	for ; err == nil; posted++ {
		err = writer.pair.PostSend(&rdmaio.WorkRequest{ID: posted, Opcode: rdmaio.Write, RemoteOffset: farPart * uint64(pageSize), Local: []byte{1}})
	}
	if err != rdmaio.ErrQueueFull || posted-1 != testQueue {
		t.Fatalf("%v after %d with a completion queue for %d", err, posted-1, testQueue)
	}
	owner.setAccess(t, 0)
	until(t, "it is told", func() bool { return writer.pair.State() == rdmaio.StateError || writer.cq.Poll(nil) > 0 })
	var c [2 * testQueue]rdmaio.Completion
	n := writer.cq.Poll(c[:])
	if n != testQueue || c[0].Status != rdmaio.RemoteAccessError || c[1].Status != rdmaio.Flushed || c[n-1].Status != rdmaio.Flushed {
		t.Errorf("%d completions: %+v", n, c[:n])
	}
}

// TestWhatWaitsEnds: each way in which the wait can end without the window's being moved.
func TestWhatWaitsEnds(t *testing.T) {
	for _, c := range []struct {
		name, want string
		end        func(t *testing.T, writer, owner *end)
	}{
		{"the right is taken", "1:1 2:3 ", func(t *testing.T, _, owner *end) { owner.setAccess(t, 0) }},
		{"the right is taken and given again", "1:1 2:3 ", func(t *testing.T, _, owner *end) {
			owner.setAccess(t, 0)
			owner.setAccess(t, rdmaio.RemoteWrite)
			owner.PollAsync(nil) // moves it to where the write waits
		}},
		{"the pair is reset", "1:3 2:3 ", func(t *testing.T, writer, _ *end) {
			if err := writer.pair.Reset(); err != nil {
				t.Fatal(err)
			}
		}},
		{"the owner is gone", "1:2 2:3 ", func(_ *testing.T, _, owner *end) { owner.Close() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			writer, owner := windowEnds(t)
			before := bytes.Clone(owner.mem)
			writer.post(t, 1, rdmaio.Write, 0, farPart*pageSize, []byte("late"))
			writer.post(t, 2, rdmaio.Write, 0, 0, []byte("behind"))
			if got := writer.outcomes(); got != "" {
				t.Fatalf("it did not wait: %q", got)
			}
			c.end(t, writer, owner)
			var got string
			until(t, "both have ended", func() bool { got += writer.outcomes(); return len(got) >= len(c.want) })
			if got != c.want {
				t.Errorf("outcomes %q, want %q", got, c.want)
			}
			if c.want[2] != '2' && !bytes.Equal(before, owner.mem) {
				t.Error("it was placed")
			}
		})
	}
}

// TestWindowNeedsNoOwnerLoop: the window moves though the owner's loop does not poll; that is the porter's work.
func TestWindowNeedsNoOwnerLoop(t *testing.T) {
	writer, owner := windowEnds(t)
	owner.hold(false)
	for part := range testRegion / pageSize {
		writer.post(t, uint64(part), rdmaio.Write, 0, part*pageSize+8, []byte{byte(part + 1)})
		var got string
		until(t, "it is done", func() bool { got += writer.outcomes(); return got != "" })
		if want := fmt.Sprintf("%d:0 ", part); got != want || owner.mem[part*pageSize+8] != byte(part+1) {
			t.Fatalf("outcome %q, memory %d", got, owner.mem[part*pageSize+8])
		}
	}
}

// TestStoppedOwnerOfAWindow: within the window a stopped owner's memory takes writes; beyond, they wait until it goes on.
func TestStoppedOwnerOfAWindow(t *testing.T) {
	dir := t.TempDir()
	e := openEnd(t, dir, 1, 1, 2)
	owner := startChild(t, "window-member", dir, 2, 1, 1)
	e.untilReady(t)
	owner.says("granted")
	owner.stop()
	e.post(t, 1, rdmaio.Write, 0, pageSize, []byte("within"))
	if got := e.outcomes(); got != "1:0 " {
		t.Fatalf("within the window: %q", got)
	}
	value := []byte{77, 0, 0, 0, 0, 0, 0, 0}
	e.post(t, 2, rdmaio.Write, 0, farPart*pageSize, value)
	e.post(t, 3, rdmaio.Write, 0, 0, value)
	for range 100 {
		if got := e.outcomes(); got != "" {
			t.Fatalf("beyond the window of a stopped owner: %q", got)
		}
	}
	owner.resume()
	var got string
	until(t, "it is done", func() bool { got += e.outcomes(); return len(got) >= len("2:0 3:0 ") })
	if got != "2:0 3:0 " {
		t.Fatalf("outcomes %q", got)
	}
	owner.says("saw 77")
}
