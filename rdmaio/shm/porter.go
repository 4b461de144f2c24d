//go:build linux && (amd64 || arm64)

package shm

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// visitor is a peer's caller, seen from the porter. ready is shared with the owner loop under Provider.mu, the rest is the
// porter's own.
type visitor struct {
	socket      int
	id          rdmaio.NodeID // 0 before its hello
	incarnation uint64
	asked       [rdmaio.MaxPDs]bool
	ready       [rdmaio.MaxPDs]bool // to be told that its fence was taken
	fences      [rdmaio.MaxPDs]*fence
}

// listen takes the process's name. It fails if another process has it.
func listen(cluster clusterHash, id rdmaio.NodeID, dir string) (int, error) {
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("shm: socket: %w", err)
	}
	err = unix.Bind(socket, cluster.name(id))
	if err == unix.EADDRINUSE {
		err = fmt.Errorf("shm: process %d of the cluster in %s is running already: stop it first, or give this one another id or directory", id, dir)
	}
	if err == nil {
		err = unix.Listen(socket, maxVisitors)
	}
	if err != nil {
		unix.Close(socket)
		return -1, err
	}
	return socket, nil
}

// runPorter serves visitors until the provider closes.
func (p *Provider) runPorter() {
	defer p.running.Done()
	var visitors []*visitor
	defer func() {
		for _, v := range visitors {
			unix.Close(v.socket)
		}
	}()
	for !p.closing.Load() {
		fds := []int{int(p.porterWake), p.listener}
		if len(visitors) == maxVisitors {
			fds[1] = -1
		}
		for _, v := range visitors {
			fds = append(fds, v.socket)
		}
		ready := make([]bool, len(fds))
		await(-1, ready, fds...)
		if ready[0] {
			p.porterWake.clear()
		}
		served := visitors[:0]
		for i, v := range visitors {
			if ready[i+2] && !p.hear(v, served) || !p.answer(v) {
				unix.Close(v.socket)
				continue
			}
			served = append(served, v)
		}
		clear(visitors[len(served):])
		visitors = served
		if ready[1] {
			if socket, _, err := unix.Accept4(p.listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK); err == nil {
				visitors = append(visitors, &visitor{socket: socket})
			}
		}
	}
}

// hear takes one message of a visitor and reports whether to keep it.
func (p *Provider) hear(v *visitor, others []*visitor) bool {
	m, fd, err := receive(v.socket)
	if err == unix.EAGAIN {
		return true
	}
	if err == refusedProtocol {
		p.refuse(v, refusedProtocol)
	}
	if err != nil {
		return false
	}
	keep := false
	switch {
	case m.kind == msgHello && v.id == 0:
		keep = p.greet(v, &m)
	case m.kind == msgAttach && v.id != 0:
		v.asked[m.pd], keep = true, true
	case m.kind == msgFenced && v.id != 0 && fd >= 0:
		p.offerFence(v, &m, fd)
		fd, keep = -1, true
	case m.kind == msgMore && v.fences[m.pd] != nil:
		v.fences[m.pd].slide(m.address)
		keep = true
	}
	if fd >= 0 {
		unix.Close(fd)
	}
	return keep
}

func (p *Provider) refuse(v *visitor, why refusal) bool {
	_ = send(v.socket, message{kind: msgRefused, id: p.cfg.Local, refusal: why}, -1)
	return false
}

// greet checks who a visitor is and shows it our life.
func (p *Provider) greet(v *visitor, m *message) bool {
	cred, err := unix.GetsockoptUcred(v.socket, unix.SOL_SOCKET, unix.SO_PEERCRED)
	switch {
	case err != nil:
		return false
	case int(cred.Uid) != os.Geteuid():
		return p.refuse(v, refusedUser)
	case m.cluster != p.cluster:
		return p.refuse(v, refusedCluster)
	case !slices.Contains(p.cfg.Peers, m.id) || m.id == p.cfg.Local || m.incarnation == 0:
		return p.refuse(v, refusedStranger)
	}
	v.id, v.incarnation = m.id, m.incarnation
	p.callers[m.id].wake.wake() // it is there: go and see it
	return send(v.socket, message{kind: msgWelcome, id: p.cfg.Local, incarnation: p.cfg.Incarnation, size: uint64(len(p.lifeMem))}, p.lifeFD) == nil
}

// offerFence leaves a fence for the owner loop.
func (p *Provider) offerFence(v *visitor, m *message, uffd int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &fence{uffd: uffd, address: m.address, length: m.size, incarnation: v.incarnation, visitor: v}
	f.served = &p.life.served[v.id][m.pd]
	if r := p.regions[m.pd]; r != nil {
		f.part, f.written = r.part, &r.written
	}
	if f.part != 0 {
		f.open = make([]uint32, 0, windowParts)
	}
	v.fences[m.pd] = f
	if untaken := p.fences[v.id][m.pd]; untaken != nil {
		untaken.close()
	}
	p.fences[v.id][m.pd] = f
	p.news.Store(1)
}

// answer tells a visitor what it waits for and can be told now.
func (p *Provider) answer(v *visitor) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pd := range rdmaio.PD(rdmaio.MaxPDs) {
		if r := p.regions[pd]; v.asked[pd] && r != nil {
			v.asked[pd] = false
			if send(v.socket, message{kind: msgRegion, pd: pd, size: uint64(r.size), address: r.part}, r.fd) != nil {
				return false
			}
		}
		if v.ready[pd] {
			v.ready[pd] = false
			if send(v.socket, message{kind: msgReady, pd: pd}, -1) != nil {
				return false
			}
		}
	}
	return true
}
