package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"

	"exchange/cmd/exchange/bench"

	"github.com/spf13/cobra"
)

func benchReplicateCommand() *cobra.Command {
	var o bench.ReplicateOptions
	var asJSON bool
	var picture string
	c := &cobra.Command{
		Use: "replicate", Short: "From a proposal to its being decided, three processes", Args: cobra.NoArgs,
		Long: `This process leads two others, which look at their logs every 50 µs and apply what is decided. Proposals take turns with the floor: for shm two
memory copies and a fence, otherwise the same bytes over plain sockets and an answer from each.`,
		Example: "  exchange bench replicate\n  exchange bench replicate --sizes 64 --in-flight 1,256 --json\n  exchange bench replicate --with-peers --svg replicate.svg",
		RunE: func(c *cobra.Command, _ []string) error {
			outside := func(all []int, least, most int) bool {
				return len(all) == 0 || slices.Min(all) < least || slices.Max(all) > most
			}
			if outside(o.Sizes, 8, 4096) || outside(o.InFlight, 1, 1024) || o.Ops < 1 {
				return errors.New("--sizes from 8 to 4096, --in-flight from 1 to 1024, --ops from 1")
			}
			o.Progress = progress("figures", len(o.Sizes)*len(o.InFlight))
			return runBenchWithPicture(c.OutOrStdout(), &o.Provider, &o.Binary, asJSON, picture, func(ctx context.Context) (*bench.Report, error) { return bench.Replicate(ctx, o) })
		},
	}
	f := c.Flags()
	providerFlag(f, &o.Provider)
	f.IntSliceVar(&o.Sizes, "sizes", []int{64, 256, 1024}, "bytes of a proposal")
	f.IntSliceVar(&o.InFlight, "in-flight", []int{1, 8, 64, 256}, "proposals under way at a time")
	f.IntVar(&o.Ops, "ops", 200_000, "samples of each")
	f.BoolVar(&o.WithPeers, "with-peers", false, withPeersUsage)
	f.StringVar(&picture, "svg", "", "write the distributions to this file as a picture too")
	f.BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

const withPeersUsage = "go.etcd.io/raft and hashicorp/raft beside it, logs in memory; built with the Go toolchain, inside the source tree"

func benchFailoverCommand() *cobra.Command {
	var o bench.FailoverOptions
	var asJSON bool
	var picture string
	c := &cobra.Command{
		Use: "failover", Short: "From the leader's end to the next one's first decision, phase by phase", Args: cobra.NoArgs,
		Long: `Starts three processes that do nothing but replicate, kills their leader (SIGKILL) or stops it (SIGSTOP) at random moments, and times how the next one
comes about: notice, permission, catch-up, first decision.`,
		Example: "  exchange bench failover\n  exchange bench failover --kills 1000 --stops 0 --json\n  exchange bench failover --with-peers --svg failover.svg",
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Kills < 0 || o.Stops < 0 || o.Kills+o.Stops == 0 {
				return errors.New("--kills and --stops: at least one of either")
			}
			o.Progress = progress("runs", o.Kills+o.Stops)
			return runBenchWithPicture(c.OutOrStdout(), &o.Provider, &o.Binary, asJSON, picture, func(ctx context.Context) (*bench.Report, error) { return bench.Failover(ctx, o) })
		},
	}
	f := c.Flags()
	providerFlag(f, &o.Provider)
	f.IntVar(&o.Kills, "kills", 200, "how often the leader is killed")
	f.IntVar(&o.Stops, "stops", 200, "how often it is stopped")
	f.BoolVar(&o.WithPeers, "with-peers", false, withPeersUsage)
	f.StringVar(&picture, "svg", "", "write the distributions to this file as a picture too")
	f.BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

// benchNodePeerCommand is what bench replicate and bench failover start as their other processes.
func benchNodePeerCommand() *cobra.Command {
	return &cobra.Command{
		Use: bench.NodePeerCommand + " ID CONFIG INCARNATION lead|follow", Hidden: true, Args: cobra.ExactArgs(4),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.Atoi(args[0])
			if err != nil {
				return err
			}
			incarnation, err := strconv.ParseUint(args[2], 10, 64)
			if err != nil {
				return err
			}
			return bench.NodePeer(id, args[1], incarnation, args[3] == "lead", os.Stdin, os.Stdout)
		},
	}
}
