package main

import (
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// etcdMember is one member on go.etcd.io/raft. Its loop steps what comes over the channel and does what is ready; the leader's loop proposes too, so that no
// goroutine lies between a proposal and the library.
type etcdMember struct {
	id      uint64
	raw     *raft.RawNode
	storage *raft.MemoryStorage
	in      chan *raftpb.Message
	send    func(*raftpb.Message)
	quit    chan struct{}
	gone    chan struct{}
	applied uint64
	// committed counts the entries with data that were committed here.
	committed int
	each      func() // called for each, by the leader's loop
}

const (
	etcdInbox   = 1 << 14
	etcdCompact = 1 << 14 // entries after which the log is cut
)

// etcdElectionTicks is etcd's own proportion of election to heartbeat.
const etcdElectionTicks = 10

// newEtcdStorage is an empty log of three voters.
func newEtcdStorage() *raft.MemoryStorage {
	storage := raft.NewMemoryStorage()
	_ = storage.ApplySnapshot(&raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{
		ConfState: &raftpb.ConfState{Voters: []uint64{1, 2, 3}}, Index: proto.Uint64(1), Term: proto.Uint64(1)}})
	return storage
}

func newEtcdMember(id uint64) *etcdMember {
	storage := newEtcdStorage()
	raw, err := raft.NewRawNode(etcdConfig(id, storage))
	if err != nil {
		panic(err)
	}
	return &etcdMember{
		id: id, raw: raw, storage: storage, in: make(chan *raftpb.Message, etcdInbox), quit: make(chan struct{}), gone: make(chan struct{}), applied: 1,
	}
}

// newEtcd is all members in this process, joined by channels.
func newEtcd() []*etcdMember {
	all := make([]*etcdMember, members)
	for i := range all {
		all[i] = newEtcdMember(uint64(i + 1))
		all[i].send = func(msg *raftpb.Message) {
			select {
			case all[msg.GetTo()-1].in <- msg:
			default: // full: lost, as on a network
			}
		}
	}
	return all
}

// run takes part until it is told to quit; led is called when the member comes to lead.
func (m *etcdMember) run(tick time.Duration, led func(m *etcdMember)) {
	defer close(m.gone)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	leading := false
	for {
		select {
		case <-m.quit:
			return
		case msg := <-m.in:
			_ = m.raw.Step(msg)
			m.drain()
		case <-ticker.C:
			m.raw.Tick()
		}
		m.ready()
		if now := m.raw.BasicStatus().RaftState == raft.StateLeader; now != leading {
			if leading = now; now && led != nil {
				led(m)
				m.ready()
			}
		}
	}
}

// drain steps what else has come.
func (m *etcdMember) drain() {
	for {
		select {
		case msg := <-m.in:
			_ = m.raw.Step(msg)
		default:
			return
		}
	}
}

// ready does what the library asks for: keep, send, apply.
func (m *etcdMember) ready() {
	for m.raw.HasReady() {
		rd := m.raw.Ready()
		if rd.HardState != nil && !raft.IsEmptyHardState(rd.HardState) {
			_ = m.storage.SetHardState(rd.HardState)
		}
		_ = m.storage.Append(rd.Entries)
		for _, msg := range rd.Messages {
			m.send(msg)
		}
		for _, e := range rd.CommittedEntries {
			m.applied = e.GetIndex()
			if len(e.GetData()) > 0 {
				m.committed++
				if m.each != nil {
					m.each()
				}
			}
		}
		m.raw.Advance(rd)
		if first, _ := m.storage.FirstIndex(); m.applied > first+2*etcdCompact {
			_ = m.storage.Compact(m.applied - etcdCompact)
		}
	}
}

// etcdEngine is a leader that this goroutine runs, and two followers that leave it in office: their clocks stand still.
type etcdEngine struct {
	leader *etcdMember
	end    func()
	waits  bool // for messages: sockets are not read as long as all processors are busy looking
}

const never = time.Hour

func startEtcdInProcess() (*etcdEngine, error) {
	all := newEtcd()
	for _, m := range all[1:] {
		go m.run(never, nil)
	}
	e := &etcdEngine{leader: all[0], end: func() {
		for _, m := range all[1:] {
			close(m.quit)
			<-m.gone
		}
	}}
	return e, e.lead()
}

func (e *etcdEngine) lead() error {
	if err := e.leader.raw.Campaign(); err != nil {
		return err
	}
	for end := time.Now().Add(patience); e.leader.raw.BasicStatus().RaftState != raft.StateLeader; e.turn() {
		if time.Now().After(end) {
			return errors.New("etcd raft: no leader")
		}
	}
	return nil
}

// turn is one look around of the leader.
func (e *etcdEngine) turn() {
	e.leader.ready()
	if e.waits {
		select {
		case msg := <-e.leader.in:
			e.step(msg)
		case <-time.After(patience):
		}
		return
	}
	select {
	case msg := <-e.leader.in:
		e.step(msg)
	default:
		runtime.Gosched()
	}
}

func (e *etcdEngine) step(msg *raftpb.Message) {
	_ = e.leader.raw.Step(msg)
	e.leader.drain()
	e.leader.ready()
}

func (e *etcdEngine) round(size, flight, count int, record func(time.Duration)) error {
	l := e.leader
	payload := make([]byte, size)
	payload[0] = 1
	begun := make([]time.Time, 0, count)
	done := 0
	l.each = func() { record(time.Since(begun[done])); done++ }
	defer func() { l.each = nil }()
	end := time.Now().Add(patience)
	for done < count {
		for len(begun) < count && len(begun)-done < flight {
			begun = append(begun, time.Now())
			if err := l.raw.Propose(payload); err != nil {
				return err
			}
		}
		if l.ready(); done == count {
			break
		}
		if e.turn(); time.Now().After(end) {
			return errors.New("etcd raft: an entry was not committed in time")
		}
	}
	return nil
}

func (e *etcdEngine) stop() { e.end() }

// etcdHard is three members that tick every millisecond, the least that the system's timers keep.
type etcdHard struct {
	all    []*etcdMember
	leader atomic.Pointer[etcdMember]
	first  chan time.Time // when a leader's first own entry was committed
}

const etcdHardTick = time.Millisecond

func startEtcdHard() (*etcdHard, error) {
	e := &etcdHard{all: newEtcd(), first: make(chan time.Time, 64)}
	for _, m := range e.all {
		go m.run(etcdHardTick, func(m *etcdMember) {
			m.each = func() { m.each = nil; e.leader.Store(m); e.first <- time.Now() }
			_ = m.raw.Propose([]byte{1})
		})
	}
	select {
	case <-e.first:
		time.Sleep(20 * time.Millisecond) // all have heard of it
		return e, nil
	case <-time.After(patience):
		return nil, errors.New("etcd raft: no leader")
	}
}

func (e *etcdHard) kill() (time.Duration, error) {
	for len(e.first) > 0 { // it changed meanwhile
		<-e.first
	}
	at := time.Now()
	dead := e.leader.Load()
	close(dead.quit)
	<-dead.gone
	select {
	case first := <-e.first:
		return first.Sub(at), nil
	case <-time.After(patience):
		return 0, errors.New("etcd raft: no new leader")
	}
}

func (e *etcdHard) stop() {
	for _, m := range e.all {
		select {
		case <-m.gone:
		default:
			close(m.quit)
			<-m.gone
		}
	}
}
