package drill

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/trader"
)

// Options of a drill.
type Options struct {
	Cluster cluster.Options
	Runs    int
	Clients int // FIX clients, at most cluster.SampleTraders
	OUCH    int // OUCH clients, at most cluster.OUCHTraders
	Window  int // requests each keeps under way
	// Receivers follow the feed with the consumer library, on lines that lose packets and through snapshots, and their books are compared with the engine's.
	Receivers bool
	Rate      int // requests per second of each at most; 0: as fast as the answers come
	Seed      uint64
	// Patience bounds the wait until the cluster is whole, at the start and after each kill.
	Patience time.Duration
	// Progress is told how many runs are done; may be nil.
	Progress func(done int)
}

// Patience of a drill with what must come about.
const (
	settlePatience = 30 * time.Second
	// strikeAfterAtLeast and strikeWithin place the strike at random after the cluster is whole again.
	strikeAfterAtLeast = 100 * time.Millisecond
	strikeWithin       = 300 * time.Millisecond
)

// client is one of a scene's: what it is told is compared at the end.
type client interface {
	run(ctx context.Context)
	// mark makes outage measure from this moment; 0: no report came since.
	mark(at int64)
	outage() int64
	// flowing tells whether answers come.
	flowing() bool
	// stop, cancelAll, settle: no more requests, the end of every open order, the wait for all answers.
	stop()
	cancelAll()
	settle(ctx context.Context) error
	judge(r *Report, fault func(format string, args ...any))
}

// scene is one drill under way.
type scene struct {
	o        Options
	scenario Scenario
	cluster  *cluster.Cluster
	rng      *rand.Rand
	loads    []client
	feed     *feedCheck
	// receivers are those that follow, joiners those that will, halfway through the runs.
	receivers, joiners []*receiver
	following          context.Context
	work               sync.WaitGroup
	report             Report
	strikes            []int64 // to the next leader's first decision, ns
	outages            []int64
}

// Run loads a cluster of its own over FIX and takes the lead from its leader again and again.
//
//  1. Clients keep requests under way; receivers follow the feed from every replica.
//  2. At a random moment the leader is struck. The next one's first new decision is timed, and every client's first report.
//  3. The old leader is brought back; then the next run.
//  4. At the end every open order is cancelled by the client that knows it, and everything known is compared.
func Run(ctx context.Context, scenario Scenario, o Options) (*Report, error) {
	o.Cluster.Market, o.Cluster.RestartAfter = cluster.SampleMarket, 0
	s := &scene{o: o, scenario: scenario, rng: rand.New(rand.NewPCG(o.Seed, 2))}
	s.report = Report{
		Schema: "exchange.drill/v1", Scenario: scenario.Name, Runs: o.Runs, Replicas: o.Cluster.Replicas, Provider: o.Cluster.Provider,
		Durability: o.Cluster.Durability, Clients: o.Clients, OUCHClients: o.OUCH, Faults: []string{},
	}
	if o.Receivers {
		o.Cluster.LineReceivers = LineReceivers
	}
	c, err := cluster.Start(o.Cluster)
	if err != nil {
		return nil, err
	}
	s.cluster = c
	defer c.Stop()
	starting, cancel := context.WithTimeout(ctx, o.Patience)
	defer cancel()
	if _, err := c.WaitServing(starting); err != nil {
		return nil, err
	}
	running, end := context.WithCancel(ctx)
	defer func() { end(); s.work.Wait() }()
	if err := s.populate(running); err != nil {
		return nil, err
	}
	for run := range o.Runs {
		if run == o.Runs/2 {
			s.follow(s.joiners)
		}
		if err := s.once(ctx); err != nil {
			return nil, fmt.Errorf("run %d: %w", run+1, err)
		}
		if o.Progress != nil {
			o.Progress(run + 1)
		}
	}
	// Without an end to everything under way there is nothing to compare.
	if err := s.settle(ctx); err != nil {
		return nil, fmt.Errorf("after the last run: %w", err)
	}
	s.judge()
	return &s.report, nil
}

