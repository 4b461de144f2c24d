package rdmaiotest

import (
	"bytes"
	"errors"
	"sync/atomic"
	"testing"

	"exchange/rdmaio"
)

func noRightAtFirst(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	for pd, op := range []rdmaio.Opcode{rdmaio.Write, rdmaio.Read} {
		if s := hosts[1].do(2, rdmaio.PD(pd), rdmaio.WorkRequest{Opcode: op, Local: hosts[1].local[:8]}); s != rdmaio.RemoteAccessError {
			t.Errorf("opcode %d without right: status %d", op, s)
		}
	}
}

func rightsPerPair(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 3)
	hosts[2].grant(1, 0, both)
	if hosts[2].pairs[1][0].Access() != both || hosts[2].pairs[3][0].Access() != 0 {
		t.Errorf("access %d for 1 and %d for 3", hosts[2].pairs[1][0].Access(), hosts[2].pairs[3][0].Access())
	}
	if s := hosts[3].write(2, 0, 8, "intruder"); s != rdmaio.RemoteAccessError {
		t.Errorf("3 wrote with the right of 1: status %d", s)
	}
	if s := hosts[1].write(2, 0, 0, "leader"); s != rdmaio.Success {
		t.Errorf("1 could not use its right: status %d", s)
	}
	if want := append([]byte("leader"), make([]byte, 10)...); !bytes.Equal(hosts[2].mem[0][:16], want) {
		t.Errorf("memory %q", hosts[2].mem[0][:16])
	}
}

func separateRights(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	hosts[2].grant(1, 0, rdmaio.RemoteRead)
	hosts[2].grant(1, 1, rdmaio.RemoteWrite)
	h := hosts[1]
	if s := h.do(2, 0, rdmaio.WorkRequest{Opcode: rdmaio.Read, Local: h.local[:8]}); s != rdmaio.Success {
		t.Errorf("read with RemoteRead: status %d", s)
	}
	if s := h.do(2, 0, rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte("x")}); s != rdmaio.RemoteAccessError {
		t.Errorf("write with RemoteRead only: status %d", s)
	}
	if s := h.do(2, 1, rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte("x")}); s != rdmaio.Success {
		t.Errorf("write with RemoteWrite: status %d", s)
	}
	copy(hosts[2].mem[1], "secret")
	if s := h.do(2, 1, rdmaio.WorkRequest{Opcode: rdmaio.Read, Local: h.local[:8]}); s != rdmaio.RemoteAccessError || h.local[0] == 's' {
		t.Errorf("read with RemoteWrite only: status %d, brought %q", s, h.local[:8])
	}
	if hosts[2].mem[0][0] != 0 {
		t.Error("a refused write was placed")
	}
}

func bounds(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	h := hosts[1]
	for _, op := range []rdmaio.Opcode{rdmaio.Write, rdmaio.Read} {
		for _, offset := range []uint64{regionSize - 7, regionSize, regionSize + 1<<20, 1<<64 - 4, 1 << 63} {
			hosts[2].grant(1, 0, both)
			copy(h.local, "overhang")
			if s := h.do(2, 0, rdmaio.WorkRequest{Opcode: op, RemoteOffset: offset, Local: h.local[:8]}); s != rdmaio.RemoteAccessError {
				t.Errorf("opcode %d at %d: status %d", op, offset, s)
			}
			if h.pairs[2][0].State() != rdmaio.StateError {
				t.Errorf("opcode %d at %d: state %d", op, offset, h.pairs[2][0].State())
			}
			check(t, h.pairs[2][0].Reset())
			waitReady(t, f, hosts[1:]...)
		}
	}
	if !bytes.Equal(hosts[2].mem[0], make([]byte, regionSize)) || string(h.local[:8]) != "overhang" {
		t.Error("a request outside the region had an effect")
	}
}

