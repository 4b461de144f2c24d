package fix

import (
	"bytes"

	"exchange/book"
)

// newOrder turns a NewOrderSingle (D) into Enter.
func (a *Acceptor) newOrder(in *inbound) {
	if !a.clientIDs(in, tagClOrdID, tagSymbol) {
		return
	}
	m := in.m
	c := a.orderCommand(book.Enter, in)
	instrument, known := a.instrument(c, m)
	if !known {
		copy(c.OrigID[:], m.get(tagSymbol))
	}
	terms(c, m, &instrument)
}

// cancelRequest turns an OrderCancelRequest (F) into Cancel.
func (a *Acceptor) cancelRequest(in *inbound) {
	if !a.clientIDs(in, tagClOrdID, tagOrigClOrdID, tagSymbol) {
		return
	}
	c := a.orderCommand(book.Cancel, in)
	copy(c.OrigID[:], in.m.get(tagOrigClOrdID))
	c.Side, _ = sideOf(in.m)
	a.instrument(c, in.m)
}

// replaceRequest turns an OrderCancelReplaceRequest (G) into Replace.
func (a *Acceptor) replaceRequest(in *inbound) {
	if !a.clientIDs(in, tagClOrdID, tagOrigClOrdID, tagSymbol) {
		return
	}
	m := in.m
	c := a.orderCommand(book.Replace, in)
	copy(c.OrigID[:], m.get(tagOrigClOrdID))
	instrument, _ := a.instrument(c, m)
	terms(c, m, &instrument)
	if c.Reason == book.NoReason && (c.Type != book.Limit || c.TIF != book.Day) {
		// Only orders that rest can be replaced, and they are day limit orders.
		c.Reason = book.UnsupportedOrder
	}
}

// orderCommand consumes the message's number with an order command.
func (a *Acceptor) orderCommand(kind book.CommandKind, in *inbound) *book.Command {
	a.expected++
	c := a.command(kind, in.seq)
	if in.possDup {
		c.Flags |= book.PossDup
	}
	copy(c.ClientID[:], in.m.get(tagClOrdID))
	return c
}

// clientIDs checks what must fit a command as it is: a longer value cannot be answered truthfully, so it is a session reject.
func (a *Acceptor) clientIDs(in *inbound, tags ...int) bool {
	for _, tag := range tags {
		value := in.m.get(tag)
		if value == nil { // FIX leaves Symbol open where an instrument may be told by other means, which we do not take
			a.reject(in, faultOf(rejectRequiredMissing, int32(tag)))
			return false
		}
		if len(value) > book.ClientIDLen || bytes.IndexByte(value, 0) >= 0 {
			a.reject(in, faultOf(rejectValueOutOfRange, int32(tag)))
			return false
		}
	}
	return true
}

// instrument fills Instrument, or the reason when the symbol is not known.
func (a *Acceptor) instrument(c *book.Command, m *Message) (Instrument, bool) {
	instrument, ok := a.dir.Instrument(m.get(tagSymbol))
	if !ok {
		c.Reason = book.UnknownInstrument
		return Instrument{Tick: 1, Lot: 1}, false
	}
	c.Instrument = instrument.Number
	return instrument, true
}

// unsupportedFields would change what an order means, and we would not do what they ask.
var unsupportedFields = [...]int{tagExecInst, tagStopPx, tagMinQty, tagMaxFloor, tagExpireTime, tagCashOrderQty, tagEffectiveTime, tagExpireDate}

// terms fills side, type, time in force, price and quantity. The first thing wrong becomes the Reason unless there is one already.
func terms(c *book.Command, m *Message, instrument *Instrument) {
	refuse := func(r book.Reason) {
		if c.Reason == book.NoReason {
			c.Reason = r
		}
	}
	var supported bool
	if c.Side, supported = sideOf(m); !supported {
		refuse(book.UnsupportedOrder)
	}
	switch m.get(tagOrdType)[0] {
	case '1':
		c.Type = book.MarketOrder
	case '2':
		c.Type = book.Limit
	default:
		refuse(book.UnsupportedOrder)
	}
	if m.has(tagTimeInForce) {
		switch m.get(tagTimeInForce)[0] {
		case '0':
		case '3':
			c.TIF = book.ImmediateOrCancel
		case '4':
			c.TIF = book.FillOrKill
		default:
			refuse(book.UnsupportedOrder)
		}
	}
	for _, tag := range unsupportedFields {
		if m.has(tag) {
			refuse(book.UnsupportedOrder)
		}
	}
	if c.Type == book.Limit {
		if reason := priceTerm(c, m, instrument); reason != book.NoReason {
			refuse(reason)
		}
	}
	if reason := quantityTerm(c, m, instrument); reason != book.NoReason {
		refuse(reason)
	}
}

func sideOf(m *Message) (book.Side, bool) {
	switch m.get(tagSide)[0] {
	case '1':
		return book.Buy, true
	case '2':
		return book.Sell, true
	}
	return book.Buy, false
}

// priceTerm turns Price (44) into ticks.
func priceTerm(c *book.Command, m *Message, instrument *Instrument) book.Reason {
	text := m.get(tagPrice)
	if text == nil {
		return book.MissingPrice
	}
	units, status := parseDecimal(text, priceScale)
	switch {
	case status == decimalTooLarge, units < 0, units == 0 && status == decimalExact:
		return book.PriceOutOfRange
	case status == decimalInexact, units%instrument.Tick != 0:
		return book.PriceOffTick
	}
	c.Price = units / instrument.Tick
	return book.NoReason
}

// quantityTerm turns OrderQty (38) into lots.
func quantityTerm(c *book.Command, m *Message, instrument *Instrument) book.Reason {
	text := m.get(tagOrderQty)
	if text == nil {
		return book.QuantityOutOfRange
	}
	shares, status := parseDecimal(text, 0)
	switch {
	case status == decimalTooLarge, shares < 0, shares == 0 && status == decimalExact:
		return book.QuantityOutOfRange
	case status == decimalInexact, shares%instrument.Lot != 0:
		return book.QuantityOffLot
	}
	c.Qty = shares / instrument.Lot
	return book.NoReason
}
