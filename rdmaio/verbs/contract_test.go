//go:build verbs && linux && cgo

package verbs

import (
	"net"
	"testing"
	"time"

	"exchange/rdmaio"
	"exchange/rdmaio/rdmaiotest"
)

// patient is how long requests of the tests wait for a peer: emulated processors may stand still for long.
const patient = 20 * time.Second

// The suite runs on several providers of this process, by each of the ways that a configuration chooses.

func TestContract(t *testing.T) { runContract(t, func(*Config) {}) }

// TestContractBySlowPath takes every right away by ERROR, RESET and a new exchange.
func TestContractBySlowPath(t *testing.T) { runContract(t, func(c *Config) { c.AlwaysCycle = true }) }

// TestContractInBatches leaves posting to the polls.
func TestContractInBatches(t *testing.T) { runContract(t, func(c *Config) { c.Batch = true }) }

func runContract(t *testing.T, choose func(*Config)) {
	rdmaiotest.Run(t, func(t testing.TB) *rdmaiotest.Fabric { return newFabric(t, choose) })
}

func newFabric(t testing.TB, choose func(*Config)) *rdmaiotest.Fabric {
	addresses := freeAddresses(t, 3)
	return &rdmaiotest.Fabric{
		Start: func(t testing.TB, id rdmaio.NodeID, incarnation uint64) rdmaio.Provider {
			cfg := Config{Cluster: t.Name(), Local: id, Incarnation: incarnation, Listen: addresses[id], Peers: addresses, UnreachableAfter: patient}
			choose(&cfg)
			p, err := Open(cfg)
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
		Slowness:   5,
	}
}

// freeAddresses are addresses of this host for processes 1 to count.
func freeAddresses(t testing.TB, count rdmaio.NodeID) map[rdmaio.NodeID]string {
	t.Helper()
	addresses := map[rdmaio.NodeID]string{}
	for id := rdmaio.NodeID(1); id <= count; id++ {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addresses[id] = l.Addr().String()
	}
	return addresses
}
