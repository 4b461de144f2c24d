package consensus

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"exchange/rdmaio"
	"exchange/rdmaio/sim"
)

// stage is a cluster in virtual time. After every turn it checks what must hold whatever happens (consensus.md's invariants, stated at check), and it
// writes down a line for each thing that happened:
//
//	   time   1   2   3
//	0.104ms  [L]  f   f   1 leads …
//
// The columns show what every replica was at that moment, the brackets who did it.
type stage struct {
	t      *testing.T
	net    *sim.Network
	step   int64 // virtual time from one turn to the next
	size   int
	config func(id int) Config
	wrap   func(id int, p rdmaio.Provider) rdmaio.Provider

	nodes  []*Node // by id; nil: dead
	last   []*Node // the same, and of the dead the last
	starts []uint64
	asleep []bool
	holds  []bool // the application takes nothing
	states []Position
	seen   []watched

	values  map[uint64]string // by index, as given to any application
	chains  map[uint64]uint32
	decided map[uint64]uint32 // chain by index, as any node took it for decided

	lines  []string
	silent bool // write down no entries
}

// watched is what must never fall at a node.
type watched struct{ fuo, minProposal uint64 }

// calmFabric has short and even latencies, tells of deaths soon and tears nothing.
func calmFabric() sim.Config {
	return sim.Config{Seed: 1, MinLatency: 500, MaxLatency: 1500, MinNotice: 20_000, MaxNotice: 40_000}
}

// smallConfig has a small log and fast heartbeats: 15 silent READs are 0.75 ms.
func smallConfig() Config {
	return Config{
		LogBytes: 1 << 14, MaxPayload: 512, WindowBytes: 4096, HeartbeatInterval: 50_000, CommitPush: 10_000, MaxLogPin: 3_000_000,
	}
}

func newStage(t *testing.T, size int, fabric sim.Config, config func(id int) Config) *stage {
	s := &stage{
		t: t, net: sim.New(fabric), step: 2000, size: size, config: config,
		nodes: make([]*Node, size+1), last: make([]*Node, size+1), starts: make([]uint64, size+1), asleep: make([]bool, size+1),
		holds: make([]bool, size+1), states: make([]Position, size+1), seen: make([]watched, size+1),
		values: map[uint64]string{}, chains: map[uint64]uint32{}, decided: map[uint64]uint32{},
		wrap: func(_ int, p rdmaio.Provider) rdmaio.Provider { return p },
	}
	return s
}

func (s *stage) startAll() {
	for id := 1; id <= s.size; id++ {
		s.start(id)
	}
}

// start starts a replica: for the first time with an empty log, later as a learner.
func (s *stage) start(id int) {
	s.t.Helper()
	s.starts[id]++
	c := s.config(id)
	c.Local, c.Incarnation, c.Learner = rdmaio.NodeID(id), s.starts[id], s.starts[id] > 1
	if c.Members == nil {
		for m := 1; m <= s.size; m++ {
			c.Members = append(c.Members, rdmaio.NodeID(m))
		}
	}
	n, err := New(c, s.wrap(id, s.net.Provider(c.Local, c.Incarnation)))
	if err != nil {
		s.t.Fatal(err)
	}
	s.nodes[id], s.last[id], s.asleep[id], s.holds[id], s.seen[id] = n, n, false, false, watched{}
	s.states[id] = Position{}
}

func (s *stage) crash(id int) {
	s.net.Crash(rdmaio.NodeID(id))
	s.nodes[id] = nil
}

// turn polls everyone who runs, lets the applications take what is decided, and lets a little time go by.
func (s *stage) turn() {
	s.t.Helper()
	for id := 1; id <= s.size; id++ {
		if n := s.nodes[id]; n != nil && !s.asleep[id] {
			n.Poll(s.net.Now())
			s.observe(id)
			if !s.holds[id] {
				s.take(id)
			}
			s.check(id)
		}
	}
	s.net.RunUntil(s.net.Now() + s.step)
}

// until takes turns until it is so; false: it was not within the time.
func (s *stage) until(limit time.Duration, so func() bool) bool {
	s.t.Helper()
	for end := s.net.Now() + int64(limit); !so(); s.turn() {
		if s.net.Now() >= end {
			return false
		}
	}
	return true
}

