package server

import (
	"fmt"
	"os"

	"exchange/rdmaio"
	"exchange/rdmaio/shm"
)

// CanRun tells whether this host can run the provider, and if not, why and what to do.
func CanRun(provider string) error {
	switch provider {
	case "shm":
		if err := shm.Probe(); err != nil {
			return fmt.Errorf("provider shm cannot fence a stale writer on this system: %w", err)
		}
		return nil
	default:
		return fmt.Errorf("provider %q: there is shm (replica processes of one host)", provider)
	}
}

// openProvider joins this replica's memory to the cluster's. fencing says in a few words how stale writers are kept out.
func openProvider(cfg *Config, incarnation uint64) (p rdmaio.Provider, fencing string, err error) {
	if err := CanRun(cfg.Provider); err != nil {
		return nil, "", err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, "", err
	}
	p, err = shm.Open(shm.Config{Dir: cfg.Dir, Local: rdmaio.NodeID(cfg.ID), Peers: cfg.peers(), Incarnation: incarnation})
	if err != nil {
		return nil, "", fmt.Errorf("provider shm: %w", err)
	}
	return p, "userfaultfd write protection", nil
}

// members lists all replicas' ids, peers all but this one's.
func (c *Config) members() (all []rdmaio.NodeID) {
	for _, m := range c.Members {
		all = append(all, rdmaio.NodeID(m.ID))
	}
	return all
}

func (c *Config) peers() (all []rdmaio.NodeID) {
	for _, id := range c.members() {
		if int(id) != c.ID {
			all = append(all, id)
		}
	}
	return all
}
