package tcp

import (
	"sync/atomic"

	"exchange/rdmaio"
)

type id = rdmaio.NodeID

// peer is what the goroutines know of another process. All but probing is under the provider's lock.
type peer struct {
	incarnation uint64 // the highest that was heard of
	dead        bool   // that one is known to be
	inbound     int    // its connections that are served
	probing     atomic.Bool
	said        string // the last notice
}

// news is what a goroutine has to tell the owner loop.
type news struct {
	kind        newsKind
	peer        id
	incarnation uint64
	link        *link
}

type newsKind uint8

const (
	newsMet     newsKind = 1 + iota // an incarnation was heard of
	newsDead                        // it closed, or a newer one appeared
	newsRefused                     // its host refuses connections; dead unless one of ours to it stands
	newsLinked
	newsEnded // a connection of it has ended: there may be reason to ask after it
)

func (p *Provider) tell(n news) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(n)
}

// add is tell with the lock held.
func (p *Provider) add(n news) {
	p.queue = append(p.queue, n)
	p.waiting.Store(true)
}

// meet notes an incarnation; false: it is an earlier one than was here.
func (p *Provider) meet(peer id, incarnation uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := &p.peers[peer]
	switch {
	case incarnation < of.incarnation || incarnation == 0:
		return false
	case incarnation > of.incarnation:
		of.incarnation, of.dead = incarnation, false
		p.add(news{kind: newsMet, peer: peer, incarnation: incarnation})
	case of.dead: // it was not, after all
		of.dead = false
		p.add(news{kind: newsMet, peer: peer, incarnation: incarnation})
	}
	return true
}

func (p *Provider) arrived(peer id, incarnation uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if of := &p.peers[peer]; of.incarnation == incarnation {
		of.inbound++
	}
}

func (p *Provider) left(peer id, incarnation uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if of := &p.peers[peer]; of.incarnation == incarnation {
		of.inbound--
		p.add(news{kind: newsEnded, peer: peer, incarnation: incarnation})
	}
}

// saidBye notes that the peer's process closes.
func (p *Provider) saidBye(peer id, incarnation uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if of := &p.peers[peer]; of.incarnation == incarnation && !of.dead {
		of.dead = true
		p.add(news{kind: newsDead, peer: peer, incarnation: incarnation})
	}
}

// died is saidBye for the owner loop.
func (p *Provider) died(peer id, incarnation uint64) { p.saidBye(peer, incarnation) }

func (p *Provider) isDead(peer id, incarnation uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := &p.peers[peer]
	return of.dead && of.incarnation == incarnation || of.incarnation > incarnation
}

// suspect asks after a peer, behind the loop's back.
func (p *Provider) suspect(peer id) {
	if p.peers[peer].probing.CompareAndSwap(false, true) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.closing.Load() {
			return
		}
		p.background.Add(1)
		go p.probe(peer)
	}
}

// notice tells the configuration's Notice, unless it was told the same of that peer last.
func (p *Provider) notice(peer id, what string) {
	if p.cfg.Notice == nil || p.closing.Load() || peer > rdmaio.MaxNodes {
		return
	}
	p.mu.Lock()
	again := p.peers[peer].said == what
	p.peers[peer].said = what
	p.mu.Unlock()
	if !again {
		p.cfg.Notice(peer, what)
	}
}

// takeNews acts on what the goroutines have told, in order. Only the owner loop calls it.
func (p *Provider) takeNews() {
	if !p.waiting.Load() || p.closing.Load() {
		return
	}
	p.mu.Lock()
	p.queue, p.taken = p.taken[:0], p.queue
	p.waiting.Store(false)
	p.mu.Unlock()
	for i := range p.taken {
		n := &p.taken[i]
		switch n.kind {
		case newsMet:
			p.up(n.peer, n.incarnation)
		case newsDead:
			p.down(n.peer, n.incarnation)
		case newsRefused:
			p.refuses(n.peer, n.incarnation)
		case newsLinked:
			p.link(n.link)
		case newsEnded:
			p.lookAfter(n.peer)
		}
		n.link = nil
	}
}

// up tells of a new incarnation, and of the death of the one before.
func (p *Provider) up(peer id, incarnation uint64) {
	if was := p.known[peer]; was != 0 && was != incarnation {
		p.down(peer, was)
	}
	if p.known[peer] == incarnation && p.alive[peer] {
		return
	}
	p.known[peer], p.alive[peer] = incarnation, true
	p.events = append(p.events, rdmaio.AsyncEvent{Kind: rdmaio.PeerUp, Peer: peer, Incarnation: incarnation})
}

// down tells of a death: its rights are taken, its pairs fail.
func (p *Provider) down(peer id, incarnation uint64) {
	if p.known[peer] != incarnation || !p.alive[peer] {
		return
	}
	p.alive[peer] = false
	for _, q := range p.pairs {
		if q.peer != peer || q.incarnation != incarnation {
			continue
		}
		q.setAccess(0)
		if q.state == rdmaio.StateReady {
			q.receive() // what was answered before the end counts
		}
		q.end(rdmaio.RetryExceeded)
	}
	p.events = append(p.events, rdmaio.AsyncEvent{Kind: rdmaio.PeerDown, Peer: peer, Incarnation: incarnation})
}

// refuses takes a host's refusal for a death if none of our own connections to the peer stands.
func (p *Provider) refuses(peer id, incarnation uint64) {
	for _, q := range p.pairs {
		if q.peer == peer && q.state == rdmaio.StateReady {
			if q.receive(); q.state == rdmaio.StateReady {
				return
			}
		}
	}
	p.mu.Lock()
	of := &p.peers[peer]
	dead := of.incarnation == incarnation && of.inbound == 0 && !of.dead
	of.dead = of.dead || dead
	p.mu.Unlock()
	if dead {
		p.down(peer, incarnation)
	}
}

// lookAfter checks our connections to a peer one of whose own has ended.
func (p *Provider) lookAfter(peer id) {
	for _, q := range p.pairs {
		if q.peer == peer && q.state == rdmaio.StateReady {
			q.exchange()
		}
	}
	p.suspect(peer)
}

// link gives a pair the connection that was made for it.
func (p *Provider) link(l *link) {
	q := l.pair
	if !p.wanted(q, l.serial) || q.state != rdmaio.StateInit || p.isDead(q.peer, l.incarnation) {
		l.stream.close()
		if q.state == rdmaio.StateInit && p.wanted(q, l.serial) {
			p.seek(q)
		}
		return
	}
	p.up(q.peer, l.incarnation)
	if q.incarnation != l.incarnation {
		q.incarnation = l.incarnation
		q.setAccess(0)
	}
	p.bind(q, l.incarnation)
	q.linked(l)
}
