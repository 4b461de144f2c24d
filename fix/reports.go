package fix

import "exchange/book"

// averageDecimals is how many digits after the point an AvgPx (6) has at most.
const averageDecimals = 8

// encodeExecutionReport appends an ExecutionReport (8). Its body fields are in ascending order.
func encodeExecutionReport(dst []byte, ev *book.Event, ctx *EncodeContext) []byte {
	e := encoderOn(dst)
	header(&e, ctx, "8", ev.OutSeq, ev.Time, nil)
	instrument, known := ctx.Instruments.InstrumentByNumber(ev.Instrument)
	if !known {
		instrument = Instrument{Tick: 1, Lot: 1}
	}
	decimals := instrument.decimals()
	price := func(tag int, ticks int64) { e.decimal(tag, ticks*instrument.Tick, priceScale, decimals) }
	shares := func(tag int, lots int64) { e.uint(tag, uint64(max(lots, 0)*instrument.Lot)) }

	execType, status := execTypeOf(ev), orderStatus(ev, ctx.Version)
	average := averageUnits(ev.NotionalHi, ev.NotionalLo, uint64(instrument.Tick)*pow10(averageDecimals-priceScale), uint64(ev.Cum))
	e.decimal(tagAvgPx, average, averageDecimals, decimals)
	e.bytes(tagClOrdID, trimNULs(ev.ClientID[:]))
	shares(tagCumQty, ev.Cum)
	execID(&e, ev)
	if ev.Kind == book.Filled {
		price(tagLastPx, ev.LastPrice)
		shares(tagLastQty, ev.LastQty)
	}
	orderID(&e, ev)
	if ev.Qty != 0 {
		shares(tagOrderQty, ev.Qty)
	}
	e.char(tagOrdStatus, status)
	e.char(tagOrdType, ordType(ev.Type))
	if ev.Kind != book.Rejected && ev.OrigID[0] != 0 {
		e.bytes(tagOrigClOrdID, trimNULs(ev.OrigID[:]))
	}
	if ev.Price != 0 && ev.Type == book.Limit {
		price(tagPrice, ev.Price)
	}
	e.char(tagSide, side(ev.Side))
	switch {
	case known:
		e.text(tagSymbol, instrument.Symbol)
	case ev.OrigID[0] != 0: // refused for its symbol, which the command carried here
		e.bytes(tagSymbol, trimNULs(ev.OrigID[:]))
	default:
		e.text(tagSymbol, "[N/A]")
	}
	if text := reportText(ev); text != "" {
		e.text(tagText, text)
	}
	e.char(tagTimeInForce, timeInForce(ev.TIF))
	e.time(tagTransactTime, ev.Time, ctx.Precision, &ctx.day)
	if ev.Kind == book.Rejected {
		e.uint(tagOrdRejReason, ordRejReason(ev.Reason))
	}
	e.char(tagExecType, execType)
	if status == '4' || status == '8' || status == 'C' {
		e.char(tagLeavesQty, '0')
	} else {
		shares(tagLeavesQty, ev.Leaves)
	}
	if ev.Kind == book.Filled {
		e.uint(tagSecondaryExecID, ev.Match)
	}
	return e.finish()
}

// encodeCancelReject appends an OrderCancelReject (9).
func encodeCancelReject(dst []byte, ev *book.Event, ctx *EncodeContext) []byte {
	e := encoderOn(dst)
	header(&e, ctx, "9", ev.OutSeq, ev.Time, nil)
	e.bytes(tagClOrdID, trimNULs(ev.ClientID[:]))
	orderID(&e, ev)
	status := byte('8')
	if ev.OrderID != 0 {
		status = openStatus(ev)
	}
	e.char(tagOrdStatus, status)
	e.bytes(tagOrigClOrdID, trimNULs(ev.OrigID[:]))
	if text := ev.Reason.String(); text != "" {
		e.text(tagText, text)
	}
	e.time(tagTransactTime, ev.Time, ctx.Precision, &ctx.day)
	e.uint(tagCxlRejReason, cxlRejReason(ev.Reason))
	if ev.Code == 'G' {
		e.char(tagCxlRejResponseTo, '2')
	} else {
		e.char(tagCxlRejResponseTo, '1')
	}
	return e.finish()
}

