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

	v := ctx.Version
	execType, status := execTypeOf(ev, v), orderStatus(ev, v)
	average := averageUnits(ev.Notional, uint64(instrument.Tick)*pow10(averageDecimals-priceScale), uint64(ev.Cum))
	e.decimal(tagAvgPx, average, averageDecimals, decimals)
	e.bytes(tagClOrdID, reportID(ev))
	shares(tagCumQty, ev.Cum)
	execID(&e, ev)
	if ev.Conditions != 0 || ev.Type == book.TrailingStop || ev.Type == book.TrailingStopLimit {
		execInst(&e, ev, v)
	}
	if v.old {
		e.char(tagExecTransType, execTransType(ev))
	}
	if ev.Kind == book.Filled {
		price(tagLastPx, ev.LastPrice)
		shares(tagLastQty, ev.LastQty)
	}
	orderID(&e, ev)
	if ev.Qty != 0 {
		shares(tagOrderQty, ev.Qty)
	}
	e.char(tagOrdStatus, status)
	e.char(tagOrdType, ordTypeIn(ev.Type, v))
	if ev.Kind != book.Rejected && ev.Kind != book.Told && ev.OrigID[0] != 0 {
		e.bytes(tagOrigClOrdID, readableID(&ev.OrigID))
	}
	if ev.Price != 0 && ev.Type != book.Budget {
		price(tagPrice, ev.Price)
	}
	e.char(tagSide, side(ev.Side))
	switch {
	case known:
		e.text(tagSymbol, instrument.Symbol)
	case ev.Kind != book.Told && ev.OrigID[0] != 0: // refused for its symbol, which the command carried here
		e.bytes(tagSymbol, trimNULs(ev.OrigID[:]))
	default:
		e.text(tagSymbol, "[N/A]")
	}
	if text := reportText(ev, v); text != "" {
		e.text(tagText, text)
	}
	e.char(tagTimeInForce, timeInForce(ev.TIF))
	e.time(tagTransactTime, ev.Time, ctx.Precision, &ctx.day)
	if ev.StopPrice != 0 {
		price(tagStopPx, ev.StopPrice)
	}
	switch {
	case ev.Kind == book.Rejected:
		e.uint(tagOrdRejReason, v.reason(tagOrdRejReason, ordRejReason(ev.Reason), 0))
	case ev.Kind == book.Told && status == '8':
		e.uint(tagOrdRejReason, ordRejUnknownOrder)
	}
	e.char(tagExecType, execType)
	if status == '3' || status == '4' || status == '8' || status == 'C' {
		e.char(tagLeavesQty, '0')
	} else {
		shares(tagLeavesQty, ev.Leaves)
	}
	if ev.Price != 0 && ev.Type == book.Budget {
		price(tagCashOrderQty, ev.Price*instrument.Lot)
	}
	e.reportTail(ev, execType, v)
	return e.finish()
}

// reportTail writes the fields from 378 on.
func (e *encoder) reportTail(ev *book.Event, execType byte, v *Version) {
	switch ev.Kind {
	case book.Filled:
		e.uint(tagSecondaryExecID, ev.Match)
	case book.Triggered:
		if execType == 'D' {
			e.char(tagExecRestatementReason, '4')
		}
	case book.Told:
		e.told(ev)
	}
	if ev.Flags&book.DropCopy != 0 {
		e.char(tagCopyMsgIndicator, 'Y')
	}
	if ev.Conditions&book.PostOnlySlide != 0 {
		e.char(tagPriceProtectionScope, '1')
	}
}

// told writes what a status report has besides: the request's id and, of a mass status, how many there are.
func (e *encoder) told(ev *book.Event) {
	switch {
	case ev.Code == 'A':
		e.bytes(tagMassStatusReqID, trimNULs(ev.OrigID[:]))
	case ev.OrigID[0] != 0:
		e.bytes(tagOrdStatusReqID, trimNULs(ev.OrigID[:]))
	}
	if ev.Code != 'A' {
		return
	}
	e.uint(tagTotNumReports, uint64(max(ev.LastQty, 0)))
	if ev.Shown == 0 {
		e.char(tagLastRptRequested, 'Y')
	} else {
		e.char(tagLastRptRequested, 'N')
	}
}

// reportID is the ClOrdID of a report. A mass status that finds no order has none.
func reportID(ev *book.Event) []byte {
	if ev.ClientID[0] == 0 {
		return []byte("NONE")
	}
	return readableID(&ev.ClientID)
}

