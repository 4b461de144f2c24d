package book

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
)

// naive is the market written from the rules alone, with slices and searches: what Apply is compared with. It knows sessions 1…n that were connected under
// epoch 1 at the start, and logons with the number that is expected; of the bounds it knows those of orders and ids.
type naive struct {
	orders  []*naiveOrder // every open order
	elected []*naiveOrder // stops that were reached
	seen    map[naiveID]bool
	order   map[naiveID]bool // ids that are or were an order's
	nextIn  []uint64
	nextOut []uint64
	halted  map[uint16]bool
	group   []int // by session
	firm    []int // by session
	last    map[uint16]int64
	lastQty map[uint16]int64
	closed  bool
	phase   byte
	dry     bool // a copy in which something is tried out
	epoch   []uint32
	away    []bool // by session: not connected
	chained bool   // what trades now was a stop
	firms   []ClientID
	day     map[uint16][]naiveTrade
	flow    *happened // nil in a copy

	maxOrders, maxIDs int

	index, lastOrder, lastRef, lastMatch, lastFeed, places uint64
	time                                                   int64
	maxPrice, maxQty                                       int64
	events                                                 []Event
}

type naiveID struct {
	session uint16
	id      ClientID
}

type naiveTrade struct{ price, qty int64 }

type naiveOrder struct {
	Command  // as entered; Price, Qty, StopPrice, Trail, Display and ClientID follow what happens
	id, ref  uint64
	cum      int64
	notional int64
	shown    int64  // of an iceberg
	waits    bool   // a stop that was not reached
	place    uint64 // when it came to where it stands
}

func (o *naiveOrder) open() int64  { return o.Qty - o.cum }
func (o *naiveOrder) whole() bool  { return o.Conditions&AllOrNone != 0 }
func (o *naiveOrder) secret() bool { return o.Conditions&(Hidden|AllOrNone) != 0 }
func (o *naiveOrder) isStop() bool {
	return o.Type == Stop || o.Type == StopLimit || o.Type == TrailingStop || o.Type == TrailingStopLimit
}
func (o *naiveOrder) trails() bool { return o.Type == TrailingStop || o.Type == TrailingStopLimit }
func (o *naiveOrder) anyPrice() bool {
	return o.Type == MarketOrder || o.Type == Stop || o.Type == TrailingStop || o.Type == Budget
}
func (o *naiveOrder) visible() bool { return !o.secret() && !o.waits }
func (o *naiveOrder) canRest() bool {
	return !o.anyPrice() && o.TIF != ImmediateOrCancel && o.TIF != FillOrKill
}

// reaches tells whether the order may trade at a price.
func (o *naiveOrder) reaches(price int64) bool {
	if o.anyPrice() {
		return true
	}
	if o.Side == Buy {
		return price <= o.Price
	}
	return price >= o.Price
}

func (n *naive) event(kind EventKind) *Event {
	n.events = append(n.events, Event{Kind: kind, Index: n.index, Time: n.time})
	return &n.events[len(n.events)-1]
}

func (n *naive) feed(e *Event, message byte) {
	n.lastFeed++
	e.Feed, e.FeedSeq = message, n.lastFeed
}

func (n *naive) send(e *Event, session uint16) {
	e.Session, e.Epoch, e.NextIn, e.OutSeq = session, n.epoch[session], n.nextIn[session], n.nextOut[session]
	n.nextOut[session]++
}

func (n *naive) of(kind EventKind, o *naiveOrder) *Event {
	e := n.event(kind)
	e.Instrument, e.Side, e.Type, e.TIF, e.Price, e.Qty = o.Instrument, o.Side, o.Type, o.TIF, o.Price, o.Qty
	e.OrderID, e.Ref, e.Cum, e.Leaves, e.ClientID, e.Notional = o.id, o.ref, o.cum, o.open(), o.ClientID, o.notional
	e.Conditions, e.StopPrice = o.Conditions, o.StopPrice
	return e
}

// part notes what the feed shows of an iceberg.
func (n *naive) part(e *Event, o *naiveOrder) {
	if o.Display != 0 && o.shown != o.open() {
		e.Shown = o.shown
	}
}

func (n *naive) remember(c *Command) {
	if c.ClientID != (ClientID{}) && len(n.seen) < n.maxIDs {
		n.seen[naiveID{c.Session, c.ClientID}] = true
	}
}

