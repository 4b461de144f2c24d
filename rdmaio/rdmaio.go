package rdmaio

import "errors"

// NodeID names one process of the group, 1..MaxNodes. Zero names nobody.
type NodeID uint8

// MaxNodes bounds the group.
const MaxNodes = 16

// PD numbers a protection domain. A provider holds at most one remotely reachable region in each, and a queue pair
// belongs to exactly one: through it the peer reaches that region of ours and no other.
type PD uint8

// MaxPDs bounds the protection domains of one provider.
const MaxPDs = 4

// Access says what the PEER of a queue pair may do to OUR region through that pair.
type Access uint8

const (
	// RemoteRead lets the peer READ.
	RemoteRead Access = 1 << iota
	// RemoteWrite lets the peer WRITE.
	RemoteWrite
)

// Opcode is what a work request asks for.
type Opcode uint8

const (
	// Write copies Local to the peer's region at RemoteOffset.
	Write Opcode = 1 + iota
	// Read copies the peer's region at RemoteOffset into Local.
	Read
)

// WorkRequest is one one-sided operation. The zero Flags ask for a completion; see Unsignaled.
type WorkRequest struct {
	// ID comes back in the completion. The provider gives it no meaning.
	ID uint64
	// Opcode is Write or Read.
	Opcode Opcode
	// Flags is zero or Unsignaled.
	Flags SendFlags
	// RemoteOffset is the first byte in the peer's region.
	RemoteOffset uint64
	// Local is the source of a Write or the destination of a Read. It must lie in memory that this provider gave out
	// (MemoryRegion.Bytes or AllocLocal), or, for a Write, be no longer than MaxInline. It belongs to the provider
	// from PostSend until the completion; an inline Write is copied before PostSend returns.
	Local []byte
}

// SendFlags modify a work request.
type SendFlags uint8

// Unsignaled asks for no completion on success. A failure is always completed. Unsignaled requests still occupy a place
// in the send queue until a later signaled one of the same pair completes.
const Unsignaled SendFlags = 1

// MaxInline is how long a Write may be, in bytes, when Local does not lie in the provider's memory.
const MaxInline = 64

// Status is the outcome of a work request, in the verbs' words.
type Status uint8

const (
	// Success: a Write has been placed in the peer's memory in full, a Read has filled Local in full.
	Success Status = iota
	// RemoteAccessError: the peer's owner does not allow it (no such right, or outside the region). The pair is in
	// StateError. Nothing of the request was placed after the revocation returned at the owner.
	RemoteAccessError
	// RetryExceeded: the peer is dead or cannot be reached. Whether the request took effect is unknown.
	RetryExceeded
	// Flushed: the pair was in StateError already, or went there before this request was tried. No effect, or, if it
	// was in flight when the pair failed, unknown.
	Flushed
)

// Completion is the outcome of one work request.
type Completion struct {
	ID     uint64
	Peer   NodeID
	PD     PD
	Opcode Opcode
	Status Status
}

// QPState is the state of a queue pair.
type QPState uint8

const (
	// StateInit: created or Reset, the peer's end has not been met yet. PostSend returns ErrNotReady.
	StateInit QPState = iota
	// StateReady: ready to send (the verbs' RTS).
	StateReady
	// StateError: a request failed, or the peer died. Everything posted is flushed. Reset is the only way out.
	StateError
)

// EventKind is the kind of an asynchronous event.
type EventKind uint8

const (
	// PeerUp: the peer's process, with a new incarnation, can be reached. Pairs in StateInit to it become ready by
	// themselves; pairs in StateError need a Reset first.
	PeerUp EventKind = 1 + iota
	// PeerDown: the peer's process is KNOWN to be dead (told by the operating system), so it will never write again.
	// All pairs to it are in StateError. A peer that merely does not answer raises no event.
	PeerDown
)

// AsyncEvent tells of a peer, apart from any work request.
type AsyncEvent struct {
	Kind        EventKind
	Peer        NodeID
	Incarnation uint64
}

