package sim

import (
	"fmt"

	"exchange/rdmaio"
)

// Crash ends a process at once: its memory is lost, what it had in flight may land in part, and every living peer that can be
// reached from it is told PeerDown within the configured bounds. From the first such notice on, nothing of it lands.
func (n *Network) Crash(id rdmaio.NodeID) { n.end(n.living(id), true) }

// CrashUnnoticed is Crash, but nobody is told until the process's next incarnation shows itself.
func (n *Network) CrashUnnoticed(id rdmaio.NodeID) { n.end(n.living(id), false) }

// Restart starts a crashed process again, with new zeroed memory and an incarnation above the last.
func (n *Network) Restart(id rdmaio.NodeID, incarnation uint64) *Provider {
	if old := n.procs[id]; old == nil || !old.dead {
		panic(fmt.Sprintf("sim: restart of process %d, which has not crashed", id))
	}
	return n.Provider(id, incarnation)
}

// Alive reports whether the process runs.
func (n *Network) Alive(id rdmaio.NodeID) bool { return n.procs[id] != nil && !n.procs[id].dead }

// Partition cuts the link between two processes, both ways. What is in flight waits for Heal until its retry time is over.
func (n *Network) Partition(a, b rdmaio.NodeID) {
	n.cut[a][b], n.cut[b][a] = true, true
}

// PartitionOneWay cuts what goes from one process to another: its requests, and its answers to the other's requests.
func (n *Network) PartitionOneWay(from, to rdmaio.NodeID) { n.cut[from][to] = true }

// Heal mends the link between two processes, both ways.
func (n *Network) Heal(a, b rdmaio.NodeID) {
	n.cut[a][b], n.cut[b][a] = false, false
	n.reunite(a, b)
	n.reunite(b, a)
}

// HealAll mends every link.
func (n *Network) HealAll() {
	for a := rdmaio.NodeID(1); a <= rdmaio.MaxNodes; a++ {
		for b := a + 1; b <= rdmaio.MaxNodes; b++ {
			if n.cut[a][b] || n.cut[b][a] {
				n.Heal(a, b)
			}
		}
	}
}

// SetDelay adds to the latency of what goes from one process to another from now on.
func (n *Network) SetDelay(from, to rdmaio.NodeID, delay int64) { n.delay[from][to] = delay }

// Unfence makes every attempt of owner to take RemoteWrite from peer return rdmaio.ErrNotFenced, the right staying as it
// was, until called again with false.
func (n *Network) Unfence(owner, peer rdmaio.NodeID, unfenced bool) { n.unfenc[owner][peer] = unfenced }

func (n *Network) living(id rdmaio.NodeID) *Provider {
	p := n.procs[id]
	if p == nil || p.dead {
		panic(fmt.Sprintf("sim: crash of process %d, which does not run", id))
	}
	return p
}

// end makes a process dead and plans who is told when.
func (n *Network) end(p *Provider, notice bool) {
	for peer := range p.pairs {
		for _, q := range p.pairs[peer] {
			if q != nil {
				q.fail(rdmaio.Flushed)
			}
		}
	}
	p.dead, p.silent = true, !notice
	p.silentAt = n.now + n.cfg.MaxNotice
	if !notice {
		return
	}
	for _, other := range n.procs {
		if other != nil && !other.dead {
			at := n.now + n.between(n.cfg.MinNotice, n.cfg.MaxNotice)
			p.silentAt = min(p.silentAt, at)
			n.push(event{at: at, kind: noticeDown, proc: p, to: other})
		}
	}
}

// Writers lists the living processes that may WRITE the owner's region of the protection domain at this moment, for checks: none is to be there twice
// over, and where one writer is promised there is one at most.
func (n *Network) Writers(owner rdmaio.NodeID, pd rdmaio.PD) (all []rdmaio.NodeID) {
	p := n.procs[owner]
	if p == nil || p.dead {
		return nil
	}
	for peer := range p.pairs {
		if q := p.pairs[peer][pd]; q != nil && q.met != nil && !q.met.dead && q.access&rdmaio.RemoteWrite != 0 {
			all = append(all, q.peer)
		}
	}
	return all
}

// Placed tells of all WRITEs to regions of the protection domain so far how many became visible in parts, and how many were refused, as their writer
// had no right to them.
func (n *Network) Placed(pd rdmaio.PD) (torn, refused uint64) { return n.torn[pd], n.refused[pd] }

// Cut tells whether a link between two processes is cut, in either direction.
func (n *Network) Cut(a, b rdmaio.NodeID) bool { return !n.connected(a, b) }
