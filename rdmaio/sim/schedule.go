package sim

// eventKind says what happens at an event's time.
type eventKind uint8

const (
	// placeHead: the oldest unplaced request of a pair reaches the peer's memory.
	placeHead eventKind = 1 + iota
	// answerHead: the oldest unanswered request's answer reaches the poster.
	answerHead
	// retryExpired: the oldest unanswered request of a pair may have gone without answer for too long.
	retryExpired
	// placeStray: a request that outlived its pair reaches the peer's memory.
	placeStray
	// meetPeer: an end of a pair finds the other end.
	meetPeer
	// noticeUp, noticeDown: a process learns of another's start or death.
	noticeUp
	noticeDown
	// callDriver: a call that the driver scheduled.
	callDriver
)

// event is something due at a virtual time. Events of one time run in the order in which they were made.
type event struct {
	at    int64
	seq   uint64
	kind  eventKind
	gen   uint64 // of the pair, when made; an event of an earlier generation is void
	pair  *QueuePair
	stray *stray
	proc  *Provider // whose start or death it is
	to    *Provider // who is told
	call  func()
}

func (n *Network) run(e *event) {
	switch e.kind {
	case placeHead:
		if e.gen == e.pair.gen {
			n.placeHead(e.pair)
		}
	case answerHead:
		if e.gen == e.pair.gen {
			n.answerHead(e.pair)
		}
	case retryExpired:
		if e.gen == e.pair.gen {
			n.retryExpired(e.pair)
		}
	case placeStray:
		n.placeStray(e.stray)
	case meetPeer:
		n.meet(e.pair)
	case noticeUp:
		n.noticeUp(e.proc, e.to)
	case noticeDown:
		n.noticeDown(e.proc, e.to)
	case callDriver:
		e.call()
	}
}

func before(a, b *event) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

// push puts an event into the queue, a binary heap; a time that has passed becomes the present.
func (n *Network) push(e event) {
	e.at = max(e.at, n.now)
	e.seq = n.seq
	n.seq++
	n.queue = append(n.queue, e)
	q := n.queue
	for i := len(q) - 1; i > 0; {
		parent := (i - 1) / 2
		if !before(&q[i], &q[parent]) {
			break
		}
		q[i], q[parent] = q[parent], q[i]
		i = parent
	}
}

func (n *Network) pop() event {
	q := n.queue
	top := q[0]
	last := len(q) - 1
	q[0] = q[last]
	q[last] = event{}
	q = q[:last]
	n.queue = q
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(q) {
			break
		}
		if child+1 < len(q) && before(&q[child+1], &q[child]) {
			child++
		}
		if !before(&q[child], &q[i]) {
			break
		}
		q[i], q[child] = q[child], q[i]
		i = child
	}
	return top
}