func domains(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	hosts[2].grant(1, 0, both)
	if s := hosts[1].write(2, 0, 0, "control"); s != rdmaio.Success {
		t.Fatalf("status %d", s)
	}
	if s := hosts[1].write(2, 1, 0, "log"); s != rdmaio.RemoteAccessError {
		t.Errorf("the right in domain 0 opened domain 1: status %d", s)
	}
	if hosts[1].pairs[2][0].State() != rdmaio.StateReady || hosts[1].pairs[2][1].State() != rdmaio.StateError {
		t.Errorf("states %d and %d", hosts[1].pairs[2][0].State(), hosts[1].pairs[2][1].State())
	}
	if !bytes.Equal(hosts[2].mem[1][:8], make([]byte, 8)) {
		t.Errorf("domain 1 holds %q", hosts[2].mem[1][:8])
	}
}

func denial(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	h, qp := hosts[1], hosts[1].pairs[2][0]
	hosts[2].grant(1, 0, rdmaio.RemoteWrite)
	if s := h.write(2, 0, 0, "before"); s != rdmaio.Success {
		t.Fatalf("status %d", s)
	}
	hosts[2].grant(1, 0, 0)
	posted := 0
	for i := range uint64(4) {
		err := qp.PostSend(&rdmaio.WorkRequest{ID: i, Opcode: rdmaio.Write, Local: []byte("AFTER!")})
		if err == nil {
			posted++
		} else if !errors.Is(err, rdmaio.ErrNotReady) || i == 0 {
			t.Fatalf("post %d: %v", i, err)
		}
	}
	for i := range posted {
		want := rdmaio.Flushed
		if i == 0 {
			want = rdmaio.RemoteAccessError
		}
		if c := h.next(); c.ID != uint64(i) || c.Status != want {
			t.Fatalf("completion %+v, want number %d with status %d", c, i, want)
		}
	}
	if qp.State() != rdmaio.StateError {
		t.Fatalf("state %d", qp.State())
	}
	if err := qp.PostSend(&rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte{1}}); !errors.Is(err, rdmaio.ErrNotReady) {
		t.Fatalf("post in StateError: %v", err)
	}
	hosts[2].grant(1, 0, rdmaio.RemoteWrite)
	f.settle(hosts[1:]...)
	if qp.State() != rdmaio.StateError {
		t.Fatal("the pair left StateError by itself")
	}
	if string(hosts[2].mem[0][:6]) != "before" {
		t.Fatalf("memory %q: a flushed write came back", hosts[2].mem[0][:6])
	}
	check(t, qp.Reset())
	waitReady(t, f, hosts[1:]...)
	if s := h.write(2, 0, 0, "again!"); s != rdmaio.Success || string(hosts[2].mem[0][:6]) != "again!" {
		t.Errorf("after Reset: status %d, memory %q", s, hosts[2].mem[0][:6])
	}
}

func rightsSurviveReset(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	hosts[2].grant(1, 0, rdmaio.RemoteWrite)
	check(t, hosts[1].pairs[2][0].Reset())
	waitReady(t, f, hosts[1:]...)
	if s := hosts[1].write(2, 0, 0, "x"); s != rdmaio.Success || hosts[2].pairs[1][0].Access() != rdmaio.RemoteWrite {
		t.Errorf("after the writer's Reset: status %d, access %d", s, hosts[2].pairs[1][0].Access())
	}
}

func revokeFromNobody(t *testing.T, f *Fabric) {
	h := startHost(t, f, 1, 1, 2)
	if err := h.pairs[2][0].ModifyAccess(0); err != nil {
		t.Errorf("revoking from a peer that never came: %v", err)
	}
	other := startHost(t, f, 2, 1, 1)
	waitReady(t, f, h, other)
	h.grant(2, 0, both)
	f.Kill(other)
	if err := h.pairs[2][0].ModifyAccess(0); err != nil {
		t.Errorf("revoking from a peer that just died: %v", err)
	}
	f.until(t, "the death is told", []*host{h}, func() bool { return h.pairs[2][0].State() == rdmaio.StateError })
	if err := h.pairs[2][0].ModifyAccess(0); err != nil {
		t.Errorf("revoking from the dead: %v", err)
	}
}

