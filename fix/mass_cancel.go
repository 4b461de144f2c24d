package fix

import "exchange/book"

// encodeMassCancelReport appends an OrderMassCancelReport (r).
func encodeMassCancelReport(dst []byte, ev *book.Event, ctx *EncodeContext) []byte {
	e := encoderOn(dst)
	header(&e, ctx, "r", ev.OutSeq, ev.Time, nil)
	e.bytes(tagClOrdID, trimNULs(ev.ClientID[:]))
	e.uint(tagOrderID, ev.Index)
	if ev.Flags&book.OneSide != 0 {
		e.char(tagSide, side(ev.Side))
	}
	instrument, known := ctx.Instruments.InstrumentByNumber(ev.Instrument)
	asked := byte('7')
	if known {
		asked = '1'
		e.text(tagSymbol, instrument.Symbol)
	}
	if ev.Code != 'S' && ev.Code != 'P' { // refused for what it asked for, which the command carried there
		asked = ev.Code
	}
	if ev.Reason != book.NoReason {
		e.text(tagText, ev.Reason.String())
	}
	e.time(tagTransactTime, ev.Time, ctx.Precision, &ctx.day)
	e.char(tagMassCancelRequestType, asked)
	if ev.Reason != book.NoReason {
		e.char(tagMassCancelResponse, '0')
		e.uint(tagMassCancelRejectReason, massCancelRejectReason(ev.Reason))
	} else {
		e.char(tagMassCancelResponse, asked)
		e.uint(tagTotalAffectedOrders, uint64(max(ev.Qty, 0)))
	}
	if ctx.Version.has("r", tagMassActionReportID) {
		e.uint(tagMassActionReportID, ev.Index)
	}
	return e.finish()
}

// massCancelRejectReason is MassCancelRejectReason (532).
func massCancelRejectReason(r book.Reason) uint64 {
	switch r {
	case book.UnsupportedOrder:
		return 0
	case book.UnknownInstrument:
		return 1
	}
	return 99
}
