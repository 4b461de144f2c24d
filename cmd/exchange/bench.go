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

func benchCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "bench WHAT", Short: "Measure a part beside its floor, in the same run",
		Example: "  exchange bench rdma\n  exchange bench rdma --provider tcp --json",
	}
	c.AddCommand(benchRDMACommand(), benchReplicateCommand(), benchFailoverCommand(), benchBookCommand(), benchOUCHCommand(), benchFIXCommand(), benchFeedCommand(), benchWSCommand())
	return c
}

func benchRDMACommand() *cobra.Command {
	o := bench.RDMAOptions{}
	var asJSON bool
	c := &cobra.Command{
		Use: "rdma", Short: "One-sided writes to two peers, and moving the permission to write", Args: cobra.NoArgs,
		Long: `Starts three more processes, writes to the memory of two of them until both writes are complete, and moves the permission to
write from a running and from a stopped writer. The floor takes turns with it: for shm two memory copies and a fence, for tcp the same bytes
over plain sockets and an answer from each, for verbs the same writes posted and polled for with the library's calls alone.`,
		Example: "  exchange bench rdma\n  exchange bench rdma --provider tcp --json",
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Ops < 0 || o.Moves < 1 {
				return fmt.Errorf("--ops must not be negative and --moves at least 1")
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
			report, err := bench.RDMA(ctx, o)
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
	f.IntVar(&o.Ops, "ops", 0, "samples of each size (default: 200000 over shm, 20000 over a network)")
	f.IntVar(&o.Moves, "moves", 200, "changes of permission of each kind")
	f.BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

// benchPeerCommand is what bench rdma starts as its other processes.
func benchPeerCommand() *cobra.Command {
	return &cobra.Command{
		Use: bench.PeerCommand + " ID CONFIG", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.Atoi(args[0])
			if err != nil {
				return err
			}
			return bench.RDMAPeer(id, args[1], os.Stdin, os.Stdout)
		},
	}
}
