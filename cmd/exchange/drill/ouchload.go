package drill

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"exchange/book"
	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/trader"
	"exchange/ouch"
	"exchange/ouch/soupbin"
)

// ouchLoad is one OUCH client that keeps a window of requests under way, over changes of leader, and knows what it was told.
type ouchLoad struct {
	name      string
	password  string
	addresses []string
	client    *trader.OUCHClient
	rng       *rand.Rand
	symbols   []string
	window    int
	rate      int           // requests per second at most; 0: as fast as the answers come
	leave     chan struct{} // closed: log out
	gone      chan struct{} // closed: logged out

	mu       sync.Mutex
	content  []uint64 // of the stream's messages, by number; 0 is none: hashes
	entered  map[ouchNumber]bool
	answers  map[ouchNumber]int
	executed map[uint64]bool // matches of this account, with the liquidity flag
	fills    []fill
	called   map[ouchNumber]call   // new orders that are not answered
	orders   map[ouchNumber]placed // new orders that were taken
	faults   []string
	count    int
	sent     int
	stopping bool
	began    int64 // monotonic ns of the first request
	first    int64 // monotonic ns of the first report after mark, 0: none yet
	marked   int64

	accepted, rejected, trades int
	volume                     int64
}

// ouchNumber is a UserRefNum in its channel.
type ouchNumber struct {
	channel uint8
	number  uint32
}

func (n ouchNumber) String() string { return fmt.Sprintf("%d/%d", n.channel, n.number) }

// loadChannels are the values of UserRefIdx that orders are spread over.
var loadChannels = []uint8{0, 1, 255}

func newOUCHLoad(account cluster.Account, addresses, symbols []string, window, rate int, seed uint64) *ouchLoad {
	l := &ouchLoad{
		name: account.Username, password: account.Password, addresses: addresses, rng: rand.New(rand.NewPCG(seed, 5)), symbols: symbols, window: window, rate: rate,
		leave: make(chan struct{}), gone: make(chan struct{}), content: make([]uint64, 1), entered: map[ouchNumber]bool{}, answers: map[ouchNumber]int{}, executed: map[uint64]bool{},
		called: map[ouchNumber]call{}, orders: map[ouchNumber]placed{},
	}
	l.client = trader.NewOUCH(trader.OUCHOptions{Username: account.Username, Password: account.Password, Addresses: addresses, Number: 1, OnReport: l.take})
	return l
}

func (l *ouchLoad) fault(format string, args ...any) {
	l.count++
	if len(l.faults) < 10 {
		l.faults = append(l.faults, fmt.Sprintf(format, args...))
	}
}

// run keeps the window full until the context ends, or until it is to leave.
func (l *ouchLoad) run(ctx context.Context) {
	defer close(l.gone)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-l.leave:
			cancel()
		case <-ctx.Done():
		}
	}()
	fill := func(i *ouch.Initiator, now int64) { l.mu.Lock(); defer l.mu.Unlock(); l.fill(i, now) }
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

// take follows one message of the stream.
func (l *ouchLoad) take(i *ouch.Initiator, number uint64, r *ouch.Report, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number != uint64(len(l.content)) {
		l.fault("message %d follows %d", number, len(l.content)-1)
	}
	l.content = append(l.content, contentOfReport(r))
	is := ouchNumber{r.Tags.UserRefIdx(), r.UserRefNum}
	switch r.Type {
	case ouch.Accepted, ouch.Replaced:
		l.answers[is]++
		l.accepted++
		if called, ok := l.called[is]; ok {
			delete(l.called, is)
			l.orders[is] = placed{operation{called: called.at, returned: cluster.Monotonic(), order: called.order}, r.OrderRef, 0}
		}
	case ouch.Rejected:
		delete(l.called, is)
		l.answers[is]++
		l.rejected++
	case ouch.MassCancelAnswer:
		l.answers[is]++
	case ouch.Executed:
		l.trades++
		l.volume += int64(r.Quantity)
		key := r.Match << 1 // an account may be on both sides
		if r.Liquidity == ouch.RemovedLiquidity {
			key |= 1
		}
		if l.executed[key] {
			l.fault("match %d came twice", r.Match)
		}
		l.executed[key] = true
		if o, ok := l.orders[is]; ok && o.match == 0 && r.Liquidity == ouch.RemovedLiquidity {
			o.match = r.Match
			l.orders[is] = o
		}
		l.fills = append(l.fills, fill{match: r.Match, qty: int64(r.Quantity), price: int64(r.Price)})
	case ouch.SystemEvent:
		return
	}
	if l.marked != 0 && l.first == 0 {
		l.first = cluster.Monotonic()
	}
	l.fill(i, now)
}

