package server

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"exchange/book"
	"exchange/cmd/exchange/server/pages"
	"exchange/cmd/exchange/server/thread"
	"exchange/consensus"
	"exchange/rdmaio"

	"github.com/rs/zerolog"
)

// Replica is one replica of the exchange: a loop over a consensus node and the state machine, and what is wired around it.
type Replica struct {
	cfg      *Config
	log      zerolog.Logger
	host     host
	provider rdmaio.Provider
	fencing  string
	gathered int // bytes in large pages
	start    incarnation

	// Of the loop alone.
	node      *consensus.Node
	market    *book.Market
	outbox    outbox
	leading   leadership
	batch     []byte // encoded commands of the proposal being made, kept while consensus is busy
	lastTime  int64  // leader's time of the last command, ns since the Unix epoch; never falls
	taken     book.Command
	talking   []uint16       // sessions that were answered last, expressSessions at most
	hushed    []*express     // those whose readers are not told of what comes
	heard     []book.Command // by listen, of which heardAt were proposed
	heardAt   int
	decided   []book.Command                    // of an entry, decodedAtOnce at most
	then      func(*book.Command, []book.Event) // followed
	chores    choreTimes
	notices   []consensus.Event
	applied   consensus.Position // of the state machine
	haveState bool               // the state is that position's: a learner has none until it was given one
	thread    thread.Turns
	wakeful   wakeful
	tail      entryTail // what was decided since a state was copied for another replica

	// Shared.
	inbox     *inbox
	park      thread.Parker
	requests  chan func() // run by the loop between two turns
	frozen    atomic.Bool // the state is being copied: entries are not applied
	fetching  atomic.Bool // another replica is being asked for its state
	status    atomic.Pointer[Status]
	hashes    *hashRing
	directory *directory
	gateway   *gateway
	waker     *waker // nil: the loop wakes the connections' writers itself
	ouch      *ouchGateway
	feed      *feedPorts
	http      *httpServer

	stopping atomic.Bool
	stopped  chan struct{}
	failure  atomic.Pointer[error]
	ended    sync.Once
}

// choreTimes says when the loop last did what it does now and then, monotonic ns.
type choreTimes struct{ status, leadership int64 }

const (
	statusEvery     = int64(10 * time.Millisecond)
	leadershipEvery = int64(20 * time.Millisecond)
	// loopRequests bounds the functions waiting to be run by the loop.
	loopRequests = 64
	// spinFor is how long the adaptive loop spins without work before it sleeps, ns: some round trips of a client that waits for each answer.
	// leaderNap is how long it then sleeps at most: it is woken by its inbox. A follower's memory is written without a wake-up: Config.FollowerNap.
	spinFor    = 200_000
	yieldEvery = 32 // so many turns without work one that spins lets others run
	leaderNap  = 500 * time.Microsecond
	// entriesPerTurn bounds how long one turn applies before consensus is polled again.
	entriesPerTurn = 256
	// decodedAtOnce bounds how many commands of an entry are decoded before they are applied: what the state machine looks ahead at, and
	// little enough to stay in the nearest cache.
	decodedAtOnce = 64
)

// Open makes a replica from its configuration: memory, sockets, consensus. Nothing runs before Run.
func Open(cfg *Config, log zerolog.Logger) (*Replica, error) {
	r := &Replica{
		cfg: cfg, log: log, requests: make(chan func(), loopRequests), stopped: make(chan struct{}), hashes: newHashRing(hashesKept),
	}
	r.host = r.system()
	if err := r.open(); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *Replica) open() error {
	var err error
	if r.start, err = takeIncarnation(r.cfg); err != nil {
		return err
	}
	r.assemble()
	// Sockets first: a port in use is told before any memory is joined to the cluster.
	if r.gateway, err = listenFIX(r); err != nil {
		return err
	}
	if r.ouch, err = listenOUCH(r); err != nil {
		return err
	}
	if r.waker, err = newWaker(r.wake, r.outbox.feed.Wake); err != nil {
		return err
	}
	r.outbox.feed.PassOn(r.waker.addFeed)
	if r.feed, err = listenFeed(r); err != nil {
		return err
	}
	if r.http, err = listenHTTP(r); err != nil {
		return err
	}
	r.gathered = pages.Gather() // before others see memory whose owner stands still
	if r.provider, r.fencing, err = openProvider(r.cfg, r.start.number, r.noticeConnection, &thread.Watch{Turns: &r.thread, Clock: monotonic, Wake: r.park.Wake}); err != nil {
		return err
	}
	if r.cfg.KeepAwake {
		if why := r.wakeful.awake.Open(); why != nil {
			r.log.Info().Str("why", why.Error()).Msg("processors may sleep while clients wait for their answers: orders that come one at a time may take some 20 µs longer")
		}
	}
	if r.node, err = consensus.New(r.cfg.consensus(r.start), r.provider); err != nil {
		return err
	}
	r.outbox.beat = r.node.Beat
	if f, ok := r.provider.(interface{ Fencing() string }); ok {
		r.fencing = f.Fencing() // it depends on the memory that was had
	}
	return nil
}

