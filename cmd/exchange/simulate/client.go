package simulate

import (
	"bytes"
	"fmt"
	"hash/crc64"
	"math/rand/v2"
	"strconv"
	"time"

	"exchange/book"
	"exchange/cmd/exchange/trader"
	"exchange/fix"
)

// client is a FIX client: the real initiator, with an order flow of its own and a memory of all that it was told.
type client struct {
	w         *world
	number    int // session number in the market, from 1
	name      string
	rng       *rand.Rand
	initiator *fix.Initiator
	link      *link // nil: not connected
	due       int64
	retryAt   int64
	stalled   int64 // reads and writes nothing until then
	nextAt    int64 // of the next request
	server    int   // where it connects to next

	blotter    *trader.Blotter
	operations []operation
	byID       map[book.ClientID]int
	waiting    int
	seen       []content
	heard      []heard
}

// content is what is remembered of a number: told, and for an application message a checksum of what must never change.
type content struct {
	told bool
	sum  uint64
}

const (
	logonPatience = 2 * time.Second
	// priceSteps is how many prices clients use, from the lowest.
	priceSteps  = 8
	lowestPrice = 10_0000 // 1/10,000
	priceTick   = 100
)

func (w *world) newClient(k int) *client {
	c := &client{
		w: w, number: k + 1, name: sender(k), rng: rand.New(rand.NewPCG(w.rng.Uint64(), w.rng.Uint64())), server: w.rng.IntN(w.plan.size),
		blotter: trader.NewBlotter(), byID: map[book.ClientID]int{}, seen: make([]content, 1, 256),
	}
	c.initiator = fix.NewInitiator(fix.InitiatorConfig{
		Sender: c.name, Target: venue, HeartBtInt: uint16(1 + w.rng.IntN(5)), SendNextExpected: w.rng.IntN(2) == 0, Precision: fix.Microseconds,
		LogonTimeout: int64(logonPatience), LogoutTimeout: int64(time.Second), SentMessages: 256, SentBytes: 64 << 10,
	})
	return c
}

// step is what the client does when it runs.
func (c *client) step() {
	now := c.w.net.Now()
	if now < c.stalled {
		return
	}
	wall := epoch + now
	if c.link == nil {
		c.connect(now, wall)
		return
	}
	l := c.link
	if n := l.down.arrived(now); n > 0 {
		if c.rng.IntN(4) == 0 {
			n = 1 + c.rng.IntN(n)
		}
		c.initiator.Receive(wall, l.down.bytes[:n])
		l.down.drop(n)
	} else if (l.broken || l.venueClosed) && now >= l.clientEnd {
		c.initiator.Hangup(wall)
	}
	c.take(now)
	c.initiator.Tick(wall)
	if now >= c.nextAt && now >= c.w.hushUntil && c.waiting < c.w.plan.window && len(c.operations) < c.w.quota {
		c.nextAt = now + c.rng.Int64N(1+c.w.think)
		c.ask(now, wall)
	}
	b := c.initiator.Bytes()
	if len(b) > 0 && !l.broken {
		l.up.put(b, now+c.w.delay())
	}
	c.initiator.Sent(len(b))
	if closed, why := c.initiator.Closed(); closed {
		c.w.say(0, "%s is disconnected: %s", c.name, why)
		l.clientClosed = true
		c.link = nil
		c.retryAt = now + c.rng.Int64N(4*c.w.plan.heartbeat)
	}
}

// connect tries the next replica.
func (c *client) connect(now, wall int64) {
	if now < c.retryAt {
		return
	}
	r := c.w.replicas[c.server]
	c.server = (c.server + 1) % len(c.w.replicas)
	c.retryAt = now + c.rng.Int64N(2*c.w.plan.heartbeat)
	if r.v == nil || len(r.links) >= 4*maxClients {
		return // refused
	}
	l := &link{w: c.w, client: c, at: r, clientEnd: 0}
	r.links = append(r.links, l)
	c.link = l
	c.initiator.Connect(wall)
	b := c.initiator.Bytes()
	l.up.put(b, now+c.w.delay())
	c.initiator.Sent(len(b))
}

// take follows what came in.
func (c *client) take(now int64) {
	received := c.initiator.Received()
	for i := range received {
		m := &received[i]
		c.follow(m)
		if m.Duplicate {
			continue
		}
		faults := c.blotter.FaultCount
		c.blotter.Take(m)
		if c.blotter.FaultCount > faults {
			c.w.violated("%s: %s", c.name, c.blotter.Faults[len(c.blotter.Faults)-1])
			return
		}
		if m.Is("8") || m.Is("9") {
			c.hear(now, m)
		}
		if m.Is("3") || m.Is("j") {
			c.w.violated("%s: a message was rejected: %s", c.name, m.Text)
		}
	}
}

// follow keeps an eye on the numbers: each is given once, with one content for ever.
func (c *client) follow(m *fix.Received) {
	if m.Is("5") && bytes.HasPrefix([]byte(m.Text), []byte("MsgSeqNum too low")) {
		c.w.violated("%s is logged out: %s", c.name, m.Text)
		return
	}
	last := m.Seq
	if m.Is("4") {
		last = max(m.Seq, m.NewSeqNo-1)
	}
	for uint64(len(c.seen)) <= last && last < 1<<20 {
		c.seen = append(c.seen, content{})
	}
	for n := m.Seq; n <= last; n++ {
		c.seen[n].told = true
	}
	if !m.Is("8") && !m.Is("9") && !m.Is("j") {
		return
	}
	sum := contentOf(m.Raw)
	if was := c.seen[m.Seq].sum; was != 0 && was != sum {
		c.w.violated("%s: number %d has two contents, now: %s", c.name, m.Seq, fix.Readable(m.Raw))
	}
	c.seen[m.Seq].sum = sum
}

