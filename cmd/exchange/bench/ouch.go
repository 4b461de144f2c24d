package bench

import (
	"context"
	"fmt"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/ouch"
)

// OUCHOptions says what to measure of order entry over OUCH.
type OUCHOptions struct {
	Provider string
	Orders   int    // samples of each number in flight when pipelined; a twentieth as many with one at a time
	InFlight []int  // orders under way at a time
	Binary   string // the exchange program
	Progress func(done int)
}

const (
	// ouchRound is how many orders are entered before the floor has its turn, and before what rests is taken out again. It is taken out instrument by
	// instrument, of which each has ouchEach in a row: a mass cancel of all at once would keep the leader's loop longer than a leader may be silent.
	ouchRound = 48_000
	ouchEach  = ouchRound / 8
	// ouchBreath is how long followers have to finish that before the next round.
	ouchBreath = 20 * time.Millisecond
	// ouchPatience bounds the start of a cluster.
	ouchPatience = 30 * time.Second
	ouchAccount  = "OUCH1"
	// ouchAgain is how many rounds may be cut by a change of leader.
	ouchAgain = 20
)

// OUCH measures from an order's first byte out to its report's arrival, on one connection, through three replicas and through one.
//
//  1. A cluster is started, and another process that answers as many bytes with as many, and does nothing else: the floor.
//  2. Rounds through the cluster and rounds through the floor take turns. All orders rest, at 64 prices; after each round mass cancels take them out.
//  3. The same with one replica, and the codec by itself.
func OUCH(ctx context.Context, o OUCHOptions) (*Report, error) {
	r := NewReport("ouch")
	r.Provider, r.Durability, r.Replicas = o.Provider, "memory", 3
	echo, err := startEcho(o.Binary, len(ouchEnter(nil, 1)), ouchAnswerLen, 0)
	if err != nil {
		return nil, err
	}
	defer echo.stop()
	var p50 [2]map[int]int64 // by in flight
	for i, replicas := range []int{3, 1} {
		if p50[i], err = throughCluster(ctx, o, replicas, echo, r); err != nil {
			return nil, fmt.Errorf("%d replicas: %w", replicas, err)
		}
	}
	for _, n := range o.InFlight {
		r.ratio(fmt.Sprintf("replicated_over_unreplicated_p50_%d", n), p50[0][n], p50[1][n])
	}
	r.Figures = append(r.Figures, codecFigures()...)
	return r, nil
}

