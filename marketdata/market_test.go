package marketdata_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"exchange/book"
	"exchange/marketdata/depth"
	"exchange/marketdata/feed"
	"exchange/marketdata/itch"
)

// venue is a state machine with its feed: what a replica does with events, in small.
type venue struct {
	market *book.Market
	store  *feed.Store
	infos  []itch.InstrumentInfo
	events []book.Event
	out    []byte
}

func newVenue(m *book.Market) *venue {
	return &venue{market: m, store: feed.NewStore(1 << 30), infos: make([]itch.InstrumentInfo, 1)}
}

func (v *venue) apply(t *testing.T, c book.Command) {
	t.Helper()
	v.events = v.market.Apply(&c, v.events[:0])
	for i := range v.events {
		e := &v.events[i]
		if e.Kind == book.InstrumentListed {
			v.infos = append(v.infos, itch.MakeInstrumentInfo(string(bytes.TrimRight(e.ClientID[:], "\x00")), e.Price, e.Qty))
		}
		if e.FeedSeq != 0 {
			v.out = itch.AppendEvent(v.out[:0], e, v.infos[e.Instrument])
			v.store.Append(e.FeedSeq, v.out)
		}
	}
	v.store.Publish()
}

func id(text string) (c book.ClientID) {
	copy(c[:], text)
	return c
}

var opening = time.Date(2026, 3, 9, 9, 30, 0, 0, time.UTC).UnixNano()

// set up: two instruments with awkward ticks and lots, four sessions logged on, the market open.
func (v *venue) open(t *testing.T) {
	v.apply(t, book.Command{Kind: book.SystemEvent, Code: 'O', Time: opening})
	v.apply(t, book.Command{Kind: book.ListInstrument, ClientID: id("ABC"), Price: 100, Qty: 1})
	v.apply(t, book.Command{Kind: book.ListInstrument, ClientID: id("LOTSOFIT"), Price: 25, Qty: 100})
	for s := 1; s <= 4; s++ {
		v.apply(t, book.Command{Kind: book.AddParticipant, ClientID: id(fmt.Sprint("P", s))})
		v.apply(t, book.Command{Kind: book.AddSession, ClientID: id(fmt.Sprint("S", s)), OrigID: id(fmt.Sprint("P", s)), Protocol: book.FIX})
		v.apply(t, book.Command{Kind: book.Logon, Session: uint16(s), InSeq: 1, Seconds: 30})
	}
	v.apply(t, book.Command{Kind: book.SystemEvent, Code: 'Q'})
}

// flow makes random commands, most of which mean orders that exist.
type flow struct {
	random *rand.Rand
	time   int64
	names  int
	recent []named
}

type named struct {
	session    uint16
	instrument uint16
	id         book.ClientID
}

func (f *flow) next() book.Command {
	f.time += f.random.Int64N(1_000_000)
	f.names++
	c := book.Command{
		Time: opening + f.time, Session: uint16(1 + f.random.IntN(4)), Instrument: uint16(1 + f.random.IntN(2)), Epoch: 1,
		ClientID: id(fmt.Sprint("o", f.names)), Side: book.Side(f.random.IntN(2)), Qty: 1 + f.random.Int64N(40),
	}
	c.Price = 1000 + f.random.Int64N(16) - 6*int64(1-c.Side)
	kind := f.random.IntN(10)
	if len(f.recent) < 20 {
		kind = 0
	}
	if kind < 5 {
		c.Kind = book.Enter
		switch f.random.IntN(8) {
		case 0:
			c.TIF = book.ImmediateOrCancel
		case 1:
			c.TIF = book.FillOrKill
		case 2:
			c.Type, c.TIF, c.Price = book.MarketOrder, book.ImmediateOrCancel, 0
		}
		f.keep(named{c.Session, c.Instrument, c.ClientID})
		return c
	}
	of := f.recent[f.random.IntN(len(f.recent))]
	c.Session, c.Instrument, c.OrigID = of.session, of.instrument, of.id
	switch kind {
	case 5:
		c.Kind = book.Cancel
	case 6:
		c.Kind, c.Qty = book.Reduce, 1+f.random.Int64N(10)
		f.keep(named{of.session, of.instrument, c.ClientID})
	default:
		c.Kind = book.Replace
		if f.random.IntN(4) == 0 {
			c.Flags = book.Requeue
		}
		f.keep(named{of.session, of.instrument, c.ClientID})
	}
	return c
}

