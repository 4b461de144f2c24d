package book

var reasonTexts = [reasons]string{
	NoReason: "", UnknownInstrument: "unknown instrument", PriceOffTick: "price is not a multiple of the tick size", PriceOutOfRange: "price out of range",
	QuantityOutOfRange: "quantity out of range", QuantityOffLot: "quantity is not a multiple of the lot size", DuplicateClientID: "duplicate ClOrdID",
	MarketClosed: "market is closed", InstrumentHalted: "instrument is halted", BookFull: "book is full, try again later",
	ClientIDsFull: "too many order ids today", UnknownOrder: "unknown order", TooLateToCancel: "too late to cancel",
	UnsupportedOrder: "unsupported order characteristic", MissingPrice: "price is missing", UserRequest: "cancelled on request",
	ImmediateOrCancelRest: "immediate or cancel", NotFillable: "fill or kill", NoLiquidity: "no liquidity", SessionDisconnected: "session disconnected",
	DayEnded: "day ended", NotAuthorized: "not authorized", WouldTrade: "post only, but would trade", MinimumNotMet: "minimum quantity not available",
	SelfTradePrevented: "self-trade prevented", Expired: "expired", ExpireTimePast: "expire time has passed",
	StopPriceOutOfRange: "stop price or trail out of range", NoReferencePrice: "no trade yet to trail from",
	BudgetNotMet: "budget not met", BudgetOutOfRange: "budget out of range", BudgetInexact: "budget is not a multiple of tick size times lot size",
	BudgetNeedsFillOrKill: "a budget needs a market order, fill or kill",
}

// String is the reason in words that a FIX Text (58) can carry.
func (r Reason) String() string {
	if r < reasons {
		return reasonTexts[r]
	}
	return "unknown reason"
}

var eventNames = [eventKinds]string{
	InstrumentListed: "listed", TradingStateChanged: "trading-state", SystemEventOccurred: "system-event", ParticipantAdded: "participant", SessionAdded: "session",
	Accepted: "accepted", Rejected: "rejected", Rested: "rested", Filled: "filled", Cancelled: "cancelled", Reduced: "reduced", Replaced: "replaced",
	CancelRejected: "cancel-rejected", SessionMessageSent: "message", SessionClosed: "closed", CommandDropped: "dropped", Triggered: "triggered",
	Refreshed: "refreshed", MassCancelled: "mass-cancelled", Told: "told",
}

func (k EventKind) String() string {
	if k < eventKinds && k > 0 {
		return eventNames[k]
	}
	return "unknown event"
}

func (s Side) String() string {
	if s == Buy {
		return "buy"
	}
	return "sell"
}

var commandNames = [commandKinds]string{
	ListInstrument: "list", AddParticipant: "add-participant", AddSession: "add-session", SystemEvent: "system-event", TradingAction: "trading-action",
	Enter: "enter", Cancel: "cancel", Replace: "replace", Reduce: "reduce", Logon: "logon", SessionMessage: "message", Disconnect: "disconnect",
	CancelSession: "cancel-session", Tick: "tick", MassCancel: "mass-cancel", Status: "status",
}

func (k CommandKind) String() string {
	if k < commandKinds && k > 0 {
		return commandNames[k]
	}
	return "unknown command"
}
