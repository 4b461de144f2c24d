//go:build verbs && linux && cgo

package verbs

import "exchange/rdmaio"

// life is what is known of a process: its newest incarnation and whether that is dead.
type life struct {
	incarnation uint64
	dead        bool
}

// takeNews brings the pairs to what hosts and callers have found.
func (p *Provider) takeNews() {
	p.news.Store(false)
	for id, r := range p.peers {
		if r == nil {
			continue
		}
		r.mu.Lock()
		now := life{r.incarnation, r.dead}
		asks, gone := r.asks, r.gone
		for pd := range r.asks {
			if asks[pd].answered {
				r.asks[pd] = ask{}
			}
		}
		r.mu.Unlock()
		if now != p.seen[id] {
			p.follow(rdmaio.NodeID(id), now)
		}
		if now.dead || now.incarnation == 0 {
			continue
		}
		for pd := range rdmaio.PD(rdmaio.MaxPDs) {
			if q := p.byIndex[id*rdmaio.MaxPDs+int(pd)]; q != nil {
				q.hear(&asks[pd], gone[pd], now.incarnation)
			}
		}
	}
}

// follow takes the pairs of a peer through its death or to its new incarnation.
func (p *Provider) follow(id rdmaio.NodeID, now life) {
	was := p.seen[id]
	p.seen[id], p.untold = now, true
	if was.incarnation == 0 || was.dead {
		return // it was nobody
	}
	for pd := range rdmaio.MaxPDs {
		switch q := p.byIndex[int(id)*rdmaio.MaxPDs+pd]; {
		case q == nil:
		case q.state == rdmaio.StateReady:
			q.cut(rdmaio.RetryExceeded)
		case q.state == rdmaio.StateInit:
			if err := q.seek(0); err != nil {
				q.peer.setProblem(err)
			}
		}
	}
}

// hear takes the answer to the pair's question, and how many generations of the peer's gate are over.
func (q *queuePair) hear(a *ask, gone uint32, incarnation uint64) {
	if a.answered && q.state == rdmaio.StateInit && a.question.attempt == q.attempt {
		q.join(&a.answer, incarnation)
	}
	if q.state == rdmaio.StateReady && !q.lame && gone > q.remote.generation {
		q.refuse()
	}
}

// PollAsync hands out events.
func (p *Provider) PollAsync(dst []rdmaio.AsyncEvent) int {
	if p.news.Load() && !p.closing.Load() {
		p.takeNews()
	}
	k := 0
	if !p.untold {
		return k
	}
	for id := range p.told {
		told, seen := &p.told[id], p.seen[id]
		for k < len(dst) && *told != seen {
			e := rdmaio.AsyncEvent{Kind: rdmaio.PeerDown, Peer: rdmaio.NodeID(id), Incarnation: told.incarnation}
			if told.incarnation == seen.incarnation || told.incarnation != 0 && !told.dead {
				told.dead = true
			} else {
				*told = life{incarnation: seen.incarnation}
				e.Kind, e.Incarnation = rdmaio.PeerUp, seen.incarnation
			}
			dst[k] = e
			k++
		}
	}
	p.untold = p.told != p.seen
	return k
}
