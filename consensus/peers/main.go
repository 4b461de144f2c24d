// Command peers runs replication by Go's raft libraries, for `exchange bench replicate --with-peers` and `exchange bench failover --with-peers`.
//
// Logs are in the libraries' own in-memory stores: no disk. etcd_raft is three processes joined by Unix sockets; the others are three members in one process
// that pass messages over channels: etcd_raft_node_in_process as the library is used, with a goroutine for each raft.Node; etcd_raft_in_process with the
// leader's loop around a raft.RawNode that never sleeps, the fastest set-up there is; hashicorp_raft.
//
// It reads requests, a line each, and answers a line each:
//
//	round ENGINE BYTES IN_FLIGHT COUNT   replicates so many entries, with so many under way at a time
//	figure ENGINE BYTES IN_FLIGHT        what was measured so far, as JSON
//	failover ENGINE RUNS                 kills so many leaders; the answer is JSON
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// engine is three members that have a leader.
type engine interface {
	// round replicates count entries of size bytes with flight under way, and records each one's time from proposal to commit at the leader.
	round(size, flight, count int, record func(time.Duration)) error
	stop()
}

// killable is three members with the most aggressive time-outs that the library takes.
type killable interface {
	// kill stops the leader, and gives the time to the next one's first commit.
	kill() (time.Duration, error)
	stop()
}

var engines = map[string]struct {
	processes int // that round is measured in; failover: always one
	start     func() (engine, error)
	startHard func() (killable, error)
}{
	"etcd_raft":                 {members, func() (engine, error) { return startEtcd() }, func() (killable, error) { return startEtcdHard() }},
	"etcd_raft_node_in_process": {1, func() (engine, error) { return startEtcdNodes() }, nil},
	"etcd_raft_in_process":      {1, func() (engine, error) { return startEtcdInProcess() }, nil},
	"hashicorp_raft":            {1, func() (engine, error) { return startHashicorp() }, func() (killable, error) { return startHashicorpHard() }},
}

// figure is one distribution, as the benchmark's report has it.
type figure struct {
	Name    string         `json:"name"`
	Params  map[string]any `json:"params,omitempty"`
	P50     int64          `json:"p50_ns"`
	P99     int64          `json:"p99_ns"`
	P999    int64          `json:"p99_9_ns"`
	Max     int64          `json:"max_ns"`
	Rate    float64        `json:"rate_per_s,omitempty"`
	Samples int            `json:"samples"`
}

// series is what was measured of one engine with one size and number in flight.
type series struct {
	times []time.Duration
	took  time.Duration
}

func (s *series) figure(name string, params map[string]any) (figure, error) {
	n := len(s.times)
	if n == 0 {
		return figure{}, fmt.Errorf("%s: nothing was measured", name)
	}
	slices.Sort(s.times)
	at := func(q float64) int64 { return int64(s.times[min(n-1, int(q*float64(n)))]) }
	f := figure{Name: name, Params: params, P50: at(.5), P99: at(.99), P999: at(.999), Max: at(1), Samples: n}
	if s.took > 0 {
		f.Rate = float64(n) / s.took.Seconds()
	}
	return f, nil
}

type program struct {
	running map[string]engine
	seen    map[string]*series
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "follow" {
		id, err := strconv.ParseUint(os.Args[2], 10, 64)
		if err == nil {
			err = follow(id, os.Args[3])
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	p := program{running: map[string]engine{}, seen: map[string]*series{}}
	out := json.NewEncoder(os.Stdout)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		answer, err := p.do(strings.Fields(in.Text()))
		if err != nil {
			fmt.Println("error", err)
			continue
		}
		if err := out.Encode(answer); err != nil {
			break
		}
	}
	for _, e := range p.running {
		e.stop()
	}
}

func (p *program) do(words []string) (any, error) {
	var what, name string
	var size, flight, count int
	n, _ := fmt.Sscan(strings.Join(words, " "), &what, &name, &size, &flight, &count)
	e, ok := engines[name]
	if !ok {
		return nil, fmt.Errorf("no engine %q", name)
	}
	key := fmt.Sprint(name, " ", size, " ", flight)
	switch {
	case what == "round" && n == 5 && size > 0 && flight > 0 && count > 0:
		if p.running[name] == nil {
			started, err := e.start()
			if err != nil {
				return nil, err
			}
			p.running[name] = started
		}
		if p.seen[key] == nil {
			p.seen[key] = &series{}
		}
		s := p.seen[key]
		from := time.Now()
		err := p.running[name].round(size, flight, count, func(d time.Duration) { s.times = append(s.times, d) })
		s.took += time.Since(from)
		return true, err
	case what == "figure" && n == 4 && p.seen[key] != nil:
		return p.seen[key].figure(name, map[string]any{"bytes": size, "in_flight": flight, "replicas": members, "processes": e.processes})
	case what == "failover" && n == 3 && size > 0 && e.startHard != nil:
		s := series{}
		for range size {
			k, err := e.startHard()
			if err != nil {
				return nil, err
			}
			d, err := k.kill()
			k.stop()
			if err != nil {
				return nil, err
			}
			s.times = append(s.times, d)
		}
		return s.figure(name, map[string]any{"replicas": members, "processes": 1})
	}
	return nil, fmt.Errorf("%q is no request", strings.Join(words, " "))
}

const (
	members  = 3
	patience = 20 * time.Second // for a leader, and for a commit
)
