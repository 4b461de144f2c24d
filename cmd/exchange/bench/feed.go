package bench

import (
	"context"
	"fmt"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/marketdata/itch"
)

// FeedOptions says what to measure of the market data feed.
type FeedOptions struct {
	Provider string
	Orders   int    // samples of each number in flight when pipelined; a twentieth as many with one at a time, and for the skew
	InFlight []int  // orders under way at a time
	Clients  []int  // WebSocket clients at a time; none: not measured
	Binary   string // the exchange program
	Progress func(done int)
}

const (
	// feedRound is how many orders are entered before the floor has its turn, and before what rests is taken out again.
	feedRound = 8000
	// feedAgain is how many rounds may be cut by a change of leader.
	feedAgain = 20
	// feedAnswerLen is an added order's packet.
	feedAnswerLen = 3 + itch.AddOrderLen
	// skewPause lies between two orders while the lines are compared: each message travels alone.
	skewPause = 200 * time.Microsecond
)

// Feed measures from an order's first byte out to the arrival of its message on the feed, on the same host, through three replicas.
//
//  1. A cluster is started, and another process that answers as many bytes with as many, and does nothing else: the floor.
//  2. One order at a time, and the reader waits for nothing but its message: over SoupBinTCP from the leader, over SoupBinTCP from a follower, and on the
//     leader's line in datagrams. The floor has its turn between the rounds, and so have orders whose
//     report is waited for: so much of the time is not the feed's.
//  3. Many orders under way, and a reader beside: how many messages come in a second.
//  4. How far the lines of the three replicas are apart: the first arrival of a message, on whichever line, to the last.
//  5. What a message costs with so many WebSocket clients (WebSocket), when the cluster has ended, with a floor of its own.
func Feed(ctx context.Context, o FeedOptions) (*Report, error) {
	r := NewReport("feed")
	r.Provider, r.Durability, r.Replicas = o.Provider, "memory", 3
	c, err := cluster.Start(cluster.Options{Replicas: 3, Provider: o.Provider, Durability: "memory", Binary: o.Binary, Market: cluster.SampleMarket})
	if err != nil {
		return nil, err
	}
	defer c.Stop()
	echo, err := startEcho(o.Binary, len(ouchEnter(nil, 1)), feedAnswerLen, 0)
	if err != nil {
		return nil, err
	}
	defer echo.stop()
	m := &feedMeasuring{o: o, cluster: c, echo: echo, report: r}
	defer m.close()
	for _, way := range feedWays {
		for _, n := range o.InFlight {
			if n > 1 && !way.pipelined {
				continue
			}
			if err := m.latency(ctx, way, n); err != nil {
				return nil, fmt.Errorf("%s, %d in flight: %w", way.name, n, err)
			}
		}
	}
	if err := m.skew(ctx); err != nil {
		return nil, fmt.Errorf("skew between lines: %w", err)
	}
	m.close()
	c.Stop()
	return r, WebSocket(ctx, r, o.Binary, o.Clients)
}

// feedWay is how a message comes.
type feedWay struct {
	name, from string // as in the report's params
	pipelined  bool
	open       func(leader, follower cluster.Replica) (feedEar, error)
}

var feedWays = []feedWay{
	{"soupbintcp", "leader", true, func(leader, _ cluster.Replica) (feedEar, error) { return hearSoup(leader.ITCH) }},
	{"soupbintcp", "follower", false, func(_, follower cluster.Replica) (feedEar, error) { return hearSoup(follower.ITCH) }},
	{"moldudp64", "leader", false, func(leader, _ cluster.Replica) (feedEar, error) { return hearLine(leader.Mold) }},
}

// feedMeasuring is the benchmark under way.
type feedMeasuring struct {
	o       FeedOptions
	cluster *cluster.Cluster
	echo    *echoPeer
	report  *Report
	venue   *ouchPipe
	again   int
}

func (m *feedMeasuring) close() {
	if m.venue != nil {
		m.venue.close()
	}
}

// begin connects to whoever leads, and to the feed.
func (m *feedMeasuring) begin(ctx context.Context, way feedWay) (feedEar, error) {
	m.close()
	var err error
	if m.venue, err = dialLeader(ctx, m.cluster); err != nil {
		return nil, err
	}
	leader, follower := roles(m.cluster)
	return way.open(leader, follower)
}

func roles(c *cluster.Cluster) (leader, follower cluster.Replica) {
	leads := cluster.Look(c.HTTP(), false).Leader
	for _, r := range c.Describe().Replicas {
		if r.ID == leads {
			leader = r
		} else {
			follower = r
		}
	}
	return leader, follower
}

