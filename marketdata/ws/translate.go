package ws

import (
	"exchange/marketdata/depth"
	"exchange/marketdata/itch"
)

// taker is the order that came in, as far as the feed tells: it met resting orders of one side, and perhaps rested afterwards.
type taker struct {
	p     *Product
	maker byte // side of the resting orders
	kind  idKind
	id    uint64
	open  bool // it is neither done nor in the book
}

// translate makes the events of full out of what a command's messages did, in their order:
//
//  1. An order that enters the book is received and open.
//  2. The first of several executions on one side begins an incoming order: it is looked for what it does in all, and received.
//  3. Each execution is a match, and the resting order is done when nothing is left of it.
//  4. The incoming order enters the book (open), or is done when the command goes on without it or ends.
func (m *Market) translate() {
	var t taker
	for i := range m.changes {
		c := &m.changes[i]
		var p *Product
		if c.Book != nil {
			p = m.products[c.Book.Locate]
			m.involve(p)
		}
		switch c.Type {
		case itch.SystemEvent, itch.StockDirectory, itch.TradingAction:
			m.statusDirty = true
		case itch.AddOrder, itch.AddOrderMPID:
			m.entered(&t, p, c.Ref, c)
		case itch.OrderExecuted, itch.ExecutedWithPrice, itch.Trade:
			m.executed(&t, p, i)
		case itch.OrderCancel:
			m.reduced(p, c)
		case itch.OrderDelete:
			m.done(p, c.Ref, c.Side, c.Price, c.Shares, canceled)
			p.touch(c.Side, c.Price)
		case itch.OrderReplace:
			m.done(p, c.OldRef, c.Side, c.OrderPrice, c.OldShares, canceled)
			p.touch(c.Side, c.OrderPrice)
			m.entered(&t, p, c.Ref, c)
		}
	}
	m.finish(&t)
}

// event files one event of full.
func (m *Market) event(p *Product, r record) {
	p.sequence++
	r.prev, r.sequence, r.time, r.locate = p.last, p.sequence, m.time, p.book.Locate
	p.last = m.ring.add(&r)
	if p.wanted[Full] {
		p.frames[Full] = m.appendEvent(p.frames[Full], p, &r)
	}
	if r.kind == matched && p.wanted[Matches] {
		p.frames[Matches] = m.appendEvent(p.frames[Matches], p, &r)
	}
}

// entered is an order that stands in the book now: what is left of the incoming one, or one of its own.
func (m *Market) entered(t *taker, p *Product, ref uint64, c *depth.Change) {
	if t.open && t.p == p && t.id == ref && t.kind == byReference {
		t.open = false
	} else {
		m.event(p, record{kind: received, order: ref, size: c.Shares, price: c.Price, side: c.Side})
	}
	m.event(p, record{kind: opened, order: ref, size: c.Shares, price: c.Price, side: c.Side})
	p.touch(c.Side, c.Price)
}

// executed is a match of change i.
func (m *Market) executed(t *taker, p *Product, i int) {
	c := &m.changes[i]
	maker := c.Side
	if c.Type == itch.Trade {
		maker = m.makerOf(t, p, i)
	}
	if !t.open || t.p != p || t.maker != maker {
		m.finish(t)
		m.arrived(t, p, maker, i)
	}
	r := record{kind: matched, order: c.Ref, taker: t.id, takerKind: t.kind, trade: c.Match, size: c.Shares, price: c.Price, side: maker}
	if c.Type == itch.Trade {
		r.order, r.orderKind = c.Match, hidden
	}
	m.event(p, r)
	p.traded, p.trade = true, Trade{ID: c.Match, Price: c.Price, Size: c.Shares, Maker: maker, Time: m.time, Sequence: p.sequence}
	p.history.add(p.trade)
	if c.Type == itch.Trade {
		return
	}
	if c.Left == 0 {
		m.done(p, c.Ref, c.Side, c.OrderPrice, 0, filled)
	}
	p.touch(c.Side, c.OrderPrice)
}

// makerOf gives the side of a resting order that was not shown, of which the feed tells nothing: that of the others which the same order met.
func (m *Market) makerOf(t *taker, p *Product, i int) byte {
	if t.open && t.p == p {
		return t.maker
	}
	for j := i + 1; j < len(m.changes); j++ {
		switch c := &m.changes[j]; {
		case c.Book != p.book:
		case c.Type == itch.OrderExecuted || c.Type == itch.ExecutedWithPrice:
			return c.Side
		case c.Type == itch.AddOrder || c.Type == itch.AddOrderMPID:
			return opposite(c.Side)
		}
	}
	return m.changes[i].Side
}

func opposite(side byte) byte {
	if side == 'B' {
		return 'S'
	}
	return 'B'
}

// arrived begins an incoming order at its first match, change i: the matches that follow on the same side are its own, and an order that
// then enters the book on the other side is what is left of it. Orders that enter on the resting side are icebergs showing their next part.
func (m *Market) arrived(t *taker, p *Product, maker byte, i int) {
	*t = taker{p: p, maker: maker, kind: byMatch, id: m.changes[i].Match, open: true}
	r := record{kind: received, side: opposite(maker), unpriced: true}
scan:
	for j := i; j < len(m.changes); j++ {
		c := &m.changes[j]
		if c.Book != p.book {
			continue
		}
		switch c.Type {
		case itch.Trade:
			r.size += c.Shares
		case itch.OrderExecuted, itch.ExecutedWithPrice:
			if c.Side != maker {
				break scan
			}
			r.size += c.Shares
		case itch.AddOrder, itch.AddOrderMPID:
			if c.Side != maker {
				r.size += c.Shares
				r.price, r.unpriced = c.Price, false
				t.kind, t.id = byReference, c.Ref
				break scan
			}
		}
	}
	r.order, r.orderKind = t.id, t.kind
	m.event(p, r)
}

// finish ends an incoming order that left nothing in the book.
func (m *Market) finish(t *taker) {
	if t.open {
		m.event(t.p, record{kind: filled, order: t.id, orderKind: t.kind, side: opposite(t.maker), unpriced: true})
	}
	t.open = false
}

// reduced is an order that lost shares and kept its place.
func (m *Market) reduced(p *Product, c *depth.Change) {
	m.event(p, record{kind: changed, order: c.Ref, size: c.Left, before: c.Left + c.Shares, price: c.Price, side: c.Side})
	if c.Left == 0 {
		m.done(p, c.Ref, c.Side, c.Price, 0, canceled)
	}
	p.touch(c.Side, c.Price)
}

// done is a resting order that left the book, with so many shares open.
func (m *Market) done(p *Product, ref uint64, side byte, price uint32, left uint64, why recordKind) {
	m.event(p, record{kind: why, order: ref, size: left, price: price, side: side})
}
