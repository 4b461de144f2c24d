//go:build planted

package simulate

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"exchange/book"
	"exchange/cmd/exchange/server"
	"exchange/consensus"
)

// plantedBugs are all that can be put in, in the order of the table in docs/testing.md.
var plantedBugs = []string{
	// consensus
	"no revocation", "grant before revoke",
	"elected by a minority", "proposal number reused", "followers not updated", "tails not read", "lowest number adopted", "one entry of a tail",
	"acknowledge before majority", "failed write counts", "apply above commit",
	"commit offset learnt elsewhere", "canary ignored", "purged too early", "restarted replica votes", "learner counts",
	"promise of a dead incarnation", "writes not recalled", "all have to let it in", "the dead hold the log",
	// book
	"wall clock in apply", "map order in matching", "last come first served", "replacement keeps its price", "fill or kill fills in part",
	"outbound number skipped", "snapshot without the ids of the day",
	// server
	"snapshot without its index", "reports not taken over", "feed not taken over",
}

// plantedSeeds is within how many seeds each must be found.
const plantedSeeds = 1000

func plant(bug string) {
	consensus.Plant(bug)
	book.Plant(bug)
	server.Plant(bug)
}

// firstFound plays seeds, some at a time, and gives the lowest one that has a violation.
func firstFound(last uint64) (found Result) {
	var next atomic.Uint64
	var mu sync.Mutex
	var wait sync.WaitGroup
	lowest := last + 1
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for {
				seed := next.Add(1)
				mu.Lock()
				done := seed >= lowest
				mu.Unlock()
				if done {
					return
				}
				if r := Run(seed, Options{}); r.Violation != "" {
					mu.Lock()
					if seed < lowest {
						lowest, found = seed, r
					}
					mu.Unlock()
				}
			}
		})
	}
	wait.Wait()
	return found
}

// TestPlantedBugsAreFound puts in one bug after the other and plays seeds until something does not hold. PLANTED_TABLE=file writes the table of
// docs/testing.md, PLANTED_BUG=name plants that one alone.
func TestPlantedBugsAreFound(t *testing.T) {
	defer plant("")
	var table string
	for _, bug := range plantedBugs {
		if only := os.Getenv("PLANTED_BUG"); only != "" && only != bug {
			continue
		}
		plant(bug)
		found := firstFound(plantedSeeds)
		if found.Violation == "" {
			t.Errorf("%s: not found in %d seeds", bug, plantedSeeds)
			continue
		}
		text := found.Violation
		if len(text) > 120 {
			text = text[:120] + "…"
		}
		t.Logf("%s: seed %d: %s", bug, found.Seed, text)
		table += fmt.Sprintf("| %s | %d | %s |\n", bug, found.Seed, text)
	}
	if file := os.Getenv("PLANTED_TABLE"); file != "" {
		if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
