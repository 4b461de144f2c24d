package rdmaiotest

import (
	"bytes"
	"errors"
	"sync/atomic"
	"testing"

	"exchange/rdmaio"
)

func names(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	h := hosts[1]
	if h.Local() != 1 || h.Name() == "" {
		t.Errorf("local %d, name %q", h.Local(), h.Name())
	}
	qp := h.pairs[2][1]
	if qp.Peer() != 2 || qp.PD() != 1 || qp.PeerIncarnation() != 1 || qp.RemoteSize() != regionSize || qp.Access() != 0 {
		t.Errorf("peer %d, domain %d, incarnation %d, remote size %d, access %d", qp.Peer(), qp.PD(), qp.PeerIncarnation(), qp.RemoteSize(), qp.Access())
	}
}

func placement(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 3)
	for _, h := range hosts[2:] {
		h.grant(1, 0, rdmaio.RemoteWrite)
	}
	copy(hosts[1].local, "to two, to three")
	if s := hosts[1].do(2, 0, rdmaio.WorkRequest{ID: 1, Opcode: rdmaio.Write, RemoteOffset: 100, Local: hosts[1].local[:6]}); s != rdmaio.Success {
		t.Fatalf("status %d", s)
	}
	if s := hosts[1].do(3, 0, rdmaio.WorkRequest{ID: 2, Opcode: rdmaio.Write, RemoteOffset: regionSize - 8, Local: hosts[1].local[8:16]}); s != rdmaio.Success {
		t.Fatalf("status %d", s)
	}
	want2, want3 := make([]byte, regionSize), make([]byte, regionSize)
	copy(want2[100:], "to two")
	copy(want3[regionSize-8:], "to three")
	if !bytes.Equal(hosts[2].mem[0], want2) || !bytes.Equal(hosts[3].mem[0], want3) {
		t.Error("placed elsewhere")
	}
	if !bytes.Equal(hosts[2].mem[1], make([]byte, regionSize)) || !bytes.Equal(hosts[1].mem[0], make([]byte, regionSize)) {
		t.Error("other memory was touched")
	}
}

func alignments(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	w, o := hosts[1], hosts[2]
	o.grant(1, 0, both)
	for i := range w.local {
		w.local[i] = byte(i*7 + i>>8)
	}
	const window = 512
	for _, length := range []int{1, 2, 7, 8, 9, 15, 16, 17, 24, 63, 64, 65, 100, 256, 300} {
		for remote := range uint64(9) {
			for _, local := range []int{0, 1, 4, 8} {
				clear(o.mem[0][:window])
				src := w.local[local : local+length]
				if s := w.do(2, 0, rdmaio.WorkRequest{Opcode: rdmaio.Write, RemoteOffset: 64 + remote, Local: src}); s != rdmaio.Success {
					t.Fatalf("write: status %d", s)
				}
				want := make([]byte, window)
				copy(want[64+remote:], src)
				if !bytes.Equal(o.mem[0][:window], want) {
					t.Fatalf("%d bytes from %d to %d misplaced", length, local, remote)
				}
				back := w.local[32<<10+local:][:length+8]
				clear(back)
				if s := w.do(2, 0, rdmaio.WorkRequest{Opcode: rdmaio.Read, RemoteOffset: 64 + remote, Local: back[:length]}); s != rdmaio.Success {
					t.Fatalf("read: status %d", s)
				}
				if !bytes.Equal(back[:length], src) || !bytes.Equal(back[length:], make([]byte, 8)) {
					t.Fatalf("%d bytes from %d read back wrong to %d", length, remote, local)
				}
			}
		}
	}
}

func read(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	hosts[2].grant(1, 1, rdmaio.RemoteRead)
	copy(hosts[2].mem[1][4000:], "the owner's words")
	dst := hosts[1].mem[0][8:25] // a region of our own may be the destination
	if s := hosts[1].do(2, 1, rdmaio.WorkRequest{ID: 3, Opcode: rdmaio.Read, RemoteOffset: 4000, Local: dst}); s != rdmaio.Success {
		t.Fatalf("status %d", s)
	}
	if string(dst) != "the owner's words" {
		t.Errorf("read %q", dst)
	}
}

