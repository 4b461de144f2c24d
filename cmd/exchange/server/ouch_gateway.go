package server

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"exchange/book"
)

// ouchGateway is the OUCH port. While this replica leads, each connection has a reader and a writer (ouch_connection.go); otherwise connections are closed
// without a word.
type ouchGateway struct {
	r         *Replica
	listeners []net.Listener // the OUCH port, and the one with TLS; this member may have none

	mu    sync.Mutex
	conns map[*ouchConn]struct{} // at most Gateway.MaxConnections

	// live is the one connection of each session, by session number, from its login until the state machine has answered its end, or until the
	// account has logged in again.
	live [maxSessions]atomic.Pointer[ouchConn]
}

func listenOUCH(r *Replica) (*ouchGateway, error) {
	g := &ouchGateway{r: r, conns: map[*ouchConn]struct{}{}}
	m, _ := r.cfg.Member(r.cfg.ID)
	secure, err := r.cfg.fixTLS()
	if err == nil {
		g.listeners, err = listenAll(secure, portSetting{"ouch", m.OUCH, r.cfg.Gateway.TLSAlways}, portSetting{"ouch_tls", m.OUCHTLS, true})
	}
	return g, err
}

func (g *ouchGateway) serve() {
	for _, l := range g.listeners {
		go g.accept(l)
	}
}

func (g *ouchGateway) accept(l net.Listener) {
	for {
		socket, err := l.Accept()
		if err != nil {
			if g.r.stopping.Load() {
				return
			}
			g.r.log.Warn().Err(err).Msg("OUCH port: accept")
			time.Sleep(10 * time.Millisecond) // out of descriptors, most likely: give some back first
			continue
		}
		g.open(socket)
	}
}

// open starts a connection, or closes it at once: this replica does not lead, or there are too many.
func (g *ouchGateway) open(socket net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.r.directory.serving.Load() || len(g.conns) >= g.r.cfg.Gateway.MaxConnections {
		socket.Close()
		return
	}
	c := newOUCHConn(g, socket)
	g.conns[c] = struct{}{}
	go c.read()
	go c.write()
}

// claim makes the connection its session's own. The one before is ended without a word to the state machine, which the login tells.
func (g *ouchGateway) claim(session uint16, c *ouchConn) {
	if old := g.live[session].Swap(c); old != nil && old != c {
		old.abandon()
	}
}

// deliver is told of each event by the loop while this replica leads. It must not block: what has a number is in the report store; events without one go
// into the connection's short queue.
func (g *ouchGateway) deliver(e *book.Event) {
	if e.Kind != book.SessionMessageSent && e.Kind != book.SessionClosed {
		return
	}
	c := g.live[e.Session].Load()
	if c == nil {
		return
	}
	select {
	case c.control <- *e:
		c.rouse()
	default:
		c.socket.Close() // it does not keep up with its own session's events: the reader ends it
	}
}

// wake tells the session's writer that there are new reports.
func (g *ouchGateway) wake(session uint16) {
	if c := g.live[session].Load(); c != nil {
		c.rouse()
	}
}

// connected tells whether the session has a connection here.
func (g *ouchGateway) connected(session uint16) bool { return g.live[session].Load() != nil }

// disconnectAll ends every connection without a message: clients go to the new leader. Nothing is said to the state machine: a change of leader is not a
// disconnect.
func (g *ouchGateway) disconnectAll(reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		c.abandon()
	}
	if n := len(g.conns); n > 0 {
		g.r.log.Info().Int("connections", n).Msg("OUCH connections closed: " + reason)
	}
}

// forget takes an ended connection out.
func (g *ouchGateway) forget(c *ouchConn, session uint16) {
	if session != 0 {
		g.live[session].CompareAndSwap(c, nil)
	}
	g.mu.Lock()
	delete(g.conns, c)
	g.mu.Unlock()
}

func (g *ouchGateway) close() {
	for _, l := range g.listeners {
		l.Close()
	}
	g.disconnectAll("the replica stops")
}