// revocation has many writes on their way when the right goes: what is in memory when ModifyAccess returns stays.
func revocation(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	w, o := hosts[1], hosts[2]
	refused := 0
	for round := range 200 {
		o.grant(1, 0, rdmaio.RemoteWrite)
		posted := 0
		for i := range 20 {
			src := w.local[i*64:][:64]
			for j := range src {
				src[j] = byte(round + 1)
			}
			if w.pairs[2][0].PostSend(&rdmaio.WorkRequest{ID: uint64(i), Opcode: rdmaio.Write, RemoteOffset: uint64(i) * 64, Local: src}) == nil {
				posted++
			}
		}
		moments := 40 // of the writes' way in virtual time; in real time they have arrived
		if f.Concurrent {
			moments = 3
		}
		for range round % moments {
			f.advance()
		}
		o.grant(1, 0, 0)
		then := bytes.Clone(o.mem[0][:20*64])
		for range posted {
			c := w.next()
			placed := bytes.Count(then[c.ID*64:][:64], []byte{byte(round + 1)})
			if c.Status == rdmaio.Success && placed != 64 {
				t.Fatalf("round %d: write %d succeeded with %d bytes placed before the revocation returned", round, c.ID, placed)
			}
			if c.Status == rdmaio.RemoteAccessError {
				refused++
			}
		}
		if !bytes.Equal(then, o.mem[0][:20*64]) {
			t.Fatalf("round %d: a write landed after the revocation", round)
		}
		if w.pairs[2][0].State() != rdmaio.StateError {
			w.post(2, 0, rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: w.local[:8]})
			if c := w.next(); c.Status != rdmaio.RemoteAccessError {
				t.Fatalf("round %d: a write after the revocation: status %d", round, c.Status)
			}
			refused++
		}
		check(t, w.pairs[2][0].Reset())
		waitReady(t, f, w, o)
	}
	if refused != 200 {
		t.Errorf("%d refusals in 200 rounds", refused)
	}
}

// racingWriter writes as fast as it can, from a goroutine of its own, while the owner revokes and grants.
func racingWriter(t *testing.T, f *Fabric) {
	if !f.Concurrent {
		return // there is no race in one goroutine: see revocation
	}
	rounds := f.rounds(1000)
	hosts := startHosts(t, f, 2)
	w, o := hosts[1], hosts[2]
	var stop atomic.Bool
	var failed atomic.Pointer[string]
	done := make(chan int)
	go func() { // the writer's owner loop
		refusals := 0
		qp := w.pairs[2][0]
		var b [8]byte
		var c [1]rdmaio.Completion
		for i := uint64(1); !stop.Load(); i++ {
			putWord(b[:], i)
			if err := qp.PostSend(&rdmaio.WorkRequest{ID: i, Opcode: rdmaio.Write, RemoteOffset: 8 * (i % 64), Local: b[:]}); err != nil {
				qp.State()
				continue
			}
			for w.cq.Poll(c[:]) == 0 {
			}
			switch c[0].Status {
			case rdmaio.Success:
			case rdmaio.RemoteAccessError:
				refusals++
				qp.Reset()
			default:
				what := "a racing write completed with another status than success or refusal"
				failed.Store(&what)
			}
		}
		done <- refusals
	}()
	late := 0
	var then [64]uint64
	for range rounds {
		o.grant(1, 0, rdmaio.RemoteWrite)
		last := word(o.mem[0], 0)
		f.until(t, "the writer has written", nil, func() bool { return word(o.mem[0], 0) != last })
		o.grant(1, 0, 0)
		for i := range then {
			then[i] = word(o.mem[0], 8*i)
		}
		for range 20 {
			for i := range then {
				if word(o.mem[0], 8*i) != then[i] {
					late++
				}
			}
			if f.Slowness > 1 { // otherwise the right is back before the writer has missed it
				f.advance()
			}
		}
	}
	stop.Store(true)
	refusals := <-done
	if late > 0 {
		t.Errorf("%d words written after the revocation had returned", late)
	}
	if what := failed.Load(); what != nil {
		t.Error(*what)
	}
	if refusals < rounds/2 {
		t.Errorf("%d refusals in %d revocations: the writer did not race", refusals, rounds)
	}
}
