//go:build linux && (amd64 || arm64)

package shm

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// The tests below run against real processes: this test binary, started again in a role of its own.
const roleVariable = "EXCHANGE_SHM_TEST_ROLE"

// revocationsVariable asks for more rounds of the revocation test than a quick run has.
const revocationsVariable = "EXCHANGE_REVOCATIONS"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		go func() { // the parent's end of our standard input closes when it ends
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(3)
		}()
		if err := play(strings.Fields(role)); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func play(role []string) error {
	if role[0] == "probe" {
		return Probe()
	}
	var id, peer rdmaio.NodeID
	var incarnation uint64
	if _, err := fmt.Sscan(strings.Join(role[2:], " "), &id, &incarnation, &peer); err != nil {
		return err
	}
	window := 0
	if role[0] == "window-member" {
		window = windowParts * pageSize
	}
	e, err := newEndWithWindow(role[1], id, incarnation, peer, window)
	if err != nil {
		return err
	}
	switch role[0] {
	case "writer":
		return e.writeForever(false, 8)
	case "reporting-writer":
		return e.writeForever(true, 8)
	case "spread-writer":
		return e.writeForever(false, spread)
	case "member", "window-member":
		return e.serve()
	}
	return fmt.Errorf("unknown role %q", role)
}

// end is a provider with one region and one pair.
type end struct {
	*Provider
	mem  []byte
	pair rdmaio.QueuePair
	cq   rdmaio.CompletionQueue
}

const (
	testRegion = 64 << 10
	testQueue  = 64
)

func newEnd(dir string, id rdmaio.NodeID, incarnation uint64, peer rdmaio.NodeID) (*end, error) {
	return newEndWithWindow(dir, id, incarnation, peer, 0)
}

func newEndWithWindow(dir string, id rdmaio.NodeID, incarnation uint64, peer rdmaio.NodeID, window int) (*end, error) {
	p, err := Open(Config{Dir: dir, Local: id, Peers: []rdmaio.NodeID{peer}, Incarnation: incarnation, Window: window})
	if err != nil {
		return nil, err
	}
	r, err := p.Register(0, testRegion)
	if err != nil {
		return nil, err
	}
	cq, err := p.CreateCQ(testQueue)
	if err != nil {
		return nil, err
	}
	qp, err := p.Connect(peer, 0, cq)
	if err != nil {
		return nil, err
	}
	return &end{Provider: p, mem: r.Bytes(), pair: qp, cq: cq}, nil
}

func (e *end) word(i int) *uint64 { return (*uint64)(unsafe.Pointer(&e.mem[8*i])) }

const (
	writtenWords = 64
	spread       = testRegion / writtenWords
)

// writeForever counts through words of the peer's memory, a stride of bytes apart, as fast as it can. Denied, it resets and goes on; reporting,
// it says so.
func (e *end) writeForever(report bool, stride uint64) error {
	var b [8]byte
	var c [1]rdmaio.Completion
	for i := uint64(1); ; {
		if e.pair.State() != rdmaio.StateReady {
			time.Sleep(time.Millisecond)
			continue
		}
		*(*uint64)(unsafe.Pointer(&b)) = i
		if err := e.pair.PostSend(&rdmaio.WorkRequest{ID: i, Opcode: rdmaio.Write, RemoteOffset: stride * (i % writtenWords), Local: b[:]}); err != nil {
			return err
		}
		for e.cq.Poll(c[:]) == 0 {
		}
		switch c[0].Status {
		case rdmaio.Success:
			i++
		case rdmaio.RemoteAccessError:
			if report {
				fmt.Println("denied")
			}
			if err := e.pair.Reset(); err != nil {
				return err
			}
		default:
			return fmt.Errorf("completion %+v", c[0])
		}
	}
}

