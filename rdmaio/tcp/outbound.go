package tcp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"time"
)

// link is a connection that was made for a pair, on its way to the owner loop.
type link struct {
	pair                     *queuePair
	serial                   uint64
	stream                   stream
	incarnation, size, epoch uint64
}

// dial makes a connection for the pair and hands it over; it goes on trying, with back-off, until it has one or its attempt is no longer wanted.
func (p *Provider) dial(q *queuePair, serial uint64) {
	defer p.background.Done()
	wait := backOffFirst
	for !p.closing.Load() && p.wanted(q, serial) {
		l, again, err := p.connect(q)
		if err == nil && l != nil {
			l.serial = serial
			p.tell(news{kind: newsLinked, peer: q.peer, incarnation: l.incarnation, link: l})
			return
		}
		if err != nil {
			p.notice(q.peer, err.Error())
		}
		if again {
			wait = backOffFirst
		}
		select {
		case <-p.closed:
			return
		case <-time.After(wait + rand.N(wait/4)):
		}
		wait = min(2*wait, backOffMost)
	}
}

// connect tries once. Neither a link nor an error: the peer's end is not there yet; again says that it soon may be.
func (p *Provider) connect(q *queuePair) (l *link, again bool, err error) {
	address := p.cfg.Peers[q.peer]
	conn, err := net.DialTimeout("tcp", address, p.cfg.Unreachable)
	if err != nil {
		p.judgeRefusal(q.peer, err)
		return nil, false, fmt.Errorf("%s cannot be reached: %w", address, err)
	}
	defer func() {
		if l == nil {
			conn.Close()
		}
	}()
	tune(conn)
	_ = conn.SetDeadline(time.Now().Add(handshakePatient))
	var secure *tls.Conn
	talk := conn
	if p.cfg.TLS != nil {
		c := p.cfg.TLS.Clone()
		c.ServerName = MemberName(q.peer, p.cfg.Cluster)
		secure = tls.Client(conn, c)
		talk = secure
	}
	h := hello{from: p.cfg.Local, to: q.peer, pd: q.pd, incarnation: p.cfg.Incarnation, cluster: p.cfg.Cluster}
	if _, err := talk.Write(h.encode()); err != nil {
		return nil, false, fmt.Errorf("%s: greeting: %w", address, err)
	}
	a, err := readAnswer(talk)
	if err != nil {
		return nil, false, fmt.Errorf("%s: greeting: %w", address, err)
	}
	switch {
	case a.verdict == refused:
		return nil, false, fmt.Errorf("%s refused this process: %s", address, a.text)
	case !p.meet(q.peer, a.incarnation):
		return nil, false, fmt.Errorf("%s: an earlier incarnation answered", address)
	case a.verdict != welcome:
		return nil, true, nil
	}
	_ = conn.SetDeadline(time.Time{})
	l = &link{pair: q, incarnation: a.incarnation, size: a.size, epoch: a.epoch}
	if secure != nil {
		l.stream = newPump(secure)
		return l, false, nil
	}
	s, err := newSocket(conn.(*net.TCPConn))
	if err != nil {
		l = nil
		return nil, false, err
	}
	l.stream = s
	return l, false, nil
}

// judgeRefusal takes a host's word that nobody listens where a peer did, once all that peer's connections have ended, as its death.
func (p *Provider) judgeRefusal(peer id, err error) {
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return
	}
	p.mu.Lock()
	of := &p.peers[peer]
	dead := of.incarnation != 0 && of.inbound == 0 && !of.dead
	incarnation := of.incarnation
	p.mu.Unlock()
	if dead {
		p.tell(news{kind: newsRefused, peer: peer, incarnation: incarnation})
	}
}

// probe asks a peer's host whether anybody still listens, several times: a dying process's sockets do not all end at once, and its listening one may take a
// connection that nobody will ever serve.
func (p *Provider) probe(peer id) {
	defer p.background.Done()
	defer p.peers[peer].probing.Store(false)
	for wait := backOffFirst; wait <= probeLast && !p.closing.Load(); wait *= 2 {
		conn, err := net.DialTimeout("tcp", p.cfg.Peers[peer], p.cfg.Unreachable)
		if err == nil {
			conn.Close()
		} else {
			p.judgeRefusal(peer, err)
		}
		select {
		case <-p.closed:
			return
		case <-time.After(wait):
		}
	}
}
