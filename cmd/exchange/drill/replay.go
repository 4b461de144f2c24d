package drill

import (
	"context"
	"fmt"
	"sync"
	"time"

	"exchange/book"
	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/orderflow"
	"exchange/cmd/exchange/server"
	"exchange/cmd/exchange/trader"
	"exchange/fix"
)

// flowSession is the one FIX session that a file is played over.
const (
	flowSender   = "FLOW"
	replayLimit  = 30 * time.Minute
	flowTick     = 100 // 1/10,000: ticks of 0.01
	flowPatience = 20 * time.Second
)

// replayStartPatience bounds the wait for the cluster to take orders.
const replayStartPatience = 20 * time.Second

// Replay plays an order-flow file over FIX through a cluster of its own. What came out is taken from the execution reports, and from the leader's
// state, which all replicas must agree on.
//
// A book of our own runs beside it, for what FIX wants to be told: a reduce is a replace with the new total, a replace of the file is a cancel and, if
// there was something to cancel, a new order.
func Replay(ctx context.Context, f *orderflow.File, o cluster.Options, window int, keep Keep, progress func(done int)) (orderflow.Result, error) {
	o.Market = func(c *server.Config) { flowMarket(c, f) }
	c, err := cluster.Start(o)
	if err != nil {
		return orderflow.Result{}, err
	}
	defer c.Stop()
	starting, cancel := context.WithTimeout(ctx, replayStartPatience)
	defer cancel()
	if _, err := c.WaitServing(starting); err != nil {
		return orderflow.Result{}, err
	}
	described := c.Describe()
	r := &replayer{
		file: f, window: window, progress: progress, player: orderflow.NewPlayer(orderflow.LimitsFor(f), f.Symbols), hash: orderflow.NewTradeHash(),
		names: map[uint64]string{}, numbers: map[string]uint64{}, open: map[uint64]int64{}, done: make(chan struct{}),
	}
	r.client = trader.New(trader.Options{
		Credentials: trader.Credentials{Sender: flowSender, Target: cluster.Target}, Addresses: described.Addresses(cluster.Replica.FIXAddress),
		OnReceived: r.received, SentMessages: 4 * max(window, 1024),
	})
	running, end := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() { defer close(stopped); r.client.Run(running) }()
	defer func() { end(); <-stopped }()
	lines, err := keep.listen(running, described)
	if err != nil {
		return orderflow.Result{}, err
	}
	start := time.Now()
	r.client.Do(r.fill)
	select {
	case <-r.done:
	case <-ctx.Done():
		return orderflow.Result{}, ctx.Err()
	case <-time.After(replayLimit):
		return orderflow.Result{}, fmt.Errorf("not done after %v: %d of %d records sent, %d answers missing", replayLimit, r.next, len(f.Records), r.waiting)
	}
	took := time.Since(start)
	if err := r.complaint; err != nil {
		return orderflow.Result{}, err
	}
	result, err := r.finish(ctx, c, took)
	if err != nil {
		return result, err
	}
	keeping, cancel := context.WithTimeout(ctx, replayStartPatience)
	defer cancel()
	return result, keep.keep(keeping, c, lines)
}

// flowMarket is the market that a file needs.
func flowMarket(c *server.Config, f *orderflow.File) {
	c.Instruments, c.Participants = nil, []string{"FLOW"}
	for s := range f.Symbols {
		c.Instruments = append(c.Instruments, server.Instrument{Symbol: orderflow.Symbol(uint16(s)), Tick: "0.01", Lot: 1})
	}
	c.FIXSessions = []server.FIXSession{{Sender: flowSender, Target: cluster.Target, Participant: "FLOW"}}
	c.OUCHAccounts = nil
	limits := orderflow.LimitsFor(f)
	c.Limits.Orders, c.Limits.ClientIDs = limits.Orders, limits.ClientIDs
}

// replayer is the client that plays the file.
type replayer struct {
	file     *orderflow.File
	window   int
	progress func(int)
	client   *trader.Client
	once     sync.Once
	done     chan struct{}

	// Of the client's callbacks, one at a time.
	next, waiting int
	player        *orderflow.Player
	names         map[uint64]string // a live order's present ClOrdID, if it is not its number
	numbers       map[string]uint64 // the other way round
	open          map[uint64]int64  // by the book beside
	result        orderflow.Result
	hash          orderflow.TradeHash
	resting       fix.Received // of the trade whose second report follows
	complaint     error
}

func (r *replayer) received(i *fix.Initiator, m *fix.Received, now int64) {
	if m.Duplicate {
		return
	}
	switch {
	case m.Is("8") && m.ExecType == 'F':
		r.trade(m)
		return
	case m.Is("8") && m.ExecType == '0':
		r.result.Accepted++
	case m.Is("8") && m.ExecType == '8', m.Is("9"):
		r.result.Rejected++
	case m.Is("8") && m.ExecType == '4' && m.OrigClOrdID == (book.ClientID{}):
		return // nobody asked: what is left of an immediate-or-cancel or market order
	case m.Is("3"), m.Is("j"):
		r.complain(fmt.Errorf("message %d was rejected: %s", m.RefSeqNum, m.Text))
		return
	case !m.Is("8"):
		return
	}
	r.waiting--
	r.fill(i, now)
}

