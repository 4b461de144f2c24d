package book

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// applyStep is Apply as general does it, the short ways of crossing.go and reduce.go taken where they can be, or never. It tells whether one was.
func (m *Market) applyStep(c *Command, out []Event, short bool) (events []Event, was bool) {
	m.begin(c)
	m.cmd, m.out = c, out
	first := len(out)
	if len(m.due.slots) > 0 {
		m.expire()
	}
	switch {
	case c.Kind == Enter:
		if was = short && m.enterCrossing(); !was {
			m.enter()
		}
	case c.Kind == Reduce:
		if was = short && m.reducePlain(); !was {
			m.reduce()
		}
	default:
		m.answer(c.Kind)
	}
	m.copyReports(first)
	roll(&m.counters.stream, &behind{c, unsafe.SliceData(m.out[first:]), len(m.out) - first, m.counters.time})
	return m.out, was
}

// crossingFlow is a flow in which most orders meet somebody, with limits that are reached now and then.
func crossingFlow(tb testing.TB, seed uint64) (short, long *Market, f *flow) {
	l := oracleLimits
	l.ClientIDs = 8000 // the hash of a large table takes long
	switch seed % 4 {
	case 1:
		l.Orders = 40
	case 2:
		l.ClientIDs = 2500
	case 3:
		l.PriceNodes = 8 * ladderHeight
	}
	short, n := openMarket(tb, l, 3, 4)
	long, _ = openMarket(tb, l, 3, 4)
	f = newFlow(seed+1, n)
	f.near, f.plain = []int{60, 95}[seed/4%2], seed%3 == 0
	return short, long, f
}

// TestShortWaysOfWhatMeetsSomebody: orders that trade at once, and reductions, by the short ways and by the general ones, over whatever rests.
func TestShortWaysOfWhatMeetsSomebody(t *testing.T) {
	var went [commandKinds]int
	rests, cancels, elected, refused := 0, 0, 0, map[Reason]int{}
	for seed := range uint64(24) {
		short, long, f := crossingFlow(t, seed)
		r := rand.New(rand.NewPCG(seed, 3))
		var got, want []Event
		for i := range 4000 {
			c := f.command()
			if c.Kind == Enter && r.IntN(3) > 0 { // what comes in is plain more often than what rests
				c.Conditions, c.SelfTrade, c.StopPrice, c.Trail, c.MinQty, c.Display, c.Expire = 0, 0, 0, 0, 0, 0, 0
				c.Type, c.TIF = OrderType(r.IntN(8)/7), TimeInForce(r.IntN(5)/4)
			}
			f.n.apply(&c)
			took := false
			got, took = short.applyStep(&c, slices.Grow(got[:0], r.IntN(12)), true)
			want, _ = long.applyStep(&c, nil, false) // where out has to grow, so that the first trades go the general way too
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, command %d %s:\n%s", seed, i, brief(c), difference(got, want))
			}
			if i%20 == 0 && !bytes.Equal(short.AppendSnapshot(nil), long.AppendSnapshot(nil)) { // which also has what Hash has not, the levels' stamps
				t.Fatalf("seed %d, command %d %s: the states differ", seed, i, brief(c))
			}
			if err := short.check(); err != nil {
				t.Fatalf("seed %d, command %d %s: %v", seed, i, brief(c), err)
			}
			if took {
				went[c.Kind]++
				for k := range got {
					switch e := &got[k]; {
					case e.Kind == Rested:
						rests++
					case e.Kind == Triggered:
						elected++
					case e.Kind == Cancelled:
						cancels++
					}
				}
			} else if c.Kind == Enter && got != nil {
				refused[got[0].Reason]++
			}
		}
		if short.Hash() != long.Hash() || short.StreamHash() != long.StreamHash() || !bytes.Equal(short.AppendSnapshot(nil), long.AppendSnapshot(nil)) {
			t.Fatalf("seed %d: the states differ at the end", seed)
		}
	}
	t.Logf("%d entered and %d reduced by the short ways; %d came to rest, %d were cancelled, %d stops came in", went[Enter], went[Reduce], rests, cancels, elected)
	if went[Enter] < 5000 || went[Reduce] < 200 || rests < 500 || cancels < 500 || elected < 200 {
		t.Error("too few")
	}
	for _, why := range []Reason{DuplicateClientID, BookFull, ClientIDsFull} {
		if refused[why] == 0 {
			t.Errorf("no order was refused for %q", why)
		}
	}
}

