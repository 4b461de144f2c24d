package book

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// flow makes commands of all kinds that a market in its hours can see, most of them good.
type flow struct {
	r       *rand.Rand
	n       *naive
	now     int64
	next    int
	mid     []int64
	names   []naiveID // ids used lately
	halted  bool
	crowded int // how many open orders there are to be, roughly
	plain   bool
	phase   byte
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
	c := Command{Session: uint16(1 + r.IntN(len(f.n.nextIn)-1)), Epoch: 1, ClientID: f.newID(), Time: f.now}
	adds := 45
	if len(f.n.orders) > f.crowded {
		adds = 30
	}
	switch k := r.IntN(100); {
	case k < adds:
		c.Kind, c.Instrument, c.Side, c.Qty = Enter, uint16(1+r.IntN(len(f.mid)-1)), Side(r.IntN(2)), f.qty()
		c.Price = f.price(c.Instrument, c.Side)
		c.TIF = TimeInForce(max(0, r.IntN(10)-7))
		if r.IntN(20) == 0 {
			c.Type, c.Price = MarketOrder, 0
		}
		if !f.plain {
			f.condition(&c)
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
			switch r.IntN(4) {
			case 0:
				c.Price = f.price(o.Instrument, o.Side)
			case 1:
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
		c.Kind, c.ClientID = Reduce, ClientID{}
		c.Session, c.OrigID = f.target()
		c.Qty = int64(r.IntN(30))
	case k < 98:
		c.Kind = Cancel
		c.Session, c.OrigID = f.target()
		if r.IntN(5) == 0 {
			c.ClientID = ClientID{}
		}
		if r.IntN(100) == 0 {
			c.Reason = NotAuthorized
		}
	case k < 99 && f.plain || k == 98 && r.IntN(4) > 0:
		return Command{Kind: Tick, Time: f.now}
	case k < 99 && r.IntN(8) == 0:
		f.phase = map[byte]byte{0: 'M', 'Q': 'M', 'M': 'O', 'O': 'Q'}[f.phase]
		return Command{Kind: SystemEvent, Code: f.phase, Time: f.now}
	case k < 99:
		c.Kind, c.Code, c.Instrument = MassCancel, "SP"[r.IntN(2)], uint16(r.IntN(len(f.mid)))
		if r.IntN(2) == 0 {
			c.Flags, c.Side = OneSide, Side(r.IntN(2))
		}
	default:
		f.halted = !f.halted && r.IntN(10) == 0
		code := byte('T')
		if f.halted {
			code = 'H'
		}
		return Command{Kind: TradingAction, Instrument: 1, Code: code, Time: f.now}
	}
	c.InSeq = f.n.nextIn[c.Session]
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

// condition makes an entered order one with conditions, now and then with such as do not go together.
func (f *flow) condition(c *Command) {
	r := f.r
	some := func() int64 { return 1 + r.Int64N(max(c.Qty, 1)) }
	for range 1 + r.IntN(20)/19 {
		switch r.IntN(16) {
		case 0, 1:
			c.Conditions |= AllOrNone
		case 2:
			c.Conditions |= [...]Conditions{PostOnly, PostOnlySlide}[r.IntN(2)]
		case 3:
			c.Conditions |= Hidden
		case 4, 5:
			c.Display = some()
		case 6:
			c.MinQty = some()
		case 7, 8, 9:
			f.stop(c)
		case 10:
			c.Type = MarketToLimit
		}
	}
	if r.IntN(3) == 0 {
		c.SelfTrade = SelfTrade(r.IntN(int(selfTrades)))
	}
	switch r.IntN(12) {
	case 0:
		c.TIF = GoodTillCancel
	case 1:
		c.TIF, c.Expire = GoodTillDate, f.now-10_000+r.Int64N(200_000)
	}
}

// stop makes an order a stop, most of them not far from the market.
func (f *flow) stop(c *Command) {
	r := f.r
	c.Type = Stop + OrderType(r.IntN(4))
	away := r.Int64N(60) - 3
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

// openMarket makes a market in its hours with so many instruments and sessions (logged on under epoch 1), and the naive one beside it.
func openMarket(tb testing.TB, l Limits, instruments, sessions int) (*Market, *naive) {
	tb.Helper()
	m := NewMarket(l)
	var out []Event
	apply := func(c Command) { out = m.Apply(&c, out) }
	for i := range instruments {
		apply(Command{Kind: ListInstrument, ClientID: name(fmt.Sprintf("I%d", i+1)), Price: 100, Qty: 1})
	}
	// Sessions 1 and 2 are of one participant, 3 of another of its group, the others of a stranger.
	apply(Command{Kind: AddParticipant, ClientID: name("FIRM")})
	apply(Command{Kind: AddParticipant, ClientID: name("SISTER"), OrigID: name("FIRM")})
	apply(Command{Kind: AddParticipant, ClientID: name("STRANGER")})
	group, firm := []int{0}, []int{0}
	for i := range sessions {
		of := [...]string{"FIRM", "FIRM", "SISTER", "STRANGER"}[min(i, 3)]
		group, firm = append(group, [...]int{1, 1, 1, 2}[min(i, 3)]), append(firm, [...]int{1, 1, 2, 3}[min(i, 3)])
		apply(Command{Kind: AddSession, ClientID: name(fmt.Sprintf("S%d>X", i+1)), OrigID: name(of), Protocol: FIX})
	}
	apply(Command{Kind: SystemEvent, Code: 'Q'})
	for i := range sessions {
		apply(Command{Kind: Logon, Session: uint16(i + 1), InSeq: 1, Seconds: 30})
	}
	n := &naive{
		seen: map[naiveID]bool{}, order: map[naiveID]bool{}, halted: map[uint16]bool{}, last: map[uint16]int64{}, group: group, firm: firm, phase: 'Q', index: m.Index(), lastFeed: m.NextFeedSeq() - 1,
		maxPrice: MaxFeedPrice / 100, maxQty: MaxShares, nextIn: make([]uint64, sessions+1), nextOut: make([]uint64, sessions+1),
	}
	for i := 1; i <= sessions; i++ {
		n.nextIn[i], n.nextOut[i] = 2, 2
	}
	return m, n
}

var oracleLimits = Limits{Orders: 10_000, ClientIDs: 200_000, PriceNodes: 20_000, Instruments: 8, Participants: 4, Sessions: 8}

// oracleTimes makes the flow of TestOracle longer.
var oracleTimes = flag.Int("oracle", 1, "how many seeds of each kind TestOracle plays")

// TestOracle plays 100,000 random commands to the market and to the naive one: every event must be the same in every field. At random points the
// market is put away and taken out of its snapshot again. Half of the seeds have orders of all types and conditions.
func TestOracle(t *testing.T) {
	kinds, reasons := map[EventKind]int{}, map[Reason]int{}
	for seed := range uint64(8 * *oracleTimes) {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			l := oracleLimits
			m, n := openMarket(t, l, 3, 4)
			f := &flow{r: rand.New(rand.NewPCG(seed, 7)), n: n, now: 1000, mid: []int64{0, 1000, 5000, 1_000_000}, crowded: []int{20, 100, 300, 1000}[seed%4], plain: seed/4%2 == 0}
			var out []Event
			feed := feedBook{}
			for i := range []int{20_000, 14_000}[seed/4%2] {
				c := f.command()
				out = m.Apply(&c, out[:0])
				want := n.apply(&c)
				if !slices.Equal(out, want) {
					t.Fatalf("command %d %+v:\n%s", i, c, difference(out, want))
				}
				for k := range out {
					feed.take(t, &out[k])
					kinds[out[k].Kind]++
					reasons[out[k].Reason]++
				}
				if i%50 == 0 {
					if err := m.check(); err != nil {
						t.Fatalf("after command %d %v: %v", i, c.Kind, err)
					}
					feed.compare(t, m)
				}
				if f.r.IntN(2500) == 0 {
					m = restored(t, l, m)
				}
			}
			compareBooks(t, m, n)
		})
	}
	for k := Accepted; k < Told; k++ { // Told changes nothing; stories tell of it
		if kinds[k] == 0 && k != SessionMessageSent && k != SessionClosed {
			t.Errorf("the flow saw no event %v", k)
		}
	}
	for _, r := range []Reason{PriceOffTick, PriceOutOfRange, QuantityOutOfRange, DuplicateClientID, InstrumentHalted, UnknownOrder, TooLateToCancel,
		UserRequest, ImmediateOrCancelRest, NotFillable, NoLiquidity, NotAuthorized, UnsupportedOrder, WouldTrade, MinimumNotMet, SelfTradePrevented,
		Expired, ExpireTimePast, StopPriceOutOfRange, NoReferencePrice, DayEnded, MarketClosed} {
		if reasons[r] == 0 {
			t.Errorf("the flow saw nothing %q", r)
		}
	}
}

func difference(got, want []Event) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("event %d is missing: %+v", i, want[i])
		case i >= len(want):
			return fmt.Sprintf("event %d is too many: %+v", i, got[i])
		case got[i] != want[i]:
			return fmt.Sprintf("event %d is %v\n%+v\n, should be %v\n%+v", i, got[i].Kind, got[i], want[i].Kind, want[i])
		}
	}
	return "the same"
}

