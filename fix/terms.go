package fix

import (
	"bytes"

	"exchange/book"
)

// unsupportedFields would change what an order means, and we would not do what they ask.
var unsupportedFields = [...]int{tagEffectiveTime, tagMaxShow, tagDiscretionInst, tagPriceType}

// termsReader fills a command from an order's fields. The first thing wrong becomes the Reason, unless there is one already.
type termsReader struct {
	c          *book.Command
	m          *Message
	instrument *Instrument
}

func (t *termsReader) refuse(r book.Reason) {
	if t.c.Reason == book.NoReason {
		t.c.Reason = r
	}
}

// terms fills side, type, time in force, prices, quantities and conditions.
func terms(c *book.Command, m *Message, instrument *Instrument) {
	t := termsReader{c, m, instrument}
	var known bool
	if c.Side, known = sideOf(m); !known {
		t.refuse(book.UnsupportedOrder)
	}
	t.orderType()
	t.timeInForce()
	t.budget()
	for _, tag := range unsupportedFields {
		if m.has(tag) {
			t.refuse(book.UnsupportedOrder)
		}
	}
	switch c.Type {
	case book.Limit, book.StopLimit, book.TrailingStopLimit:
		c.Price = t.price(tagPrice, book.MissingPrice, book.PriceOutOfRange)
	case book.Budget:
		c.Price = t.money(tagCashOrderQty)
	}
	c.Qty = t.quantity(tagOrderQty)
	if c.Qty == 0 {
		t.refuse(book.QuantityOutOfRange)
	}
	t.stop()
	t.conditions()
}

// orderType reads OrdType (40). A trailing stop is a pegged order with the instruction for it.
func (t *termsReader) orderType() {
	trails := t.instruction('a')
	switch t.m.get(tagOrdType)[0] {
	case '1':
		t.c.Type = book.MarketOrder
	case '2':
		t.c.Type = book.Limit
	case '3':
		t.c.Type = book.Stop
	case '4':
		t.c.Type = book.StopLimit
	case 'K':
		t.c.Type = book.MarketToLimit
	case 'P':
		t.c.Type = book.TrailingStop
		if t.m.has(tagPrice) {
			t.c.Type = book.TrailingStopLimit
		}
		if !trails {
			t.refuse(book.UnsupportedOrder)
		}
		return
	default:
		t.refuse(book.UnsupportedOrder)
	}
	if trails {
		t.refuse(book.UnsupportedOrder)
	}
}

// timeInForce reads TimeInForce (59) with ExpireTime (126) or ExpireDate (432).
func (t *termsReader) timeInForce() {
	c, m := t.c, t.m
	if m.has(tagTimeInForce) {
		switch m.get(tagTimeInForce)[0] {
		case '0':
		case '1':
			c.TIF = book.GoodTillCancel
		case '3':
			c.TIF = book.ImmediateOrCancel
		case '4':
			c.TIF = book.FillOrKill
		case '6':
			c.TIF = book.GoodTillDate
		default:
			t.refuse(book.UnsupportedOrder)
		}
	}
	switch {
	case m.has(tagExpireTime):
		c.Expire, _ = m.time(tagExpireTime)
	case m.has(tagExpireDate):
		if days, ok := parseDate(m.get(tagExpireDate)); ok {
			c.Expire = (days + 1) * secondsPerDay * nanosPerSecond
		}
	}
	if (c.Expire != 0) != (c.TIF == book.GoodTillDate) {
		t.refuse(book.UnsupportedOrder)
	}
}

// budget reads CashOrderQty (152): with OrderQty of a fill-or-kill market order it is what that may come to. What other venues have it for, an order of so
// much money and no quantity, we do not do.
func (t *termsReader) budget() {
	switch c := t.c; {
	case !t.m.has(tagCashOrderQty):
	case c.Type == book.MarketOrder && c.TIF == book.FillOrKill && t.m.has(tagOrderQty) && !t.m.has(tagPrice):
		c.Type = book.Budget
	default:
		t.refuse(book.BudgetNeedsFillOrKill)
	}
}

// stop reads StopPx (99) and, of a trailing stop, the distance (211).
func (t *termsReader) stop() {
	if t.m.has(tagStopPx) {
		t.c.StopPrice = t.price(tagStopPx, book.StopPriceOutOfRange, book.StopPriceOutOfRange)
	}
	distance := tagPegOffsetValue
	if !t.m.has(distance) {
		return
	}
	if t.c.Type != book.TrailingStop && t.c.Type != book.TrailingStopLimit {
		t.refuse(book.UnsupportedOrder)
		return
	}
	// A distance is given with either sign: away from the market is the only way it can mean.
	units, status := parseDecimal(t.m.get(distance), priceScale)
	switch {
	case status == decimalTooLarge, units == 0:
		t.refuse(book.StopPriceOutOfRange)
	case status == decimalInexact, units%t.instrument.Tick != 0:
		t.refuse(book.PriceOffTick)
	default:
		t.c.Trail = max(units, -units) / t.instrument.Tick
	}
}

