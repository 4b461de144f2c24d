//go:build linux && (amd64 || arm64)

package shm

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"exchange/rdmaio"
)

// BenchmarkWriteTwoPeers is a proposal: 64 bytes to two peers until both have completed. Estimate: 64 bytes are a cache line each
// way, two stores of it and one barrier some 10 ns; the rest is bookkeeping, twice.
func BenchmarkWriteTwoPeers(b *testing.B) {
	dir := b.TempDir()
	var ps [4]*Provider
	var pairs [4]rdmaio.QueuePair
	var cq rdmaio.CompletionQueue
	for id := rdmaio.NodeID(1); id <= 3; id++ {
		p, err := Open(Config{Dir: dir, Local: id, Peers: []rdmaio.NodeID{1, 2, 3}, Incarnation: 1})
		if err != nil {
			b.Fatal(err)
		}
		defer p.Close()
		ps[id] = p
		if _, err := p.Register(0, 1<<20); err != nil {
			b.Fatal(err)
		}
		q, _ := p.CreateCQ(64)
		if id == 1 {
			cq = q
			pairs[2], _ = p.Connect(2, 0, q)
			pairs[3], _ = p.Connect(3, 0, q)
			continue
		}
		own, _ := p.Connect(1, 0, q)
		for own.State() != rdmaio.StateReady {
			pairs[2].State()
			pairs[3].State()
			time.Sleep(100 * time.Microsecond)
		}
		if err := own.ModifyAccess(rdmaio.RemoteWrite); err != nil {
			b.Fatal(err)
		}
	}
	for pairs[2].State() != rdmaio.StateReady || pairs[3].State() != rdmaio.StateReady {
		time.Sleep(100 * time.Microsecond)
	}
	local, _ := ps[1].AllocLocal(4096)
	wr := rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: local[:64]}
	var c [2]rdmaio.Completion
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		wr.RemoteOffset = uint64(i) * 64 % (1 << 20)
		if pairs[2].PostSend(&wr) != nil || pairs[3].PostSend(&wr) != nil {
			b.Fatal("post failed")
		}
		for done := 0; done < 2; {
			done += cq.Poll(c[done:])
		}
		if c[0].Status|c[1].Status != rdmaio.Success {
			b.Fatal("write failed")
		}
	}
}

// BenchmarkFloor is what the hardware asks for the same: two copies and an atomic store.
func BenchmarkFloor(b *testing.B) {
	var mems [2][]byte
	for i := range mems {
		fd, mem, err := newMemory("exchange-floor", 1<<20, 0)
		if err != nil {
			b.Fatal(err)
		}
		_ = fd
		clear(mem)
		mems[i] = mem
	}
	src := make([]byte, 64)
	var done uint64
	b.ResetTimer()
	for i := range b.N {
		at := i * 64 % (1 << 20)
		copy(mems[0][at:at+64], src)
		copy(mems[1][at:at+64], src)
		atomic.StoreUint64(&done, uint64(i))
	}
}

// BenchmarkRevokeAndGrant moves the right to a region of 64 KiB, all written once, with the writer at rest.
func BenchmarkRevokeAndGrant(b *testing.B) {
	writer, owner := twoEnds(b)
	for i := range testRegion / 64 {
		if err := writer.pair.PostSend(&rdmaio.WorkRequest{Opcode: rdmaio.Write, RemoteOffset: uint64(i) * 64, Local: make([]byte, 64)}); err != nil {
			b.Fatal(err)
		}
		var c [1]rdmaio.Completion
		writer.cq.Poll(c[:])
	}
	b.ResetTimer()
	for range b.N {
		if owner.pair.ModifyAccess(0) != nil || owner.pair.ModifyAccess(rdmaio.RemoteWrite) != nil {
			b.Fatal("no change of access")
		}
	}
}

// BenchmarkDenied is what a writer pays to be told no.
func BenchmarkDenied(b *testing.B) {
	a, _ := halfDenied(b)
	src := make([]byte, 64)
	for b.Loop() {
		if a.store(uint64(pageSize), src) != rdmaio.RemoteAccessError {
			b.Fatal("a store that is denied passed")
		}
	}
}

// BenchmarkDeathNotice kills processes: how long until the kernel has marked their word, and until PeerDown is told to an owner that polls.
func BenchmarkDeathNotice(b *testing.B) {
	var marked, told []time.Duration
	var events [4]rdmaio.AsyncEvent
	incarnation := uint64(0)
	for b.Loop() {
		incarnation++
		owner, err := newEnd(b.TempDir(), 1, incarnation, 2)
		if err != nil {
			b.Fatal(err)
		}
		member := startChild(b, "member", owner.cfg.Dir, 2, incarnation, 1)
		owner.untilReady(b)
		for owner.PollAsync(events[:]) == 0 {
		}
		page := owner.peers[2].link.life
		start := time.Now()
		if err := member.cmd.Process.Kill(); err != nil {
			b.Fatal(err)
		}
		for !page.over() {
		}
		marked = append(marked, time.Since(start))
		for owner.PollAsync(events[:]) == 0 {
		}
		told = append(told, time.Since(start))
		member.kill()
		owner.Close()
	}
	for name, times := range map[string][]time.Duration{"marked": marked, "told": told} {
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Microseconds()), name+"-p50-µs")
		b.ReportMetric(float64(times[len(times)*9/10].Microseconds()), name+"-p90-µs")
	}
}
