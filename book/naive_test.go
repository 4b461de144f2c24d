package book

import "slices"

// naive is the market written from the rules alone, with slices and searches: what Apply is compared with. It knows a market that is open, whose
// sessions 1…n are connected under epoch 1; it neither bounds anything nor checks ranges beyond price and quantity.
type naive struct {
	orders  []*naiveOrder // every open order, oldest first by the time it came to its present place
	seen    map[naiveID]bool
	order   map[naiveID]bool // ids that are or were an order's
	nextIn  []uint64
	nextOut []uint64
	halted  map[uint16]bool

	index, lastOrder, lastRef, lastMatch, lastFeed uint64
	time                                           int64
	maxPrice, maxQty                               int64
	events                                         []Event
}

type naiveID struct {
	session uint16
	id      ClientID
}

type naiveOrder struct {
	Command  // as entered; Price, Qty and ClientID follow replaces
	id, ref  uint64
	cum      int64
	notional int64
}

func (o *naiveOrder) open() int64 { return o.Qty - o.cum }

func (n *naive) event(kind EventKind) *Event {
	n.events = append(n.events, Event{Kind: kind, Index: n.index, Time: n.time})
	return &n.events[len(n.events)-1]
}

func (n *naive) feed(e *Event, message byte) {
	n.lastFeed++
	e.Feed, e.FeedSeq = message, n.lastFeed
}

func (n *naive) send(e *Event, session uint16) {
	e.Session, e.Epoch, e.NextIn, e.OutSeq = session, 1, n.nextIn[session], n.nextOut[session]
	n.nextOut[session]++
}

func (n *naive) of(kind EventKind, o *naiveOrder) *Event {
	e := n.event(kind)
	e.Instrument, e.Side, e.Type, e.TIF, e.Price, e.Qty = o.Instrument, o.Side, o.Type, o.TIF, o.Price, o.Qty
	e.OrderID, e.Ref, e.Cum, e.Leaves, e.ClientID, e.NotionalLo = o.id, o.ref, o.cum, o.open(), o.ClientID, uint64(o.notional)
	return e
}

func (n *naive) remember(c *Command) {
	if c.ClientID != (ClientID{}) {
		n.seen[naiveID{c.Session, c.ClientID}] = true
	}
}

func (n *naive) apply(c *Command) []Event {
	n.events = nil
	n.index++
	n.time = max(n.time, c.Time)
	switch c.Kind {
	case TradingAction:
		if halt := c.Code == 'H'; n.halted[c.Instrument] != halt {
			n.halted[c.Instrument] = halt
			e := n.event(TradingStateChanged)
			e.Instrument, e.Code = c.Instrument, c.Code
			n.feed(e, 'H')
		}
		return n.events
	case Tick:
		return n.events
	}
	if c.Epoch != 1 || c.InSeq != n.nextIn[c.Session] {
		e := n.event(CommandDropped)
		e.Session, e.Epoch, e.InSeq, e.NextIn = c.Session, c.Epoch, c.InSeq, n.nextIn[c.Session]
		return n.events
	}
	n.nextIn[c.Session]++
	switch c.Kind {
	case Enter:
		n.enter(c)
	case Cancel:
		if o := n.find(c); o != nil {
			n.remember(c)
			n.cancel(o, c)
		}
	case Reduce:
		n.reduce(c)
	case Replace:
		n.replace(c)
	}
	return n.events
}

func (n *naive) why(instrument uint16, typ OrderType, price, qty int64) Reason {
	switch {
	case n.halted[instrument]:
		return InstrumentHalted
	case qty < 1 || qty > n.maxQty:
		return QuantityOutOfRange
	case typ == Limit && (price < 1 || price > n.maxPrice):
		return PriceOutOfRange
	}
	return NoReason
}

func (n *naive) enter(c *Command) {
	why := c.Reason
	if why == NoReason {
		why = n.why(c.Instrument, c.Type, c.Price, c.Qty)
	}
	id := naiveID{c.Session, c.ClientID}
	if c.ClientID == (ClientID{}) && c.Reason == NoReason {
		why = UnsupportedOrder
	}
	if n.seen[id] {
		why = DuplicateClientID
	}
	n.remember(c)
	if why != NoReason {
		e := n.event(Rejected)
		e.Instrument, e.Side, e.Type, e.TIF, e.Price, e.Qty, e.ClientID, e.InSeq, e.Reason = c.Instrument, c.Side, c.Type, c.TIF, c.Price, c.Qty, c.ClientID, c.InSeq, why
		n.send(e, c.Session)
		return
	}
	n.order[id] = true
	n.lastOrder++
	n.lastRef++
	o := &naiveOrder{Command: *c, id: n.lastOrder, ref: n.lastRef}
	if o.Type == MarketOrder {
		o.Price = 0
	}
	e := n.of(Accepted, o)
	e.InSeq = c.InSeq
	n.send(e, c.Session)
	if c.TIF == FillOrKill && n.available(o) < c.Qty {
		n.gone(o, NotFillable)
		return
	}
	n.trade(o)
	switch {
	case o.open() == 0:
	case o.Type == MarketOrder:
		n.gone(o, NoLiquidity)
	case o.TIF == ImmediateOrCancel:
		n.gone(o, ImmediateOrCancelRest)
	default:
		n.orders = append(n.orders, o)
		n.feed(n.of(Rested, o), 'A')
	}
}

func (n *naive) gone(o *naiveOrder, why Reason) {
	e := n.of(Cancelled, o)
	e.Leaves, e.Reason = 0, why
	n.send(e, o.Session)
}

