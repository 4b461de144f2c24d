package book

import (
	"cmp"
	"fmt"
	"math/bits"
	"math/rand/v2"
)

// flow makes commands of all kinds that a market in its hours can see, most of them good.
type flow struct {
	r       *rand.Rand
	n       *naive
	now     int64
	next    int
	mid     []int64
	names   []naiveID // ids used lately
	crowded int       // how many open orders there are to be, roughly
	plain   bool
	near    int   // percent of prices that are near the middle
	often   []int // the cases of condition that come more often than others
	phase   byte
}

// newFlow makes the flow of a seed for a naive market of three instruments: each eighth has plain orders only, the others differ in what comes often.
func newFlow(seed uint64, n *naive) *flow {
	return &flow{
		r: rand.New(rand.NewPCG(seed, 7)), n: n, now: 1000, mid: []int64{0, 1000, 5000, 1_000_000}, crowded: []int{300, 80, 100, 400, 200}[seed%5], plain: seed%8 == 0,
		near: []int{20, 50, 35}[seed%3], often: [][]int{{0, 2, 7}, {3, 7}, {4, 6, 8}, {7, 8, 9, 12}, {10, 3, 0, 6, 14}, {0, 2, 9}}[seed%6],
	}
}

func (f *flow) newID() ClientID {
	f.next++
	return name(fmt.Sprintf("%s%d", [...]string{"o", "order-", "a-rather-long-client-order-id-"}[f.next%3], f.next))
}

func (f *flow) price(instrument uint16, side Side) int64 {
	m := &f.mid[instrument]
	*m += int64(f.r.IntN(3)) - 1
	*m = max(*m, 300)
	switch f.r.IntN(400) {
	case 0:
		return f.n.maxPrice - int64(f.r.IntN(3)) + 1
	case 1:
		return int64(f.r.IntN(3))
	case 2:
		return 1 + f.r.Int64N(f.n.maxPrice)
	}
	if f.r.IntN(100) < f.near { // near the middle, where they meet
		away := f.r.Int64N(16) - 6
		if side == Buy {
			away = -away
		}
		return *m + away
	}
	away := int64(min(f.r.IntN(200), f.r.IntN(200), f.r.IntN(200))) - 3
	if side == Buy {
		return *m - away
	}
	return *m + away
}

func (f *flow) qty() int64 {
	switch f.r.IntN(200) {
	case 0:
		return f.n.maxQty + int64(f.r.IntN(3)) - 1
	case 1:
		return int64(f.r.IntN(3)) - 1
	}
	if f.r.IntN(2) == 0 {
		return 10 * (1 + f.r.Int64N(4)) // so that quantities agree now and then
	}
	return 1 + int64(f.r.IntN(100))
}

// target is an id that a request may mean: mostly of an open order, else of anything used before or never.
func (f *flow) target() (uint16, ClientID) {
	k := f.r.IntN(20)
	switch {
	case k < 17 && len(f.n.orders) > 0:
		o := f.n.orders[f.r.IntN(len(f.n.orders))]
		return o.Session, o.ClientID
	case k < 19 && len(f.names) > 0:
		id := f.names[f.r.IntN(len(f.names))]
		return id.session, id.id
	}
	return uint16(1 + f.r.IntN(len(f.n.nextIn)-1)), f.newID()
}