func readAfterWrite(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	hosts[2].grant(1, 0, both)
	w := hosts[1]
	for i := range uint64(30) {
		dst := w.local[4096+64*i:][:40]
		src := w.local[64*i:][:40]
		for j := range src {
			src[j] = byte(i + 1)
		}
		w.post(2, 0, rdmaio.WorkRequest{ID: 2 * i, Opcode: rdmaio.Write, RemoteOffset: 8, Local: src})
		w.post(2, 0, rdmaio.WorkRequest{ID: 2*i + 1, Opcode: rdmaio.Read, RemoteOffset: 8, Local: dst})
	}
	for i := range uint64(30) {
		for range 2 {
			if c := w.next(); c.Status != rdmaio.Success {
				t.Fatalf("request %d: status %d", c.ID, c.Status)
			}
		}
		if got := w.local[4096+64*i:][:40]; !bytes.Equal(got, w.local[64*i:][:40]) {
			t.Fatalf("read %d found %d, wrote %d", i, got, i+1)
		}
	}
}

func inline(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	hosts[2].grant(1, 0, rdmaio.RemoteWrite)
	foreign := bytes.Repeat([]byte{'a'}, rdmaio.MaxInline)
	hosts[1].post(2, 0, rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: foreign})
	clear(foreign)
	if c := hosts[1].next(); c.Status != rdmaio.Success {
		t.Fatalf("status %d", c.Status)
	}
	if want := bytes.Repeat([]byte{'a'}, rdmaio.MaxInline); !bytes.Equal(hosts[2].mem[0][:rdmaio.MaxInline], want) {
		t.Errorf("placed %q", hosts[2].mem[0][:rdmaio.MaxInline])
	}
}

func badRequests(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	hosts[2].grant(1, 0, both)
	qp, local := hosts[1].pairs[2][0], hosts[1].local
	for name, wr := range map[string]rdmaio.WorkRequest{
		"nothing to write":            {Opcode: rdmaio.Write},
		"no opcode":                   {Local: local[:8]},
		"unknown opcode":              {Opcode: 9, Local: local[:8]},
		"unknown flag":                {Opcode: rdmaio.Write, Flags: 0x80, Local: local[:8]},
		"long and not ours":           {Opcode: rdmaio.Write, Local: make([]byte, rdmaio.MaxInline+1)},
		"read into what is not ours":  {Opcode: rdmaio.Read, Local: make([]byte, 8)},
		"read into nothing":           {Opcode: rdmaio.Read},
		"memory of another provider":  {Opcode: rdmaio.Write, Local: hosts[2].local[:rdmaio.MaxInline+1]},
		"read into another's memory ": {Opcode: rdmaio.Read, Local: hosts[2].local[:8]},
	} {
		if err := qp.PostSend(&wr); !errors.Is(err, rdmaio.ErrBadRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if qp.State() != rdmaio.StateReady {
		t.Errorf("state %d after bad requests", qp.State())
	}
	if s := hosts[1].write(2, 0, 0, "still good"); s != rdmaio.Success {
		t.Errorf("status %d after bad requests", s)
	}
}

func completionOrder(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 3)
	hosts[2].grant(1, 0, rdmaio.RemoteWrite)
	hosts[3].grant(1, 0, rdmaio.RemoteWrite)
	const each = 60
	for i := range uint64(each) {
		for _, peer := range []rdmaio.NodeID{2, 3} {
			hosts[1].post(peer, 0, rdmaio.WorkRequest{ID: i, Opcode: rdmaio.Write, RemoteOffset: i, Local: hosts[1].local[:1+i]})
		}
	}
	var nextID [4]uint64
	for range 2 * each {
		c := hosts[1].next()
		if c.Status != rdmaio.Success || c.ID != nextID[c.Peer] {
			t.Fatalf("completion %+v, want number %d", c, nextID[c.Peer])
		}
		nextID[c.Peer]++
	}
}

func unsignaled(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	hosts[2].grant(1, 0, rdmaio.RemoteWrite)
	for i := range uint64(10) {
		hosts[1].post(2, 0, rdmaio.WorkRequest{ID: i, Opcode: rdmaio.Write, Flags: rdmaio.Unsignaled, RemoteOffset: i, Local: []byte{byte(i) + 1}})
	}
	if s := hosts[1].do(2, 0, rdmaio.WorkRequest{ID: 99, Opcode: rdmaio.Write, RemoteOffset: 10, Local: []byte{11}}); s != rdmaio.Success {
		t.Fatalf("status %d", s)
	}
	if want := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}; !bytes.Equal(hosts[2].mem[0][:11], want) {
		t.Errorf("placed % d", hosts[2].mem[0][:11])
	}
	hosts[2].grant(1, 0, 0)
	hosts[1].post(2, 0, rdmaio.WorkRequest{ID: 7, Opcode: rdmaio.Write, Flags: rdmaio.Unsignaled, Local: []byte{1}})
	if c := hosts[1].next(); c.ID != 7 || c.Status != rdmaio.RemoteAccessError {
		t.Errorf("a failed unsignaled request completed as %+v", c)
	}
}

