package sim

import (
	"exchange/rdmaio"
)

// The way of a request:
//  1. PostSend gives it a time of arrival, not before that of the one posted before it.
//  2. placeHead: at that time the owner's rights decide. Allowed, its bytes are placed, in one step or two; refused, nothing
//     behind it is placed any more. A cut link holds it up; a dead peer never answers.
//  3. answerHead: the answer arrives and the request completes.
//  4. retryExpired: no answer came in time, and the pair fails.
// What was in flight when the pair failed goes on as strays.

func (n *Network) schedulePlacing(q *QueuePair, at int64) {
	if !q.placing && !q.refused {
		q.placing = true
		n.push(event{at: at, kind: placeHead, pair: q, gen: q.gen})
	}
}

func (n *Network) armRetry(q *QueuePair, at int64) {
	if !q.retryArmed {
		q.retryArmed = true
		n.push(event{at: at, kind: retryExpired, pair: q, gen: q.gen})
	}
}

func (n *Network) retransmitAt() int64 {
	return n.now + max(1, n.cfg.RetryTime/retransmitsPerRetryTime)
}

func (n *Network) placeHead(q *QueuePair) {
	q.placing = false
	if q.met.dead {
		return // the retry timer or the notice of death ends it
	}
	if n.cut[q.owner.id][q.peer] {
		n.schedulePlacing(q, n.retransmitAt())
		return
	}
	r := q.at(q.placed)
	dst := q.target(r.opcode, r.remote, len(r.local))
	switch {
	case dst == nil:
		r.status = rdmaio.RemoteAccessError
		q.refused = true
		if r.opcode == rdmaio.Write {
			n.refused[q.pd]++
		}
	case r.opcode == rdmaio.Read:
		r.fetched = append(r.fetched[:0], dst...)
	case r.half:
		place(dst, r.remote, r.source(), r.tear, laterWords)
	case len(r.local) > 8 && n.cfg.TornWrite > 0 && n.rng.Float64() < n.cfg.TornWrite:
		r.half, r.tear = true, n.newTear(len(r.local))
		n.torn[q.pd]++
		place(dst, r.remote, r.source(), r.tear, earlierWords)
		n.schedulePlacing(q, n.now+n.latency(q.owner.id, q.peer))
		return
	default:
		copy(dst, r.source())
	}
	q.placed++
	r.answerAt = max(q.lastAnswer, n.now+n.latency(q.peer, q.owner.id))
	q.lastAnswer = r.answerAt
	if !q.answering {
		q.answering = true
		n.push(event{at: r.answerAt, kind: answerHead, pair: q, gen: q.gen})
	}
	if q.placed != q.tail {
		n.schedulePlacing(q, q.at(q.placed).due)
	}
}

// target is the peer's memory that a request is for, or nil if the peer's owner does not allow it.
func (q *QueuePair) target(op rdmaio.Opcode, offset uint64, length int) []byte {
	end := q.met.pairs[q.owner.id][q.pd]
	need := rdmaio.RemoteWrite
	if op == rdmaio.Read {
		need = rdmaio.RemoteRead
	}
	if end == nil || end.met != q.owner || end.access&need == 0 {
		return nil
	}
	mem := q.met.regions[q.pd].bytes
	if offset > uint64(len(mem)) || uint64(length) > uint64(len(mem))-offset {
		return nil
	}
	return mem[offset : offset+uint64(length)]
}

func (n *Network) answerHead(q *QueuePair) {
	q.answering = false
	if n.cut[q.peer][q.owner.id] {
		q.answering = true
		n.push(event{at: n.retransmitAt(), kind: answerHead, pair: q, gen: q.gen})
		return
	}
	q.heard = n.now
	r := q.at(q.answered)
	if r.status != rdmaio.Success {
		q.fail(r.status)
		return
	}
	if r.opcode == rdmaio.Read {
		copy(r.local, r.fetched)
	}
	q.answered++
	if r.flags&rdmaio.Unsignaled == 0 {
		for ; q.head != q.answered-1; q.head++ {
			q.cq.release()
		}
		q.complete(r, rdmaio.Success)
		q.head++
	}
	if q.answered != q.placed {
		q.answering = true
		n.push(event{at: q.at(q.answered).answerAt, kind: answerHead, pair: q, gen: q.gen})
	}
}

