// Command exchange is the whole exchange in one program: a cluster on this host for trying it out, one replica of a real cluster, and what
// talks to either. `exchange --help` lists the commands.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// Exit statuses, the same for every command.
const (
	exitFailed    = 1 // the thing asked for did not hold
	exitCannotRun = 2 // usage, configuration, port in use
	exitUnsafe    = 3 // a safety violation was seen: lost, doubled, diverged
)

// exitError carries an exit status up to main.
type exitError struct {
	status int
	err    error
}

func (e exitError) Error() string { return e.err.Error() }
func (e exitError) Unwrap() error { return e.err }

// failed marks an error as "did not hold"; any other error from a command means that it could not be run.
func failed(err error) error { return exitError{exitFailed, err} }

// unsafe marks an error as a safety violation.
func unsafe(err error) error { return exitError{exitUnsafe, err} }

func main() {
	root := &cobra.Command{
		Use:   "exchange",
		Short: "A replicated order-matching exchange",
		Long: `A replicated order-matching exchange: every order is replicated to a majority before it is matched,
and a leader killed in the middle costs milliseconds, no order and no number.`,
		Example: `  exchange demo                       a cluster with sample traders on this host
  exchange status                     who leads, and do all replicas agree
  exchange watch ABC                  ladder and trades
  exchange client                     orders by hand`,
		SilenceErrors: true, SilenceUsage: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	for _, command := range []func() *cobra.Command{
		demoCommand, serveCommand, configCommand, clientCommand, watchCommand, statusCommand, replayCommand, generateCommand, drillCommand, benchCommand, benchPeerCommand, benchNodePeerCommand, benchEchoCommand, benchWSClientsCommand, adminCommand, cleanCommand, simulateCommand,
		versionCommand,
	} {
		root.AddCommand(command())
	}
	err := root.Execute()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "exchange:", err)
	var exit exitError
	if errors.As(err, &exit) {
		os.Exit(exit.status)
	}
	os.Exit(exitCannotRun)
}
