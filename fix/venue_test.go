package fix

import (
	"fmt"

	"exchange/book"
)

// venue is a small state machine in place of book.Market: one session's numbers as the book keeps them, and orders that rest and never
// match unless a story says so. Its events are the outbound store.
type venue struct {
	nextIn, nextOut uint64
	epoch           uint32
	connected       bool
	mayReset        bool
	index           uint64
	orderID, match  uint64
	orders          map[book.ClientID]*book.Event
	seen            map[book.ClientID]bool
	store           []book.Event
}

func newVenue() *venue {
	return &venue{nextIn: 1, nextOut: 1, mayReset: true, orders: map[book.ClientID]*book.Event{}, seen: map[book.ClientID]bool{}}
}

// apply is what the book does with a command of the session.
func (v *venue) apply(c *book.Command, now int64) (events []book.Event) {
	v.index++
	base := book.Event{Index: v.index, Time: now, Session: c.Session, InSeq: c.InSeq, Epoch: v.epoch}
	emit := func(ev book.Event) {
		if ev.Kind != book.SessionClosed && ev.Kind != book.CommandDropped {
			ev.OutSeq = v.nextOut
			v.nextOut++
		}
		if ev.NextIn == 0 {
			ev.NextIn = v.nextIn
		}
		if ev.OutSeq != 0 {
			v.store = append(v.store, ev)
		}
		events = append(events, ev)
	}
	if c.Kind == book.Logon {
		v.logon(c, base, emit)
		return events
	}
	if c.Epoch != v.epoch || c.Kind != book.Disconnect && c.InSeq != 0 && c.InSeq != v.nextIn {
		base.Kind, base.Epoch = book.CommandDropped, c.Epoch
		emit(base)
		return events
	}
	if c.InSeq != 0 {
		v.nextIn++
	}
	switch c.Kind {
	case book.Disconnect:
		v.connected = false
		base.Kind = book.SessionClosed
		emit(base)
	case book.SessionMessage:
		if c.NextIn != 0 {
			v.nextIn = c.NextIn
		}
		if c.Code != 0 {
			emit(sessionEvent(base, c))
		}
	default:
		v.order(c, base, emit)
	}
	return events
}

func sessionEvent(base book.Event, c *book.Command) book.Event {
	base.Kind, base.Code, base.Reason, base.Seconds = book.SessionMessageSent, c.Code, c.Reason, c.Seconds
	base.RefTag, base.RefMsgType, base.Flags = c.RefTag, c.RefMsgType, c.Flags
	base.ClientID, base.OrigID = c.ClientID, c.OrigID
	return base
}

func (v *venue) logon(c *book.Command, base book.Event, emit func(book.Event)) {
	v.epoch++
	base.Epoch = v.epoch
	answer := *c
	if c.Flags&book.ResetNumbers != 0 {
		if v.mayReset {
			v.nextIn, v.nextOut = 1, 1
			v.store = nil
		} else {
			answer.Flags &^= book.ResetNumbers
		}
	}
	refuse := func(text string) {
		answer.Code = '5'
		setText(&answer, []byte(text))
		emit(sessionEvent(base, &answer))
		base.Kind = book.SessionClosed
		emit(base)
		v.connected = false
	}
	switch {
	case c.InSeq < v.nextIn && c.Flags&book.PossDup == 0:
		refuse(tooLow(v.nextIn, c.InSeq))
		return
	case c.NextIn > v.nextOut:
		refuse(fmt.Sprintf("NextExpectedMsgSeqNum too high, expecting %d but received %d", v.nextOut, c.NextIn))
		return
	}
	v.connected = true
	answer.Code = 'A'
	missing := c.InSeq > v.nextIn
	if !missing {
		v.nextIn++
	}
	emit(sessionEvent(base, &answer))
	if missing {
		ask := book.Command{Code: '2'}
		base.InSeq = 0
		emit(sessionEvent(base, &ask))
	}
}

func (v *venue) order(c *book.Command, base book.Event, emit func(book.Event)) {
	base.Side, base.Type, base.TIF, base.Instrument, base.Price, base.Qty = c.Side, c.Type, c.TIF, c.Instrument, c.Price, c.Qty
	base.ClientID, base.OrigID = c.ClientID, c.OrigID
	reason := c.Reason
	if reason == book.NoReason && v.seen[c.ClientID] {
		reason = book.DuplicateClientID
	}
	v.seen[c.ClientID] = true
	if c.Kind == book.Enter {
		base.Kind, base.Reason = book.Rejected, reason
		if reason == book.NoReason {
			v.orderID++
			base.Kind, base.OrderID, base.Leaves = book.Accepted, v.orderID, c.Qty
			kept := base
			v.orders[c.ClientID] = &kept
		}
		emit(base)
		return
	}
	order := v.orders[c.OrigID]
	if reason == book.NoReason && order == nil {
		reason = book.UnknownOrder
	}
	if reason != book.NoReason {
		base.Kind, base.Reason, base.Code = book.CancelRejected, reason, 'F'
		if c.Kind == book.Replace {
			base.Code = 'G'
		}
		emit(base)
		return
	}
	delete(v.orders, c.OrigID)
	ev := *order
	ev.Index, ev.Time, ev.InSeq, ev.ClientID, ev.OrigID = base.Index, base.Time, base.InSeq, c.ClientID, c.OrigID
	if c.Kind == book.Cancel {
		ev.Kind, ev.Reason, ev.Leaves = book.Cancelled, book.UserRequest, 0
	} else {
		ev.Kind, ev.Price, ev.Qty, ev.Leaves = book.Replaced, c.Price, c.Qty, c.Qty-ev.Cum
		kept := ev
		v.orders[c.ClientID] = &kept
	}
	emit(ev)
}

// fill trades lots of an order at ticks.
func (v *venue) fill(id string, lots, ticks, now int64) book.Event {
	var key book.ClientID
	copy(key[:], id)
	order := v.orders[key]
	v.index++
	v.match++
	order.Cum += lots
	order.Leaves -= lots
	order.Notional += lots * ticks
	ev := *order
	ev.Kind, ev.LastQty, ev.LastPrice, ev.Match, ev.Index, ev.Time, ev.OrigID = book.Filled, lots, ticks, v.match, v.index, now, book.ClientID{}
	ev.InSeq = 0
	ev.OutSeq, ev.NextIn = v.nextOut, v.nextIn
	v.nextOut++
	v.store = append(v.store, ev)
	if order.Leaves == 0 {
		delete(v.orders, key)
	}
	return ev
}

// floor is a Directory of one session and two instruments.
type floor struct {
	session SessionConfig
	claimed bool
}

func newFloor() *floor {
	return &floor{session: SessionConfig{Number: 7, Sender: "TW", Target: "ISLD", MayReset: true}}
}

func (f *floor) Session(sender, target []byte) (SessionConfig, bool) {
	return f.session, string(sender) == f.session.Sender && string(target) == f.session.Target
}

func (f *floor) Claim(uint16) bool {
	if f.claimed {
		return false
	}
	f.claimed = true
	return true
}

var listed = []Instrument{
	{Symbol: "ABC", Number: 1, Tick: 100, Lot: 1},
	{Symbol: "LOT", Number: 2, Tick: 500, Lot: 100},
}

func (f *floor) Instrument(symbol []byte) (Instrument, bool) {
	for _, i := range listed {
		if i.Symbol == string(symbol) {
			return i, true
		}
	}
	return Instrument{}, false
}

func (f *floor) InstrumentByNumber(n uint16) (Instrument, bool) {
	if n == 0 || int(n) > len(listed) {
		return Instrument{}, false
	}
	return listed[n-1], true
}
