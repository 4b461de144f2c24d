package depth

import (
	"errors"
	"fmt"

	"exchange/marketdata/itch"
)

// Why a message is impossible: the feed or its reader has a fault, and the books are not to be trusted any further. The message changed nothing.
var (
	ErrUnknownInstrument = errors.New("the instrument was never listed")
	ErrOtherInstrument   = errors.New("the number belongs to another instrument")
	ErrUnknownOrder      = errors.New("no order with this reference rests")
	ErrDuplicateOrder    = errors.New("an order with this reference rests already")
	ErrTooManyShares     = errors.New("more shares than the order has")
	ErrNoShares          = errors.New("no shares")
	ErrSide              = errors.New("a side that is neither B nor S")
)

// Builder builds the books of a feed from its first message on.
type Builder struct {
	books  []*Book // by locate
	symbol map[string]*Book
	orders orders
	// event is the last system event, its Code 0 before the first.
	event itch.Message
}

// NewBuilder makes a builder without books.
func NewBuilder() *Builder {
	return &Builder{symbol: make(map[string]*Book), orders: makeOrders()}
}

// Book gives an instrument's book, nil if it is not listed.
func (b *Builder) Book(symbol string) *Book { return b.symbol[symbol] }

// Books gives all of them in the order of their numbers.
func (b *Builder) Books() (all []*Book) {
	for _, k := range b.books {
		if k != nil {
			all = append(all, k)
		}
	}
	return all
}

// Orders counts what rests in all books.
func (b *Builder) Orders() int { return len(b.orders.at) }

// Day is the code of the last system event: O S Q M E C, 0 before the first.
func (b *Builder) Day() byte { return b.event.Code }

// ApplyBytes applies a message as it came. Types that package itch does not know change no book and are passed over (the Change's Type is 0).
func (b *Builder) ApplyBytes(message []byte) (Change, error) {
	var m itch.Message
	if err := itch.Decode(message, &m); err != nil {
		if errors.Is(err, itch.ErrUnknownType) {
			return Change{}, nil
		}
		return Change{}, err
	}
	return b.Apply(&m)
}

// Apply applies one message, which has to be the next one of the feed. An impossible one is an error that says why, and changes nothing.
func (b *Builder) Apply(m *itch.Message) (c Change, err error) {
	c = Change{Type: m.Type, Ref: m.Ref, Match: m.Match, Code: m.Code, Timestamp: m.Timestamp}
	switch m.Type {
	case itch.SystemEvent:
		b.event = *m
		return c, nil
	case itch.StockDirectory:
		err = b.list(m, &c)
	default:
		if c.Book = b.at(m.Locate); c.Book == nil {
			err = ErrUnknownInstrument
			break
		}
		err = b.change(m, &c)
	}
	if err != nil {
		return Change{}, fmt.Errorf("message %c for instrument %d, order %d: %w", m.Type, m.Locate, m.Ref, err)
	}
	return c, nil
}

func (b *Builder) at(locate uint16) *Book {
	if int(locate) >= len(b.books) {
		return nil
	}
	return b.books[locate]
}

// list adds an instrument, or changes its lot if it is listed already.
func (b *Builder) list(m *itch.Message, c *Change) error {
	symbol := m.Stock.String()
	k := b.at(m.Locate)
	if other := b.symbol[symbol]; m.Locate == 0 || other != k {
		return ErrOtherInstrument
	}
	if k == nil {
		k = &Book{Locate: m.Locate, Symbol: symbol, stock: m.Stock, orders: &b.orders, bids: side{buy: true}}
		for len(b.books) <= int(m.Locate) {
			b.books = append(b.books, nil)
		}
		b.books[m.Locate], b.symbol[symbol] = k, k
	}
	k.RoundLot, k.directory = m.RoundLot, *m
	c.Book = k
	return nil
}

// change applies a message about the instrument c.Book.
func (b *Builder) change(m *itch.Message, c *Change) error {
	switch m.Type {
	case itch.TradingAction:
		c.Book.State, c.Book.action = m.Code, *m
	case itch.AddOrder, itch.AddOrderMPID:
		return b.add(m, c)
	case itch.OrderExecuted, itch.ExecutedWithPrice:
		return b.execute(m, c)
	case itch.OrderCancel:
		return b.cancel(m, c)
	case itch.OrderDelete:
		return b.delete(m, c)
	case itch.OrderReplace:
		return b.replace(m, c)
	case itch.Trade, itch.CrossTrade:
		c.Price, c.Shares, c.Side = m.Price, m.Shares, m.Side
		c.Book.Trades.add(Trade{Match: m.Match, Price: m.Price, Shares: m.Shares, Timestamp: m.Timestamp})
	case itch.BrokenTrade:
		c.Book.Trades.bust(m.Match)
	}
	return nil
}

