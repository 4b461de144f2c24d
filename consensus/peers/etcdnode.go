package main

import (
	"context"
	"errors"
	"io"
	"log"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// etcdNode is one member in the library's ordinary form: a raft.Node, which has a goroutine and channels of its own, and a goroutine here that does what is
// ready. Whoever proposes is a third one.
type etcdNode struct {
	node      raft.Node
	storage   *raft.MemoryStorage
	in        chan *raftpb.Message
	quit      chan struct{}
	gone      chan struct{}
	leads     chan struct{} // closed when the member leads
	committed chan int      // how many entries with data were committed together; the leader's only
}

// etcdNodesEngine is three of them in this process, joined by channels.
type etcdNodesEngine struct{ all []*etcdNode }

func startEtcdNodes() (*etcdNodesEngine, error) {
	e := &etcdNodesEngine{}
	for i := range members {
		storage := newEtcdStorage()
		e.all = append(e.all, &etcdNode{
			node: raft.RestartNode(etcdConfig(uint64(i+1), storage)), storage: storage, in: make(chan *raftpb.Message, etcdInbox),
			quit: make(chan struct{}), gone: make(chan struct{}), leads: make(chan struct{}),
		})
	}
	leader := e.all[0]
	leader.committed = make(chan int, etcdInbox)
	for _, m := range e.all {
		go m.receive()
		go m.run(e.all)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := leader.node.Campaign(ctx); err != nil {
		return nil, err
	}
	select {
	case <-leader.leads:
		return e, nil
	case <-ctx.Done():
		return nil, errors.New("etcd raft: no leader")
	}
}

// receive steps what comes, as a transport's goroutine does.
func (m *etcdNode) receive() {
	for {
		select {
		case msg := <-m.in:
			_ = m.node.Step(context.Background(), msg)
		case <-m.quit:
			return
		}
	}
}

// run does what the library asks for: keep, send, apply. Its clock stands still, so no election comes between.
func (m *etcdNode) run(all []*etcdNode) {
	defer close(m.gone)
	applied, leading := uint64(1), false
	for {
		select {
		case <-m.quit:
			m.node.Stop()
			return
		case rd := <-m.node.Ready():
			if rd.HardState != nil && !raft.IsEmptyHardState(rd.HardState) {
				_ = m.storage.SetHardState(rd.HardState)
			}
			_ = m.storage.Append(rd.Entries)
			for _, msg := range rd.Messages {
				select {
				case all[msg.GetTo()-1].in <- msg:
				default: // full: lost, as on a network
				}
			}
			count := 0
			for _, e := range rd.CommittedEntries {
				applied = e.GetIndex()
				if len(e.GetData()) > 0 {
					count++
				}
			}
			if count > 0 && m.committed != nil {
				m.committed <- count
			}
			if !leading && rd.SoftState != nil && rd.SoftState.RaftState == raft.StateLeader {
				leading = true
				close(m.leads)
			}
			m.node.Advance()
			if first, _ := m.storage.FirstIndex(); applied > first+2*etcdCompact {
				_ = m.storage.Compact(applied - etcdCompact)
			}
		}
	}
}

func (e *etcdNodesEngine) round(size, flight, count int, record func(time.Duration)) error {
	l := e.all[0]
	payload := make([]byte, size)
	payload[0] = 1
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	begun := make([]time.Time, 0, count)
	for done := 0; done < count; {
		for len(begun) < count && len(begun)-done < flight {
			begun = append(begun, time.Now())
			if err := l.node.Propose(ctx, payload); err != nil {
				return err
			}
		}
		select {
		case n := <-l.committed:
			for range n {
				record(time.Since(begun[done]))
				done++
			}
		case <-ctx.Done():
			return errors.New("etcd raft: an entry was not committed in time")
		}
	}
	return nil
}

func (e *etcdNodesEngine) stop() {
	for _, m := range e.all {
		close(m.quit)
		<-m.gone
	}
}

// etcdConfig is what all members have, in whichever form.
func etcdConfig(id uint64, storage *raft.MemoryStorage) *raft.Config {
	return &raft.Config{
		ID: id, ElectionTick: etcdElectionTicks, HeartbeatTick: 1, Storage: storage, Applied: 1, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 1 << 12,
		Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
	}
}