// populate starts the clients and the feed's receivers.
func (s *scene) populate(ctx context.Context) error {
	file := s.cluster.Describe()
	feeds := file.Addresses(cluster.Replica.ITCHAddress)
	s.feed = newFeedCheck(len(feeds))
	for i := range feeds {
		s.work.Add(1)
		go func() { defer s.work.Done(); s.feed.stream(ctx, i, feeds) }()
	}
	for _, r := range file.Replicas {
		line, _, _ := strings.Cut(r.Mold, ",")
		if err := s.feed.line(ctx, line); err != nil {
			return err
		}
	}
	if s.o.Receivers {
		early, late := newReceivers(s.feed, file, s.o.Seed)
		s.following, s.joiners = ctx, late
		s.follow(early)
	}
	for i := range s.o.Clients {
		session := file.FIXSessions[i]
		l := newLoad(trader.Credentials{Sender: session.Sender, Target: session.Target, Username: session.Username, Password: session.Password},
			file.Addresses(cluster.Replica.FIXAddress), cluster.ActiveSymbols, s.o.Window, s.o.Rate, s.o.Seed+uint64(i))
		s.loads = append(s.loads, l)
	}
	for i := range s.o.OUCH {
		s.loads = append(s.loads, newOUCHLoad(file.OUCH[i], file.Addresses(cluster.Replica.OUCHAddress), cluster.ActiveSymbols, s.o.Window, s.o.Rate, s.o.Seed+uint64(i)))
	}
	for _, l := range s.loads {
		s.work.Add(1)
		go func() { defer s.work.Done(); l.run(ctx) }()
	}
	return nil
}

// follow lets receivers begin.
func (s *scene) follow(more []*receiver) {
	for _, r := range more {
		s.work.Add(1)
		go func() { defer s.work.Done(); r.run(s.following) }()
	}
	s.receivers = append(s.receivers, more...)
}

// errMissed: the lead changed by itself before the strike came.
var errMissed = errors.New("the struck replica led no more")

// once is one run.
func (s *scene) once(ctx context.Context) error {
	for {
		err := s.attempt(ctx)
		if !errors.Is(err, errMissed) {
			return err
		}
		s.report.Missed++
	}
}

// attempt is one strike, and what follows.
func (s *scene) attempt(ctx context.Context) error {
	whole, cancel := context.WithTimeout(ctx, s.o.Patience)
	defer cancel()
	if _, err := s.cluster.WaitServing(whole); err != nil {
		return err
	}
	if err := s.wait(whole, func() bool { return s.flowing() }, "no client gets answers"); err != nil {
		return err
	}
	pause := strikeAfterAtLeast + time.Duration(s.rng.Int64N(int64(strikeWithin)))
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
	}
	survey, err := cluster.WaitFor(whole, s.cluster.HTTP(), func(v cluster.Survey) bool { return v.Leader != 0 })
	if err != nil {
		return err
	}
	old := survey.Leader
	at, err := s.scenario.strike(s, whole, old)
	if err != nil {
		return err
	}
	for _, l := range s.loads {
		l.mark(at)
	}
	missed := s.succession(whole, old, at)
	if missed != nil && !errors.Is(missed, errMissed) {
		return missed
	}
	if s.scenario.resume != nil {
		if err := s.scenario.resume(s, old); err != nil {
			return err
		}
	}
	if missed == nil {
		if err := s.wait(whole, s.answered, "not every client got an answer from the next leader"); err != nil {
			return err
		}
		for _, l := range s.loads {
			s.outages = append(s.outages, l.outage())
		}
	}
	if s.scenario.mend != nil {
		if err := s.scenario.mend(s, old); err != nil {
			return err
		}
	}
	return missed
}

// answered tells whether every client has had a report since the strike.
func (s *scene) answered() bool {
	for _, l := range s.loads {
		if l.outage() == 0 {
			return false
		}
	}
	return true
}

// succession waits until another replica than the old leader leads and has decided something since. The old one is not asked: it may be stopped.
func (s *scene) succession(ctx context.Context, old int, at int64) error {
	others := maps.Clone(s.cluster.HTTP())
	delete(others, old)
	next, err := cluster.WaitFor(ctx, others, func(v cluster.Survey) bool {
		return v.Leader != 0 && v.Status(v.Leader).FirstDecision > 0
	})
	if err != nil {
		return err
	}
	took := next.Status(next.Leader).FirstDecision - at
	if took <= 0 {
		return errMissed
	}
	s.strikes = append(s.strikes, took)
	return nil
}

