package sim

import (
	"fmt"
	"unsafe"

	"exchange/rdmaio"
)

// Provider is one process on the Network, in one incarnation. Once it has crashed or was closed, its calls return
// rdmaio.ErrClosed and its queues give nothing.
type Provider struct {
	net         *Network
	id          rdmaio.NodeID
	incarnation uint64
	regions     [rdmaio.MaxPDs]*region
	locals      [][]byte
	pairs       [rdmaio.MaxNodes + 1][rdmaio.MaxPDs]*QueuePair
	peers       [rdmaio.MaxNodes + 1]peerKnowledge
	async       []rdmaio.AsyncEvent // at most two for each peer: see tell

	dead     bool
	silent   bool  // no peer is told of the death until a new incarnation appears
	silentAt int64 // the first notice of the death: from then on nothing of ours lands anywhere
}

// peerKnowledge is what a process has been told of another.
type peerKnowledge struct {
	incarnation uint64 // last one told up; 0: none
	down        bool   // and told down since
}

type region struct {
	pd    rdmaio.PD
	bytes []byte
}

func (r *region) Bytes() []byte { return r.bytes }
func (r *region) PD() rdmaio.PD { return r.pd }

const pageSize = 4096

// newPages makes zeroed, page-aligned memory.
func newPages(size int) []byte {
	b := make([]byte, size+pageSize)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (pageSize - 1)
	return b[skip : skip+size : skip+size]
}

// Name is "sim".
func (p *Provider) Name() string { return "sim" }

// Local is the process's id.
func (p *Provider) Local() rdmaio.NodeID { return p.id }

// Incarnation is the process's incarnation.
func (p *Provider) Incarnation() uint64 { return p.incarnation }

// Register makes the region of a protection domain.
func (p *Provider) Register(pd rdmaio.PD, size int) (rdmaio.MemoryRegion, error) {
	switch {
	case p.dead:
		return nil, rdmaio.ErrClosed
	case pd >= rdmaio.MaxPDs:
		return nil, fmt.Errorf("sim: register: protection domain %d: there are only %d, counted from 0", pd, rdmaio.MaxPDs)
	case p.regions[pd] != nil:
		return nil, fmt.Errorf("sim: register: protection domain %d has its region already", pd)
	case size <= 0:
		return nil, fmt.Errorf("sim: register: %d bytes: a region holds at least one", size)
	}
	r := &region{pd: pd, bytes: newPages(size)}
	p.regions[pd] = r
	return r, nil
}

// AllocLocal gives memory that no peer can reach, at most MaxLocalAllocs times.
func (p *Provider) AllocLocal(size int) ([]byte, error) {
	switch {
	case p.dead:
		return nil, rdmaio.ErrClosed
	case size <= 0:
		return nil, fmt.Errorf("sim: local memory: %d bytes: ask for at least one", size)
	case len(p.locals) == MaxLocalAllocs:
		return nil, fmt.Errorf("sim: local memory: asked for %d times already: ask for larger pieces", MaxLocalAllocs)
	}
	b := newPages(size)
	p.locals = append(p.locals, b)
	return b, nil
}

// CreateCQ makes a completion queue.
func (p *Provider) CreateCQ(depth int) (rdmaio.CompletionQueue, error) {
	if p.dead {
		return nil, rdmaio.ErrClosed
	}
	if depth <= 0 {
		return nil, fmt.Errorf("sim: completion queue of depth %d: it holds at least one", depth)
	}
	return &completionQueue{owner: p, ring: make([]rdmaio.Completion, depth)}, nil
}

// Connect makes our end of a pair.
func (p *Provider) Connect(peer rdmaio.NodeID, pd rdmaio.PD, cq rdmaio.CompletionQueue) (rdmaio.QueuePair, error) {
	queue, ok := cq.(*completionQueue)
	switch {
	case p.dead:
		return nil, rdmaio.ErrClosed
	case peer < 1 || peer > rdmaio.MaxNodes || peer == p.id:
		return nil, fmt.Errorf("sim: connect: peer %d: a peer is another process, 1 to %d", peer, rdmaio.MaxNodes)
	case pd >= rdmaio.MaxPDs || p.regions[pd] == nil:
		return nil, fmt.Errorf("sim: connect: protection domain %d has no region: register it first", pd)
	case !ok || queue.owner != p:
		return nil, fmt.Errorf("sim: connect: the completion queue is not of this provider")
	case p.pairs[peer][pd] != nil:
		return nil, fmt.Errorf("sim: connect: peer %d is connected in protection domain %d already", peer, pd)
	}
	qp := &QueuePair{owner: p, peer: peer, pd: pd, cq: queue}
	p.pairs[peer][pd] = qp
	p.net.seek(qp)
	return qp, nil
}

// PollAsync hands out events of peers.
func (p *Provider) PollAsync(dst []rdmaio.AsyncEvent) int {
	if p.dead {
		return 0
	}
	k := copy(dst, p.async)
	p.async = p.async[:copy(p.async, p.async[k:])]
	return k
}

// Close ends the process as its exit would: peers are told.
func (p *Provider) Close() error {
	if !p.dead {
		p.net.end(p, true)
	}
	return nil
}

// owns reports whether b lies within memory that this provider gave out.
func (p *Provider) owns(b []byte) bool {
	for _, r := range p.regions {
		if r != nil && inside(b, r.bytes) {
			return true
		}
	}
	for _, l := range p.locals {
		if inside(b, l) {
			return true
		}
	}
	return false
}

func inside(b, whole []byte) bool {
	first, start := uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	return first >= start && first+uintptr(len(b)) <= start+uintptr(len(whole))
}