// against lists the orders that o could trade with, as they would trade.
func (n *naive) against(o *naiveOrder) []*naiveOrder {
	var list []*naiveOrder
	for _, r := range n.orders {
		good := r.Price <= o.Price
		if o.Side == Sell {
			good = r.Price >= o.Price
		}
		if r.Instrument == o.Instrument && r.Side != o.Side && (good || o.Type == MarketOrder) {
			list = append(list, r)
		}
	}
	slices.SortStableFunc(list, func(a, b *naiveOrder) int {
		if o.Side == Buy {
			return int(a.Price - b.Price)
		}
		return int(b.Price - a.Price)
	})
	return list
}

func (n *naive) available(o *naiveOrder) (sum int64) {
	for _, r := range n.against(o) {
		sum += r.open()
	}
	return sum
}

func (n *naive) trade(o *naiveOrder) {
	for _, r := range n.against(o) {
		if o.open() == 0 {
			return
		}
		qty := min(o.open(), r.open())
		n.lastMatch++
		r.cum += qty
		r.notional += qty * r.Price
		e := n.of(Filled, r)
		e.Resting, e.LastPrice, e.LastQty, e.Match = true, r.Price, qty, n.lastMatch
		n.feed(e, 'E')
		n.send(e, r.Session)
		o.cum += qty
		o.notional += qty * r.Price
		e = n.of(Filled, o)
		e.LastPrice, e.LastQty, e.Match = r.Price, qty, n.lastMatch
		n.send(e, o.Session)
		if r.open() == 0 {
			n.remove(r)
		}
	}
}

func (n *naive) remove(o *naiveOrder) {
	i := slices.Index(n.orders, o)
	n.orders = slices.Delete(n.orders, i, i+1)
}

func (n *naive) lookup(session uint16, id ClientID) *naiveOrder {
	for _, o := range n.orders {
		if o.Session == session && o.ClientID == id {
			return o
		}
	}
	return nil
}

// find gives the order that a request means, nil after having refused it.
func (n *naive) find(c *Command) *naiveOrder {
	o := n.lookup(c.Session, c.OrigID)
	switch {
	case c.Reason != NoReason:
		n.refuse(c, o, c.Reason)
	case c.ClientID != (ClientID{}) && n.seen[naiveID{c.Session, c.ClientID}]:
		n.refuse(c, o, DuplicateClientID)
	case o == nil && n.order[naiveID{c.Session, c.OrigID}]:
		n.refuse(c, o, TooLateToCancel)
	case o == nil:
		n.refuse(c, o, UnknownOrder)
	default:
		return o
	}
	return nil
}

func (n *naive) refuse(c *Command, o *naiveOrder, why Reason) {
	n.remember(c)
	var e *Event
	if o != nil {
		e = n.of(CancelRejected, o)
	} else {
		e = n.event(CancelRejected)
	}
	e.ClientID, e.OrigID, e.InSeq, e.Reason, e.Code = c.ClientID, c.OrigID, c.InSeq, why, 'F'
	if c.Kind == Replace {
		e.Code = 'G'
	}
	n.send(e, c.Session)
}

func (n *naive) cancel(o *naiveOrder, c *Command) {
	n.remove(o)
	e := n.of(Cancelled, o)
	e.Leaves, e.Reason, e.OrigID, e.InSeq = 0, UserRequest, o.ClientID, c.InSeq
	if c.ClientID != (ClientID{}) {
		e.ClientID = c.ClientID
	}
	n.feed(e, 'D')
	n.send(e, o.Session)
}

func (n *naive) reduce(c *Command) {
	o := n.find(c)
	switch {
	case o == nil:
	case c.Qty < 1:
		n.refuse(c, o, QuantityOutOfRange)
	case c.Qty >= o.open():
		n.cancel(o, c)
	default:
		o.Qty -= c.Qty
		e := n.of(Reduced, o)
		e.LastQty, e.InSeq = c.Qty, c.InSeq
		n.feed(e, 'X')
		n.send(e, o.Session)
	}
}

func (n *naive) replace(c *Command) {
	o := n.find(c)
	if o == nil {
		return
	}
	if c.Qty >= 1 && c.Qty <= o.cum {
		n.remember(c)
		n.cancel(o, c)
		return
	}
	if why := n.why(o.Instrument, Limit, c.Price, c.Qty); why != NoReason {
		n.refuse(c, o, why)
		return
	}
	n.remember(c)
	n.order[naiveID{c.Session, c.ClientID}] = true
	oldID, oldRef, oldQty := o.ClientID, o.ref, o.Qty
	keeps := c.Price == o.Price && c.Qty < o.Qty && c.Flags&Requeue == 0
	o.ClientID, o.Price, o.Qty = c.ClientID, c.Price, c.Qty
	if keeps {
		e := n.of(Reduced, o)
		e.LastQty, e.OrigID, e.InSeq = oldQty-c.Qty, oldID, c.InSeq
		n.feed(e, 'X')
		n.send(e, o.Session)
		return
	}
	n.remove(o)
	n.lastRef++
	o.ref = n.lastRef
	trades := len(n.against(o)) > 0
	e := n.of(Replaced, o)
	e.OldRef, e.OrigID, e.InSeq = oldRef, oldID, c.InSeq
	if !trades {
		n.feed(e, 'U')
		n.send(e, o.Session)
		n.orders = append(n.orders, o)
		return
	}
	n.feed(e, 'D')
	n.send(e, o.Session)
	n.trade(o)
	if o.open() > 0 {
		n.orders = append(n.orders, o)
		n.feed(n.of(Rested, o), 'A')
	}
}