// express tells the session's client what is new on the loop's own thread; false: its writer must.
func (g *ouchGateway) express(session uint16) bool {
	c := g.live[session].Load()
	return c != nil && c.expressly()
}

// deliver, wake, express, connected and disconnectAll are both gateways'.
func (r *Replica) deliver(e *book.Event) {
	if e.Session == 0 || e.OutSeq != 0 {
		return
	}
	r.gateway.deliver(e)
	r.ouch.deliver(e)
}

func (r *Replica) wake(session uint16) {
	r.gateway.wake(session)
	r.ouch.wake(session)
}

// expressSessions is how many sessions' reports the loop writes itself at the end of a turn.
const expressSessions = 2

// wakeAll tells the writers of sessions with new reports, or writes those itself, if they are few and no order waits. Nobody is woken for a session that is
// not connected here: none is to a follower, and one that connects later finds its reports in the store. The loop's.
func (r *Replica) wakeAll(sessions []uint16) {
	sessions = slices.DeleteFunc(sessions, r.absent)
	if len(sessions) <= expressSessions && r.inbox.waiting() == 0 {
		if len(sessions) > 0 && r.leading.active { // who does not lead does not listen
			r.attend(sessions)
		}
		sessions = slices.DeleteFunc(sessions, r.express)
	}
	if r.waker != nil {
		r.waker.add(sessions)
		return
	}
	for _, s := range sessions {
		r.wake(s)
	}
}

// listen reads from the clients that were answered last, while nothing else waits: their next order needs no other thread then.
func (r *Replica) listen() {
	if r.inbox.waiting() > 0 {
		r.leaveToReaders()
		return
	}
	if len(r.heard) > 0 {
		return
	}
	for _, s := range r.talking {
		if c := r.gateway.live[s].Load(); c != nil {
			r.heard = c.hear(r.heard)
		} else if c := r.ouch.live[s].Load(); c != nil {
			r.heard = c.hear(r.heard)
		}
	}
}

// attend makes the sessions those that the loop listens to. Their readers are not told of what comes until others have their turn, or the loop rests.
func (r *Replica) attend(sessions []uint16) {
	if slices.Equal(r.talking, sessions) && len(r.hushed) == len(sessions) {
		return
	}
	r.leaveToReaders()
	r.talking = append(r.talking[:0], sessions...)
	for _, s := range sessions {
		var x *express
		if c := r.gateway.live[s].Load(); c != nil {
			x = &c.short
		} else if c := r.ouch.live[s].Load(); c != nil {
			x = &c.short
		} else {
			continue
		}
		x.hush(true)
		r.hushed = append(r.hushed, x)
	}
}

// leaveToReaders has the readers of all connections told again of what comes, and of what is there.
func (r *Replica) leaveToReaders() {
	for i, x := range r.hushed {
		x.hush(false)
		r.hushed[i] = nil
	}
	r.hushed = r.hushed[:0]
}

// takeHeard gives the oldest command that listen found.
func (r *Replica) takeHeard(c *book.Command) bool {
	if r.heardAt == len(r.heard) {
		return false
	}
	*c = r.heard[r.heardAt]
	if r.heardAt++; r.heardAt == len(r.heard) {
		r.heard, r.heardAt = r.heard[:0], 0
	}
	return true
}

func (r *Replica) express(session uint16) bool {
	return r.gateway.express(session) || r.ouch.express(session)
}

func (r *Replica) connected(session uint16) bool {
	return r.gateway.connected(session) || r.ouch.connected(session)
}

func (r *Replica) absent(session uint16) bool { return !r.connected(session) }

func (r *Replica) disconnectAll(reason string) {
	r.gateway.disconnectAll(reason)
	r.ouch.disconnectAll(reason)
}

// kept tells what can be read of a session's reports: the first number, and the one that comes next.
func (s *reportStore) kept(session uint16) (first, next uint64) {
	r := s.session(session)
	if r == nil {
		return 1, 1
	}
	d := r.state.Load()
	return d.first, max(r.last.Load()+1, d.first)
}
