package drill

import (
	"fmt"
	"slices"

	"exchange/book"
	"exchange/marketdata/itch"
)

// The history of a drill, played again on a model that knows the rules of price and time and nothing of the engine:
//
//  1. The feed's messages, in their order, are applied to plain lists of resting orders. An execution must take from the order that is first in time at
//     the best price of its side; what is added must not cross.
//  2. Messages that one command caused are held against what the client asked for in it, if it was a new order: its executions within its limit,
//     and what they left resting at its limit, or gone if it was not to rest. The feed must go through the commands in the log's order.
//  3. Each trade must have been told to the owners of exactly two orders, with its quantity and price.

// record keeps feed messages that concern orders, each behind a byte with its length.
type record []byte

func (r *record) add(message []byte) {
	switch message[0] {
	case itch.StockDirectory, itch.AddOrder, itch.AddOrderMPID, itch.OrderExecuted, itch.ExecutedWithPrice, itch.OrderCancel, itch.OrderDelete, itch.OrderReplace:
		*r = append(append(*r, byte(len(message))), message...)
	}
}

// each calls f with each message and the number of the command that caused it, of which a message has the low 16 bits. A stock directory's message is of no
// order, and its number is 0.
func (r record) each(f func(index uint64, m *itch.Message, err error)) {
	var m itch.Message
	at := uint64(0)
	for len(r) > 0 {
		n := int(r[0]) + 1
		err := itch.Decode(r[1:n], &m)
		r = r[n:]
		if m.Type == itch.StockDirectory {
			f(0, &m, err)
			continue
		}
		at += uint64(m.Tracking - uint16(at))
		f(at, &m, err)
	}
}

// rules is the model, and what it found.
type rules struct {
	symbols map[uint16]string
	sides   map[place]*queue
	resting map[uint64]*restingOrder
	asked   map[uint64]*operation // by command
	trades  map[uint64]*trade

	at       uint64 // the command whose messages come
	executed int64  // by that command
	worst    uint32 // price at which it traded
	taken    byte   // side it took from; 0: none
	added    []itch.Message

	messages, count int
	faults          []string
}

// place is one side of one instrument.
type place struct {
	locate uint16
	side   byte
}

// queue holds a side's orders in the order of their priority.
type queue []*restingOrder

type restingOrder struct {
	ref    uint64
	place  place
	price  uint32
	shares uint64
}

// trade is a match as the feed has it, and how many orders' owners were told of it.
type trade struct {
	command uint64
	shares  int64
	price   int64
	told    int
}

func (v *rules) fault(format string, args ...any) {
	if v.count++; len(v.faults) < 10 {
		v.faults = append(v.faults, fmt.Sprintf(format, args...))
	}
}

// replay holds the record against the rules and against what clients asked and were told.
func (r record) replay(operations []operation, fills []fill) *rules {
	v := &rules{symbols: map[uint16]string{}, sides: map[place]*queue{}, resting: map[uint64]*restingOrder{}, asked: map[uint64]*operation{}, trades: map[uint64]*trade{}}
	for k := range operations {
		v.asked[operations[k].index] = &operations[k]
	}
	r.each(func(index uint64, m *itch.Message, err error) {
		if err != nil {
			v.fault("feed message after command %d: %v", v.at, err)
		}
		v.messages++
		v.take(index, m)
	})
	v.endCommand()
	for index, o := range v.asked {
		if !o.rejected && !o.order.immediate {
			v.fault("command %d, a day order that was acknowledged, never came on the feed", index)
		}
	}
	v.compare(fills)
	return v
}

// take applies one message of a command.
func (v *rules) take(index uint64, m *itch.Message) {
	if m.Type == itch.StockDirectory {
		v.symbols[m.Locate] = m.Stock.String()
		return
	}
	if index != v.at {
		v.endCommand()
		v.at = index
	}
	switch m.Type {
	case itch.AddOrder, itch.AddOrderMPID:
		v.add(&restingOrder{m.Ref, place{m.Locate, m.Side}, m.Price, m.Shares})
		v.added = append(v.added, *m)
		return
	}
	o := v.resting[m.Ref]
	if o == nil {
		v.fault("feed: message %c about order %d, which does not rest", m.Type, m.Ref)
		return
	}
	switch m.Type {
	case itch.OrderExecuted, itch.ExecutedWithPrice:
		v.execute(o, m)
	case itch.OrderCancel:
		v.reduce(o, m.Shares)
	case itch.OrderDelete:
		v.reduce(o, o.shares)
	case itch.OrderReplace:
		v.reduce(o, o.shares)
		v.add(&restingOrder{m.NewRef, o.place, m.Price, m.Shares})
	}
}

func (v *rules) queue(p place) *queue {
	q := v.sides[p]
	if q == nil {
		q = &queue{}
		v.sides[p] = q
	}
	return q
}

