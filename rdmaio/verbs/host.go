//go:build verbs && linux && cgo

package verbs

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"exchange/rdmaio"
)

// host answers peers that come: it checks who they are and lets them in at the gates.
type host struct {
	owner    *Provider
	listener net.Listener

	mu       sync.Mutex
	visitors map[*visitor]bool
	closed   bool
}

// visitor is one peer's connection to our host.
type visitor struct {
	host        *host
	conn        net.Conn
	peer        *peer
	incarnation uint64
	wake        chan struct{} // a gate was cut
	left        chan struct{}
	write       sync.Mutex
}

func (h *host) run() {
	defer h.owner.running.Done()
	for {
		conn, err := h.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(maxPause) // out of descriptors, it may pass
			continue
		}
		v := &visitor{host: h, conn: conn, wake: make(chan struct{}, 1), left: make(chan struct{})}
		if !h.enter(v) {
			conn.Close()
			continue
		}
		h.owner.running.Add(1)
		go v.run()
	}
}

func (h *host) enter(v *visitor) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.visitors) == maxVisitors {
		return false
	}
	h.visitors[v] = true
	return true
}

func (h *host) leave(v *visitor) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.visitors, v)
}

func (h *host) close() {
	h.listener.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for v := range h.visitors {
		v.conn.Close()
	}
}

func (v *visitor) run() {
	defer v.host.owner.running.Done()
	defer v.host.leave(v)
	defer v.conn.Close()
	defer close(v.left)
	if v.greet() != nil {
		return
	}
	v.peer.mu.Lock()
	if older := v.peer.visitor; older != nil {
		older.conn.Close()
	}
	v.peer.visitor = v
	v.peer.mu.Unlock()
	v.host.owner.running.Add(1)
	go v.tell()
	for {
		f, err := readFrame(v.conn)
		if err != nil {
			return
		}
		m, err := f.message()
		if err != nil || m.kind != kindConnect {
			return
		}
		answer, ok, err := v.peer.admit(v.incarnation, &m)
		if err != nil || ok && v.send(&answer) != nil {
			return
		}
	}
}

// greet finds out who it is. A refused one is told why.
func (v *visitor) greet() error {
	o := v.host.owner
	if err := v.conn.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return err
	}
	f, err := readFrame(v.conn)
	if err != nil {
		return err
	}
	g, err := f.greeting()
	if errors.Is(err, errStranger) {
		return err // it would not understand
	}
	if err == nil {
		err = v.recognize(&g)
	}
	answer := greeting{kind: kindWelcome, from: o.cfg.Local, to: g.from, incarnation: o.cfg.Incarnation, cluster: o.cluster}
	if err != nil {
		answer.kind, answer.why = kindRefusal, err.Error()
	}
	f = answer.encode()
	if _, werr := v.conn.Write(f[:]); werr != nil {
		return werr
	}
	if err != nil {
		return err
	}
	return v.conn.SetDeadline(time.Time{})
}

func (v *visitor) recognize(g *greeting) error {
	o := v.host.owner
	switch {
	case g.kind != kindHello:
		return errStranger
	case g.cluster != o.cluster:
		return errors.New("it is of a cluster of another name: check cluster and address")
	case g.to != o.cfg.Local:
		return fmt.Errorf("process %d is not here but %d is: check the addresses", g.to, o.cfg.Local)
	case g.from < 1 || g.from > rdmaio.MaxNodes || o.peers[g.from] == nil:
		return fmt.Errorf("process %d is no member here: give all the same list of members", g.from)
	}
	v.peer, v.incarnation = o.peers[g.from], g.incarnation
	return v.peer.meet(g.incarnation)
}

// tell says which generations of the gates are over: once at first, since an earlier connection may have broken on the way, and
// whenever one was cut.
func (v *visitor) tell() {
	defer v.host.owner.running.Done()
	for {
		for _, m := range v.peer.generations() {
			if v.send(&m) != nil {
				v.conn.Close()
				return
			}
		}
		select {
		case <-v.wake:
		case <-v.left:
			return
		}
	}
}

func (v *visitor) send(m *message) error {
	v.write.Lock()
	defer v.write.Unlock()
	if err := v.conn.SetWriteDeadline(time.Now().Add(dialTimeout)); err != nil {
		return err
	}
	f := m.encode()
	_, err := v.conn.Write(f[:])
	return err
}