// dialLeader connects to whoever leads, when somebody does.
func dialLeader(ctx context.Context, c *cluster.Cluster) (venue *ouchPipe, err error) {
	ctx, cancel := context.WithTimeout(ctx, ouchPatience)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := c.WaitServing(ctx); err != nil {
			return nil, err
		}
		file := c.Describe()
		if venue, err = dialOUCH(&file); err == nil {
			return venue, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, err
}

// throughCluster measures one cluster beside the floor, and gives the medians.
func throughCluster(ctx context.Context, o OUCHOptions, replicas int, echo *echoPeer, r *Report) (map[int]int64, error) {
	c, err := cluster.Start(cluster.Options{Replicas: replicas, Provider: o.Provider, Durability: "memory", Binary: o.Binary, Market: cluster.SampleMarket})
	if err != nil {
		return nil, err
	}
	defer c.Stop()
	starting, cancel := context.WithTimeout(ctx, ouchPatience)
	defer cancel()
	if _, err := c.WaitServing(starting); err != nil {
		return nil, err
	}
	venue, err := dialLeader(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { venue.close() }()
	again := 0
	medians := map[int]int64{}
	for _, n := range o.InFlight {
		ours, floor := newSamples(), newSamples()
		total := o.Orders
		if n == 1 {
			total = max(o.Orders/20, 1)
		}
		// The first round of each is not counted: tables and buffers are touched for the first time.
		for done := -min(total, ouchRound); done < total && ctx.Err() == nil; {
			count := min(ouchRound, total-max(done, 0))
			a, b := ours, floor
			if done < 0 {
				count, a, b = -done, newSamples(), newSamples()
			}
			tried := newSamples()
			err := venue.round(count, n, tried)
			if err == nil {
				err = venue.cancelAll()
			}
			if err != nil {
				// On a machine with too much else to do another replica takes the lead: the round is done again.
				if again++; again > ouchAgain {
					return nil, fmt.Errorf("the leader changes again and again, the last time at %d in flight: %w; give the machine less else to do", n, err)
				}
				venue.close()
				if venue, err = dialLeader(ctx, c); err != nil {
					return nil, err
				}
				continue
			}
			a.add(tried)
			if err := echo.round(count, n, b); err != nil {
				return nil, err
			}
			done += count
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		figure := ours.figure("order_to_report", map[string]any{"replicas": replicas, "connections": 1, "in_flight": n})
		medians[n] = figure.P50
		r.Figures = append(r.Figures, figure)
		if replicas == 3 {
			raw := floor.figure("raw_tcp", map[string]any{"connections": 1, "in_flight": n})
			r.Floors = append(r.Floors, raw)
			r.ratio(fmt.Sprintf("over_raw_tcp_p50_%d", n), figure.P50, raw.P50)
		}
	}
	return medians, nil
}

// ouchSymbols are traded by nobody else.
var ouchSymbols = append(append([]string(nil), cluster.ActiveSymbols...), cluster.IdleSymbols...)

// ouchEnter appends an order that rests, as a packet.
func ouchEnter(dst []byte, number uint32) []byte {
	q := ouch.Request{
		Type: ouch.EnterOrder, UserRefNum: number, Side: ouch.SideBuy, Quantity: 100, Symbol: ouch.MakeSymbol(ouchSymbols[number/ouchEach%8]), Price: 1_0000 + 100*uint64(number&63),
		TimeInForce: ouch.TIFDay, Display: ouch.DisplayVisible, Capacity: ouch.CapacityPrincipal, Sweep: 'N', Cross: ouch.CrossNone, ClOrdID: ouch.MakeClOrdID("bench"),
	}
	return appendUnsequenced(dst, &q)
}

// appendUnsequenced appends a request as a packet: the length is known when it is written.
func appendUnsequenced(dst []byte, q *ouch.Request) []byte {
	start := len(dst)
	dst = q.AppendTo(append(dst, 0, 0, 'U'))
	n := len(dst) - start - 2
	dst[start], dst[start+1] = byte(n>>8), byte(n)
	return dst
}

// ouchAnswerLen is an Accepted's packet.
const ouchAnswerLen = 3 + 64

// codecFigures measures reading an order and writing its report.
func codecFigures() []Figure {
	const stretch, stretches = 1000, 2000
	order := ouchEnter(nil, 7)[3:]
	var q ouch.Request
	report := ouch.Report{Type: ouch.Accepted, UserRefNum: 7, Side: 'B', Quantity: 100, Symbol: ouch.MakeSymbol(ouchSymbols[0]), Price: 1_0000, TimeInForce: '0',
		Display: 'Y', OrderRef: 7, Capacity: 'P', Sweep: 'N', Cross: 'N', State: 'L', ClOrdID: ouch.MakeClOrdID("bench")}
	buf := make([]byte, 0, ouch.MaxReport)
	parse, encode := newSamples(), newSamples()
	for range stretches {
		start := time.Now()
		for range stretch {
			if q.Parse(order) != nil {
				panic("bench: its own order does not parse")
			}
		}
		middle := time.Now()
		for range stretch {
			buf = report.AppendTo(buf[:0])
		}
		end := time.Now()
		for s, took := range map[*samples]time.Duration{parse: middle.Sub(start), encode: end.Sub(middle)} {
			s.record(int64(took) / stretch)
			s.stretch(stretch, took)
		}
	}
	return []Figure{parse.figure("parse", nil), encode.figure("encode", nil)}
}
