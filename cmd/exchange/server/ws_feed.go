package server

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"exchange/marketdata/feed"
	"exchange/marketdata/ws"

	"github.com/rs/zerolog"
)

// webFeed is the market as WebSocket and REST clients see it: made from this replica's copy of the feed, by whoever follows the feed, never by the loop. As
// long as nobody asks for anything it does not even read.
//
//  1. The first question makes the market, from the feed's first message on.
//  2. While there are WebSocket clients, run follows the feed; a question of REST reads up to what was decided when it came.
//  3. After each slice of messages what was made for a product's channel, encoded once, goes into the queues of all who subscribed to it.
//
// mu guards all of it but the queues. Whoever holds it sees whole commands only.
type webFeed struct {
	store   *feed.Store
	cfg     Web
	session string
	tick    func(symbol string) int64
	// decided gives a number of the feed and a time, ns since the Unix epoch, at most a day after the message with that number; 0: none is known yet.
	decided func() (number uint64, time int64)
	// elsewhere names the other replicas' addresses, for what this one cannot serve.
	elsewhere string
	log       zerolog.Logger
	// subscribeWithin and ahead are webSubscribeWithin and webAhead, but in tests.
	subscribeWithin, ahead time.Duration

	mu       sync.Mutex
	market   *ws.Market
	broken   error
	products map[*ws.Product]*webProduct
	status   map[*webClient]struct{}
	clients  map[*webClient]struct{}
	waiting  []webWaiting
	beat     time.Time
	batch    time.Time

	wake    chan struct{} // a client came
	stop    chan struct{}
	stopped chan struct{}
	started atomic.Bool // run was called
}

// webProduct is who subscribed to a product, by channel.
type webProduct struct {
	subscribers [ws.Channels][]*webClient
	batched     uint64 // the last trade that was told as a batch of the ticker
}

// webWaiting is a client that has seen more of a product than this replica has.
type webWaiting struct {
	client  *webClient
	product *ws.Product
	channel ws.Channel
	after   uint64
	until   time.Time
}

func newWebFeed(store *feed.Store, cfg Web, session string, tick func(string) int64, decided func() (uint64, int64), log zerolog.Logger) *webFeed {
	return &webFeed{
		store: store, cfg: cfg, session: session, tick: tick, decided: decided, log: log, products: make(map[*ws.Product]*webProduct),
		status: make(map[*webClient]struct{}), clients: make(map[*webClient]struct{}), wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
		subscribeWithin: webSubscribeWithin, ahead: webAhead,
	}
}

// errNotOpen: nothing was listed yet.
var errNotOpen = errors.New("the market has not begun on this replica yet: ask again in a moment")

// begin makes the market, if there is a feed to make it from. The day of its first message follows from the time of its last.
func (w *webFeed) begin() error {
	if w.market != nil || w.broken != nil {
		return w.broken
	}
	number, last := w.decided()
	switch first := w.store.First(); {
	case first > 1:
		w.fail(fmt.Errorf("this replica has the feed from message %d on only, and books need all of it: ask another replica%s, or raise feed.max_kept_bytes", first, w.elsewhere))
		return w.broken
	case number == 0:
		return errNotOpen
	}
	var day ws.DayOfFirst
	r := w.store.NewReader(1)
	for r.Number() <= number {
		message, err := r.Next()
		if err != nil {
			return fmt.Errorf("message %d of the feed: %w", r.Number(), err)
		}
		day.Add(message)
	}
	w.market = ws.NewMarket(ws.Config{Session: w.session, Day: day.Day(last), Quote: w.cfg.Quote, Tick: w.tick, Records: w.cfg.KeptEvents})
	return nil
}

// fail ends the service: a market that has a fault must not be shown.
func (w *webFeed) fail(err error) {
	w.broken = err
	w.log.Error().Err(err).Msg("market data over WebSocket and REST has ended")
	for c := range w.clients {
		c.fail("market data is not available", err.Error(), ws.CloseGoingAway)
	}
}

// pump reads a slice of the feed, and passes on what it did. It tells whether there is more.
func (w *webFeed) pump() (more bool, err error) {
	if err := w.begin(); err != nil {
		return false, err
	}
	defer w.distribute()
	for range webSlice {
		whole := w.store.Whole()
		message, err := w.store.Read(w.market.Next())
		switch {
		case err == nil:
			err = w.market.Apply(message)
		case errors.Is(err, feed.ErrNotYet):
			if w.market.Next() == whole {
				err = w.market.Settle()
			} else {
				err = nil
			}
			more = w.store.Next() > w.market.Next()
			if err == nil {
				return more, nil
			}
		}
		if err != nil {
			w.fail(err)
			return false, err
		}
	}
	return true, nil
}

