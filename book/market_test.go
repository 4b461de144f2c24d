package book

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// recorded gives commands of a flow, each good for the market at its point.
func recorded(tb testing.TB, seed uint64, count, crowded int) (*Market, []Command) {
	m, n := openMarket(tb, oracleLimits, 3, 4)
	f := &flow{r: rand.New(rand.NewPCG(seed, 7)), n: n, now: 1000, mid: []int64{0, 1000, 5000, 1_000_000}, crowded: crowded}
	commands := make([]Command, count)
	for i := range commands {
		commands[i] = f.command()
		n.apply(&commands[i])
	}
	return m, commands
}

// TestApplyAllocatesNothing: with a slice that is long enough, in the middle of a flow of all kinds.
func TestApplyAllocatesNothing(t *testing.T) {
	m, commands := recorded(t, 20, 6000, 200)
	out := make([]Event, 0, 4096)
	for i := range 1000 {
		out = m.Apply(&commands[i], out[:0])
	}
	at := 1000
	if n := testing.AllocsPerRun(4000, func() {
		out = m.Apply(&commands[at], out[:0])
		at++
	}); n != 0 {
		t.Fatalf("%v allocations a command", n)
	}
	buf := make([]byte, 0, 4096)
	var c Command
	var e Event
	if n := testing.AllocsPerRun(100, func() {
		buf = commands[0].AppendTo(buf[:0])
		DecodeCommand(buf, &c)
		for i := range out {
			buf = out[i].AppendTo(buf[:0])
			DecodeEvent(buf, &e)
		}
	}); n != 0 {
		t.Fatalf("%v allocations in the codec", n)
	}
}

// TestSameCommandsSameHashes: two markets agree after every command; one that misses a command, or sees two swapped, does not.
func TestSameCommandsSameHashes(t *testing.T) {
	a, commands := recorded(t, 21, 2000, 100)
	b, _ := openMarket(t, oracleLimits, 3, 4)
	swapped, _ := openMarket(t, oracleLimits, 3, 4)
	for i := range commands {
		a.Apply(&commands[i], nil)
		b.Apply(&commands[i], nil)
		j := i
		if i/2 == 500 {
			j ^= 1
		}
		swapped.Apply(&commands[j], nil)
		if a.StreamHash() != b.StreamHash() {
			t.Fatalf("the streams differ after command %d", i)
		}
	}
	if a.Hash() != b.Hash() || a.BookHash() != b.BookHash() {
		t.Fatal("the states differ")
	}
	if a.StreamHash() == swapped.StreamHash() || a.Hash() == swapped.Hash() {
		t.Fatal("two commands swapped do not show")
	}
	if string(a.AppendSnapshot(nil)) != string(b.AppendSnapshot(nil)) {
		t.Fatal("the snapshots differ")
	}
}

// TestBookHashIsOfTheBookAlone: other sessions, times, numbers, ids and refused orders in between do not show; another order does.
func TestBookHashIsOfTheBookAlone(t *testing.T) {
	play := func(session uint16, start int64, prefix string, noise bool, last int64) *Market {
		m, _ := openMarket(t, oracleLimits, 2, 3)
		seq := uint64(2)
		apply := func(c Command) {
			start++
			c.Session, c.Epoch, c.InSeq, c.Time = session, 1, seq, start
			seq++
			m.Apply(&c, nil)
		}
		for i := range 20 {
			apply(Command{Kind: Enter, Instrument: 1, Side: Side(i & 1), Price: 100 + int64(i*7%5), Qty: 10, ClientID: name(fmt.Sprint(prefix, i))})
			if noise {
				apply(Command{Kind: SessionMessage, Code: '0'})
				apply(Command{Kind: Enter, Instrument: 1, Price: 0, Qty: 10, ClientID: name(fmt.Sprint("noise", i))})
				m.Apply(&Command{Kind: Tick}, nil)
			}
		}
		apply(Command{Kind: Enter, Instrument: 2, Price: 50, Qty: last, ClientID: name("last")})
		return m
	}
	plain, noisy, other := play(1, 0, "a", false, 10), play(3, 1e9, "another", true, 10), play(1, 0, "a", false, 11)
	if plain.Resting() == 0 || plain.Trades() == 0 {
		t.Fatal("the flow has no trades, or leaves nothing")
	}
	if plain.BookHash() != noisy.BookHash() {
		t.Error("the same orders by another way give another hash")
	}
	if plain.BookHash() == other.BookHash() {
		t.Error("another order gives the same hash")
	}
	if plain.Hash() == noisy.Hash() {
		t.Error("the hash of the whole state does not see sessions and times")
	}
}

