//go:build verbs && linux && cgo

package verbs

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"exchange/rdmaio"
)

const both = rdmaio.RemoteRead | rdmaio.RemoteWrite

// play puts up process 1, here, and the address for process 2, there.
type play struct {
	t            testing.TB
	owner        *end
	ours, theirs string
	nextEvent    int
}

var nextPort atomic.Uint32

func newPlay(t testing.TB, choose func(*Config)) *play {
	t.Helper()
	port := 7000 + 2*nextPort.Add(1)
	p := &play{t: t, ours: fmt.Sprintf("%s:%d", here, port), theirs: fmt.Sprintf("%s:%d", there, port+1)}
	cfg := Config{Cluster: "puppets", Local: 1, Incarnation: 1, Listen: p.ours, Peers: map[rdmaio.NodeID]string{2: p.theirs}, UnreachableAfter: patient}
	if choose != nil {
		choose(&cfg)
	}
	var err error
	if p.owner, err = newEnd(cfg, 2); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.owner.Close() })
	return p
}

// enter starts process 2 and waits until all pairs are ready.
func (p *play) enter(incarnation uint64) *puppet {
	p.t.Helper()
	q := startPuppet(p.t, p.theirs, p.ours, 2, incarnation, &p.owner.cfg)
	p.untilReady(q, 0, 1)
	return q
}

func (p *play) untilReady(q *puppet, domains ...int) {
	p.t.Helper()
	for _, pd := range domains {
		p.until("our pair is ready", func() bool { return p.owner.pairs[pd].State() == rdmaio.StateReady })
		p.until("the puppet's pair is ready", func() bool {
			return strings.HasPrefix(q.order("state", "state", pd), fmt.Sprint(rdmaio.StateReady))
		})
	}
}

// until waits for a condition; only a test that fails waits long.
func (p *play) until(what string, condition func() bool) {
	p.t.Helper()
	for start := time.Now(); !condition(); {
		p.owner.collect()
		if time.Since(start) > 60*time.Second {
			p.t.Fatalf("waited in vain until %s; told %v; problem: %v", what, p.owner.seen, p.owner.Problem(2))
		}
		time.Sleep(50 * time.Microsecond)
	}
}

func (p *play) grant(pd int, a rdmaio.Access) {
	p.t.Helper()
	if err := p.owner.pairs[pd].ModifyAccess(a); err != nil {
		p.t.Fatalf("set access %d: %v", a, err)
	}
}

// expect waits for the next event.
func (p *play) expect(kind rdmaio.EventKind, incarnation uint64) {
	p.t.Helper()
	p.until("there is an event", func() bool { p.owner.collect(); return len(p.owner.seen) > p.nextEvent })
	if got, want := p.owner.seen[p.nextEvent], (rdmaio.AsyncEvent{Kind: kind, Peer: 2, Incarnation: incarnation}); got != want {
		p.t.Fatalf("event %+v, want %+v", got, want)
	}
	p.nextEvent++
}

func (p *play) untilWritten() {
	p.t.Helper()
	last := atomic.LoadUint64(p.owner.word(1))
	p.until("the writer writes", func() bool { return atomic.LoadUint64(p.owner.word(1)) != last })
}

// rounds are fewer between systems, where all their processors are emulated by the same few.
func rounds(n int) int {
	if os.Getenv(stageVariable) != "" {
		return n / 5
	}
	return n
}

func byEachPath(t *testing.T, test func(*testing.T, *play)) {
	t.Run("fast path", func(t *testing.T) { test(t, newPlay(t, nil)) })
	t.Run("slow path", func(t *testing.T) { test(t, newPlay(t, func(c *Config) { c.AlwaysCycle = true })) })
}

