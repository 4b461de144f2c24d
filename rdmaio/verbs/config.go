package verbs

import (
	"fmt"
	"math/bits"
	"net"
	"time"

	"exchange/rdmaio"
)

// Config says which process of which cluster this is, and by which port of which card it speaks.
type Config struct {
	// Cluster is the cluster's name. Processes of another name are refused.
	Cluster string
	// Local is this process's id.
	Local rdmaio.NodeID
	// Incarnation is above that of every earlier process with this id.
	Incarnation uint64
	// Listen is the address, HOST:PORT, on which peers find this process to exchange queue pair numbers and keys. No data goes
	// over it.
	Listen string
	// Peers are the Listen addresses of the others; Local may be among them.
	Peers map[rdmaio.NodeID]string

	// Device is the RDMA device, as ibv_devices names it. Empty: the first one with an active port.
	Device string
	// Port is the device's port, counted from 1. 0: the first active one.
	Port int
	// GIDIndex is the entry of the port's GID table to speak from. 0: the first RoCEv2 entry with an IPv4 address, else the first
	// RoCEv2 entry, else entry 0.
	GIDIndex int

	// UnreachableAfter is about how long a request waits for a peer that does not answer until it completes as RetryExceeded.
	// 0: DefaultUnreachableAfter. Cards wait for 4.096 µs times a power of two, and up to four times as long as they are told.
	UnreachableAfter time.Duration
	// Batch leaves requests in the process until the pair's completion queue is polled, or until StagedRequests of them wait: then
	// one call into libibverbs posts to all pairs and polls. For an owner loop that polls after every round of posts.
	Batch bool
	// AlwaysCycle takes every right away by the slow path (see the package doc), also where the fast path would do.
	AlwaysCycle bool
}

// Defaults and bounds.
const (
	DefaultUnreachableAfter = 500 * time.Millisecond
	// SendQueueDepth is how many requests of one pair may stand unretired.
	SendQueueDepth = 256
	// StagedRequests is how many requests of one pair wait at most for the next poll, with Config.Batch.
	StagedRequests = 32
	// MaxLocalAllocs bounds how often AllocLocal may be called.
	MaxLocalAllocs = 64
	// MaxRegion is the largest region, in bytes.
	MaxRegion = 64 << 30

	// A request that begins or ends within a word is posted as up to three pieces: see splitAtWords.
	maxPieces  = 3
	sendSlots  = SendQueueDepth * maxPieces // work requests of the card's queue, besides the marker of a drain
	slotRing   = 1024                       // a power of two, above sendSlots
	stageSlots = StagedRequests * maxPieces

	maxVisitors = 2 * rdmaio.MaxNodes // exchange connections that are admitted at once
	retryCount  = 6                   // 7 is the most that the field holds, but to Soft-RoCE it means for ever
	rnrRetries  = 3                   // never 7, which means for ever
	dialPause   = 2 * time.Millisecond
	maxPause    = 200 * time.Millisecond
	dialTimeout = 2 * time.Second
	maxSilence  = 4 * time.Second      // of a peer's system, on an exchange connection
	askPause    = 5 * time.Millisecond // until a connect that came too early is tried again
)

func checkConfig(cfg *Config) error {
	if cfg.Local < 1 || cfg.Local > rdmaio.MaxNodes {
		return fmt.Errorf("verbs: id %d: ids are 1 to %d", cfg.Local, rdmaio.MaxNodes)
	}
	if cfg.Incarnation == 0 {
		return fmt.Errorf("verbs: incarnation 0: count starts from 1")
	}
	if cfg.Cluster == "" {
		return fmt.Errorf("verbs: no cluster name: give all processes of the cluster the same one")
	}
	if _, _, err := net.SplitHostPort(cfg.Listen); err != nil {
		return fmt.Errorf("verbs: listen address %q: %w: give HOST:PORT", cfg.Listen, err)
	}
	peers := make(map[rdmaio.NodeID]string, len(cfg.Peers))
	at := map[string]rdmaio.NodeID{}
	for id, address := range cfg.Peers {
		if id < 1 || id > rdmaio.MaxNodes {
			return fmt.Errorf("verbs: peer %d: ids are 1 to %d", id, rdmaio.MaxNodes)
		}
		if id == cfg.Local {
			continue
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("verbs: peer %d at %q: %w: give HOST:PORT", id, address, err)
		}
		if other, taken := at[address]; taken {
			return fmt.Errorf("verbs: peers %d and %d have the same address %s: each process listens on its own", min(id, other), max(id, other), address)
		}
		at[address], peers[id] = id, address
	}
	cfg.Peers = peers
	if cfg.Port < 0 || cfg.Port > 255 || cfg.GIDIndex < 0 || cfg.GIDIndex > 0xffff {
		return fmt.Errorf("verbs: port %d, GID index %d: ports are 1 to 255 and indices up to 65535, 0 chooses", cfg.Port, cfg.GIDIndex)
	}
	if cfg.UnreachableAfter == 0 {
		cfg.UnreachableAfter = DefaultUnreachableAfter
	}
	if cfg.UnreachableAfter < time.Millisecond || cfg.UnreachableAfter > time.Minute {
		return fmt.Errorf("verbs: a peer unreachable after %v: choose between 1ms and 1m", cfg.UnreachableAfter)
	}
	return nil
}

// timeoutCode is the queue pair's timeout field, 4.096 µs times 2 to its power, with which a request that nobody answers ends
// after the given time at the latest: the first try and retryCount more.
func timeoutCode(unreachable time.Duration) uint8 {
	tries := uint64(unreachable) / (retryCount + 1) / 4096
	if tries == 0 {
		return 1 // 0 would wait for ever
	}
	return uint8(min(max(bits.Len64(tries)-1, 1), 31))
}
