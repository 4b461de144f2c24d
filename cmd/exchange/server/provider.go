package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"exchange/rdmaio"
	"exchange/rdmaio/shm"
	"exchange/rdmaio/tcp"
	"exchange/rdmaio/verbs"
)

// CanRun tells whether this host can run the provider, and if not, why and what to do.
func CanRun(provider string) error {
	switch provider {
	case "shm":
		if err := shm.Probe(); err != nil {
			return fmt.Errorf("provider shm cannot fence a stale writer on this system: %w", err)
		}
		return nil
	case "tcp":
		return nil
	case "verbs":
		if err := verbs.Probe(); err != nil {
			return fmt.Errorf("provider verbs: %w", err)
		}
		return nil
	default:
		return fmt.Errorf("provider %q: choose shm (replica processes of one host), tcp (any hosts) or verbs (RDMA cards)", provider)
	}
}

// BestProvider is shm where this host can run it, and otherwise tcp; why says what is missing for shm.
func BestProvider() (provider string, why error) {
	if err := CanRun("shm"); err != nil {
		return "tcp", err
	}
	return "shm", nil
}

// OpenProvider joins a process that is no replica, a benchmark's, to the memory of the others in its configuration. watch may be nil.
func OpenProvider(cfg *Config, incarnation uint64, watch shm.Watch) (rdmaio.Provider, error) {
	p, _, err := openProvider(cfg, incarnation, nil, watch)
	return p, err
}

// openProvider joins this replica's memory to the cluster's. fencing says in a few words how stale writers are kept out. notice is told of
// what happens to connections; it may be called by any goroutine. watch, if it is not nil, is told of deaths by a provider that knows of them at once.
func openProvider(cfg *Config, incarnation uint64, notice func(peer rdmaio.NodeID, what string), watch shm.Watch) (p rdmaio.Provider, fencing string, err error) {
	if err := CanRun(cfg.Provider); err != nil {
		return nil, "", err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, "", err
	}
	switch cfg.Provider {
	case "tcp":
		p, err = openTCP(cfg, incarnation, notice)
		fencing = "grant checked by the receiver"
	case "verbs":
		p, err = openVerbs(cfg, incarnation)
		fencing = "queue pair access flags"
	default:
		p, err = shm.Open(shm.Config{Dir: cfg.Dir, Local: rdmaio.NodeID(cfg.ID), Peers: cfg.peers(), Incarnation: incarnation, Watch: watch})
		fencing = "userfaultfd write protection"
	}
	if err != nil {
		return nil, "", fmt.Errorf("provider %s: %w", cfg.Provider, err)
	}
	return p, fencing, nil
}

func openTCP(cfg *Config, incarnation uint64, notice func(rdmaio.NodeID, string)) (rdmaio.Provider, error) {
	secure, err := cfg.replicationTLS()
	if err != nil {
		return nil, err
	}
	self, peers := cfg.replicationAddresses()
	return tcp.Open(tcp.Config{
		Cluster: cfg.Cluster, Local: rdmaio.NodeID(cfg.ID), Incarnation: incarnation, Listen: self, Peers: peers,
		Unreachable: cfg.Replication.Unreachable.D(), TLS: secure, Notice: notice,
	})
}

func openVerbs(cfg *Config, incarnation uint64) (rdmaio.Provider, error) {
	self, peers := cfg.replicationAddresses()
	r := &cfg.Replication
	return verbs.Open(verbs.Config{
		Cluster: cfg.Cluster, Local: rdmaio.NodeID(cfg.ID), Incarnation: incarnation, Listen: self, Peers: peers,
		Device: r.Device, Port: r.Port, GIDIndex: r.GIDIndex, UnreachableAfter: r.Unreachable.D(), Batch: true,
	})
}

// replicationAddresses gives where this replica listens for the others, and where they do.
func (c *Config) replicationAddresses() (self string, peers map[rdmaio.NodeID]string) {
	peers = map[rdmaio.NodeID]string{}
	for _, m := range c.Members {
		if m.ID == c.ID {
			self = m.Replication
		} else {
			peers[rdmaio.NodeID(m.ID)] = m.Replication
		}
	}
	return self, peers
}

// replicationTLS reads the certificates; nil without any.
func (c *Config) replicationTLS() (*tls.Config, error) {
	r := &c.Replication
	if r.TLSCertificate == "" && r.TLSKey == "" && r.TLSAuthority == "" {
		return nil, nil
	}
	if r.TLSCertificate == "" || r.TLSKey == "" || r.TLSAuthority == "" {
		return nil, errors.New("replication: tls_certificate, tls_key and tls_authority belong together; name all three, or none")
	}
	own, err := tls.LoadX509KeyPair(r.TLSCertificate, r.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("replication: tls_certificate %s, tls_key %s: %w", r.TLSCertificate, r.TLSKey, err)
	}
	text, err := os.ReadFile(r.TLSAuthority)
	if err != nil {
		return nil, fmt.Errorf("replication: tls_authority: %w", err)
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("replication: tls_authority %s: no certificate in it; a PEM file is needed", r.TLSAuthority)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{own}, RootCAs: authority, ClientCAs: authority,
		ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	}, nil
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