// better tells whether a price goes before another on the side.
func (p place) better(a, b uint32) bool {
	if p.side == 'B' {
		return a > b
	}
	return a < b
}

func (p place) opposite() place {
	if p.side == 'B' {
		return place{p.locate, 'S'}
	}
	return place{p.locate, 'B'}
}

func (v *rules) add(o *restingOrder) {
	if against := *v.queue(o.place.opposite()); len(against) > 0 && !o.place.better(against[0].price, o.price) {
		v.fault("command %d: order %d rests on side %c at %d and crosses order %d at %d", v.at, o.ref, o.place.side, o.price, against[0].ref, against[0].price)
	}
	if v.resting[o.ref] != nil {
		v.fault("command %d: order %d rests twice", v.at, o.ref)
	}
	q := v.queue(o.place)
	at := slices.IndexFunc(*q, func(r *restingOrder) bool { return o.place.better(o.price, r.price) })
	if at < 0 {
		at = len(*q)
	}
	*q = slices.Insert(*q, at, o)
	v.resting[o.ref] = o
}

func (v *rules) reduce(o *restingOrder, shares uint64) {
	if shares > o.shares {
		v.fault("command %d: %d taken off order %d, which has %d", v.at, shares, o.ref, o.shares)
		shares = o.shares
	}
	if o.shares -= shares; o.shares == 0 {
		q := v.queue(o.place)
		*q = slices.DeleteFunc(*q, func(r *restingOrder) bool { return r == o })
		delete(v.resting, o.ref)
	}
}

func (v *rules) execute(o *restingOrder, m *itch.Message) {
	if first := (*v.queue(o.place))[0]; first != o {
		v.fault("command %d: order %d at %d is executed before order %d at %d", v.at, o.ref, o.price, first.ref, first.price)
	}
	if v.taken != 0 && v.taken != o.place.side {
		v.fault("command %d takes from both sides", v.at)
	}
	price := o.price
	if m.Type == itch.ExecutedWithPrice {
		price = m.Price
	}
	if v.trades[m.Match] != nil {
		v.fault("command %d: match %d comes twice", v.at, m.Match)
	}
	v.trades[m.Match] = &trade{v.at, int64(m.Shares), int64(price), 0}
	v.executed, v.worst, v.taken = v.executed+int64(m.Shares), price, o.place.side
	v.reduce(o, m.Shares)
}

// endCommand holds what a command caused against what was asked in it.
func (v *rules) endCommand() {
	if o := v.asked[v.at]; o != nil {
		delete(v.asked, v.at)
		v.answer(o)
	}
	v.executed, v.worst, v.taken, v.added = 0, 0, 0, v.added[:0]
}

func (v *rules) answer(o *operation) {
	left := o.order.qty - v.executed
	side, against := byte('B'), byte('S')
	if o.order.side == book.Sell {
		side, against = against, side
	}
	switch {
	case o.rejected:
		v.fault("command %d was rejected, and the feed has messages of it", v.at)
	case v.executed > 0 && (v.taken != against || place{side: side}.better(v.worst, uint32(o.order.price))):
		v.fault("command %d asked for side %c at %d and traded at %d with side %c", v.at, side, o.order.price, v.worst, v.taken)
	case left < 0 || len(v.added) > 1:
		v.fault("command %d: %d of %d executed, %d orders added", v.at, v.executed, o.order.qty, len(v.added))
	case o.order.immediate && len(v.added) > 0:
		v.fault("command %d was not to rest and does", v.at)
	case o.order.immediate:
	case left == 0 != (len(v.added) == 0):
		v.fault("command %d: %d of %d are left, %d orders added", v.at, left, o.order.qty, len(v.added))
	case left > 0:
		m := &v.added[0]
		if m.Side != side || int64(m.Shares) != left || int64(m.Price) != o.order.price || v.symbols[m.Locate] != o.order.symbol {
			v.fault("command %d should rest with %s side %c %d@%d and rests with %s side %c %d@%d", v.at, o.order.symbol, side, left, o.order.price,
				v.symbols[m.Locate], m.Side, m.Shares, m.Price)
		}
	}
}

// compare holds what clients were told of trades against the feed's.
func (v *rules) compare(fills []fill) {
	for _, f := range fills {
		t := v.trades[f.match]
		switch {
		case t == nil:
			v.fault("a client was told of match %d, which is not on the feed", f.match)
			continue
		case t.shares != f.qty || t.price != f.price || f.index != 0 && f.index != t.command:
			v.fault("a client was told of match %d as %d@%d in command %d; on the feed it is %d@%d in command %d", f.match, f.qty, f.price, f.index,
				t.shares, t.price, t.command)
		}
		t.told++
	}
	for match, t := range v.trades {
		if t.told != 2 {
			v.fault("match %d of the feed was told to %d orders' owners", match, t.told)
		}
	}
}
