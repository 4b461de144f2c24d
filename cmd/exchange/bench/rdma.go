package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"exchange/cmd/exchange/server"
	"exchange/rdmaio"
)

// RDMAOptions says what to measure of one-sided memory.
type RDMAOptions struct {
	Provider string
	Ops      int    // samples of each size; 0: as many as take some seconds
	Moves    int    // changes of permission, each with a running and with a stopped writer
	Binary   string // the exchange program
	Progress func(done int)
}

// Sizes of the writes that are measured, bytes.
var rdmaSizes = []int{64, 256, 1024}

const (
	rdmaRegion = 4 << 20 // as long as a replica's log by default: what is written to
	rdmaRound  = 2_000   // operations before the other side has its turn
	// rdmaStretch is how many are done between two looks at the clock where its cost must not count; more, and a stretch would seldom go undisturbed.
	rdmaStretch = 50
	// Samples of each size where none are asked for.
	opsInMemory    = 200_000
	opsOverNetwork = 20_000
)

// rdmaRegions are the regions of each process, by protection domain, in bytes; the permission to write is moved for each.
var rdmaRegions = [2]int{rdmaRegion, 16 << 20}

// RDMA measures writes to two peers until both are complete, and what it costs to move the permission to write.
//
//  1. Two other processes are started, each with its regions and a loop that looks at it every 50 µs, as a follower does.
//  2. Rounds of writes and rounds of the floor take turns.
//  3. A third process writes as fast as it can to one of the two, which moves the permission from it and back; then the same while it is stopped.
func RDMA(ctx context.Context, o RDMAOptions) (*Report, error) {
	dir, err := os.MkdirTemp("", fmt.Sprintf("exchange-%d-bench-", os.Getuid()))
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	r := NewReport("rdma")
	r.Provider, r.Replicas = o.Provider, 3
	b := &rdmaBench{o: o, dir: dir, report: r}
	defer b.stop()
	if err := b.start(ctx); err != nil {
		return nil, err
	}
	for _, size := range rdmaSizes {
		if err := b.writes(ctx, size); err != nil {
			return nil, err
		}
	}
	if err := b.moves(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

type rdmaBench struct {
	o      RDMAOptions
	dir    string
	report *Report
	setup  rdmaSetup
	peers  [5]*rdmaPeer // by id: 2 and 3 own what is written, 4 is the writer whose permission is taken
	self   *rdmaSide
	floor  floor
}

// start brings up the other processes and waits until all pairs are ready.
func (b *rdmaBench) start(ctx context.Context) (err error) {
	if b.o.Ops == 0 {
		b.o.Ops = opsOverNetwork
		if b.o.Provider == "shm" {
			b.o.Ops = opsInMemory
		}
	}
	if b.setup, err = newRDMASetup(b.o.Provider, b.dir, 4); err != nil {
		return err
	}
	for id := 2; id <= 4; id++ {
		if b.peers[id], err = startRDMAPeer(b.o.Binary, &b.setup, id); err != nil {
			return err
		}
	}
	if b.self, err = newRDMASide(&b.setup, 1); err != nil {
		return err
	}
	if err := b.self.waitReady(ctx, 2, 3, 4); err != nil {
		return err
	}
	for id := 2; id <= 4; id++ {
		if _, err := b.peers[id].ask("ready"); err != nil {
			return err
		}
	}
	for id := 2; id <= 3; id++ {
		if _, err := b.peers[id].ask("grant 0 1"); err != nil {
			return err
		}
	}
	b.floor, err = b.openFloor()
	return err
}

func (b *rdmaBench) openFloor() (floor, error) {
	if p, ok := b.self.provider.(plainWriter); ok {
		write, err := p.PlainWrites([2]rdmaio.QueuePair{b.self.pairs[0][2], b.self.pairs[0][3]}, b.self.local)
		return &plainFloor{write: write}, err
	}
	var at [2]string
	for i, id := range []int{2, 3} {
		where := filepath.Join(b.dir, fmt.Sprintf("floor-%d", id))
		answer, err := b.peers[id].ask("floor " + where)
		if err != nil {
			return nil, err
		}
		at[i] = answer
	}
	if b.o.Provider == "shm" {
		return newCopyFloor(at)
	}
	return newEchoFloor(at)
}

// writes measures one size: samples with a look at the clock around each, and stretches without for the rate.
func (b *rdmaBench) writes(ctx context.Context, size int) error {
	ours, floors := newSamples(), newSamples()
	for range 2 * rdmaRegion / 1024 { // no page is new later
		if err := b.self.writeBoth(1024); err != nil {
			return err
		}
		if b.o.Provider != "shm" {
			break
		}
	}
	start := time.Now()
	for done := 0; done < b.o.Ops; done += rdmaRound {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, side := range []struct {
			op func(size int) error
			to *samples
		}{{b.self.writeBoth, ours}, {b.floor.both, floors}} {
			for range rdmaRound {
				from := time.Since(start)
				if err := side.op(size); err != nil {
					return err
				}
				side.to.record(int64(time.Since(start) - from))
			}
			for range rdmaRound / rdmaStretch {
				from := time.Since(start)
				for range rdmaStretch {
					if err := side.op(size); err != nil {
						return err
					}
				}
				side.to.stretch(rdmaStretch, time.Since(start)-from)
			}
		}
		if b.o.Progress != nil {
			b.o.Progress(done + rdmaRound)
		}
	}
	params := map[string]any{"bytes": size}
	f, g := ours.figure("write_two_peers", params), floors.figure("floor_two_peers", params)
	b.report.Figures, b.report.Floors = append(b.report.Figures, f), append(b.report.Floors, g)
	b.report.ratio(fmt.Sprintf("write_over_floor_p50_%d", size), f.P50, g.P50)
	b.report.ratio(fmt.Sprintf("write_over_floor_without_clock_%d", size), ours.stretches.ValueAtQuantile(50), floors.stretches.ValueAtQuantile(50))
	return nil
}

// moves measures how long the owner takes to move the permission from a writer to another process.
func (b *rdmaBench) moves(ctx context.Context) error {
	for region, size := range rdmaRegions {
		for _, writer := range []string{"running", "stopped"} {
			s := newSamples()
			for range b.o.Moves {
				if err := ctx.Err(); err != nil {
					return err
				}
				ns, err := b.move(region, writer == "stopped")
				if err != nil {
					return fmt.Errorf("move the permission from a %s writer: %w", writer, err)
				}
				s.record(ns)
			}
			b.report.Figures = append(b.report.Figures, s.figure("move_permission", map[string]any{"writer": writer, "region_bytes": size}))
		}
	}
	return nil
}

// move gives process 4 the right to write to a region of process 2, lets it write, and takes it away again in favour of this process.
func (b *rdmaBench) move(region int, stopped bool) (int64, error) {
	owner, writer := b.peers[2], b.peers[4]
	for _, step := range []struct {
		who  *rdmaPeer
		what string
	}{
		{owner, "revoke %d 1"},
		{owner, "grant %d 4"},
		{writer, "write %d 2"},
		{owner, "busy %d"}, // its memory changes
	} {
		if _, err := step.who.ask(fmt.Sprintf(step.what, region)); err != nil {
			return 0, err
		}
	}
	if stopped {
		if err := writer.process.Signal(syscall.SIGSTOP); err != nil {
			return 0, err
		}
		defer writer.process.Signal(syscall.SIGCONT)
	}
	answer, err := owner.ask(fmt.Sprintf("move %d 4 1", region))
	if err != nil {
		return 0, err
	}
	var ns int64
	if _, err := fmt.Sscan(answer, &ns); err != nil {
		return 0, fmt.Errorf("process 2 answered %q", answer)
	}
	if stopped {
		if err := writer.process.Signal(syscall.SIGCONT); err != nil {
			return 0, err
		}
	}
	_, err = writer.ask("rest")
	return ns, err
}

func (b *rdmaBench) stop() {
	for _, p := range b.peers {
		if p != nil {
			p.end()
		}
	}
	if b.self != nil {
		b.self.provider.Close()
	}
}

// rdmaSetup is what all processes of the benchmark are told.
type rdmaSetup struct {
	config server.Config
}

// newRDMASetup makes a configuration of n members on this host.
func newRDMASetup(provider, dir string, n int) (s rdmaSetup, err error) {
	s.config = server.DefaultConfig()
	s.config.Cluster, s.config.Dir, s.config.Provider, s.config.Members = "bench", dir, provider, nil
	for id := 1; id <= n; id++ {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return s, err
		}
		defer l.Close()
		s.config.Members = append(s.config.Members, server.Member{ID: id, Replication: l.Addr().String()})
	}
	return s, nil
}

func (s *rdmaSetup) open(id int) (rdmaio.Provider, error) {
	c := s.config
	c.ID = id
	return server.OpenProvider(&c, 1, nil)
}