func (b *Builder) add(m *itch.Message, c *Change) error {
	switch _, known := b.orders.at[m.Ref]; {
	case known:
		return ErrDuplicateOrder
	case m.Shares == 0:
		return ErrNoShares
	case m.Side != 'B' && m.Side != 'S':
		return ErrSide
	case m.Stock != c.Book.stock:
		return ErrOtherInstrument
	}
	s := c.Book.side(m.Side)
	s.enqueue(&b.orders, b.orders.add(m.Locate, Order{Ref: m.Ref, Price: m.Price, Shares: m.Shares, Side: m.Side, MPID: m.MPID, Timestamp: m.Timestamp}))
	c.Side, c.Price, c.Shares, c.Left = m.Side, m.Price, m.Shares, m.Shares
	c.LevelShares = s.shares(m.Price)
	return nil
}

// find gives the order that a message means.
func (b *Builder) find(m *itch.Message) (at uint32, n *node, err error) {
	at, known := b.orders.at[m.Ref]
	if !known {
		return 0, nil, ErrUnknownOrder
	}
	n = &b.orders.nodes[at]
	if n.locate != m.Locate {
		return 0, nil, ErrOtherInstrument
	}
	return at, n, nil
}

// take takes shares off an order, fewer or all of what it has, and notes it in the change.
func (b *Builder) take(m *itch.Message, c *Change) error {
	at, n, err := b.find(m)
	switch {
	case err != nil:
		return err
	case m.Shares == 0:
		return ErrNoShares
	case m.Shares > n.Shares:
		return fmt.Errorf("%w: %d of %d", ErrTooManyShares, m.Shares, n.Shares)
	}
	c.Side, c.Price, c.OrderPrice, c.Shares, c.Left = n.Side, n.Price, n.Price, m.Shares, n.Shares-m.Shares
	s := c.Book.side(n.Side)
	s.take(&b.orders, at, m.Shares)
	c.LevelShares = s.shares(c.OrderPrice)
	return nil
}

func (b *Builder) execute(m *itch.Message, c *Change) error {
	if err := b.take(m, c); err != nil {
		return err
	}
	printed := true
	if m.Type == itch.ExecutedWithPrice {
		c.Price, printed = m.Price, m.Printable == 'Y'
	}
	if printed {
		c.Book.Trades.add(Trade{Match: m.Match, Price: c.Price, Shares: m.Shares, Taker: opposite(c.Side), Timestamp: m.Timestamp})
	}
	return nil
}

func opposite(sideLetter byte) byte {
	if sideLetter == 'B' {
		return 'S'
	}
	return 'B'
}

// cancel takes shares off; what is left keeps its place. Without any left the order is gone, as the specification allows.
func (b *Builder) cancel(m *itch.Message, c *Change) error { return b.take(m, c) }

func (b *Builder) delete(m *itch.Message, c *Change) error {
	at, n, err := b.find(m)
	if err != nil {
		return err
	}
	c.Side, c.Price, c.OrderPrice, c.Shares = n.Side, n.Price, n.Price, n.Shares
	s := c.Book.side(n.Side)
	s.take(&b.orders, at, n.Shares)
	c.LevelShares = s.shares(c.Price)
	return nil
}

// replace takes the old order out and puts the new one at the end of its level.
func (b *Builder) replace(m *itch.Message, c *Change) error {
	at, n, err := b.find(m)
	switch _, known := b.orders.at[m.NewRef]; {
	case err != nil:
		return err
	case m.Shares == 0:
		return ErrNoShares
	case known:
		return fmt.Errorf("new reference %d: %w", m.NewRef, ErrDuplicateOrder)
	}
	old := n.Order
	s := c.Book.side(old.Side)
	s.take(&b.orders, at, old.Shares)
	s.enqueue(&b.orders, b.orders.add(m.Locate, Order{Ref: m.NewRef, Price: m.Price, Shares: m.Shares, Side: old.Side, MPID: old.MPID, Timestamp: m.Timestamp}))
	c.Ref, c.OldRef, c.Side, c.Price, c.OrderPrice = m.NewRef, m.Ref, old.Side, m.Price, old.Price
	c.Shares, c.OldShares, c.Left = m.Shares, old.Shares, m.Shares
	c.LevelShares = s.shares(m.Price)
	return nil
}
