package shm

import (
	"exchange/rdmaio"
)

// Config says which process of which cluster this is.
type Config struct {
	// Dir is the cluster's directory, which must exist. All processes of a cluster name the same one, and no two clusters do.
	// Nothing is written to it.
	Dir string
	// Local is this process's id.
	Local rdmaio.NodeID
	// Peers are the ids of the others; Local may be among them.
	Peers []rdmaio.NodeID
	// Incarnation is above that of every earlier process with this id.
	Incarnation uint64
}

// Bounds.
const (
	// SendQueueDepth is how many requests of one pair may stand unretired: unsignaled ones, since a request is done when
	// PostSend returns.
	SendQueueDepth = 256
	// MaxLocalAllocs bounds how often AllocLocal may be called.
	MaxLocalAllocs = 64
	// MaxRegion is the largest region, in bytes.
	MaxRegion = 64 << 30

	maxVisitors = 2 * rdmaio.MaxNodes // connections that the porter holds at once
)