// TestBetweenProcesses is the contract in short, for processes that share no memory, and maybe no kernel.
func TestBetweenProcesses(t *testing.T) {
	byEachPath(t, func(t *testing.T, p *play) {
		q := p.enter(1)
		p.expect(rdmaio.PeerUp, 1)
		if got := q.order("state", "state", 1); got != fmt.Sprint(rdmaio.StateReady, " 1 0 ", testRegion) {
			t.Errorf("the puppet's pair: %s", got)
		}
		status := func(want rdmaio.Status, order ...any) string {
			t.Helper()
			answer, rest, _ := strings.Cut(q.order("status", order...), " ")
			if answer != fmt.Sprint(want) {
				t.Fatalf("%v: status %s, want %d", order, answer, want)
			}
			return rest
		}
		again := func(pd int) {
			t.Helper()
			q.order("reset", "reset", pd)
			p.untilReady(q, pd)
		}
		status(rdmaio.RemoteAccessError, "write", 0, 0, "ff") // no right yet
		again(0)
		p.grant(0, rdmaio.RemoteWrite)
		for _, n := range []int{1, 8, 64, 65, 300, 1024, 5000, 20_000} {
			text := bytes.Repeat([]byte{byte(n), byte(n >> 8), 7}, n)[:n]
			status(rdmaio.Success, "write", 0, 4096+n%9, hex.EncodeToString(text))
			if !bytes.Equal(p.owner.mem[0][4096+n%9:][:n], text) {
				t.Fatalf("%d bytes misplaced", n)
			}
		}
		status(rdmaio.RemoteAccessError, "read", 0, 0, 8) // it may only write
		again(0)
		p.grant(0, both)
		copy(p.owner.mem[0][100:], "the owner's words")
		if got := status(rdmaio.Success, "read", 0, 100, 17); got != hex.EncodeToString([]byte("the owner's words")) {
			t.Errorf("read %s", got)
		}
		status(rdmaio.RemoteAccessError, "write", 1, 0, "ff") // the other domain
		status(rdmaio.Success, "write", 0, 8, "0a")           // is another pair
		status(rdmaio.RemoteAccessError, "write", 0, testRegion-4, "0102030405060708")
		status(255, "write", 0, 0, "01") // until Reset
		again(0)
		again(1)
		status(rdmaio.Success, "write", 0, 16, "0b") // rights survive
		p.grant(0, rdmaio.RemoteRead)
		status(rdmaio.RemoteAccessError, "write", 0, 16, "0c")
		if m := p.owner.mem[0]; m[8] != 10 || m[16] != 11 || m[testRegion-1] != 0 || p.owner.mem[1][0] != 0 {
			t.Errorf("memory % x, % x, %d, %d", m[8:9], m[16:17], m[testRegion-1], p.owner.mem[1][0])
		}
		// The other direction was in no way concerned.
		q.order("granted", "grant", 0, both)
		if s := p.owner.do(0, rdmaio.WorkRequest{Opcode: rdmaio.Write, RemoteOffset: 24, Local: []byte("hello")}); s != rdmaio.Success {
			t.Fatalf("our write: status %d", s)
		}
		if got := q.order("bytes", "peek", 0, 24, 5); got != hex.EncodeToString([]byte("hello")) {
			t.Errorf("the puppet holds %s", got)
		}
		q.order("granted", "grant", 0, 0)
		if s := p.owner.do(0, rdmaio.WorkRequest{Opcode: rdmaio.Write, RemoteOffset: 24, Local: []byte("HELLO")}); s != rdmaio.RemoteAccessError {
			t.Errorf("our write without right: status %d", s)
		}
	})
}

// TestStaleWriter: the holder of the right is stopped wherever it happens to be, loses the right, and wakes when somebody else
// has written. Nothing is overwritten, and it is told.
func TestStaleWriter(t *testing.T) {
	byEachPath(t, func(t *testing.T, p *play) {
		q := p.enter(1)
		q.order("looping", "loop")
		decided := make([]byte, 8*writtenWords)
		for round := range rounds(30) {
			p.grant(0, rdmaio.RemoteWrite)
			p.untilWritten()
			q.signal(syscall.SIGSTOP)
			p.grant(0, 0)
			for i := range decided {
				decided[i] = byte(round + i)
			}
			copy(p.owner.mem[0], decided)
			for len(q.lines) > 0 {
				<-q.lines // denials before the grant
			}
			q.signal(syscall.SIGCONT)
			q.hear("denied")
			if !bytes.Equal(p.owner.mem[0][:len(decided)], decided) {
				t.Fatalf("round %d: the stale writer has overwritten what was decided", round)
			}
		}
	})
}

