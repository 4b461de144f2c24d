//go:build linux && (amd64 || arm64)

package shm

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// Pauses, in milliseconds, between attempts to reach a peer, doubling from the first to the last; a peer's own visit ends one.
// And how long a connection may be broken before a peer that shows no sign of death is called upon again.
const (
	firstPause  = 2
	lastPause   = 256
	brokenPause = 20
	brokenFor   = 1000
)

// caller seeks one peer and holds on to it.
type caller struct {
	p      *Provider
	peer   rdmaio.NodeID
	wake   waker
	wanted [rdmaio.MaxPDs]atomic.Bool // domains in which the owner loop has connected
	gone   []*link                    // no longer served, perhaps still used by the owner loop
}

// link is a connection to one incarnation of a peer.
type link struct {
	peer        rdmaio.NodeID
	incarnation uint64
	socket      int
	pidfd       int
	lifeMem     []byte
	life        *life
	asked       [rdmaio.MaxPDs]bool
	more        [rdmaio.MaxPDs]atomic.Bool // a write waits for the window to be moved
	targets     [rdmaio.MaxPDs]atomic.Pointer[target]
	dead        atomic.Bool // the process is gone, its pidfd said so
	broken      atomic.Bool // the connection is, for whatever reason
	released    atomic.Bool // the owner loop uses nothing of it any more
}

// target is a peer's region as we write it.
type target struct {
	armed
	size  uint64 // of the region; the mapping is whole pages
	part  uint64 // of the region, as its window is made of, in bytes; 0: it is opened as a whole
	ready atomic.Bool
}

func (c *caller) run() {
	defer c.p.running.Done()
	pause := firstPause
	for !c.p.closing.Load() {
		l, err := c.reach()
		c.p.setProblem(c.peer, err)
		if err != nil {
			c.wait(pause)
			pause = min(2*pause, lastPause)
			continue
		}
		pause = firstPause
		if untaken := c.p.offerLink(l); untaken != nil {
			untaken.released.Store(true)
		}
		c.gone = append(c.gone, l)
		c.startWatch(l)
		c.hold(l)
		c.tidy()
	}
	for _, l := range c.gone { // the owner loop has stopped
		l.released.Store(true)
	}
	c.tidy()
}

func (c *caller) wait(milliseconds int) {
	var ready [1]bool
	await(milliseconds, ready[:], int(c.wake))
	c.wake.clear()
	c.tidy()
}

// tidy takes apart the links that the owner loop has let go.
func (c *caller) tidy() {
	kept := c.gone[:0]
	for _, l := range c.gone {
		if l.released.Load() {
			l.close()
		} else {
			kept = append(kept, l)
		}
	}
	clear(c.gone[len(kept):])
	c.gone = kept
}

func (l *link) close() {
	for pd := range l.targets {
		if t := l.targets[pd].Load(); t != nil {
			t.disarm()
		}
	}
	if l.lifeMem != nil {
		_ = unix.Munmap(l.lifeMem)
	}
	unix.Close(l.socket)
	if l.pidfd >= 0 {
		unix.Close(l.pidfd)
	}
}

// errNobody: nobody listens under the peer's name.
var errNobody = errors.New("it is not running")

