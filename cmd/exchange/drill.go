package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/drill"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

// drillFlags are the flags of every drill.
type drillFlags struct {
	o      drill.Options
	asJSON bool
}

func drillCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "drill SCENARIO", Short: "Break a cluster of its own under load, and check that nothing was lost",
		Example: "  exchange drill list\n  exchange drill leader-kill --runs 20",
	}
	c.AddCommand(&cobra.Command{
		Use: "list", Short: "The scenarios there are", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, s := range drill.Scenarios {
				fmt.Fprintf(c.OutOrStdout(), "%-13s %s\n", s.Name, s.Short)
			}
			return nil
		},
	})
	for _, s := range drill.Scenarios {
		c.AddCommand(scenarioCommand(s))
	}
	return c
}

func scenarioCommand(s drill.Scenario) *cobra.Command {
	var d drillFlags
	c := &cobra.Command{
		Use: s.Name, Short: s.Short, Args: cobra.NoArgs,
		Long: `Starts its own cluster, keeps FIX and OUCH clients busy, and does the following to the leader:
` + s.Short + `.
Then it checks every order, every number of FIX and OUCH, the feed from every replica, and the replicas' states. Exit status 3 if anything was lost, doubled,
numbered wrongly or has diverged; 1 if a request got no answer.`,
		Example: fmt.Sprintf("  exchange drill %s --runs 20\n  exchange drill %s --runs 50 --clients 8 --json", s.Name, s.Name),
		RunE:    func(c *cobra.Command, _ []string) error { return runDrill(c.OutOrStdout(), s, d) },
	}
	f := c.Flags()
	f.IntVar(&d.o.Runs, "runs", 20, "how often it is done")
	f.IntVar(&d.o.Clients, "clients", 4, fmt.Sprintf("FIX clients, 1 to %d", cluster.SampleTraders))
	f.IntVar(&d.o.OUCH, "ouch", 2, fmt.Sprintf("OUCH clients, 0 to %d", cluster.OUCHTraders))
	f.BoolVar(&d.o.Receivers, "receivers", false, "four receivers more, on lines that lose packets and joining late through snapshots, whose books have to be the engine's")
	f.IntVar(&d.o.Window, "window", 16, "requests that each client keeps under way")
	f.IntVar(&d.o.Rate, "rate", 2000, "requests per second of each client at most; 0: as fast as the answers come")
	f.Uint64Var(&d.o.Seed, "seed", 0, "seed of the clients' orders and of the moments (default: a new one)")
	f.IntVar(&d.o.Cluster.Replicas, "replicas", 3, "replica processes, 3 or 5")
	providerFlag(f, &d.o.Cluster.Provider)
	f.StringVar(&d.o.Cluster.Durability, "durability", "memory", "when an order is acknowledged")
	f.StringVar(&d.o.Cluster.Dir, "dir", "", "directory of the cluster (default: a temporary one)")
	f.IntVar(&d.o.Cluster.BasePort, "base-port", 0, "first port (default: where there is room)")
	f.BoolVar(&d.o.Cluster.KeepLogs, "keep", false, "leave the replicas' logs in the directory")
	f.DurationVar(&d.o.Cluster.Heartbeat, "heartbeat", 0, "how often a replica reads each other's counter; longer on slow machines (default 7ms)")
	f.DurationVar(&d.o.Patience, "patience", 20*time.Second, "how long the cluster may take to be whole again")
	f.BoolVar(&d.asJSON, "json", false, "one JSON object")
	return c
}

func runDrill(out io.Writer, s drill.Scenario, d drillFlags) error {
	o := &d.o
	if o.Runs < 1 || o.Clients < 1 || o.Clients > cluster.SampleTraders || o.OUCH < 0 || o.OUCH > cluster.OUCHTraders || o.Window < 1 || o.Rate < 0 || o.Window > 4096 || o.Cluster.Replicas != 3 && o.Cluster.Replicas != 5 {
		return fmt.Errorf("--runs from 1, --clients 1 to %d, --ouch 0 to %d, --window 1 to 4096, --replicas 3 or 5", cluster.SampleTraders, cluster.OUCHTraders)
	}
	if err := chooseProvider(&o.Cluster.Provider, onStandardError); err != nil {
		return err
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	o.Progress = progress("runs", o.Runs)
	ctx, stop := untilInterrupted()
	defer stop()
	report, err := drill.Run(ctx, s, *o)
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("stopped before the end")
		}
		return failed(err)
	}
	if d.asJSON {
		err = printJSON(out, report)
	} else {
		report.Print(out)
	}
	switch {
	case err != nil:
		return err
	case !report.Safe():
		return unsafe(fmt.Errorf("drill %s: a safety violation was seen (seed %d); see the report", report.Scenario, o.Seed))
	case !report.Passed():
		return failed(fmt.Errorf("drill %s: not every request was answered (seed %d)", report.Scenario, o.Seed))
	}
	return nil
}

// progressEvery is how often a line tells of progress where there is no terminal for a bar.
const progressEvery = 5 * time.Second

// progress shows how far long work is, on standard error: a bar on a terminal, otherwise a line now and then.
func progress(what string, total int) func(done int) {
	if onTerminal(os.Stderr) {
		bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(what), progressbar.OptionClearOnFinish())
		return func(done int) { _ = bar.Set(done) }
	}
	last := time.Now()
	return func(done int) {
		if now := time.Now(); now.Sub(last) >= progressEvery || done == total {
			last = now
			fmt.Fprintf(os.Stderr, "%s: %d of %d\n", what, done, total)
		}
	}
}