// serve lets the peer write and tells what it sees of it.
func (e *end) serve() error {
	last := uint64(0)
	for {
		var events [4]rdmaio.AsyncEvent
		for _, ev := range events[:e.PollAsync(events[:])] {
			fmt.Println("event", ev.Kind, ev.Peer, ev.Incarnation)
		}
		if e.pair.State() == rdmaio.StateReady && e.pair.Access() == 0 {
			if err := e.pair.ModifyAccess(rdmaio.RemoteWrite | rdmaio.RemoteRead); err != nil {
				return err
			}
			fmt.Println("granted")
		}
		if w := atomic.LoadUint64(e.word(0)); w != last {
			last = w
			fmt.Println("saw", w)
		}
		time.Sleep(time.Millisecond)
	}
}

// child is a process in a role.
type child struct {
	t     testing.TB
	cmd   *exec.Cmd
	lines chan string
}

func startChild(t testing.TB, role string, args ...any) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(os.Args[0]), lines: make(chan string, 1<<16)}
	c.cmd.Env = append(os.Environ(), roleVariable+"="+strings.TrimSpace(role+" "+fmt.Sprintln(args...)))
	c.cmd.Stderr = os.Stderr
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			c.lines <- s.Text()
		}
		close(c.lines)
	}()
	t.Cleanup(func() {
		stdin.Close()
		c.kill()
	})
	return c
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// says waits for a line that the child prints.
func (c *child) says(want string) {
	c.t.Helper()
	hang := time.After(30 * time.Second)
	for {
		select {
		case line, ok := <-c.lines:
			if !ok {
				c.t.Fatalf("the child ended without saying %q", want)
			}
			if line == want {
				return
			}
			if strings.HasPrefix(line, "error") {
				c.t.Fatalf("the child said %q, expected %q", line, want)
			}
		case <-hang:
			c.t.Fatalf("the child does not say %q", want)
		}
	}
}

// stop returns once every thread of the child has stopped.
func (c *child) stop() {
	c.t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		c.t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(c.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		c.t.Fatalf("wait for the stop: %v, status %v", err, status)
	}
}

func (c *child) resume() {
	c.t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		c.t.Fatal(err)
	}
}

func openEnd(t testing.TB, dir string, id rdmaio.NodeID, incarnation uint64, peer rdmaio.NodeID) *end {
	t.Helper()
	e, err := newEnd(dir, id, incarnation, peer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// until waits for a condition; only a test that fails waits long.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for start := time.Now(); !condition(); {
		if time.Since(start) > 30*time.Second {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(20 * time.Microsecond)
	}
}

func (e *end) untilReady(t testing.TB) {
	t.Helper()
	until(t, "the pair is ready", func() bool { return e.pair.State() == rdmaio.StateReady })
}

func (e *end) setAccess(t testing.TB, a rdmaio.Access) {
	t.Helper()
	if err := e.pair.ModifyAccess(a); err != nil {
		t.Fatalf("set access %d: %v", a, err)
	}
}

// untilWritten waits for the writer's next round through the words.
func (e *end) untilWritten(t *testing.T, step int) {
	t.Helper()
	word := e.word(step)
	last := atomic.LoadUint64(word)
	for start, spins := time.Now(), 0; atomic.LoadUint64(word) == last; spins++ {
		e.PollAsync(nil)
		if spins%1000 == 999 {
			if time.Since(start) > 30*time.Second {
				t.Fatal("the writer does not write")
			}
			time.Sleep(20 * time.Microsecond)
		}
	}
}

// TestStaleWriter: the holder of the right is stopped wherever it happens to be, loses the right, and wakes when somebody else
// has written. Nothing is overwritten, and it is told.
func TestStaleWriter(t *testing.T) {
	dir := t.TempDir()
	owner := openEnd(t, dir, 1, 1, 2)
	writer := startChild(t, "reporting-writer", dir, 2, 1, 1)
	owner.untilReady(t)
	decided := make([]byte, testRegion)
	for round := range 100 {
		owner.setAccess(t, rdmaio.RemoteWrite)
		owner.untilWritten(t, 1)
		writer.stop()
		owner.setAccess(t, 0)
		for i := range decided {
			decided[i] = byte(round + i)
		}
		copy(owner.mem, decided)
		for len(writer.lines) > 0 {
			<-writer.lines // denials before the grant
		}
		writer.resume()
		writer.says("denied")
		if !bytes.Equal(owner.mem, decided) {
			t.Fatalf("round %d: the stale writer has overwritten what was decided", round)
		}
	}
}

// TestRevocationsAgainstATightLoop: no write lands once a revocation has returned, in 10,000 of them.
func TestRevocationsAgainstATightLoop(t *testing.T) {
	dir := t.TempDir()
	owner := openEnd(t, dir, 1, 1, 2)
	startChild(t, "writer", dir, 2, 1, 1)
	owner.revokeAgainAndAgain(t, 10_000, 1)
}

// TestRevocationsOfAWindow is the same with a writer that goes through 16 pages, of which it may write 8 at a time.
func TestRevocationsOfAWindow(t *testing.T) {
	dir := t.TempDir()
	owner, err := newEndWithWindow(dir, 1, 1, 2, windowParts*pageSize)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { owner.Close() })
	startChild(t, "spread-writer", dir, 2, 1, 1)
	owner.revokeAgainAndAgain(t, 3_000, spread/8)
}