// reach connects to the peer's porter and exchanges greetings.
func (c *caller) reach() (*link, error) {
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	l := &link{peer: c.peer, socket: socket, pidfd: -1}
	if err := c.greet(l); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (c *caller) greet(l *link) error {
	switch err := unix.Connect(l.socket, c.p.cluster.name(c.peer)); err {
	case nil:
	case unix.ECONNREFUSED:
		return errNobody
	default:
		return fmt.Errorf("connect: %w", err)
	}
	cred, err := unix.GetsockoptUcred(l.socket, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return fmt.Errorf("ask who it is: %w", err)
	}
	if int(cred.Uid) != os.Geteuid() {
		return refusedUser
	}
	// The welcome below comes from the process that this names, so its number had not passed to another one yet.
	if l.pidfd, err = unix.PidfdOpen(int(cred.Pid), 0); err != nil {
		return fmt.Errorf("watch process %d: %w", cred.Pid, err)
	}
	if err := send(l.socket, message{kind: msgHello, id: c.p.cfg.Local, incarnation: c.p.cfg.Incarnation, cluster: c.p.cluster}, -1); err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	var ready [3]bool
	for !ready[0] {
		if ready[1] {
			return errNobody
		}
		await(-1, ready[:], l.socket, l.pidfd, int(c.wake))
		c.wake.clear()
		if c.p.closing.Load() {
			return rdmaio.ErrClosed
		}
	}
	m, fd, err := receive(l.socket)
	if fd >= 0 {
		defer unix.Close(fd)
	}
	switch {
	case err != nil:
		return fmt.Errorf("hear its greeting: %w", err)
	case m.kind == msgRefused:
		return m.refusal
	case m.kind != msgWelcome || m.id != c.peer || m.incarnation == 0 || fd < 0 || m.size < uint64(lifeSize) || !holds(fd, m.size):
		return refusedProtocol
	}
	l.incarnation = m.incarnation
	if l.lifeMem, err = unix.Mmap(fd, 0, int(m.size), unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("map its life page: %w", err)
	}
	l.life = lifeIn(l.lifeMem)
	return nil
}

// holds reports whether a memfd is of this size and can never be of another.
func holds(memfd int, size uint64) bool {
	is, sealed := sealedSize(memfd)
	return sealed && uint64(is) == size
}

// sealedSize is a memfd's size in bytes, if it can never be another.
func sealedSize(memfd int) (size int, sealed bool) {
	var st unix.Stat_t
	if unix.Fstat(memfd, &st) != nil || st.Size <= 0 || st.Size > MaxRegion+hugePage {
		return 0, false
	}
	seals, err := unix.FcntlInt(uintptr(memfd), unix.F_GET_SEALS, 0)
	return int(st.Size), err == nil && seals&sealRegion == sealRegion
}

// hold serves a link until the peer is dead, the connection lost, or the provider closes.
func (c *caller) hold(l *link) {
	var ready [3]bool
	for silence := 0; !c.p.closing.Load(); {
		if !l.broken.Load() && (!c.attachWanted(l) || !c.askForMore(l)) {
			l.broken.Store(true)
		}
		socket, wait := l.socket, -1
		if l.broken.Load() {
			socket, wait = -1, brokenPause
			silence += brokenPause
		}
		await(wait, ready[:], int(c.wake), l.pidfd, socket)
		c.wake.clear()
		if ready[1] {
			l.dead.Store(true)
		}
		if ready[2] && !c.hear(l) {
			l.broken.Store(true)
		}
		if l.dead.Load() || l.broken.Load() && (l.life.over() || silence >= brokenFor) {
			c.p.news.Store(1)
			return
		}
		c.tidy()
	}
}

func (c *caller) attachWanted(l *link) bool {
	for pd := range rdmaio.PD(rdmaio.MaxPDs) {
		if c.wanted[pd].Load() && !l.asked[pd] {
			l.asked[pd] = true
			if send(l.socket, message{kind: msgAttach, pd: pd}, -1) != nil {
				return false
			}
		}
	}
	return true
}

// askForMore tells the porter where the owner loop waits to write. An owner that polls has seen it by itself by then.
func (c *caller) askForMore(l *link) bool {
	for pd := range rdmaio.PD(rdmaio.MaxPDs) {
		if l.more[pd].Swap(false) {
			want := atomic.LoadUint64(&c.p.life.wants[c.peer][pd])
			if send(l.socket, message{kind: msgMore, pd: pd, address: want}, -1) != nil {
				return false
			}
		}
	}
	return true
}

// hear takes one message of the porter and reports whether the connection is in order.
func (c *caller) hear(l *link) bool {
	m, fd, err := receive(l.socket)
	if fd >= 0 {
		defer unix.Close(fd) // we keep the mapping, and nobody writes past its fence through the descriptor
	}
	switch {
	case err == unix.EAGAIN:
		return true
	case err != nil:
		return false
	case m.kind == msgRegion && fd >= 0 && m.size > 0 && m.size <= MaxRegion && l.targets[m.pd].Load() == nil:
		err := c.attach(l, &m, fd)
		c.p.setProblem(c.peer, err)
		return err == nil
	case m.kind == msgReady && l.targets[m.pd].Load() != nil:
		l.targets[m.pd].Load().ready.Store(true)
		c.p.news.Store(1)
		return true
	}
	return false
}

// attach arms a region of the peer and hands over the fence.
func (c *caller) attach(l *link, m *message, memfd int) error {
	whole, sealed := sealedSize(memfd)
	if !sealed || uint64(whole) < m.size || whole%pageSize != 0 || m.address%uint64(pageSize) != 0 {
		return refusedProtocol
	}
	a, err := arm(memfd, whole)
	if err != nil {
		return fmt.Errorf("fence our writes to domain %d: %w: %s", m.pd, err, remedy(err))
	}
	l.targets[m.pd].Store(&target{armed: *a, size: m.size, part: m.address})
	return send(l.socket, message{kind: msgFenced, pd: m.pd, address: uint64(uintptr(unsafe.Pointer(&a.mem[0]))), size: uint64(whole)}, a.uffd)
}
