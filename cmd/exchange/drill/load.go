package drill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"exchange/book"
	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/trader"
	"exchange/fix"
)

// load is one FIX client that keeps a window of requests under way, over changes of leader, and knows what it was told.
type load struct {
	name    string
	client  *trader.Client
	rng     *rand.Rand
	symbols []string
	window  int
	rate    int // requests per second at most; 0: as fast as the answers come

	mu         sync.Mutex
	blotter    *trader.Blotter
	numbers    *numbers
	ids        []book.ClientID // of the open orders, with some that are closed by now
	entered    map[book.ClientID]struct{}
	waiting    map[book.ClientID]struct{}
	called     map[book.ClientID]call // new orders that are not answered
	operations []operation
	fills      []fill
	next       int
	stopping   bool
	began      int64 // monotonic ns of the first request
	refused    int   // requests refused because the order was gone already: a race with a fill, or an order lost
	last       int64 // monotonic ns of the last report
	first      int64 // of the first report after mark, 0: none yet
	marked     int64
}

const (
	loadMid     = 50_0000 // 1/10,000
	loadTick    = 100
	loadOpenMax = 200
)

func newLoad(session trader.Credentials, addresses, symbols []string, window, rate int, seed uint64) *load {
	l := &load{
		name: session.Sender, rng: rand.New(rand.NewPCG(seed, 1)), symbols: symbols, window: window, rate: rate, blotter: trader.NewBlotter(), numbers: newNumbers(),
		entered: map[book.ClientID]struct{}{}, waiting: map[book.ClientID]struct{}{}, called: map[book.ClientID]call{},
	}
	l.client = trader.New(trader.Options{
		Credentials: session, Addresses: addresses, HeartBtInt: 5, OnReceived: l.received,
	})
	return l
}

// run keeps the window full until the context ends.
func (l *load) run(ctx context.Context) {
	fill := func(i *fix.Initiator, now int64) { l.mu.Lock(); defer l.mu.Unlock(); l.fill(i, now) }
	l.client.Do(fill)
	if l.rate > 0 {
		go func() {
			tick := time.NewTicker(pace)
			defer tick.Stop()
			for ctx.Err() == nil {
				<-tick.C
				l.client.Do(fill)
			}
		}()
	}
	l.client.Run(ctx)
}

// pace is how often a client whose rate is bounded looks whether it may send.
const pace = 2 * time.Millisecond

// mayNot tells whether the rate forbids another request now. Under mu.
func (l *load) mayNot() bool {
	if l.rate == 0 {
		return false
	}
	now := cluster.Monotonic()
	if l.began == 0 {
		l.began = now
	}
	return float64(l.next) > float64(now-l.began)/1e9*float64(l.rate)
}

func (l *load) received(i *fix.Initiator, r *fix.Received, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.numbers.take(r)
	if r.Duplicate {
		return
	}
	l.blotter.Take(r)
	if !application(r) {
		return
	}
	if r.Is("8") && r.ExecType == '5' {
		l.ids = append(l.ids, r.ClOrdID)
	}
	l.note(r)
	l.last = cluster.Monotonic()
	if l.marked != 0 && l.first == 0 {
		l.first = l.last
	}
	if r.Is("9") {
		l.refused++
	}
	delete(l.waiting, r.ClOrdID)
	l.fill(i, now)
}

// fill sends requests until the window is full. Under mu.
func (l *load) fill(i *fix.Initiator, now int64) {
	for !l.stopping && len(l.waiting) < l.window && !l.mayNot() {
		l.send(i, now)
	}
}

func (l *load) send(i *fix.Initiator, now int64) {
	id := l.newID()
	kind := l.rng.IntN(20)
	if open := l.pick(); open != nil && (kind < 5 || len(l.blotter.Open) > loadOpenMax) {
		open.Asked = true
		o := fix.Order{ClOrdID: []byte(trader.Text(id)), OrigClOrdID: []byte(trader.Text(open.ID)), Symbol: []byte(trader.Text8(open.Symbol)),
			Side: book.Side(open.Side - '1'), Qty: open.Qty + int64(l.rng.IntN(21)-10), Price: open.Price + int64(l.rng.IntN(3)-1)*loadTick}
		if kind < 2 && o.Qty > 0 {
			i.OrderCancelReplaceRequest(now, &o)
		} else {
			i.OrderCancelRequest(now, &o)
		}
		return
	}
	symbol := l.symbols[l.rng.IntN(len(l.symbols))]
	o := fix.Order{ClOrdID: []byte(trader.Text(id)), Symbol: []byte(symbol), Side: book.Side(l.rng.IntN(2)),
		Qty: int64(1 + l.rng.IntN(100)), Price: loadMid + int64(l.rng.IntN(11)-5)*loadTick}
	if kind == 19 {
		o.TIF = book.ImmediateOrCancel
	}
	l.entered[id] = struct{}{}
	l.called[id] = call{cluster.Monotonic(), asked{symbol, o.Side, o.Qty, o.Price, o.TIF == book.ImmediateOrCancel}}
	l.ids = append(l.ids, id)
	i.NewOrderSingle(now, &o)
}

