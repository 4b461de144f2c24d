package main

import (
	"context"
	"fmt"
	"net"
	"os/signal"
	"syscall"
	"time"

	"exchange/cmd/exchange/cluster"

	"github.com/spf13/cobra"
)

func adminCommand() *cobra.Command {
	c := &cobra.Command{Use: "admin WHAT", Short: "Operate a running cluster", Example: "  exchange admin switchover --to 2"}
	c.AddCommand(switchoverCommand())
	c.AddCommand(marketCommands()...)
	return c
}

// switchoverPatience bounds the wait for the next leader.
const switchoverPatience = 10 * time.Second

// switchoverResult is the JSON object of admin switchover.
type switchoverResult struct {
	Schema string `json:"schema"`
	From   int    `json:"from"`
	To     int    `json:"to"`
	// Gap is from the moment at which the old leader proposed nothing any more to the new leader's first decision.
	Gap int64 `json:"gap_ns"`
}

func switchoverCommand() *cobra.Command {
	var t target
	var to int
	var asJSON bool
	c := &cobra.Command{
		Use: "switchover", Short: "The leader hands over to another replica", Args: cobra.NoArgs,
		Long: `The leader lets everything under way be decided, then steps down in favour of the other, which leads a moment later. No order is refused:
those that come meanwhile wait, or are sent again by their owners to the new leader, which they find as after any change of leader.
Exit status 1 if the leader goes on leading, because the other is not up to date, say.`,
		Example: "  exchange admin switchover\n  exchange admin switchover --to 2 -c replica-1.toml --json",
		RunE: func(c *cobra.Command, _ []string) error {
			addresses, err := t.replicas()
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			r, err := switchover(ctx, addresses, to)
			if err != nil {
				return failed(err)
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), r)
			}
			fmt.Fprintf(c.OutOrStdout(), "replica %d leads instead of %d; %.2f ms between the last decision of the one and the first of the other\n", r.To, r.From, float64(r.Gap)/1e6)
			return nil
		},
	}
	t.flags(c)
	c.Flags().IntVar(&to, "to", 0, "who is to lead (default: the replica that has most)")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

func switchover(ctx context.Context, addresses map[int]string, to int) (*switchoverResult, error) {
	ctx, cancel := context.WithTimeout(ctx, switchoverPatience)
	defer cancel()
	survey := cluster.Look(addresses, false)
	leader := survey.Status(survey.Leader)
	switch {
	case leader == nil:
		return nil, fmt.Errorf("nobody leads: there is nothing to hand over; see exchange status")
	case to == survey.Leader:
		return nil, fmt.Errorf("replica %d leads already", to)
	case to != 0 && survey.Status(to) == nil:
		return nil, fmt.Errorf("replica %d does not answer; see exchange status", to)
	}
	s, err := cluster.Switchover(addresses[survey.Leader], to)
	if err != nil {
		return nil, err
	}
	next, err := cluster.WaitFor(ctx, addresses, func(v cluster.Survey) bool {
		n := v.Status(v.Leader)
		return n != nil && v.Leader != s.From && n.FirstDecision > 0
	})
	if err != nil {
		return nil, err
	}
	n := next.Status(next.Leader)
	gap := n.FirstDecision - s.At
	if !onThisHost(addresses[s.From]) || !onThisHost(addresses[next.Leader]) {
		// Each host has a clock of its own, which was read with its answer: both times are brought to this one's.
		gap += n.ClockOffset() - leader.ClockOffset()
	}
	return &switchoverResult{Schema: "exchange.switchover/v1", From: s.From, To: next.Leader, Gap: gap}, nil
}

// onThisHost tells whether the address is a loopback one, so that whoever is there has this host's clock.
func onThisHost(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && net.ParseIP(host).IsLoopback()
}
