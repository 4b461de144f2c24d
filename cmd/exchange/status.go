package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/server"

	"github.com/spf13/cobra"
)

// target is how a command is told which cluster it talks to.
type target struct{ dir, config, http string }

func (t *target) flags(c *cobra.Command) {
	c.Flags().StringVar(&t.dir, "dir", "", "directory of a demo's cluster (default: the one that is running)")
	c.Flags().StringVarP(&t.config, "config", "c", "", "a replica's configuration file")
	c.Flags().StringVar(&t.http, "http", "", "HTTP address of one replica")
	c.MarkFlagsMutuallyExclusive("dir", "config", "http")
}

// replicas gives the HTTP addresses by replica id.
func (t *target) replicas() (map[int]string, error) {
	addresses := map[int]string{}
	switch {
	case t.http != "":
		s, err := cluster.Ask(t.http, false)
		if err != nil {
			return nil, fmt.Errorf("%w; is a replica running there?", err)
		}
		addresses[s.ID] = t.http
	case t.config != "":
		cfg, err := server.LoadConfig(t.config)
		if err != nil {
			return nil, err
		}
		for _, m := range cfg.Members {
			addresses[m.ID] = m.HTTP
		}
	default:
		dir, err := cluster.Find(t.dir)
		if err != nil {
			return nil, err
		}
		f, err := cluster.ReadFile(dir)
		if err != nil {
			return nil, err
		}
		for _, r := range f.Replicas {
			addresses[r.ID] = r.HTTP
		}
	}
	return addresses, nil
}

func statusCommand() *cobra.Command {
	var t target
	var asJSON, full bool
	c := &cobra.Command{
		Use: "status", Short: "Who leads, how far each replica is, and whether their states agree", Args: cobra.NoArgs,
		Long: `Asks every replica. The state hashes are compared at the greatest command index that all of them have applied.
The replicas compare their feeds themselves, message by message, and say how far they are known to be equal; SNAPSHOT is the feed number from which a
snapshot of the books goes on at least. Exit status 3 if states or feeds differ, 1 if nobody leads.`,
		Example: "  exchange status\n  exchange status --dir /tmp/my-demo --json\n  exchange status -c replica-1.toml",
		RunE: func(c *cobra.Command, _ []string) error {
			addresses, err := t.replicas()
			if err != nil {
				return err
			}
			s := cluster.Look(addresses, full)
			if asJSON {
				err = printJSON(c.OutOrStdout(), struct {
					Schema string `json:"schema"`
					cluster.Survey
				}{"exchange.status/v1", s})
			} else {
				err = printSurvey(c.OutOrStdout(), s, full)
			}
			switch {
			case err != nil:
				return err
			case !s.Agree:
				return unsafe(fmt.Errorf("state hashes differ at command %d: replicas have diverged; keep their directories and logs", s.CommonIndex))
			case s.FeedAlarm():
				return unsafe(errors.New("the feed is not to be trusted: see above; keep the replicas' directories and logs"))
			case s.Leader == 0:
				return failed(errors.New("nobody leads: see the replicas' reasons above"))
			}
			return nil
		},
	}
	t.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	c.Flags().BoolVar(&full, "full", false, "hash the whole state too (stops each replica's loop for a moment)")
	return c
}

func printSurvey(out io.Writer, s cluster.Survey, full bool) error {
	w := tabwriter.NewWriter(out, 2, 0, 2, ' ', 0)
	fmt.Fprintln(w, "REPLICA\tPID\tROLE\tEPOCH\tCOMMIT\tAPPLIED\tLAG\tCOMMANDS\tSTATE HASH\tFEED\tSNAPSHOT\tSESSIONS\tDURABILITY")
	var top uint64
	for _, r := range s.Replicas {
		if r.Status != nil {
			top = max(top, r.Status.CommitIndex)
		}
	}
	for _, r := range s.Replicas {
		if r.Status == nil {
			fmt.Fprintf(w, "%d\t-\tdown\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\n", r.ID)
			continue
		}
		st := r.Status
		hash := s.Hashes[r.ID]
		if hash == "" {
			hash = "-"
		}
		fmt.Fprintf(w, "%d\t%d\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%d\t%d\t%d/%d\t%s\n", st.ID, st.PID, st.Role, st.Epoch, st.CommitIndex, st.AppliedIndex,
			top-st.AppliedIndex, st.Commands, hash, st.FeedNumber, st.Feed.SnapshotNext, st.Connected, st.Sessions, st.Durability)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if s.Leader != 0 {
		fmt.Fprintf(out, "\nleader: replica %d\n", s.Leader)
	} else {
		fmt.Fprintf(out, "\nleader: none\n")
	}
	if s.Agree && len(s.Hashes) > 0 {
		fmt.Fprintf(out, "state hashes of %d replicas are equal at command %d\n", len(s.Hashes), s.CommonIndex)
	}
	printFeed(out, s)
	for _, r := range s.Replicas {
		if r.Status == nil {
			fmt.Fprintf(out, "replica %d: %s\n", r.ID, r.Error)
			continue
		}
		if r.Status.Reason != "" {
			fmt.Fprintf(out, "replica %d: %s\n", r.ID, r.Status.Reason)
		}
		if full {
			fmt.Fprintf(out, "replica %d: hash of the whole state %s after command %d\n", r.ID, r.Status.FullHash, r.Status.Commands)
		}
	}
	return nil
}

// printFeed says how far the replicas' feeds are known to be equal, and what is wrong with them.
func printFeed(out io.Writer, s cluster.Survey) {
	equalAt, alarm := uint64(0), false
	for _, r := range s.Replicas {
		if r.Status == nil {
			continue
		}
		f := &r.Status.Feed
		equalAt = max(equalAt, f.EqualAt)
		alarm = alarm || f.Alarm()
		for _, other := range f.Differ {
			fmt.Fprintf(out, "ALARM: the feed of replica %d differs from that of replica %d\n", r.ID, other)
		}
		if f.SnapshotFault != "" {
			fmt.Fprintf(out, "ALARM: replica %d: %s\n", r.ID, f.SnapshotFault)
		}
	}
	if equalAt > 0 && !alarm {
		fmt.Fprintf(out, "feeds are equal message by message at least up to %d\n", equalAt)
	}
}
