package main

import (
	"fmt"
	"os"

	"exchange/cmd/exchange/bench"

	"github.com/spf13/cobra"
)

func benchBookCommand() *cobra.Command {
	o := bench.BookOptions{}
	var asJSON bool
	c := &cobra.Command{
		Use: "book [FILE…]", Short: "The order book on order-flow files, beside a plain one",
		Long: `Plays order-flow files through the order book, with all its reports, numbers and checks, and through a plain book of maps and sorted slices, in turn
and in one process. Both must make the same trades. Without a FILE the flows are made: 1 thousand, 10 thousand and 1 million orders resting, 100 instruments.`,
		Example: "  exchange generate -o flow.bin --records 1000000 --prefill 5000\n  exchange bench book flow.bin\n  exchange bench book --json",
		RunE: func(c *cobra.Command, args []string) error {
			if o.Passes < 1 {
				return fmt.Errorf("--passes must be at least 1: how often each file is played")
			}
			o.Files = args
			o.Progress = func(what string) { fmt.Fprintf(os.Stderr, "measuring %s\n", what) }
			report, err := bench.Book(o)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), report)
			}
			report.Print(c.OutOrStdout())
			return nil
		},
	}
	c.Flags().IntVar(&o.Passes, "passes", 3, "times each file is played by each book")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}
