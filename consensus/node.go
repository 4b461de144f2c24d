package consensus

import (
	"fmt"

	"exchange/rdmaio"
)

// Role of a node.
type Role uint8

const (
	Follower Role = iota
	Learner
	Candidate
	Leader
)

func (r Role) String() string { return [...]string{"follower", "learner", "candidate", "leader"}[r] }

// Node is one member. All its methods are called by one goroutine.
type Node struct {
	cfg      Config
	provider rdmaio.Provider
	cq       rdmaio.CompletionQueue
	majority int

	background []byte
	log        circle
	catchup    []byte  // as large as the circle
	peers      []*peer // all members but this one, by id
	byID       [rdmaio.MaxNodes + 1]*peer
	order      []rdmaio.NodeID // all members, by id

	now    int64
	role   Role
	voter  bool
	empty  bool // a learner without state
	holder rdmaio.NodeID
	reason string
	lonely bool  // no majority lives with its memory, as far as can be seen
	err    error // what must hold did not: the node has stopped

	// Invariant: applied <= handed <= fuo <= scan (follower) or end (leader), by offset.
	applied Position // the application has taken everything before it
	handed  Position // given out by Next, not yet taken
	fuo     Position // first undecided offset: everything before it is decided and lies in our log
	scan    Position // follower: complete entries end here
	floor   uint64   // lowest offset that our log ever held
	commit  uint64   // greatest commit offset found in our log

	minProposal uint64 // highest number seen anywhere
	promised    uint64 // the one in our log's header, as last seen
	request     uint64 // number of our last request for permission
	served      [rdmaio.MaxNodes + 1]uint64
	challenged  [rdmaio.MaxNodes + 1]uint64 // last request for our log that came while we led
	grantedAt   int64                       // when our log's holder was let in
	heartbeatAt int64
	standAt     int64 // not before that, after an attempt or a leadership that ended

	summons uint64 // as last seen in our memory

	lead  leadership
	wrID  uint64
	stats Counters

	events      []Event
	completions [64]rdmaio.Completion
	async       [16]rdmaio.AsyncEvent
	wr          rdmaio.WorkRequest
	inline      [64][8]byte // sources of small writes, used in turn
	inlineAt    int
}

// peer is what a node knows of another member.
type peer struct {
	id         rdmaio.NodeID
	background rdmaio.QueuePair
	log        rdmaio.QueuePair
	bgOps      opQueue
	logOps     opQueue

	record   []byte // last READ of its background record
	fresh    record // what that said
	header   []byte // READ of its log header
	tail     []byte // READ of its tail,
	tailRead int    // of which so much has been asked for
	reading  bool   // a READ of the record is out
	readAt   int64  // when that was posted
	seenAt   int64  // when the last READ that came back was posted
	score    int
	moved    bool // the counter was seen to change since the last score
	due      bool // an interval has no score yet
	alive    bool
	died     bool // the system said so
	refused  bool // its layout was
	parts    int  // of knowing, still to come
	waiting  int  // READs of an attempt to lead that are still to come

	asked uint64 // number of our request that its array holds; 0: none
	state followerState
	// Offsets of its log: written by us, and known to be placed there.
	sent, acked uint64
	counts      bool // its completions count
	pushed      uint64
	under       uint64 // number that was new when it waited to be written to; 0: none
	number      uint64 // a leader's latest, known to be placed in its header
	pinnedSince int64
	tellAgain   int64 // not before that: a peer that was told to take a state has to be seen doing it
	admitting   bool
	yieldedAt   int64 // when it summoned us: what was READ of it before that is out of date
}

// record is a peer's published state.
type record struct{ counter, incarnation, flags, head, fuo, holder, layout uint64 }

// New registers the memory and connects to all members. The node does nothing before Poll.
func New(cfg Config, provider rdmaio.Provider) (*Node, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg, provider: provider, majority: len(cfg.Members)/2 + 1, voter: !cfg.Learner || planted("restarted replica votes"), empty: cfg.Learner, reason: "started"}
	if cfg.Learner {
		n.role, n.reason = Learner, "started again without its memory"
	}
	background, err := provider.Register(backgroundPD, backgroundSize)
	if err != nil {
		return nil, fmt.Errorf("consensus: background region: %w", err)
	}
	log, err := provider.Register(logPD, logStartBytes+cfg.LogBytes)
	if err != nil {
		return nil, fmt.Errorf("consensus: log region: %w", err)
	}
	n.background, n.log = background.Bytes(), newCircle(log.Bytes())
	if n.catchup, err = provider.AllocLocal(cfg.LogBytes); err != nil {
		return nil, fmt.Errorf("consensus: %w", err)
	}
	if n.cq, err = provider.CreateCQ(4 * opsPerPair * len(cfg.Members)); err != nil {
		return nil, fmt.Errorf("consensus: %w", err)
	}
	for id := rdmaio.NodeID(1); id <= rdmaio.MaxNodes; id++ {
		if !contains(cfg.Members, id) {
			continue
		}
		n.order = append(n.order, id)
		if id == cfg.Local {
			continue
		}
		p, err := n.meet(id)
		if err != nil {
			return nil, fmt.Errorf("consensus: member %d: %w", id, err)
		}
		n.peers = append(n.peers, p)
		n.byID[id] = p
	}
	n.publish()
	return n, nil
}

