package book

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"runtime"
	"testing"
)

// bounded is a market in its hours with one session that enters what it is told.
type bounded struct {
	*Market
	t   *testing.T
	out []Event
	ids int
}

func newBounded(t *testing.T, l Limits) *bounded {
	b := &bounded{Market: NewMarket(l), t: t}
	for _, c := range []Command{
		{Kind: ListInstrument, ClientID: name("FINE"), Price: 1, Qty: 1}, {Kind: AddParticipant, ClientID: name("FIRM")},
		{Kind: AddSession, ClientID: name("S"), OrigID: name("FIRM"), Protocol: FIX}, {Kind: SystemEvent, Code: 'Q'}, {Kind: Logon, Session: 1, InSeq: 1},
	} {
		b.out = b.Apply(&c, b.out[:0])
	}
	return b
}

func (b *bounded) do(c Command) []Event {
	b.t.Helper()
	c.Session, c.Epoch = 1, 1
	b.out = b.Apply(&c, b.out[:0])
	if err := b.check(); err != nil {
		b.t.Fatalf("after %s: %v", brief(c), err)
	}
	return b.out
}

func (b *bounded) enter(side Side, price, qty int64, tif TimeInForce) (ClientID, []Event) {
	b.t.Helper()
	b.ids++
	id := name(fmt.Sprint("o", b.ids))
	return id, b.do(Command{Kind: Enter, Instrument: 1, Side: side, Price: price, Qty: qty, TIF: tif, ClientID: id})
}

func (b *bounded) expect(events []Event, kind EventKind, why Reason) {
	b.t.Helper()
	if last := events[len(events)-1]; last.Kind != kind || last.Reason != why {
		b.t.Fatalf("%v because %q, should be %v because %q", last.Kind, last.Reason, kind, why)
	}
}

// expectRest checks that the last thing that happened was that an order came to rest.
func (b *bounded) expectRest(events []Event) {
	b.t.Helper()
	if last := events[len(events)-1]; !last.Rests() {
		b.t.Fatalf("%v because %q, should rest", last.Kind, last.Reason)
	}
}

// TestFullBook: with no room for one order more the next is refused and says why; those that are there trade, are replaced and cancelled as before, none is
// lost, and each that goes makes room for another.
func TestFullBook(t *testing.T) {
	const orders = 40
	b := newBounded(t, Limits{Orders: orders, ClientIDs: 10_000, PriceNodes: 1000, Instruments: 1, Participants: 1, Sessions: 1})
	free := len(b.nodes.free)
	ids := map[ClientID]int64{} // what each should have open
	for i := range int64(orders) {
		id, events := b.enter(Side(i%2), 1000+(2*(i%2)-1)*(1+i), 10, Day)
		b.expectRest(events)
		ids[id] = 10
	}
	for range 3 {
		_, events := b.enter(Buy, 500, 10, Day)
		b.expect(events, Rejected, BookFull)
	}
	b.expect(b.do(Command{Kind: Enter, Instrument: 1, Price: 500, StopPrice: 5000, Qty: 1, Type: StopLimit, ClientID: name("stop")}), Rejected, BookFull)
	best := b.RestingOrders(1, Sell, nil)[0]
	_, events := b.enter(Buy, best.Price, 4, ImmediateOrCancel) // needs no room
	b.expect(events, Filled, NoReason)
	ids[best.ClientID] -= 4
	b.expect(b.do(Command{Kind: Replace, OrigID: best.ClientID, ClientID: name("moved"), Price: 3000, Qty: 24}), Replaced, NoReason)
	delete(ids, best.ClientID)
	ids[name("moved")] = 20
	for round := range 50 {
		for id := range ids {
			b.expect(b.do(Command{Kind: Cancel, OrigID: id}), Cancelled, UserRequest)
			delete(ids, id)
			break
		}
		id, events := b.enter(Buy, 10+int64(round), 10, Day)
		b.expectRest(events)
		ids[id] = 10
		_, events = b.enter(Buy, 11, 1, Day)
		b.expect(events, Rejected, BookFull)
	}
	for id, open := range ids {
		if o, there := b.OrderByClientID(1, &id); !there || o.Open != open {
			t.Fatalf("%s has %d open of %d", text(&id), o.Open, open)
		}
		b.expect(b.do(Command{Kind: Cancel, OrigID: id}), Cancelled, UserRequest)
	}
	if b.Resting() != 0 || len(b.nodes.free) != free {
		t.Fatalf("empty again, it has %d orders and %d nodes free of %d", b.Resting(), len(b.nodes.free), free)
	}
}

