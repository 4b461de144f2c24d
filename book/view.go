package book

// Best is the best price of a side that is shown, in ticks; false: nothing is.
func (m *Market) Best(instrument uint16, side Side) (price int64, ok bool) {
	for li := m.books[instrument].ladders[side].best; li != 0; li = m.levels.levels[li].worse {
		if l := &m.levels.levels[li]; l.shown != 0 {
			return l.price, true
		}
	}
	return 0, false
}

// PriceLevel is one price of a side as it is shown.
type PriceLevel struct {
	Price, Qty int64
	Orders     int
	// Stamp is the index of the command that last changed what is shown of the level; what nobody sees leaves no trace in it.
	Stamp uint64
}

// Depth appends the side's best n levels that are shown, best first. What is hidden of them is left out.
func (m *Market) Depth(instrument uint16, side Side, n int, dst []PriceLevel) []PriceLevel {
	for li := m.books[instrument].ladders[side].best; li != 0 && n > 0; {
		l := &m.levels.levels[li]
		if l.shown != 0 {
			dst = append(dst, PriceLevel{Price: l.price, Qty: l.shown, Orders: int(l.seen), Stamp: l.stamp})
			n--
		}
		li = l.worse
	}
	return dst
}

// RestingOrder is an open order.
type RestingOrder struct {
	OrderID, Ref uint64
	Session      uint16
	Side         Side
	Type         OrderType
	TIF          TimeInForce
	Conditions   Conditions
	SelfTrade    SelfTrade
	Price        int64
	Qty, Open    int64
	// Shown is how much of Open others see.
	Shown int64
	// Display, StopPrice, Trail, Expire as in the order's command, the stop price as it is now.
	Display, StopPrice, Trail, Expire int64
	ClientID                          ClientID
}

// RestingOrders appends the orders in the side's book in the order in which they would trade, hidden ones too.
func (m *Market) RestingOrders(instrument uint16, side Side, dst []RestingOrder) []RestingOrder {
	return m.ordersIn(instrument, inBook+uint8(side), dst)
}

// WaitingOrders appends the side's orders that are not in its book: all-or-none orders best price first, then stops, the one reached first before the
// others.
func (m *Market) WaitingOrders(instrument uint16, side Side, dst []RestingOrder) []RestingOrder {
	return m.ordersIn(instrument, stopped+uint8(side), m.ordersIn(instrument, allOrNones+uint8(side), dst))
}

func (m *Market) ordersIn(instrument uint16, ladder uint8, dst []RestingOrder) []RestingOrder {
	for s := m.first(&m.books[instrument].ladders[ladder]); s != 0; s = m.after(s) {
		dst = append(dst, m.resting(s))
	}
	return dst
}

func (m *Market) resting(slot uint32) RestingOrder {
	o := &m.pool.orders[slot]
	r := RestingOrder{
		OrderID: o.id, Ref: o.ref, Session: o.session, Side: o.side, Type: o.typ, TIF: o.tif, Conditions: o.marks.conditions(), SelfTrade: o.marks.selfTrade(),
		Price: o.price, Qty: int64(o.qty), Open: int64(o.open), Shown: int64(m.pool.shown(slot)), ClientID: m.pool.orders[slot].name.clientID(),
	}
	if m.waiting(slot) {
		r.Shown = 0
	}
	if o.marks&hasTerms != 0 {
		t := &m.pool.terms[slot]
		r.Display, r.StopPrice, r.Trail, r.Expire = int64(t.display), t.stop, t.trail, t.expire
	}
	return r
}
