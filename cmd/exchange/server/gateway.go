package server

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"exchange/book"
)

// gateway is the FIX port. While this replica leads, each connection has a reader, which turns bytes into commands, and a writer, which follows
// the session's reports (connection.go); otherwise connections are closed without a word.
type gateway struct {
	r         *Replica
	listeners []net.Listener // the FIX port, and the one with TLS where there is one
	admission *admission

	mu    sync.Mutex
	conns map[*conn]struct{} // at most Gateway.MaxConnections

	// live is the one connection of each session, by session number, from its Logon until the state machine has answered its end.
	live [maxSessions]atomic.Pointer[conn]
}

// maxSessions bounds session numbers; the state machine refuses more.
const maxSessions = 1 << 12

func listenFIX(r *Replica) (*gateway, error) {
	m, _ := r.cfg.Member(r.cfg.ID)
	secure, err := r.cfg.fixTLS()
	if err != nil {
		return nil, err
	}
	g := &gateway{r: r, conns: map[*conn]struct{}{}, admission: newAdmission(r.cfg.Gateway.MaxPerAddress, r.cfg.Gateway.NewPerAddress)}
	for _, port := range []struct {
		name, address string
		secure        bool
	}{{"fix", m.FIX, r.cfg.Gateway.TLSAlways}, {"fix_tls", m.FIXTLS, true}} {
		if port.address == "" {
			continue
		}
		l, err := listen(port.name, port.address)
		if err != nil {
			g.close()
			return nil, err
		}
		if port.secure {
			l = tls.NewListener(l, secure) // the handshake comes with the first read, under the time for the Logon
		}
		g.listeners = append(g.listeners, l)
	}
	return g, nil
}

func (g *gateway) serve() {
	for _, l := range g.listeners[1:] {
		go g.accept(l)
	}
	g.accept(g.listeners[0])
}

func (g *gateway) accept(l net.Listener) {
	for {
		socket, err := l.Accept()
		if err != nil {
			if g.r.stopping.Load() {
				return
			}
			g.r.log.Warn().Err(err).Msg("FIX port: accept")
			time.Sleep(10 * time.Millisecond) // out of descriptors, most likely: give some back first
			continue
		}
		g.open(socket)
	}
}

// open starts a connection, if it is let in.
func (g *gateway) open(socket net.Conn) {
	if c := g.admit(socket); c != nil {
		go c.read()
		go c.write()
	}
}

// admit makes a connection, or closes it at once and gives nil: this replica does not lead, or there are too many.
func (g *gateway) admit(socket net.Conn) *conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.r.directory.serving.Load() || len(g.conns) >= g.r.cfg.Gateway.MaxConnections || !g.admission.enter(socket.RemoteAddr(), time.Unix(0, g.r.host.wall())) {
		socket.Close()
		return nil
	}
	c := newConn(g, socket)
	g.conns[c] = struct{}{}
	return c
}

// claim makes the connection its session's own; false: the session has another.
func (g *gateway) claim(session uint16, c *conn) bool {
	return int(session) < len(g.live) && g.live[session].CompareAndSwap(nil, c)
}

// deliver is told of each event by the loop while this replica leads. It must not block: what has a number is in the report store, and the
// connection's writer is woken at the end of the turn; events without a number go into the connection's short queue.
func (g *gateway) deliver(e *book.Event) {
	if e.Session == 0 || e.OutSeq != 0 {
		return
	}
	c := g.live[e.Session].Load()
	if c == nil {
		return
	}
	select {
	case c.control <- *e:
	default:
		c.socket.Close() // it does not keep up with its own session's events: the reader ends it
	}
}

// wake tells the session's writer that there are new reports.
func (g *gateway) wake(session uint16) {
	if c := g.live[session].Load(); c != nil {
		select {
		case c.awake <- struct{}{}:
		default:
		}
	}
}

// express tells the session's client what is new on the loop's own thread; false: its writer must.
func (g *gateway) express(session uint16) bool {
	c := g.live[session].Load()
	return c != nil && c.expressly()
}

// connected tells whether the session has a connection here.
func (g *gateway) connected(session uint16) bool { return g.live[session].Load() != nil }

// disconnectAll ends every connection without a message: clients go to the new leader and continue in sequence. Nothing is said to the state
// machine: a change of leader is not a disconnect.
func (g *gateway) disconnectAll(reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		c.abandoned.Store(true)
		c.socket.Close()
	}
	if n := len(g.conns); n > 0 {
		g.r.log.Info().Int("connections", n).Msg("FIX connections closed: " + reason)
	}
}

// forget takes an ended connection out.
func (g *gateway) forget(c *conn, session uint16) {
	if session != 0 {
		g.live[session].CompareAndSwap(c, nil)
	}
	g.admission.leave(c.socket.RemoteAddr())
	g.mu.Lock()
	delete(g.conns, c)
	g.mu.Unlock()
}

func (g *gateway) close() {
	for _, l := range g.listeners {
		l.Close()
	}
	g.disconnectAll("the replica stops")
}
