package consensus

import (
	"encoding/binary"
	"fmt"

	"exchange/rdmaio"
)

// opKind is what a work request was for.
type opKind uint8

const (
	opRecord     opKind = 1 + iota // READ of the background record
	opSmall                        // a WRITE whose outcome nothing waits for
	opAsk                          // WRITE of a request for permission; arg: its number
	opAck                          // WRITE of the answer to one; arg: its number
	opBehind                       // WRITE that tells a peer that it needs a state
	opKnowRecord                   // READ of the background record by a leader that takes the peer in
	opKnowHeader                   // READ of its log header
	opCatchUp                      // READ of decided entries into our log
	opTail                         // READ of its tail
	opEntries                      // WRITE of entries; arg: the offset behind them
	opAdmit                        // WRITE of the admission word
	opNumber                       // WRITE of a new proposal number to a confirmed follower; arg: the number
)

// op is a work request under way. Completions of one pair come in the order of posting, so a queue is all that is needed.
type op struct {
	kind    opKind
	attempt uint64 // of leading; an outcome of an earlier attempt never counts
	arg     uint64
}

// opsPerPair bounds the work requests under way on one pair.
const opsPerPair = 64

type opQueue struct {
	ops        [opsPerPair]op
	head, tail uint32
}

func (q *opQueue) full() bool   { return q.tail-q.head == opsPerPair }
func (q *opQueue) room() uint32 { return opsPerPair - (q.tail - q.head) }
func (q *opQueue) empty() bool  { return q.tail == q.head }

// next is the place of the operation that is pushed next. It and pop's are written and read field by field: to copy what was just stored in smaller
// parts, the processor would wait until it had left its buffer.
func (q *opQueue) next() *op { return &q.ops[q.tail%opsPerPair] }
func (q *opQueue) push()     { q.tail++ }

// pop takes the oldest out; it stays in its place until the next push.
func (q *opQueue) pop() *op {
	if q.empty() {
		panic("consensus: a completion that nothing was posted for")
	}
	o := &q.ops[q.head%opsPerPair]
	q.head++
	return o
}

// post starts one operation on a pair; false: there is no room or the pair is not ready, and nothing was started.
func (n *Node) post(pair rdmaio.QueuePair, q *opQueue, o op, code rdmaio.Opcode, remote uint64, local []byte) bool {
	if q.full() {
		return false
	}
	n.wrID++
	wr := &n.wr // by fields: see opQueue.next
	wr.ID, wr.Opcode, wr.RemoteOffset, wr.Local = n.wrID, code, remote, local
	if err := pair.PostSend(&n.wr); err != nil {
		if err == rdmaio.ErrBadRequest {
			panic(fmt.Sprintf("consensus: bad work request: %d bytes at %d", len(local), remote))
		}
		return false
	}
	next := q.next()
	next.kind, next.attempt, next.arg = o.kind, n.lead.attempt, o.arg
	q.push()
	return true
}

func (n *Node) postLog(p *peer, o op, code rdmaio.Opcode, remote uint64, local []byte) bool {
	return n.post(p.log, &p.logOps, o, code, remote, local)
}

func (n *Node) postBackground(p *peer, o op, code rdmaio.Opcode, remote uint64, local []byte) bool {
	return n.post(p.background, &p.bgOps, o, code, remote, local)
}

// small is an 8-byte source for an inline write.
func (n *Node) small(v uint64) []byte {
	b := n.inline[n.inlineAt%len(n.inline)][:]
	n.inlineAt++
	binary.NativeEndian.PutUint64(b, v)
	return b
}

func (n *Node) writeLogWord(p *peer, at int, v uint64, o op) bool {
	return n.postLog(p, o, rdmaio.Write, uint64(at), n.small(v))
}

func (n *Node) writeBackgroundWord(p *peer, at int, v uint64, o op) bool {
	return n.postBackground(p, o, rdmaio.Write, uint64(at), n.small(v))
}