// conditions reads ExecInst (18) with PriceProtectionScope (1092), MinQty (110), MaxFloor (111) or DisplayQty (1138), and SelfMatchPreventionInstruction
// (2964).
func (t *termsReader) conditions() {
	c, m := t.c, t.m
	for rest := m.get(tagExecInst); len(rest) > 0; {
		var one []byte
		one, rest, _ = bytes.Cut(rest, []byte{' '})
		switch string(one) {
		case "6":
			c.Conditions |= book.PostOnly
		case "G":
			c.Conditions |= book.AllOrNone
		case "a": // see orderType
		default:
			t.refuse(book.UnsupportedOrder)
		}
	}
	t.protection()
	if m.has(tagMinQty) {
		c.MinQty = t.quantity(tagMinQty)
	}
	for _, tag := range [...]int{tagMaxFloor, tagDisplayQty} {
		if !m.has(tag) {
			continue
		}
		if c.Display = t.quantity(tag); c.Display == 0 {
			c.Conditions |= book.Hidden
		}
	}
	if m.has(tagSelfMatchPreventionInstruction) {
		switch m.get(tagSelfMatchPreventionInstruction)[0] {
		case '1':
			c.SelfTrade = book.CancelNewest
		case '2':
			c.SelfTrade = book.CancelOldest
		case '3':
			c.SelfTrade = book.CancelBoth
		case '4':
			c.SelfTrade = book.DecrementAndCancel
		}
	}
}

// protection reads PriceProtectionScope (1092): a post-only order protected at this venue slides to a price at which it does not trade, where it would be refused.
func (t *termsReader) protection() {
	c := t.c
	switch {
	case !t.m.has(tagPriceProtectionScope), t.m.is(tagPriceProtectionScope, '0'):
	case t.m.is(tagPriceProtectionScope, '1') && c.Conditions&book.PostOnly != 0:
		c.Conditions = c.Conditions&^book.PostOnly | book.PostOnlySlide
	default:
		t.refuse(book.UnsupportedOrder)
	}
}

// instruction tells whether ExecInst (18) has a value.
func (t *termsReader) instruction(want byte) bool {
	for rest := t.m.get(tagExecInst); len(rest) > 0; {
		var one []byte
		one, rest, _ = bytes.Cut(rest, []byte{' '})
		if len(one) == 1 && one[0] == want {
			return true
		}
	}
	return false
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

// price turns a price above 0 into ticks.
func (t *termsReader) price(tag int, missing, outOfRange book.Reason) int64 {
	text := t.m.get(tag)
	if text == nil {
		t.refuse(missing)
		return 0
	}
	units, status := parseDecimal(text, priceScale)
	switch {
	case status == decimalTooLarge, units < 0, units == 0 && status == decimalExact:
		t.refuse(outOfRange)
		return 0
	case status == decimalInexact, units%t.instrument.Tick != 0:
		t.refuse(book.PriceOffTick)
		return 0
	}
	return units / t.instrument.Tick
}

// money turns a sum above 0 into ticks x lots. One between two of those is refused: rounding it would be another's decision.
func (t *termsReader) money(tag int) int64 {
	unit := t.instrument.Tick * t.instrument.Lot // the feed's bounds keep this below 2^63
	units, status := parseDecimal(t.m.get(tag), priceScale)
	switch {
	case status == decimalTooLarge, units < 0, units == 0 && status == decimalExact:
		t.refuse(book.BudgetOutOfRange)
		return 0
	case status == decimalInexact, units%unit != 0:
		t.refuse(book.BudgetInexact)
		return 0
	}
	return units / unit
}

// quantity turns a number of shares into lots; 0 if it is not there.
func (t *termsReader) quantity(tag int) int64 {
	text := t.m.get(tag)
	if text == nil {
		return 0
	}
	shares, status := parseDecimal(text, 0)
	switch {
	case status == decimalTooLarge, shares < 0:
		t.refuse(book.QuantityOutOfRange)
		return 0
	case status == decimalInexact, shares%t.instrument.Lot != 0:
		t.refuse(book.QuantityOffLot)
		return 0
	}
	return shares / t.instrument.Lot
}
