//go:build linux && (amd64 || arm64)

package shm

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// Provider is this process in its cluster.
type Provider struct {
	cfg        Config
	cluster    clusterHash
	listener   int
	lifeFD     int
	lifeMem    []byte
	life       *life
	holder     *holder
	porterWake waker
	callers    [rdmaio.MaxNodes + 1]*caller
	running    sync.WaitGroup
	closing    atomic.Bool
	closeOnce  sync.Once

	// What porter and callers leave for the owner loop, and news that there is something.
	mu       sync.Mutex
	regions  [rdmaio.MaxPDs]*region
	fences   [rdmaio.MaxNodes + 1][rdmaio.MaxPDs]*fence
	links    [rdmaio.MaxNodes + 1]*link
	problems [rdmaio.MaxNodes + 1]error
	news     atomic.Uint32

	// The owner loop's own.
	peers    [rdmaio.MaxNodes + 1]peerState
	linked   []rdmaio.NodeID // peers whose life is watched
	pairs    [rdmaio.MaxNodes + 1][rdmaio.MaxPDs]*queuePair
	locals   [][]byte
	async    []rdmaio.AsyncEvent // at most two for each peer: see tell
	unseen   bool                // stored something since the last barrier
	fenceW   uint32
	grants   uint64       // given so far
	windowed []*queuePair // whose region's right is a window
}

// peerState is what the owner loop has taken notice of.
type peerState struct {
	incarnation uint64 // last one told up; 0: none
	down        bool   // and told down since
	link        *link  // to that incarnation
}

type region struct {
	pd      rdmaio.PD
	fd      int
	mem     []byte // whole pages
	size    int
	huge    bool
	part    uint64 // of which a window is made, in bytes; 0: the region is opened as a whole
	written atomic.Uint32
}

func (r *region) Bytes() []byte { return r.mem[:r.size:r.size] }
func (r *region) PD() rdmaio.PD { return r.pd }

// Open joins the cluster. It fails if the system cannot fence (see Probe) or if another process has this id.
func Open(cfg Config) (*Provider, error) {
	if err := checkConfig(&cfg); err != nil {
		return nil, err
	}
	if err := Probe(); err != nil {
		return nil, err
	}
	cluster, err := hashOf(cfg.Dir)
	if err != nil {
		return nil, err
	}
	p := &Provider{cfg: cfg, cluster: cluster, listener: -1, lifeFD: -1, porterWake: -1}
	if err := p.open(); err != nil {
		p.free()
		return nil, err
	}
	p.running.Add(1)
	go p.runPorter()
	for _, id := range cfg.Peers {
		p.running.Add(1)
		go p.callers[id].run()
	}
	return p, nil
}

func checkConfig(cfg *Config) error {
	if cfg.Local < 1 || cfg.Local > rdmaio.MaxNodes {
		return fmt.Errorf("shm: id %d: ids are 1 to %d", cfg.Local, rdmaio.MaxNodes)
	}
	if cfg.Incarnation == 0 {
		return fmt.Errorf("shm: incarnation 0: count starts from 1")
	}
	if cfg.Window < 0 || cfg.Window > MaxRegion {
		return fmt.Errorf("shm: a window of %d bytes: it has 1 to %d, or 0 for the default", cfg.Window, MaxRegion)
	}
	if cfg.Dir == "" {
		return fmt.Errorf("shm: no cluster directory: name the one that all processes of the cluster share")
	}
	peers := slices.DeleteFunc(slices.Clone(cfg.Peers), func(id rdmaio.NodeID) bool { return id == cfg.Local })
	slices.Sort(peers)
	if len(slices.Compact(slices.Clone(peers))) != len(peers) {
		return fmt.Errorf("shm: peers %v: one is named twice", cfg.Peers)
	}
	for _, id := range peers {
		if id < 1 || id > rdmaio.MaxNodes {
			return fmt.Errorf("shm: peer %d: ids are 1 to %d", id, rdmaio.MaxNodes)
		}
	}
	cfg.Peers = peers
	return nil
}

