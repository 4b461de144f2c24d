package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"exchange/cmd/exchange/server/thread"
	"exchange/consensus"
)

// ReplicateOptions says what to measure of replication.
type ReplicateOptions struct {
	Provider string
	Sizes    []int // of a proposal, bytes
	InFlight []int // proposals under way at a time
	Ops      int   // samples of each
	// WithPeers: Go's raft libraries beside it, built with the Go toolchain.
	WithPeers bool
	Binary    string
	Progress  func(done int)
}

const (
	replicateRound = 2_000
	// replicateStretch is how many operations lie between two looks at the clock where its cost must not count.
	replicateStretch = 50
	// pollEvery is how many proposals the leader makes between two Polls: what a loop does that always has something to propose.
	pollEvery = 16
	// batchCommands of 64 bytes make one proposal where batches are measured, as a gateway's inbox does.
	batchCommands = 256
	batchBytes    = 64
)

// Replicate measures from a proposal to its being decided, with two followers in processes of their own that apply what is decided.
//
//  1. This process leads; the others look at their logs every 50 µs, and at the floor's memory, which is as long, entry by entry too.
//  2. Rounds of proposals take turns with rounds of the floor: two memory copies and a fence.
//  3. So do rounds of Go's raft libraries, if they are asked for.
//  4. Batches: so many commands in one proposal.
func Replicate(ctx context.Context, o ReplicateOptions) (*Report, error) {
	dir, err := os.MkdirTemp("", fmt.Sprintf("exchange-%d-bench-", os.Getuid()))
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b := &replicateBench{o: o, report: NewReport("replicate")}
	b.report.Provider, b.report.Durability, b.report.Replicas = o.Provider, "memory", replicateMembers
	defer b.stop()
	if o.WithPeers {
		b.report.Notes = append(b.report.Notes, replicateNote)
		if b.raft, err = startRaftPeers(ctx, dir); err != nil {
			return nil, err
		}
	}
	if err := b.start(ctx, dir); err != nil {
		return nil, err
	}
	done := 0
	for _, size := range o.Sizes {
		floors := newSamples()
		for i, flight := range o.InFlight {
			ours := newSamples()
			for n := 0; n < o.Ops; n += replicateRound {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				if err := b.round(size, flight, ours); err != nil {
					return nil, err
				}
				if i == 0 {
					if err := b.floorRound(size, floors); err != nil {
						return nil, err
					}
				}
				if n/replicateRound%raftEvery == 0 {
					if err := b.raftRound(size, flight); err != nil {
						return nil, err
					}
				}
			}
			f := ours.figure("propose_to_decided", map[string]any{"bytes": size, "in_flight": flight, "replicas": replicateMembers, "processes": replicateMembers})
			b.report.Figures = append(b.report.Figures, f)
			if b.raft != nil {
				if err := b.raft.replicated(b.report, size, flight, f); err != nil {
					return nil, err
				}
			}
			if i == 0 {
				g := floors.figure("floor_two_peers", map[string]any{"bytes": size})
				b.report.Floors = append(b.report.Floors, g)
				b.report.ratio(fmt.Sprintf("propose_over_floor_p50_%d", size), f.P50, g.P50)
				if size == o.Sizes[0] {
					b.report.ratio("propose_over_floor_p50", f.P50, g.P50)
				}
			}
			if done++; o.Progress != nil {
				o.Progress(done)
			}
		}
	}
	if err := b.batches(ctx); err != nil {
		return nil, err
	}
	return b.report, b.lags()
}

const replicateMembers = 3

type replicateBench struct {
	o       ReplicateOptions
	report  *Report
	setup   rdmaSetup
	self    *benchNode
	peers   [replicateMembers + 1]*rdmaPeer
	floor   floor
	raft    *raftPeers // nil: not asked for
	payload []byte
	now     int64 // that stands in it
	times   []int64
}

func (b *replicateBench) start(ctx context.Context, dir string) (err error) {
	if b.setup, err = newRDMASetup(b.o.Provider, dir, replicateMembers); err != nil {
		return err
	}
	if b.self, err = newBenchNode(&b.setup, 1, 1); err != nil {
		return err
	}
	for id := 2; id <= replicateMembers; id++ {
		if b.peers[id], err = startPeer(b.o.Binary, NodePeerCommand, &b.setup, id, "1", "follow"); err != nil {
			return err
		}
	}
	b.payload, b.times = make([]byte, batchCommands*batchBytes), make([]int64, 0, 1<<12)
	for end := time.Now().Add(startPatience); !b.self.whole(replicateMembers); thread.Nap(followerNap) {
		if b.self.turn(false); ctx.Err() != nil || time.Now().After(end) {
			return errors.Join(errors.New("this process did not come to lead"), ctx.Err())
		}
	}
	b.floor, err = b.newFloor(dir)
	return err
}

func (b *replicateBench) newFloor(dir string) (floor, error) {
	what := "floorlog"
	if b.o.Provider != "shm" {
		what = "floor"
	}
	var at [2]string
	for i, id := range []int{2, 3} {
		path := filepath.Join(dir, fmt.Sprintf("floor-%d", id))
		answer, err := b.peers[id].ask(what + " " + path)
		if err != nil {
			return nil, err
		}
		if at[i] = answer; what == "floorlog" {
			at[i] = path
		}
	}
	if what == "floorlog" {
		return newLogFloor(at)
	}
	return newEchoFloor(at)
}