// readableID is a client id as text. That of an order which came over another protocol, seen in a drop copy, is its number there, behind its channel and a
// slash if it has one.
func readableID(id *book.ClientID) (text []byte) {
	if id[0] == book.NumberedID {
		if channel := id.Channel(); channel != 0 {
			text = append(appendUint(nil, uint64(channel)), '/')
		}
		return appendUint(text, uint64(id.Number()))
	}
	return trimNULs(id[:])
}

// execInst writes ExecInst (18) as far as the version knows the values.
func execInst(e *encoder, ev *book.Event, v *Version) {
	var list [8]byte
	n := 0
	add := func(c byte) {
		if !v.values[v.fields[tagExecInst].values].has([]byte{c}) {
			return
		}
		if n > 0 {
			list[n] = ' '
			n++
		}
		list[n] = c
		n++
	}
	if ev.Conditions&(book.PostOnly|book.PostOnlySlide) != 0 {
		add('6')
	}
	if ev.Conditions&book.AllOrNone != 0 {
		add('G')
	}
	if ev.Type == book.TrailingStop || ev.Type == book.TrailingStopLimit {
		add('a')
	}
	if n > 0 {
		e.bytes(tagExecInst, list[:n])
	}
}

// execTransType is ExecTransType (20) of FIX.4.2.
func execTransType(ev *book.Event) byte {
	if ev.Kind == book.Told {
		return '3'
	}
	return '0'
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
	e.uint(tagCxlRejReason, ctx.Version.reason(tagCxlRejReason, cxlRejReason(ev.Reason), 2))
	if ev.Code == 'G' {
		e.char(tagCxlRejResponseTo, '2')
	} else {
		e.char(tagCxlRejResponseTo, '1')
	}
	return e.finish()
}

// execID writes ExecID (17): the command's place in the log, the session and the message's number in it. A place in the log never comes
// again, on no leader and after no reset of numbers, and one command gives a session's number once. A drop copy has the original's.
func execID(e *encoder, ev *book.Event) {
	session, number := ev.Session, ev.OutSeq
	if ev.Flags&book.DropCopy != 0 {
		session, number = ev.Seconds, ev.InSeq
	}
	e.tag(tagExecID)
	e.digits(ev.Index)
	e.dash()
	e.digits(uint64(session))
	e.dash()
	e.digits(number)
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

// execTypeOf is ExecType (150). FIX.4.2 tells fills and states as OrdStatus does.
func execTypeOf(ev *book.Event, v *Version) byte {
	switch ev.Kind {
	case book.Accepted:
		return '0'
	case book.Filled:
		if v.old {
			return openStatus(ev)
		}
		return 'F'
	case book.Cancelled:
		if ev.Reason == book.DayEnded || ev.Reason == book.Expired {
			return 'C'
		}
		return '4'
	case book.Triggered:
		return v.triggered
	case book.Reduced, book.Replaced:
		return '5'
	case book.Told:
		if v.old {
			return orderStatus(ev, v)
		}
		return 'I'
	}
	return '8'
}

// orderStatus is OrdStatus (39) after the event.
func orderStatus(ev *book.Event, v *Version) byte {
	switch ev.Kind {
	case book.Rejected, book.Cancelled:
		return execTypeOf(ev, v)
	case book.Reduced, book.Replaced:
		if v.old {
			return '5'
		}
	case book.Told:
		switch {
		case ev.OrderID != 0:
		case ev.Reason == book.TooLateToCancel:
			return '3'
		default:
			return '8'
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
	case book.MarketOrder, book.Budget:
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

// ordTypeIn is OrdType (40) as far as the version knows it.
func ordTypeIn(t book.OrderType, v *Version) byte {
	c := ordType(t)
	if v.old && c == 'K' {
		return '2'
	}
	return c
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

func reportText(ev *book.Event, v *Version) string {
	switch {
	case ev.Kind == book.Told && ev.Reason == book.TooLateToCancel:
		return "the order is over: its reports say how"
	case ev.Kind == book.Rejected, ev.Kind == book.Cancelled && ev.Reason != book.UserRequest, ev.Kind == book.Told && ev.OrderID == 0:
		return ev.Reason.String()
	case ev.Kind == book.Reduced && ev.Reason != book.NoReason: // nobody asked
		return ev.Reason.String()
	case ev.Kind == book.Triggered && v.triggered != 'L':
		return "stop price reached"
	}
	return ""
}

// reason is a reject's reason, or another if the version does not know it.
func (v *Version) reason(tag int, reason, instead uint64) uint64 {
	var text [4]byte
	if v.values[v.fields[tag].values].has(appendUint(text[:0], reason)) {
		return reason
	}
	return instead
}

// ordRejUnknownOrder is the OrdRejReason of a status report on no order.
const ordRejUnknownOrder = 5

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
	case book.UnsupportedOrder, book.BudgetNeedsFillOrKill:
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
