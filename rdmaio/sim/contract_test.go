package sim

import (
	"testing"

	"exchange/rdmaio"
	"exchange/rdmaio/rdmaiotest"
)

func TestContract(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no delay": {},
		"slow":     wan,
		"torn":     {Seed: 3, MinLatency: 1, MaxLatency: 1_000_000, RetryTime: 10_000_000, MaxNotice: 1_000_000, TornWrite: 1, SendQueue: 64},
	} {
		t.Run(name, func(t *testing.T) {
			rdmaiotest.Run(t, func(testing.TB) *rdmaiotest.Fabric {
				n := New(cfg)
				return &rdmaiotest.Fabric{
					Start: func(_ testing.TB, id rdmaio.NodeID, incarnation uint64) rdmaio.Provider {
						return n.Provider(id, incarnation)
					},
					Kill:     func(p rdmaio.Provider) { n.Crash(p.Local()) },
					Advance:  func() { n.Step() },
					Patience: 10_000,
					Settle:   1000,
				}
			})
		})
	}
}