// TestSnapshotRefusesDamage: each byte matters, and limits too small for the content are an error, not a panic.
func TestSnapshotRefusesDamage(t *testing.T) {
	m, commands := recorded(t, 22, 300, 100)
	for i := range commands {
		m.Apply(&commands[i], nil)
	}
	snapshot := m.AppendSnapshot(nil)
	small := Limits{Orders: 500, ClientIDs: 1000, PriceNodes: 1000, Instruments: 3, Participants: 3, Sessions: 4}
	if _, err := RestoreMarket(small, snapshot); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(snapshot); at += 37 {
		snapshot[at] ^= 0x10
		if _, err := RestoreMarket(small, snapshot); !errors.Is(err, ErrSnapshot) {
			t.Fatalf("byte %d of %d changed: %v", at, len(snapshot), err)
		}
		snapshot[at] ^= 0x10
		if _, err := RestoreMarket(small, snapshot[:at]); !errors.Is(err, ErrSnapshot) {
			t.Fatalf("cut at %d: %v", at, err)
		}
	}
	for what, l := range map[string]Limits{
		"orders":      {Orders: 3, ClientIDs: 1000, PriceNodes: 1000, Instruments: 3, Participants: 3, Sessions: 4},
		"ids":         {Orders: 500, ClientIDs: 10, PriceNodes: 1000, Instruments: 3, Participants: 3, Sessions: 4},
		"instruments": {Orders: 500, ClientIDs: 1000, PriceNodes: 1000, Instruments: 2, Participants: 3, Sessions: 4},
		"sessions":    {Orders: 500, ClientIDs: 1000, PriceNodes: 1000, Instruments: 3, Participants: 3, Sessions: 3},
	} {
		if _, err := RestoreMarket(l, snapshot); !errors.Is(err, ErrSnapshot) {
			t.Errorf("too few %s: %v", what, err)
		}
	}
	m, _ = openMarket(t, small, 3, 4)
	for i := range 10 {
		m.Apply(&Command{Kind: Enter, Session: 1, Epoch: 1, Instrument: 1, Price: 1 + int64(i)*1_900_000, Qty: 1, ClientID: name(fmt.Sprint("far", i))}, nil)
	}
	if m.Resting() != 10 {
		t.Fatalf("%d orders rest", m.Resting())
	}
	small.PriceNodes = 1
	if _, err := RestoreMarket(small, m.AppendSnapshot(nil)); !errors.Is(err, ErrSnapshot) {
		t.Errorf("too few price nodes: %v", err)
	}
}

// TestSnapshotRefusesWhatNeverRests: an order that has no price of its own lies in no book.
func TestSnapshotRefusesWhatNeverRests(t *testing.T) {
	for _, typ := range []OrderType{MarketOrder, Stop, TrailingStop, Budget} {
		m, _ := openMarket(t, oracleLimits, 3, 4)
		m.Apply(&Command{Kind: Enter, Session: 1, Epoch: 1, InSeq: 2, Instrument: 1, Price: 1000, Qty: 10, ClientID: name("o")}, nil)
		restored(t, oracleLimits, m)
		m.pool.orders[m.first(&m.books[1].ladders[Buy])].typ = typ
		if _, err := RestoreMarket(oracleLimits, m.AppendSnapshot(nil)); !errors.Is(err, ErrSnapshot) {
			t.Errorf("a resting order that is %s: %v", traits[typ], err)
		}
	}
}

