package tcp

import (
	"exchange/rdmaio"
)

// queuePair is our end of a pair. All of it is the owner loop's; what other goroutines need to know of it is in the provider's ends.
//
// Requests go through a ring: posted counts those that came in, encoded those that are in the buffer in full, done those that the owner has
// answered, retired those whose places are free again (an unsignaled one's is freed by a later signaled one).
type queuePair struct {
	owner       *Provider
	region      *region
	peer        rdmaio.NodeID
	pd          rdmaio.PD
	state       rdmaio.QPState
	access      rdmaio.Access
	cq          *completionQueue
	incarnation uint64
	remoteSize  uint64
	epoch       uint64
	piece       []byte // of our memory that the last request's Local lay in

	stream  stream
	serial  uint64 // of the attempt to connect that counts
	ring    [SendQueueDepth]pending
	posted  uint64
	encoded uint64
	cut     int // bytes of request number encoded that are in the buffer already
	done    uint64
	retired uint64
	reading uint64 // the oldest request that a data response may be for
	filled  int    // bytes of it that have come
	out     []byte // encoded and not taken by the system yet
	sent    int    // bytes of out that it has taken
	in      []byte // came and not taken apart yet
	heardAt int64  // when something came last, or when the wait for it began
	pingAt  int64
}

// pending is a request that was posted. An inline write's bytes are its own.
type pending struct {
	id       uint64
	remote   uint64
	local    []byte
	opcode   rdmaio.Opcode
	unsigned bool
	inline   [rdmaio.MaxInline]byte
}

// outBytes and inBytes bound a pair's buffers.
const (
	outBytes = 2 * (MaxPiece + requestBytes)
	inBytes  = MaxPiece + responseBytes
)

// Peer is the process at the other end.
func (q *queuePair) Peer() rdmaio.NodeID { return q.peer }

// PD is the pair's protection domain.
func (q *queuePair) PD() rdmaio.PD { return q.pd }

// State is the pair's state, after what has become known of the peer.
func (q *queuePair) State() rdmaio.QPState {
	q.owner.takeNews()
	return q.state
}

// PeerIncarnation is the incarnation of the process that this end last met.
func (q *queuePair) PeerIncarnation() uint64 { return q.incarnation }

// RemoteSize is the size of the peer's region; 0 until ready.
func (q *queuePair) RemoteSize() uint64 {
	if q.state != rdmaio.StateReady {
		return 0
	}
	return q.remoteSize
}

// Access is what the present incarnation of the peer may do to our region.
func (q *queuePair) Access() rdmaio.Access { return q.access }

func (q *queuePair) outstanding() bool { return q.posted != q.done || q.sent < len(q.out) }

// PostSend queues the request; it leaves with the next Poll.
func (q *queuePair) PostSend(wr *rdmaio.WorkRequest) error {
	q.owner.takeNews()
	if q.state != rdmaio.StateReady {
		return q.notReady()
	}
	if len(wr.Local) == 0 || wr.Flags&^rdmaio.Unsignaled != 0 || wr.Opcode != rdmaio.Write && wr.Opcode != rdmaio.Read {
		return rdmaio.ErrBadRequest
	}
	ours := inside(wr.Local, q.piece)
	if !ours {
		if piece, ok := q.owner.owns(wr.Local); ok {
			q.piece, ours = piece, true
		}
	}
	if !ours && (wr.Opcode != rdmaio.Write || len(wr.Local) > rdmaio.MaxInline) {
		return rdmaio.ErrBadRequest
	}
	if q.posted-q.retired == SendQueueDepth || q.cq.full() {
		return rdmaio.ErrQueueFull
	}
	if !q.outstanding() {
		// The owner may have begun a new epoch since: with nothing under way nobody has looked.
		q.receive()
		if q.state != rdmaio.StateReady {
			return q.notReady()
		}
		q.heardAt = q.owner.now()
	}
	r := &q.ring[q.posted%SendQueueDepth]
	r.id, r.remote, r.opcode, r.unsigned, r.local = wr.ID, wr.RemoteOffset, wr.Opcode, wr.Flags&rdmaio.Unsignaled != 0, wr.Local
	if wr.Opcode == rdmaio.Write && len(wr.Local) <= rdmaio.MaxInline {
		r.local = r.inline[:copy(r.inline[:], wr.Local)]
	}
	q.posted++
	q.cq.held++
	q.encode()
	return nil
}

