//go:build linux && (amd64 || arm64)

package shm

import (
	"testing"
	"time"

	"exchange/rdmaio"
	"exchange/rdmaio/rdmaiotest"
)

// TestContract runs the suite on several providers of this process, which is all the same to them: what one maps of another is
// fenced as between processes.
func TestContract(t *testing.T) { contract(t, 0, 1) }

// TestContractThroughAWindow is the same for regions twice as long as the window on them, which is moved page by page.
func TestContractThroughAWindow(t *testing.T) { contract(t, windowParts*pageSize, 2) }

func contract(t *testing.T, window, slowness int) {
	rdmaiotest.Run(t, func(t testing.TB) *rdmaiotest.Fabric {
		dir := t.TempDir()
		return &rdmaiotest.Fabric{
			Start: func(t testing.TB, id rdmaio.NodeID, incarnation uint64) rdmaio.Provider {
				p, err := Open(Config{Dir: dir, Local: id, Peers: []rdmaio.NodeID{1, 2, 3}, Incarnation: incarnation, Window: window})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { p.Close() })
				return p
			},
			Kill:       func(p rdmaio.Provider) { p.Close() },
			Advance:    func() { time.Sleep(50 * time.Microsecond) },
			Patience:   100_000,
			Settle:     100,
			Concurrent: true,
			Slowness:   slowness,
		}
	})
}