// trade takes in one of the two reports of a trade: the resting order's comes first.
func (r *replayer) trade(m *fix.Received) {
	if r.resting.Match != m.Match {
		r.resting = *m
		return
	}
	r.result.Trades++
	r.result.Volume += uint64(m.LastQty)
	r.hash.Add(r.number(r.resting.ClOrdID), r.number(m.ClOrdID), uint64(m.LastPx/flowTick), uint64(m.LastQty))
}

// number is the file's number of the order with this ClOrdID.
func (r *replayer) number(id book.ClientID) uint64 {
	if n, ok := r.numbers[trader.Text(id)]; ok {
		return n
	}
	return orderflow.ParseID(&id)
}

func (r *replayer) name(id uint64) string {
	if n, ok := r.names[id]; ok {
		return n
	}
	return orderflow.IDText(id)
}

func (r *replayer) complain(err error) {
	r.complaint = err
	r.once.Do(func() { close(r.done) })
}

// fill sends records until the window is full or the file is at its end.
func (r *replayer) fill(i *fix.Initiator, now int64) {
	for r.waiting < r.window && r.next < len(r.file.Records) && r.complaint == nil {
		r.send(i, now, r.next, &r.file.Records[r.next])
		if r.next++; r.next%1000 == 0 {
			r.progress(r.next)
		}
	}
	if r.next == len(r.file.Records) && r.waiting == 0 {
		r.once.Do(func() { close(r.done) })
	}
}

func (r *replayer) send(i *fix.Initiator, now int64, number int, rec *orderflow.Record) {
	side, symbol := book.Side(rec.Side), []byte(orderflow.Symbol(rec.Symbol))
	open, lives := r.open[rec.ID]
	cancel := func() {
		i.OrderCancelRequest(now, &fix.Order{ClOrdID: []byte(orderflow.RequestText(number)), OrigClOrdID: []byte(r.name(rec.ID)), Symbol: symbol, Side: side})
		r.waiting++
	}
	enter := func(id uint64) {
		o := fix.Order{ClOrdID: []byte(orderflow.IDText(id)), Symbol: symbol, Side: side, Qty: int64(rec.Qty), Price: rec.Price * flowTick}
		switch rec.Op {
		case orderflow.IOC:
			o.TIF = book.ImmediateOrCancel
		case orderflow.Market:
			o.Type, o.TIF = book.MarketOrder, book.ImmediateOrCancel
		}
		i.NewOrderSingle(now, &o)
		r.waiting++
	}
	switch rec.Op {
	case orderflow.Cancel:
		cancel()
	case orderflow.Reduce:
		if !lives || int64(rec.Qty) >= open {
			cancel()
			break
		}
		name := orderflow.RequestText(number)
		order := r.player.Order(rec.ID)
		i.OrderCancelReplaceRequest(now, &fix.Order{ClOrdID: []byte(name), OrigClOrdID: []byte(r.name(rec.ID)), Symbol: symbol, Side: order.Side,
			Price: order.Price * flowTick, Qty: order.Qty - int64(rec.Qty)})
		r.waiting++
		r.names[rec.ID], r.numbers[name] = name, rec.ID
	case orderflow.Replace:
		cancel()
		if lives {
			enter(rec.Aux)
		}
	default:
		enter(rec.ID)
	}
	r.follow(number, rec)
}

// follow plays the record through the book beside.
func (r *replayer) follow(number int, rec *orderflow.Record) {
	if rec.Op == orderflow.Cancel || rec.Op == orderflow.Replace {
		delete(r.open, rec.ID)
	}
	for _, e := range r.player.Play(number, rec) {
		id := orderflow.ParseID(&e.ClientID)
		if e.Rests() {
			r.open[id] = e.Leaves
			continue
		}
		switch e.Kind {
		case book.Reduced:
			r.open[id] = e.Leaves
		case book.Filled:
			if e.Resting {
				if r.open[id] = e.Leaves; e.Leaves == 0 {
					delete(r.open, id)
				}
			}
		case book.Cancelled:
			delete(r.open, orderflow.ParseID(&e.OrigID))
		}
	}
}

// finish asks the replicas what they have, at the same command.
func (r *replayer) finish(ctx context.Context, c *cluster.Cluster, took time.Duration) (orderflow.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, flowPatience)
	defer cancel()
	survey, err := cluster.WaitFor(ctx, c.HTTP(), func(v cluster.Survey) bool { return v.Leader != 0 && v.Status(v.Leader).InboxWaiting == 0 })
	if err != nil {
		return orderflow.Result{}, err
	}
	survey = cluster.Look(c.HTTP(), true)
	leader := survey.Status(survey.Leader)
	if leader == nil || !survey.Agree {
		return orderflow.Result{}, fmt.Errorf("the replicas do not agree: %v", survey.Hashes)
	}
	r.result.Orders, r.result.Resting, r.result.StateHash = len(r.file.Records), leader.Resting, leader.BookHash
	r.result.TradeHash, r.result.Seconds = r.hash.String(), took.Seconds()
	return r.result, nil
}