// revokeAgainAndAgain gives and takes the right of a writer that runs, and looks for late writes in every step-th word.
func (e *end) revokeAgainAndAgain(t *testing.T, rounds, step int) {
	t.Helper()
	e.untilReady(t)
	var then [writtenWords]uint64
	late := 0
	if text := os.Getenv(revocationsVariable); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for range rounds {
		e.setAccess(t, rdmaio.RemoteWrite)
		e.untilWritten(t, step)
		e.setAccess(t, 0)
		for i := range then {
			then[i] = atomic.LoadUint64(e.word(i * step))
		}
		for range 10 {
			for i := range then {
				if atomic.LoadUint64(e.word(i*step)) != then[i] {
					late++
				}
			}
		}
	}
	if late > 0 {
		t.Errorf("%d words written after a revocation had returned", late)
	}
}

// TestKillNoticeAndRestart kills a writer in the middle of its loop and starts it again, several times.
func TestKillNoticeAndRestart(t *testing.T) {
	dir := t.TempDir()
	owner := openEnd(t, dir, 1, 1, 2)
	next := func(kind rdmaio.EventKind, incarnation uint64) {
		t.Helper()
		var ev [1]rdmaio.AsyncEvent
		until(t, "there is an event", func() bool { return owner.PollAsync(ev[:]) == 1 })
		if ev[0] != (rdmaio.AsyncEvent{Kind: kind, Peer: 2, Incarnation: incarnation}) {
			t.Fatalf("event %+v, want kind %d incarnation %d", ev[0], kind, incarnation)
		}
	}
	for incarnation := uint64(1); incarnation <= 8; incarnation++ {
		writer := startChild(t, "writer", dir, 2, incarnation, 1)
		next(rdmaio.PeerUp, incarnation)
		owner.untilReady(t)
		if owner.pair.PeerIncarnation() != incarnation || owner.pair.Access() != 0 {
			t.Fatalf("incarnation %d of %d with access %d", owner.pair.PeerIncarnation(), incarnation, owner.pair.Access())
		}
		owner.setAccess(t, rdmaio.RemoteWrite)
		owner.untilWritten(t, 1)
		at := time.Now()
		if err := writer.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if incarnation%2 == 0 {
			owner.setAccess(t, 0) // from the dying, before it is told
		}
		next(rdmaio.PeerDown, incarnation)
		t.Logf("told dead after %v", time.Since(at))
		then := bytes.Clone(owner.mem)
		if owner.pair.State() != rdmaio.StateError {
			t.Fatalf("state %d", owner.pair.State())
		}
		writer.kill()
		if !bytes.Equal(then, owner.mem) {
			t.Fatal("the dead wrote after it was told dead")
		}
		if err := owner.pair.Reset(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoticeWithoutPidfd: the word that the kernel marks is enough.
func TestNoticeWithoutPidfd(t *testing.T) {
	dir := t.TempDir()
	owner := openEnd(t, dir, 1, 1, 2)
	member := startChild(t, "member", dir, 2, 1, 1)
	owner.untilReady(t)
	page := owner.peers[2].link.life
	if page.over() {
		t.Fatal("marked dead while it lives")
	}
	if err := member.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, "the kernel has marked the life page", page.over)
}

// TestStoppedPeerStaysUp: a stopped process is not dead, and its memory takes writes.
func TestStoppedPeerStaysUp(t *testing.T) {
	dir := t.TempDir()
	e := openEnd(t, dir, 1, 1, 2)
	member := startChild(t, "member", dir, 2, 1, 1)
	e.untilReady(t)
	member.says("granted")
	member.stop()
	var ev [4]rdmaio.AsyncEvent
	for range 200 {
		for _, got := range ev[:e.PollAsync(ev[:])] {
			if got.Kind == rdmaio.PeerDown {
				t.Fatal("a stopped process was told dead")
			}
		}
		time.Sleep(time.Millisecond)
	}
	value := []byte{77, 0, 0, 0, 0, 0, 0, 0}
	if err := e.pair.PostSend(&rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: value}); err != nil {
		t.Fatal(err)
	}
	var c [1]rdmaio.Completion
	if e.cq.Poll(c[:]) != 1 || c[0].Status != rdmaio.Success {
		t.Fatalf("completion %+v", c[0])
	}
	member.resume()
	member.says("saw 77")
}

// TestFenceOutlivesItsOwner: with the owner's descriptor gone, ours still stands between us and the memory.
func TestFenceOutlivesItsOwner(t *testing.T) {
	for _, granted := range []bool{false, true} {
		dir := t.TempDir()
		e := openEnd(t, dir, 1, 1, 2)
		role := "writer" // grants nothing
		if granted {
			role = "member"
		}
		owner := startChild(t, role, dir, 2, 1, 1)
		e.untilReady(t)
		if granted {
			owner.says("granted")
		}
		target := e.pair.(*queuePair).target
		owner.kill()
		if status := target.store(0, []byte("stale")); (status == rdmaio.Success) != granted {
			t.Errorf("granted %v: a store to the dead owner's memory: status %d", granted, status)
		}
		if err := e.pair.PostSend(&rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte("stale")}); err == nil {
			var c [1]rdmaio.Completion
			if e.cq.Poll(c[:]) != 1 || c[0].Status != rdmaio.RetryExceeded {
				t.Errorf("a write to the dead: %+v", c[0])
			}
		} else if err != rdmaio.ErrNotReady {
			t.Errorf("a write to the dead: %v", err)
		}
		if e.pair.State() != rdmaio.StateError {
			t.Errorf("state %d", e.pair.State())
		}
	}
}

