package tcp

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// Provider is this process's end. See rdmaio.Provider for what its methods promise.
type Provider struct {
	cfg      Config
	started  time.Time
	listener net.Listener

	// The owner loop's own.
	regions [rdmaio.MaxPDs]*region
	pieces  [][]byte // of memory given out, regions first in no order
	locals  int
	pairs   []*queuePair
	events  []rdmaio.AsyncEvent
	known   [rdmaio.MaxNodes + 1]uint64 // incarnation told up last
	alive   [rdmaio.MaxNodes + 1]bool   // and not down
	looked  int64

	// Shared with the goroutines.
	mu      sync.Mutex
	peers   [rdmaio.MaxNodes + 1]peer
	ends    [rdmaio.MaxNodes + 1][rdmaio.MaxPDs]end
	serving map[net.Conn]struct{}
	queue   []news
	taken   []news // the other half of the double buffer; the loop's
	waiting atomic.Bool

	closing    atomic.Bool
	closed     chan struct{}
	background sync.WaitGroup
}

// end is what the goroutines need to know of a pair.
type end struct {
	region *region
	bound  uint64 // the incarnation that our end belongs to until it is Reset; 0: any
	serial uint64 // of the attempt to connect that counts
}

// Open listens and begins to answer. The owner loop must poll for anything to be sent.
func Open(cfg Config) (*Provider, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("tcp: listen for the other replicas: %w; choose another address", err)
	}
	p := &Provider{
		cfg: cfg, started: time.Now(), listener: l, serving: map[net.Conn]struct{}{}, closed: make(chan struct{}),
	}
	p.background.Add(1)
	go p.accept()
	return p, nil
}

// Addr is where this process listens.
func (p *Provider) Addr() string { return p.listener.Addr().String() }

// now is monotonic time, ns.
func (p *Provider) now() int64 { return int64(time.Since(p.started)) }

// Name is "tcp".
func (p *Provider) Name() string { return "tcp" }

// Local is this process's id.
func (p *Provider) Local() rdmaio.NodeID { return p.cfg.Local }

// Register makes the region of a protection domain.
func (p *Provider) Register(pd rdmaio.PD, size int) (rdmaio.MemoryRegion, error) {
	if p.closing.Load() {
		return nil, rdmaio.ErrClosed
	}
	if pd >= rdmaio.MaxPDs || p.regions[pd] != nil {
		return nil, fmt.Errorf("tcp: protection domain %d is out of range or has its region already", pd)
	}
	mem, err := p.memory(size)
	if err != nil {
		return nil, err
	}
	p.regions[pd] = &region{pd: pd, mem: mem, size: uint64(size)}
	return p.regions[pd], nil
}

// AllocLocal gives memory for the other side of work requests.
func (p *Provider) AllocLocal(size int) ([]byte, error) {
	if p.closing.Load() {
		return nil, rdmaio.ErrClosed
	}
	if p.locals == MaxLocalAllocs {
		return nil, fmt.Errorf("tcp: more than %d local allocations", MaxLocalAllocs)
	}
	mem, err := p.memory(size)
	if err != nil {
		return nil, err
	}
	p.locals++
	return mem[:size:size], nil
}

// memory gives zeroed memory that starts at a page and is whole words long.
func (p *Provider) memory(size int) ([]byte, error) {
	if size <= 0 || size > MaxRegion {
		return nil, fmt.Errorf("tcp: memory of %d bytes: 1 to %d", size, uint64(MaxRegion))
	}
	mem, err := unix.Mmap(-1, 0, (size+7)&^7, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("tcp: memory of %d bytes: %w", size, err)
	}
	p.pieces = append(p.pieces, mem)
	return mem, nil
}

// owns finds the piece of memory that b lies in.
func (p *Provider) owns(b []byte) ([]byte, bool) {
	for _, piece := range p.pieces {
		if inside(b, piece) {
			return piece, true
		}
	}
	return nil, false
}

// offset gives where b, which was checked to be ours, lies in its piece.
func (p *Provider) offset(b []byte) (uint64, []byte) {
	piece, _ := p.owns(b)
	return uint64(uintptr(unsafe.Pointer(&b[0])) - uintptr(unsafe.Pointer(&piece[0]))), piece
}

func inside(b, piece []byte) bool {
	if len(piece) == 0 {
		return false
	}
	first, base := uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&piece[0]))
	return first >= base && first+uintptr(len(b)) <= base+uintptr(len(piece))
}

