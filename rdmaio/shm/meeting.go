//go:build linux && (amd64 || arm64)

package shm

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// How the owner loop takes notice of peers: takeNews on what porter and callers left, PollAsync on the life pages. It alone
// changes pairs.

// offerLink leaves a link for the owner loop, and returns the one that it never took.
func (p *Provider) offerLink(l *link) (untaken *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	untaken, p.links[l.peer] = p.links[l.peer], l
	p.news.Store(1)
	return untaken
}

// PollAsync hands out events of peers, and is where deaths are noticed.
func (p *Provider) PollAsync(dst []rdmaio.AsyncEvent) int {
	if p.closing.Load() {
		return 0
	}
	if p.news.Load() != 0 {
		p.takeNews()
	}
	for _, id := range p.linked {
		if l := p.peers[id].link; l != nil && l.life.over() {
			p.lose(id)
		}
	}
	p.slideWindows()
	if len(p.async) == 0 {
		return 0
	}
	k := copy(dst, p.async)
	p.async = p.async[:copy(p.async, p.async[k:])]
	return k
}

func (p *Provider) takeNews() {
	p.news.Store(0) // before looking, so that what comes meanwhile is news again
	for _, id := range p.cfg.Peers {
		known := &p.peers[id]
		if l := known.link; l != nil && (l.dead.Load() || l.life.over()) {
			p.lose(id)
		}
		p.takeLink(id)
		for _, q := range p.pairs[id] {
			if q != nil {
				p.advance(q)
			}
		}
	}
}

// takeLink takes a newly made link, when what it replaces is over.
func (p *Provider) takeLink(id rdmaio.NodeID) {
	known := &p.peers[id]
	p.mu.Lock()
	l := p.links[id]
	p.mu.Unlock()
	if l == nil {
		return
	}
	if old := known.link; old != nil {
		switch {
		case l.incarnation == known.incarnation && old.broken.Load():
			p.unlink(id) // the same process after a broken connection
		case l.incarnation != known.incarnation && p.lose(id):
		default:
			p.news.Store(1) // not yet: look again
			return
		}
	}
	p.mu.Lock()
	if p.links[id] != l { // replaced meanwhile, and so released by its caller
		p.mu.Unlock()
		p.news.Store(1)
		return
	}
	p.links[id] = nil
	p.mu.Unlock()
	if l.incarnation < known.incarnation || l.incarnation == known.incarnation && known.down {
		l.released.Store(true) // of a process told dead already
		p.callers[id].wake.wake()
		return
	}
	if l.incarnation != known.incarnation {
		*known = peerState{incarnation: l.incarnation}
		p.tell(rdmaio.AsyncEvent{Kind: rdmaio.PeerUp, Peer: id, Incarnation: l.incarnation})
	}
	known.link = l
	p.linked = append(p.linked, id)
}

// unlink lets go of a link: the pairs that use it fail.
func (p *Provider) unlink(id rdmaio.NodeID) {
	known := &p.peers[id]
	for _, q := range p.pairs[id] {
		if q != nil {
			q.cutOff(rdmaio.RetryExceeded)
		}
	}
	known.link.released.Store(true)
	known.link = nil
	p.linked = slices.DeleteFunc(p.linked, func(other rdmaio.NodeID) bool { return other == id })
	p.callers[id].wake.wake()
}

// lose tells of a peer's death, once its stores to our memory cannot come any more. It reports whether that is so.
//
// A marked life page says that one thread of the process died; the others follow, but at their own pace. So our regions are
// fenced against them first.
func (p *Provider) lose(id rdmaio.NodeID) bool {
	known := &p.peers[id]
	if known.link == nil {
		return true
	}
	gone := known.link.dead.Load()
	for _, q := range p.pairs[id] {
		if q != nil && !q.fencedForGood(gone) {
			p.news.Store(1) // try again when polled next
			return false
		}
	}
	p.unlink(id)
	for _, q := range p.pairs[id] {
		if q != nil {
			q.dropFence()
		}
	}
	known.down = true
	p.tell(rdmaio.AsyncEvent{Kind: rdmaio.PeerDown, Peer: id, Incarnation: known.incarnation})
	return true
}

// fencedForGood takes the dying peer's right to write.
func (q *queuePair) fencedForGood(gone bool) bool {
	if gone || q.fence == nil {
		return true
	}
	err := q.fence.take()
	// ENOENT: a provider that was closed has unmapped our region before it marked its life page.
	return err == nil || errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT)
}

// dropFence forgets the peer's mapping of our region and all its rights.
func (q *queuePair) dropFence() {
	if q.fence != nil {
		q.fence.close()
		q.fence = nil
	}
	q.setAccess(0)
}

// tell queues an event. Of an incarnation whose start has not been handed out yet, neither start nor death is told, so that
// at most two events for each peer wait.
func (p *Provider) tell(e rdmaio.AsyncEvent) {
	if e.Kind == rdmaio.PeerDown {
		up := rdmaio.AsyncEvent{Kind: rdmaio.PeerUp, Peer: e.Peer, Incarnation: e.Incarnation}
		if i := slices.Index(p.async, up); i >= 0 {
			p.async = slices.Delete(p.async, i, i+1)
			return
		}
	}
	p.async = append(p.async, e)
}

// advance takes the peer's fence if there is a new one, and makes the pair ready if both directions are there.
func (p *Provider) advance(q *queuePair) {
	l := p.peers[q.peer].link
	if l == nil || l.broken.Load() {
		return
	}
	p.mu.Lock()
	f := p.fences[q.peer][q.pd]
	take := f != nil && f.incarnation == l.incarnation && (q.state == rdmaio.StateInit || q.incarnation == f.incarnation)
	if take {
		p.fences[q.peer][q.pd] = nil
	}
	p.mu.Unlock()
	if take {
		q.adopt(f)
	}
	t := l.targets[q.pd].Load()
	if q.state == rdmaio.StateInit && q.fence != nil && q.incarnation == l.incarnation && t != nil && t.ready.Load() {
		q.target, q.link = t, l
		q.state = rdmaio.StateReady
		if t.part != 0 && q.waiting == nil {
			q.waiting = make([]waitingRequest, SendQueueDepth)
		}
	}
}

// adopt takes the peer's present mapping of our region in place of an earlier one. A new incarnation starts without rights.
func (q *queuePair) adopt(f *fence) {
	p := q.owner
	if f.take() != nil || !q.fencedForGood(false) {
		f.close() // it died, or cannot be fenced: no pair with such a one
		return
	}
	access := q.access
	q.dropFence()
	q.fence = f
	if q.incarnation == f.incarnation && access != 0 && (access&rdmaio.RemoteWrite == 0 || f.give() == nil) {
		q.setAccess(access)
	}
	q.incarnation = f.incarnation
	p.mu.Lock()
	f.visitor.ready[q.pd] = true
	p.mu.Unlock()
	p.porterWake.wake()
}
