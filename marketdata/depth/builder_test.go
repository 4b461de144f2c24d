package depth

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"exchange/marketdata/itch"
)

var abc, xyz = itch.MakeSymbol("ABC"), itch.MakeSymbol("XYZ")

func apply(t *testing.T, b *Builder, m itch.Message) Change {
	t.Helper()
	c, err := b.ApplyBytes(itch.Append(nil, &m))
	if err != nil {
		t.Fatalf("%c: %v", m.Type, err)
	}
	return c
}

// listed makes a builder with ABC (1) and XYZ (2).
func listed(t *testing.T) *Builder {
	b := NewBuilder()
	apply(t, b, itch.Message{Type: 'S', Code: 'O'})
	apply(t, b, itch.Message{Type: 'R', Locate: 1, Stock: abc, RoundLot: 10})
	apply(t, b, itch.Message{Type: 'H', Locate: 1, Stock: abc, Code: 'T'})
	apply(t, b, itch.Message{Type: 'R', Locate: 2, Stock: xyz, RoundLot: 1})
	return b
}

func add(ref uint64, side byte, shares uint64, price uint32) itch.Message {
	return itch.Message{Type: 'A', Locate: 1, Ref: ref, Side: side, Shares: shares, Stock: abc, Price: price}
}

func TestADayByHand(t *testing.T) {
	b := listed(t)
	k := b.Book("ABC")
	if k.State != 'T' || k.RoundLot != 10 || b.Day() != 'O' || len(b.Books()) != 2 || b.Book("NONE") != nil {
		t.Fatalf("%+v", k)
	}
	apply(t, b, add(1, 'B', 100, 99_0000))
	apply(t, b, add(2, 'B', 50, 99_5000))
	apply(t, b, add(3, 'B', 70, 99_5000))
	apply(t, b, add(4, 'S', 30, 100_0000))
	if c := apply(t, b, add(5, 'S', 40, 100_5000)); c.LevelShares != 40 || c.Book != k || c.Side != 'S' || c.Left != 40 {
		t.Errorf("add: %+v", c)
	}
	wantBook(t, k, "99.5000x120(2) 99.0000x100(1)", "100.0000x30(1) 100.5000x40(1)")

	if c := apply(t, b, itch.Message{Type: 'E', Locate: 1, Ref: 2, Shares: 20, Match: 9, Timestamp: 5}); c.Price != 99_5000 || c.Left != 30 || c.LevelShares != 100 || !c.Traded() {
		t.Errorf("executed: %+v", c)
	}
	if trade, ok := k.Trades.Last(0); !ok || trade != (Trade{Match: 9, Price: 99_5000, Shares: 20, Taker: 'S', Timestamp: 5}) {
		t.Errorf("trade: %+v", trade)
	}
	apply(t, b, itch.Message{Type: 'E', Locate: 1, Ref: 2, Shares: 30, Match: 10})
	wantBook(t, k, "99.5000x70(1) 99.0000x100(1)", "100.0000x30(1) 100.5000x40(1)")

	apply(t, b, itch.Message{Type: 'X', Locate: 1, Ref: 1, Shares: 99})
	if c := apply(t, b, itch.Message{Type: 'U', Locate: 1, Ref: 1, NewRef: 6, Shares: 200, Price: 99_5000}); c.OldRef != 1 || c.Ref != 6 || c.OldShares != 1 ||
		c.OrderPrice != 99_0000 || c.LevelShares != 270 {
		t.Errorf("replace: %+v", c)
	}
	wantBook(t, k, "99.5000x270(2)", "100.0000x30(1) 100.5000x40(1)")
	if got := refs(k, 'B'); !slices.Equal(got, []uint64{3, 6}) {
		t.Errorf("queue: %v", got)
	}
	if c := apply(t, b, itch.Message{Type: 'D', Locate: 1, Ref: 4}); c.Shares != 30 || c.Left != 0 || c.LevelShares != 0 {
		t.Errorf("delete: %+v", c)
	}
	apply(t, b, itch.Message{Type: 'C', Locate: 1, Ref: 5, Shares: 5, Match: 11, Printable: 'N', Price: 100_0000})
	apply(t, b, itch.Message{Type: 'C', Locate: 1, Ref: 5, Shares: 5, Match: 12, Printable: 'Y', Price: 100_1000})
	apply(t, b, itch.Message{Type: 'P', Locate: 1, Side: 'B', Shares: 7, Stock: abc, Price: 100_2000, Match: 13})
	wantBook(t, k, "99.5000x270(2)", "100.5000x30(1)")
	if tr := k.Trades; tr.Count != 4 || tr.Volume != 62 || tr.High != 100_2000 || tr.Low != 99_5000 {
		t.Errorf("totals: %+v", tr)
	}
	apply(t, b, itch.Message{Type: 'B', Locate: 1, Match: 10})
	if tr := k.Trades; tr.Count != 3 || tr.Volume != 32 {
		t.Errorf("after a bust: %+v", tr)
	}
	if trade, _ := k.Trades.Last(2); !trade.Broken || trade.Match != 10 {
		t.Errorf("the broken trade: %+v", trade)
	}
	if _, ok := k.Trades.Last(4); ok {
		t.Error("a trade that never was")
	}
	if k.Crossed() || b.Orders() != 3 {
		t.Errorf("crossed %v, %d orders", k.Crossed(), b.Orders())
	}
	apply(t, b, add(7, 'B', 1, 100_5000))
	if !k.Crossed() {
		t.Error("not crossed")
	}
	// What the package does not know changes nothing.
	if c, err := b.ApplyBytes([]byte("K and some more")); err != nil || c != (Change{}) {
		t.Errorf("unknown type: %+v, %v", c, err)
	}
	if _, err := b.ApplyBytes([]byte("A but short")); !errors.Is(err, itch.ErrLength) {
		t.Errorf("cut: %v", err)
	}
}