// TestRevocationsAgainstATightLoop: no write lands once a revocation has returned.
func TestRevocationsAgainstATightLoop(t *testing.T) {
	byEachPath(t, func(t *testing.T, p *play) {
		p.enter(1).order("looping", "loop")
		var then [writtenWords]uint64
		late := 0
		var slowest time.Duration
		for range rounds(300) {
			p.grant(0, rdmaio.RemoteWrite)
			at := time.Now()
			p.untilWritten()
			slowest = max(slowest, time.Since(at))
			p.grant(0, 0)
			for i := range then {
				then[i] = atomic.LoadUint64(p.owner.word(i))
			}
			for range 50 {
				for i := range then {
					if atomic.LoadUint64(p.owner.word(i)) != then[i] {
						late++
					}
				}
			}
		}
		if late > 0 {
			t.Errorf("%d words written after a revocation had returned", late)
		}
		t.Logf("a writer came back after %v at the latest", slowest)
	})
}

// TestKillNoticeAndRestart kills a writer in the middle of its loop and starts it again, several times.
func TestKillNoticeAndRestart(t *testing.T) {
	p := newPlay(t, nil)
	for incarnation := uint64(1); incarnation <= 6; incarnation++ {
		q := p.enter(incarnation)
		p.expect(rdmaio.PeerUp, incarnation)
		if qp := p.owner.pairs[0]; qp.PeerIncarnation() != incarnation || qp.Access() != 0 {
			t.Fatalf("incarnation %d of %d with access %d", qp.PeerIncarnation(), incarnation, qp.Access())
		}
		p.grant(0, rdmaio.RemoteWrite)
		q.order("looping", "loop")
		p.untilWritten()
		at := time.Now()
		q.signal(syscall.SIGKILL)
		if incarnation%2 == 0 {
			p.grant(0, 0) // from the dying, before it is told
		}
		p.expect(rdmaio.PeerDown, incarnation)
		t.Logf("told dead after %v", time.Since(at))
		then := bytes.Clone(p.owner.mem[0])
		for pd := range 2 {
			if s := p.owner.pairs[pd].State(); s != rdmaio.StateError {
				t.Fatalf("domain %d: state %d", pd, s)
			}
		}
		time.Sleep(2 * time.Millisecond)
		if !bytes.Equal(then, p.owner.mem[0]) {
			t.Fatal("the dead wrote after it was told dead")
		}
		if err := p.owner.pairs[0].ModifyAccess(both); !errors.Is(err, rdmaio.ErrNotReady) {
			t.Fatalf("grant to the dead: %v", err)
		}
		for pd := range 2 {
			if err := p.owner.pairs[pd].Reset(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestWritesToAKilledProcess end in RetryExceeded, well before a card's patience, once the death is told.
func TestWritesToAKilledProcess(t *testing.T) {
	p := newPlay(t, nil)
	q := p.enter(1)
	q.order("granted", "grant", 0, both)
	q.signal(syscall.SIGKILL)
	for {
		switch s := p.owner.do(0, rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte{1}}); s {
		case rdmaio.Success:
			continue // it still dies
		case rdmaio.RetryExceeded, 255:
		default:
			t.Fatalf("status %d", s)
		}
		break
	}
	p.expect(rdmaio.PeerUp, 1)
	p.expect(rdmaio.PeerDown, 1)
}

// TestStoppedPeerStaysUp: a stopped process is not dead, and its memory takes writes.
func TestStoppedPeerStaysUp(t *testing.T) {
	p := newPlay(t, nil)
	q := p.enter(1)
	q.order("granted", "grant", 0, both)
	q.signal(syscall.SIGSTOP)
	for range 200 {
		p.owner.collect()
		time.Sleep(time.Millisecond)
	}
	if s := p.owner.do(0, rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte{77}}); s != rdmaio.Success {
		t.Fatalf("status %d", s)
	}
	q.signal(syscall.SIGCONT)
	if got := q.order("bytes", "peek", 0, 0, 1); got != "4d" {
		t.Errorf("it holds %s", got)
	}
	if len(p.owner.seen) != 1 {
		t.Errorf("told %v", p.owner.seen)
	}
}

// TestBrokenExchange: the exchange's connections break, the pairs do not. A gate that is cut meanwhile is told when there is a
// connection again.
func TestBrokenExchange(t *testing.T) {
	p := newPlay(t, func(c *Config) { c.AlwaysCycle = true })
	q := p.enter(1)
	p.grant(0, both)
	for range 20 {
		p.owner.host.mu.Lock()
		for v := range p.owner.host.visitors {
			v.conn.Close()
		}
		p.owner.host.mu.Unlock()
		if got := q.order("status", "write", 0, 0, "01"); got != "0 " && got != "0" {
			t.Fatalf("with the connection broken: status %s", got)
		}
		p.owner.host.mu.Lock()
		for v := range p.owner.host.visitors {
			v.conn.Close()
		}
		p.owner.host.mu.Unlock()
		p.grant(0, rdmaio.RemoteRead)
		if got := q.order("status", "write", 0, 0, "02"); got != fmt.Sprint(rdmaio.RemoteAccessError) {
			t.Fatalf("with the gate cut: status %s", got)
		}
		q.order("reset", "reset", 0)
		p.untilReady(q, 0)
		p.grant(0, both)
	}
	if got := q.order("events", "events"); strings.Count(got, "{") != 1 || len(p.owner.seen) != 1 {
		t.Errorf("the puppet was told %s, we %v", got, p.owner.seen)
	}
}

// TestWhoWasToldDeadStaysOut even if it lives: its rights are gone, and it is told to start again.
func TestWhoWasToldDeadStaysOut(t *testing.T) {
	p := newPlay(t, func(c *Config) { c.UnreachableAfter = time.Second })
	q := p.enter(1)
	p.grant(0, both)
	p.owner.peers[2].die(1)
	p.expect(rdmaio.PeerUp, 1)
	p.expect(rdmaio.PeerDown, 1)
	for pd := range 2 {
		if err := p.owner.pairs[pd].Reset(); err != nil {
			t.Fatal(err)
		}
	}
	if got := q.order("status", "write", 0, 0, "ff"); got == fmt.Sprint(rdmaio.Success) || p.owner.mem[0][0] != 0 {
		t.Errorf("it wrote: status %s, memory %d", got, p.owner.mem[0][0])
	}
	p.until("it is told why", func() bool { return strings.Contains(q.order("problem", "problem"), "found dead") })
	q.kill()
	p.enter(2)
	p.expect(rdmaio.PeerUp, 2)
}

func TestSecondProcessIsRefused(t *testing.T) {
	p := newPlay(t, nil)
	_, err := Open(p.owner.cfg)
	if err == nil || !strings.Contains(err.Error(), "running already") {
		t.Errorf("a second process 1: %v", err)
	}
}

func TestStrangersAreToldWhy(t *testing.T) {
	p := newPlay(t, nil)
	for want, choose := range map[string]func(*Config){
		"cluster of another name": func(c *Config) { c.Cluster = "another" },
		"no member here":          func(c *Config) { c.Local = 3 },
		"but 1 is":                func(c *Config) { c.Peers = map[rdmaio.NodeID]string{4: p.ours} },
		"not running":             func(c *Config) { c.Peers = map[rdmaio.NodeID]string{1: here + ":6998"} },
	} {
		cfg := Config{Cluster: "puppets", Local: 2, Incarnation: 9, Listen: here + ":6997", Peers: map[rdmaio.NodeID]string{1: p.ours}}
		choose(&cfg)
		stranger, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		p.until("the stranger is told: "+want, func() bool {
			for id := range cfg.Peers {
				if err := stranger.Problem(id); err != nil && strings.Contains(err.Error(), want) {
					return true
				}
			}
			return false
		})
		stranger.Close()
	}
}

func TestNoSuchDevice(t *testing.T) {
	if err := Probe(); err != nil {
		t.Errorf("with a device there: %v", err)
	}
	good := Config{Cluster: "c", Local: 1, Incarnation: 1, Listen: here + ":6996"}
	for want, choose := range map[string]func(*Config){
		`device "mlx5_7"`: func(c *Config) { c.Device = "mlx5_7" },
		"query the port":  func(c *Config) { c.Port = 9 },
		"GID index":       func(c *Config) { c.GIDIndex = 60_000 },
	} {
		cfg := good
		choose(&cfg)
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "ibv_devinfo") {
			t.Errorf("want %q: %v", want, err)
		}
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
	round := func() {
		a, b := twoEnds(t, nil)
		a.Close()
		b.Close()
	}
	round()
	before := count()
	for range 5 {
		round()
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// twoEnds are two providers of this process with every right for the first at the second.
func twoEnds(t testing.TB, choose func(*Config)) (writer, owner *end) {
	t.Helper()
	addresses := freeAddresses(t, 2)
	var ends [3]*end
	for id := rdmaio.NodeID(1); id <= 2; id++ {
		cfg := Config{Cluster: t.Name(), Local: id, Incarnation: 1, Listen: addresses[id], Peers: addresses, UnreachableAfter: patient}
		if choose != nil {
			choose(&cfg)
		}
		e, err := newEnd(cfg, 3-id)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		ends[id] = e
	}
	for start := time.Now(); ends[1].pairs[0].State() != rdmaio.StateReady || ends[2].pairs[0].State() != rdmaio.StateReady; {
		if time.Since(start) > 60*time.Second {
			t.Fatal("the pair does not become ready")
		}
		time.Sleep(time.Millisecond)
	}
	if err := ends[2].pairs[0].ModifyAccess(both); err != nil {
		t.Fatal(err)
	}
	return ends[1], ends[2]
}

func TestPostAllocatesNothing(t *testing.T) {
	for _, batch := range []bool{false, true} {
		a, _ := twoEnds(t, func(c *Config) { c.Batch = batch })
		var c [4]rdmaio.Completion
		write := rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: a.local[:256]}
		inline := rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte("inline")}
		read := rdmaio.WorkRequest{Opcode: rdmaio.Read, Local: a.local[256:512]}
		allocs := testing.AllocsPerRun(100, func() {
			if a.pairs[0].PostSend(&write) != nil || a.pairs[0].PostSend(&inline) != nil || a.pairs[0].PostSend(&read) != nil {
				t.Fatal("a post failed")
			}
			for done := 0; done < 3; {
				for _, d := range c[:a.cq.Poll(c[:])] {
					done++
					if d.Status != rdmaio.Success {
						t.Fatalf("completion %+v", d)
					}
				}
			}
		})
		if allocs != 0 {
			t.Errorf("batch %v: three requests allocate %v times", batch, allocs)
		}
	}
}

// TestLossOfPower runs only across two systems, last of all: it asks for the other one's end.
func TestLossOfPower(t *testing.T) {
	if os.Getenv(stageVariable) == "" {
		t.Skip("there is one system here: guest/two-guests.sh runs it on two")
	}
	const set = 2 * time.Second
	p := newPlay(t, func(c *Config) { c.UnreachableAfter = set })
	q := p.enter(1)
	p.grant(0, both)
	q.order("granted", "grant", 0, both)
	if s := p.owner.do(0, rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte("still there")}); s != rdmaio.Success {
		t.Fatalf("status %d", s)
	}
	q.order("looping", "loop")
	p.untilWritten()
	fmt.Println("POWER-CUT 2")
	var at time.Time
	last := uint64(0)
	p.until("it writes no more", func() bool {
		if w := atomic.LoadUint64(p.owner.word(1)); w != last {
			last, at = w, time.Now()
		}
		return time.Since(at) > 500*time.Millisecond
	})
	at = time.Now()
	if s := p.owner.do(0, rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte("anybody?")}); s != rdmaio.RetryExceeded {
		t.Fatalf("a write to the host without power: status %d", s)
	}
	noticed := time.Since(at)
	t.Logf("noticed after %v, set are %v", noticed, set)
	if noticed > 4*set { // what a card may take of it
		t.Errorf("noticed after %v, set are %v", noticed, set)
	}
	if p.owner.pairs[0].State() != rdmaio.StateError {
		t.Errorf("state %d", p.owner.pairs[0].State())
	}
	p.grant(0, 0) // from who is silent, for the sake of a successor
	if err := p.owner.pairs[0].Reset(); err != nil {
		t.Error(err)
	}
	p.until("the exchange notices, too", func() bool { return p.owner.Problem(2) != nil })
	t.Logf("after %v: %v", time.Since(at), p.owner.Problem(2))
	p.owner.collect()
	if len(p.owner.seen) != 1 || p.owner.pairs[0].State() != rdmaio.StateInit {
		t.Errorf("silence is not death: told %v, state %d", p.owner.seen, p.owner.pairs[0].State())
	}
}
