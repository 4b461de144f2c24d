package rdmaiotest

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"unsafe"

	"exchange/rdmaio"
)

// Fabric is one provider's world, made new for each test.
type Fabric struct {
	// Start starts the process id. All ids are 1 to 3. An earlier incarnation has been killed.
	Start func(t testing.TB, id rdmaio.NodeID, incarnation uint64) rdmaio.Provider
	// Kill ends a process without letting it finish anything, so that the others are told.
	Kill func(rdmaio.Provider)
	// Advance lets the fabric go on a little: an event of virtual time, or a short sleep.
	Advance func()
	// Patience is how many times the suite calls Advance before it calls something hung. It is generous: only a test that
	// fails uses it up.
	Patience int
	// Settle is how many times Advance is called to be sure that what must not happen does not.
	Settle int
	// Concurrent says that different processes may be driven by different goroutines.
	Concurrent bool
	// Slowness divides the rounds of the longest tests: for processors that are emulated, and where a round trip takes many microseconds. 0 is 1.
	Slowness int

	watch func() // looks on after every Advance; see alongside
}

// rounds is how often a long test does what it does.
func (f *Fabric) rounds(n int) int { return n / max(1, f.Slowness) }

func (f *Fabric) advance() {
	f.Advance()
	if f.watch != nil {
		f.watch()
	}
}

// Sizes of the world of a test.
const (
	regionSize = 64 << 10
	localSize  = 64 << 10
	queueDepth = 512
	both       = rdmaio.RemoteRead | rdmaio.RemoteWrite
)

// host is a process with regions in two protection domains and pairs to all others in both.
type host struct {
	rdmaio.Provider
	t      testing.TB
	f      *Fabric
	mem    [2][]byte
	local  []byte
	cq     rdmaio.CompletionQueue
	pairs  [4][2]rdmaio.QueuePair
	events []rdmaio.AsyncEvent
}

func startHost(t testing.TB, f *Fabric, id rdmaio.NodeID, incarnation uint64, peers ...rdmaio.NodeID) *host {
	t.Helper()
	h := &host{Provider: f.Start(t, id, incarnation), t: t, f: f}
	for pd := range rdmaio.PD(2) {
		r, err := h.Register(pd, regionSize)
		check(t, err)
		if len(r.Bytes()) != regionSize || r.PD() != pd {
			t.Fatalf("region of %d bytes in domain %d, asked for %d in %d", len(r.Bytes()), r.PD(), regionSize, pd)
		}
		h.mem[pd] = r.Bytes()
	}
	var err error
	h.local, err = h.AllocLocal(localSize)
	check(t, err)
	h.cq, err = h.CreateCQ(queueDepth)
	check(t, err)
	for _, peer := range peers {
		for pd := range rdmaio.PD(2) {
			h.pairs[peer][pd], err = h.Connect(peer, pd, h.cq)
			check(t, err)
		}
	}
	return h
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// startHosts starts processes 1 to count and waits until all their pairs are ready.
func startHosts(t testing.TB, f *Fabric, count rdmaio.NodeID) []*host {
	t.Helper()
	hosts := make([]*host, count+1)
	for id := rdmaio.NodeID(1); id <= count; id++ {
		var peers []rdmaio.NodeID
		for peer := rdmaio.NodeID(1); peer <= count; peer++ {
			if peer != id {
				peers = append(peers, peer)
			}
		}
		hosts[id] = startHost(t, f, id, 1, peers...)
	}
	waitReady(t, f, hosts[1:]...)
	return hosts
}

func waitReady(t testing.TB, f *Fabric, hosts ...*host) {
	t.Helper()
	f.until(t, "all pairs are ready", hosts, func() bool {
		for _, h := range hosts {
			for _, pds := range h.pairs {
				for _, qp := range pds {
					if qp != nil && qp.State() != rdmaio.StateReady {
						return false
					}
				}
			}
		}
		return true
	})
}

// until advances the fabric, collecting the hosts' events, until the condition holds.
func (f *Fabric) until(t testing.TB, what string, hosts []*host, condition func() bool) {
	t.Helper()
	for range f.Patience {
		for _, h := range hosts {
			h.collect()
		}
		if condition() {
			return
		}
		f.advance()
	}
	for _, h := range hosts {
		t.Logf("process %d was told %v", h.Local(), h.events)
		for peer, pds := range h.pairs {
			for pd, qp := range pds {
				if qp != nil {
					t.Logf("process %d to %d in domain %d: state %d, incarnation %d", h.Local(), peer, pd, qp.State(), qp.PeerIncarnation())
				}
			}
		}
	}
	t.Fatalf("waited in vain until %s", what)
}

// settle advances the fabric long enough for what is under way to happen.
func (f *Fabric) settle(hosts ...*host) {
	for range f.Settle {
		for _, h := range hosts {
			h.collect()
		}
		f.advance()
	}
}

func (h *host) collect() {
	var e [8]rdmaio.AsyncEvent
	for k := h.PollAsync(e[:]); k > 0; k = h.PollAsync(e[:]) {
		h.events = append(h.events, e[:k]...)
	}
}

func (h *host) grant(peer rdmaio.NodeID, pd rdmaio.PD, a rdmaio.Access) {
	h.t.Helper()
	if err := h.pairs[peer][pd].ModifyAccess(a); err != nil {
		h.t.Fatalf("process %d sets access %d for %d: %v", h.Local(), a, peer, err)
	}
}

func (h *host) post(peer rdmaio.NodeID, pd rdmaio.PD, wr rdmaio.WorkRequest) {
	h.t.Helper()
	if err := h.pairs[peer][pd].PostSend(&wr); err != nil {
		h.t.Fatalf("process %d posts %d to %d: %v", h.Local(), wr.ID, peer, err)
	}
}

// next waits for the next completion.
func (h *host) next() rdmaio.Completion {
	h.t.Helper()
	var c [1]rdmaio.Completion
	h.f.until(h.t, fmt.Sprintf("process %d finds a completion", h.Local()), []*host{h}, func() bool { return h.cq.Poll(c[:]) == 1 })
	return c[0]
}

// do posts one request and waits for its outcome.
func (h *host) do(peer rdmaio.NodeID, pd rdmaio.PD, wr rdmaio.WorkRequest) rdmaio.Status {
	h.t.Helper()
	h.post(peer, pd, wr)
	c := h.next()
	if want := (rdmaio.Completion{ID: wr.ID, Peer: peer, PD: pd, Opcode: wr.Opcode, Status: c.Status}); c != want {
		h.t.Fatalf("completion %+v, want %+v", c, want)
	}
	return c.Status
}

func (h *host) write(peer rdmaio.NodeID, pd rdmaio.PD, offset uint64, text string) rdmaio.Status {
	h.t.Helper()
	return h.do(peer, pd, rdmaio.WorkRequest{ID: offset, Opcode: rdmaio.Write, RemoteOffset: offset, Local: []byte(text)})
}

// word reads an aligned 8-byte word as the memory model asks for.
func word(mem []byte, offset int) uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&mem[offset])))
}

func putWord(b []byte, v uint64) { binary.NativeEndian.PutUint64(b, v) }
