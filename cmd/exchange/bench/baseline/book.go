// Package baseline is the plainest order book that is right: a map of orders, a sorted slice of prices for each side, a slice of orders for each price.
// It knows limit, immediate-or-cancel and market orders, cancel, reduce and replace, and reports nothing but its trades. It is what the
// exchange's own book is measured beside, in the same run, and what it is compared with trade by trade.
package baseline

import (
	"slices"
	"sort"

	"exchange/cmd/exchange/orderflow"
)

// Book holds the orders of all symbols of an order-flow file.
type Book struct {
	orders map[uint64]*order
	sides  [][2]side // by symbol

	// Trades, Volume and Rejects count; Hash is over the trades.
	Trades, Volume, Rejects uint64
	Hash                    orderflow.TradeHash
}

type order struct {
	id    uint64
	price int64
	open  uint32
	sym   uint16
	side  uint8
}

// side has its levels best last, so that the best is cheap to take off.
type side struct{ levels []level }

type level struct {
	price  int64
	orders []*order // oldest first
}

// New makes the books of so many symbols.
func New(symbols int) *Book {
	return &Book{orders: map[uint64]*order{}, sides: make([][2]side, symbols), Hash: orderflow.NewTradeHash()}
}

// Resting is how many orders are open.
func (b *Book) Resting() int { return len(b.orders) }

// Play plays one record.
func (b *Book) Play(r *orderflow.Record) {
	switch r.Op {
	case orderflow.Add, orderflow.IOC, orderflow.Market:
		b.enter(r, r.ID)
		return
	}
	o := b.orders[r.ID]
	switch {
	case o == nil:
		b.Rejects++
	case r.Op == orderflow.Reduce && r.Qty < o.open:
		o.open -= r.Qty
	default:
		b.remove(o)
		if r.Op == orderflow.Replace {
			b.enter(r, r.Aux)
		}
	}
}

// worse tells whether a price is worse than another for the side that rests there.
func worse(side uint8, a, b int64) bool {
	if side == 0 {
		return a < b
	}
	return a > b
}

func (b *Book) enter(r *orderflow.Record, id uint64) {
	o := &order{id: id, price: r.Price, open: r.Qty, sym: r.Symbol, side: r.Side}
	other := &b.sides[r.Symbol][1-r.Side]
	for o.open > 0 && len(other.levels) > 0 {
		l := &other.levels[len(other.levels)-1]
		if r.Op != orderflow.Market && worse(1-r.Side, l.price, o.price) {
			break
		}
		rest := l.orders[0]
		qty := min(o.open, rest.open)
		o.open -= qty
		rest.open -= qty
		b.Trades++
		b.Volume += uint64(qty)
		b.Hash.Add(rest.id, id, uint64(l.price), uint64(qty))
		if rest.open > 0 {
			break
		}
		delete(b.orders, rest.id)
		if l.orders = l.orders[1:]; len(l.orders) == 0 {
			other.levels = other.levels[:len(other.levels)-1]
		}
	}
	if o.open == 0 || r.Op == orderflow.IOC || r.Op == orderflow.Market {
		return
	}
	b.orders[id] = o
	s := &b.sides[r.Symbol][r.Side]
	at := s.find(r.Side, o.price)
	if at == len(s.levels) || s.levels[at].price != o.price {
		s.levels = slices.Insert(s.levels, at, level{price: o.price})
	}
	s.levels[at].orders = append(s.levels[at].orders, o)
}

// find is where a price is, or belongs.
func (s *side) find(which uint8, price int64) int {
	return sort.Search(len(s.levels), func(i int) bool { return !worse(which, s.levels[i].price, price) })
}

func (b *Book) remove(o *order) {
	s := &b.sides[o.sym][o.side]
	at := s.find(o.side, o.price)
	l := &s.levels[at]
	i := slices.Index(l.orders, o)
	if l.orders = slices.Delete(l.orders, i, i+1); len(l.orders) == 0 {
		s.levels = slices.Delete(s.levels, at, at+1)
	}
	delete(b.orders, o.id)
}