func (f *flow) command() Command {
	r := f.r
	f.now += int64(r.IntN(1000)) - 10 // now and then the time given falls; the market's does not
	if o := f.richest(func(o *naiveOrder) bool { return o.Expire != 0 }); o != nil && r.IntN(50) == 0 {
		f.now = max(f.now, o.Expire) // to the nanosecond
	}
	c := Command{Session: uint16(1 + r.IntN(len(f.n.nextIn)-1)), ClientID: f.newID(), Time: f.now}
	if f.n.away[c.Session] || !f.plain && r.IntN(1500) == 0 {
		if f.connection(&c) {
			return c
		}
	}
	k := r.IntN(100)
	if len(f.n.orders) < f.crowded && r.IntN(2) == 0 {
		k = 0
	}
	switch {
	case k < 40:
		c.Kind, c.Instrument, c.Side, c.Qty = Enter, uint16(1+r.IntN(len(f.mid)-1)), Side(r.IntN(2)), f.qty()
		c.Price = f.price(c.Instrument, c.Side)
		c.TIF = TimeInForce(max(0, r.IntN(10)-7))
		if r.IntN(20) == 0 {
			c.Type, c.Price = MarketOrder, 0
		}
		if !f.plain {
			f.condition(&c)
			if r.IntN(6) == 0 {
				f.aim(&c)
			}
			if c.Type == Budget {
				f.budget(&c)
			}
		}
		if r.IntN(100) == 0 {
			c.Reason = PriceOffTick
		}
		if r.IntN(50) == 0 && len(f.names) > 0 {
			id := f.names[r.IntN(len(f.names))]
			c.Session, c.ClientID = id.session, id.id
		}
	case k < 68:
		c.Kind = Replace
		c.Session, c.OrigID = f.target()
		c.Qty, c.Price = f.qty(), f.price(1, Buy)
		if o := f.n.lookup(c.Session, c.OrigID); o != nil {
			c.Price = o.Price
			switch r.IntN(6) {
			case 0:
				c.Price = f.price(o.Instrument, o.Side)
			case 1:
				c.Price, c.Qty = f.price(o.Instrument, o.Side), o.Qty
			case 2, 3:
				c.Qty = o.Qty + int64(r.IntN(5)) - 2
			default:
				c.Qty = max(o.cum-1, 0) + r.Int64N(o.open()+2)
			}
		}
		if r.IntN(5) == 0 {
			c.Flags = Requeue
		}
		if o := f.n.lookup(c.Session, c.OrigID); o != nil && !f.plain {
			f.newTerms(&c, o)
		}
	case k < 75:
		c.Kind = Reduce
		if r.IntN(3) > 0 {
			c.ClientID = ClientID{}
		}
		c.Session, c.OrigID = f.target()
		c.Qty = int64(r.IntN(30))
	case k < 97:
		c.Kind = Cancel
		c.Session, c.OrigID = f.target()
		if r.IntN(5) == 0 {
			c.ClientID = ClientID{}
		}
		if r.IntN(100) == 0 {
			c.Reason = NotAuthorized
		}
	case k < 99 && f.plain || k < 99 && r.IntN(5) > 1 && (f.phase == 0 || f.phase == 'Q'):
		return Command{Kind: Tick, Time: f.now}
	case k < 99 && r.IntN(12) == 0 || k < 99 && f.phase != 0 && f.phase != 'Q' && r.IntN(2) == 0:
		f.phase = map[byte]byte{0: 'M', 'Q': 'M', 'M': 'O', 'O': 'Q'}[f.phase]
		return Command{Kind: SystemEvent, Code: f.phase, Time: f.now}
	case k < 99:
		c.Kind, c.Code, c.Instrument = MassCancel, "SP"[r.IntN(2)], uint16(r.IntN(len(f.mid)))
		if r.IntN(2) == 0 {
			c.Flags, c.Side = OneSide, Side(r.IntN(2))
		}
		if o := f.richest(func(*naiveOrder) bool { return true }); o != nil { // so that it means something
			c.Session, c.Side, c.Instrument = o.Session, o.Side, min(c.Instrument, 1)*o.Instrument
		}
		if r.IntN(4) == 0 {
			c.Instrument = uint16(min(1, r.IntN(3)))
			c.Session, c.Code, c.OrigID, c.ClientID = 0, 'P', f.n.firms[r.IntN(len(f.n.firms))], ClientID{}
			return c
		}
	default:
		c = Command{Kind: TradingAction, Instrument: uint16(1 + r.IntN(len(f.mid)-1)), Code: 'T', Time: f.now}
		for i := range f.mid {
			if f.n.halted[uint16(i)] && r.IntN(2) == 0 {
				c.Instrument = uint16(i)
				return c
			}
		}
		if r.IntN(10) == 0 {
			c.Code = 'H'
		}
		return c
	}
	if c.Kind != Enter && r.IntN(20) == 0 && len(f.names) > 0 {
		for range 3 {
			if id := f.names[r.IntN(len(f.names))]; id.session == c.Session {
				c.ClientID = id.id
			}
		}
	}
	c.InSeq, c.Epoch = f.n.nextIn[c.Session], f.n.epoch[c.Session]
	switch r.IntN(300) {
	case 0:
		c.InSeq += uint64(r.IntN(3)) - 1
	case 1:
		c.Epoch = uint32(r.IntN(3))
	}
	if c.InSeq == 0 {
		c.InSeq = 1
	}
	if len(f.names) < 500 {
		f.names = append(f.names, naiveID{c.Session, c.ClientID})
	} else {
		f.names[r.IntN(len(f.names))] = naiveID{c.Session, c.ClientID}
	}
	return c
}

// connection makes a command about a session's connection; false: it stays away for now.
func (f *flow) connection(c *Command) bool {
	c.ClientID, c.Epoch = ClientID{}, f.n.epoch[c.Session]
	switch {
	case !f.n.away[c.Session]:
		c.Kind = Disconnect
		if f.r.IntN(4) == 0 {
			c.Kind = CancelSession // which came late
		}
	case f.r.IntN(3) == 0:
		c.Kind, c.InSeq, c.Epoch, c.Seconds = Logon, f.n.nextIn[c.Session], 0, 30
	case f.r.IntN(3) == 0:
		c.Kind = CancelSession
	default:
		c.ClientID = f.newID()
		return false
	}
	return true
}