func (n *naive) apply(c *Command) []Event {
	n.events = nil
	n.index++
	n.time = max(n.time, c.Time)
	n.expire()
	switch c.Kind {
	case TradingAction:
		if halt := c.Code == 'H'; n.halted[c.Instrument] != halt {
			n.halted[c.Instrument] = halt
			e := n.event(TradingStateChanged)
			e.Instrument, e.Code = c.Instrument, c.Code
			n.feed(e, 'H')
		}
		return n.events
	case SystemEvent:
		n.system(c.Code)
		return n.events
	case Tick:
		return n.events
	case Logon, Disconnect, CancelSession:
		n.connection(c)
		return n.events
	case MassCancel:
		if c.Session == 0 {
			n.exchangeCancels(c)
			return n.events
		}
	}
	if n.away[c.Session] || c.Epoch != n.epoch[c.Session] || c.InSeq != n.nextIn[c.Session] {
		n.flow.saw("command dropped")
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
			n.flow.saw("cancel: " + o.where())
			n.remember(c)
			n.cancel(o, c)
		}
	case Reduce:
		n.reduce(c)
	case Replace:
		n.replace(c)
	case MassCancel:
		n.massCancel(c)
	}
	n.runElected()
	return n.events
}

// connection opens and closes a session's connection, and ends the orders of one that stayed away.
func (n *naive) connection(c *Command) {
	switch {
	case c.Kind == Logon:
		n.epoch[c.Session]++
		n.nextIn[c.Session]++
		n.away[c.Session] = false
		e := n.event(SessionMessageSent)
		e.Code, e.InSeq, e.Seconds = 'A', c.InSeq, c.Seconds
		n.send(e, c.Session)
	case c.Epoch != n.epoch[c.Session]:
	case c.Kind == Disconnect && !n.away[c.Session]:
		n.away[c.Session] = true
		e := n.event(SessionClosed)
		e.Session, e.Epoch, e.NextIn = c.Session, c.Epoch, n.nextIn[c.Session]
	case c.Kind == CancelSession && !n.away[c.Session]:
		n.flow.saw("session is back before its orders are cancelled")
	case c.Kind == CancelSession:
		for _, o := range n.all() {
			if o.Session == c.Session {
				n.flow.saw("session's orders cancelled: " + o.where())
				n.takenOut(o, SessionDisconnected)
			}
		}
	}
}

func (n *naive) exchangeCancels(c *Command) {
	firm := slices.Index(n.firms, c.OrigID) // the first has no name: everybody
	for _, o := range n.all() {
		if firm == 0 || n.firm[o.Session] == firm {
			if (c.Instrument == 0 || o.Instrument == c.Instrument) && (c.Flags&OneSide == 0 || o.Side == c.Side) {
				n.flow.saw(fmt.Sprintf("mass cancel by the exchange: one participant %v, one instrument %v, one side %v", firm != 0, c.Instrument != 0, c.Flags&OneSide != 0))
				n.takenOut(o, NotAuthorized)
			}
		}
	}
}

func (n *naive) expire() {
	for {
		var due *naiveOrder
		for _, o := range n.orders {
			if o.Expire != 0 && o.Expire <= n.time && (due == nil || cmp.Or(cmp.Compare(o.Expire, due.Expire), cmp.Compare(o.id, due.id)) < 0) {
				due = o
			}
		}
		if due == nil {
			return
		}
		n.flow.saw("expired: " + due.where())
		if due.Expire == n.time {
			n.flow.saw("expired to the nanosecond")
		}
		n.takenOut(due, Expired)
	}
}

// system knows the way from Q over M to the next day's O and Q.
func (n *naive) system(code byte) {
	if n.phase == code {
		return
	}
	n.phase = code
	n.closed = code != 'Q'
	if code == 'O' {
		seen, order := map[naiveID]bool{}, map[naiveID]bool{}
		for _, o := range n.orders {
			seen[naiveID{o.Session, o.ClientID}], order[naiveID{o.Session, o.ClientID}] = true, true
		}
		n.seen, n.order = seen, order
		n.day = map[uint16][]naiveTrade{}
	}
	e := n.event(SystemEventOccurred)
	e.Code = code
	n.feed(e, 'S')
	if code == 'M' {
		for _, o := range n.all() {
			if o.TIF != GoodTillCancel && o.TIF != GoodTillDate {
				n.flow.saw("ended with the day: " + o.where())
				n.takenOut(o, DayEnded)
			} else {
				n.flow.saw("lives over the day: " + o.where())
			}
		}
	}
}