var sumTable = crc64.MakeTable(crc64.ECMA)

// contentOf sums a frame without the fields that a resend may change: 8, 9, 10, 43, 52, 122.
func contentOf(frame []byte) (sum uint64) {
	for len(frame) > 0 {
		end := bytes.IndexByte(frame, 1)
		if end < 0 {
			end = len(frame) - 1
		}
		field := frame[:end+1]
		frame = frame[end+1:]
		tag, _, _ := bytes.Cut(field, []byte{'='})
		switch string(tag) {
		case "8", "9", "10", "43", "52", "122":
		default:
			sum = crc64.Update(sum, sumTable, field)
		}
	}
	return sum | 1
}

// hear takes in an answer or a report.
func (c *client) hear(now int64, m *fix.Received) {
	reports := c.w.truth.reports[c.number]
	if m.Seq > uint64(len(reports)) {
		c.w.violated("%s got message %d, the state machine gave out %d", c.name, m.Seq, len(reports))
		return
	}
	said := reports[m.Seq-1]
	if m.Is("8") {
		index, _, _ := bytes.Cut(m.ExecID[:m.ExecIDLen], []byte{'-'})
		if n, err := strconv.ParseUint(string(index), 10, 64); err != nil || n != said.index {
			c.w.violated("%s: message %d says command %s, it was given out by command %d", c.name, m.Seq, index, said.index)
		}
		if m.OrderID != said.order {
			c.w.violated("%s: message %d is about order %d, the state machine spoke of %d", c.name, m.Seq, m.OrderID, said.order)
		}
	}
	h := heard{index: said.index, session: c.number, id: m.ClOrdID, orig: m.OrigClOrdID, order: m.OrderID, exec: m.ExecType, price: m.LastPx, qty: m.LastQty, cum: m.CumQty, left: m.LeavesQty}
	if m.Is("9") {
		h.exec = 'R'
	}
	if at, known := c.byID[m.ClOrdID]; known && c.operations[at].answeredBy(&h) {
		o := &c.operations[at]
		h.answer = true
		if o.answers++; o.answers == 1 {
			c.waiting--
			o.returned, o.index = now, said.index
		} else {
			c.w.violated("%s: request %s is answered again by message %d", c.name, o.text(), m.Seq)
		}
		c.w.mix(said.index, m.Seq)
	}
	c.heard = append(c.heard, h)
}

// ask sends a request.
func (c *client) ask(now, wall int64) {
	o := operation{client: c.number, kind: 'D', called: now, symbol: c.w.plan.symbols[c.rng.IntN(len(c.w.plan.symbols))], side: book.Side(c.rng.IntN(2))}
	o.id = c.nextID()
	o.price, o.qty = lowestPrice+priceTick*c.rng.Int64N(priceSteps), 1+c.rng.Int64N(20)
	switch c.rng.IntN(8) {
	case 0:
		o.tif = book.ImmediateOrCancel
	case 1:
		o.tif = book.FillOrKill
	case 2, 3:
		c.change(&o)
	case 4:
		if c.rng.IntN(3) == 0 {
			o.symbol = "NONE"
		} else if c.rng.IntN(2) == 0 {
			c.repeat(&o)
		}
	}
	out := fix.Order{ClOrdID: trim(&o.id), OrigClOrdID: trim(&o.orig), Symbol: []byte(o.symbol), Side: o.side, TIF: o.tif, Price: o.price, Qty: o.qty}
	switch o.kind {
	case 'D':
		c.initiator.NewOrderSingle(wall, &out)
	case 'F':
		c.initiator.OrderCancelRequest(wall, &out)
	case 'G':
		c.initiator.OrderCancelReplaceRequest(wall, &out)
	}
	c.byID[o.id] = len(c.operations)
	c.operations = append(c.operations, o)
	c.waiting++
}

func (c *client) nextID() book.ClientID {
	return trader.ClientID(fmt.Sprintf("%s-%d", c.name, len(c.operations)+1))
}

// repeat gives the order an id that the client has used before, for a request that was answered; false: there is none.
func (c *client) repeat(o *operation) bool {
	if len(c.operations) == 0 || c.w.o.Small {
		return false
	}
	was := &c.operations[c.rng.IntN(len(c.operations))]
	if was.answers == 0 || c.operations[c.byID[was.id]].answers == 0 {
		return false
	}
	o.id = was.id
	return true
}

// change makes the request one that cancels or replaces an earlier order, open or not.
func (c *client) change(o *operation) {
	if len(c.operations) == 0 {
		return
	}
	for range 4 {
		was := &c.operations[c.rng.IntN(len(c.operations))]
		if was.kind == 'F' || was.symbol == "NONE" {
			continue
		}
		if _, open := c.blotter.Open[was.id]; !open && c.rng.IntN(4) > 0 {
			continue
		}
		o.kind, o.orig, o.symbol, o.side = 'F', was.id, was.symbol, was.side
		if c.rng.IntN(2) == 0 {
			o.kind = 'G'
			if c.rng.IntN(2) == 0 {
				o.price = was.price
			}
		}
		return
	}
}

func trim(id *book.ClientID) []byte {
	n := 0
	for n < len(id) && id[n] != 0 {
		n++
	}
	return id[:n]
}

// settled tells whether the client is logged on with nothing missing and nothing unanswered.
func (c *client) settled() bool {
	return c.initiator.Active() && !c.initiator.GapOpen() && c.waiting == 0
}