func (n *Network) retryExpired(q *QueuePair) {
	q.retryArmed = false
	if q.answered == q.tail {
		return
	}
	if deadline := max(q.at(q.answered).deadline, q.heard+n.cfg.RetryTime); deadline > n.now {
		n.armRetry(q, deadline)
		return
	}
	q.fail(rdmaio.RetryExceeded)
}

// stray is a WRITE that outlived its pair. It lands unless the contract forbids it by then.
type stray struct {
	pair   *QueuePair
	gen    uint64 // of the pair once failed; the pair's next connection makes it void
	to     *Provider
	remote uint64
	data   []byte
	tear   tear
	words  wordSet
}

// strand lets a random number of the unplaced requests of a failing pair go on by themselves, the last perhaps in part.
func (n *Network) strand(q *QueuePair) {
	waiting := q.tail - q.placed
	if waiting == 0 || q.met == nil || q.met.dead {
		return
	}
	live := n.rng.Uint64N(waiting + 1)
	partly := n.cfg.TornWrite > 0 && n.rng.Float64() < n.cfg.TornWrite
	for i := q.placed; i != q.tail && i <= q.placed+live; i++ {
		r := q.at(i)
		words := allWords
		if r.half {
			words = laterWords
		}
		if i == q.placed+live {
			if !partly || r.half {
				break
			}
			words, r.tear = earlierWords, n.newTear(len(r.local))
			n.torn[q.pd]++
		}
		if r.opcode != rdmaio.Write {
			continue
		}
		s := &stray{pair: q, gen: q.gen + 1, to: q.met, remote: r.remote, data: append([]byte(nil), r.source()...), tear: r.tear, words: words}
		n.push(event{at: r.due, kind: placeStray, stray: s})
	}
}

func (n *Network) placeStray(s *stray) {
	q := s.pair
	writer := q.owner
	if s.gen != q.gen || s.to != q.met || s.to.dead || s.gen == q.strayLost {
		return
	}
	if n.cut[writer.id][q.peer] {
		q.strayLost = s.gen // and with it what was posted behind it: writes of a pair are placed in order
		return
	}
	if writer.dead && (!writer.silent && n.now >= writer.silentAt || n.procs[writer.id] != writer) {
		return
	}
	if dst := q.target(rdmaio.Write, s.remote, len(s.data)); dst != nil {
		place(dst, s.remote, s.data, s.tear, s.words)
	}
}

// tear parts the words of a write in two: those before a point, or a scattered half.
type tear struct {
	seed   uint64
	prefix int // words; 0: scattered
}

type wordSet uint8

const (
	allWords wordSet = iota
	earlierWords
	laterWords
)

func (n *Network) newTear(length int) tear {
	t := tear{seed: n.rng.Uint64()}
	if n.rng.Uint64()&1 == 0 {
		t.prefix = 1 + n.rng.IntN(length/8+1)
	}
	return t
}

func (t tear) early(word int) bool {
	if t.prefix > 0 {
		return word < t.prefix
	}
	x := (t.seed + uint64(word)) * 0x9e3779b97f4a7c15
	return (x^x>>29)*0xbf58476d1ce4e5b9>>63 == 0
}

// place copies those aligned 8-byte words of src that belong to the set.
func place(dst []byte, offset uint64, src []byte, t tear, set wordSet) {
	for from, word := 0, 0; from < len(src); word++ {
		to := min(len(src), from+8-int((offset+uint64(from))%8))
		if set == allWords || t.early(word) == (set == earlierWords) {
			copy(dst[from:to], src[from:to])
		}
		from = to
	}
}