func restored(t *testing.T, l Limits, m *Market) *Market {
	t.Helper()
	snapshot := m.AppendSnapshot(nil)
	again, err := RestoreMarket(l, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if again.Hash() != m.Hash() || again.StreamHash() != m.StreamHash() || again.BookHash() != m.BookHash() || again.Index() != m.Index() {
		t.Fatal("the restored market has other hashes")
	}
	if string(again.AppendSnapshot(nil)) != string(snapshot) {
		t.Fatal("the restored market gives another snapshot")
	}
	if err := again.check(); err != nil {
		t.Fatalf("restored: %v", err)
	}
	return again
}

// compareBooks compares what rests, and that every lot entered is filled, open or cancelled follows from the events being equal.
func compareBooks(t *testing.T, m *Market, n *naive) {
	t.Helper()
	var got, want []RestingOrder
	for i := 1; i <= m.NumInstruments(); i++ {
		got = m.RestingOrders(uint16(i), Sell, m.RestingOrders(uint16(i), Buy, got))
		var wholes, stops []RestingOrder
		for _, side := range []Side{Buy, Sell} {
			for _, o := range m.WaitingOrders(uint16(i), side, nil) {
				if o.Conditions&AllOrNone != 0 && !m.waiting(m.slotOf(&o)) {
					wholes = append(wholes, o)
				} else {
					stops = append(stops, o)
				}
			}
		}
		got = append(append(got, wholes...), stops...)
		if last := m.Statistics(uint16(i)).Last; last != n.last[uint16(i)] {
			t.Fatalf("the last trade of %d was at %d, should be %d", i, last, n.last[uint16(i)])
		}
	}
	for _, o := range n.all() {
		r := RestingOrder{OrderID: o.id, Ref: o.ref, Session: o.Session, Side: o.Side, Type: o.Type, TIF: o.TIF, Conditions: o.Conditions, SelfTrade: o.SelfTrade,
			Price: o.Price, Qty: o.Qty, Open: o.open(), Shown: o.open(), Display: o.Display, StopPrice: o.StopPrice, Trail: o.Trail, Expire: o.Expire, ClientID: o.ClientID}
		if o.Display != 0 {
			r.Shown = o.shown
		}
		if !o.visible() {
			r.Shown = 0
		}
		want = append(want, r)
	}
	if !slices.Equal(got, want) {
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Fatalf("the books differ at %d of %d, %d:\n%+v\n%+v", i, len(got), len(want), got[min(i, len(got)-1)], want[min(i, len(want)-1)])
			}
		}
	}
	if m.Resting() != len(n.orders) || m.Trades() != n.lastMatch || m.Orders() != n.lastOrder {
		t.Fatalf("%d rest, %d trades, %d orders; should be %d, %d, %d", m.Resting(), m.Trades(), m.Orders(), len(n.orders), n.lastMatch, n.lastOrder)
	}
}