// TestFullLadders is the same for the nodes of the price ladders, at prices as far apart as an instrument can have.
func TestFullLadders(t *testing.T) {
	b := newBounded(t, Limits{Orders: 1000, ClientIDs: 100_000, PriceNodes: 200, Instruments: 1, Participants: 1, Sessions: 1})
	free := len(b.nodes.free)
	r := rand.New(rand.NewPCG(4, 4))
	var ids []ClientID
	full := 0
	for len(ids) < 2000 && full < 500 {
		id, events := b.enter(Buy, 1+r.Int64N(MaxFeedPrice), 10, Day)
		if events[0].Kind == Rejected {
			b.expect(events, Rejected, BookFull)
			full++
			at := r.IntN(len(ids))
			b.expect(b.do(Command{Kind: Cancel, OrigID: ids[at]}), Cancelled, UserRequest)
			ids[at] = ids[len(ids)-1]
			ids = ids[:len(ids)-1]
			continue
		}
		b.expectRest(events)
		ids = append(ids, id)
	}
	if full < 500 || b.Resting() != len(ids) || len(ids) < 20 {
		t.Fatalf("%d times full; %d orders rest, should be %d", full, b.Resting(), len(ids))
	}
	restored(t, b.limits, b.Market)
	for _, id := range ids {
		b.expect(b.do(Command{Kind: Cancel, OrigID: id}), Cancelled, UserRequest)
	}
	if b.Resting() != 0 || len(b.nodes.free) != free {
		t.Fatalf("empty again, it has %d orders and %d nodes free of %d", b.Resting(), len(b.nodes.free), free)
	}
}

// TestNoMoreAreListed than the limits say; what is there goes on.
func TestNoMoreAreListed(t *testing.T) {
	m := NewMarket(Limits{Orders: 10, ClientIDs: 10, Instruments: 3, Participants: 2, Sessions: 2})
	count := func(kind EventKind, commands ...Command) (n int) {
		for _, c := range commands {
			for _, e := range m.Apply(&c, nil) {
				if e.Kind == kind {
					n++
				}
			}
		}
		return n
	}
	var instruments, participants, sessions []Command
	for i := range 6 {
		instruments = append(instruments, Command{Kind: ListInstrument, ClientID: name(fmt.Sprint("I", i)), Price: 1, Qty: 1})
		participants = append(participants, Command{Kind: AddParticipant, ClientID: name(fmt.Sprint("P", i))})
		sessions = append(sessions, Command{Kind: AddSession, ClientID: name(fmt.Sprint("S", i)), OrigID: name("P0"), Protocol: FIX})
	}
	if i, p, s := count(InstrumentListed, instruments...), count(ParticipantAdded, participants...), count(SessionAdded, sessions...); i != 3 || p != 2 || s != 2 {
		t.Fatalf("%d instruments of 3, %d participants of 2, %d sessions of 2", i, p, s)
	}
	if n := count(Accepted, Command{Kind: SystemEvent, Code: 'Q'}, Command{Kind: Logon, Session: 2, InSeq: 1},
		Command{Kind: Enter, Session: 2, Epoch: 1, Instrument: 3, Price: 1, Qty: 1, ClientID: name("o")}); n != 1 {
		t.Fatal("the last session cannot enter an order in the last instrument")
	}
}