// assemble makes what needs no other process: the state machine and what lies before and behind it.
func (r *Replica) assemble() {
	r.decided, r.then = make([]book.Command, 0, decodedAtOnce), r.followed
	r.haveState = !r.start.learner
	r.market = book.NewMarket(r.host.limits)
	r.inbox = newInbox(r.cfg.Limits.InboxCommands, r.park.Wake)
	r.directory = newDirectory(r.cfg)
	r.outbox = newOutbox(r.cfg, r.directory)
}

// Run serves until Stop, or until the replica cannot go on.
func (r *Replica) Run() error {
	r.log.Info().Int("replica", r.cfg.ID).Uint64("incarnation", r.start.number).Bool("learner", r.start.learner).
		Str("provider", r.cfg.Provider).Str("fencing", r.fencing).Int("large_pages_bytes", r.gathered).Msg("replica starts")
	go r.gateway.serve()
	go r.ouch.serve()
	r.feed.serve()
	go r.http.serve()
	if r.start.learner {
		r.host.fetch()
	} else if err := r.feed.start(); err != nil {
		return err
	}
	func() {
		defer r.stopOnPanic()
		r.loop()
	}()
	r.close()
	close(r.stopped)
	if f := r.failure.Load(); f != nil {
		return *f
	}
	return nil
}

// stopOnPanic turns a state that cannot be into the end of the replica: the others go on without it.
func (r *Replica) stopOnPanic() {
	if p := recover(); p != nil {
		buf := make([]byte, 16<<10)
		buf = buf[:runtime.Stack(buf, false)]
		err := fmt.Errorf("replica %d found its own state impossible and stops: %v\n%s", r.cfg.ID, p, buf)
		r.failure.CompareAndSwap(nil, &err)
		r.stopping.Store(true)
	}
}

// noticeConnection writes a line about a connection to another replica.
func (r *Replica) noticeConnection(peer rdmaio.NodeID, what string) {
	r.log.Info().Int("replica", r.cfg.ID).Int("peer", int(peer)).Msg(what)
}

// fail ends the replica with the error.
func (r *Replica) fail(err error) {
	r.failure.CompareAndSwap(nil, &err)
	r.Stop()
}

// Stop makes Run return. It may be called by any goroutine, more than once.
func (r *Replica) Stop() {
	r.stopping.Store(true)
	r.park.Wake()
}

func (r *Replica) close() {
	r.ended.Do(func() {
		r.directory.serving.Store(false)
		if r.gateway != nil {
			r.gateway.close()
		}
		if r.ouch != nil {
			r.ouch.close()
		}
		if r.waker != nil {
			r.waker.close() // the loop has ended
		}
		if r.feed != nil {
			r.feed.close()
		}
		if r.http != nil {
			r.http.close()
		}
		if r.provider != nil {
			r.provider.Close()
		}
		r.wakeful.awake.Close() // the loop has ended
		r.start.release()
	})
}

// loop is steps 3 to 8 of the story, again and again, on one thread.
func (r *Replica) loop() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1) // the loop keeps one for itself
	r.thread.Begin(r.cfg.Realtime)
	idle, worked := 0, int64(0)
	for !r.stopping.Load() {
		now := monotonic()
		r.thread.Turn(now)
		if r.turn(now) {
			idle, worked = 0, now
			continue
		}
		idle++
		switch {
		case r.cfg.Spin == "busy":
		case r.cfg.Spin == "adaptive" && now-worked < r.spins():
			if idle%yieldEvery == 0 {
				thread.Yield() // it is on others that it waits, and they may be waiting for this processor
			}
		default:
			r.rest()
		}
	}
}

// spins is how long an adaptive loop goes on without work, ns. A follower is not waited for: one that sleeps at once has processor time to
// its credit when it has to lead, and gets a core as soon as it wakes.
func (r *Replica) spins() int64 {
	if r.leading.active || r.node.Standing() {
		return spinFor
	}
	return 0
}