// distribute puts what was made into the subscribers' queues.
func (w *webFeed) distribute() {
	w.market.Take(func(p *ws.Product, c ws.Channel, frames []byte) {
		for _, client := range w.of(p).subscribers[c] {
			client.send(frames)
		}
	})
	if w.market.StatusChanged() && len(w.status) > 0 {
		frame := w.market.AppendStatus(nil)
		for c := range w.status {
			c.send(frame)
		}
	}
	if len(w.waiting) > 0 {
		w.admitWaiting(time.Now())
	}
}

func (w *webFeed) of(p *ws.Product) *webProduct {
	q := w.products[p]
	if q == nil {
		q = new(webProduct)
		w.products[p] = q
	}
	return q
}

// current locks the market when everything that was decided before the call is in it. The caller unlocks. After an error nothing is locked.
func (w *webFeed) current() error {
	target, start := w.store.Whole(), time.Now()
	for {
		w.mu.Lock()
		more, err := w.pump()
		if err == nil && w.market.Next() >= target {
			return nil
		}
		w.mu.Unlock()
		waited := time.Since(start)
		switch {
		case errors.Is(err, errNotOpen) && waited < webBeginning:
			time.Sleep(10 * time.Millisecond)
		case err != nil:
			return err
		case waited > webPatience:
			return errors.New("the market is being read in: ask again in a moment")
		case !more:
			time.Sleep(time.Millisecond) // a batch that is being published
		}
	}
}

// run follows the feed as long as there are clients, and does what is due.
func (w *webFeed) run() {
	w.started.Store(true)
	defer close(w.stopped)
	follower, err := w.store.Follow()
	if err != nil {
		w.log.Error().Err(err).Msg("WebSocket clients get no events")
		return
	}
	defer follower.Close()
	ticker := time.NewTicker(webTick)
	defer ticker.Stop()
	for {
		follower.Arm()
		following, more := w.turn()
		if !following {
			follower.Disarm()
		}
		var news, now chan struct{}
		if more {
			now = always
		} else if following {
			news = follower.C
		}
		select {
		case <-ticker.C:
			w.due(time.Now())
		case <-w.stop:
			return
		default:
			select {
			case <-now:
			case <-news:
			case <-w.wake:
			case <-ticker.C:
				w.due(time.Now())
			case <-w.stop:
				return
			}
		}
	}
}

// always is ready.
var always = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// turn reads a slice if somebody waits for events, or if the store is about to drop what was not read: when it is half full, and most of that is ahead.
func (w *webFeed) turn() (following, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	following = len(w.clients) > 0
	if w.broken != nil || !following && !w.farBehind() {
		return following && w.broken == nil, false
	}
	more, err := w.pump()
	return following, more && err == nil
}

func (w *webFeed) farBehind() bool {
	if w.store.Fill() < 0.5 {
		return false
	}
	first, next := w.store.First(), w.store.Next()
	return w.market == nil || next-w.market.Next() > (next-first)/2
}

// due sends what goes by the clock.
func (w *webFeed) due(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.clients {
		c.ping(now)
	}
	if w.market == nil {
		return
	}
	if now.Sub(w.beat) >= webHeartbeat {
		w.beat = now
		w.toAll(ws.Heartbeat, func(p *ws.Product, _ *webProduct) []byte { return w.market.AppendHeartbeat(nil, p) })
	}
	if now.Sub(w.batch) >= webTickerBatch {
		w.batch = now
		w.toAll(ws.TickerBatch, func(p *ws.Product, q *webProduct) []byte {
			if p.LastTrade() == q.batched {
				return nil
			}
			q.batched = p.LastTrade()
			return w.market.AppendTicker(nil, p)
		})
	}
	w.admitWaiting(now)
}

// toAll makes one frame for each product that has subscribers of a channel.
func (w *webFeed) toAll(c ws.Channel, frame func(*ws.Product, *webProduct) []byte) {
	for p, q := range w.products {
		if len(q.subscribers[c]) == 0 {
			continue
		}
		if f := frame(p, q); len(f) > 0 {
			for _, client := range q.subscribers[c] {
				client.send(f)
			}
		}
	}
}

// close ends the service and says so to all clients.
func (w *webFeed) close() {
	close(w.stop)
	if w.started.Load() {
		<-w.stopped
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = errors.New("the replica is stopping: go on at another one")
	for c := range w.clients {
		c.fail("the replica is stopping", "go on at another replica with from_sequence", ws.CloseGoingAway)
	}
}