// complete takes in the outcomes there are, and tells how many.
func (n *Node) complete() (all int) {
	for {
		k := n.cq.Poll(n.completions[:])
		all += k
		for i := range k {
			c := &n.completions[i]
			p := n.byID[c.Peer]
			if c.PD == backgroundPD {
				n.backgroundDone(p, p.bgOps.pop(), c.Status)
			} else {
				n.logDone(p, p.logOps.pop(), c.Status)
			}
		}
		if k < len(n.completions) {
			return all
		}
	}
}

func (n *Node) backgroundDone(p *peer, o *op, status rdmaio.Status) {
	good := status == rdmaio.Success
	switch o.kind {
	case opRecord, opKnowRecord:
		p.reading = false
		if good {
			n.learn(p)
		}
		if p.due {
			n.score(p)
		}
		if o.kind == opKnowRecord && o.attempt == n.lead.attempt {
			n.knew(p, good)
		}
	}
	if good {
		return
	}
	// A word that may not have arrived is written again.
	switch o.kind {
	case opAsk:
		if p.asked == o.arg {
			p.asked = 0
		}
	case opAck:
		if n.served[p.id] == o.arg {
			n.served[p.id]--
		}
	case opBehind:
		if p.state == behind {
			p.state = granted
		}
	}
}

func (n *Node) logDone(p *peer, o *op, status rdmaio.Status) {
	if o.attempt != n.lead.attempt || p.state == stranger {
		return
	}
	if planted("failed write counts") && o.kind == opEntries {
		status = rdmaio.Success
	}
	switch status {
	case rdmaio.Success:
	case rdmaio.RemoteAccessError:
		n.stats.Denied++
		n.stepDown(fmt.Sprintf("replica %d lets another write its log", p.id))
		return
	default:
		n.drop(p, "cannot be reached")
		return
	}
	switch o.kind {
	case opKnowHeader:
		n.knew(p, true)
	case opCatchUp, opTail:
		p.waiting = max(p.waiting-1, 0)
	case opEntries:
		p.acked = max(p.acked, o.arg)
	case opNumber:
		p.number = o.arg
	case opAdmit:
		p.counts, p.admitting = true, false
		n.stats.Admitted++
		n.tell(Event{Kind: LearnerAdmitted, Peer: p.id})
	}
}

// hear takes in what the fabric says of the others.
func (n *Node) hear() {
	k := n.provider.PollAsync(n.async[:])
	for i := range k {
		e := n.async[i]
		p := n.byID[e.Peer]
		if p == nil {
			continue
		}
		n.renounce(p)
		if e.Kind == rdmaio.PeerDown {
			p.score, p.alive, p.died = 0, false, true
			n.tell(Event{Kind: PeerDied, Peer: p.id})
			n.drop(p, "died")
			continue
		}
		p.score, p.alive, p.moved, p.due = scoreMax, true, false, false // the system says so
		n.drop(p, "started again")
		if n.holder == p.id {
			n.holder = 0 // the new incarnation has no rights here
		}
	}
}

// renounce forgets what an incarnation of the peer promised: nothing of it holds for the next.
func (n *Node) renounce(p *peer) {
	if planted("promise of a dead incarnation") {
		return
	}
	store(n.background, ackAt(p.id), 0)
	p.fresh, p.asked, p.refused = record{}, 0, false
}

// tendPairs brings pairs back from errors and gives peers the rights they always have.
func (n *Node) tendPairs() {
	for _, p := range n.peers {
		switch p.background.State() {
		case rdmaio.StateError:
			_ = p.background.Reset()
		case rdmaio.StateReady:
			if p.background.Access() == 0 {
				_ = p.background.ModifyAccess(rdmaio.RemoteRead | rdmaio.RemoteWrite)
			}
		}
		switch p.log.State() {
		case rdmaio.StateError:
			if p.state != stranger {
				n.complete() // the reason first
			}
			if p.state != stranger {
				n.drop(p, "cannot be reached")
			}
			_ = p.log.Reset()
		case rdmaio.StateReady:
			if p.log.Access() == 0 {
				_ = p.log.ModifyAccess(rdmaio.RemoteRead)
			}
		}
	}
}
