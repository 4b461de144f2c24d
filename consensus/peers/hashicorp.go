package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/raft"
)

// nothing is a state machine that does nothing.
type nothing struct{}

func (nothing) Apply(*raft.Log) any                 { return nil }
func (nothing) Snapshot() (raft.FSMSnapshot, error) { return nil, errors.New("no snapshots") }
func (nothing) Restore(r io.ReadCloser) error       { return r.Close() }

// hashicorpEngine is three members on hashicorp/raft.
type hashicorpEngine struct {
	all        []*raft.Raft
	transports []*raft.InmemTransport
	leader     int
}

// newHashicorp starts three members; timeout is for heartbeats, elections and leases alike.
func newHashicorp(timeout time.Duration) (*hashicorpEngine, error) {
	e := &hashicorpEngine{}
	var servers []raft.Server
	for i := range members {
		address, t := raft.NewInmemTransport(raft.ServerAddress(fmt.Sprint("member-", i)))
		servers = append(servers, raft.Server{ID: raft.ServerID(fmt.Sprint(i)), Address: address})
		e.transports = append(e.transports, t)
	}
	for i, t := range e.transports {
		for j, o := range e.transports {
			if i != j {
				t.Connect(servers[j].Address, o)
			}
		}
	}
	for i, t := range e.transports {
		c := raft.DefaultConfig()
		c.LocalID, c.LogOutput, c.BatchApplyCh = servers[i].ID, io.Discard, true
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = timeout, timeout, timeout
		c.CommitTimeout = min(c.CommitTimeout, timeout)
		c.SnapshotInterval, c.SnapshotThreshold = time.Hour, 1<<40
		store := raft.NewInmemStore()
		snapshots := raft.NewInmemSnapshotStore()
		if err := raft.BootstrapCluster(c, store, store, snapshots, t, raft.Configuration{Servers: servers}); err != nil {
			return nil, err
		}
		r, err := raft.NewRaft(c, nothing{}, store, store, snapshots, t)
		if err != nil {
			return nil, err
		}
		e.all = append(e.all, r)
	}
	return e, e.find(-1)
}

func startHashicorp() (*hashicorpEngine, error) { return newHashicorp(500 * time.Millisecond) }

// startHashicorpHard takes the least time-outs that the library accepts.
func startHashicorpHard() (*hashicorpEngine, error) { return newHashicorp(5 * time.Millisecond) }

// find waits for a leader that commits, other than one.
func (e *hashicorpEngine) find(but int) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Microsecond) {
		for i, r := range e.all {
			if i != but && r.State() == raft.Leader && r.Apply([]byte{1}, patience).Error() == nil {
				e.leader = i
				return nil
			}
		}
	}
	return errors.New("hashicorp raft: no leader")
}

func (e *hashicorpEngine) round(size, flight, count int, record func(time.Duration)) error {
	type one struct {
		f     raft.ApplyFuture
		begun time.Time
	}
	waiting := make([]one, 0, count)
	payload := make([]byte, size)
	l := e.all[e.leader]
	if l.State() != raft.Leader { // it lost its lease on a busy machine
		if err := e.find(-1); err != nil {
			return err
		}
		l = e.all[e.leader]
	}
	for done := 0; done < count; done++ {
		for len(waiting) < count && len(waiting)-done < flight {
			waiting = append(waiting, one{begun: time.Now()})
			waiting[len(waiting)-1].f = l.Apply(payload, patience)
		}
		if err := waiting[done].f.Error(); err != nil {
			return err
		}
		record(time.Since(waiting[done].begun))
		waiting[done].f = nil
	}
	return nil
}

// kill cuts the leader off from all at once, as its death would.
func (e *hashicorpEngine) kill() (time.Duration, error) {
	time.Sleep(20 * time.Millisecond)
	if e.all[e.leader].State() != raft.Leader {
		if err := e.find(-1); err != nil {
			return 0, err
		}
	}
	dead := e.leader
	at := time.Now()
	for i, t := range e.transports {
		if i != dead {
			t.Disconnect(e.transports[dead].LocalAddr())
		}
	}
	e.transports[dead].DisconnectAll()
	if err := e.find(dead); err != nil {
		return 0, err
	}
	return time.Since(at), nil
}

func (e *hashicorpEngine) stop() {
	for _, r := range e.all {
		_ = r.Shutdown().Error()
	}
}