// must is until, and fails the test.
func (s *stage) must(what string, limit time.Duration, so func() bool) {
	s.t.Helper()
	if !s.until(limit, so) {
		for _, l := range s.lines {
			s.t.Log(l)
		}
		s.t.Fatalf("%s: not within %v of virtual time\n%s", what, limit, s.statuses())
	}
}

func (s *stage) run(d time.Duration) {
	s.t.Helper()
	for end := s.net.Now() + int64(d); s.net.Now() < end; {
		s.turn()
	}
}

// leads tells whether the replica leads with so many confirmed followers.
func (s *stage) leads(id, followers int) bool {
	n := s.nodes[id]
	return n != nil && n.Leading() && len(n.Status().Confirmed) == followers
}

// take hands decided entries to the application.
func (s *stage) take(id int) {
	s.t.Helper()
	first, count := uint64(0), 0
	var text string
	for {
		e, ok := s.nodes[id].Next()
		if !ok {
			break
		}
		if e.Index != s.states[id].Index+1 {
			s.t.Fatalf("replica %d was given entry %d after %d", id, e.Index, s.states[id].Index)
		}
		text = string(e.Payload)
		if was, ok := s.values[e.Index]; ok && was != text {
			s.t.Fatalf("replica %d was given %q as entry %d, another %q", id, text, e.Index, was)
		}
		if was, ok := s.chains[e.Index]; ok && was != e.After().Chain {
			s.t.Fatalf("replica %d has chain %08x at entry %d, another %08x", id, e.After().Chain, e.Index, was)
		}
		s.values[e.Index], s.chains[e.Index], s.states[id] = text, e.After().Chain, e.After()
		if count == 0 {
			first = e.Index
		}
		count++
	}
	switch {
	case count == 0 || s.silent:
	case count == 1:
		s.say(id, "applies %d %s", first, brief(text))
	default:
		s.say(id, "applies %d to %d", first, s.states[id].Index)
	}
}

func brief(text string) string {
	if len(text) > 24 {
		return fmt.Sprintf("%s... (%d bytes)", text[:12], len(text))
	}
	return text
}

// observe writes down what the node tells.
func (s *stage) observe(id int) {
	for _, e := range s.nodes[id].AppendEvents(nil) {
		s.say(id, "%s", s.line(id, e))
	}
}