// all lists every open order: by instrument; book, all-or-none, stops; buys, sells; as they would trade.
func (n *naive) all() []*naiveOrder {
	list := slices.Clone(n.orders)
	kind := func(o *naiveOrder) int {
		switch {
		case o.waits:
			return 2
		case o.whole():
			return 1
		}
		return 0
	}
	slices.SortFunc(list, func(a, b *naiveOrder) int {
		return cmp.Or(cmp.Compare(a.Instrument, b.Instrument), cmp.Compare(kind(a), kind(b)), cmp.Compare(a.Side, b.Side), rank(a, b))
	})
	return list
}

// rank orders two orders of one side and kind: who trades, or is reached, first.
func rank(a, b *naiveOrder) int {
	pa, pb := a.Price, b.Price
	if a.Side == Buy {
		pa, pb = -pa, -pb
	}
	if a.waits {
		if pa, pb = a.StopPrice, b.StopPrice; a.Side == Sell {
			pa, pb = -pa, -pb
		}
	}
	hidden := func(o *naiveOrder) int {
		if o.Conditions&Hidden != 0 && !o.waits {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(pa, pb), cmp.Compare(hidden(a), hidden(b)), cmp.Compare(a.place, b.place))
}

// opposite lists what o could trade with, book and all-or-none apart, as they would trade.
func (n *naive) opposite(o *naiveOrder) (book, wholes []*naiveOrder) {
	for _, r := range n.orders {
		switch {
		case r.Instrument != o.Instrument || r.Side == o.Side || r.waits || !o.reaches(r.Price):
		case r.whole():
			wholes = append(wholes, r)
		default:
			book = append(book, r)
		}
	}
	slices.SortFunc(book, rank)
	slices.SortFunc(wholes, rank)
	return book, wholes
}

// next is whom o trades with next: the book before what waits as all-or-none at the same price, of those the first that is not too large.
func (n *naive) next(o *naiveOrder) *naiveOrder {
	book, wholes := n.opposite(o)
	candidates := len(wholes)
	wholes = slices.DeleteFunc(wholes, func(w *naiveOrder) bool { return w.open() > o.open() })
	if len(wholes) < candidates {
		n.flow.saw("all-or-none passed over: too large")
	}
	switch {
	case len(wholes) == 0 && len(book) == 0:
		return nil
	case len(wholes) == 0:
		return book[0]
	case len(book) == 0:
		return wholes[0]
	}
	w, b := wholes[0], book[0]
	if o.Side == Buy && w.Price < b.Price || o.Side == Sell && w.Price > b.Price {
		return w
	}
	return b
}

// available tries it out: how much o would trade, up to where it would be stopped.
func (n *naive) available(o *naiveOrder) int64 {
	filled := n.tried(o)
	return filled.cum - o.cum
}

// tried is o as it would be when it had traded as far as it can.
func (n *naive) tried(o *naiveOrder) *naiveOrder {
	try := &naive{dry: true, halted: n.halted, group: n.group, firm: n.firm, last: maps.Clone(n.last), nextIn: n.nextIn, epoch: n.epoch,
		nextOut: slices.Clone(n.nextOut), places: n.places}
	for _, r := range n.orders {
		if r != o {
			copied := *r
			try.orders = append(try.orders, &copied)
		}
	}
	copied := *o
	try.trade(&copied)
	return &copied
}

// trade lets o trade as far as it goes, and tells why it may not go on.
func (n *naive) trade(o *naiveOrder) Reason {
	for o.open() > 0 {
		r := n.next(o)
		if r == nil {
			break
		}
		if o.SelfTrade == SelfTradeAllowed || n.group[o.Session] != n.group[r.Session] {
			n.fill(o, r)
			continue
		}
		if n.dry && o.SelfTrade != CancelOldest {
			return SelfTradePrevented
		}
		n.flow.sawPrevented(o, r)
		if why := n.prevent(o, r); why != NoReason {
			return why
		}
	}
	return NoReason
}

func (n *naive) prevent(o, r *naiveOrder) Reason {
	switch o.SelfTrade {
	case CancelNewest:
		return SelfTradePrevented
	case CancelOldest:
		n.takenOut(r, SelfTradePrevented)
		return NoReason
	case CancelBoth:
		n.takenOut(r, SelfTradePrevented)
		return SelfTradePrevented
	}
	off, all := min(o.open(), r.open()), o.open()
	if off == r.open() {
		n.takenOut(r, SelfTradePrevented)
	} else {
		e := n.lower(r, off)
		e.Reason = SelfTradePrevented
		n.send(e, r.Session)
	}
	if off == all {
		return SelfTradePrevented
	}
	o.Qty -= off
	e := n.of(Reduced, o)
	e.LastQty, e.Reason = off, SelfTradePrevented
	n.send(e, o.Session)
	return NoReason
}

func (n *naive) fill(o, r *naiveOrder) {
	n.flow.sawTrade(o, r)
	qty := min(o.open(), r.open())
	if r.Display != 0 {
		qty = min(qty, r.shown)
		r.shown -= qty
	}
	n.lastMatch++
	r.cum += qty
	r.notional += qty * r.Price
	o.cum += qty
	o.notional += qty * r.Price
	e := n.of(Filled, r)
	e.Resting, e.LastPrice, e.LastQty, e.Match = true, r.Price, qty, n.lastMatch
	if r.secret() {
		n.feed(e, 'P')
	} else {
		n.feed(e, 'E')
	}
	n.send(e, r.Session)
	e = n.of(Filled, o)
	e.LastPrice, e.LastQty, e.Match = r.Price, qty, n.lastMatch
	n.send(e, o.Session)
	if r.open() == 0 {
		n.remove(r)
	} else if r.Display != 0 && r.shown == 0 {
		n.flow.saw("iceberg refreshed")
		r.shown = min(r.Display, r.open())
		r.place = n.place()
		old := r.ref
		n.lastRef++
		r.ref = n.lastRef
		e := n.of(Refreshed, r)
		e.OldRef = old
		n.part(e, r)
		n.feed(e, 'A')
	}
	if !n.dry {
		n.lastQty[o.Instrument] = qty
		n.day[o.Instrument] = append(n.day[o.Instrument], naiveTrade{r.Price, qty})
	}
	n.traded(o.Instrument, r.Price)
}

func (n *naive) place() uint64 {
	n.places++
	return n.places
}

// traded moves what trails and elects what was reached.
func (n *naive) traded(instrument uint16, price int64) {
	moved := n.last[instrument] != price
	n.last[instrument] = price
	if n.dry {
		return
	}
	stops := slices.DeleteFunc(slices.Clone(n.orders), func(o *naiveOrder) bool { return !o.waits || o.Instrument != instrument })
	slices.SortFunc(stops, func(a, b *naiveOrder) int { return cmp.Or(cmp.Compare(a.Side, b.Side), cmp.Compare(a.id, b.id)) })
	for _, o := range stops {
		stop := price - o.Trail
		if o.Side == Buy {
			stop = price + o.Trail
		}
		if moved && o.trails() && (o.Side == Buy && stop < o.StopPrice || o.Side == Sell && stop > o.StopPrice) {
			if o.Type == TrailingStopLimit {
				o.Price = min(max(o.Price+stop-o.StopPrice, 1), n.maxPrice)
			}
			n.flow.saw("trailed: " + o.name())
			o.StopPrice, o.place = stop, n.place()
		}
	}
	slices.SortFunc(stops, func(a, b *naiveOrder) int { return cmp.Or(cmp.Compare(a.Side, b.Side), rank(a, b)) })
	for _, o := range stops {
		if n.reached(o) {
			n.flow.saw(fmt.Sprintf("reached: %s %v, in a chain: %v", o.name(), o.Side, n.chained))
			n.remove(o)
			n.elected = append(n.elected, o)
		}
	}
}

func (n *naive) reached(o *naiveOrder) bool {
	last := n.last[o.Instrument]
	return last != 0 && (o.Side == Buy && last >= o.StopPrice || o.Side == Sell && last <= o.StopPrice)
}

func (n *naive) runElected() {
	for len(n.elected) > 0 {
		o := n.elected[0]
		n.elected = n.elected[1:]
		n.chained = true
		n.trigger(o)
	}
	n.chained = false
}

func (n *naive) trigger(o *naiveOrder) {
	o.waits = false
	n.lastRef++
	o.ref = n.lastRef
	n.send(n.of(Triggered, o), o.Session)
	n.arrive(o, 0)
}

// why is what is wrong with an order's terms; room tells whether it may need some.
func (n *naive) why(instrument uint16, typ OrderType, price, qty int64, room bool) Reason {
	probe := naiveOrder{Command: Command{Type: typ}}
	switch {
	case n.closed:
		return MarketClosed
	case n.halted[instrument]:
		return InstrumentHalted
	case qty < 1 || qty > n.maxQty:
		return QuantityOutOfRange
	case !probe.anyPrice() && typ != MarketToLimit && (price < 1 || price > n.maxPrice):
		return PriceOutOfRange
	case room && len(n.orders) >= n.maxOrders:
		return BookFull
	}
	return NoReason
}

// conditions is what is wrong with an order's conditions.
func (n *naive) conditions(c *Command) Reason {
	o := &naiveOrder{Command: *c}
	is := func(x Conditions) bool { return c.Conditions&x != 0 }
	switch {
	case is(PostOnly) && is(PostOnlySlide), (is(PostOnly) || is(PostOnlySlide)) && (c.Type != Limit || !o.canRest() || is(AllOrNone) || c.MinQty != 0),
		is(AllOrNone) && (c.Type != Limit && c.Type != StopLimit || is(Hidden) || c.Display != 0 || c.MinQty != 0),
		is(Hidden) && c.Display != 0, c.Display != 0 && o.anyPrice(), c.MinQty != 0 && (o.isStop() || c.TIF == FillOrKill),
		c.Type == Budget && c.TIF != FillOrKill, c.StopPrice != 0 && !o.isStop(), c.Trail != 0 && !o.trails(), c.Expire != 0 && c.TIF != GoodTillDate:
		return UnsupportedOrder
	case c.Display > 0 && (c.Qty-1)/c.Display == 1000:
		n.flow.saw("iceberg of a part too many")
		return QuantityOutOfRange
	case c.Display < 0 || c.Display > c.Qty || c.Display > 0 && (c.Qty-1)/c.Display >= 1000 || c.MinQty < 0 || c.MinQty > c.Qty:
		return QuantityOutOfRange
	case c.TIF == GoodTillDate && c.Expire <= n.time:
		if c.Expire == n.time {
			n.flow.saw("good till now")
		}
		return ExpireTimePast
	case c.Type == Budget && (c.Price < 1 || c.Price > c.Qty*n.maxPrice):
		return BudgetOutOfRange
	case o.isStop() && (c.StopPrice < 0 || c.StopPrice > n.maxPrice || c.StopPrice == 0 && !o.trails()), o.trails() && (c.Trail < 1 || c.Trail > n.maxPrice):
		return StopPriceOutOfRange
	case o.trails() && c.StopPrice == 0 && n.last[c.Instrument] == 0:
		return NoReferencePrice
	}
	return NoReason
}

// best is the best price in the book of one side, 0 if there is none.
func (n *naive) best(instrument uint16, side Side) int64 {
	probe := &naiveOrder{Command: Command{Instrument: instrument, Side: 1 - side, Type: MarketOrder}}
	if book, _ := n.opposite(probe); len(book) > 0 {
		return book[0].Price
	}
	return 0
}

// post is the price of a post-only order.
func (n *naive) post(o *naiveOrder, price int64) (int64, Reason) {
	best := n.best(o.Instrument, 1-o.Side)
	if best == 0 || o.Side == Buy && price < best || o.Side == Sell && price > best {
		return price, NoReason
	}
	slid := best - 1
	if o.Side == Sell {
		slid = best + 1
	}
	if o.Conditions&PostOnly != 0 || slid < 1 || slid > n.maxPrice {
		return 0, WouldTrade
	}
	return slid, NoReason
}

func (n *naive) enter(c *Command) {
	o := &naiveOrder{Command: *c}
	why := c.Reason
	if why == NoReason && len(n.seen) >= n.maxIDs {
		why = ClientIDsFull
	}
	if why == NoReason {
		why = n.why(c.Instrument, c.Type, c.Price, c.Qty, o.canRest() || o.isStop())
	}
	if why == NoReason {
		why = n.conditions(c)
	}
	if why == NoReason {
		switch {
		case o.Type == Budget: // its price bounds no single trade
		case o.anyPrice():
			o.Price = 0
		case o.Type == MarketToLimit:
			o.Price = n.best(o.Instrument, 1-o.Side)
		case o.Conditions&(PostOnly|PostOnlySlide) != 0:
			o.Price, why = n.post(o, o.Price)
			if why == NoReason && o.Price != c.Price {
				n.flow.saw(fmt.Sprintf("slid: %v", o.Side))
			}
		}
	}
	id := naiveID{c.Session, c.ClientID}
	if c.ClientID == (ClientID{}) && c.Reason == NoReason {
		why = UnsupportedOrder
	}
	if n.seen[id] {
		n.flow.saw(fmt.Sprintf("used id: %v", c.Kind))
		why = DuplicateClientID
	}
	n.remember(c)
	if why != NoReason {
		e := n.event(Rejected)
		e.Instrument, e.Side, e.Type, e.TIF, e.Price, e.Qty, e.ClientID, e.InSeq, e.Reason = c.Instrument, c.Side, c.Type, c.TIF, c.Price, c.Qty, c.ClientID, c.InSeq, why
		e.Conditions, e.StopPrice = c.Conditions, c.StopPrice
		n.send(e, c.Session)
		return
	}
	n.flow.sawEntered(o)
	n.order[id] = true
	n.lastOrder++
	n.lastRef++
	o.id, o.ref = n.lastOrder, n.lastRef
	if o.Display == o.Qty {
		o.Display = 0
	}
	if o.trails() && o.StopPrice == 0 {
		if o.StopPrice = n.last[o.Instrument] - o.Trail; o.Side == Buy {
			o.StopPrice = n.last[o.Instrument] + o.Trail
		}
	}
	e := n.of(Accepted, o)
	e.InSeq = c.InSeq
	n.send(e, c.Session)
	switch {
	case o.isStop() && !n.reached(o):
		n.wait(o)
	case o.isStop():
		n.flow.saw("reached when it is entered: " + o.name())
		n.trigger(o)
	default:
		n.arrive(o, c.MinQty)
	}
}

func (n *naive) wait(o *naiveOrder) {
	o.waits, o.place = true, n.place()
	n.orders = append(n.orders, o)
}

// arrive lets an order come in, and rests or ends what is left of it.
func (n *naive) arrive(o *naiveOrder, minimum int64) {
	why := NoReason
	switch {
	case o.Type == MarketToLimit && o.Price == 0:
		why = NoLiquidity
		n.flow.saw("market-to-limit without a market")
	case o.TIF == FillOrKill && n.available(o) < o.open(), o.whole() && n.available(o) < o.open() && !o.canRest():
		why = NotFillable
	case o.Type == Budget && !n.affords(o):
		why = BudgetNotMet
	case o.whole() && n.available(o) < o.open():
		n.flow.saw("all-or-none waits")
	case minimum > 0 && n.available(o) < minimum:
		why = MinimumNotMet
	default:
		if minimum > 0 {
			n.flow.saw("minimum quantity met")
		}
		why = n.trade(o)
	}
	switch {
	case o.open() == 0:
	case why != NoReason:
		n.gone(o, why)
	case o.anyPrice():
		n.gone(o, NoLiquidity)
	case !o.canRest():
		n.gone(o, ImmediateOrCancelRest)
	default:
		n.rest(o)
		e := &n.events[len(n.events)-1]
		if !o.visible() || e.Kind != Accepted || e.OrderID != o.id { // accepted and at rest are one event if nothing was between
			e = n.of(Rested, o)
		}
		if o.visible() {
			n.part(e, o)
			n.feed(e, 'A')
		}
		n.retry(o.Instrument, 1-o.Side)
	}
}

// affords tells whether a budget is met by the sum that all fills would come to.
func (n *naive) affords(o *naiveOrder) bool {
	sum := n.tried(o).notional
	met := o.Side == Buy && sum <= o.Price || o.Side == Sell && sum >= o.Price
	n.flow.saw(fmt.Sprintf("budget met %v: %v, its sum %s", met, o.Side, [...]string{"below", "to the last tick", "above"}[1+sign(o.Price-sum)]))
	return met
}

func (n *naive) rest(o *naiveOrder) {
	o.waits, o.place = false, n.place()
	o.shown = min(o.Display, o.open())
	n.orders = append(n.orders, o)
}

// retry tries the all-or-none orders of a side once each.
func (n *naive) retry(instrument uint16, side Side) {
	if n.halted[instrument] || n.closed {
		return
	}
	_, wholes := n.opposite(&naiveOrder{Command: Command{Instrument: instrument, Side: 1 - side, Type: MarketOrder}})
	for _, o := range wholes {
		n.tryAgain(o)
	}
}

func (n *naive) tryAgain(o *naiveOrder) {
	if n.available(o) == o.open() {
		n.flow.saw("all-or-none tried again with success")
		n.remove(o)
		n.trade(o)
	}
}

func (n *naive) gone(o *naiveOrder, why Reason) {
	e := n.of(Cancelled, o)
	e.Leaves, e.Reason = 0, why
	n.send(e, o.Session)
}

// takenOut ends an open order that nobody asked to end by its id.
func (n *naive) takenOut(o *naiveOrder, why Reason) {
	visible := o.visible()
	n.remove(o)
	e := n.of(Cancelled, o)
	e.Leaves, e.Reason = 0, why
	if visible {
		n.feed(e, 'D')
	}
	n.send(e, o.Session)
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
		n.flow.saw(fmt.Sprintf("used id: %v", c.Kind))
		n.refuse(c, o, DuplicateClientID)
	case c.ClientID != (ClientID{}) && c.Kind != Cancel && len(n.seen) >= n.maxIDs:
		n.refuse(c, o, ClientIDsFull)
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
		e.Conditions, e.StopPrice = 0, 0
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
	if o.visible() {
		n.feed(e, 'D')
	}
	n.send(e, o.Session)
}

// lower takes quantity off an order where it stands: of an iceberg first what is not shown.
func (n *naive) lower(o *naiveOrder, off int64) *Event {
	seen := off
	if o.Display != 0 && !o.waits {
		seen = max(0, off-(o.open()-o.shown))
		o.shown -= seen
	}
	o.Qty -= off
	e := n.of(Reduced, o)
	e.LastQty = off
	if o.visible() && seen > 0 {
		if seen != off {
			e.Shown = seen
		}
		n.feed(e, 'X')
	}
	return e
}

func (n *naive) reduce(c *Command) {
	o := n.find(c)
	switch {
	case o == nil:
	case c.Qty < 1:
		n.refuse(c, o, QuantityOutOfRange)
	case c.Qty >= o.open():
		n.remember(c)
		n.cancel(o, c)
	default:
		n.flow.saw("reduce: " + o.where())
		oldID := n.rename(o, c)
		e := n.lower(o, c.Qty)
		e.InSeq, e.OrigID = c.InSeq, oldID
		n.send(e, o.Session)
		n.lowered(o)
	}
}

// lowered gives an all-or-none order that has become smaller, and then those of the other side, another try.
func (n *naive) lowered(o *naiveOrder) {
	if !o.whole() || o.waits || n.closed || n.halted[o.Instrument] {
		return
	}
	n.tryAgain(o)
	n.retry(o.Instrument, 1-o.Side)
}

func (n *naive) massCancel(c *Command) {
	why, count := NoReason, int64(0)
	if n.seen[naiveID{c.Session, c.ClientID}] {
		n.flow.saw(fmt.Sprintf("used id: %v", c.Kind))
		why = DuplicateClientID
	}
	n.remember(c)
	for _, o := range n.all() {
		if why != NoReason || c.Instrument != 0 && o.Instrument != c.Instrument || c.Flags&OneSide != 0 && o.Side != c.Side ||
			c.Code == 'S' && o.Session != c.Session || c.Code == 'P' && n.firm[o.Session] != n.firm[c.Session] {
			continue
		}
		n.flow.saw(fmt.Sprintf("mass cancel %c, one instrument %v, one side %v: %s", c.Code, c.Instrument != 0, c.Flags&OneSide != 0, o.where()))
		n.takenOut(o, UserRequest)
		count++
	}
	e := n.event(MassCancelled)
	e.Code, e.Instrument, e.Side, e.Flags, e.Qty, e.Reason, e.InSeq, e.ClientID = c.Code, c.Instrument, c.Side, c.Flags&OneSide, count, why, c.InSeq, c.ClientID
	n.send(e, c.Session)
}

// newPrice is the price that a replace gives, or why it cannot be done.
func (n *naive) newPrice(o *naiveOrder, c *Command) (int64, Reason) {
	typ := o.Type
	if typ == MarketToLimit {
		typ = Limit
	}
	why := n.why(o.Instrument, typ, c.Price, c.Qty, false)
	switch {
	case why != NoReason:
	case !o.waits && (c.StopPrice != 0 || c.Trail != 0), c.Trail != 0 && !o.trails(), c.Display != 0 && o.Display == 0:
		why = UnsupportedOrder
	case c.Display < 0 || c.Display > c.Qty, o.Display > 0 && (c.Qty-1)/cmp.Or(c.Display, o.Display) >= 1000:
		why = QuantityOutOfRange
	case c.StopPrice < 0 || c.StopPrice > n.maxPrice || c.Trail < 0 || c.Trail > n.maxPrice:
		why = StopPriceOutOfRange
	case o.anyPrice():
		return 0, NoReason
	case o.Conditions&(PostOnly|PostOnlySlide) != 0:
		return n.post(o, c.Price)
	}
	return c.Price, why
}

func (n *naive) replace(c *Command) {
	o := n.find(c)
	if o == nil {
		return
	}
	if c.Qty >= 1 && c.Qty <= o.cum {
		n.flow.saw("replace: nothing would be left")
		n.remember(c)
		n.cancel(o, c)
		return
	}
	price, why := n.newPrice(o, c)
	if why != NoReason {
		n.flow.saw("replace refused: " + why.String())
		n.refuse(c, o, why)
		return
	}
	oldID, oldRef := n.rename(o, c), o.ref
	changed := func(to, from int64) bool { return to != 0 && to != from }
	keeps := price == o.Price && c.Qty < o.Qty && c.Flags&Requeue == 0 &&
		!changed(c.Display, o.Display) && !changed(c.StopPrice, o.StopPrice) && !changed(c.Trail, o.Trail)
	n.flow.sawReplace(o, c, price, keeps)
	if keeps {
		e := n.lower(o, o.Qty-c.Qty)
		e.OrigID, e.InSeq = oldID, c.InSeq
		n.send(e, o.Session)
		n.lowered(o)
		return
	}
	visible := o.visible()
	n.remove(o)
	n.lastRef++
	o.ref, o.Price, o.Qty = n.lastRef, price, c.Qty
	n.newTerms(o, c)
	book, wholes := n.opposite(o)
	meets := !o.waits && len(book)+len(wholes) > 0
	if meets {
		n.flow.saw("replace: into the other side")
	}
	e := n.of(Replaced, o)
	e.OldRef, e.OrigID, e.InSeq = oldRef, oldID, c.InSeq
	switch {
	case visible && meets:
		n.feed(e, 'D')
	case visible:
		n.part(e, o)
		n.feed(e, 'U')
	}
	n.send(e, o.Session)
	switch {
	case o.waits && n.reached(o):
		n.flow.saw("replace: a stop into reach")
		n.trigger(o)
	case o.waits:
		n.wait(o)
	case meets:
		n.arrive(o, 0)
	default:
		n.rest(o)
	}
}

// rename gives the order the request's id, if that has one, and tells the old one then.
func (n *naive) rename(o *naiveOrder, c *Command) (old ClientID) {
	if c.ClientID == (ClientID{}) {
		return old
	}
	n.remember(c)
	n.order[naiveID{c.Session, c.ClientID}] = true
	old, o.ClientID = o.ClientID, c.ClientID
	return old
}

func (n *naive) newTerms(o *naiveOrder, c *Command) {
	if c.Display != 0 {
		o.Display = c.Display
	}
	o.shown = min(o.Display, o.open())
	if c.Trail != 0 {
		o.Trail = c.Trail
		if last := n.last[o.Instrument]; last != 0 {
			if o.StopPrice = last - o.Trail; o.Side == Buy {
				o.StopPrice = last + o.Trail
			}
		}
	}
	if c.StopPrice != 0 {
		o.StopPrice = c.StopPrice
	}
}

// statistics sums up an instrument's trades of the day.
func (n *naive) statistics(instrument uint16) Statistics {
	s := Statistics{Last: n.last[instrument], LastQty: n.lastQty[instrument]}
	var notional big.Int
	for i, t := range n.day[instrument] {
		if i == 0 {
			s.Open, s.High, s.Low = t.price, t.price, t.price
		}
		s.High, s.Low = max(s.High, t.price), min(s.Low, t.price)
		s.Trades++
		s.Volume += uint64(t.qty)
		notional.Add(&notional, new(big.Int).Mul(big.NewInt(t.price), big.NewInt(t.qty)))
	}
	s.NotionalLo, s.NotionalHi = new(big.Int).And(&notional, new(big.Int).SetUint64(math.MaxUint64)).Uint64(), new(big.Int).Rsh(&notional, 64).Uint64()
	return s
}
