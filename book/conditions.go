package book

// What goes with what:
//
//	PostOnly, PostOnlySlide   one of them, on limit orders that rest
//	AllOrNone                 on limit and stop-limit orders; not with Hidden, Display, MinQty, post-only
//	Hidden                    on any order; not with Display
//	Display                   on any order that has a price or gets one; at most Qty, and at Qty it says nothing; at least Qty in MaxIcebergParts parts
//	MinQty                    at most Qty; not on stops, nor with FillOrKill, AllOrNone, post-only
//	Budget                    with FillOrKill; its Price at most Qty at the highest price
//	StopPrice, Trail, Expire  exactly where the type or time in force needs them
//
// Anything else is refused as UnsupportedOrder, a number out of its bounds with a reason of its own.

// conditionsFault is why the command's conditions cannot be.
func (m *Market) conditionsFault(b *instrumentBook) Reason {
	c := m.cmd
	post := c.Conditions & (PostOnly | PostOnlySlide)
	switch {
	case c.plain() && !c.Type.in(stops|1<<Budget) && c.TIF != GoodTillDate:
		return NoReason
	case c.Conditions&^conditions != 0 || c.SelfTrade >= selfTrades,
		post == PostOnly|PostOnlySlide,
		post != 0 && (c.Type != Limit || !rests(c.Type, c.TIF) || c.Conditions&AllOrNone != 0),
		c.Conditions&AllOrNone != 0 && (c.Type != Limit && c.Type != StopLimit || c.Conditions&Hidden != 0 || c.Display != 0),
		c.Conditions&Hidden != 0 && c.Display != 0,
		c.Display != 0 && c.Type.in(unpriced),
		c.MinQty != 0 && (c.Type.in(stops) || c.TIF == FillOrKill || c.Conditions&(AllOrNone|PostOnly|PostOnlySlide) != 0),
		c.StopPrice != 0 && !c.Type.in(stops),
		c.Trail != 0 && !c.Type.in(trailing),
		c.Type == Budget && c.TIF != FillOrKill,
		c.Expire != 0 && c.TIF != GoodTillDate:
		return UnsupportedOrder
	case c.Display < 0 || c.Display > c.Qty || tooManyParts(c.Display, c.Qty) || c.MinQty < 0 || c.MinQty > c.Qty:
		return QuantityOutOfRange
	case c.TIF == GoodTillDate && c.Expire <= m.counters.time:
		return ExpireTimePast
	case c.Type == Budget && (c.Price < 1 || c.Price > b.maxPrice*c.Qty): // which Limits keeps below 2^63
		return BudgetOutOfRange
	case c.Type.in(stops):
		return stopFault(b, c)
	}
	return NoReason
}

// tooManyParts tells whether an iceberg shows too little at a time; display 0: it is none.
func tooManyParts(display, qty int64) bool { return display != 0 && display*MaxIcebergParts < qty }

// stopFault is why a stop's prices cannot be.
func stopFault(b *instrumentBook, c *Command) Reason {
	switch {
	case c.StopPrice < 0 || c.StopPrice > b.maxPrice || c.StopPrice == 0 && !c.Type.in(trailing),
		c.Type.in(trailing) && (c.Trail < 1 || c.Trail > b.maxPrice):
		return StopPriceOutOfRange
	case c.StopPrice == 0 && b.day.Last == 0:
		return NoReferencePrice
	}
	return NoReason
}

// rests tells whether an order may come to lie in the book.
func rests(typ OrderType, tif TimeInForce) bool {
	return tif != ImmediateOrCancel && tif != FillOrKill && !typ.in(unpriced)
}

// waits tells whether an order may need room: in the book, or among the stops.
func waits(typ OrderType, tif TimeInForce) bool { return rests(typ, tif) || typ.in(stops) }

// entryPrice is the limit that an order gets on its way in: 0 if it has none; of a Budget its sum, which limits all fills together.
func (m *Market) entryPrice(b *instrumentBook, c *Command) (price int64, why Reason) {
	switch {
	case c.Type.in(unpriced &^ (1 << Budget)):
		return 0, NoReason
	case c.Type == MarketToLimit:
		return m.levels.levels[b.ladders[1-c.Side].best].price, NoReason
	case c.Conditions&(PostOnly|PostOnlySlide) != 0:
		return m.postPrice(b, c.Side, c.Price, c.Conditions)
	}
	return c.Price, NoReason
}

// postPrice is the price of an order that is only to rest, or why it cannot have one. What waits as all-or-none does not count: that comes to it.
func (m *Market) postPrice(b *instrumentBook, side Side, price int64, conditions Conditions) (int64, Reason) {
	best := b.ladders[1-side].best
	if best == 0 {
		return price, NoReason
	}
	other := m.levels.levels[best].price
	limit := other - 1
	if side == Sell {
		limit = other + 1
	}
	switch {
	case side == Buy && price <= limit, side == Sell && price >= limit:
		return price, NoReason
	case conditions&PostOnly != 0 || limit < 1 || limit > b.maxPrice:
		return 0, WouldTrade
	}
	return limit, NoReason
}
