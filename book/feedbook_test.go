package book

import "fmt"

// feedBook is what somebody who sees the feed alone knows: orders by reference, and when a price last changed.
type feedBook struct {
	orders  map[uint64]feedOrder
	changed map[feedPrice]uint64 // index of the command
}

func newFeedBook() *feedBook { return &feedBook{map[uint64]feedOrder{}, map[feedPrice]uint64{}} }

type feedPrice struct {
	instrument uint16
	side       Side
	price      int64
}

type feedOrder struct {
	feedPrice
	qty int64
}

// less takes quantity off an order that is shown.
func (f *feedBook) less(ref uint64, qty int64, e *Event) error {
	o, known := f.orders[ref]
	if !known || qty < 1 || qty > o.qty {
		return fmt.Errorf("the feed takes %d off order %d, of which it showed %+v", qty, ref, o)
	}
	f.changed[o.feedPrice] = e.Index
	if o.qty -= qty; o.qty == 0 {
		delete(f.orders, ref)
	} else {
		f.orders[ref] = o
	}
	return nil
}

// take takes an event of the feed in; any other says nothing.
func (f *feedBook) take(e *Event) error {
	shown := func(all int64) int64 {
		if e.Shown != 0 {
			return e.Shown
		}
		return all
	}
	switch e.Feed {
	case 'A', 'U':
		if e.Feed == 'U' {
			if err := f.less(e.OldRef, f.orders[e.OldRef].qty, e); err != nil {
				return err
			}
		}
		if _, known := f.orders[e.Ref]; known || shown(e.Leaves) < 1 || e.Conditions&(Hidden|AllOrNone) != 0 {
			return fmt.Errorf("the feed shows what it should not: %+v", *e)
		}
		o := feedOrder{feedPrice{e.Instrument, e.Side, e.Price}, shown(e.Leaves)}
		f.orders[e.Ref], f.changed[o.feedPrice] = o, e.Index
	case 'E':
		if o := f.orders[e.Ref]; o.price != e.LastPrice {
			return fmt.Errorf("the feed trades order %d at %d, it was shown at %d", e.Ref, e.LastPrice, o.price)
		}
		return f.less(e.Ref, e.LastQty, e)
	case 'X':
		return f.less(e.Ref, shown(e.LastQty), e)
	case 'D':
		ref := e.Ref
		if e.Kind == Replaced {
			ref = e.OldRef
		}
		return f.less(ref, f.orders[ref].qty, e)
	}
	return nil
}

// compare checks that the feed's books are those of the market as far as they are shown, level by level, and that each level's stamp is that of its last
// change on the feed.
func (f *feedBook) compare(m *Market) error {
	want := map[feedPrice]PriceLevel{}
	for _, o := range f.orders {
		l := want[o.feedPrice]
		l.Price, l.Stamp = o.price, f.changed[o.feedPrice]
		l.Qty += o.qty
		l.Orders++
		want[o.feedPrice] = l
	}
	n := 0
	for i := range m.NumInstruments() {
		for _, side := range []Side{Buy, Sell} {
			levels := m.Depth(uint16(i+1), side, 1<<30, nil)
			n += len(levels)
			for at, l := range levels {
				if w := want[feedPrice{uint16(i + 1), side, l.Price}]; w != l {
					return fmt.Errorf("instrument %d %v: the feed has %+v, the depth %+v", i+1, side, w, l)
				}
				if at > 0 && (l.Price > levels[at-1].Price) != (side == Sell) {
					return fmt.Errorf("instrument %d %v: %d behind %d", i+1, side, l.Price, levels[at-1].Price)
				}
			}
			if price, ok := m.Best(uint16(i+1), side); ok != (len(levels) > 0) || ok && price != levels[0].Price {
				return fmt.Errorf("instrument %d %v: the best is %d, the depth %+v", i+1, side, price, levels)
			}
		}
	}
	if n != len(want) {
		return fmt.Errorf("the feed has %d levels, the depth %d", len(want), n)
	}
	return nil
}
