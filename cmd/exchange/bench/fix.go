package bench

import (
	"context"
	"fmt"
	"net"
	"os"
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
	// fixRound is how many orders are entered before the floor has its turn and what rests is taken out again, instrument by instrument; fixPingPong is that
	// with one order under way, which takes as long.
	fixRound    = 32_000
	fixPingPong = 1_000
	// fixPasses is how often all is measured from the start, the second time in the opposite order and so on: what the machine does besides comes to all of them.
	fixPasses = 4
	// fixWork is how long the second floor works.
	fixWork = 5 * time.Microsecond
	// fixHeardAfter is how long a line takes at most to find that somebody hears it, and some more.
	fixHeardAfter = 20 * time.Millisecond
	// fixBenchSessions is how many sessions there are.
	fixBenchSessions = 64
	fixBenchName     = "BENCH"
	fixBenchTarget   = cluster.Target
)

// FIX measures from an order's first byte out to its report's arrival, through three replicas and through one, on one connection and on many.
//
//  1. A cluster is started. Its first orders, which are not counted, tell how long an order and its report are.
//  2. The floor is another process that answers as many bytes with as many, on as many connections, and does nothing else. Rounds through the cluster and rounds
//     through the floor take turns. All orders rest, at 64 prices; after each round mass cancels take them out. With one order under way a second floor has its
//     turn too, which works for fixWork before it answers: about what an order asks of an exchange. It tells what such a pause does to everything around it.
//     And in a round more somebody has the ports of the replicas' lines open, which spare themselves packets that nobody hears.
//  3. The same with one replica, and with the engines of others.
//  4. All of that again, the other way round, until there are enough samples. At the end the codec by itself.
func FIX(ctx context.Context, o FIXOptions) (*Report, error) {
	b := fixBench{o: o, ours: map[fixLoad]*samples{}, floors: map[fixLoad]*samples{}, peers: map[string]map[fixLoad]*samples{}}
	defer b.stop()
	var turns []func(context.Context) error
	for _, replicas := range o.Replicas {
		turns = append(turns, func(ctx context.Context) error {
			if err := b.throughCluster(ctx, replicas); err != nil {
				return fmt.Errorf("%d replicas: %w", replicas, err)
			}
			return nil
		})
	}
	if o.WithPeers {
		peers, done, err := buildFIXPeers(ctx)
		if err != nil {
			return nil, err
		}
		defer done()
		for _, p := range peers {
			turns = append(turns, func(ctx context.Context) error {
				if err := b.throughPeer(ctx, p); err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
				return nil
			})
		}
	}
	for pass := range fixPasses {
		for i := range turns {
			if pass%2 == 1 {
				i = len(turns) - 1 - i
			}
			if err := turns[i](ctx); err != nil {
				return nil, err
			}
		}
	}
	return b.report(), nil
}

// fixLoad is what is asked of an engine: so many sessions at a time, so many orders under way on each. replicas is 0 where there is none.
type fixLoad struct{ replicas, connections, inFlight int }

func (l fixLoad) params() map[string]any {
	params := map[string]any{"connections": l.connections, "in_flight": l.inFlight}
	if l.replicas != 0 {
		params["replicas"] = l.replicas
	}
	return params
}

// alone tells of one order at a time on one connection.
func (l fixLoad) alone() bool { return l.connections == 1 && l.inFlight == 1 }

// fixBench is what has been measured so far.
type fixBench struct {
	o FIXOptions
	// floor is the floor's process, once it is known how long messages are, working the second's.
	floor, working *echoPeer
	ours, floors   map[fixLoad]*samples // floors: beside the first size of cluster
	worked         *samples             // of the second floor
	heard          *samples             // with the lines' ports open
	peers          map[string]map[fixLoad]*samples
}

func (b *fixBench) stop() {
	for _, floor := range []*echoPeer{b.floor, b.working} {
		if floor != nil {
			floor.stop()
		}
	}
}