// pick gives an open order that nothing is asked of, or nil.
func (l *load) pick() *trader.Order {
	for try := 0; try < 8 && len(l.ids) > 0; try++ {
		at := l.rng.IntN(len(l.ids))
		if o := l.blotter.Open[l.ids[at]]; o == nil {
			l.ids[at] = l.ids[len(l.ids)-1]
			l.ids = l.ids[:len(l.ids)-1]
		} else if !o.Asked {
			return o
		}
	}
	return nil
}

func (l *load) newID() book.ClientID {
	l.next++
	id := trader.ClientID(fmt.Sprintf("%s-%d", l.name, l.next))
	l.waiting[id] = struct{}{}
	return id
}

// mark makes outage measure from this moment (monotonic ns).
func (l *load) mark(at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.marked, l.first = at, 0
}

// outage is how long after mark the next report came, ns; 0: none yet.
func (l *load) outage() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == 0 {
		return 0
	}
	return l.first - l.marked
}

// answered tells how many requests of this client have been answered, and how many are under way.
func (l *load) answered() (acknowledged, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.blotter.Acknowledged, len(l.waiting)
}

// flowing tells whether the client is logged on and has had answers.
func (l *load) flowing() bool {
	acknowledged, _ := l.answered()
	return acknowledged > 0 && l.client.Up()
}

// stop sends no more requests.
func (l *load) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopping = true
}

// cancelAll asks for every open order's end: an order that was acknowledged and lost is found by this.
func (l *load) cancelAll() {
	l.client.Do(func(i *fix.Initiator, now int64) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, open := range l.blotter.Open {
			id := l.newID()
			i.OrderCancelRequest(now, &fix.Order{ClOrdID: []byte(trader.Text(id)), OrigClOrdID: []byte(trader.Text(open.ID)),
				Symbol: []byte(trader.Text8(open.Symbol)), Side: book.Side(open.Side - '1')})
		}
	})
}

// settle waits until every request is answered and no message is missing.
func (l *load) settle(ctx context.Context) error {
	for {
		_, waiting := l.answered()
		if waiting == 0 && l.client.Settled() {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("client %s: %d requests were not answered", l.name, waiting)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// judge compares what the client was told with what must be.
func (l *load) judge(r *Report, fault func(string, ...any)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.operations, r.fills = append(r.operations, l.operations...), append(r.fills, l.fills...)
	b := l.blotter
	r.Acknowledged, r.Rejected, r.Trades, r.Volume = r.Acknowledged+b.Acknowledged, r.Rejected+b.Rejected, r.Trades+b.Trades, r.Volume+b.Volume
	for id := range l.entered {
		switch answers := b.Answers[id]; {
		case answers == 0:
			r.Unanswered++
			fault("%s: order %s was never answered", l.name, trader.Text(id))
		case answers > 1:
			r.Doubled++
			fault("%s: order %s was answered %d times", l.name, trader.Text(id), answers)
		}
	}
	for id := range b.Open {
		r.Lost++
		fault("%s: order %s was acknowledged and cannot be cancelled: the exchange does not know it", l.name, trader.Text(id))
	}
	r.Doubled += b.FaultCount
	for _, f := range b.Faults {
		fault("%s: %s", l.name, f)
	}
	r.NumberFaults += l.numbers.count + l.numbers.holes()
	if holes := l.numbers.holes(); holes > 0 {
		fault("%s: %d numbers up to %d never came", l.name, holes, l.numbers.highest)
	}
	for _, f := range l.numbers.faults {
		fault("%s: %s", l.name, f)
	}
}