func contentOfReport(r *ouch.Report) uint64 {
	h := fnv.New64a()
	h.Write(r.AppendTo(nil))
	return h.Sum64()
}

// mayNot tells whether the rate forbids another request now. Under mu.
func (l *ouchLoad) mayNot() bool {
	if l.rate == 0 {
		return false
	}
	now := cluster.Monotonic()
	if l.began == 0 {
		l.began = now
	}
	return float64(l.sent) > float64(now-l.began)/1e9*float64(l.rate)
}

// fill sends requests until the window is full. Under mu.
func (l *ouchLoad) fill(i *ouch.Initiator, now int64) {
	for !l.stopping && i.Unanswered() < l.window && !l.mayNot() {
		q := l.request(i)
		at := cluster.Monotonic()
		number, err := i.Send(now, &q)
		if err != nil {
			l.fault("cannot send: %v", err)
			return
		}
		l.sent++
		if q.Type == ouch.EnterOrder {
			is := ouchNumber{q.Tags.UserRefIdx(), number}
			l.entered[is] = true
			l.called[is] = call{at, asked{q.Symbol.String(), ouchSide(q.Side), int64(q.Quantity), int64(q.Price), q.TimeInForce == ouch.TIFImmediate}}
		}
	}
}

// ouchSide is the side that a letter of OUCH means.
func ouchSide(letter byte) book.Side {
	if letter == ouch.SideBuy {
		return book.Buy
	}
	return book.Sell
}

// request is the next thing to ask for: mostly a new order in any channel, or a change of an open one.
func (l *ouchLoad) request(i *ouch.Initiator) ouch.Request {
	q, channel := l.requestIn(i)
	if channel != 0 {
		q.Tags.Set(ouch.TagUserRefIdx, uint64(channel))
	}
	return q
}

func (l *ouchLoad) requestIn(i *ouch.Initiator) (q ouch.Request, channel uint8) {
	kind := l.rng.IntN(20)
	price := uint64(loadMid + (l.rng.IntN(11)-5)*loadTick)
	var open *ouch.ClientOrder
	count := 0
	i.Orders(func(o *ouch.ClientOrder) {
		if count++; count == 1 {
			open = o
		}
	})
	if open == nil || kind >= 6 && count <= loadOpenMax {
		q = ouch.Request{
			Type: ouch.EnterOrder, Side: "BST"[l.rng.IntN(3)], Quantity: uint32(1 + l.rng.IntN(100)), Symbol: ouch.MakeSymbol(l.symbols[l.rng.IntN(len(l.symbols))]),
			Price: price, TimeInForce: ouch.TIFDay, Display: ouch.DisplayVisible, Capacity: ouch.CapacityPrincipal, Sweep: 'N', Cross: ouch.CrossNone,
			ClOrdID: ouch.MakeClOrdID(l.name),
		}
		switch kind {
		case 18:
			q.Display = ouch.DisplayAttributable
			q.Tags.SetText(ouch.TagFirm, ouch.MakeFirm("LOAD"))
		case 19:
			q.TimeInForce = ouch.TIFImmediate
		}
		return q, loadChannels[l.rng.IntN(len(loadChannels))]
	}
	switch {
	case kind < 2:
		return ouch.Request{Type: ouch.ReplaceOrder, OrigUserRefNum: open.UserRefNum, Quantity: open.Quantity + uint32(l.rng.IntN(10)), Price: price,
			TimeInForce: ouch.TIFDay, Display: ouch.DisplayVisible, Sweep: 'N', ClOrdID: ouch.MakeClOrdID(l.name)}, open.UserRefIdx
	case kind < 3:
		return ouch.Request{Type: ouch.CancelOrder, UserRefNum: open.UserRefNum, Quantity: open.Quantity - 1}, open.UserRefIdx
	case kind < 4 && open.Side != ouch.SideBuy && open.Quantity > 1:
		return ouch.Request{Type: ouch.ModifyOrder, UserRefNum: open.UserRefNum, Side: ouch.SideSellShort, Quantity: open.Quantity - 1}, open.UserRefIdx
	}
	return ouch.Request{Type: ouch.CancelOrder, UserRefNum: open.UserRefNum}, open.UserRefIdx
}

// mark makes outage measure from this moment (monotonic ns).
func (l *ouchLoad) mark(at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.marked, l.first = at, 0
}

// outage is how long after mark the next report came, ns; 0: none yet.
func (l *ouchLoad) outage() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == 0 {
		return 0
	}
	return l.first - l.marked
}

// flowing tells whether the client is logged in and has had answers.
func (l *ouchLoad) flowing() bool {
	up := l.client.Up()
	l.mu.Lock()
	defer l.mu.Unlock()
	return up && l.accepted > 0
}

// stop sends no more requests.
func (l *ouchLoad) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopping = true
}

