package rdmaiotest

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"exchange/rdmaio"
)

func (h *host) told(e rdmaio.AsyncEvent) bool { return slices.Contains(h.events, e) }

func death(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 3)
	hosts[1].grant(2, 0, both)
	f.Kill(hosts[2])
	down := rdmaio.AsyncEvent{Kind: rdmaio.PeerDown, Peer: 2, Incarnation: 1}
	left := []*host{hosts[1], hosts[3]}
	f.until(t, "the death is told", left, func() bool { return hosts[1].told(down) && hosts[3].told(down) })
	for _, h := range left {
		for pd := range rdmaio.PD(2) {
			qp := h.pairs[2][pd]
			if err := qp.PostSend(&rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte{1}}); qp.State() != rdmaio.StateError || !errors.Is(err, rdmaio.ErrNotReady) {
				t.Errorf("process %d: state %d, post to the dead: %v", h.Local(), qp.State(), err)
			}
			if err := qp.ModifyAccess(both); !errors.Is(err, rdmaio.ErrNotReady) {
				t.Errorf("process %d: grant to the dead: %v", h.Local(), err)
			}
			if qp.Access() != 0 {
				t.Errorf("process %d: the dead has access %d", h.Local(), qp.Access())
			}
		}
	}
	f.settle(left...)
	for _, h := range left {
		other := 4 - h.Local()
		want := []rdmaio.AsyncEvent{{Kind: rdmaio.PeerUp, Peer: 2, Incarnation: 1}, down}
		if got := slices.DeleteFunc(slices.Clone(h.events), func(e rdmaio.AsyncEvent) bool { return e.Peer != 2 }); !slices.Equal(got, want) {
			t.Errorf("process %d was told %v of the dead", h.Local(), got)
		}
		if h.pairs[other][0].State() != rdmaio.StateReady {
			t.Errorf("the pair %d to %d, both alive, is in state %d", h.Local(), other, h.pairs[other][0].State())
		}
	}
	hosts[1].grant(3, 0, rdmaio.RemoteWrite)
	if s := hosts[3].write(1, 0, 0, "we live"); s != rdmaio.Success {
		t.Errorf("between the living: status %d", s)
	}
}

func deathIsNotDenial(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	hosts[2].grant(1, 0, rdmaio.RemoteWrite)
	h, qp := hosts[1], hosts[1].pairs[2][0]
	f.Kill(hosts[2])
	posted := 0
	for qp.PostSend(&rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte{1}}) == nil && posted < 100 {
		posted++
	}
	broken := false
	for range posted {
		switch c := h.next(); {
		case c.Status == rdmaio.RemoteAccessError:
			t.Fatal("death looks like denial")
		case broken && c.Status != rdmaio.Flushed, !broken && c.Status == rdmaio.Flushed:
			t.Fatalf("completion %+v, broken before: %v", c, broken)
		case c.Status == rdmaio.RetryExceeded:
			broken = true
		}
	}
	f.until(t, "the pair is in StateError", hosts[1:2], func() bool { return qp.State() == rdmaio.StateError })
}

func newIncarnation(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	old, h := hosts[2], hosts[1]
	h.grant(2, 0, both)
	old.grant(1, 0, both)
	if s := h.write(2, 0, 0, "remember"); s != rdmaio.Success {
		t.Fatalf("status %d", s)
	}
	f.Kill(old)
	again := startHost(t, f, 2, 2, 1)
	up := rdmaio.AsyncEvent{Kind: rdmaio.PeerUp, Peer: 2, Incarnation: 2}
	f.until(t, "the new incarnation is told", hosts[1:2], func() bool { return h.told(up) })
	want := []rdmaio.AsyncEvent{{Kind: rdmaio.PeerUp, Peer: 2, Incarnation: 1}, {Kind: rdmaio.PeerDown, Peer: 2, Incarnation: 1}, up}
	if !slices.Equal(h.events, want) {
		t.Fatalf("told %v", h.events)
	}
	f.settle(h, again)
	if h.pairs[2][0].State() != rdmaio.StateError || again.pairs[1][0].State() != rdmaio.StateInit {
		t.Fatalf("states %d and %d before the Reset", h.pairs[2][0].State(), again.pairs[1][0].State())
	}
	for pd := range rdmaio.PD(2) {
		check(t, h.pairs[2][pd].Reset())
	}
	waitReady(t, f, h, again)
	if h.pairs[2][0].PeerIncarnation() != 2 || h.pairs[2][0].Access() != 0 {
		t.Errorf("incarnation %d with access %d", h.pairs[2][0].PeerIncarnation(), h.pairs[2][0].Access())
	}
	if !bytes.Equal(again.mem[0], make([]byte, regionSize)) {
		t.Error("the memory of the dead came back")
	}
	if s := again.write(1, 0, 0, "heir"); s != rdmaio.RemoteAccessError {
		t.Errorf("the new incarnation inherited the right: status %d", s)
	}
	if s := h.write(2, 0, 0, "heir"); s != rdmaio.RemoteAccessError {
		t.Errorf("the new incarnation had granted: status %d", s)
	}
	again.grant(1, 1, both)
	if s := h.write(2, 1, 0, "welcome"); s != rdmaio.Success || string(again.mem[1][:7]) != "welcome" {
		t.Errorf("status %d, memory %q", s, again.mem[1][:7])
	}
}

// deadRights moves the right away from a process that just died, as a change of leader does.
func deadRights(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 3)
	hosts[3].grant(1, 0, rdmaio.RemoteWrite)
	for range 10 {
		hosts[1].post(3, 0, rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: hosts[1].local[:64]})
	}
	f.Kill(hosts[1])
	hosts[3].grant(1, 0, 0)
	then := bytes.Clone(hosts[3].mem[0])
	hosts[3].grant(2, 0, rdmaio.RemoteWrite)
	f.settle(hosts[2:]...)
	if !bytes.Equal(then, hosts[3].mem[0]) {
		t.Error("the dead wrote after its right was taken")
	}
	if s := hosts[2].write(3, 0, 0, "successor"); s != rdmaio.Success {
		t.Errorf("the successor's write: status %d", s)
	}
}

func closed(t *testing.T, f *Fabric) {
	hosts := startHosts(t, f, 2)
	check(t, hosts[1].Close())
	check(t, hosts[1].Close())
	qp := hosts[1].pairs[2][0]
	if err := qp.PostSend(&rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: []byte{1}}); !errors.Is(err, rdmaio.ErrClosed) {
		t.Errorf("post: %v", err)
	}
	if err := qp.Reset(); !errors.Is(err, rdmaio.ErrClosed) {
		t.Errorf("reset: %v", err)
	}
	if _, err := hosts[1].Register(2, 100); !errors.Is(err, rdmaio.ErrClosed) {
		t.Errorf("register: %v", err)
	}
	if _, err := hosts[1].CreateCQ(2); !errors.Is(err, rdmaio.ErrClosed) {
		t.Errorf("completion queue: %v", err)
	}
	down := rdmaio.AsyncEvent{Kind: rdmaio.PeerDown, Peer: 1, Incarnation: 1}
	f.until(t, "the other is told", hosts[2:3], func() bool { return hosts[2].told(down) })
}