// execID writes ExecID (17): the command's place in the log, the session and the message's number in it. A place in the log never comes
// again, on no leader and after no reset of numbers, and one command gives a session's number once.
func execID(e *encoder, ev *book.Event) {
	e.tag(tagExecID)
	e.digits(ev.Index)
	e.dash()
	e.digits(uint64(ev.Session))
	e.dash()
	e.digits(ev.OutSeq)
	e.end()
}

func (e *encoder) dash() {
	e.buf[e.n] = '-'
	e.n++
	e.room(0)
}

func orderID(e *encoder, ev *book.Event) {
	if ev.OrderID == 0 {
		e.text(tagOrderID, "NONE")
		return
	}
	e.uint(tagOrderID, ev.OrderID)
}

// execTypeOf is ExecType (150).
func execTypeOf(ev *book.Event) byte {
	switch ev.Kind {
	case book.Accepted:
		return '0'
	case book.Filled:
		return 'F'
	case book.Cancelled:
		if ev.Reason == book.DayEnded || ev.Reason == book.Expired {
			return 'C'
		}
		return '4'
	case book.Triggered:
		return 'L'
	case book.Reduced, book.Replaced:
		return '5'
	}
	return '8'
}

// orderStatus is OrdStatus (39) after the event.
func orderStatus(ev *book.Event, v *Version) byte {
	switch ev.Kind {
	case book.Rejected, book.Cancelled:
		return execTypeOf(ev)
	case book.Reduced, book.Replaced:
		if v.old {
			return '5'
		}
	}
	return openStatus(ev)
}

// openStatus is OrdStatus (39) as the quantities tell it.
func openStatus(ev *book.Event) byte {
	switch {
	case ev.Leaves > 0 && ev.Cum == 0:
		return '0'
	case ev.Leaves > 0:
		return '1'
	case ev.Cum > 0 && ev.Cum >= ev.Qty:
		return '2'
	}
	return '4'
}

func side(s book.Side) byte {
	if s == book.Sell {
		return '2'
	}
	return '1'
}

func ordType(t book.OrderType) byte {
	switch t {
	case book.MarketOrder:
		return '1'
	case book.Stop:
		return '3'
	case book.StopLimit:
		return '4'
	case book.MarketToLimit:
		return 'K'
	case book.TrailingStop, book.TrailingStopLimit:
		return 'P'
	}
	return '2'
}

func timeInForce(t book.TimeInForce) byte {
	switch t {
	case book.ImmediateOrCancel:
		return '3'
	case book.FillOrKill:
		return '4'
	case book.GoodTillCancel:
		return '1'
	case book.GoodTillDate:
		return '6'
	}
	return '0'
}

func reportText(ev *book.Event) string {
	if ev.Kind == book.Rejected || ev.Kind == book.Cancelled && ev.Reason != book.UserRequest {
		return ev.Reason.String()
	}
	return ""
}

// ordRejReason is OrdRejReason (103).
func ordRejReason(r book.Reason) uint64 {
	switch r {
	case book.UnknownInstrument:
		return 1
	case book.MarketClosed, book.InstrumentHalted:
		return 2
	case book.BookFull, book.ClientIDsFull:
		return 3
	case book.DuplicateClientID:
		return 6
	case book.UnsupportedOrder:
		return 11
	case book.QuantityOutOfRange, book.QuantityOffLot:
		return 13
	}
	return 99
}

// cxlRejReason is CxlRejReason (102).
func cxlRejReason(r book.Reason) uint64 {
	switch r {
	case book.TooLateToCancel:
		return 0
	case book.UnknownOrder:
		return 1
	case book.DuplicateClientID:
		return 6
	}
	return 99
}
