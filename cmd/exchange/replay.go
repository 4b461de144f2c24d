package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/drill"
	"exchange/cmd/exchange/orderflow"

	"github.com/spf13/cobra"
)

func replayCommand() *cobra.Command {
	var through, asJSON bool
	var keep drill.Keep
	var every int
	o := cluster.Options{Durability: "memory"}
	window := 256
	c := &cobra.Command{
		Use: "replay FILE", Short: "Play an order-flow file through one book, or through a cluster", Args: cobra.ExactArgs(1),
		Long: `Plays an order-flow file, or one of LOBSTER's messages, and prints what came out. With --cluster the orders go over FIX to a cluster of its own, and the
result is taken from the execution reports and the replicas' state; both ways must print the same.

What an outsider sees of it can be kept: the feed, and the engine's books for marketdata/testdata/decode.py to compare with what the feed builds.`,
		Example: "  exchange replay testdata/orderflow/small.bin\n  exchange replay testdata/orderflow/small.bin --cluster --json",
		RunE: func(c *cobra.Command, args []string) error {
			f, err := orderflow.Read(args[0])
			if err != nil {
				return err
			}
			var result orderflow.Result
			if through {
				if err := chooseProvider(&o.Provider, onStandardError); err != nil {
					return err
				}
				ctx, stop := untilInterrupted()
				defer stop()
				if result, err = drill.Replay(ctx, f, o, window, keep, progress("orders", len(f.Records))); err != nil {
					return failed(err)
				}
			} else {
				if keep.Lines != "" {
					return errors.New("--lines-to: there are lines only in a cluster; add --cluster")
				}
				day, err := openDay(keep.Feed, keep.Books, every)
				if err != nil {
					return err
				}
				result = orderflow.PlayObserved(f, progress("orders", len(f.Records)), day.observe)
				if err := day.finish(); err != nil {
					return err
				}
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), struct {
					Schema  string `json:"schema"`
					File    string `json:"file"`
					Cluster bool   `json:"cluster"`
					orderflow.Result
				}{"exchange.replay/v1", args[0], through, result})
			}
			printReplay(c.OutOrStdout(), args[0], through, result)
			return nil
		},
	}
	f := c.Flags()
	f.BoolVar(&through, "cluster", false, "through a cluster of replica processes, over FIX")
	f.IntVar(&o.Replicas, "replicas", 3, "replica processes of the cluster")
	providerFlag(f, &o.Provider)
	f.StringVar(&o.Dir, "dir", "", "directory of the cluster (default: a temporary one)")
	f.IntVar(&o.BasePort, "base-port", 0, "first port (default: where there is room)")
	f.IntVar(&window, "window", 256, "requests under way at one time")
	f.StringVar(&keep.Feed, "feed-to", "", "file for the feed, as a client gets it over SoupBinTCP")
	f.StringVar(&keep.Lines, "lines-to", "", "file for the datagrams of the replicas' MoldUDP64 lines, with --cluster")
	f.StringVar(&keep.Books, "books-to", "", "file for the engine's books at the end, order by order")
	f.IntVar(&every, "books-every", 10_000, "without --cluster, note the books' checksum in that file every so many orders; 0: at the end only")
	f.BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

func printReplay(w io.Writer, file string, through bool, r orderflow.Result) {
	way := "one book"
	if through {
		way = "a cluster, over FIX"
	}
	fmt.Fprintf(w, "%s through %s\n", file, way)
	fmt.Fprintf(w, "  orders      %d (%d accepted, %d requests rejected)\n", r.Orders, r.Accepted, r.Rejected)
	fmt.Fprintf(w, "  trades      %d\n", r.Trades)
	fmt.Fprintf(w, "  volume      %d\n", r.Volume)
	fmt.Fprintf(w, "  resting     %d\n", r.Resting)
	fmt.Fprintf(w, "  trade hash  %s\n", r.TradeHash)
	fmt.Fprintf(w, "  state hash  %s\n", r.StateHash)
	fmt.Fprintf(w, "  seconds     %.3f (%.0f orders per second)\n", r.Seconds, float64(r.Orders)/max(r.Seconds, 1e-9))
}

func generateCommand() *cobra.Command {
	o := orderflow.DefaultOptions()
	var out string
	c := &cobra.Command{
		Use: "generate -o FILE", Short: "Make an order-flow file by seed", Args: cobra.NoArgs,
		Example: "  exchange generate -o flow.bin --seed 7 --records 1000000 --prefill 5000",
		RunE: func(c *cobra.Command, _ []string) error {
			if out == "" {
				return errors.New("-o FILE is needed: where the flow is written")
			}
			f, err := orderflow.Generate(o, progress("records", o.Records))
			if err != nil {
				return err
			}
			w, err := os.Create(out)
			if err != nil {
				return err
			}
			if err := errors.Join(f.Encode(w), w.Close()); err != nil {
				return err
			}
			start := time.Now()
			r := orderflow.Play(f, nil)
			r.Seconds = time.Since(start).Seconds()
			printReplay(c.OutOrStdout(), out, false, r)
			return nil
		},
	}
	f := c.Flags()
	f.StringVarP(&out, "output", "o", "", "the file")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "the same seed and options give the same file")
	f.IntVar(&o.Records, "records", o.Records, "records, prefill included")
	f.IntVar(&o.Prefill, "prefill", o.Prefill, "limit orders at the start, and roughly how many rest later")
	f.IntVar(&o.Symbols, "symbols", o.Symbols, "instruments")
	f.IntVar(&o.Span, "span", o.Span, "price range, ticks")
	f.IntVar(&o.Depth, "depth", o.Depth, "how far from the middle orders are placed, ticks")
	return c
}