// condition makes an entered order one with conditions, now and then with such as do not go together.
func (f *flow) condition(c *Command) {
	r := f.r
	some := func() int64 { return 1 + r.Int64N(max(c.Qty, 1)) }
	for range 1 + r.IntN(4)/3 {
		k := r.IntN(16)
		if len(f.often) > 0 && r.IntN(2) == 0 {
			k = f.often[r.IntN(len(f.often))]
		}
		switch k {
		case 0, 1:
			c.Conditions |= AllOrNone
			if r.IntN(2) == 0 { // one that waits in reach of others
				c.Qty *= 1 + r.Int64N(3)
				c.Price += (1 - 2*int64(c.Side)) * r.Int64N(12)
			}
		case 2, 11:
			c.Conditions |= [...]Conditions{PostOnly, PostOnlySlide}[r.IntN(2)]
		case 3:
			c.Conditions |= Hidden
		case 4, 5:
			c.Display = some()
			if r.IntN(60) == 0 { // as many parts as there may be, or one more
				c.Display = 1 + r.Int64N(3)
				c.Qty = 1000*c.Display + r.Int64N(3) - 1
			}
		case 6, 12, 13:
			c.MinQty = min(some(), some(), some())
		case 7, 8, 9:
			f.stop(c)
		case 10:
			c.Type = MarketToLimit
		case 14:
			c.Type, c.TIF = Budget, FillOrKill
		}
	}
	if r.IntN(2) == 0 {
		c.SelfTrade = SelfTrade(r.IntN(int(selfTrades)))
	}
	switch r.IntN(8) {
	case 0:
		c.TIF = GoodTillCancel
	case 1:
		c.TIF, c.Expire = GoodTillDate, f.now-10_000+r.Int64N(200_000)
		if r.IntN(10) == 0 {
			c.Expire = max(f.now, f.n.time) // this very moment
		}
	}
}

// richest is, of a few open orders that will do, the one with most to it.
func (f *flow) richest(will func(*naiveOrder) bool) (best *naiveOrder) {
	for range min(4, len(f.n.orders)) {
		o := f.n.orders[f.r.IntN(len(f.n.orders))]
		if will(o) && (best == nil || bits.OnesCount32(o.traits()) > bits.OnesCount32(best.traits())) {
			best = o
		}
	}
	return best
}

// aim lets an order meet one that rests.
func (f *flow) aim(c *Command) {
	at := f.richest(func(o *naiveOrder) bool { return !o.waits })
	if at == nil {
		return
	}
	c.Instrument, c.Side, c.Price = at.Instrument, 1-at.Side, at.Price
	if f.r.IntN(3) == 0 {
		c.Qty = at.open()
		c.Display, c.MinQty = min(c.Display, c.Qty), min(c.MinQty, c.Qty)
	}
	if c.StopPrice != 0 { // reached by the last trade, or by the next at this price
		c.StopPrice = cmp.Or(f.n.last[at.Instrument], at.Price)
		c.Trail = min(c.Trail, 1)
	}
	if c.Type == MarketOrder || c.Type == Stop || c.Type == TrailingStop {
		c.Price = 0
	}
}

// budget gives an order a sum of money: most often about what its fills will come to, now and then any, or one that cannot be.
func (f *flow) budget(c *Command) {
	r := f.r
	switch k := r.IntN(40); {
	case k == 0:
		c.Price = r.Int64N(3) - 1
	case k == 1:
		c.Price = max(c.Qty, 1)*f.n.maxPrice + r.Int64N(3) - 1
	case k < 10:
		c.Price *= max(c.Qty, 1)
	default:
		sum := f.n.tried(&naiveOrder{Command: *c}).notional
		c.Price = sum + [...]int64{-1, 0, 1, r.Int64N(sum/10+1) - sum/20}[k%4]
	}
}

// stop makes an order a stop, most of them not far from the market.
func (f *flow) stop(c *Command) {
	r := f.r
	c.Type = Stop + OrderType(r.IntN(4))
	if c.Type == StopLimit && r.IntN(4) == 0 {
		c.Conditions |= AllOrNone
	}
	away := min(r.Int64N(60), r.Int64N(60)) - 3
	if c.Side == Sell {
		away = -away
	}
	c.StopPrice = f.mid[c.Instrument] + away
	if c.Type >= TrailingStop {
		c.Trail = r.Int64N(60)
		if r.IntN(3) > 0 {
			c.StopPrice = 0
		}
	}
}

// newTerms makes a replace change more than price and quantity.
func (f *flow) newTerms(c *Command, o *naiveOrder) {
	r := f.r
	if o.Display != 0 && r.IntN(3) == 0 || r.IntN(200) == 0 {
		c.Display = 1 + r.Int64N(max(c.Qty, 1)) + int64(r.IntN(20)/19)
	}
	if o.waits && r.IntN(2) == 0 || r.IntN(200) == 0 {
		c.StopPrice = f.mid[o.Instrument] + r.Int64N(100) - 50
	}
	if o.trails() && r.IntN(3) == 0 || r.IntN(200) == 0 {
		c.Trail = r.Int64N(60)
	}
}
