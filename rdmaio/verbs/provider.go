//go:build verbs && linux && cgo

package verbs

/*
#include "device.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// Provider is this process in its cluster.
type Provider struct {
	cfg     Config
	cluster [clusterLen]byte
	timeout uint8 // of queue pairs, as the card counts
	port    *port
	unused  *C.struct_ibv_cq // gates need one, and nothing ever comes there
	stopped int              // eventfd: watchDevice is to end
	dialer  net.Dialer
	host    *host
	peers   [rdmaio.MaxNodes + 1]*peer

	ctx       context.Context
	cancel    context.CancelFunc
	running   sync.WaitGroup
	watching  sync.WaitGroup
	closing   atomic.Bool
	closeOnce sync.Once
	news      atomic.Bool // hosts and callers have left something for the owner loop
	problem   atomic.Pointer[error]

	// The owner loop's own.
	domains [rdmaio.MaxPDs]*C.struct_ibv_pd
	regions [rdmaio.MaxPDs]*piece
	locals  []*piece
	queues  []*completionQueue
	byIndex [maxPairs]*queuePair
	seen    [rdmaio.MaxNodes + 1]life // what the pairs follow
	told    [rdmaio.MaxNodes + 1]life // what PollAsync has handed out
	untold  bool
}

// Open joins the cluster. It fails if there is no device with an active port, or if the address cannot be listened on.
func Open(cfg Config) (*Provider, error) {
	if err := checkConfig(&cfg); err != nil {
		return nil, err
	}
	p := &Provider{cfg: cfg, cluster: clusterHash(cfg.Cluster), timeout: timeoutCode(cfg.UnreachableAfter), stopped: -1}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	if err := p.open(); err != nil {
		p.cancel()
		p.free()
		return nil, err
	}
	p.watching.Add(1)
	go p.watchDevice()
	p.running.Add(1)
	go p.host.run()
	for _, r := range p.peers {
		if r != nil {
			p.running.Add(1)
			go (&caller{owner: p, peer: r}).run()
		}
	}
	return p, nil
}

func (p *Provider) open() (err error) {
	if p.port, err = openPort(&p.cfg); err != nil {
		return err
	}
	if err := p.port.quiesce(); err != nil {
		return fmt.Errorf("verbs: %w", err)
	}
	var cerr error
	if p.unused, cerr = C.ibv_create_cq(p.port.c.context, 16, nil, nil, 0); p.unused == nil {
		return fmt.Errorf("verbs: completion queue: %w", cerr)
	}
	if p.stopped, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		p.stopped = -1
		return fmt.Errorf("verbs: eventfd: %w", err)
	}
	alive := net.KeepAliveConfig{Enable: true, Idle: max(time.Second, p.cfg.UnreachableAfter), Interval: time.Second, Count: 3}
	p.dialer = net.Dialer{Timeout: dialTimeout, KeepAliveConfig: alive, Control: boundSilence}
	listen := net.ListenConfig{KeepAliveConfig: alive, Control: boundSilence}
	listener, err := listen.Listen(p.ctx, "tcp", p.cfg.Listen)
	if err != nil {
		return fmt.Errorf("verbs: listen on %s: %w: is this process running already?", p.cfg.Listen, err)
	}
	p.host = &host{owner: p, listener: listener, visitors: map[*visitor]bool{}}
	for id, address := range p.cfg.Peers {
		p.peers[id] = &peer{owner: p, id: id, address: address, wake: make(chan struct{}, 1)}
	}
	return nil
}

// boundSilence breaks a connection on which what was sent is not acknowledged, which keep-alive does not look at.
func boundSilence(_, _ string, conn syscall.RawConn) (err error) {
	if cerr := conn.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(maxSilence.Milliseconds()))
	}); cerr != nil {
		return cerr
	}
	return err
}

// Name is "verbs".
func (p *Provider) Name() string { return "verbs" }

// Local is this process's id.
func (p *Provider) Local() rdmaio.NodeID { return p.cfg.Local }

// Device tells by which device, port and GID this process speaks.
func (p *Provider) Device() string { return p.port.describe() }

// Problem is why the peer could not be reached or served when it was tried last, or nil. Any goroutine may ask.
func (p *Provider) Problem(id rdmaio.NodeID) error {
	if id > rdmaio.MaxNodes || p.peers[id] == nil {
		return nil
	}
	if err := p.problem.Load(); err != nil {
		return *err
	}
	r := p.peers[id]
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problem
}

// Register makes the region of a protection domain and pins it.
func (p *Provider) Register(pd rdmaio.PD, size int) (rdmaio.MemoryRegion, error) {
	switch {
	case p.closing.Load():
		return nil, rdmaio.ErrClosed
	case pd >= rdmaio.MaxPDs:
		return nil, fmt.Errorf("verbs: register: protection domain %d: there are only %d, counted from 0", pd, rdmaio.MaxPDs)
	case p.regions[pd] != nil:
		return nil, fmt.Errorf("verbs: register: protection domain %d has its region already", pd)
	case size <= 0 || size > MaxRegion:
		return nil, fmt.Errorf("verbs: register: %d bytes: a region holds 1 to %d", size, MaxRegion)
	}
	r, err := p.addRegion(pd, size)
	if err != nil {
		return nil, fmt.Errorf("verbs: register: %w", err)
	}
	return r, nil
}

// addRegion makes the domain, its region, and what was given out before known in it: a request of any pair may use it as Local.
func (p *Provider) addRegion(pd rdmaio.PD, size int) (*piece, error) {
	domain, err := C.ibv_alloc_pd(p.port.c.context)
	if domain == nil {
		return nil, fmt.Errorf("protection domain: %w", err)
	}
	r, err := newPiece(size)
	if err != nil {
		C.ibv_dealloc_pd(domain)
		return nil, err
	}
	r.pd = pd
	if err = r.register(pd, domain, true); err == nil {
		p.domains[pd] = domain
		err = p.everywhere(r)
	}
	if err == nil {
		p.regions[pd] = r
		for _, other := range append(p.given(), p.locals...) {
			if err = p.everywhere(other); err != nil {
				break
			}
		}
	}
	if err != nil {
		p.regions[pd], p.domains[pd] = nil, nil
		for _, other := range append(p.given(), p.locals...) {
			other.unregister(pd)
		}
		r.free()
		C.ibv_dealloc_pd(domain)
		return nil, err
	}
	return r, nil
}

func (p *Provider) given() (regions []*piece) {
	for _, r := range p.regions {
		if r != nil {
			regions = append(regions, r)
		}
	}
	return regions
}

// everywhere makes a piece known in every domain in which it is not, for our own use.
func (p *Provider) everywhere(r *piece) error {
	for pd, domain := range p.domains {
		if domain == nil || r.mrs[pd] != nil {
			continue
		}
		if err := r.register(rdmaio.PD(pd), domain, false); err != nil {
			return err
		}
	}
	return nil
}

// AllocLocal gives page-aligned memory that no peer can reach, at most MaxLocalAllocs times.
func (p *Provider) AllocLocal(size int) ([]byte, error) {
	switch {
	case p.closing.Load():
		return nil, rdmaio.ErrClosed
	case size <= 0:
		return nil, fmt.Errorf("verbs: local memory: %d bytes: ask for at least one", size)
	case len(p.locals) == MaxLocalAllocs:
		return nil, fmt.Errorf("verbs: local memory: asked for %d times already: ask for larger pieces", MaxLocalAllocs)
	}
	r, err := newPiece(size)
	if err == nil {
		if err = p.everywhere(r); err != nil {
			r.free()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("verbs: local memory: %w", err)
	}
	p.locals = append(p.locals, r)
	return r.Bytes(), nil
}

// pieceOf finds the piece of memory, given out by this provider, that b lies in.
func (p *Provider) pieceOf(b []byte) *piece {
	for _, r := range p.regions {
		if r != nil && r.holds(b) {
			return r
		}
	}
	for _, r := range p.locals {
		if r.holds(b) {
			return r
		}
	}
	return nil
}

// CreateCQ makes a completion queue.
func (p *Provider) CreateCQ(depth int) (rdmaio.CompletionQueue, error) {
	if p.closing.Load() {
		return nil, rdmaio.ErrClosed
	}
	if depth <= 0 {
		return nil, fmt.Errorf("verbs: completion queue of depth %d: it holds at least one", depth)
	}
	c, err := newCompletionQueue(p, depth)
	if err != nil {
		return nil, err
	}
	p.queues = append(p.queues, c)
	return c, nil
}

// Connect makes our end of a pair. The peer must be among Config.Peers.
func (p *Provider) Connect(id rdmaio.NodeID, pd rdmaio.PD, cq rdmaio.CompletionQueue) (rdmaio.QueuePair, error) {
	queue, ok := cq.(*completionQueue)
	switch {
	case p.closing.Load():
		return nil, rdmaio.ErrClosed
	case id > rdmaio.MaxNodes || p.peers[id] == nil:
		return nil, fmt.Errorf("verbs: connect: peer %d is not among the configured peers", id)
	case pd >= rdmaio.MaxPDs || p.regions[pd] == nil:
		return nil, fmt.Errorf("verbs: connect: protection domain %d has no region: register it first", pd)
	case !ok || queue.owner != p:
		return nil, errors.New("verbs: connect: the completion queue is not of this provider")
	case p.byIndex[int(id)*rdmaio.MaxPDs+int(pd)] != nil:
		return nil, fmt.Errorf("verbs: connect: peer %d is connected in protection domain %d already", id, pd)
	}
	q, err := newQueuePair(p, p.peers[id], pd, queue)
	if err != nil {
		return nil, err
	}
	q.peer.mu.Lock()
	q.peer.gates[pd] = q.gate
	q.peer.mu.Unlock()
	p.byIndex[q.index] = q
	if err := q.seek(0); err != nil {
		return nil, fmt.Errorf("verbs: connect: %w", err)
	}
	return q, nil
}

// pollFailed: the card's completion queue is broken, and with it every pair that uses it.
func (p *Provider) pollFailed(c *completionQueue, err error) {
	p.setProblem(fmt.Errorf("verbs: poll the completion queue: %w", err))
	for _, q := range p.byIndex {
		if q != nil && q.cq == c {
			q.cut(rdmaio.RetryExceeded)
		}
	}
}

func (p *Provider) setProblem(err error) { p.problem.Store(&err) }

// watchDevice takes the device's events, which would pile up in the kernel, and keeps those that say that it is out of order.
func (p *Provider) watchDevice() {
	defer p.watching.Done()
	fds := []unix.PollFd{{Fd: int32(p.port.c.context.async_fd), Events: unix.POLLIN}, {Fd: int32(p.stopped), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, syscall.EINTR) || fds[1].Revents != 0 {
			return
		}
		for {
			event := C.x_event(p.port.c.context)
			if event < 0 {
				break
			}
			switch event {
			case C.IBV_EVENT_DEVICE_FATAL:
				p.setProblem(errors.New("verbs: the device has failed: start the process again when it is back"))
			case C.IBV_EVENT_PORT_ERR:
				p.setProblem(errors.New("verbs: the device's port is down: check the link"))
			case C.IBV_EVENT_PORT_ACTIVE:
				p.problem.Store(nil)
			}
		}
	}
}

// closeAtEnd closes the connection when the provider ends; stop ends the watch.
func (p *Provider) closeAtEnd(conn net.Conn) (stop func() bool) {
	return context.AfterFunc(p.ctx, func() { conn.Close() })
}

// Close leaves the cluster: peers are told as of a death. The owner loop must have stopped; memory that was given out is gone.
func (p *Provider) Close() error {
	p.closeOnce.Do(func() {
		p.closing.Store(true)
		for _, q := range p.byIndex { // first of all we write no more
			if q != nil {
				q.state = rdmaio.StateError
				_ = q.rc.destroy()
			}
		}
		p.cancel()
		p.host.close()
		p.running.Wait()
		p.free()
	})
	return nil
}

// free gives everything back to device and system.
func (p *Provider) free() {
	for _, q := range p.byIndex {
		if q != nil {
			_ = q.rc.destroy()
			_ = q.gate.rc.destroy()
			q.freeLane()
		}
	}
	if p.host != nil {
		p.host.listener.Close()
	}
	for _, c := range p.queues {
		c.free()
	}
	if p.unused != nil {
		C.ibv_destroy_cq(p.unused)
	}
	for _, r := range append(p.given(), p.locals...) {
		r.free()
	}
	for _, domain := range p.domains {
		if domain != nil {
			C.ibv_dealloc_pd(domain)
		}
	}
	if p.stopped >= 0 {
		_, _ = unix.Write(p.stopped, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		p.watching.Wait()
		unix.Close(p.stopped)
	}
	if p.port != nil {
		p.port.close()
	}
}