func (b *replicateBench) stop() {
	b.raft.end()
	for _, p := range b.peers {
		if p != nil {
			p.end()
		}
	}
	if b.self != nil {
		b.self.provider.Close()
	}
}

// propose proposes size bytes, waiting while the log is full. now goes with it where followers are to tell how far they lag, 0 otherwise.
func (b *replicateBench) propose(size int, now int64) error {
	if now != b.now { // a payload that stands there already costs the copy less than one that was just written
		b.now = now
		binary.NativeEndian.PutUint64(b.payload, uint64(now))
	}
	for {
		switch _, err := b.self.node.Propose(b.payload[:size]); err {
		case nil:
			return nil
		case consensus.ErrBusy:
			b.self.node.Poll(monotonic())
		default:
			return err
		}
	}
}

// decided waits for so many proposals to be decided.
func (b *replicateBench) decided(count int, each func()) error {
	for count > 0 {
		if _, ok := b.self.node.Next(); ok {
			count--
			each()
			continue
		}
		if !b.self.node.Leading() {
			return consensus.ErrNotLeader
		}
		b.self.node.Poll(monotonic())
	}
	return nil
}

// round is so many proposals in groups of flight, each sample with a look at the clock at both ends, and stretches without.
func (b *replicateBench) round(size, flight int, to *samples) error {
	start := time.Now()
	for done := 0; done < replicateRound; done += flight {
		if done%pollEvery < flight {
			b.self.node.Poll(monotonic())
		}
		b.times = b.times[:0]
		for range flight {
			b.times = append(b.times, int64(time.Since(start)))
			if err := b.propose(size, 0); err != nil {
				return err
			}
		}
		i := 0
		if err := b.decided(flight, func() { to.record(int64(time.Since(start)) - b.times[i]); i++ }); err != nil {
			return err
		}
	}
	for range replicateRound / replicateStretch {
		from := time.Since(start)
		for done := 0; done < replicateStretch; done += flight {
			for range flight {
				if err := b.propose(size, 0); err != nil {
					return err
				}
			}
			if err := b.decided(flight, func() {}); err != nil {
				return err
			}
		}
		to.stretch(int64((replicateStretch+flight-1)/flight*flight), time.Since(start)-from)
		b.self.node.Poll(monotonic())
	}
	return nil
}

func (b *replicateBench) floorRound(size int, to *samples) error {
	if f, ok := b.floor.(*logFloor); ok {
		f.settle()
	}
	start := time.Now()
	for range replicateRound {
		from := time.Since(start)
		if err := b.floor.both(size); err != nil {
			return err
		}
		to.record(int64(time.Since(start) - from))
	}
	return nil
}

// raftRound has the raft libraries do their share, and shows our followers meanwhile that their leader lives.
func (b *replicateBench) raftRound(size, flight int) error {
	if b.raft == nil {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- b.raft.round(size, flight, replicateRound*raftEvery/raftShare) }()
	for {
		select {
		case err := <-done:
			return err
		default:
			b.self.turn(false)
			thread.Nap(time.Millisecond)
		}
	}
}

// batches measures commands that go together.
func (b *replicateBench) batches(ctx context.Context) error {
	s := newSamples()
	start := time.Now()
	for n := 0; n < b.o.Ops/16; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		from := time.Since(start)
		if err := b.propose(batchCommands*batchBytes, 0); err != nil {
			return err
		}
		if err := b.decided(1, func() {}); err != nil {
			return err
		}
		took := time.Since(start) - from
		s.record(int64(took))
		s.stretch(batchCommands, took)
		b.self.node.Poll(monotonic())
	}
	b.report.Figures = append(b.report.Figures, s.figure("propose_to_decided", map[string]any{"bytes": batchBytes, "commands_in_a_proposal": batchCommands, "replicas": replicateMembers, "processes": replicateMembers}))
	return nil
}

// lags measures how far behind the leader followers apply: from a proposal to its being applied there, one every 100 µs.
func (b *replicateBench) lags() error {
	for id := 2; id <= replicateMembers; id++ {
		if _, err := b.peers[id].ask("lag"); err != nil { // forgets what was before
			return err
		}
	}
	for range lagProposals {
		if err := b.propose(batchBytes, monotonic()); err != nil {
			return err
		}
		for end := monotonic() + int64(lagEvery); monotonic() < end; {
			b.self.turn(false)
			thread.Nap(lagEvery / 10)
		}
	}
	for id := 2; id <= replicateMembers; id++ {
		answer, err := b.peers[id].ask("lag")
		if err != nil {
			return err
		}
		f := Figure{Name: "follower_lag", Params: map[string]any{"follower": id}}
		if _, err := fmt.Sscan(answer, &f.P50, &f.P99, &f.P999, &f.Max, &f.Samples); err != nil {
			return fmt.Errorf("process %d answered %q", id, answer)
		}
		b.report.Figures = append(b.report.Figures, f)
	}
	return nil
}

const (
	lagProposals = 5_000
	lagEvery     = 100 * time.Microsecond
)
