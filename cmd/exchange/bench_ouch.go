package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"exchange/cmd/exchange/bench"

	"github.com/spf13/cobra"
)

func benchOUCHCommand() *cobra.Command {
	o := bench.OUCHOptions{}
	var asJSON bool
	c := &cobra.Command{
		Use: "ouch", Short: "From an order over OUCH to its report, one connection", Args: cobra.NoArgs,
		Long: `Starts a cluster of three replicas, then one of a single replica, and keeps so many orders under way on one connection. The floor takes turns with
it: as many bytes to another process over a plain socket, and as many back.`,
		Example: "  exchange bench ouch\n  exchange bench ouch --in-flight 1,64 --json",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkInFlight(o.InFlight, o.Orders); err != nil {
				return err
			}
			return runBench(c.OutOrStdout(), &o.Provider, &o.Binary, asJSON, func(ctx context.Context) (*bench.Report, error) { return bench.OUCH(ctx, o) })
		},
	}
	f := c.Flags()
	providerFlag(f, &o.Provider)
	f.IntVar(&o.Orders, "orders", 400_000, "orders of each number in flight; a twentieth with one at a time")
	f.IntSliceVar(&o.InFlight, "in-flight", []int{1, 64, 1024}, "orders under way at a time")
	f.BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

// benchEchoCommand is the other process of a floor over sockets.
func benchEchoCommand() *cobra.Command {
	return &cobra.Command{
		Use: bench.EchoCommand + " REQUEST ANSWER WORK", Hidden: true, Args: cobra.ExactArgs(3),
		RunE: func(c *cobra.Command, args []string) error {
			request, err := strconv.Atoi(args[0])
			answer, bad := strconv.Atoi(args[1])
			work, wrong := strconv.ParseInt(args[2], 10, 64)
			if err != nil || bad != nil || wrong != nil || request < 1 || answer < 1 || work < 0 {
				return fmt.Errorf("lengths in bytes are needed, and ns of work before each answer")
			}
			return bench.Echo(request, answer, time.Duration(work), os.Stdin, c.OutOrStdout())
		},
	}
}