func (s *stage) line(id int, e Event) string {
	text := e.Kind.String()
	switch {
	case e.Kind == RoleChanged && e.Role == Leader:
		return "leads, number " + number(s.nodes[id].lead.proposal)
	case e.Kind == RoleChanged && e.Role == Candidate:
		text = "wants to lead"
	case e.Kind == RoleChanged:
		text = "follows"
	case e.Kind == WriterChanged:
		text = fmt.Sprintf("lets %d write its log", e.Peer)
	case e.Peer != 0:
		text += fmt.Sprintf(" %d", e.Peer)
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// number shows a proposal number as round.proposer.
func number(p uint64) string { return fmt.Sprintf("%d.%d", p>>8, p&0xff) }

// check fails the test if something does not hold that always must.
//
//  1. At most one replica may write a log, and it is the one that the owner says; a log that its owner leads with, nobody else.
//  2. What anyone ever took for decided stays so and is the same everywhere: chains are equal at equal index.
//  3. applied <= handed <= FUO, the FUO never falls, and no proposal number in a log does.
func (s *stage) check(id int) {
	s.t.Helper()
	n := s.nodes[id]
	for _, p := range n.peers {
		if may := p.log.Access()&rdmaio.RemoteWrite != 0; may && n.holder != p.id {
			s.t.Fatalf("replica %d may write the log of %d, which is held by %d", p.id, id, n.holder)
		}
	}
	if (n.role == Leader || n.role == Candidate) && n.holder != n.cfg.Local {
		s.t.Fatalf("replica %d is a %v and its log is held by %d", id, n.role, n.holder)
	}
	if was, ok := s.decided[n.fuo.Index]; ok && was != n.fuo.Chain {
		s.t.Fatalf("replica %d takes chain %08x for decided at entry %d, another %08x", id, n.fuo.Chain, n.fuo.Index, was)
	}
	s.decided[n.fuo.Index] = n.fuo.Chain
	w := watched{n.fuo.Offset, load(n.log.region, wordMinProposal)}
	if w.fuo < s.seen[id].fuo || w.minProposal < s.seen[id].minProposal {
		s.t.Fatalf("replica %d fell from %+v to %+v", id, s.seen[id], w)
	}
	if n.applied.Offset > n.handed.Offset || n.handed.Offset > n.fuo.Offset {
		s.t.Fatalf("replica %d: applied %+v handed %+v FUO %+v", id, n.applied, n.handed, n.fuo)
	}
	s.seen[id] = w
}

// say writes a line down: id is who did it, 0 the story itself.
func (s *stage) say(id int, format string, args ...any) {
	var b strings.Builder
	now := s.net.Now()
	fmt.Fprintf(&b, "%4d.%03dms ", now/1e6, now/1e3%1000)
	for m := 1; m <= s.size; m++ {
		if m == id {
			fmt.Fprintf(&b, " [%c]", s.letter(m))
		} else {
			fmt.Fprintf(&b, "  %c ", s.letter(m))
		}
	}
	if id != 0 {
		fmt.Fprintf(&b, "  %d", id)
	}
	b.WriteString(" ")
	fmt.Fprintf(&b, format, args...)
	s.lines = append(s.lines, b.String())
}

// letter shows what a replica is: dead, asleep, or its role.
func (s *stage) letter(id int) byte {
	switch {
	case s.nodes[id] == nil:
		return 'x'
	case s.asleep[id]:
		return 'z'
	}
	return "flCL"[s.nodes[id].role]
}

// told gives what was written down since the last call.
func (s *stage) told() string {
	out := strings.Join(s.lines, "\n")
	s.lines = s.lines[:0]
	if out != "" {
		out += "\n"
	}
	return out
}

// statuses is a line for each replica.
func (s *stage) statuses() string {
	var b strings.Builder
	for id := 1; id <= s.size; id++ {
		n := s.nodes[id]
		if n == nil {
			fmt.Fprintf(&b, "%d dead\n", id)
			continue
		}
		st := n.Status()
		fmt.Fprintf(&b, "%d %v", id, st.Role)
		if !st.Voter {
			b.WriteString(", no voter")
		}
		fmt.Fprintf(&b, ", number %s, decided %d, applied %d", number(st.Epoch), st.FUO.Index, st.Applied.Index)
		if st.Role == Leader {
			fmt.Fprintf(&b, ", confirmed %v", st.Confirmed)
		} else if st.Leader != 0 {
			fmt.Fprintf(&b, ", follows %d", st.Leader)
		} else {
			b.WriteString(", follows nobody")
		}
		fmt.Fprintf(&b, "; %s\n", st.Reason)
	}
	return b.String()
}

// entries is a line for each complete entry in a replica's log, from its first or, once it has wrapped, from the first not yet applied.
func (s *stage) entries(id int) string {
	var b strings.Builder
	n := s.last[id]
	at := Position{}
	if n.floor > 0 || n.fuo.Offset+uint64(n.cfg.WindowBytes) > uint64(n.cfg.LogBytes) {
		at = n.applied
	}
	for {
		h, payload, ok := n.log.parse(at)
		if !ok {
			break
		}
		at = h.after()
		what := brief(string(payload))
		if h.skip {
			what = "(to the end of the circle)"
		}
		state := "undecided here"
		if at.Offset <= n.fuo.Offset {
			state = "decided"
		}
		fmt.Fprintf(&b, "%d %s, number %s, %s\n", h.index, what, number(h.proposal), state)
	}
	b8 := n.log.at(at.Offset)
	if !slices.Equal(b8[:headerBytes], make([]byte, headerBytes)) && n.fuo.Offset+uint64(n.cfg.WindowBytes) < uint64(n.cfg.LogBytes) {
		b.WriteString("then bytes that are no complete entry\n")
	}
	if b.Len() == 0 {
		b.WriteString("no entry\n")
	}
	return b.String()
}