func wantBook(t *testing.T, k *Book, bids, asks string) {
	t.Helper()
	text := func(levels []Level) (s string) {
		for i, l := range levels {
			if i > 0 {
				s += " "
			}
			s += fmt.Sprintf("%d.%04dx%d(%d)", l.Price/10000, l.Price%10000, l.Shares, l.Orders)
		}
		return s
	}
	if b, a := text(k.AppendBids(nil, 10)), text(k.AppendAsks(nil, 10)); b != bids || a != asks {
		t.Fatalf("book\n bids %s\n asks %s\nwant\n bids %s\n asks %s", b, a, bids, asks)
	}
}

func refs(k *Book, side byte) (all []uint64) {
	for _, o := range k.AppendOrders(nil, side) {
		all = append(all, o.Ref)
	}
	return all
}

func TestTheImpossibleIsAnErrorAndChangesNothing(t *testing.T) {
	b := listed(t)
	apply(t, b, add(1, 'B', 100, 99_0000))
	apply(t, b, add(2, 'S', 100, 101_0000))
	for _, c := range []struct {
		name string
		m    itch.Message
		want error
	}{
		{"unknown instrument", itch.Message{Type: 'A', Locate: 9, Ref: 3, Side: 'B', Shares: 1, Stock: abc}, ErrUnknownInstrument},
		{"wrong symbol", itch.Message{Type: 'A', Locate: 1, Ref: 3, Side: 'B', Shares: 1, Stock: xyz}, ErrOtherInstrument},
		{"doubled reference", add(1, 'B', 1, 1), ErrDuplicateOrder},
		{"no shares", add(3, 'B', 0, 1), ErrNoShares},
		{"no side", add(3, '?', 1, 1), ErrSide},
		{"unknown order", itch.Message{Type: 'E', Locate: 1, Ref: 3, Shares: 1}, ErrUnknownOrder},
		{"overfill", itch.Message{Type: 'E', Locate: 1, Ref: 1, Shares: 101}, ErrTooManyShares},
		{"executed nothing", itch.Message{Type: 'E', Locate: 1, Ref: 1}, ErrNoShares},
		{"overcancel", itch.Message{Type: 'X', Locate: 1, Ref: 1, Shares: 101}, ErrTooManyShares},
		{"delete of another's", itch.Message{Type: 'D', Locate: 2, Ref: 1}, ErrOtherInstrument},
		{"delete of none", itch.Message{Type: 'D', Locate: 1, Ref: 3}, ErrUnknownOrder},
		{"replace of none", itch.Message{Type: 'U', Locate: 1, Ref: 3, NewRef: 4, Shares: 1}, ErrUnknownOrder},
		{"replace by a known one", itch.Message{Type: 'U', Locate: 1, Ref: 1, NewRef: 2, Shares: 1}, ErrDuplicateOrder},
		{"replace by nothing", itch.Message{Type: 'U', Locate: 1, Ref: 1, NewRef: 3}, ErrNoShares},
		{"number given twice", itch.Message{Type: 'R', Locate: 1, Stock: xyz}, ErrOtherInstrument},
		{"instrument 0", itch.Message{Type: 'R', Locate: 0, Stock: itch.MakeSymbol("NEW")}, ErrOtherInstrument},
	} {
		if _, err := b.Apply(&c.m); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		wantBook(t, b.Book("ABC"), "99.0000x100(1)", "101.0000x100(1)")
		if b.Orders() != 2 || b.Book("ABC").Trades.Count != 0 {
			t.Fatalf("%s changed something", c.name)
		}
	}
}