func (p *Provider) open() (err error) {
	if p.lifeFD, p.lifeMem, err = newMemory("exchange-life", pages(lifeSize), 0); err != nil {
		return fmt.Errorf("shm: life page: %w", err)
	}
	p.life = lifeIn(p.lifeMem)
	if p.porterWake, err = newWaker(); err != nil {
		return fmt.Errorf("shm: eventfd: %w", err)
	}
	for _, id := range p.cfg.Peers {
		p.callers[id] = &caller{p: p, peer: id}
		if p.callers[id].wake, err = newWaker(); err != nil {
			p.callers[id].wake = -1
			return fmt.Errorf("shm: eventfd: %w", err)
		}
	}
	if p.listener, err = listen(p.cluster, p.cfg.Local, p.cfg.Dir); err != nil {
		return err
	}
	if p.holder, err = holdLife(p.life); err != nil {
		return fmt.Errorf("shm: crash notice: %w", err)
	}
	return nil
}

// Name is "shm".
func (p *Provider) Name() string { return "shm" }

// Local is this process's id.
func (p *Provider) Local() rdmaio.NodeID { return p.cfg.Local }

// Problem is why the peer could not be reached when it was tried last, or nil. Any goroutine may ask.
func (p *Provider) Problem(peer rdmaio.NodeID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if peer > rdmaio.MaxNodes {
		return nil
	}
	return p.problems[peer]
}

func (p *Provider) setProblem(peer rdmaio.NodeID, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		err = fmt.Errorf("shm: process %d: %w", peer, err)
	}
	p.problems[peer] = err
}

// Register makes the region of a protection domain. Its pages are there when it returns.
func (p *Provider) Register(pd rdmaio.PD, size int) (rdmaio.MemoryRegion, error) {
	switch {
	case p.closing.Load():
		return nil, rdmaio.ErrClosed
	case pd >= rdmaio.MaxPDs:
		return nil, fmt.Errorf("shm: register: protection domain %d: there are only %d, counted from 0", pd, rdmaio.MaxPDs)
	case p.regions[pd] != nil:
		return nil, fmt.Errorf("shm: register: protection domain %d has its region already", pd)
	case size <= 0 || size > MaxRegion:
		return nil, fmt.Errorf("shm: register: %d bytes: a region holds 1 to %d", size, MaxRegion)
	}
	fd, mem, huge, err := newRegionMemory(size)
	if err != nil {
		return nil, fmt.Errorf("shm: register %d bytes: %w", size, err)
	}
	r := &region{pd: pd, fd: fd, mem: mem, size: size, huge: huge}
	r.part = p.cfg.partOf(r)
	p.mu.Lock()
	p.regions[pd] = r
	p.mu.Unlock()
	p.porterWake.wake()
	return r, nil
}

// Fencing says how stale writers are kept out of the regions registered so far, and of which pages the largest is.
func (p *Provider) Fencing() string {
	var largest *region
	for _, r := range p.regions {
		if r != nil && (largest == nil || r.size > largest.size) {
			largest = r
		}
	}
	text := "userfaultfd write protection"
	if largest == nil {
		return text
	}
	if largest.huge {
		return text + ", 2 MiB pages"
	}
	text = fmt.Sprintf("%s, %d KiB pages", text, pageSize>>10)
	if largest.part != 0 {
		text += fmt.Sprintf(", a window of %d KiB", windowParts*largest.part>>10)
	}
	return text
}

