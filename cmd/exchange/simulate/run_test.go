package simulate

import (
	"bytes"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// howMany chooses how much is played.
func howMany(usually, long int) int {
	if os.Getenv("SIMULATE_LONG") != "" {
		return long
	}
	return usually
}

// inParallel calls f with 1 to last.
func inParallel(last int, f func(seed uint64)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for seed := next.Add(1); seed <= int64(last); seed = next.Add(1) {
				f(uint64(seed))
			}
		})
	}
	wait.Wait()
}

func TestSeeds(t *testing.T) {
	var mu sync.Mutex
	faults, came, sizes, leaders := map[string]int{}, map[string]int{}, map[int]int{}, 0
	seeds := howMany(seedsInTest, seedsInLongTest)
	inParallel(seeds, func(seed uint64) {
		r := Run(seed, Options{})
		if r.Violation != "" {
			t.Errorf("%s: %s", r.String(), r.Violation)
		}
		mu.Lock()
		defer mu.Unlock()
		for kind, n := range r.FaultsByKind() {
			faults[kind] += n
		}
		for what, n := range r.CameAbout() {
			came[what] += n
		}
		sizes[r.Replicas]++
		leaders += r.Leaders
	})
	t.Logf("%d seeds: %d leaders, faults: %s; came about: %s", seeds, leaders, Counts(faults), Counts(came))
	for _, name := range faultNames {
		if seeds >= 100 && faults[name] == 0 {
			t.Errorf("no seed had a %s", name)
		}
	}
	for _, what := range cameNames {
		if seeds >= 100 && came[what] < seeds/20 {
			t.Errorf("%s: only %d in %d seeds", what, came[what], seeds)
		}
	}
	if sizes[3] == 0 || sizes[5] == 0 || leaders < 2*seeds {
		t.Errorf("the seeds are too tame: replicas %v, %d leaders", sizes, leaders)
	}
}

// TestSameSeedSameRun: a seed is played twice, the second time with a trace, which must change nothing.
func TestSameSeedSameRun(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		var trace bytes.Buffer
		a, b := Run(seed, Options{}), Run(seed, Options{Trace: &trace})
		if a.String() != b.String() {
			t.Errorf("seed %d differs:\n%s\n%s", seed, a.String(), b.String())
		}
		if lines := strings.Count(trace.String(), "\n"); lines < 20 || !strings.Contains(trace.String(), "[L]") {
			t.Errorf("seed %d: a trace of %d lines, and a leader's among them: %v", seed, lines, strings.Contains(trace.String(), "[L]"))
		}
	}
	if Run(1, Options{}).Hash == Run(2, Options{}).Hash {
		t.Error("two seeds have one hash")
	}
}

// TestReplicasAsAsked: a seed is played with as many replicas as one asks for.
func TestReplicasAsAsked(t *testing.T) {
	for _, size := range []int{3, 5} {
		for seed := uint64(1); seed <= 5; seed++ {
			if r := Run(seed, Options{Replicas: size}); r.Replicas != size || r.Violation != "" {
				t.Errorf("%s: %s", r.String(), r.Violation)
			}
		}
	}
}
