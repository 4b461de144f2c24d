package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/server"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
)

// collectorPercent lets the heap grow further between collections than Go's default: big state holds no pointers, so memory is
// cheap here and collections are not.
const collectorPercent = 400

func serveCommand() *cobra.Command {
	var file string
	var leashed bool
	c := &cobra.Command{
		Use: "serve -c FILE", Short: "Run one replica from a configuration file", Args: cobra.NoArgs,
		Long: "Run one replica. It takes part in its cluster until it gets SIGINT or SIGTERM.",
		Example: `  exchange config print-defaults > replica-1.toml
  exchange serve -c replica-1.toml`,
		RunE: func(*cobra.Command, []string) error { return serve(file, leashed) },
	}
	c.Flags().StringVarP(&file, "config", "c", "", "the replica's TOML file")
	c.Flags().BoolVar(&leashed, "leashed", false, "end when standard input is closed")
	_ = c.Flags().MarkHidden("leashed")
	_ = c.MarkFlagRequired("config")
	return c
}

func serve(file string, leashed bool) error {
	cfg, err := server.LoadConfig(file)
	if err != nil {
		return err
	}
	level, _ := zerolog.ParseLevel(cfg.LogLevel) // checked with the configuration
	zerolog.TimeFieldFormat = time.RFC3339Nano
	log := zerolog.New(os.Stderr).Level(level).With().Timestamp().Logger()
	debug.SetGCPercent(collectorPercent)
	replica, err := server.Open(cfg, log)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		s := <-signals
		log.Info().Str("signal", s.String()).Msg("replica stops")
		replica.Stop()
	}()
	if leashed {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			replica.Stop()
			time.Sleep(leashPatience)
			os.Exit(exitFailed)
		}()
	}
	if err := replica.Run(); err != nil {
		return failed(err)
	}
	return nil
}

// leashPatience is how long a replica whose parent is gone may take to stop.
const leashPatience = 2 * time.Second

func cleanCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "clean", Short: "Remove what clusters that were killed have left on this host", Args: cobra.NoArgs,
		Long: `Removes the files of clusters of this host that no longer run. A running one is not touched. demo and drill do the same when they
start; replicas of a killed demo end by themselves.`,
		Example: "  exchange clean\n  exchange clean --dir /tmp/my-demo",
		RunE: func(c *cobra.Command, _ []string) error {
			cleaned, err := cluster.Clean(dir)
			for _, d := range cleaned {
				fmt.Fprintln(c.OutOrStdout(), "removed", d)
			}
			if err == nil && len(cleaned) == 0 {
				fmt.Fprintln(c.OutOrStdout(), "nothing to remove")
			}
			return err
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "directory of one cluster (default: all that had none of their own)")
	return c
}

func configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Write or check a configuration file"}
	c.AddCommand(&cobra.Command{
		Use: "print-defaults", Short: "Write a commented configuration to standard output", Args: cobra.NoArgs,
		Example: "  exchange config print-defaults > replica-1.toml",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg := server.DefaultConfig()
			text, err := cfg.Encode()
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(text)
			return err
		},
	}, hashPasswordCommand(), &cobra.Command{
		Use: "check FILE", Short: "Read a configuration and say what is wrong with it", Args: cobra.ExactArgs(1),
		Example: "  exchange config check replica-1.toml",
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := server.LoadConfig(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: good: replica %d of %d, %d instruments, %d FIX sessions\n",
				args[0], cfg.ID, len(cfg.Members), len(cfg.Instruments), len(cfg.FIXSessions))
			return nil
		},
	})
	return c
}
