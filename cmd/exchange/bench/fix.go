package bench

import (
	"context"
	"fmt"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/server"
)

// FIXOptions says what to measure of order entry over FIX.
type FIXOptions struct {
	Provider    string
	Orders      int   // samples of each number in flight when pipelined; a twentieth as many with one at a time
	InFlight    []int // orders under way at a time on each connection
	Connections []int // sessions at a time
	Replicas    []int // 3 and 1
	WithPeers   bool  // engines of others beside it
	Binary      string
}

const (
	// fixRound is how many orders are entered before the floor has its turn and what rests is taken out again, instrument by instrument.
	fixRound = 32_000
	// fixBenchSessions is how many sessions there are.
	fixBenchSessions = 64
	fixBenchName     = "BENCH"
	fixBenchTarget   = cluster.Target
)

// FIX measures from an order's first byte out to its report's arrival, through three replicas and through one, on one connection and on many.
//
//  1. A cluster is started, and another process that answers as many bytes with as many, and does nothing else: the floor.
//  2. Rounds through the cluster and rounds through the floor take turns. All orders rest, at 64 prices; after each round mass cancels take them out.
//  3. The same with one replica, and the codec by itself.
func FIX(ctx context.Context, o FIXOptions) (*Report, error) {
	r := NewReport("fix")
	r.Provider, r.Durability, r.Replicas = o.Provider, "memory", 3
	sample := newFIXPipe(1)
	echo, err := startEcho(o.Binary, len(sample.order(nil)), fixAnswerLen)
	if err != nil {
		return nil, err
	}
	defer echo.stop()
	medians := map[int]map[string]int64{}
	for _, replicas := range o.Replicas {
		if medians[replicas], err = fixThroughCluster(ctx, o, replicas, echo, r); err != nil {
			return nil, fmt.Errorf("%d replicas: %w", replicas, err)
		}
	}
	for key, p50 := range medians[3] {
		if alone := medians[1][key]; alone != 0 {
			r.ratio("replicated_over_unreplicated_p50_"+key, p50, alone)
		}
	}
	r.Figures = append(r.Figures, fixCodecFigures()...)
	if o.WithPeers {
		if err := measureFIXPeers(ctx, o, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// fixMarket is the demo's market with sessions for the benchmark.
func fixMarket(c *server.Config) {
	cluster.SampleMarket(c)
	c.Participants = append(c.Participants, fixBenchName)
	for n := 1; n <= fixBenchSessions; n++ {
		c.FIXSessions = append(c.FIXSessions, server.FIXSession{Sender: fixSender(n), Target: fixBenchTarget, Participant: fixBenchName, MayReset: true})
	}
}

func fixSender(n int) string { return fmt.Sprintf("%s%d", fixBenchName, n) }

// fixThroughCluster measures one cluster beside the floor, and gives the medians by connections and number in flight.
func fixThroughCluster(ctx context.Context, o FIXOptions, replicas int, echo *echoPeer, r *Report) (map[string]int64, error) {
	c, err := cluster.Start(cluster.Options{Replicas: replicas, Provider: o.Provider, Durability: "memory", Binary: o.Binary, Market: fixMarket})
	if err != nil {
		return nil, err
	}
	defer c.Stop()
	medians := map[string]int64{}
	for _, connections := range o.Connections {
		venue, err := dialFIXLeader(ctx, c, connections)
		if err != nil {
			return nil, err
		}
		for _, n := range o.InFlight {
			ours, floor, err := fixTurns(ctx, o, c, &venue, echo, connections, n)
			if err != nil {
				venue.close()
				return nil, err
			}
			params := map[string]any{"replicas": replicas, "connections": connections, "in_flight": n}
			figure := ours.figure("order_to_report", params)
			key := fmt.Sprintf("%d_%d", connections, n)
			medians[key] = figure.P50
			r.Figures = append(r.Figures, figure)
			if connections == 1 && replicas == o.Replicas[0] {
				raw := floor.figure("raw_tcp", map[string]any{"connections": 1, "in_flight": n})
				r.Floors = append(r.Floors, raw)
				r.ratio(fmt.Sprintf("over_raw_tcp_p50_%d", n), figure.P50, raw.P50)
			}
		}
		venue.close()
	}
	return medians, nil
}

// fixTurns lets the cluster and the floor take turns until there are enough samples. The first round is not counted: tables and buffers are touched for the
// first time. On a machine with too much else to do another replica takes the lead: the round is done again.
func fixTurns(ctx context.Context, o FIXOptions, c *cluster.Cluster, venue *fixFleet, echo *echoPeer, connections, n int) (ours, floor *samples, err error) {
	ours, floor = newSamples(), newSamples()
	total := o.Orders
	if n == 1 && connections == 1 {
		total = max(o.Orders/20, 1)
	}
	again := 0
	for done := -min(total, fixRound); done < total; {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		count := min(fixRound, total-max(done, 0))
		a, b := ours, floor
		if done < 0 {
			count, a, b = -done, newSamples(), newSamples()
		}
		tried, err := venue.round(count, n)
		if err == nil {
			err = venue.cancelAll()
		}
		if err != nil {
			if again++; again > ouchAgain {
				return nil, nil, fmt.Errorf("the leader changes again and again, the last time at %d in flight: %w; give the machine less else to do", n, err)
			}
			venue.close()
			if *venue, err = dialFIXLeader(ctx, c, connections); err != nil {
				return nil, nil, err
			}
			continue
		}
		a.add(tried)
		if connections == 1 {
			if err := echo.round(count, n, b); err != nil {
				return nil, nil, err
			}
		}
		done += count
	}
	return ours, floor, nil
}

// dialFIXLeader logs so many sessions on at whoever leads, when somebody does.
func dialFIXLeader(ctx context.Context, c *cluster.Cluster, connections int) (fleet fixFleet, err error) {
	ctx, cancel := context.WithTimeout(ctx, ouchPatience)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := c.WaitServing(ctx); err != nil {
			return nil, err
		}
		file := c.Describe()
		if fleet, err = dialFIX(file.Addresses(cluster.Replica.FIXAddress), connections, true); err == nil {
			return fleet, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, err
}
