package tcp

import (
	"fmt"
	"net"
	"testing"
	"time"

	"exchange/rdmaio"
	"exchange/rdmaio/rdmaiotest"
)

// freeAddresses gives loopback addresses that nobody listens on.
func freeAddresses(t testing.TB, n rdmaio.NodeID) map[rdmaio.NodeID]string {
	t.Helper()
	all := map[rdmaio.NodeID]string{}
	for id := rdmaio.NodeID(1); id <= n; id++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.%d:0", id))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		all[id] = l.Addr().String()
	}
	return all
}

func open(t testing.TB, c Config) *Provider {
	t.Helper()
	p, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// TestContract runs the suite on several providers of this process, each on an address of its own.
func TestContract(t *testing.T) {
	rdmaiotest.Run(t, func(t testing.TB) *rdmaiotest.Fabric {
		addresses := freeAddresses(t, 3)
		return &rdmaiotest.Fabric{
			Start: func(t testing.TB, id rdmaio.NodeID, incarnation uint64) rdmaio.Provider {
				return open(t, Config{Cluster: "test", Local: id, Incarnation: incarnation, Listen: addresses[id], Peers: addresses, Unreachable: 5 * time.Second})
			},
			Kill: func(p rdmaio.Provider) { p.Close() },
			// A loop that sleeps lets the runtime look for what came over the network; one that spins on all processors does not.
			Advance:    func() { time.Sleep(10 * time.Microsecond) },
			Patience:   200_000,
			Settle:     200,
			Concurrent: true,
			Slowness:   20,
		}
	})
}
