package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"time"
)

// FailoverOptions says what to measure of changes of leader.
type FailoverOptions struct {
	Provider string
	Kills    int // of the leader, with SIGKILL
	Stops    int // of the leader, with SIGSTOP
	// WithPeers: Go's raft libraries beside it, built with the Go toolchain.
	WithPeers bool
	Binary    string // the exchange program
	Progress  func(done int)
}

// failoverPatience bounds the wait for a new leader, and for the old one to be back.
const failoverPatience = 20 * time.Second

// Failover kills and stops the leader of three processes that do nothing but replicate, and times what follows.
//
//  1. The leader proposes every 20 µs. At a random moment it gets the signal.
//  2. Another stands (notice), the third lets it write its log (permission), it leads (catch-up), and its first entry is decided.
//  3. The old one is started again without its memory, or goes on; when all three vote again, the next run.
//  4. Go's raft libraries lose their leaders, if they are asked for.
func Failover(ctx context.Context, o FailoverOptions) (*Report, error) {
	dir, err := os.MkdirTemp("", fmt.Sprintf("exchange-%d-bench-", os.Getuid()))
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &failoverBench{o: o, report: NewReport("failover")}
	b.report.Provider, b.report.Durability, b.report.Replicas = o.Provider, "memory", failoverMembers
	if b.setup, err = newRDMASetup(o.Provider, dir, failoverMembers); err != nil {
		return nil, err
	}
	defer b.stop()
	for id := 1; id <= failoverMembers; id++ {
		if err := b.start(id); err != nil {
			return nil, err
		}
	}
	done := 0
	for _, way := range []struct {
		name   string
		runs   int
		signal syscall.Signal
	}{{"kill_to_first_decision", o.Kills, syscall.SIGKILL}, {"stop_to_first_decision", o.Stops, syscall.SIGSTOP}} {
		phases := [5]*samples{newSamples(), newSamples(), newSamples(), newSamples(), newSamples()}
		for run := range way.runs {
			err := b.run(ctx, way.signal, &phases)
			for ; errors.Is(err, errMissed); err = b.run(ctx, way.signal, &phases) {
				b.missed++
			}
			if err != nil {
				return nil, fmt.Errorf("%s, run %d: %w", way.name, run+1, err)
			}
			if done++; o.Progress != nil {
				o.Progress(done)
			}
		}
		if way.runs > 0 {
			for i, suffix := range []string{"", "_notice", "_permission", "_catchup", "_decision"} {
				b.report.Figures = append(b.report.Figures, phases[i].figure(way.name+suffix, map[string]any{"bytes": nodePayload, "processes": failoverMembers}))
			}
		}
	}
	if b.missed > 0 {
		b.report.Notes = append(b.report.Notes, fmt.Sprintf("%d strikes were at a process that had just lost the lead by itself, and were made again", b.missed))
	}
	if !o.WithPeers || o.Kills == 0 {
		return b.report, nil
	}
	r, err := startRaftPeers(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer r.end()
	return b.report, r.failedOver(b.report, max(o.Kills/raftKills, 1), b.report.Figures[0])
}

const (
	failoverMembers = 3
	// unasked is how long the processes are left alone after a strike.
	unasked = 10 * time.Millisecond
	// unshaken is how long the processes are left alone before a stop, so that all have full scores of each other again.
	unshaken = 200 * time.Millisecond
	// yieldEvery so many turns one that stands lets others run, as a replica's loop does.
	yieldEvery = 32
)

type failoverBench struct {
	o            FailoverOptions
	report       *Report
	setup        rdmaSetup
	peers        [failoverMembers + 1]*rdmaPeer
	incarnations [failoverMembers + 1]uint64
	missed       int
}

// errMissed: another led already when the strike came, as may be on a busy machine.
var errMissed = errors.New("the struck process led no more")

func (b *failoverBench) start(id int) (err error) {
	b.incarnations[id]++
	b.peers[id], err = startPeer(b.o.Binary, NodePeerCommand, &b.setup, id, fmt.Sprint(b.incarnations[id]), "lead")
	return err
}

func (b *failoverBench) stop() {
	for _, p := range b.peers {
		if p != nil {
			_ = p.process.Signal(syscall.SIGCONT)
			p.end()
		}
	}
}

// run is one strike at the leader, and what follows.
func (b *failoverBench) run(ctx context.Context, signal syscall.Signal, phases *[5]*samples) error {
	ctx, cancel := context.WithTimeout(ctx, failoverPatience)
	defer cancel()
	var leader int
	var err error
	if err := poll(ctx, "three that vote and one that leads them", func() (bool, error) {
		leader, err = b.leader()
		return leader != 0, err
	}); err != nil {
		return err
	}
	wait := time.Duration(5+rand.IntN(20)) * time.Millisecond
	if signal == syscall.SIGSTOP {
		wait += unshaken
	}
	time.Sleep(wait)
	old := b.peers[leader]
	at := monotonic()
	if err := old.process.Signal(signal); err != nil {
		return err
	}
	missed := b.succession(ctx, leader, at, phases)
	if missed != nil && !errors.Is(missed, errMissed) {
		return missed
	}
	if signal != syscall.SIGKILL {
		return errors.Join(old.process.Signal(syscall.SIGCONT), missed)
	}
	old.end()
	if err := b.start(leader); err != nil {
		return err
	}
	return errors.Join(b.bring(ctx, leader, leader%failoverMembers+1), missed)
}

// leader is the one that leads all others and that they follow, 0 if there is none: one that was stopped and has just woken up believes that it leads.
func (b *failoverBench) leader() (leader int, err error) {
	var votes [failoverMembers + 1]int
	for id := 1; id <= failoverMembers; id++ {
		answer, err := b.peers[id].ask("leader")
		if err != nil {
			return 0, err
		}
		if at, err := strconv.Atoi(answer); err == nil && at > 0 && at <= failoverMembers {
			votes[at]++
		}
	}
	for id := 1; id <= failoverMembers; id++ {
		if votes[id] == failoverMembers {
			answer, err := b.peers[id].ask("whole")
			if answer == "true" {
				return id, err
			}
			return 0, err
		}
	}
	return 0, nil
}

// succession waits for the next leader's first decision, and notes how it came about.
func (b *failoverBench) succession(ctx context.Context, old int, at int64, phases *[5]*samples) error {
	// Not before it is over, as a rule: a question wakes threads of those that are to follow.
	if err := pause(ctx, unasked); err != nil {
		return err
	}
	var seen [failoverMembers + 1]marks
	winner := 0
	err := poll(ctx, "another that leads", func() (bool, error) {
		winner = 0
		for id := 1; id <= failoverMembers; id++ {
			if id == old {
				continue
			}
			leads, err := b.peers[id].ask("leader") // first: what follows is of that leadership or of a later one
			if err != nil {
				return false, err
			}
			answer, err := b.peers[id].ask("marks")
			if err != nil {
				return false, err
			}
			m := &seen[id]
			if _, err := fmt.Sscan(answer, &m.Stood, &m.Granted, &m.Led, &m.First); err != nil {
				return false, fmt.Errorf("process %d answered %q", id, answer)
			}
			switch {
			case m.First > at:
				winner = id
			case m.First > 0 && leads == strconv.Itoa(id):
				return false, errMissed
			}
		}
		return winner != 0, nil
	})
	if errors.Is(err, errMissed) {
		return err
	}
	if err != nil {
		return errors.Join(err, b.statuses(old))
	}
	m, third := seen[winner], seen[failoverMembers*(failoverMembers+1)/2-old-winner]
	phases[0].record(m.First - at)
	phases[1].record(m.Stood - at)
	phases[2].record(third.Granted - m.Stood)
	phases[3].record(m.Led - third.Granted)
	phases[4].record(m.First - m.Led)
	return nil
}

// statuses is what the others say of themselves.
func (b *failoverBench) statuses(but int) error {
	var all []error
	for id, p := range b.peers {
		if p != nil && id != but {
			answer, err := p.ask("status")
			all = append(all, fmt.Errorf("process %d: %s", id, answer), err)
		}
	}
	return errors.Join(all...)
}

// bring gives a process that was started again the state of another, until it takes it.
func (b *failoverBench) bring(ctx context.Context, id, from int) error {
	return poll(ctx, "the old leader to take a state", func() (bool, error) {
		at, err := b.peers[from].ask("position")
		if err != nil {
			return false, err
		}
		_, err = b.peers[id].ask("install " + at)
		return err == nil, nil
	})
}

// pause sleeps.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// poll asks again and again until ok.
func poll(ctx context.Context, what string, ok func() (bool, error)) error {
	for {
		done, err := ok()
		if err != nil || done {
			return err
		}
		if err := pause(ctx, 2*time.Millisecond); err != nil {
			return errors.Join(fmt.Errorf("waited for %s in vain", what), err)
		}
	}
}
