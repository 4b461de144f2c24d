package tcp

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"exchange/rdmaio"
)

// side is a provider with one region and a pair to each peer.
type side struct {
	*Provider
	mem   []byte
	local []byte
	pairs map[rdmaio.NodeID]rdmaio.QueuePair
	cq    rdmaio.CompletionQueue
	told  []rdmaio.AsyncEvent
}

const sideRegion = 1 << 20

func newSide(c Config) (*side, error) {
	p, err := Open(c)
	if err != nil {
		return nil, err
	}
	r, err1 := p.Register(0, sideRegion)
	local, err2 := p.AllocLocal(sideRegion)
	cq, err3 := p.CreateCQ(4 * SendQueueDepth)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	s := &side{Provider: p, mem: r.Bytes(), local: local, pairs: map[rdmaio.NodeID]rdmaio.QueuePair{}, cq: cq}
	for peer := range c.Peers {
		if peer != c.Local {
			if s.pairs[peer], err = p.Connect(peer, 0, cq); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

func makeSide(t testing.TB, c Config) *side {
	t.Helper()
	s, err := newSide(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *side) word(i int) *uint64 { return (*uint64)(unsafe.Pointer(&s.mem[8*i])) }

func (s *side) poll() {
	var e [8]rdmaio.AsyncEvent
	s.told = append(s.told, e[:s.PollAsync(e[:])]...)
}

func (s *side) ready(peer rdmaio.NodeID) bool {
	s.poll()
	return s.pairs[peer].State() == rdmaio.StateReady
}

func (s *side) wasTold(k rdmaio.EventKind, peer rdmaio.NodeID, incarnation uint64) bool {
	s.poll()
	for _, e := range s.told {
		if e == (rdmaio.AsyncEvent{Kind: k, Peer: peer, Incarnation: incarnation}) {
			return true
		}
	}
	return false
}

// patience is how long a test waits before it calls something hung; only a test that fails uses it up.
const patience = 20 * time.Second

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// write posts one request and waits for its outcome.
func (s *side) write(t testing.TB, peer rdmaio.NodeID, offset uint64, text []byte) rdmaio.Status {
	t.Helper()
	if err := s.pairs[peer].PostSend(&rdmaio.WorkRequest{Opcode: rdmaio.Write, RemoteOffset: offset, Local: text}); err != nil {
		t.Fatal(err)
	}
	return s.outcome(t)
}

func (s *side) outcome(t testing.TB) rdmaio.Status {
	t.Helper()
	var c [1]rdmaio.Completion
	until(t, "a request is completed", func() bool { s.poll(); return s.cq.Poll(c[:]) == 1 })
	return c[0].Status
}

// writeForever counts through the words of the peer's memory as fast as it can. Whatever ends the pair, it begins again.
func (s *side) writeForever(peer rdmaio.NodeID, stop *atomic.Bool) {
	var c [64]rdmaio.Completion
	qp := s.pairs[peer]
	for i := uint64(1); !stop.Load(); {
		s.poll()
		switch qp.State() {
		case rdmaio.StateError:
			_ = qp.Reset()
		case rdmaio.StateReady:
			for range 16 { // several on their way at a time
				if qp.PostSend(&rdmaio.WorkRequest{ID: i, Opcode: rdmaio.Write, RemoteOffset: 8 * (i % writtenWords), Local: bytesOf(&i)}) == nil {
					i++
				}
			}
		default:
			time.Sleep(50 * time.Microsecond)
		}
		if s.cq.Poll(c[:]) == 0 {
			time.Sleep(10 * time.Microsecond)
		}
	}
}

const writtenWords = 64

func bytesOf(v *uint64) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(v)), 8) }

// snapshot copies the words that writeForever writes.
func (s *side) snapshot() (all [writtenWords]uint64) {
	for i := range all {
		all[i] = atomic.LoadUint64(s.word(i))
	}
	return all
}

// revokeFromRunner grants and revokes again and again from a peer that writes as fast as it can, and counts what changes after a revocation.
func revokeFromRunner(t *testing.T, o *side, rounds int) {
	t.Helper()
	late := 0
	for range rounds {
		until(t, "the writer may write", func() bool { o.poll(); return o.pairs[1].ModifyAccess(rdmaio.RemoteWrite) == nil })
		before := o.snapshot()
		until(t, "the writer has written", func() bool { o.poll(); return o.snapshot() != before })
		if err := o.pairs[1].ModifyAccess(0); err != nil {
			t.Fatal(err)
		}
		then := o.snapshot()
		for range 20 {
			if o.snapshot() != then {
				late++
			}
		}
	}
	if late > 0 {
		t.Errorf("%d times words had been written after the revocation had returned", late)
	}
}
