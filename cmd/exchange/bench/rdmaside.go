package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"exchange/rdmaio"
)

// rdmaSide is one process of the benchmark: a provider with two regions, and for each a pair to each other process.
type rdmaSide struct {
	provider rdmaio.Provider
	mem      [2][]byte
	local    []byte
	cq       rdmaio.CompletionQueue
	pairs    [2][5]rdmaio.QueuePair
	offset   uint64
	wr       rdmaio.WorkRequest // kept, so that an operation allocates nothing
	done     [2]rdmaio.Completion
}

func newRDMASide(s *rdmaSetup, id int) (*rdmaSide, error) {
	p, err := s.open(id)
	if err != nil {
		return nil, err
	}
	r := &rdmaSide{provider: p}
	for i, size := range rdmaRegions {
		region, err := p.Register(rdmaio.PD(i), size)
		if err != nil {
			return nil, err
		}
		r.mem[i] = region.Bytes()
	}
	if r.local, err = p.AllocLocal(1 << 16); err != nil {
		return nil, err
	}
	if r.cq, err = p.CreateCQ(1024); err != nil {
		return nil, err
	}
	for _, m := range s.config.Members {
		for i := range rdmaRegions {
			if m.ID == id {
				continue
			}
			if r.pairs[i][m.ID], err = p.Connect(rdmaio.NodeID(m.ID), rdmaio.PD(i), r.cq); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func (r *rdmaSide) poll() {
	var e [8]rdmaio.AsyncEvent
	r.provider.PollAsync(e[:])
}

// startPatience bounds the wait for what must come about.
const startPatience = 20 * time.Second

func (r *rdmaSide) waitReady(ctx context.Context, peers ...int) error {
	for end := time.Now().Add(startPatience); ; time.Sleep(time.Millisecond) {
		r.poll()
		ready := true
		for _, id := range peers {
			for i := range rdmaRegions {
				ready = ready && r.pairs[i][id].State() == rdmaio.StateReady
			}
		}
		if ready {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("the pairs are not ready after %v", startPatience)
		}
	}
}

// writeBoth is the operation measured: a write to processes 2 and 3 until both are complete.
func (r *rdmaSide) writeBoth(size int) error {
	wr := &r.wr
	wr.Opcode, wr.RemoteOffset, wr.Local = rdmaio.Write, r.offset, r.local[:size]
	if r.offset += uint64(size); r.offset > rdmaRegion-2048 {
		r.offset = 0
	}
	if err := r.pairs[0][2].PostSend(wr); err != nil {
		return err
	}
	if err := r.pairs[0][3].PostSend(wr); err != nil {
		return err
	}
	for n := 0; n < 2; {
		n += r.cq.Poll(r.done[n:])
	}
	if r.done[0].Status != rdmaio.Success || r.done[1].Status != rdmaio.Success {
		return errors.New("a write failed")
	}
	return nil
}

// word is the first of a region, which a loop that looks at it reads.
func (r *rdmaSide) word(region int) uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&r.mem[region][0])))
}