// flowing tells whether every client has had answers.
func (s *scene) flowing() bool {
	for _, l := range s.loads {
		if !l.flowing() {
			return false
		}
	}
	return true
}

func (s *scene) wait(ctx context.Context, ok func() bool, complaint string) error {
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", complaint, ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
	return nil
}

// settle lets everything under way end, and cancels what is open.
func (s *scene) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settlePatience+s.o.Patience)
	defer cancel()
	for _, l := range s.loads {
		l.stop()
	}
	if _, err := s.cluster.WaitServing(ctx); err != nil {
		return err
	}
	for _, step := range []func(client){func(client) {}, client.cancelAll} {
		for _, l := range s.loads {
			step(l)
		}
		for _, l := range s.loads {
			if err := l.settle(ctx); err != nil {
				return err
			}
		}
		// With what rests now, and again when all is cancelled.
		if err := s.compareBooks(ctx); err != nil {
			return err
		}
	}
	survey, err := cluster.WaitFor(ctx, s.cluster.HTTP(), func(v cluster.Survey) bool {
		leader := v.Status(v.Leader)
		return leader != nil && leader.InboxWaiting == 0
	})
	if err != nil {
		return err
	}
	return s.feed.complete(ctx, survey.Status(survey.Leader).FeedNumber)
}

// judge compares everything that is known.
func (s *scene) judge() {
	r := &s.report
	fault := func(format string, args ...any) {
		if len(r.Faults) < 40 {
			r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
		}
	}
	for _, l := range s.loads {
		l.judge(r, fault)
	}
	s.judgeReplicas(fault)
	s.feed.mu.Lock()
	overOUCH, missing := s.feed.record.place(r.placed)
	if r.operations = append(r.operations, overOUCH...); missing > 0 {
		r.Lost += missing
		fault("%d orders that were acknowledged over OUCH never came on the feed", missing)
	}
	r.Witnessed = len(r.operations)
	var why string
	if r.Misordered, why = misordered(r.operations); why != "" {
		fault("%s", why)
	}
	rules := s.feed.record.replay(r.operations, r.fills)
	r.Replayed, r.RuleFaults = rules.messages, rules.count
	for _, f := range rules.faults {
		fault("%s", f)
	}
	r.FeedGaps, r.FeedContradictions = s.feed.gaps, s.feed.contradictions
	for name := range s.feed.sessions {
		r.FeedSession = name
	}
	if n := len(s.feed.sessions); n > 1 {
		r.FeedContradictions += n - 1
	}
	r.FeedMessages, r.LineMessages = uint64(max(len(s.feed.content)-1, 0)), s.feed.lineMessages
	for _, f := range s.feed.faults {
		fault("%s", f)
	}
	s.feed.mu.Unlock()
	for _, v := range s.receivers {
		r.Receivers = append(r.Receivers, v.status())
	}
	r.FeedGaps += s.feed.missing()
	*s.scenario.within(r), r.ClientOutage = distribution(s.strikes), distribution(s.outages)
	r.Verdict = "fail"
	if r.Passed() {
		r.Verdict = "pass"
	}
}

// judgeReplicas compares the replicas' states with each other, and the number of orders left with none.
func (s *scene) judgeReplicas(fault func(string, ...any)) {
	v := cluster.Look(s.cluster.HTTP(), true)
	if !v.Agree {
		s.report.Diverged++
		fault("state hashes at command %d differ: %v", v.CommonIndex, v.Hashes)
	}
	if v.FeedAlarm() {
		s.report.FeedContradictions++
		fault("a replica raises the feed's alarm: it saw another one with another feed, or its own makes no books")
	}
	full := map[uint64]string{} // by command index
	for _, st := range v.Replicas {
		if st.Status == nil {
			continue
		}
		if was, ok := full[st.Status.Commands]; ok && was != st.Status.FullHash {
			s.report.Diverged++
			fault("the whole state of replica %d after command %d has hash %s, another's has %s", st.ID, st.Status.Commands, st.Status.FullHash, was)
		}
		full[st.Status.Commands] = st.Status.FullHash
		if st.ID == v.Leader && st.Status.Resting > 0 {
			s.report.Doubled += st.Status.Resting
			fault("%d orders rest that no client knows of", st.Status.Resting)
		}
	}
}