// TestAgainstAListOfOrders: random messages, and after each the book is what a plain list of orders, oldest first, says.
func TestAgainstAListOfOrders(t *testing.T) {
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 3))
		b := listed(t)
		k := b.Book("ABC")
		var list []Order // oldest first
		for ref := uint64(1); ref <= 3000; ref++ {
			var m itch.Message
			kind := random.IntN(6)
			if len(list) == 0 || len(list) < 40 && kind > 2 {
				kind = 0
			}
			price := uint32(990 + random.IntN(20))
			if kind == 0 {
				o := Order{Ref: ref, Price: price, Shares: uint64(1 + random.IntN(50)), Side: "BS"[random.IntN(2)]}
				list = append(list, o)
				m = add(ref, o.Side, o.Shares, o.Price)
			} else {
				i := random.IntN(len(list))
				o := &list[i]
				shares := 1 + random.Uint64N(o.Shares)
				switch kind {
				case 1, 2:
					m = itch.Message{Type: "EX"[kind-1], Locate: 1, Ref: o.Ref, Shares: shares, Match: ref}
					if o.Shares -= shares; o.Shares == 0 {
						list = slices.Delete(list, i, i+1)
					}
				case 3, 4:
					m = itch.Message{Type: 'D', Locate: 1, Ref: o.Ref}
					list = slices.Delete(list, i, i+1)
				case 5:
					m = itch.Message{Type: 'U', Locate: 1, Ref: o.Ref, NewRef: ref, Shares: shares, Price: price}
					moved := Order{Ref: ref, Price: price, Shares: shares, Side: o.Side}
					list = append(slices.Delete(list, i, i+1), moved)
				}
			}
			c := apply(t, b, m)
			if b.Orders() != len(list) {
				t.Fatalf("seed %d, step %d: %d orders, want %d", seed, ref, b.Orders(), len(list))
			}
			compare(t, k, list, 'B', func(a, b Order) int { return int(b.Price) - int(a.Price) })
			compare(t, k, list, 'S', func(a, b Order) int { return int(a.Price) - int(b.Price) })
			level := uint64(0)
			for _, o := range list {
				if o.Side == c.Side && o.Price == c.Price {
					level += o.Shares
				}
			}
			if c.LevelShares != level {
				t.Fatalf("seed %d, step %d: %+v says %d at the level, want %d", seed, ref, m, c.LevelShares, level)
			}
		}
	}
}

func compare(t *testing.T, k *Book, list []Order, side byte, cmp func(a, b Order) int) {
	t.Helper()
	want := slices.DeleteFunc(slices.Clone(list), func(o Order) bool { return o.Side != side })
	slices.SortStableFunc(want, cmp)
	if got := k.AppendOrders(nil, side); !slices.Equal(got, want) {
		t.Fatalf("side %c:\n got %v\nwant %v", side, got, want)
	}
	var levels []Level
	for _, o := range want {
		if n := len(levels); n == 0 || levels[n-1].Price != o.Price {
			levels = append(levels, Level{Price: o.Price})
		}
		l := &levels[len(levels)-1]
		l.Shares += o.Shares
		l.Orders++
	}
	got := k.AppendBids(nil, 1000)
	if side == 'S' {
		got = k.AppendAsks(nil, 1000)
	}
	if !slices.Equal(got, levels) {
		t.Fatalf("levels of side %c:\n got %v\nwant %v", side, got, levels)
	}
}

func FuzzApply(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, in []byte) {
		b := listed(t)
		for at := 0; at+5 <= len(in); at += 5 {
			x := in[at : at+5]
			m := itch.Message{Type: "AFECXDUPQBHR"[x[0]%12], Locate: uint16(x[1] % 4), Ref: uint64(x[2] % 8), NewRef: uint64(x[3] % 8),
				Shares: uint64(x[4] % 16), Side: "BS?"[x[1]%3], Stock: abc, Price: uint32(x[3]), Match: uint64(x[2]), Printable: "YN"[x[3]%2]}
			before := b.Orders()
			if _, err := b.Apply(&m); err != nil && b.Orders() != before {
				t.Fatalf("%+v was refused and changed something", m)
			}
			total := 0
			for _, k := range b.Books() {
				for _, side := range "BS" {
					orders := k.AppendOrders(nil, byte(side))
					total += len(orders)
					for _, o := range orders {
						if o.Shares == 0 || o.Shares > 16 {
							t.Fatalf("order %+v", o)
						}
					}
				}
			}
			if total != b.Orders() {
				t.Fatalf("%d orders in the levels, %d by reference", total, b.Orders())
			}
		}
	})
}