// slotOf finds a listed order's slot.
func (m *Market) slotOf(o *RestingOrder) uint32 {
	return m.pool.find(makeKey(o.Session, &o.ClientID), o.Session, &o.ClientID)
}

// feedBook is what somebody who sees the feed alone knows: orders by reference.
type feedBook map[uint64]feedOrder

type feedOrder struct {
	instrument uint16
	side       Side
	price, qty int64
}

func (f feedBook) take(t *testing.T, e *Event) {
	shown := func(all int64) int64 {
		if e.Shown != 0 {
			return e.Shown
		}
		return all
	}
	less := func(ref uint64, qty int64) {
		o, known := f[ref]
		if !known || qty < 1 || qty > o.qty {
			t.Fatalf("the feed takes %d off order %d, of which it showed %+v", qty, ref, o)
		}
		if o.qty -= qty; o.qty == 0 {
			delete(f, ref)
		} else {
			f[ref] = o
		}
	}
	switch e.Feed {
	case 'A', 'U':
		if e.Feed == 'U' {
			less(e.OldRef, f[e.OldRef].qty)
		}
		if _, known := f[e.Ref]; known || shown(e.Leaves) < 1 || e.Conditions&(Hidden|AllOrNone) != 0 {
			t.Fatalf("the feed shows what it should not: %+v", *e)
		}
		f[e.Ref] = feedOrder{e.Instrument, e.Side, e.Price, shown(e.Leaves)}
	case 'E':
		if o := f[e.Ref]; o.price != e.LastPrice {
			t.Fatalf("the feed trades order %d at %d, it was shown at %d", e.Ref, e.LastPrice, o.price)
		}
		less(e.Ref, e.LastQty)
	case 'X':
		less(e.Ref, shown(e.LastQty))
	case 'D':
		ref := e.Ref
		if e.Kind == Replaced {
			ref = e.OldRef
		}
		less(ref, f[ref].qty)
	}
}

// compare checks that the feed's books are those of the market, as far as they are shown.
func (f feedBook) compare(t *testing.T, m *Market) {
	type at struct {
		instrument uint16
		side       Side
		price      int64
	}
	want := map[at]PriceLevel{}
	for _, o := range f {
		l := want[at{o.instrument, o.side, o.price}]
		l.Qty += o.qty
		l.Orders++
		want[at{o.instrument, o.side, o.price}] = l
	}
	n := 0
	for i := range m.NumInstruments() {
		for _, side := range []Side{Buy, Sell} {
			levels := m.Depth(uint16(i+1), side, 1<<30, nil)
			n += len(levels)
			for _, l := range levels {
				if w := want[at{uint16(i + 1), side, l.Price}]; w.Qty != l.Qty || w.Orders != l.Orders {
					t.Fatalf("instrument %d %v at %d: the feed has %d orders of %d lots, the depth %d of %d", i+1, side, l.Price, w.Orders, w.Qty, l.Orders, l.Qty)
				}
			}
		}
	}
	if n != len(want) {
		t.Fatalf("the feed has %d levels, the depth %d", len(want), n)
	}
}
