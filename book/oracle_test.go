package book

import (
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
	case k < 99:
		return Command{Kind: Tick, Time: f.now}
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

// openMarket makes a market in its hours with so many instruments and sessions (logged on under epoch 1), and the naive one beside it.
func openMarket(tb testing.TB, l Limits, instruments, sessions int) (*Market, *naive) {
	tb.Helper()
	m := NewMarket(l)
	var out []Event
	apply := func(c Command) { out = m.Apply(&c, out) }
	for i := range instruments {
		apply(Command{Kind: ListInstrument, ClientID: name(fmt.Sprintf("I%d", i+1)), Price: 100, Qty: 1})
	}
	apply(Command{Kind: AddParticipant, ClientID: name("FIRM")})
	for i := range sessions {
		apply(Command{Kind: AddSession, ClientID: name(fmt.Sprintf("S%d>X", i+1)), OrigID: name("FIRM"), Protocol: FIX})
	}
	apply(Command{Kind: SystemEvent, Code: 'Q'})
	for i := range sessions {
		apply(Command{Kind: Logon, Session: uint16(i + 1), InSeq: 1, Seconds: 30})
	}
	n := &naive{
		seen: map[naiveID]bool{}, order: map[naiveID]bool{}, halted: map[uint16]bool{}, index: m.Index(), lastFeed: m.NextFeedSeq() - 1,
		maxPrice: MaxFeedPrice / 100, maxQty: MaxShares, nextIn: make([]uint64, sessions+1), nextOut: make([]uint64, sessions+1),
	}
	for i := 1; i <= sessions; i++ {
		n.nextIn[i], n.nextOut[i] = 2, 2
	}
	return m, n
}

var oracleLimits = Limits{Orders: 10_000, ClientIDs: 200_000, PriceNodes: 20_000, Instruments: 8, Participants: 2, Sessions: 8}

// TestOracle plays 100,000 random commands to the market and to the naive one: every event must be the same in every field. At random points the
// market is put away and taken out of its snapshot again.
func TestOracle(t *testing.T) {
	kinds, reasons := map[EventKind]int{}, map[Reason]int{}
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			l := oracleLimits
			m, n := openMarket(t, l, 3, 4)
			f := &flow{r: rand.New(rand.NewPCG(seed, 7)), n: n, now: 1000, mid: []int64{0, 1000, 5000, 1_000_000}, crowded: []int{20, 100, 300, 1000}[seed]}
			var out []Event
			for i := range 25_000 {
				c := f.command()
				out = m.Apply(&c, out[:0])
				want := n.apply(&c)
				if !slices.Equal(out, want) {
					t.Fatalf("command %d %+v:\n%s", i, c, difference(out, want))
				}
				for k := range out {
					kinds[out[k].Kind]++
					reasons[out[k].Reason]++
				}
				if i%50 == 0 {
					if err := m.check(); err != nil {
						t.Fatalf("after command %d %v: %v", i, c.Kind, err)
					}
				}
				if f.r.IntN(2500) == 0 {
					m = restored(t, l, m)
				}
			}
			compareBooks(t, m, n)
		})
	}
	for k := Accepted; k <= CancelRejected; k++ {
		if kinds[k] == 0 {
			t.Errorf("the flow saw no event %v", k)
		}
	}
	for _, r := range []Reason{PriceOffTick, PriceOutOfRange, QuantityOutOfRange, DuplicateClientID, InstrumentHalted, UnknownOrder, TooLateToCancel,
		UserRequest, ImmediateOrCancelRest, NotFillable, NoLiquidity, NotAuthorized} {
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
		for _, side := range []Side{Buy, Sell} {
			got = m.RestingOrders(uint16(i), side, got)
			probe := &naiveOrder{Command: Command{Instrument: uint16(i), Side: 1 - side, Type: MarketOrder}}
			for _, o := range n.against(probe) {
				want = append(want, RestingOrder{OrderID: o.id, Ref: o.ref, Session: o.Session, Side: o.Side, Price: o.Price, Qty: o.Qty, Open: o.open(), ClientID: o.ClientID})
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("the books differ:\n%v\n%v", got, want)
	}
	if m.Resting() != len(n.orders) || m.Trades() != n.lastMatch || m.Orders() != n.lastOrder {
		t.Fatalf("%d rest, %d trades, %d orders; should be %d, %d, %d", m.Resting(), m.Trades(), m.Orders(), len(n.orders), n.lastMatch, n.lastOrder)
	}
}