func fullQueues(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	hosts[2].grant(1, 0, rdmaio.RemoteWrite)
	qp := hosts[1].pairs[2][0]
	wr := rdmaio.WorkRequest{Opcode: rdmaio.Write, Flags: rdmaio.Unsignaled, Local: []byte{1}}
	posted := 0
	var err error
	for ; posted < 100_000 && err == nil; posted++ {
		err = qp.PostSend(&wr)
	}
	if !errors.Is(err, rdmaio.ErrQueueFull) {
		t.Fatalf("%d unsignaled requests and then: %v", posted, err)
	}
	f.settle(hosts[1], hosts[2])
	if qp.State() != rdmaio.StateReady || qp.PostSend(&wr) == nil {
		t.Fatalf("state %d: unsignaled requests retired by themselves", qp.State())
	}
	check(t, qp.Reset())
	waitReady(t, f, hosts[1], hosts[2])
	var c [64]rdmaio.Completion
	for k := hosts[1].cq.Poll(c[:]); k > 0; k = hosts[1].cq.Poll(c[:]) {
		for _, done := range c[:k] {
			if done.Status != rdmaio.Flushed {
				t.Fatalf("completed by Reset as %+v", done)
			}
		}
	}
	if s := hosts[1].write(2, 0, 0, "room again"); s != rdmaio.Success {
		t.Errorf("status %d", s)
	}
}

func fullCompletionQueue(t *testing.T, f *Fabric) {
	a := startHost(t, f, 1, 1)
	cq, err := a.CreateCQ(4)
	check(t, err)
	a.cq = cq
	a.pairs[2][0], err = a.Connect(2, 0, cq)
	check(t, err)
	b := startHost(t, f, 2, 1, 1)
	f.until(t, "the pair is ready", []*host{a, b}, func() bool {
		return a.pairs[2][0].State() == rdmaio.StateReady && b.pairs[1][0].State() == rdmaio.StateReady
	})
	b.grant(1, 0, rdmaio.RemoteWrite)
	wr := rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte{1}}
	for i := range 4 {
		if err := a.pairs[2][0].PostSend(&wr); err != nil {
			t.Fatalf("request %d of 4: %v", i+1, err)
		}
	}
	f.settle(a, b)
	if err := a.pairs[2][0].PostSend(&wr); !errors.Is(err, rdmaio.ErrQueueFull) {
		t.Fatalf("the fifth request into a completion queue of four: %v", err)
	}
	a.next()
	if err := a.pairs[2][0].PostSend(&wr); err != nil {
		t.Fatalf("with room again: %v", err)
	}
}

func notReady(t *testing.T, f *Fabric) {
	a := startHost(t, f, 1, 1, 2)
	f.settle(a)
	qp := a.pairs[2][0]
	if qp.State() != rdmaio.StateInit || qp.RemoteSize() != 0 || qp.PeerIncarnation() != 0 {
		t.Errorf("state %d, remote size %d, incarnation %d without a peer", qp.State(), qp.RemoteSize(), qp.PeerIncarnation())
	}
	if err := qp.PostSend(&rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte{1}}); !errors.Is(err, rdmaio.ErrNotReady) {
		t.Errorf("post without a peer: %v", err)
	}
	if err := qp.ModifyAccess(rdmaio.RemoteWrite); !errors.Is(err, rdmaio.ErrNotReady) {
		t.Errorf("grant to nobody: %v", err)
	}
	b := startHost(t, f, 2, 5, 1)
	waitReady(t, f, a, b)
	if qp.PeerIncarnation() != 5 || len(a.events) != 1 || a.events[0] != (rdmaio.AsyncEvent{Kind: rdmaio.PeerUp, Peer: 2, Incarnation: 5}) {
		t.Errorf("incarnation %d, told %v", qp.PeerIncarnation(), a.events)
	}
}