// TestShortWaysLeaveNothingOfOthers: what they write is whole, whatever was where they put it.
func TestShortWaysLeaveNothingOfOthers(t *testing.T) {
	for seed := range uint64(8) {
		clean, used, f := crossingFlow(t, seed)
		for i := range 3000 {
			c := f.command()
			f.n.apply(&c)
			want, _ := clean.applyStep(&c, make([]Event, 0, 40), true)
			if got, _ := used.applyStep(&c, soil(make([]Event, 0, 40)), true); !slices.Equal(got, want) {
				t.Fatalf("seed %d, command %d %s:\n%s", seed, i, brief(c), difference(got, want))
			}
		}
	}
}

// TestCrossingKnowsIDsOfTheFirstVersion: an id of which a snapshot had but the hash is seen too.
func TestCrossingKnowsIDsOfTheFirstVersion(t *testing.T) {
	m, _ := openMarket(t, oracleLimits, 3, 4)
	id := name("before")
	lo, hi := olderHash(1, &id)
	m.ids.older = []olderID{{lo, hi, true}}
	for i, c := range []Command{
		{Kind: Enter, Instrument: 1, Side: Sell, Price: 1000, Qty: 10, ClientID: name("rests")},
		{Kind: Enter, Instrument: 1, Side: Buy, Price: 1000, Qty: 10, ClientID: id},
	} {
		c.Session, c.Epoch, c.InSeq = 1, 1, uint64(2+i)
		if out := m.Apply(&c, nil); len(out) != 1 || (out[0].Reason == DuplicateClientID) != (i == 1) {
			t.Fatalf("%+v", out)
		}
	}
}

// TestTrailingStopsTakeTheRoom: what is left of an order finds no room for its price, since its own trade made a stop trail to a price of its own.
func TestTrailingStopsTakeTheRoom(t *testing.T) {
	for _, short := range []bool{true, false} {
		m, _ := openMarket(t, oracleLimits, 3, 4)
		seq := uint64(1)
		play := func(c Command, meets bool) []Event {
			seq++
			c.Kind, c.Session, c.Epoch, c.InSeq, c.Instrument, c.ClientID = Enter, 1, 1, seq, 1, name(fmt.Sprint("o", seq))
			out, was := m.applyStep(&c, make([]Event, 0, 40), short)
			if was != (short && meets) {
				t.Fatalf("%s went the short way: %v", brief(c), was)
			}
			return out
		}
		play(Command{Side: Sell, Price: 1000, Qty: 10}, false)
		play(Command{Side: Buy, Price: 1000, Qty: 10}, true)
		play(Command{Side: Sell, Price: 100_000, Qty: 5}, false)
		play(Command{Side: Sell, Price: 100_001, Qty: 5}, false) // so that nothing becomes free where the one before lay
		play(Command{Side: Sell, Type: Stop, StopPrice: 990, Qty: 5}, false)
		play(Command{Side: Sell, Type: TrailingStop, Trail: 10, Qty: 5}, false)
		m.nodes.free = m.nodes.free[:4*ladderHeight] // the last of which there is room
		out := play(Command{Side: Buy, Price: 100_000, Qty: 10}, true)
		if e := &out[len(out)-1]; len(out) != 4 || e.Kind != Cancelled || e.Reason != BookFull || e.Leaves != 0 || e.Cum != 5 {
			t.Errorf("%+v", out)
		}
		if id := name(fmt.Sprint("o", seq)); m.pool.find(1, &id) != 0 || m.Resting() != 3 || m.pool.used != 3 {
			t.Errorf("%d rest, in %d slots", m.Resting(), m.pool.used)
		}
	}
}
