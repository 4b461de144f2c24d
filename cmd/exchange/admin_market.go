package main

import (
	"fmt"
	"io"

	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/server"

	"github.com/spf13/cobra"
)

// marketResult is the JSON object of admin end-day, halt and resume.
type marketResult struct {
	Schema string `json:"schema"`
	server.MarketAnswer
}

// marketCommands are what an operator does to the market.
func marketCommands() []*cobra.Command {
	end := marketCommand("end-day", "The day ends, and with it the session of the feed", cobra.NoArgs,
		func(leader string, _ []string) (*server.MarketAnswer, error) { return cluster.EndDay(leader) },
		func(out io.Writer, a *server.MarketAnswer) {
			fmt.Fprintf(out, "the day has ended; message %d is the feed's last\n", a.FeedNumber)
		})
	end.Long = `Market hours end (M): every order of the day ends, and no further one is taken. Orders that would outlive the day end too. Then system hours end (E), and
messages (C), which is the last message of the feed: its readers are told that the session is over. Clients stay connected and can read what they missed.
The next day is a cluster with another feed_session. It cannot be taken back; asked again, it changes nothing.`
	end.Example = "  exchange admin end-day\n  exchange admin end-day -c replica-1.toml --json"
	told := func(out io.Writer, a *server.MarketAnswer) {
		what := "trades"
		if a.State == "H" {
			what = "is halted: orders can be cancelled, and no others are taken"
		}
		fmt.Fprintf(out, "%s %s\n", a.Symbol, what)
	}
	halt := marketCommand("halt SYMBOL", "Trading in an instrument stops; orders stay, and can be cancelled", cobra.ExactArgs(1),
		func(leader string, args []string) (*server.MarketAnswer, error) { return cluster.Halt(leader, args[0]) }, told)
	halt.Example = "  exchange admin halt ABC"
	resume := marketCommand("resume SYMBOL", "Trading in an instrument goes on", cobra.ExactArgs(1),
		func(leader string, args []string) (*server.MarketAnswer, error) {
			return cluster.Resume(leader, args[0])
		}, told)
	resume.Example = "  exchange admin resume ABC"
	return []*cobra.Command{end, halt, resume}
}

// marketCommand asks the leader.
func marketCommand(use, short string, args cobra.PositionalArgs, ask func(leader string, args []string) (*server.MarketAnswer, error), tell func(io.Writer, *server.MarketAnswer)) *cobra.Command {
	var t target
	var asJSON bool
	c := &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(c *cobra.Command, args []string) error {
			addresses, err := t.replicas()
			if err != nil {
				return err
			}
			leader := cluster.Look(addresses, false).Leader
			if leader == 0 {
				return failed(fmt.Errorf("nobody leads: nothing can be decided; see exchange status"))
			}
			a, err := ask(addresses[leader], args)
			if err != nil {
				return failed(err)
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), marketResult{"exchange.market/v1", *a})
			}
			tell(c.OutOrStdout(), a)
			return nil
		},
	}
	t.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}