func setup(t *testing.T, f *Fabric) {
	h := startHost(t, f, 1, 1, 2)
	if _, err := h.Register(0, 100); err == nil {
		t.Error("a second region in one domain")
	}
	if _, err := h.Register(rdmaio.MaxPDs, 100); err == nil {
		t.Error("a domain out of range")
	}
	if _, err := h.Register(2, 0); err == nil {
		t.Error("an empty region")
	}
	if _, err := h.AllocLocal(0); err == nil {
		t.Error("empty local memory")
	}
	if _, err := h.CreateCQ(0); err == nil {
		t.Error("a completion queue without room")
	}
	for name, peer := range map[string]rdmaio.NodeID{"itself": 1, "nobody": 0, "out of range": rdmaio.MaxNodes + 1, "a peer twice": 2} {
		if _, err := h.Connect(peer, 0, h.cq); err == nil {
			t.Errorf("connected to %s", name)
		}
	}
	if _, err := h.Connect(3, 3, h.cq); err == nil {
		t.Error("connected in a domain without region")
	}
	if _, err := h.Connect(3, 0, nil); err == nil {
		t.Error("connected without completion queue")
	}
}

// order writes two words far apart by two requests, again and again: who reads the later one first and the earlier one then
// must never find the earlier one behind.
func order(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	w, o := hosts[1], hosts[2]
	o.grant(1, 0, rdmaio.RemoteWrite)
	const far = 8192
	total := uint64(f.rounds(20_000))
	var b [8]byte
	var seen, behind atomic.Uint64
	look := func() {
		later := word(o.mem[0], far)
		if earlier := word(o.mem[0], 0); earlier < later {
			behind.Add(1)
		}
		seen.Store(later)
	}
	step := func(i uint64) {
		putWord(b[:], i)
		for w.pairs[2][0].PostSend(&rdmaio.WorkRequest{ID: i, Opcode: rdmaio.Write, Flags: rdmaio.Unsignaled, Local: b[:]}) != nil {
			w.drain()
		}
		for w.pairs[2][0].PostSend(&rdmaio.WorkRequest{ID: i, Opcode: rdmaio.Write, RemoteOffset: far, Local: b[:]}) != nil {
			w.drain()
		}
		w.drain()
	}
	f.alongside(look, func() {
		for i := uint64(1); i <= total; i++ {
			step(i)
		}
	})
	f.until(t, "the last write is seen", hosts[1:], func() bool { w.drain(); look(); return seen.Load() == total })
	if behind.Load() > 0 {
		t.Errorf("%d times a later write was seen before an earlier one", behind.Load())
	}
}

// drain throws away what has completed, which must be a success, and lets a fabric without goroutines go on.
func (h *host) drain() {
	var c [32]rdmaio.Completion
	for k := h.cq.Poll(c[:]); k > 0; k = h.cq.Poll(c[:]) {
		for _, done := range c[:k] {
			if done.Status != rdmaio.Success {
				h.t.Errorf("completion %+v", done)
			}
		}
	}
	if !h.f.Concurrent {
		h.f.advance()
	}
}

// alongside runs watch over and over while act runs: in a goroutine of its own, or else after every Advance.
func (f *Fabric) alongside(watch, act func()) {
	if !f.Concurrent {
		f.watch = watch
		act()
		f.watch = nil
		return
	}
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			watch()
		}
	}()
	act()
	stop.Store(true)
	<-done
}

// words writes runs of equal bytes over areas of several sizes, from and to any alignment: an aligned word that every write
// covers in full shows one write, never a mixture.
func words(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	w, o := hosts[1], hosts[2]
	o.grant(1, 0, rdmaio.RemoteWrite)
	areas := []struct{ first, last int }{{64, 72}, {128, 152}, {256, 320}, {512, 768}, {1024, 3072}}
	const slack = 16 // bytes around each area that a write may cover, too
	rounds := 10_000
	if f.Concurrent {
		rounds = f.rounds(200_000)
	}
	var mixed atomic.Uint64
	look := func() {
		for _, area := range areas {
			looks := 1
			if f.Concurrent { // the smaller, the harder to catch
				looks = max(1, 1024/(area.last-area.first))
			}
			for range looks {
				for at := area.first; at < area.last; at += 8 {
					if v := word(o.mem[0], at); v != v>>8|v<<56 {
						mixed.Store(v)
					}
				}
			}
		}
	}
	f.alongside(look, func() {
		for i := range rounds {
			area := areas[i%len(areas)]
			before, after := i/3%slack, i/7%slack
			src := w.local[i%8:][:area.last-area.first+before+after]
			for j := range src {
				src[j] = byte(i / 5)
			}
			if s := w.do(2, 0, rdmaio.WorkRequest{Opcode: rdmaio.Write, RemoteOffset: uint64(area.first - before), Local: src}); s != rdmaio.Success {
				t.Fatalf("status %d", s)
			}
		}
	})
	if v := mixed.Load(); v != 0 {
		t.Errorf("a word shows two writes: %016x", v)
	}
}