// TestNothingIsLeft: after all processes were killed no name is taken and no file is there.
func TestNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	cluster, err := hashOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadDir("/dev/shm")
	one := startChild(t, "member", dir, 1, 1, 2)
	two := startChild(t, "member", dir, 2, 1, 1)
	one.says("granted")
	two.says("granted")
	name := strings.TrimSuffix(cluster.name(1).Name, "1")
	if sockets, _ := os.ReadFile("/proc/net/unix"); !strings.Contains(string(sockets), name) {
		t.Fatalf("no socket %s while they run", name)
	}
	one.kill()
	two.kill()
	if sockets, _ := os.ReadFile("/proc/net/unix"); strings.Contains(string(sockets), name) {
		t.Errorf("a socket %s is left", name)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left in the cluster's directory", left)
	}
	if after, _ := os.ReadDir("/dev/shm"); len(after) > len(before) {
		t.Errorf("/dev/shm held %d files and holds %d", len(before), len(after))
	}
	openEnd(t, dir, 1, 2, 2)
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	startChild(t, "member", dir, 2, 1, 1)
	first := openEnd(t, dir, 1, 1, 2)
	first.untilReady(t)
	_, err := Open(Config{Dir: dir, Local: 2, Peers: []rdmaio.NodeID{1}, Incarnation: 2})
	if err == nil || !strings.Contains(err.Error(), "running already") || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second process 2: %v", err)
	}
	other := t.TempDir()
	p, err := Open(Config{Dir: other, Local: 2, Peers: []rdmaio.NodeID{1}, Incarnation: 2})
	if err != nil {
		t.Fatalf("process 2 of another cluster: %v", err)
	}
	p.Close()
}