// latency measures one way with so many orders under way.
func (m *feedMeasuring) latency(ctx context.Context, way feedWay, inFlight int) error {
	ear, err := m.begin(ctx, way)
	if err != nil {
		return err
	}
	defer func() { ear.close() }()
	ours, floor, reports := newSamples(), newSamples(), newSamples()
	total := m.o.Orders
	if inFlight == 1 {
		total = max(m.o.Orders/20, 1)
	}
	// The first round is not counted: tables and buffers are touched for the first time.
	for done := -min(total, feedRound); done < total; {
		if err := ctx.Err(); err != nil {
			return err
		}
		count := min(feedRound, total-max(done, 0))
		a, b, c := ours, floor, reports
		if done < 0 {
			count, a, b, c = -done, newSamples(), newSamples(), newSamples()
		}
		tried, answered := newSamples(), newSamples()
		err := m.round(ear, count, inFlight, tried)
		if err == nil {
			err = m.answers(ear, count, inFlight, answered)
		}
		if err != nil {
			// On a machine with too much else to do another replica takes the lead: the round is done again.
			if m.again++; m.again > feedAgain {
				return fmt.Errorf("the leader changes again and again: %w; give the machine less else to do", err)
			}
			ear.close()
			if ear, err = m.begin(ctx, way); err != nil {
				return err
			}
			continue
		}
		a.add(tried)
		c.add(answered)
		if err := m.echo.round(count, inFlight, b); err != nil {
			return err
		}
		done += count
	}
	params := map[string]any{"via": way.name, "from": way.from, "replicas": 3, "connections": 1, "in_flight": inFlight}
	figure := ours.figure("order_to_feed_message", params)
	raw := floor.figure("raw_tcp", map[string]any{"beside": way.name + " " + way.from, "connections": 1, "in_flight": inFlight})
	answer := reports.figure("order_to_report", map[string]any{"beside": way.name + " " + way.from, "replicas": 3, "connections": 1, "in_flight": inFlight})
	m.report.Figures, m.report.Floors = append(m.report.Figures, figure, answer), append(m.report.Floors, raw)
	m.report.ratio(fmt.Sprintf("over_order_to_report_p50_%s_%s_%d", way.name, way.from, inFlight), figure.P50, answer.P50)
	m.report.ratio(fmt.Sprintf("over_raw_tcp_p50_%s_%s_%d", way.name, way.from, inFlight), figure.P50, raw.P50)
	return nil
}

// round enters orders that rest, waits for their messages, and takes them out again.
func (m *feedMeasuring) round(ear feedEar, count, inFlight int, s *samples) (err error) {
	if inFlight == 1 {
		err = m.oneByOne(ear, count, s)
	} else {
		err = m.pipelined(ear, count, inFlight, s)
	}
	if err != nil {
		return err
	}
	if err := m.venue.cancelAll(); err != nil {
		return err
	}
	return ear.drain()
}

// answers does the same with the orders' reports to the one who entered them: how long an order takes without the feed.
func (m *feedMeasuring) answers(ear feedEar, count, inFlight int, s *samples) error {
	if err := m.venue.round(count, inFlight, s); err != nil {
		return err
	}
	if err := m.venue.cancelAll(); err != nil {
		return err
	}
	return ear.drain()
}

// oneByOne waits for the message of each order with nothing else to do, and takes the report afterwards.
func (m *feedMeasuring) oneByOne(ear feedEar, count int, s *samples) error {
	p, start := m.venue, time.Now()
	_ = p.conn.SetDeadline(start.Add(pipelinePatience))
	busy := time.Duration(0)
	for range count {
		p.out = ouchEnter(p.out[:0], p.next)
		p.next++
		began := time.Now()
		if _, err := p.conn.Write(p.out); err != nil {
			return err
		}
		if err := ear.added(1); err != nil {
			return err
		}
		took := time.Since(began)
		s.record(int64(took))
		busy += took
		if err := p.reports(1); err != nil {
			return err
		}
	}
	s.stretch(int64(count), busy)
	return nil
}

// pipelined keeps orders under way; the reader of the feed runs beside.
func (m *feedMeasuring) pipelined(ear feedEar, count, inFlight int, s *samples) error {
	sent := newSendTimes(count)
	heard, start := make(chan error, 1), time.Now()
	go func() {
		for got := 0; got < count; {
			n, err := ear.some()
			if err != nil {
				heard <- err
				return
			}
			now := int64(time.Since(start))
			for range n {
				s.record(now - sent[got].Load())
				got++
			}
		}
		heard <- nil
	}()
	number := 0
	err := m.venue.run(count, inFlight, newSamples(), func(dst []byte) []byte {
		sent[number].Store(int64(time.Since(start)))
		number++
		m.venue.next++
		return ouchEnter(dst, m.venue.next-1)
	}, func(b []byte) (int, int, error) { return m.venue.take(b, accepted) })
	if err != nil {
		ear.close()
		<-heard
		return err
	}
	if err := <-heard; err != nil {
		return err
	}
	s.stretch(int64(count), time.Since(start))
	return nil
}
