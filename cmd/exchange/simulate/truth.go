package simulate

import (
	"bytes"
	"slices"

	"exchange/book"
	"exchange/consensus"
)

// truth is what the first replica to get so far made of the log. Every other one must make the same of it.
type truth struct {
	entries  map[uint64]uint32 // chain after a log entry
	decided  map[uint64]uint32 // chain at a first undecided offset, by index
	leaders  map[uint64]led    // who led under a number
	commands []uint64          // state hash after each command, from 1
	sum      []int64           // what all orders have open after each command, by the events; from 1
	orders   map[uint64]open   // those that are open, by number
	reports  [maxClients + 4][]report
	feed     [][]byte // messages, from 1
	canceled []uint64 // commands by which the exchange cancelled a session's orders
}

// led is a leadership: a replica's incarnation that led.
type led struct {
	id          int
	incarnation uint64
}

// report is what is remembered of a message to a session.
type report struct {
	index uint64 // of the command
	event book.EventKind
	code  byte
	order uint64
	left  int64
}

func newTruth() truth {
	return truth{entries: map[uint64]uint32{}, decided: map[uint64]uint32{}, leaders: map[uint64]led{}, commands: make([]uint64, 1, 256),
		sum: make([]int64, 1, 256), orders: map[uint64]open{}}
}

// command takes in that a replica applied the command with the index.
func (t *truth) command(r *replica, index, hash uint64, c *book.Command, events []book.Event) {
	if index != uint64(len(t.commands)) {
		t.at(r, index, hash)
		return
	}
	t.commands = append(t.commands, hash)
	r.w.mix(index, hash)
	r.w.lastApplied = r.w.net.Now()
	if c.Kind == book.CancelSession {
		t.canceled = append(t.canceled, index)
	}
	t.account(r, events)
	for i := range events {
		e := &events[i]
		if e.OutSeq == 0 {
			continue
		}
		of := &t.reports[e.Session]
		if e.OutSeq != uint64(len(*of))+1 {
			r.w.violated("session %d is given number %d after %d messages", e.Session, e.OutSeq, len(*of))
			return
		}
		*of = append(*of, report{index: index, event: e.Kind, code: e.Code, order: e.OrderID, left: e.Leaves})
	}
}

// open is an order that is open, by the events.
type open struct {
	qty        int64
	rests      bool
	instrument uint16
	side       book.Side
	price      int64
	ref        uint64
}

// account follows what orders have open, event by event: nothing is bought that is not sold, nothing of an order gets lost, and whoever rests first at the
// best price trades first.
func (t *truth) account(r *replica, events []book.Event) {
	sum := t.sum[len(t.sum)-1]
	for i := range events {
		e := &events[i]
		o := t.orders[e.OrderID]
		was := o.qty
		switch e.Kind {
		case book.Filled:
			if was != e.Leaves+e.LastQty {
				r.w.violated("command %d: order %d had %d open, and %d after %d were traded", e.Index, e.OrderID, was, e.Leaves, e.LastQty)
			}
			if e.Resting {
				t.priority(r, e, &o)
			} else if i == 0 || !sameTrade(&events[i-1], e) {
				r.w.violated("command %d: order %d trades %d with nobody", e.Index, e.OrderID, e.LastQty)
			}
			o.qty = e.Leaves
		case book.Accepted, book.Reduced, book.Replaced:
			if e.Cum+e.Leaves != e.Qty {
				r.w.violated("command %d: of the %d of order %d %d are filled and %d open", e.Index, e.Qty, e.OrderID, e.Cum, e.Leaves)
			}
			if o.qty = e.Leaves; e.Kind != book.Reduced {
				o = open{e.Leaves, e.Feed == 'U', e.Instrument, e.Side, e.Price, e.Ref}
			}
		case book.Rested:
			if e.Leaves != was {
				r.w.violated("command %d: order %d had %d open and rests with %d", e.Index, e.OrderID, was, e.Leaves)
			}
			o = open{was, true, e.Instrument, e.Side, e.Price, e.Ref}
		case book.Cancelled:
			o.qty = 0
		default:
			continue
		}
		sum += o.qty - was
		if t.orders[e.OrderID] = o; o.qty == 0 {
			delete(t.orders, e.OrderID)
		}
	}
	t.sum = append(t.sum, sum)
}

// priority: no other order goes before the one that trades.
func (t *truth) priority(r *replica, e *book.Event, o *open) {
	first, number := *o, e.OrderID
	for id, other := range t.orders {
		if other.rests && other.instrument == o.instrument && other.side == o.side && goesBefore(o.side, other.price, first.price, other.ref, first.ref) {
			first, number = other, id
		}
	}
	if number != e.OrderID {
		r.w.violated("command %d: order %d at %d trades before order %d at %d", e.Index, e.OrderID, o.price, number, first.price)
	}
}

// goesBefore tells whether one order of a side trades before another: at the better price, or at the same price and there for longer.
func goesBefore(side book.Side, price, otherPrice int64, ref, otherRef uint64) bool {
	if price != otherPrice {
		return price > otherPrice == (side == book.Buy)
	}
	return ref < otherRef
}

// sameTrade tells whether two fills are the two sides of one trade, at the price of the one that rested.
func sameTrade(resting, incoming *book.Event) bool {
	return resting.Kind == book.Filled && resting.Resting && resting.Match == incoming.Match && resting.Side != incoming.Side &&
		resting.Instrument == incoming.Instrument && resting.LastQty == incoming.LastQty && resting.LastPrice == incoming.LastPrice && resting.LastPrice == resting.Price
}

// at compares a replica's state with what is known of that place.
func (t *truth) at(r *replica, index, hash uint64) {
	switch {
	case index >= uint64(len(t.commands)):
		r.w.violated("replica %d is at command %d, nobody was beyond %d", r.id, index, len(t.commands)-1)
	case t.commands[index] != hash:
		r.w.violated("replica %d: its state after command %d differs from that of others", r.id, index)
	}
}

// entry compares the chain of the log up to an entry.
func (t *truth) entry(r *replica, at consensus.Position) {
	if was, known := t.entries[at.Index]; known && was != at.Chain {
		r.w.violated("replica %d applied another entry %d than others", r.id, at.Index)
	}
	t.entries[at.Index] = at.Chain
}

// message compares a feed message.
func (t *truth) message(r *replica, number uint64, m []byte) {
	switch {
	case number == uint64(len(t.feed))+1:
		t.feed = append(t.feed, slices.Clone(m))
	case number > uint64(len(t.feed)):
		r.w.violated("replica %d publishes feed message %d, nobody published %d", r.id, number, len(t.feed)+1)
	case !bytes.Equal(t.feed[number-1], m):
		r.w.violated("replica %d publishes feed message %d as %q, others as %q", r.id, number, m, t.feed[number-1])
	}
}