// rest sleeps until something comes into the inbox, or for a nap.
func (r *Replica) rest() {
	r.leaveToReaders()
	r.park.Prepare()
	if r.inbox.waiting() > 0 || len(r.requests) > 0 || r.stopping.Load() {
		r.park.Cancel()
		return
	}
	nap := r.cfg.FollowerNap.D()
	if r.leading.active {
		nap = leaderNap
	}
	r.park.Sleep(nap)
}

// turn does everything once; it tells whether there was anything to do.
func (r *Replica) turn(now int64) bool {
	r.node.Poll(now)
	r.followConsensus(now)
	worked := r.applyDecided()
	if r.leading.active {
		if r.listen(); len(r.heard) > 0 {
			r.wakeful.hears(now)
		}
		if r.proposeWaiting() {
			r.node.Poll(now)
			r.applyDecided()
			worked = true
		}
	} else if r.inbox.waiting() > 0 || len(r.heard) > 0 {
		r.inbox.drain()
		r.heard, r.heardAt = r.heard[:0], 0
	}
	select {
	case f := <-r.requests:
		f()
		worked = true
	default:
	}
	r.outbox.flush(r.wakeAll)
	r.doChores(now)
	return worked
}

// doChores does the chores whose time has come.
func (r *Replica) doChores(now int64) {
	if now-r.chores.leadership >= leadershipEvery || r.leading.active && !r.leading.ready {
		r.chores.leadership = now
		r.leading.tend(r, now)
	}
	if now-r.chores.status >= statusEvery {
		r.chores.status = now
		r.wakeful.tend(now)
		r.publishStatus(now)
		r.tail.expire(now)
	}
}

// applyDecided hands decided entries to the state machine, and what follows to the outbox.
func (r *Replica) applyDecided() (worked bool) {
	if r.frozen.Load() {
		return false
	}
	for range entriesPerTurn {
		e, ok := r.node.Next()
		if !ok {
			return worked
		}
		worked = true
		for rest := e.Payload; len(rest) > 0; {
			r.decided = r.decided[:0]
			for len(rest) > 0 && len(r.decided) < decodedAtOnce {
				r.decided = r.decided[:len(r.decided)+1]
				n, err := book.DecodeCommand(rest, &r.decided[len(r.decided)-1])
				if err != nil {
					panic(fmt.Sprintf("decided entry %d does not decode at byte %d of %d: %v", e.Index, len(e.Payload)-len(rest), len(e.Payload), err))
				}
				rest = rest[n:]
			}
			r.outbox.events = r.market.ApplyAll(r.decided, r.outbox.events, r.then)
		}
		r.applied = e.After()
		r.tail.add(r.applied, e.Payload)
		r.leading.decided(r)
	}
	return worked
}

// followed takes what followed from a decided command.
func (r *Replica) followed(c *book.Command, events []book.Event) {
	r.outbox.file(events)
	r.hashes.store(r.market.Index(), r.market.StreamHash())
	r.lastTime = max(r.lastTime, c.Time)
	if r.host.applied != nil {
		r.host.applied(c, events)
	}
}

// proposeWaiting turns what waits in the inbox into one log entry.
func (r *Replica) proposeWaiting() bool {
	if len(r.batch) == 0 {
		for n := 0; n < r.cfg.Limits.BatchCommands && len(r.batch)+book.MaxCommandLen <= r.node.MaxPayload(); n++ {
			if !r.leading.take(&r.taken) && !r.takeHeard(&r.taken) && !r.inbox.take(&r.taken) {
				break
			}
			r.lastTime = max(r.lastTime, r.host.wall())
			r.taken.Time = r.lastTime
			r.batch = r.taken.AppendTo(r.batch)
		}
		if len(r.batch) == 0 {
			return false
		}
	}
	switch _, err := r.node.Propose(r.batch); err {
	case nil:
		r.batch = r.batch[:0]
		return true
	case consensus.ErrBusy:
		return false // the log is full of undecided or unread entries: gateways feel it through the inbox
	default:
		// Not the leader any more. Whoever sent these gets no answer, comes back to the new leader and sends again.
		r.batch = r.batch[:0]
		return false
	}
}

// do runs f in the loop and waits for it; false: the replica has stopped.
func (r *Replica) do(f func()) bool {
	if r.host.called {
		f()
		return true
	}
	done := make(chan struct{})
	select {
	case r.requests <- func() { f(); close(done) }:
	case <-r.stopped:
		return false
	}
	r.park.Wake()
	select {
	case <-done:
		return true
	case <-r.stopped:
		return false
	}
}

// monotonic is CLOCK_MONOTONIC in ns: what consensus is driven by, and comparable between processes of one host.
func monotonic() int64 { return monotonicClock() }
