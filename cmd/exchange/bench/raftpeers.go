package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
)

// raftPeers is the program of consensus/peers: Go's raft libraries with their logs in memory.
type raftPeers struct{ process *rdmaPeer }

const raftPeersModule = "consensus/peers"

// etcd_raft is three processes, as ours; the others are three members in one.
var raftEngines = []string{"etcd_raft", "etcd_raft_node_in_process", "etcd_raft_in_process", "hashicorp_raft"}

// What a reader of the ratios has to know.
const (
	replicateNote = "etcd_raft_over_ours_p50 compares three processes with three, logs in memory: ours share memory, etcd_raft's are joined by Unix sockets. The " +
		"other peers are three members in one process, joined by channels: nothing crosses a process border there, and no process can be lost alone"
	failoverNote = "the peers are three members in one process, with the shortest time-outs that they take; their leader is cut off, ours is killed"
)

// raftFallible are those of them that lose leaders, all in one process.
var raftFallible = []string{"etcd_raft", "hashicorp_raft"}

const (
	// raftShare is the part of our proposals that the libraries are given: they take a hundred times as long.
	raftShare = 20
	// raftEvery is how many of our rounds lie between two of theirs.
	raftEvery = 10
	// raftKills is the part of our kills that each of them is given.
	raftKills = 4
)

func startRaftPeers(ctx context.Context, dir string) (*raftPeers, error) {
	root, err := sourceTree(raftPeersModule)
	if err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "raft-peers")
	if err := runIn(ctx, filepath.Join(root, raftPeersModule), "go", "build", "-o", program, "."); err != nil {
		return nil, err
	}
	p, err := startProcess(program, 0)
	return &raftPeers{p}, err
}

func (r *raftPeers) end() {
	if r != nil {
		r.process.end()
	}
}

// round has each library replicate so many entries.
func (r *raftPeers) round(size, flight, count int) error {
	for _, name := range raftEngines {
		if _, err := r.process.ask(fmt.Sprintf("round %s %d %d %d", name, size, flight, count)); err != nil {
			return err
		}
	}
	return nil
}

// figure is what a request answers.
func (r *raftPeers) figure(line string) (f Figure, err error) {
	answer, err := r.process.ask(line)
	if err == nil {
		err = json.Unmarshal([]byte(answer), &f)
	}
	return f, err
}

// replicated puts their figures into the report, and ours as a part of theirs.
func (r *raftPeers) replicated(to *Report, size, flight int, ours Figure) error {
	for _, name := range raftEngines {
		f, err := r.figure(fmt.Sprintf("figure %s %d %d", name, size, flight))
		if err != nil {
			return err
		}
		to.Peers = append(to.Peers, f)
		if flight == 1 {
			ratio := fmt.Sprintf("%s_over_ours_p50", name)
			if _, there := to.Ratios[ratio]; !there { // of the first size
				to.ratio(ratio, f.P50, ours.P50)
			}
			to.ratio(fmt.Sprintf("%s_%d", ratio, size), f.P50, ours.P50)
		}
	}
	return nil
}

// failedOver has each library lose so many leaders.
func (r *raftPeers) failedOver(to *Report, runs int, ours Figure) error {
	to.Notes = append(to.Notes, failoverNote)
	for _, name := range raftFallible {
		f, err := r.figure(fmt.Sprintf("failover %s %d", name, runs))
		if err != nil {
			return err
		}
		to.Peers = append(to.Peers, f)
		to.ratio(name+"_over_ours_p50", f.P50, ours.P50)
	}
	return nil
}
