package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

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
			return runBench(c.OutOrStdout(), &o.Provider, &o.Binary, asJSON, func(ctx context.Context) (*bench.Report, error) { return bench.RDMA(ctx, o) })
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

// runBench runs a benchmark that starts more processes of this program, and shows what it found.
func runBench(out io.Writer, provider, binary *string, asJSON bool, run func(context.Context) (*bench.Report, error)) error {
	return runBenchWithPicture(out, provider, binary, asJSON, "", run)
}

// runBenchWithPicture writes a picture too, if it is given a path.
func runBenchWithPicture(out io.Writer, provider, binary *string, asJSON bool, picture string, run func(context.Context) (*bench.Report, error)) (err error) {
	if err := chooseProvider(provider, onStandardError); err != nil {
		return err
	}
	if *binary, err = os.Executable(); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Dir(picture)); picture != "" && err != nil {
		return fmt.Errorf("--svg %s: %w: make the directory first", picture, err)
	}
	ctx, stop := untilInterrupted()
	defer stop()
	report, err := run(ctx)
	if err == nil && picture != "" {
		err = report.WritePicture(picture)
	}
	switch {
	case err != nil:
		return failed(err)
	case asJSON:
		return printJSON(out, report)
	}
	report.Print(out)
	return nil
}

// checkInFlight says what cannot be asked of a benchmark that keeps orders under way.
func checkInFlight(inFlight []int, orders int) error {
	for _, n := range inFlight {
		if n < 1 || n > 1<<15 {
			return fmt.Errorf("--in-flight %d: 1 to %d", n, 1<<15)
		}
	}
	if orders < 1 || len(inFlight) == 0 {
		return errors.New("--orders and --in-flight must be at least 1")
	}
	return nil
}
