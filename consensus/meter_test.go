package consensus

import (
	"testing"
	"time"

	"exchange/rdmaio"
	"exchange/rdmaio/sim"
)

// meter is a provider that counts what its process posts, and notes how rights are given and taken.
type meter struct {
	rdmaio.Provider
	posts  []posted
	rights []right
}

type posted struct {
	peer   rdmaio.NodeID
	pd     rdmaio.PD
	opcode rdmaio.Opcode
	offset uint64
	length int
}

type right struct {
	peer   rdmaio.NodeID
	pd     rdmaio.PD
	access rdmaio.Access
}

func (m *meter) Connect(peer rdmaio.NodeID, pd rdmaio.PD, cq rdmaio.CompletionQueue) (rdmaio.QueuePair, error) {
	q, err := m.Provider.Connect(peer, pd, cq)
	return &meteredPair{q, m}, err
}

type meteredPair struct {
	rdmaio.QueuePair
	m *meter
}

func (q *meteredPair) PostSend(wr *rdmaio.WorkRequest) error {
	err := q.QueuePair.PostSend(wr)
	if err == nil {
		q.m.posts = append(q.m.posts, posted{q.Peer(), q.PD(), wr.Opcode, wr.RemoteOffset, len(wr.Local)})
	}
	return err
}

func (q *meteredPair) ModifyAccess(a rdmaio.Access) error {
	err := q.QueuePair.ModifyAccess(a)
	if err == nil {
		q.m.rights = append(q.m.rights, right{q.Peer(), q.PD(), a})
	}
	return err
}

// count is how many requests were posted that fit.
func (m *meter) count(fits func(posted) bool) (k int) {
	for _, p := range m.posts {
		if fits(p) {
			k++
		}
	}
	return k
}

func onLog(op rdmaio.Opcode) func(posted) bool {
	return func(p posted) bool { return p.pd == logPD && p.opcode == op }
}

// metered is a stage with a leader, 1, that all others follow, and a meter on everyone. Nothing is pushed unless a test wants it: CommitPush is an hour.
func metered(t *testing.T, size int, fabric sim.Config, change func(*Config)) (*stage, []*meter) {
	t.Helper()
	meters := make([]*meter, size+1)
	s := newStage(t, size, fabric, func(int) Config {
		c := smallConfig()
		c.CommitPush = int64(time.Hour)
		if change != nil {
			change(&c)
		}
		return c
	})
	s.wrap = func(id int, p rdmaio.Provider) rdmaio.Provider {
		meters[id] = &meter{Provider: p}
		return meters[id]
	}
	s.startAll()
	s.must("a leader", 20*time.Millisecond, func() bool { return s.leads(1, size-1) && !s.nodes[1].lead.draining })
	for _, m := range meters[1:] {
		m.posts = m.posts[:0]
	}
	return s, meters
}

// propose proposes and fails the test if that is refused.
func (s *stage) propose(id int, text string) Position {
	s.t.Helper()
	at, err := s.nodes[id].Propose([]byte(text))
	if err != nil {
		s.t.Fatalf("replica %d refuses %q: %v\n%s", id, text, err, s.statuses())
	}
	return at
}
