package main

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"exchange/cmd/exchange/simulate"

	"github.com/spf13/cobra"
)

func simulateCommand() *cobra.Command {
	var seed uint64
	var seeds string
	var trace, asJSON bool
	var parallel int
	o := simulate.Options{}
	c := &cobra.Command{
		Use: "simulate", Short: "Play seeds: the whole exchange in virtual time, with faults", Args: cobra.NoArgs,
		Long: `Plays whole exchanges in virtual time: the server code of three or five replicas, FIX clients and feeds, with crashes, pauses, cut links, torn
writes and more, all decided by a seed. Everything is checked at every step. The same seed gives the same run and the same hash. A seed with a
violation is told with what did not hold; play it again alone with --trace: a line for each thing that happened, with a column for each replica (L leads,
C tries to, f follows, l learns, z is paused, x is dead). The last line has the seed, its steps, its faults by kind, what came about of them, and the
hash. Exit status 3: something wrong was done; 1: nothing went on.`,
		Example: `  exchange simulate --seed 17 --trace
  exchange simulate --seeds 1-2000
  exchange simulate --seeds 1-500 --replicas 5`,
		RunE: func(c *cobra.Command, _ []string) error {
			first, last, err := seedRange(seed, seeds)
			if err != nil {
				return err
			}
			if o.Replicas != 0 && o.Replicas != 3 && o.Replicas != 5 {
				return fmt.Errorf("--replicas %d: a simulation has 3 or 5; leave it out to let each seed decide", o.Replicas)
			}
			if trace {
				if first != last {
					return fmt.Errorf("--trace with %d seeds: it is for one; choose it with --seed", last-first+1)
				}
				o.Trace = c.OutOrStdout()
			}
			if first == last {
				parallel = 1
			}
			s := newSimulation(first, last, parallel, o, c)
			if asJSON {
				s.out = io.Discard // all that there is to say is in the object
			}
			s.play()
			return s.report(asJSON)
		},
	}
	f := c.Flags()
	f.Uint64Var(&seed, "seed", 0, "the one seed to play")
	f.StringVar(&seeds, "seeds", "", "the seeds to play, FIRST-LAST")
	f.IntVar(&o.Replicas, "replicas", 0, "3 or 5 (default: each seed decides)")
	f.BoolVar(&trace, "trace", false, "write a line for each thing that happens")
	f.IntVar(&parallel, "parallel", runtime.GOMAXPROCS(0), "seeds played at a time")
	f.BoolVar(&asJSON, "json", false, "print the result as one JSON object")
	c.MarkFlagsMutuallyExclusive("seed", "seeds")
	c.MarkFlagsOneRequired("seed", "seeds")
	c.MarkFlagsMutuallyExclusive("trace", "json")
	return c
}

// seedRange reads what is to be played.
func seedRange(seed uint64, seeds string) (first, last uint64, err error) {
	if seeds == "" {
		return seed, seed, nil
	}
	from, to, isRange := strings.Cut(seeds, "-")
	if first, err = strconv.ParseUint(from, 10, 64); err == nil {
		last = first
		if isRange {
			last, err = strconv.ParseUint(to, 10, 64)
		}
	}
	if err != nil || last < first {
		return 0, 0, fmt.Errorf("--seeds %q: not a range; write it like 1-2000", seeds)
	}
	return first, last, nil
}

// simulation plays a range of seeds, several at a time.
type simulation struct {
	first, last uint64
	parallel    int
	o           simulate.Options
	c           *cobra.Command
	out         io.Writer
	next        atomic.Uint64
	began       time.Time
	progress    func(done int)

	mu       sync.Mutex
	played   int
	steps    int
	virtual  time.Duration
	commands int
	leaders  int
	faults   map[string]int
	came     map[string]int
	hash     uint64 // of all, whatever their order
	bad      []simulate.Result
}

func newSimulation(first, last uint64, parallel int, o simulate.Options, c *cobra.Command) *simulation {
	s := &simulation{first: first, last: last, parallel: max(parallel, 1), o: o, c: c, out: c.OutOrStdout(), began: time.Now(), faults: map[string]int{}, came: map[string]int{}}
	s.next.Store(first)
	if last-first >= 100 {
		s.progress = progress("seeds", int(last-first+1))
	}
	return s
}

func (s *simulation) play() {
	var wait sync.WaitGroup
	for range s.parallel {
		wait.Go(func() {
			for {
				seed := s.next.Add(1) - 1
				if seed > s.last {
					return
				}
				s.take(simulate.Run(seed, s.o))
			}
		})
	}
	wait.Wait()
}

func (s *simulation) take(r simulate.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.played++
	s.steps += r.Steps
	s.virtual += r.Virtual
	s.commands += r.Commands
	s.leaders += r.Leaders
	s.hash ^= r.Hash * (2*r.Seed + 1)
	for kind, n := range r.FaultsByKind() {
		s.faults[kind] += n
	}
	for what, n := range r.CameAbout() {
		s.came[what] += n
	}
	if r.Violation != "" {
		s.bad = append(s.bad, r)
		fmt.Fprintf(s.out, "seed %d: %s\n", r.Seed, r.Violation)
	}
	if s.first == s.last || r.Violation != "" {
		fmt.Fprintln(s.out, r.String())
	}
	if s.progress != nil {
		s.progress(s.played)
	}
}

// report prints what came of it.
func (s *simulation) report(asJSON bool) error {
	took := time.Since(s.began)
	unsafeSeeds := 0
	for _, r := range s.bad {
		if !r.Stuck {
			unsafeSeeds++
		}
	}
	if asJSON {
		if err := printJSON(s.c.OutOrStdout(), map[string]any{
			"schema": "exchange.simulate/v1", "first": s.first, "last": s.last, "seeds": s.played, "steps": s.steps, "virtual_ns": s.virtual.Nanoseconds(),
			"commands": s.commands, "leaders": s.leaders, "faults": s.faults, "came_about": s.came, "hash": fmt.Sprintf("%016x", s.hash), "violations": unsafeSeeds,
			"stuck": len(s.bad) - unsafeSeeds, "elapsed_ns": took.Nanoseconds(), "seeds_per_s": float64(s.played) / took.Seconds(),
		}); err != nil {
			return err
		}
	} else if s.first != s.last {
		fmt.Fprintf(s.out, "seeds %d-%d: %d steps, %v of virtual time, %d commands, %d leaders, faults: %s; came about: %s; hash %016x; %.1f seeds/s\n", s.first, s.last,
			s.steps, s.virtual.Round(time.Millisecond), s.commands, s.leaders, simulate.Counts(s.faults), simulate.Counts(s.came), s.hash, float64(s.played)/took.Seconds())
	}
	switch {
	case unsafeSeeds > 0:
		return unsafe(fmt.Errorf("%d of %d seeds did something wrong; play one again with --seed N --trace", unsafeSeeds, s.played))
	case len(s.bad) > 0:
		return failed(fmt.Errorf("%d of %d seeds came to a stop; play one again with --seed N --trace", len(s.bad), s.played))
	}
	return nil
}