func (q *queuePair) notReady() error {
	if q.owner.closing.Load() {
		return rdmaio.ErrClosed
	}
	return rdmaio.ErrNotReady
}

// encode moves posted requests into the buffer as far as there is room.
func (q *queuePair) encode() {
	for q.encoded != q.posted {
		r := &q.ring[q.encoded%SendQueueDepth]
		piece := len(r.local)
		if r.opcode == rdmaio.Write {
			piece = min(len(r.local)-q.cut, MaxPiece)
			if len(q.out)+requestBytes+piece > outBytes {
				return
			}
		} else if len(q.out)+requestBytes > outBytes {
			return
		}
		at := len(q.out)
		q.out = q.out[:at+requestBytes]
		ask := request{kind: askRead, last: 1, length: uint32(piece), offset: r.remote, epoch: q.epoch}
		if r.opcode == rdmaio.Write {
			ask.kind, ask.offset = askWrite, r.remote+uint64(q.cut)
			q.out = append(q.out, r.local[q.cut:q.cut+piece]...)
			if q.cut += piece; q.cut < len(r.local) {
				ask.last = 0
			} else {
				q.cut = 0
			}
		}
		ask.put(q.out[at:])
		if ask.last == 1 {
			q.encoded++
		}
	}
}

// exchange sends and receives what can be.
func (q *queuePair) exchange() {
	if q.state != rdmaio.StateReady {
		return
	}
	q.send()
	if q.state == rdmaio.StateReady {
		q.receive()
	}
}

func (q *queuePair) send() {
	for q.sent < len(q.out) {
		n, err := q.stream.tryWrite(q.out[q.sent:])
		if err != nil {
			// What the owner said before it closed tells more than that it did.
			q.receive()
			q.broken(err)
			return
		}
		if n == 0 {
			return
		}
		if q.sent += n; q.sent == len(q.out) {
			q.out, q.sent = q.out[:0], 0
			q.encode()
		}
	}
}

// receive takes what has come.
func (q *queuePair) receive() {
	for q.state == rdmaio.StateReady {
		had := len(q.in)
		n, err := q.stream.tryRead(q.in[had:cap(q.in)])
		if err != nil {
			q.broken(err)
			return
		}
		if n == 0 {
			return
		}
		q.in = q.in[:had+n]
		q.heardAt = q.owner.now()
		q.takeApart()
		if had+n < cap(q.in) {
			return // there was no more
		}
	}
}

// takeApart handles whole responses and keeps the rest.
func (q *queuePair) takeApart() {
	rest := q.in
	for len(rest) >= responseBytes && q.state == rdmaio.StateReady {
		r := takeResponse(rest)
		whole := responseBytes
		if r.kind == tellData {
			if r.length > MaxPiece {
				q.broken(errBadFrame)
				return
			}
			whole += int(r.length)
		}
		if len(rest) < whole {
			break
		}
		q.heard(r, rest[responseBytes:whole])
		rest = rest[whole:]
	}
	if q.state == rdmaio.StateReady {
		q.in = q.in[:copy(q.in[:cap(q.in)], rest)]
	}
}

func (q *queuePair) heard(r response, data []byte) {
	switch r.kind {
	case tellDone:
		q.completed(r.value)
	case tellData:
		q.fill(data)
	case tellEpoch:
		q.epoch = r.value
	case tellDenied:
		q.completed(r.value)
		q.end(rdmaio.RemoteAccessError)
	case tellBye:
		q.owner.died(q.peer, q.incarnation)
		q.broken(errBye)
	default:
		q.broken(errBadFrame)
	}
}

// fill places a piece of what was read.
func (q *queuePair) fill(data []byte) {
	for q.reading != q.encoded && (q.reading < q.done || q.ring[q.reading%SendQueueDepth].opcode != rdmaio.Read) {
		q.reading++
	}
	r := &q.ring[q.reading%SendQueueDepth]
	if q.reading == q.encoded || q.filled+len(data) > len(r.local) {
		q.broken(errBadFrame)
		return
	}
	at, mem := q.owner.offset(r.local)
	place(mem, at+uint64(q.filled), data)
	if q.filled += len(data); q.filled == len(r.local) {
		q.reading, q.filled = q.reading+1, 0
	}
}

