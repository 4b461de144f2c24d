package tcp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"exchange/rdmaio"
)

// Config says who this process is and where the others are.
type Config struct {
	// Cluster is the cluster's name, at most 64 bytes. Processes of another name are refused.
	Cluster string
	// Local is this process's id.
	Local rdmaio.NodeID
	// Incarnation is above that of every earlier process with this id.
	Incarnation uint64
	// Listen is the address, HOST:PORT, on which peers reach this process's memory. Port 0 lets the system choose; see Provider.Addr.
	Listen string
	// Peers are the others' Listen addresses. Local may be among them and is passed over.
	Peers map[rdmaio.NodeID]string
	// Unreachable is how long a peer may leave requests, or the pings on an idle pair, without an answer before the pair is
	// called broken. 0: DefaultUnreachable.
	Unreachable time.Duration
	// TLS, if not nil, is used for all connections: a certificate for MemberName(Local, Cluster), RootCAs and ClientCAs. Both ends verify.
	TLS *tls.Config
	// Notice, if not nil, is told when a connection to a peer fails or is refused, once for each reason in a row. It is called by goroutines
	// of the provider.
	Notice func(peer rdmaio.NodeID, what string)
}

// Defaults and bounds.
const (
	// DefaultUnreachable is long enough for a busy shared machine.
	DefaultUnreachable = 250 * time.Millisecond
	// SendQueueDepth is how many requests of one pair may be outstanding, or done and not retired.
	SendQueueDepth = 256
	// MaxPiece is the most that is placed of a write, or read, under one hold of the region's lock, in bytes.
	MaxPiece = 64 << 10
	// MaxLocalAllocs bounds how often AllocLocal may be called.
	MaxLocalAllocs = 64
	// MaxRegion bounds a region and a local allocation, in bytes.
	MaxRegion = 1 << 32
	// maxInbound bounds the connections served at one time, those in the handshake included.
	maxInbound = 4 * rdmaio.MaxNodes * rdmaio.MaxPDs

	maxClusterName   = 64
	handshakePatient = 2 * time.Second
	backOffFirst     = time.Millisecond
	backOffMost      = 100 * time.Millisecond
	probeLast        = 128 * time.Millisecond // the last wait of a probe
	pingsPerLimit    = 3                      // pings sent on an idle pair within Unreachable
	lookEvery        = int64(time.Millisecond)
)

// MemberName is the DNS name that a member's certificate must be for.
func MemberName(id rdmaio.NodeID, cluster string) string {
	return fmt.Sprintf("replica-%d.%s", id, cluster)
}

func (c *Config) complete() error {
	if c.Local == 0 || c.Local > rdmaio.MaxNodes {
		return fmt.Errorf("tcp: id %d: ids are 1 to %d", c.Local, rdmaio.MaxNodes)
	}
	if c.Incarnation == 0 {
		return errors.New("tcp: incarnation 0: the first is 1")
	}
	if len(c.Cluster) > maxClusterName {
		return fmt.Errorf("tcp: cluster name of %d bytes: at most %d", len(c.Cluster), maxClusterName)
	}
	for id, address := range c.Peers {
		if id == 0 || id > rdmaio.MaxNodes {
			return fmt.Errorf("tcp: peer id %d: ids are 1 to %d", id, rdmaio.MaxNodes)
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("tcp: address %q of peer %d is not HOST:PORT", address, id)
		}
	}
	if c.Unreachable == 0 {
		c.Unreachable = DefaultUnreachable
	}
	if c.Unreachable < time.Millisecond {
		return fmt.Errorf("tcp: unreachable after %v: at least 1ms", c.Unreachable)
	}
	if c.TLS != nil && (len(c.TLS.Certificates) == 0 && c.TLS.GetCertificate == nil || c.TLS.RootCAs == nil || c.TLS.ClientCAs == nil) {
		return errors.New("tcp: TLS needs a certificate, RootCAs and ClientCAs")
	}
	return nil
}