// TestBudgetsAreMet: what FuzzApply begins with meets two budgets and refuses two.
func TestBudgetsAreMet(t *testing.T) {
	m, _ := openMarket(t, oracleLimits, 3, 4)
	filled, refused := 0, 0
	for b := budgets(); len(b) > 0; {
		var c Command
		n, err := DecodeCommand(b, &c)
		if err != nil {
			t.Fatal(err)
		}
		b = b[n:]
		for _, e := range m.Apply(&c, nil) {
			switch {
			case e.Type != Budget:
			case !withinBudget(&e):
				t.Errorf("%s", brief(e))
			case e.Kind == Filled && e.Leaves == 0:
				filled++
			case e.Reason == BudgetNotMet:
				refused++
			}
		}
	}
	if filled != 2 || refused != 2 || m.Resting() != 0 {
		t.Errorf("%d filled, %d refused, %d orders rest", filled, refused, m.Resting())
	}
}

// TestRestoredGoesOnAlike also where ids came in an order that made them lie elsewhere.
func TestRestoredGoesOnAlike(t *testing.T) {
	m, commands := recorded(t, 23, 4000, 200)
	var other *Market
	for i := range commands {
		want := m.Apply(&commands[i], nil)
		if other != nil {
			if got := other.Apply(&commands[i], nil); difference(got, want) != "the same" {
				t.Fatal(difference(got, want))
			}
		}
		if i%1000 == 500 {
			other = restored(t, oracleLimits, m)
		}
	}
	if other.Hash() != m.Hash() || string(other.AppendSnapshot(nil)) != string(m.AppendSnapshot(nil)) {
		t.Fatal("the states differ at the end")
	}
}

// budgets are commands in which a budget of each side is met to the last tick, over two prices, behind one that a tick was missing to.
func budgets() (b []byte) {
	seq := uint64(2)
	enter := func(c Command) {
		c.Kind, c.Session, c.Epoch, c.InSeq, c.Instrument, c.ClientID = Enter, 1, 1, seq, 1, name(fmt.Sprint("b", seq))
		seq++
		b = c.AppendTo(b)
	}
	for _, side := range []Side{Buy, Sell} {
		enter(Command{Side: 1 - side, Price: 1000, Qty: 10})
		enter(Command{Side: 1 - side, Price: 1010 - 20*int64(side), Qty: 10})
		sum := 15050 - 100*int64(side)
		enter(Command{Side: side, Type: Budget, TIF: FillOrKill, Qty: 15, Price: sum - 1 + 2*int64(side)})
		enter(Command{Side: side, Type: Budget, TIF: FillOrKill, Qty: 15, Price: sum})
		enter(Command{Side: side, Type: MarketOrder, Qty: 5})
	}
	return b
}

// withinBudget tells whether an order with a budget is as it may be: filled in part only between its fills, filled at all only for such a sum.
func withinBudget(e *Event) bool {
	sum := e.Notional
	switch {
	case e.Kind == Cancelled:
		return e.Cum == 0
	case e.Kind != Filled || e.Leaves > 0:
		return true
	}
	return e.Side == Buy && sum <= e.Price || e.Side == Sell && sum >= e.Price
}