// cancelAll asks for every open order's end, one by one: an order that was acknowledged and lost is found by this.
func (l *ouchLoad) cancelAll() {
	l.client.Do(func(i *ouch.Initiator, now int64) {
		for _, n := range openOUCH(i) {
			q := ouch.Request{Type: ouch.CancelOrder, UserRefNum: n.number}
			if n.channel != 0 {
				q.Tags.Set(ouch.TagUserRefIdx, uint64(n.channel))
			}
			_, _ = i.Send(now, &q)
		}
	})
}

func openOUCH(i *ouch.Initiator) (open []ouchNumber) {
	i.Orders(func(o *ouch.ClientOrder) { open = append(open, ouchNumber{o.UserRefIdx, o.UserRefNum}) })
	return open
}

// settle waits until every request is answered.
func (l *ouchLoad) settle(ctx context.Context) error {
	for {
		waiting := 0
		l.client.Do(func(i *ouch.Initiator, _ int64) { waiting = i.Unanswered() })
		if waiting == 0 && l.client.Up() {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("OUCH client %s: %d requests were not answered", l.name, waiting)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// judge compares what the client was told with what must be, and with what another login is told when it reads the stream again.
func (l *ouchLoad) judge(r *Report, fault func(string, ...any)) {
	close(l.leave)
	<-l.gone // one connection at a time has the account
	from, told, err := l.readAgain()
	var open []ouchNumber
	l.client.Do(func(i *ouch.Initiator, _ int64) { open = openOUCH(i) })
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Acknowledged, r.Rejected, r.Trades, r.Volume = r.Acknowledged+l.accepted, r.Rejected+l.rejected, r.Trades+l.trades, r.Volume+l.volume
	r.fills = append(r.fills, l.fills...)
	for _, o := range l.orders {
		r.placed = append(r.placed, o)
	}
	r.OUCHMessages += len(l.content) - 1
	for number := range l.entered {
		if l.answers[number] == 0 {
			r.Unanswered++
			fault("%s: order %v was never answered", l.name, number)
		}
	}
	for number, times := range l.answers {
		if times > 1 {
			r.Doubled++
			fault("%s: number %v was answered %d times", l.name, number, times)
		}
	}
	for _, number := range open {
		r.Lost++
		fault("%s: order %v was acknowledged and cannot be cancelled: the exchange does not know it", l.name, number)
	}
	if err != nil {
		r.NumberFaults++
		fault("%s: the stream cannot be read again: %v", l.name, err)
	}
	for number := from; number < max(from+len(told), len(l.content)); number++ {
		if at := number - from; at >= len(told) || number >= len(l.content) || told[at] != l.content[number] {
			r.NumberFaults++
			fault("%s: message %d was another one, or none, when it came first (%d then, %d now)", l.name, number, len(l.content)-1, from+len(told)-1)
			break
		}
	}
	r.NumberFaults += l.count
	for _, f := range l.faults {
		fault("%s: %s", l.name, f)
	}
}

// streamReadAgain is how many of a stream's newest messages are read again: replicas keep twice as many by default.
const streamReadAgain = 1 << 16

// readAgain logs in anew and reads the stream to where the account stands, from its first message if that is not too far back.
func (l *ouchLoad) readAgain() (from int, content []uint64, err error) {
	l.mu.Lock()
	upTo := len(l.content)
	l.mu.Unlock()
	from = max(1, upTo-streamReadAgain)
	for end := time.Now().Add(settlePatience); time.Now().Before(end); time.Sleep(feedRetry) { // until the one is asked that leads
		for _, address := range l.addresses {
			if content, err = l.readFrom(address, uint64(from), uint64(upTo)); err == nil {
				return from, content, nil
			}
		}
	}
	return from, content, err
}

func (l *ouchLoad) readFrom(address string, from, upTo uint64) (content []uint64, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(settlePatience))
	client := soupbin.MakeClient(soupbin.Session{}, from)
	if _, err := conn.Write(client.Login(nil, l.name, l.password, 0)); err != nil {
		return nil, err
	}
	var in []byte
	var report ouch.Report
	buf := make([]byte, feedBuffer)
	for client.NextNumber() < upTo {
		n, err := conn.Read(buf)
		if err != nil {
			return content, err
		}
		in = append(in, buf[:n]...)
		for {
			e, used, err := client.Receive(in, 0)
			if err != nil {
				return content, err
			}
			if used == 0 {
				break
			}
			if e.Kind == soupbin.LoginWasRejected {
				return content, fmt.Errorf("login refused: %v", e.Reason)
			}
			if e.Kind == soupbin.SequencedData {
				if err := report.Parse(e.Message); err != nil {
					return content, err
				}
				content = append(content, contentOfReport(&report))
			}
			in = in[used:]
		}
	}
	return content, nil
}
