package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"exchange/cmd/exchange/bench"

	"github.com/spf13/cobra"
)

func benchFeedCommand() *cobra.Command {
	o := bench.FeedOptions{}
	var asJSON bool
	c := &cobra.Command{
		Use: "feed", Short: "From an order to its message on the feed, and how far the lines are apart", Args: cobra.NoArgs,
		Long: `Starts a cluster of three replicas and enters orders over OUCH; a reader on the same host waits for their messages, over SoupBinTCP from the leader and from
a follower, and on the leader's MoldUDP64 line. The floor takes turns with it: as many bytes to another process over a plain socket, and as many back.`,
		Example: "  exchange bench feed\n  exchange bench feed --orders 100000 --in-flight 1,256 --json",
		RunE: func(c *cobra.Command, _ []string) error {
			for _, n := range o.InFlight {
				if n < 1 || n > 1<<15 {
					return fmt.Errorf("--in-flight %d: 1 to %d", n, 1<<15)
				}
			}
			if o.Orders < 1 || len(o.InFlight) == 0 {
				return fmt.Errorf("--orders and --in-flight must be at least 1")
			}
			if err := chooseProvider(&o.Provider, onStandardError); err != nil {
				return err
			}
			var err error
			if o.Binary, err = os.Executable(); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			report, err := bench.Feed(ctx, o)
			if err != nil {
				return failed(err)
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), report)
			}
			report.Print(c.OutOrStdout())
			return nil
		},
	}
	f := c.Flags()
	providerFlag(f, &o.Provider)
	f.IntVar(&o.Orders, "orders", 400_000, "orders of each number in flight; a twentieth with one at a time, and for the skew between lines")
	f.IntSliceVar(&o.InFlight, "in-flight", []int{1, 64, 1024}, "orders under way at a time")
	f.BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}