// FuzzApply plays commands made of arbitrary bytes, good and bad ones mixed. Give -fuzzminimizetime 1x: the inputs are long, and making each new one
// short takes all the time there is.
func FuzzApply(f *testing.F) {
	for seed := range uint64(4) {
		_, commands := recorded(f, 30+seed, 40, 10)
		var b []byte
		for i := range commands {
			b = commands[i].AppendTo(b)
		}
		f.Add(b)
	}
	for seed := range uint64(8) {
		var b []byte
		r := rand.New(rand.NewPCG(seed, 79))
		for _, c := range plainFlow(seed / 2)[:60] {
			if seed%2 == 1 && c.Kind == Enter {
				bringTogether(&c, r)
			}
			b = c.AppendTo(b)
		}
		f.Add(b)
	}
	f.Add(budgets())
	f.Add(numberedRequests(5))
	l := Limits{Orders: 20, ClientIDs: 64, PriceNodes: 160, Instruments: 3, Participants: 3, Sessions: 5}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, _ := openMarket(t, l, 3, 4)
		general, _ := openMarket(t, l, 3, 4)
		for _, c := range []Command{{Kind: AddSession, ClientID: name("OUCH"), OrigID: name("FIRM"), Protocol: OUCH}, {Kind: Logon, Session: 5, Protocol: OUCH, InSeq: 1}} {
			m.Apply(&c, nil)
			general.Apply(&c, nil)
		}
		feed, out := m.NextFeedSeq(), []Event(nil)
		numbers := map[uint16]uint64{}
		for range 60 {
			var c Command
			n, err := DecodeCommand(b, &c)
			if err != nil {
				break
			}
			b = b[n:]
			out = m.Apply(&c, out[:0])
			if err := m.check(); err != nil {
				t.Fatalf("after %+v: %v", c, err)
			}
			if want := general.applyLong(&c); !slices.Equal(out, want) {
				t.Fatalf("after %+v: %+v, by the general way %+v", c, out, want)
			}
			for i := range out {
				e := &out[i]
				if e.FeedSeq != 0 {
					if e.FeedSeq != feed || e.Feed == 0 {
						t.Fatalf("feed number %d, expected %d", e.FeedSeq, feed)
					}
					feed++
				}
				if e.OutSeq != 0 {
					if last := numbers[e.Session]; last != 0 && e.OutSeq != last+1 && e.OutSeq != 1 {
						t.Fatalf("session %d: outbound %d after %d", e.Session, e.OutSeq, last)
					}
					numbers[e.Session] = e.OutSeq
				}
				if e.Kind >= Accepted && e.Kind <= Replaced && e.Kind != Rejected && e.Kind != Cancelled && e.Cum+e.Leaves != e.Qty {
					t.Fatalf("%v: %d filled and %d open of %d", e.Kind, e.Cum, e.Leaves, e.Qty)
				}
				if e.Type == Budget && !withinBudget(e) {
					t.Fatalf("%+v has not all, or not for its budget", *e)
				}
				var again Event
				if _, err := DecodeEvent(e.AppendTo(nil), &again); err != nil || again != *e {
					t.Fatalf("%+v does not come back from its bytes: %v", *e, err)
				}
			}
		}
		restored(t, l, m)
		if m.Hash() != general.Hash() {
			t.Fatal("by the general way it is another market")
		}
	})
}

// numberedRequests are some requests of a session of OUCH, in bytes.
func numberedRequests(session uint16) (b []byte) {
	r := rand.New(rand.NewPCG(11, 12))
	made, last := openNumbered(), map[channelOf]uint64{}
	for n := 0; n < 60; {
		c := randomRequest(r, made, last)
		if made.Apply(&c, nil); c.Session == 1 {
			c.Session = session
			b = c.AppendTo(b)
			n++
		}
	}
	return b
}

// BenchmarkApply plays flow of all kinds with some thousand orders resting; the clock stands while a fresh market is made.
func BenchmarkApply(b *testing.B) {
	_, commands := recorded(b, 40, 20_000, 2000)
	out := make([]Event, 0, 4096)
	b.ReportAllocs()
	var m *Market
	for i := 0; b.Loop(); i++ {
		if i%len(commands) == 0 {
			b.StopTimer()
			m, _ = openMarket(b, oracleLimits, 3, 4)
			b.StartTimer()
		}
		out = m.Apply(&commands[i%len(commands)], out[:0])
	}
}