// Errors of the calls below. Outcomes of work requests are Statuses, not errors.
var (
	// ErrNotReady: the queue pair is not in StateReady.
	ErrNotReady = errors.New("rdmaio: queue pair not ready")
	// ErrQueueFull: the send queue or the completion queue has no room; poll completions and post again.
	ErrQueueFull = errors.New("rdmaio: queue full")
	// ErrBadRequest: opcode, length or local memory is not allowed by the contract. A programmer's error.
	ErrBadRequest = errors.New("rdmaio: bad work request")
	// ErrNotFenced: ModifyAccess could not make sure that the peer's writes have stopped. Nothing may be granted.
	ErrNotFenced = errors.New("rdmaio: access not revoked")
	// ErrClosed: the provider was closed.
	ErrClosed = errors.New("rdmaio: provider closed")
)

// Provider is one process's end of the fabric. Except where a method says otherwise, all methods of a provider and of what
// it gave out are called by ONE goroutine, the owner loop; the provider may run goroutines of its own behind them. No method
// blocks for the network.
type Provider interface {
	// Name is "shm", "tcp", "verbs" or "sim".
	Name() string
	// Local is this process's id.
	Local() NodeID
	// Register makes the one region of the protection domain, size bytes of zeroed, page-aligned memory. It is called
	// once per PD, before the first Connect for that PD. No peer may do anything to it until ModifyAccess says so.
	Register(pd PD, size int) (MemoryRegion, error)
	// AllocLocal gives size bytes that work requests may use as Local and no peer can reach.
	AllocLocal(size int) ([]byte, error)
	// CreateCQ makes a completion queue with room for depth completions.
	CreateCQ(depth int) (CompletionQueue, error)
	// Connect makes our end of the pair to the peer in the protection domain, with no rights for the peer, in StateInit.
	// It becomes ready by itself once the peer has registered the same PD and made its end. The peer may not exist yet.
	Connect(peer NodeID, pd PD, cq CompletionQueue) (QueuePair, error)
	// PollAsync fills dst with events not yet handed out, oldest first, and returns how many.
	PollAsync(dst []AsyncEvent) int
	// Close ends the provider and takes away everything it left in the system. It may be called by any goroutine once the
	// owner loop has stopped.
	Close() error
}

// MemoryRegion is memory of ours that peers reach through queue pairs of its protection domain.
type MemoryRegion interface {
	// Bytes is the owner's view; valid until the provider is closed. Peers write to it at any time: read aligned 8-byte
	// words of it with sync/atomic, and check everything longer (see the memory model in the package doc).
	Bytes() []byte
	// PD is the region's protection domain.
	PD() PD
}

// QueuePair is our end of a reliable connection to one peer in one protection domain. It stands for both directions: what we
// post reaches the peer's region; what the peer may do to ours is the Access that WE set.
type QueuePair interface {
	// Peer and PD name the pair.
	Peer() NodeID
	PD() PD
	// State is the pair's state now.
	State() QPState
	// PeerIncarnation is the incarnation of the peer that the pair is (or was last) connected to; 0 if none yet.
	PeerIncarnation() uint64
	// RemoteSize is the size of the peer's region in bytes; 0 until ready.
	RemoteSize() uint64
	// PostSend starts the request. nil means that a completion will come (or, Unsignaled, may come); an error means that
	// nothing was started: ErrNotReady, ErrQueueFull, ErrBadRequest. Requests of one pair take effect in the order they
	// were posted. Neither wr nor anything but wr.Local is kept.
	PostSend(wr *WorkRequest) error
	// ModifyAccess sets what the peer may do to our region through this pair. When a call that takes RemoteWrite away has
	// returned nil, no byte of any write of that peer, posted before or after, will be placed any more, whatever state
	// the peer's process is in (running, stopped, dead). Revoking from a dead or unknown peer succeeds. ErrNotFenced: it
	// cannot be known; nothing may be granted to another. Rights survive a Reset at the peer's end, but not its death: a
	// new incarnation starts with none. A right can be given only to an incarnation that the pair has met and that is not
	// known to be dead; otherwise ErrNotReady.
	ModifyAccess(a Access) error
	// Access is what ModifyAccess set last, for the present incarnation.
	Access() Access
	// Reset takes the pair out of StateError (or StateReady) into StateInit, dropping what was posted; outstanding
	// requests are completed as Flushed first. It becomes ready again by itself once the peer can be reached.
	Reset() error
}

// CompletionQueue collects completions of the pairs that were connected with it.
type CompletionQueue interface {
	// Poll moves completions into dst and returns how many; it never blocks. Completions of one pair come in the order
	// of posting.
	Poll(dst []Completion) int
}