// TestFarPricesCostNoMemory: orders at both ends of the prices allocate nothing, take a bounded number of nodes a level, and give all back. So it is for
// ladders over all of int64.
func TestFarPricesCostNoMemory(t *testing.T) {
	m, _ := openMarket(t, oracleLimits, 1, 1)
	list := Command{Kind: ListInstrument, ClientID: name("FINE"), Price: 1, Qty: 1} // so fine that its prices go to 2,000,000,000
	m.Apply(&list, nil)
	out, seq := make([]Event, 0, 64), uint64(2)
	apply := func(c Command) {
		c.Session, c.Epoch, c.InSeq = 1, 1, seq
		seq++
		out = m.Apply(&c, out[:0])
	}
	free := len(m.nodes.free)
	var ids [3][400]ClientID // an id is good once
	for i := range ids {
		for k := range ids[i] {
			ids[i][k] = name(fmt.Sprint("o", i, "-", k))
		}
	}
	used := func(ids *[400]ClientID, price func(i int64) int64) (bytes uint64, nodes int) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range int64(len(ids)) {
			apply(Command{Kind: Enter, Instrument: 2, Side: Side(i % 2), Price: price(i), Qty: 1, ClientID: ids[i]})
		}
		nodes = free - len(m.nodes.free)
		runtime.ReadMemStats(&after)
		if m.Resting() != len(ids) {
			t.Fatalf("%d of %d orders rest", m.Resting(), len(ids))
		}
		for i := range ids {
			apply(Command{Kind: Cancel, OrigID: ids[i]})
		}
		if len(m.nodes.free) != free || m.Resting() != 0 {
			t.Fatalf("%d orders and %d nodes are left", m.Resting(), free-len(m.nodes.free))
		}
		return after.TotalAlloc - before.TotalAlloc, nodes
	}
	used(&ids[0], func(i int64) int64 { return 1000 + i%2 }) // warm
	near, nearNodes := used(&ids[1], func(i int64) int64 { return 1000 + i%2*200 + i/2%100 })
	far, farNodes := used(&ids[2], func(i int64) int64 { return 1 + i%2*(MaxFeedPrice-1) + (1-2*(i%2))*(i/2)*1000 })
	if far > near+1<<16 || nearNodes > 10 || farNodes > 2*len(ids[2]) {
		t.Fatalf("near each other: %d bytes, %d nodes; far apart: %d bytes, %d nodes", near, nearNodes, far, farNodes)
	}
	p := newNodePool(1000)
	var l ladder
	start := len(p.free)
	ends := []int64{math.MinInt64, math.MinInt64 + 1, -1, 0, 1, math.MaxInt64 - 1, math.MaxInt64}
	for i, price := range ends {
		p.insert(&l, priceKey(Buy, price), uint32(i+1))
	}
	if taken := start - len(p.free); taken > ladderHeight*len(ends) {
		t.Fatalf("%d prices over all of int64 take %d nodes", len(ends), taken)
	}
}

// TestNotionalBeyond64Bits: the largest trades at the highest price, of a day in which their sum leaves 64 bits.
func TestNotionalBeyond64Bits(t *testing.T) {
	b := newBounded(t, Limits{Orders: 10, ClientIDs: 100, PriceNodes: 100, Instruments: 1, Participants: 1, Sessions: 1})
	want := new(big.Int)
	for range 5 {
		b.enter(Sell, MaxFeedPrice, MaxShares, Day)
		_, events := b.enter(Buy, MaxFeedPrice, MaxShares, Day)
		b.expect(events, Filled, NoReason)
		want.Add(want, new(big.Int).Mul(big.NewInt(MaxFeedPrice), big.NewInt(MaxShares)))
		if e := events[len(events)-1]; big.NewInt(e.Notional).Cmp(new(big.Int).Mul(big.NewInt(MaxFeedPrice), big.NewInt(MaxShares))) != 0 {
			t.Fatalf("an order's notional is %d", e.Notional)
		}
		b.Market = restored(t, b.limits, b.Market)
	}
	day := b.Statistics(1)
	got := new(big.Int).SetUint64(day.NotionalHi)
	if got.Add(got.Lsh(got, 64), new(big.Int).SetUint64(day.NotionalLo)); got.Cmp(want) != 0 || day.NotionalHi == 0 || day.Volume != 5*MaxShares {
		t.Fatalf("the day's notional is %d, should be %d; volume %d", got, want, day.Volume)
	}
}

// TestRestoredAtAnyPoint: a market that is put away and taken out of its snapshot again behind each command says the same, and has the same hashes, as one
// that never was; with orders of all kinds, in markets that have room and in one that is full.
func TestRestoredAtAnyPoint(t *testing.T) {
	for _, seed := range []uint64{1, 3, 5, 10} {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			l := Limits{Orders: 60, ClientIDs: 1500, PriceNodes: 1000, Instruments: 3, Participants: 3, Sessions: 4}
			never, n := openMarket(t, l, 3, 4)
			often := restored(t, l, never)
			f, most := newFlow(seed, n), 0
			for i := range 900 {
				c := f.command()
				n.apply(&c)
				want := never.Apply(&c, nil)
				if got := often.Apply(&c, nil); difference(got, want) != "the same" {
					t.Fatalf("command %d %s: %s", i, brief(c), difference(got, want))
				}
				if often.Hash() != never.Hash() || often.StreamHash() != never.StreamHash() || often.BookHash() != never.BookHash() {
					t.Fatalf("command %d %s: the hashes differ", i, brief(c))
				}
				often = restored(t, l, often)
				most = max(most, never.Resting())
			}
			if never.Trades() < 40 || most < 25 {
				t.Fatalf("%d trades, at most %d orders rested: the flow shows little", never.Trades(), most)
			}
		})
	}
}
