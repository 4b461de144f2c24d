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
	// Window is how many bytes of a region of ordinary pages the right to write covers at once (see the package doc). 0: DefaultWindow for
	// regions longer than WholeRegion. Above 0: for every region longer than that.
	Window int
	// Watch is told of deaths at once, before PeerDown. nil: nobody is.
	Watch Watch
}

// Watch is called on a thread of its own for each peer, which does nothing but wait for that peer's death: see Death in the package doc.
type Watch interface {
	// Begin is called first. It may ask the system for the thread's priority.
	Begin()
	// Died says that the kernel has marked the peer's life word. PeerDown follows when the owner loop polls. It may be said of a peer that lives, if
	// its memory was let go of at that moment.
	Died(peer rdmaio.NodeID)
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
	// WholeRegion is the longest region, in bytes, that is granted as a whole whatever its pages.
	WholeRegion = 5 << 20
	// DefaultWindow is the window on a longer one of ordinary pages, in bytes.
	DefaultWindow = 1 << 20

	maxVisitors = 2 * rdmaio.MaxNodes // connections that the porter holds at once
)