// AllocLocal gives page-aligned memory that no peer can reach, at most MaxLocalAllocs times.
func (p *Provider) AllocLocal(size int) ([]byte, error) {
	switch {
	case p.closing.Load():
		return nil, rdmaio.ErrClosed
	case size <= 0:
		return nil, fmt.Errorf("shm: local memory: %d bytes: ask for at least one", size)
	case len(p.locals) == MaxLocalAllocs:
		return nil, fmt.Errorf("shm: local memory: asked for %d times already: ask for larger pieces", MaxLocalAllocs)
	}
	mem, err := unix.Mmap(-1, 0, pages(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("shm: local memory of %d bytes: %w", size, err)
	}
	p.locals = append(p.locals, mem)
	return mem[:size:size], nil
}

// CreateCQ makes a completion queue.
func (p *Provider) CreateCQ(depth int) (rdmaio.CompletionQueue, error) {
	if p.closing.Load() {
		return nil, rdmaio.ErrClosed
	}
	if depth <= 0 {
		return nil, fmt.Errorf("shm: completion queue of depth %d: it holds at least one", depth)
	}
	return newCompletionQueue(p, depth), nil
}

// Connect makes our end of a pair. The peer must be among Config.Peers.
func (p *Provider) Connect(peer rdmaio.NodeID, pd rdmaio.PD, cq rdmaio.CompletionQueue) (rdmaio.QueuePair, error) {
	queue, ok := cq.(*completionQueue)
	switch {
	case p.closing.Load():
		return nil, rdmaio.ErrClosed
	case peer > rdmaio.MaxNodes || p.callers[peer] == nil:
		return nil, fmt.Errorf("shm: connect: peer %d is not among the configured peers %v", peer, p.cfg.Peers)
	case pd >= rdmaio.MaxPDs || p.regions[pd] == nil:
		return nil, fmt.Errorf("shm: connect: protection domain %d has no region: register it first", pd)
	case !ok || queue.owner != p:
		return nil, fmt.Errorf("shm: connect: the completion queue is not of this provider")
	case p.pairs[peer][pd] != nil:
		return nil, fmt.Errorf("shm: connect: peer %d is connected in protection domain %d already", peer, pd)
	}
	q := &queuePair{owner: p, peer: peer, pd: pd, cq: queue}
	queue.pairs = append(queue.pairs, q)
	if p.regions[pd].part != 0 {
		p.windowed = append(p.windowed, q)
	}
	p.pairs[peer][pd] = q
	p.callers[peer].wanted[pd].Store(true)
	p.callers[peer].wake.wake()
	p.news.Store(1)
	return q, nil
}

// owns finds the piece of memory, given out by this provider, that b lies in.
func (p *Provider) owns(b []byte) (piece []byte, ok bool) {
	for _, r := range p.regions {
		if r != nil && inside(b, r.mem) {
			return r.mem[:r.size], true
		}
	}
	for _, l := range p.locals {
		if inside(b, l) {
			return l, true
		}
	}
	return nil, false
}

func inside(b, whole []byte) bool {
	first, start := uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	return first >= start && first-start+uintptr(len(b)) <= uintptr(len(whole))
}

// Close leaves the cluster: peers are told as of a death. The owner loop must have stopped; memory that was given out is gone.
func (p *Provider) Close() error {
	p.closeOnce.Do(func() {
		p.closing.Store(true)
		for _, pds := range p.pairs {
			for _, q := range pds {
				if q != nil {
					q.state, q.target, q.link, q.queued = rdmaio.StateError, nil, nil, 0
				}
			}
		}
		p.porterWake.wake()
		for _, c := range p.callers {
			if c != nil {
				c.wake.wake()
			}
		}
		p.running.Wait()
		p.free()
	})
	return nil
}

// free gives everything back to the system. Our writers' mappings are gone before our life is over.
func (p *Provider) free() {
	if p.holder != nil {
		p.holder.letGo(p.life)
	}
	for _, pds := range p.fences {
		for _, f := range pds {
			if f != nil {
				f.close()
			}
		}
	}
	for _, pds := range p.pairs {
		for _, q := range pds {
			if q != nil && q.fence != nil {
				q.fence.close()
				q.fence = nil
			}
		}
	}
	for _, r := range p.regions {
		if r != nil {
			_ = unix.Munmap(r.mem)
			unix.Close(r.fd)
		}
	}
	for _, l := range p.locals {
		_ = unix.Munmap(l)
	}
	if p.lifeMem != nil {
		_ = unix.Munmap(p.lifeMem)
	}
	fds := []int{p.listener, p.lifeFD, int(p.porterWake)}
	for _, c := range p.callers {
		if c != nil {
			fds = append(fds, int(c.wake))
		}
	}
	for _, fd := range fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
