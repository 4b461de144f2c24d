package main

import (
	"fmt"
	"os"
	"strconv"

	"exchange/cmd/exchange/bench"

	"github.com/spf13/cobra"
)

func benchWSCommand() *cobra.Command {
	clients := []int{1, 100, 1000}
	var asJSON bool
	c := &cobra.Command{
		Use: "ws", Short: "What a message of level2 costs with so many WebSocket clients", Args: cobra.NoArgs,
		Long: `Serves a feed over WebSocket to clients in another process: the time from a message's publication on the feed until a client has read it, over all
clients, and the serving process's processor time for each message of each client. The floor takes turns with it: as many bytes, one write for each client to as many
plain sockets.`,
		Example: "  exchange bench ws\n  exchange bench ws --clients 1,5000 --json",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkWSClients(clients); err != nil {
				return err
			}
			binary, err := os.Executable()
			if err != nil {
				return err
			}
			ctx, stop := untilInterrupted()
			defer stop()
			report := bench.NewReport("ws")
			if err := bench.WebSocket(ctx, report, binary, clients); err != nil {
				return failed(err)
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), report)
			}
			report.Print(c.OutOrStdout())
			return nil
		},
	}
	c.Flags().IntSliceVar(&clients, "clients", clients, "numbers of clients")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

func checkWSClients(numbers []int) error {
	for _, n := range numbers {
		if n < 1 || n > 10_000 {
			return fmt.Errorf("--clients %d: 1 to 10000", n)
		}
	}
	return nil
}

// benchWSClientsCommand is the other process of bench ws.
func benchWSClientsCommand() *cobra.Command {
	return &cobra.Command{
		Use: bench.WSClientsCommand + " ADDRESS CLIENTS websocket|tcp", Hidden: true, Args: cobra.ExactArgs(3),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil || n < 1 {
				return fmt.Errorf("a number of clients is needed")
			}
			return bench.WSClients(args[0], n, args[2], os.Stdin, c.OutOrStdout())
		},
	}
}