func (f *flow) keep(n named) {
	if f.recent = append(f.recent, n); len(f.recent) > 200 {
		f.recent = f.recent[1:]
	}
}

// agree compares every order of every book, in the order in which they would trade.
func agree(t *testing.T, m *book.Market, infos []itch.InstrumentInfo, b *depth.Builder) {
	t.Helper()
	for number := 1; number < len(infos); number++ {
		k := b.Book(infos[number].Symbol.String())
		for side, letter := range []byte("BS") {
			want := m.RestingOrders(uint16(number), book.Side(side), nil)
			got := k.AppendOrders(nil, letter)
			if len(got) != len(want) {
				t.Fatalf("%s %c: %d orders in the feed, %d in the market", k.Symbol, letter, len(got), len(want))
			}
			for i := range want {
				w, g := &want[i], &got[i]
				if g.Ref != w.Ref || uint64(w.Open*infos[number].Lot) != g.Shares || uint32(w.Price*infos[number].Tick) != g.Price {
					t.Fatalf("%s %c, place %d: %+v in the feed, %+v in the market", k.Symbol, letter, i, *g, *w)
				}
			}
		}
		if k.Crossed() {
			t.Fatalf("%s is crossed", k.Symbol)
		}
	}
}

// TestTheFeedRebuildsTheMarket: random order flow through the state machine, its events as messages through the store, the messages through a
// builder; the books agree order by order. Half way a second replica begins from a snapshot, and its feed is the same, byte for byte.
func TestTheFeedRebuildsTheMarket(t *testing.T) {
	limits := book.Limits{Orders: 1 << 12, ClientIDs: 1 << 15, PriceNodes: 1 << 12, Instruments: 4, Participants: 8, Sessions: 8}
	for seed := range uint64(4) {
		v := newVenue(book.NewMarket(limits))
		v.open(t)
		f := flow{random: rand.New(rand.NewPCG(seed, 11))}
		builder := depth.NewBuilder()
		reader := v.store.NewReader(1)
		var twin *venue
		const steps = 6000
		shares := uint64(0)
		for step := range steps {
			if step == steps/2 {
				restored, err := book.RestoreMarket(limits, v.market.AppendSnapshot(nil))
				if err != nil {
					t.Fatal(err)
				}
				twin = newVenue(restored)
				twin.infos = v.infos
				x := v.store.Export()
				var content bytes.Buffer
				if _, err := x.WriteTo(&content); err != nil {
					t.Fatal(err)
				}
				if _, err := twin.store.Load(content.Bytes()); err != nil {
					t.Fatal(err)
				}
			}
			c := f.next()
			v.apply(t, c)
			if twin != nil {
				twin.apply(t, c)
			}
			for number := reader.Number(); number < v.store.Next(); number = reader.Number() {
				message, err := reader.Next()
				if err != nil {
					t.Fatal(err)
				}
				change, err := builder.ApplyBytes(message)
				if err != nil {
					t.Fatalf("seed %d, message %d: %v", seed, number, err)
				}
				if change.Traded() {
					shares += change.Shares / uint64(v.infos[change.Book.Locate].Lot)
				}
			}
			if step%50 == 0 || step == steps-1 {
				agree(t, v.market, v.infos, builder)
			}
		}
		last := v.store.Next() - 1
		a, _ := v.store.HashAt(last)
		if b, err := twin.store.HashAt(last); err != nil || a != b {
			t.Errorf("seed %d: the twin's feed differs: %016x and %016x, %v", seed, a, b, err)
		}
		trades := uint64(0)
		for _, k := range builder.Books() {
			trades += k.Trades.Count
		}
		if trades != v.market.Trades() || shares != v.market.Volume() || trades < 500 || v.market.Resting() == 0 {
			t.Errorf("seed %d: %d trades of %d in the feed, %d and %d in the market, %d resting", seed, trades, shares, v.market.Trades(), v.market.Volume(), v.market.Resting())
		}
		v.apply(t, book.Command{Kind: book.SystemEvent, Code: 'M'})
		for {
			message, err := reader.Next()
			if err != nil {
				break
			}
			if _, err := builder.ApplyBytes(message); err != nil {
				t.Fatal(err)
			}
		}
		if builder.Orders() != 0 || builder.Day() != 'M' {
			t.Errorf("seed %d: after the day %d orders rest", seed, builder.Orders())
		}
	}
}
