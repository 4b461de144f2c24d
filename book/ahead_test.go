package book

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// Commands that are looked ahead at give the same events as commands that come one by one, in any portions, and be the market changed under what was
// found.
func TestLookingAheadChangesNothing(t *testing.T) {
	for seed := range uint64(24) {
		single, commands := recorded(t, seed, 4000, []int{60, 400}[seed%2])
		ahead, _ := recorded(t, seed, 0, 0)
		compareAhead(t, seed, single, ahead, commands)
	}
}

func TestLookingAheadAtNumbered(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 7))
		made := openNumbered()
		last := map[channelOf]uint64{}
		commands := make([]Command, 1500)
		for i := range commands {
			commands[i] = randomRequest(r, made, last)
			made.Apply(&commands[i], nil)
		}
		compareAhead(t, seed, openNumbered(), openNumbered(), commands)
	}
}

// TestWhatWasForeseenIsLookedAtAgain: three instruments with four prices, where levels go and come again elsewhere between a look ahead and the turn, and a
// table of ids so full that families come between.
func TestWhatWasForeseenIsLookedAtAgain(t *testing.T) {
	limits := Limits{Orders: 64, ClientIDs: 1500, PriceNodes: 1 << 10, Instruments: 3, Participants: 3, Sessions: 2}
	for seed := range uint64(12) {
		single, _ := openMarket(t, limits, 3, 2)
		ahead, _ := openMarket(t, limits, 3, 2)
		r := rand.New(rand.NewPCG(seed, 9))
		next := [3]uint64{0, 1, 1}
		var commands []Command
		var live [3][]ClientID
		for range 1500 {
			s := uint16(1 + r.IntN(2))
			next[s]++
			c := Command{Kind: Enter, Session: s, Epoch: 1, InSeq: next[s], ClientID: name(strconv.Itoa(r.IntN(1 << 40))), Instrument: uint16(1 + r.IntN(3)), Type: Limit,
				Side: Side(r.IntN(2)), Qty: 1}
			c.Price = int64(10 + r.IntN(2) + 2*int(c.Side)) // nothing trades, so stops wait at the same prices
			if r.IntN(3) == 0 {
				c.Type, c.StopPrice = StopLimit, c.Price
			}
			if n := len(live[s]); n > 0 && r.IntN(5) < 3 {
				k := r.IntN(n)
				c = Command{Kind: Cancel, Session: s, Epoch: 1, InSeq: next[s], ClientID: c.ClientID, OrigID: live[s][k]}
				live[s] = slices.Delete(live[s], k, k+1)
			} else {
				live[s] = append(live[s], c.ClientID)
			}
			commands = append(commands, c)
		}
		compareAhead(t, seed, single, ahead, commands)
	}
}

func compareAhead(t *testing.T, seed uint64, single, ahead *Market, commands []Command) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 8))
	var out []Event
	for from := 0; from < len(commands); {
		to := min(len(commands), from+1+r.IntN(60))
		at := from
		out = ahead.applyAll(commands[from:to], out, func(c *Command, events []Event) {
			if want := single.Apply(&commands[at], nil); c != &commands[at] || !slices.Equal(events, want) {
				t.Fatalf("seed %d, command %d, %+v: %+v, and one by one %+v", seed, at, *c, events, want)
			}
			at++
		}, r.IntN(4) > 0)
		if at != to {
			t.Fatalf("seed %d: %d of %d commands", seed, at-from, to-from)
		}
		from = to
	}
	if single.StreamHash() != ahead.StreamHash() || single.Hash() != ahead.Hash() || single.Index() != ahead.Index() {
		t.Fatalf("seed %d: the states differ", seed)
	}
	if err := ahead.check(); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
}

// ApplyAll looks ahead in a large market, which a small one becomes and ceases to be, without a difference, an order of events or an allocation more.
func TestApplyAllOfAGrowingMarket(t *testing.T) {
	limits := Limits{Orders: aheadFrom + 1000, ClientIDs: 1 << 18, PriceNodes: 1 << 12, Instruments: 1, Participants: 3, Sessions: 1}
	all, single := NewMarket(limits), NewMarket(limits)
	commands := openingCommands(1, 1)
	nothing := func(*Command, []Event) {}
	next, seq := 0, uint64(1)
	session := uint16(1)
	r := rand.New(rand.NewPCG(1, 9))
	var live []ClientID
	request := func(c Command) {
		next++
		seq++
		c.Session, c.Epoch, c.InSeq, c.ClientID = session, 1, seq, name("O"+strconv.Itoa(next))
		commands = append(commands, c)
	}
	enter := func() {
		side := Side(r.IntN(2))
		price := int64(1000 + r.IntN(400)*(2*int(side)-1))
		request(Command{Kind: Enter, Instrument: 1, Side: side, Type: Limit, Price: price, Qty: int64(1 + r.IntN(9))})
		live = append(live, commands[len(commands)-1].ClientID)
	}
	out := make([]Event, 0, 1<<10)
	largest := 0
	play := func() {
		for i := range commands {
			single.Apply(&commands[i], nil)
		}
		if n := testing.AllocsPerRun(1, func() {
			out = all.ApplyAll(commands, out, nothing)
			commands = commands[:0]
		}); n != 0 {
			t.Fatalf("%v allocations", n)
		}
		largest = max(largest, all.Resting())
		if all.StreamHash() != single.StreamHash() {
			t.Fatalf("after %d commands the hashes differ", all.Index())
		}
	}
	play()
	for len(live) < aheadFrom+600 {
		for range 100 {
			enter()
		}
		play()
	}
	for range 100 {
		for range 100 {
			if k := r.IntN(len(live)); r.IntN(3) == 0 {
				enter()
			} else {
				id := live[k]
				live[k] = live[len(live)-1]
				live = live[:len(live)-1]
				kind := Cancel
				if r.IntN(3) == 0 {
					kind = Replace
				}
				request(Command{Kind: kind, OrigID: id, Price: int64(600 + r.IntN(800)), Qty: int64(1 + r.IntN(9))})
				if kind == Replace {
					live = append(live, commands[len(commands)-1].ClientID)
				}
			}
		}
		play()
	}
	if largest < aheadFrom || single.Trades() == 0 {
		t.Fatalf("%d orders rested, %d trades: too little", largest, single.Trades())
	}
	t.Logf("%d orders at most, %d at the end, %d trades", largest, all.Resting(), all.Trades())
}
