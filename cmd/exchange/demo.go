package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/trader"

	"github.com/spf13/cobra"
)

// demoOptions are the flags of demo.
type demoOptions struct {
	cluster.Options
	traders int
	length  time.Duration
	quiet   bool
}

// clusterStartPatience bounds the wait for a cluster to take orders.
const clusterStartPatience = 20 * time.Second

func demoCommand() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use: "demo", Short: "A cluster of replica processes on this host, with sample instruments and traders", Args: cobra.NoArgs,
		Long: `Starts replica processes that share memory one-sidedly, sample instruments and traders that speak FIX to them, and shows
the tape. Ctrl-C ends everything and leaves nothing behind. While it runs, in another terminal: kill -9 the leader's process.

CLIENT1 … CLIENT8 are FIX sessions left free for you, and XYZ1 … XYZ4 instruments that the sample traders leave alone.`,
		Example: `  exchange demo
  exchange demo --traders 0 --dir /tmp/my-demo --base-port 9100
  exchange demo --for 30s --quiet`,
		RunE: func(c *cobra.Command, _ []string) error { return demo(c.OutOrStdout(), o) },
	}
	f := c.Flags()
	f.IntVar(&o.Replicas, "replicas", 3, "replica processes: 3 survive one crash, 5 survive two")
	providerFlag(f, &o.Provider)
	f.StringVar(&o.Dir, "dir", "", "directory of the cluster (default: a temporary one)")
	f.DurationVar(&o.length, "for", 0, "end after this time (default: at Ctrl-C)")
	f.IntVar(&o.traders, "traders", 4, fmt.Sprintf("sample traders, 0 to %d", cluster.SampleTraders))
	f.IntVar(&o.BasePort, "base-port", 0, "first port (default: the first hundred from 9100 on with room)")
	f.StringVar(&o.Durability, "durability", "memory", "when an order is acknowledged: memory (at a majority of memories)")
	f.DurationVar(&o.RestartAfter, "restart-after", 2*time.Second, "start a replica that died again after this time; 0: never")
	f.DurationVar(&o.Heartbeat, "heartbeat", 0, "how often a replica reads each other's counter; longer on slow machines (default 7ms)")
	f.BoolVar(&o.quiet, "quiet", false, "no tape")
	return c
}

func (o *demoOptions) check() error {
	if o.Replicas != 1 && o.Replicas != 3 && o.Replicas != 5 {
		return fmt.Errorf("--replicas %d: choose 3 or 5 (1: no replication, for comparison)", o.Replicas)
	}
	if o.traders < 0 || o.traders > cluster.SampleTraders {
		return fmt.Errorf("--traders %d: choose 0 to %d", o.traders, cluster.SampleTraders)
	}
	return nil
}

func demo(out io.Writer, o demoOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	print := newPrinter(out)
	if err := chooseProvider(&o.Provider, print.line); err != nil {
		return err
	}
	ctx, stop := untilInterrupted()
	defer stop()
	o.Market = cluster.SampleMarket
	o.Notice = func(line string) { print.line("* " + line) }
	c, err := cluster.Start(o.Options)
	if err != nil {
		return err
	}
	defer c.Stop()
	starting, cancel := context.WithTimeout(ctx, clusterStartPatience)
	_, err = c.WaitServing(starting)
	cancel()
	if err != nil {
		if ctx.Err() != nil {
			return nil // Ctrl-C while starting
		}
		return err
	}
	file := c.Describe()
	welcome(print, c.Dir(), file)
	if o.length > 0 {
		ctx, cancel = context.WithTimeout(ctx, o.length)
		defer cancel()
	}
	var work sync.WaitGroup
	for i := range o.traders {
		work.Add(1)
		go func() {
			defer work.Done()
			trader.RunSample(ctx, trader.SampleOptions{
				Number: i, Symbols: cluster.ActiveSymbols, Session: credentials(file.FIXSessions[i]), Addresses: file.Addresses(cluster.Replica.FIXAddress),
			})
		}()
	}
	if !o.quiet {
		work.Add(1)
		go func() { defer work.Done(); tape(ctx, print, file.Addresses(cluster.Replica.ITCHAddress)) }()
	}
	<-ctx.Done()
	work.Wait()
	print.line("* stopping")
	return nil
}

func credentials(s cluster.Session) trader.Credentials {
	return trader.Credentials{Sender: s.Sender, Target: s.Target, Username: s.Username, Password: s.Password}
}

func welcome(print *printer, dir string, f cluster.File) {
	print.line(fmt.Sprintf("%d replicas over %s, durability %s", len(f.Replicas), f.Provider, f.Durability)) // who leads is told as soon as one does
	print.line(fmt.Sprintf("%-8s %-7s %-16s %-16s %-16s %-16s %-16s %-16s %s", "REPLICA", "PID", "FIX", "OUCH", "ITCH (SoupBin)", "ITCH (Mold)", "MOLD REQUEST", "SNAPSHOT", "HTTP"))
	for _, r := range f.Replicas {
		print.line(fmt.Sprintf("%-8d %-7d %-16s %-16s %-16s %-16s %-16s %-16s %s", r.ID, r.PID, r.FIX, r.OUCH, r.ITCH, r.Mold, r.MoldRequest, r.Glimpse, r.HTTP))
	}
	print.line("directory " + dir)
	self := "go run ./cmd/exchange"
	print.line("in another terminal:   " + self + " status     " + self + " watch ABC     " + self + " client")
	print.line("and then:              kill -9 the leader's PID")
	print.line("")
}

// printer writes whole lines from several goroutines.
type printer struct {
	mu  sync.Mutex
	out io.Writer
}

func newPrinter(out io.Writer) *printer { return &printer{out: out} }

func (p *printer) line(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.out, s)
}

// toTerminal tells whether out is the terminal.
func toTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && onTerminal(f)
}