// completed notes that the owner has done n requests since the connection began.
func (q *queuePair) completed(n uint64) {
	if n > q.encoded || n < q.done {
		q.broken(errBadFrame)
		return
	}
	for ; q.done < n; q.done++ {
		if r := &q.ring[q.done%SendQueueDepth]; !r.unsigned {
			q.cq.put(q.completion(r, rdmaio.Success))
			q.cq.held -= int(q.done - q.retired) // the unsignaled ones before it
			q.retired = q.done + 1
		}
	}
}

func (q *queuePair) completion(r *pending, s rdmaio.Status) rdmaio.Completion {
	return rdmaio.Completion{ID: r.id, Peer: q.peer, PD: q.pd, Opcode: r.opcode, Status: s}
}

// broken ends a ready pair whose connection failed.
func (q *queuePair) broken(err error) {
	if q.state == rdmaio.StateReady {
		q.owner.notice(q.peer, "connection lost: "+err.Error())
		q.owner.suspect(q.peer)
		q.end(rdmaio.RetryExceeded)
	}
}

// end puts a ready pair into StateError: the first request outstanding gets the status, all others are flushed.
func (q *queuePair) end(first rdmaio.Status) {
	if q.state != rdmaio.StateReady {
		return
	}
	q.state = rdmaio.StateError
	q.abandon(first)
}

// abandon closes the connection and completes everything that was posted.
func (q *queuePair) abandon(first rdmaio.Status) {
	q.stream.close()
	q.stream = nil
	q.cq.held -= int(q.done - q.retired) // done, unsignaled, and not followed by a signaled one
	for ; q.done != q.posted; q.done++ {
		q.cq.put(q.completion(&q.ring[q.done%SendQueueDepth], first))
		first = rdmaio.Flushed
	}
	q.retired = q.done
}

// linked makes the pair ready on a new connection.
func (q *queuePair) linked(l *link) {
	q.stream, q.incarnation, q.remoteSize, q.epoch = l.stream, l.incarnation, l.size, l.epoch
	q.posted, q.encoded, q.cut, q.done, q.retired, q.reading, q.filled = 0, 0, 0, 0, 0, 0, 0
	q.out, q.sent, q.in = q.out[:0], 0, q.in[:0]
	q.heardAt, q.pingAt = q.owner.now(), q.owner.now()
	q.state = rdmaio.StateReady
}

// Reset drops the connection and seeks a new one.
func (q *queuePair) Reset() error {
	if q.owner.closing.Load() {
		return rdmaio.ErrClosed
	}
	q.owner.takeNews()
	if q.state == rdmaio.StateInit {
		return nil
	}
	if q.state == rdmaio.StateReady {
		q.abandon(rdmaio.Flushed)
	}
	q.state = rdmaio.StateInit
	q.owner.seek(q)
	return nil
}

// look is done every now and then: an idle connection's end is noticed, a silent one is given up, a living one is kept known to be so.
func (q *queuePair) look(now int64) {
	if q.state != rdmaio.StateReady {
		return
	}
	q.exchange()
	if q.state != rdmaio.StateReady {
		return
	}
	limit := int64(q.owner.cfg.Unreachable)
	if q.outstanding() && now-q.heardAt > limit {
		q.broken(errSilent)
		return
	}
	if !q.outstanding() && now-q.heardAt > limit && now-q.pingAt <= limit && q.pingAt > q.heardAt {
		q.broken(errSilent)
		return
	}
	if now-max(q.heardAt, q.pingAt) > limit/pingsPerLimit && len(q.out)+requestBytes <= outBytes && q.encoded == q.posted {
		at := len(q.out)
		q.out = q.out[:at+requestBytes]
		(&request{kind: askPing, last: 1}).put(q.out[at:])
		q.pingAt = now
		q.send()
	}
}

// ModifyAccess sets the peer's rights. It takes the region's lock, which is held for at most one piece at a time.
func (q *queuePair) ModifyAccess(a rdmaio.Access) error {
	p := q.owner
	switch {
	case p.closing.Load():
		return rdmaio.ErrClosed
	case a&^(rdmaio.RemoteRead|rdmaio.RemoteWrite) != 0:
		return rdmaio.ErrBadRequest
	}
	p.takeNews()
	if a != 0 && (q.incarnation == 0 || p.isDead(q.peer, q.incarnation)) {
		return rdmaio.ErrNotReady
	}
	q.setAccess(a)
	return nil
}

func (q *queuePair) setAccess(a rdmaio.Access) {
	q.access = a
	if in, epoch := q.region.set(q.peer, q.incarnation, a); in != nil {
		in.tellEpoch(epoch)
	}
}