// report gives all that was measured. The ratios without numbers are those of one order at a time on one connection.
func (b *fixBench) report() *Report {
	r := NewReport("fix")
	r.Provider, r.Durability, r.Replicas = b.o.Provider, "memory", b.o.Replicas[0]
	ratio := func(name string, l fixLoad, over, under *samples) {
		if over == nil || under == nil {
			return
		}
		a, c := over.figure("", nil).P50, under.figure("", nil).P50
		r.ratio(fmt.Sprintf("%s_%d_%d", name, l.connections, l.inFlight), a, c)
		if l.alone() {
			r.ratio(name, a, c)
		}
	}
	for _, connections := range b.o.Connections {
		for _, n := range b.o.InFlight {
			l := fixLoad{0, connections, n}
			size := func(replicas int) *samples { return b.ours[fixLoad{replicas, connections, n}] }
			for _, replicas := range b.o.Replicas {
				r.Figures = append(r.Figures, size(replicas).figure("order_to_report", fixLoad{replicas, connections, n}.params()))
			}
			raw := b.floors[l].figure("raw_tcp", l.params())
			if b.floor != nil {
				raw.Params["order_bytes"], raw.Params["report_bytes"] = len(b.floor.request), b.floor.answer
			}
			r.Floors = append(r.Floors, raw)
			ratio("over_raw_tcp_p50", l, size(b.o.Replicas[0]), b.floors[l])
			if b.worked != nil && l.alone() {
				f := b.worked.figure("raw_tcp_working", l.params())
				f.Params["work_ns"] = int64(fixWork)
				r.Floors = append(r.Floors, f)
				ratio("over_raw_tcp_working_p50", l, size(b.o.Replicas[0]), b.worked)
			}
			if b.heard != nil && l.alone() {
				r.Figures = append(r.Figures, b.heard.figure("order_to_report_line_heard", fixLoad{b.o.Replicas[0], connections, n}.params()))
				ratio("line_heard_over_raw_tcp_p50", l, b.heard, b.floors[l])
			}
			ratio("replicated_over_unreplicated_p50", l, size(3), size(1))
			for _, p := range fixPeers {
				if s := b.peers[p.name][l]; s != nil {
					r.Peers = append(r.Peers, s.figure(p.name, l.params()))
					ratio(p.name+"_over_ours_p50", l, s, size(b.o.Replicas[0]))
				}
			}
		}
	}
	r.Figures = append(r.Figures, fixCodecFigures()...)
	return r
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

// share is how many orders of a load one pass has, and how many of them a round has.
func (b *fixBench) share(l fixLoad) (total, round int) {
	total, round = b.o.Orders/fixPasses, fixRound
	if l.alone() {
		total, round = total/20, fixPingPong
	}
	return max(total, 1), round
}

// throughCluster measures one cluster beside the floor, one pass of it.
func (b *fixBench) throughCluster(ctx context.Context, replicas int) error {
	c, err := cluster.Start(cluster.Options{Replicas: replicas, Provider: b.o.Provider, Durability: "memory", Binary: b.o.Binary, Market: fixMarket})
	if err != nil {
		return err
	}
	defer c.Stop()
	for _, connections := range b.o.Connections {
		venue, err := dialFIXLeader(ctx, c, connections)
		if err != nil {
			return err
		}
		err = b.throughVenue(ctx, c, &venue, replicas, connections)
		venue.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// throughVenue measures all numbers in flight on so many connections.
func (b *fixBench) throughVenue(ctx context.Context, c *cluster.Cluster, venue *fixFleet, replicas, connections int) error {
	var floor echoFleet
	defer func() { floor.close() }()
	for _, n := range b.o.InFlight {
		l := fixLoad{replicas, connections, n}
		ours, beside := samplesOf(b.ours, l), newSamples()
		if replicas == b.o.Replicas[0] {
			beside = samplesOf(b.floors, fixLoad{0, connections, n})
		}
		total, round := b.share(l)
		// The first round is not counted: tables and buffers are touched for the first time.
		again := 0
		for done := -min(total, round); done < total; {
			if err := ctx.Err(); err != nil {
				return err
			}
			count, a, f := min(round, total-max(done, 0)), ours, beside
			if done < 0 {
				count, a, f = -done, newSamples(), newSamples()
			}
			tried, err := venue.round(count, n)
			if err == nil {
				err = venue.cancelAll()
			}
			if err != nil {
				// On a machine with too much else to do another replica takes the lead: the round is done again.
				if again++; again > ouchAgain {
					return fmt.Errorf("the leader changes again and again, the last time at %d in flight: %w; give the machine less else to do", n, err)
				}
				venue.close()
				if *venue, err = dialFIXLeader(ctx, c, connections); err != nil {
					return err
				}
				continue
			}
			a.add(tried)
			if floor == nil {
				if floor, err = b.dialFloor(venue, connections); err != nil {
					return err
				}
			}
			if tried, err = floor.round(count, n); err != nil {
				return err
			}
			f.add(tried)
			if l.alone() && replicas == b.o.Replicas[0] {
				if err := b.throughWorking(venue, count, done >= 0); err != nil {
					return err
				}
				if err := b.throughHeard(c, venue, count, done >= 0); err != nil {
					return err
				}
			}
			done += count
		}
	}
	return nil
}

// dialFloor connects to the floor, and starts it when it is not there: its messages are as long as those that the venue was sent and sent.
func (b *fixBench) dialFloor(venue *fixFleet, connections int) (fleet echoFleet, err error) {
	if b.floor == nil {
		order, report := venue.lengths()
		if b.floor, err = startEcho(b.o.Binary, order, report, 0); err != nil {
			return nil, err
		}
	}
	return b.floor.more(connections)
}

// throughWorking measures a round of the second floor.
func (b *fixBench) throughWorking(venue *fixFleet, count int, counts bool) (err error) {
	if b.working == nil {
		order, report := venue.lengths()
		if b.working, err = startEcho(b.o.Binary, order, report, fixWork); err != nil {
			return err
		}
		b.worked = newSamples()
	}
	s := newSamples()
	if err := b.working.round(count, 1, s); err != nil {
		return err
	}
	if counts {
		b.worked.add(s)
	}
	return nil
}

// throughHeard measures a round in which the ports of the replicas' lines are open. Nobody reads there: what the sockets do not hold is lost. A round in which
// the leader changes does not count, and the next one of the others finds the new leader.
func (b *fixBench) throughHeard(c *cluster.Cluster, venue *fixFleet, count int, counts bool) error {
	for _, r := range c.Describe().Replicas {
		port, err := openUnwatched(r.Mold)
		if err != nil {
			return fmt.Errorf("the line of replica %d: %w", r.ID, err)
		}
		defer port.Close()
	}
	for opened := time.Now(); time.Since(opened) < fixHeardAfter; { // the lines find out, and nobody falls asleep meanwhile
		if _, err := venue.round(fixPingPong/10, 1); err != nil {
			return nil
		}
	}
	tried, err := venue.round(count, 1)
	if err != nil || venue.cancelAll() != nil {
		return nil
	}
	if b.heard == nil {
		b.heard = newSamples()
	}
	if counts {
		b.heard.add(tried)
	}
	return nil
}

// openUnwatched opens a port for datagrams that the runtime does not watch, which would wake the client's thread for each.
func openUnwatched(address string) (*os.File, error) {
	at, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, err
	}
	socket, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	return socket.File()
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

// samplesOf gives the samples of a load, new ones if there are none.
func samplesOf(all map[fixLoad]*samples, l fixLoad) *samples {
	s := all[l]
	if s == nil {
		s = newSamples()
		all[l] = s
	}
	return s
}
