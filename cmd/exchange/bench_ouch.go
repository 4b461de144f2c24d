package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

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
			report, err := bench.OUCH(ctx, o)
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
	f.IntVar(&o.Orders, "orders", 400_000, "orders of each number in flight; a twentieth with one at a time")
	f.IntSliceVar(&o.InFlight, "in-flight", []int{1, 64, 1024}, "orders under way at a time")
	f.BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

// benchEchoCommand is the other process of the floor of bench ouch.
func benchEchoCommand() *cobra.Command {
	return &cobra.Command{
		Use: bench.EchoCommand + " REQUEST ANSWER", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			request, err := strconv.Atoi(args[0])
			answer, bad := strconv.Atoi(args[1])
			if err != nil || bad != nil || request < 1 || answer < 1 {
				return fmt.Errorf("lengths in bytes are needed")
			}
			return bench.Echo(request, answer, os.Stdin, c.OutOrStdout())
		},
	}
}
