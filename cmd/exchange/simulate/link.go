package simulate

import (
	"errors"
	"net"
	"os"
	"time"

	"exchange/cmd/exchange/server"
)

// link is a byte stream between a client and a replica, both ways. Its venue end is a net.Conn whose Write never blocks: what lies unread in it has a
// bound, beyond which the write has timed out.
type link struct {
	w      *world
	client *client
	at     *replica
	venue  *server.VirtualConnection // nil: not accepted yet

	up, down stream
	// broken: nothing moves any more; each end finds out at its time.
	broken                bool
	venueFinds, clientEnd int64
	// hungUp: the venue's end was told; closed by the venue or by the client: what was sent before still arrives.
	hungUp, venueClosed, clientClosed bool
	lookAt                            int64 // when the venue's timers are due
}

// unreadLimit bounds what lies unread in a stream, as socket buffers do.
const unreadLimit = 16 << 10

// stream is bytes on their way, in pieces with the times of their arrival.
type stream struct {
	bytes  []byte
	pieces []piece
}

type piece struct {
	at int64
	n  int
}

func (s *stream) put(b []byte, at int64) {
	if k := len(s.pieces); k > 0 {
		at = max(at, s.pieces[k-1].at)
	}
	s.bytes = append(s.bytes, b...)
	s.pieces = append(s.pieces, piece{at, len(b)})
}

// arrived is how many bytes can be read.
func (s *stream) arrived(now int64) (n int) {
	for _, p := range s.pieces {
		if p.at > now {
			break
		}
		n += p.n
	}
	return n
}

// drop takes n bytes that were read out.
func (s *stream) drop(n int) {
	s.bytes = s.bytes[:copy(s.bytes, s.bytes[n:])]
	for n > 0 {
		if s.pieces[0].n > n {
			s.pieces[0].n -= n
			return
		}
		n -= s.pieces[0].n
		s.pieces = append(s.pieces[:0], s.pieces[1:]...)
	}
}

// truncate keeps the first n bytes.
func (s *stream) truncate(n int) {
	s.bytes = s.bytes[:n]
	for k := range s.pieces {
		if s.pieces[k].n >= n {
			s.pieces[k].n = n
			s.pieces = s.pieces[:k+1]
			return
		}
		n -= s.pieces[k].n
	}
}

func (s *stream) empty() bool { return len(s.bytes) == 0 }

// sever breaks the connection: what is on its way is lost from some point on, and the ends find out, each at its time.
func (l *link) sever(clientFinds, venueFinds int64) {
	if l.broken {
		return
	}
	l.broken = true
	l.clientEnd, l.venueFinds = clientFinds, venueFinds
	l.up.truncate(l.w.rng.IntN(len(l.up.bytes) + 1))
	l.down.truncate(l.w.rng.IntN(len(l.down.bytes) + 1))
}

// serve is the venue's end: what its reader and writer do when they run.
func (l *link) serve(now int64) (over bool) {
	if l.venue == nil {
		if l.broken || l.clientClosed && l.up.empty() {
			return true
		}
		if l.venue = l.at.v.Connect(venueEnd{l}); l.venue == nil {
			return true
		}
	}
	l.read(now)
	if l.venue.Wants() || now >= l.lookAt {
		l.lookAt = now + int64(venueTick)
		return l.venue.Look()
	}
	return false
}

// closeDelay is how long the client's end does not know that the venue's was closed, ns.
const closeDelay = 2000

// venueTick is how often a connection looks at its timers, ns.
const venueTick = 100 * time.Millisecond

func (l *link) read(now int64) {
	if l.hungUp {
		return
	}
	if l.broken && now >= l.venueFinds || l.venueClosed {
		l.hungUp = true
		l.venue.Hangup()
		return
	}
	n := min(l.up.arrived(now), l.venue.Room())
	if n > 0 && l.at.v.Waiting() < inboxSize/4 {
		if l.w.rng.IntN(4) == 0 {
			n = 1 + l.w.rng.IntN(n)
		}
		l.venue.Receive(l.up.bytes[:n])
		l.up.drop(n)
		return
	}
	if n == 0 && l.clientClosed && l.up.empty() {
		l.hungUp = true
		l.venue.Hangup()
	}
}

// venueEnd is the venue's end as its gateway sees it.
type venueEnd struct{ *link }

var errUnused = errors.New("simulate: not to be called")

func (e venueEnd) Write(b []byte) (int, error) {
	l := e.link
	switch {
	case l.venueClosed || l.broken && l.w.net.Now() >= l.venueFinds:
		return 0, net.ErrClosed
	case len(l.down.bytes)+len(b) > unreadLimit && len(l.down.bytes) > 0:
		return 0, os.ErrDeadlineExceeded
	case !l.broken && !l.clientClosed:
		l.down.put(b, l.w.net.Now()+l.w.delay())
	}
	return len(b), nil
}

func (e venueEnd) Close() error {
	if !e.venueClosed {
		e.venueClosed = true
		e.clientEnd = max(e.clientEnd, e.w.net.Now()+closeDelay) // nothing is drawn here: connections are closed in any order
	}
	return nil
}

func (venueEnd) Read([]byte) (int, error)         { return 0, errUnused }
func (venueEnd) LocalAddr() net.Addr              { return nil }
func (venueEnd) RemoteAddr() net.Addr             { return nil }
func (venueEnd) SetDeadline(time.Time) error      { return nil }
func (venueEnd) SetReadDeadline(time.Time) error  { return nil }
func (venueEnd) SetWriteDeadline(time.Time) error { return nil }
