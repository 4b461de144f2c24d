package consensus_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sort"

	"exchange/consensus"
	"exchange/rdmaio"
	"exchange/rdmaio/sim"
)

// replica is what an application adds to a node: its state, and what an entry does to it.
type replica struct {
	node  *consensus.Node
	apply func(index uint64, command []byte)
}

// turn is one turn of a replica's loop. In a real process now is a monotonic clock and the loop is one goroutine; here time is virtual, and one loop turns
// all three replicas.
func (r *replica) turn(now int64) {
	r.node.Poll(now)
	for {
		entry, ok := r.node.Next()
		if !ok {
			return
		}
		r.apply(entry.Index, entry.Payload)
	}
}

// start makes three replicas on a simulated fabric and gives a function that lets time go by for those that run.
func start(makeApply func(id int) func(uint64, []byte)) (replicas map[int]*replica, network *sim.Network, run func(microseconds int)) {
	network = sim.New(sim.Config{Seed: 1, MinLatency: 500, MaxLatency: 1500, MinNotice: 20_000, MaxNotice: 40_000})
	replicas = map[int]*replica{}
	for id := 1; id <= 3; id++ {
		local := rdmaio.NodeID(id)
		node, err := consensus.New(consensus.Config{
			Local: local, Members: []rdmaio.NodeID{1, 2, 3}, Incarnation: 1, LogBytes: 1 << 16, HeartbeatInterval: 50_000,
		}, network.Provider(local, 1))
		if err != nil {
			panic(err)
		}
		replicas[id] = &replica{node, makeApply(id)}
	}
	run = func(microseconds int) {
		for range microseconds {
			for id := 1; id <= 3; id++ {
				if r := replicas[id]; r != nil {
					r.turn(network.Now())
				}
			}
			network.RunUntil(network.Now() + 1000)
		}
	}
	return replicas, network, run
}

// leader is the replica that leads, or nil.
func leader(replicas map[int]*replica) *replica {
	for _, r := range replicas {
		if r.node.Leading() {
			return r
		}
	}
	return nil
}

// A counter: every command adds a number. All replicas come to the same sum, and it outlives the leader.
func Example_counter() {
	sums := map[int]int64{}
	replicas, network, run := start(func(id int) func(uint64, []byte) {
		return func(_ uint64, command []byte) { sums[id] += int64(binary.LittleEndian.Uint64(command)) }
	})
	add := func(v int64) {
		for range 1000 {
			if l := leader(replicas); l != nil {
				if _, err := l.node.Propose(binary.LittleEndian.AppendUint64(nil, uint64(v))); err == nil {
					return
				} // consensus.ErrBusy or ErrNotLeader: later
			}
			run(10)
		}
	}

	add(40)
	add(2)
	run(100)
	fmt.Println("three replicas:", sums[1], sums[2], sums[3])

	network.Crash(1) // the leader
	delete(replicas, 1)
	add(100)
	run(100)
	fmt.Println("without the first:", sums[2], sums[3])
	fmt.Println("now leads:", leader(replicas).node.Status().Leader)
	// Output:
	// three replicas: 42 42 42
	// without the first: 142 142
	// now leads: 2
}

// A map of keys to values: a command is "key=value", and "key=" deletes. Reading goes to any replica, which may be a moment behind; who must not
// be, proposes the read as well and answers when it comes out of Next.
func Example_keyValueMap() {
	maps := map[int]map[string]string{1: {}, 2: {}, 3: {}}
	replicas, _, run := start(func(id int) func(uint64, []byte) {
		return func(_ uint64, command []byte) {
			// The payload lies in the log's memory until the next call of Next: what is kept is copied.
			switch key, value, _ := bytes.Cut(command, []byte("=")); {
			case len(value) == 0:
				delete(maps[id], string(key))
			default:
				maps[id][string(key)] = string(value)
			}
		}
	})
	run(100)
	for _, command := range []string{"red=1", "blue=2", "red=3", "green=4", "green="} {
		if _, err := leader(replicas).node.Propose([]byte(command)); err != nil {
			fmt.Println(err)
		}
	}
	run(100)
	for id := 1; id <= 3; id++ {
		var keys []string
		for k := range maps[id] {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		fmt.Print("replica ", id, ":")
		for _, k := range keys {
			fmt.Print(" ", k, "=", maps[id][k])
		}
		fmt.Println()
	}
	_, err := replicas[3].node.Propose([]byte("green=5"))
	fmt.Println("at a follower:", err)
	// Output:
	// replica 1: blue=2 red=3
	// replica 2: blue=2 red=3
	// replica 3: blue=2 red=3
	// at a follower: consensus: not the leader
}
