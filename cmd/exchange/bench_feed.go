package main

import (
	"context"

	"exchange/cmd/exchange/bench"

	"github.com/spf13/cobra"
)

func benchFeedCommand() *cobra.Command {
	o := bench.FeedOptions{}
	var asJSON bool
	c := &cobra.Command{
		Use: "feed", Short: "From an order to its message on the feed, and how far the lines are apart", Args: cobra.NoArgs,
		Long: `Starts a cluster of three replicas and enters orders over OUCH; a reader on the same host waits for their messages, over SoupBinTCP from the leader and from
a follower, and on the leader's MoldUDP64 line. The floor takes turns with it: as many bytes to another process over a plain socket, and as many back.
Then what a message costs with so many WebSocket clients, as exchange bench ws has it alone.`,
		Example: "  exchange bench feed\n  exchange bench feed --orders 100000 --in-flight 1,256 --json",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkInFlight(o.InFlight, o.Orders); err != nil {
				return err
			}
			if err := checkWSClients(o.Clients); err != nil {
				return err
			}
			return runBench(c.OutOrStdout(), &o.Provider, &o.Binary, asJSON, func(ctx context.Context) (*bench.Report, error) { return bench.Feed(ctx, o) })
		},
	}
	f := c.Flags()
	providerFlag(f, &o.Provider)
	f.IntVar(&o.Orders, "orders", 400_000, "orders of each number in flight; a twentieth with one at a time, and for the skew between lines")
	f.IntSliceVar(&o.InFlight, "in-flight", []int{1, 64, 1024}, "orders under way at a time")
	f.IntSliceVar(&o.Clients, "clients", []int{1, 100, 1000}, "WebSocket clients at a time")
	f.BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}