func (n *Node) meet(id rdmaio.NodeID) (p *peer, err error) {
	p = &peer{id: id, score: scoreMax, alive: true}
	if p.background, err = n.provider.Connect(id, backgroundPD, n.cq); err != nil {
		return nil, err
	}
	if p.log, err = n.provider.Connect(id, logPD, n.cq); err != nil {
		return nil, err
	}
	local, err := n.provider.AllocLocal(64 + 64 + n.cfg.WindowBytes)
	p.record, p.header, p.tail = local[:recordBytes], local[64:64+logHeaderBytes], local[128:]
	return p, err
}

func contains(ids []rdmaio.NodeID, id rdmaio.NodeID) bool {
	for _, m := range ids {
		if m == id {
			return true
		}
	}
	return false
}

// Poll makes all progress there is, without waiting. now is monotonic, in ns.
//
//  1. What the fabric says: deaths, completions.
//  2. Serve requests for permission, before anything that relies on holding one.
//  3. Follow or lead.
//  4. Show our own progress; read the others'.
//  5. See who should lead.
//
// A node that finds that something does not hold which always must, stops: see Err. It then does nothing any more.
func (n *Node) Poll(now int64) {
	if n.err != nil {
		return
	}
	n.now = max(n.now, now)
	n.hear()
	n.complete()
	n.tendPairs()
	n.servePermissions()
	switch n.role {
	case Leader:
		n.replicate()
	case Candidate:
		n.attempt()
	default:
		n.needsState()
		n.follow()
	}
	n.inspect()
	if n.err != nil {
		return
	}
	n.publish()
	n.heartbeat()
	n.answerSummons()
	n.elect()
}

// publish shows the others what they READ of us.
func (n *Node) publish() {
	flags := uint64(0)
	if n.voter {
		flags |= flagVoter
	}
	if n.role == Leader || n.role == Candidate {
		flags |= flagLeading
	}
	if n.role == Leader {
		flags |= flagEstablished
	}
	if n.empty {
		flags |= flagEmpty
	}
	if n.lonely {
		flags |= flagLonely
	}
	b := n.background
	store(b, wordIncarnation, n.cfg.Incarnation)
	store(b, wordLayout, n.cfg.layout())
	store(b, wordFlags, flags)
	store(b, wordHead, n.applied.Offset)
	store(b, wordFUO, n.fuo.Offset)
	store(b, wordHolder, uint64(n.holder))
	store(b, wordCounter, load(b, wordCounter)+1)
}

// Beat shows the others that this node lives, between two Polls: for an application that takes long over one entry, and goes on with it.
func (n *Node) Beat() {
	if n.err == nil {
		store(n.background, wordCounter, load(n.background, wordCounter)+1)
	}
}

// Next gives the next decided entry, if there is one; the entry before it counts as taken. The payload lies in the log and stays until the next call.
func (n *Node) Next() (Entry, bool) {
	n.applied = n.handed
	for n.err == nil && n.handed.Offset < n.fuo.Offset {
		after, payload, skip, ok := n.log.past(n.handed)
		if !ok {
			n.halt("decided entry %d at offset %d is not in the log", n.handed.Index+1, n.handed.Offset)
			return Entry{}, false
		}
		n.handed = after
		if skip {
			n.applied = after
			continue
		}
		return Entry{Index: after.Index, Payload: payload, after: after}, true
	}
	return Entry{}, false
}

// Entry is one decided entry.
type Entry struct {
	// Index counts entries from 1.
	Index   uint64
	Payload []byte
	after   Position
}

// After is the position behind the entry: where a snapshot taken after it stands.
func (e Entry) After() Position { return e.after }

// stepDown gives up leading, or trying to.
func (n *Node) stepDown(reason string) {
	if n.role != Leader && n.role != Candidate {
		return
	}
	was := n.role
	n.role = Follower
	n.standAt = n.now + n.cfg.HeartbeatInterval // whoever ended it goes first
	n.lead.attempt++
	n.setReason(reason)
	for _, p := range n.peers {
		p.forget()
		p.recall()
	}
	n.withdraw()
	// What we wrote and did not see decided is a tail like any other's.
	n.scan = n.fuo
	if was == Leader {
		n.stats.StepDowns++
	}
	n.tell(Event{Kind: RoleChanged, Role: n.role, Reason: reason})
}

func (n *Node) setReason(reason string) { n.reason = reason }
