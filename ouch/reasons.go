package ouch

import "exchange/book"

// rejectReason is why the state machine refused a request. What the acceptor found wrong it said in the event's RefTag.
func rejectReason(e *book.Event) RejectReason {
	if e.RefTag != 0 {
		return RejectReason(e.RefTag)
	}
	switch e.Reason {
	case book.UnknownInstrument:
		return RejectSymbol
	case book.PriceOffTick, book.PriceOutOfRange, book.MissingPrice:
		return RejectPrice
	case book.QuantityOutOfRange, book.QuantityOffLot:
		return RejectQuantity
	case book.MarketClosed:
		return RejectClosed
	case book.InstrumentHalted:
		return RejectHalted
	case book.BookFull, book.ClientIDsFull:
		return RejectProcessing
	case book.NotAuthorized:
		return RejectNotAuthorized
	case book.WouldTrade:
		return RejectCrossed
	case book.MinimumNotMet:
		return RejectMinQuantity
	}
	return RejectOther
}

// cancelReason is why an order is over, or smaller.
func cancelReason(r book.Reason) CancelReason {
	switch r {
	case book.NoReason, book.UserRequest:
		return CanceledByUser
	case book.ImmediateOrCancelRest, book.NotFillable, book.MinimumNotMet, book.NoLiquidity, book.BudgetNotMet:
		return CanceledImmediate
	case book.Expired, book.ExpireTimePast:
		return CanceledTimeout
	case book.NotAuthorized:
		return CanceledBySupervisor
	case book.SelfTradePrevented:
		return CanceledSelfMatch
	case book.InstrumentHalted:
		return CanceledHalted
	case book.DayEnded, book.MarketClosed:
		return CanceledClosed
	case book.WouldTrade:
		return CanceledPostOnly
	}
	return CanceledBySystem
}