func TestStrangerIsToldWhy(t *testing.T) {
	dir := t.TempDir()
	host, err := Open(Config{Dir: dir, Local: 1, Peers: []rdmaio.NodeID{2}, Incarnation: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	stranger, err := Open(Config{Dir: dir, Local: 3, Peers: []rdmaio.NodeID{1, 2}, Incarnation: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	until(t, "the stranger is refused", func() bool {
		err := stranger.Problem(1)
		return err != nil && strings.Contains(err.Error(), "same list of members")
	})
	until(t, "nobody is found", func() bool {
		err := stranger.Problem(2)
		return err != nil && strings.Contains(err.Error(), "not running")
	})
}

func TestBadConfiguration(t *testing.T) {
	dir := t.TempDir()
	for want, cfg := range map[string]Config{
		"ids are 1 to":      {Dir: dir, Local: 0, Incarnation: 1},
		"peer 17":           {Dir: dir, Local: 1, Peers: []rdmaio.NodeID{17}, Incarnation: 1},
		"named twice":       {Dir: dir, Local: 1, Peers: []rdmaio.NodeID{2, 2}, Incarnation: 1},
		"incarnation 0":     {Dir: dir, Local: 1, Peers: []rdmaio.NodeID{2}},
		"create it first":   {Dir: dir + "/none", Local: 1, Incarnation: 1},
		"cluster directory": {Local: 1, Incarnation: 1},
	} {
		if p, err := Open(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", cfg, err, want)
			if p != nil {
				p.Close()
			}
		}
	}
}

// TestNobodyMayFence: no right of root is needed.
func TestNobodyMayFence(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"=probe")
	if os.Geteuid() == 0 {
		binary, err := os.Open(os.Args[0]) // nobody could not walk to it
		if err != nil {
			t.Fatal(err)
		}
		defer binary.Close()
		cmd.Path = "/proc/self/fd/3"
		cmd.ExtraFiles = []*os.File{binary}
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as nobody: %v: %s", err, out)
	}
}

// TestNoDescriptorIsLeft opens and closes many times over.
func TestNoDescriptorIsLeft(t *testing.T) {
	count := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(fds)
	}
	dir := t.TempDir()
	round := func(incarnation uint64) {
		a, errA := newEnd(dir, 1, incarnation, 2)
		b, errB := newEnd(dir, 2, incarnation, 1)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		until(t, "the pair is ready", func() bool {
			x, y := a.pair.State(), b.pair.State() // each has its part in it
			return x == rdmaio.StateReady && y == rdmaio.StateReady
		})
		a.Close()
		b.Close()
	}
	round(1)
	before := count()
	for i := range uint64(5) {
		round(2 + i)
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestPostAllocatesNothing(t *testing.T) {
	a, _ := twoEnds(t)
	local, err := a.AllocLocal(4096)
	if err != nil {
		t.Fatal(err)
	}
	var c [4]rdmaio.Completion
	write := rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: local[:256]}
	read := rdmaio.WorkRequest{Opcode: rdmaio.Read, Local: local[256:512]}
	allocs := testing.AllocsPerRun(1000, func() {
		if a.pair.PostSend(&write) != nil || a.pair.PostSend(&read) != nil || a.cq.Poll(c[:]) != 2 || c[1].Status != rdmaio.Success {
			t.Fatal("a write or a read failed")
		}
	})
	if allocs != 0 {
		t.Errorf("a write and a read allocate %v times", allocs)
	}
}

// twoEnds are two providers of this process with every right for the first at the second.
func twoEnds(t testing.TB) (writer, owner *end) {
	t.Helper()
	dir := t.TempDir()
	ends := [3]*end{}
	for id := rdmaio.NodeID(1); id <= 2; id++ {
		e, err := newEnd(dir, id, 1, 3-id)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		ends[id] = e
	}
	until(t, "the pair is ready", func() bool {
		x, y := ends[1].pair.State(), ends[2].pair.State()
		return x == rdmaio.StateReady && y == rdmaio.StateReady
	})
	if err := ends[2].pair.ModifyAccess(rdmaio.RemoteRead | rdmaio.RemoteWrite); err != nil {
		t.Fatal(err)
	}
	return ends[1], ends[2]
}

func TestRegionKeepsItsSize(t *testing.T) {
	fd, mem, err := newMemory("exchange-test", pageSize, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	defer unix.Munmap(mem)
	if err := unix.Ftruncate(fd, 0); err == nil {
		t.Error("a region could be cut short under its readers")
	}
	if size, ok := sealedSize(fd); !ok || size != pageSize {
		t.Error("the size is not told right")
	}
}

// bell is a Watch that passes on what it is told.
type bell struct{ begun, died chan rdmaio.NodeID }

func (b bell) Begin()                  { b.begun <- 0 }
func (b bell) Died(peer rdmaio.NodeID) { b.died <- peer }

// told waits until the watch is told of a death, and fails if that takes long.
func (b bell) told(t *testing.T, id rdmaio.NodeID) {
	t.Helper()
	select {
	case peer := <-b.died:
		if peer != id {
			t.Errorf("%d died, want %d", peer, id)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("not woken by the end of %d", id)
	}
}

// openWatched joins with a watch, and returns when that waits for the peer's end.
func openWatched(t *testing.T, dir string, id, peer rdmaio.NodeID) bell {
	t.Helper()
	b := bell{make(chan rdmaio.NodeID, 4), make(chan rdmaio.NodeID, 4)}
	p, err := Open(Config{Dir: dir, Local: id, Peers: []rdmaio.NodeID{peer}, Incarnation: 1, Watch: b})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	select {
	case <-b.begun:
	case <-time.After(20 * time.Second):
		t.Fatalf("%d has not met %d: %v", id, peer, p.Problem(peer))
	}
	return b
}

// TestWatchIsWokenByADeath: a kill wakes who waits for it, without a look by any loop, and a stop does not.
func TestWatchIsWokenByADeath(t *testing.T) {
	dir := t.TempDir()
	member := startChild(t, "member", dir, 2, 1, 1)
	watch := openWatched(t, dir, 1, 2)
	member.stop()
	time.Sleep(2 * watchSpell) // it outlasts its own spells
	select {
	case <-watch.died:
		t.Fatal("told of a death while the process lived")
	default:
	}
	if err := member.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	watch.told(t, 2)
}

// TestWatchesAreAllWoken: the end of a process wakes one of those that wait for it, and that one the others.
func TestWatchesAreAllWoken(t *testing.T) {
	dir := t.TempDir()
	p, err := Open(Config{Dir: dir, Local: 3, Peers: []rdmaio.NodeID{1, 2}, Incarnation: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	first, second := openWatched(t, dir, 1, 3), openWatched(t, dir, 2, 3)
	time.Sleep(watchSpell / 10) // both wait; if one did not yet, it would find the word marked, and the test would say less
	p.Close()
	first.told(t, 3)
	second.told(t, 3)
}