// CreateCQ makes a completion queue.
func (p *Provider) CreateCQ(depth int) (rdmaio.CompletionQueue, error) {
	if p.closing.Load() {
		return nil, rdmaio.ErrClosed
	}
	if depth <= 0 {
		return nil, fmt.Errorf("tcp: completion queue of depth %d", depth)
	}
	return newCompletionQueue(p, depth), nil
}

// Connect makes our end of a pair and begins to look for the other.
func (p *Provider) Connect(peer rdmaio.NodeID, pd rdmaio.PD, cq rdmaio.CompletionQueue) (rdmaio.QueuePair, error) {
	if p.closing.Load() {
		return nil, rdmaio.ErrClosed
	}
	queue, ok := cq.(*completionQueue)
	if _, member := p.cfg.Peers[peer]; !member || peer == p.cfg.Local {
		return nil, fmt.Errorf("tcp: %d is not a peer of %d", peer, p.cfg.Local)
	}
	if pd >= rdmaio.MaxPDs || p.regions[pd] == nil {
		return nil, fmt.Errorf("tcp: protection domain %d has no region", pd)
	}
	if !ok || queue.owner != p {
		return nil, fmt.Errorf("tcp: a completion queue of this provider is needed")
	}
	for _, q := range p.pairs {
		if q.peer == peer && q.pd == pd {
			return nil, fmt.Errorf("tcp: the pair to %d in domain %d exists", peer, pd)
		}
	}
	q := &queuePair{
		owner: p, region: p.regions[pd], peer: peer, pd: pd, cq: queue, out: make([]byte, 0, outBytes), in: make([]byte, 0, inBytes),
	}
	p.pairs = append(p.pairs, q)
	queue.pairs = append(queue.pairs, q)
	p.mu.Lock()
	p.ends[peer][pd].region = p.regions[pd]
	p.mu.Unlock()
	p.seek(q)
	return q, nil
}

// seek begins a new attempt to connect a pair, for whatever incarnation there is.
func (p *Provider) seek(q *queuePair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := &p.ends[q.peer][q.pd]
	e.bound = 0
	e.serial++
	q.serial = e.serial
	p.background.Add(1)
	go p.dial(q, e.serial)
}

// bind says that our end belongs to an incarnation until it is Reset.
func (p *Provider) bind(q *queuePair, incarnation uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ends[q.peer][q.pd].bound = incarnation
}

func (p *Provider) wanted(q *queuePair, serial uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ends[q.peer][q.pd].serial == serial
}

// open gives the region that a hello asks for, if our end is there for its incarnation.
func (p *Provider) open(h *hello) (*region, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := &p.ends[h.from][h.pd]
	return e.region, e.region != nil && (e.bound == 0 || e.bound == h.incarnation)
}

// PollAsync hands out what has happened to peers, and looks after the connections every millisecond.
func (p *Provider) PollAsync(dst []rdmaio.AsyncEvent) int {
	if p.closing.Load() {
		return 0
	}
	p.takeNews()
	if now := p.now(); now-p.looked >= lookEvery {
		p.looked = now
		for _, q := range p.pairs {
			q.look(now)
		}
	}
	n := copy(dst, p.events)
	if n > 0 {
		p.events = p.events[:copy(p.events, p.events[n:])]
	}
	return n
}

// Close says good-bye to the peers and ends everything.
func (p *Provider) Close() error {
	p.mu.Lock()
	if p.closing.Swap(true) {
		p.mu.Unlock()
		<-p.closed
		return nil
	}
	p.mu.Unlock()
	for _, q := range p.pairs {
		q.sayBye()
	}
	err := p.listener.Close()
	p.mu.Lock()
	for conn := range p.serving {
		conn.Close()
	}
	for _, n := range p.queue {
		if n.link != nil {
			n.link.stream.close()
		}
	}
	p.mu.Unlock()
	close(p.closed)
	p.background.Wait()
	// The memory stays: readers of a region that outlive the provider find it as it was.
	return err
}

// sayBye ends a pair at its owner's close. The word is not waited for: who does not get it finds out otherwise.
func (q *queuePair) sayBye() {
	if q.stream != nil {
		if q.sent == 0 {
			var b [requestBytes]byte
			(&request{kind: askBye, last: 1}).put(b[:])
			_, _ = q.stream.tryWrite(b[:])
		}
		q.stream.close()
		q.stream = nil
	}
	q.state = rdmaio.StateError
}
