package main

import (
	"context"
	"fmt"

	"exchange/cmd/exchange/bench"

	"github.com/spf13/cobra"
)

func benchFIXCommand() *cobra.Command {
	o := bench.FIXOptions{}
	var asJSON bool
	c := &cobra.Command{
		Use: "fix", Short: "From an order over FIX to its report", Args: cobra.NoArgs,
		Long: `Starts a cluster of three replicas, then one of a single replica, and keeps so many orders under way on one connection, then on many. The floor
takes turns with it: as many bytes to another process over as many plain sockets, and as many back. With one order at a time two more have their turns: a
floor that works 5 µs before it answers, and the cluster while somebody has the ports of its MoldUDP64 lines open, which otherwise spare themselves packets
that nobody hears. With --with-peers engines of others follow. All of that is done four times, every second time the other way round. Ratios without
numbers are those of one order at a time on one connection; the others end with connections and orders in flight.`,
		Example: "  exchange bench fix\n  exchange bench fix --in-flight 1,64 --json\n  exchange bench fix --connections 1 --with-peers",
		RunE: func(c *cobra.Command, _ []string) error {
			for _, n := range o.InFlight {
				if n < 1 || n > 1<<15 {
					return fmt.Errorf("--in-flight %d: 1 to %d", n, 1<<15)
				}
			}
			for _, n := range o.Connections {
				if n < 1 || n > 64 {
					return fmt.Errorf("--connections %d: 1 to 64", n)
				}
			}
			if len(o.Replicas) == 0 || len(o.Connections) == 0 {
				return fmt.Errorf("--replicas and --connections: name at least one of each")
			}
			if o.Orders < 1 || len(o.InFlight) == 0 {
				return fmt.Errorf("--orders and --in-flight must be at least 1")
			}
			return runBench(c.OutOrStdout(), &o.Provider, &o.Binary, asJSON, func(ctx context.Context) (*bench.Report, error) { return bench.FIX(ctx, o) })
		},
	}
	f := c.Flags()
	providerFlag(f, &o.Provider)
	f.IntVar(&o.Orders, "orders", 400_000, "orders of each number in flight; a twentieth with one at a time")
	f.IntSliceVar(&o.InFlight, "in-flight", []int{1, 256}, "orders under way at a time on each connection")
	f.IntSliceVar(&o.Connections, "connections", []int{1, 64}, "sessions at a time")
	f.IntSliceVar(&o.Replicas, "replicas", []int{3, 1}, "sizes of clusters")
	f.BoolVar(&o.WithPeers, "with-peers", false, "acceptors on quickfixgo and, where libquickfix-dev is installed, QuickFIX C++ beside it; built with the Go toolchain")
	f.BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}
