package book

// EventKind is what happened.
type EventKind uint8

const (
	// InstrumentListed (feed R): Instrument, Price: tick size in 1/10,000, Qty: lot size, ClientID: symbol.
	InstrumentListed EventKind = 1 + iota
	// TradingStateChanged (feed H): Instrument, Code.
	TradingStateChanged
	// SystemEventOccurred (feed S): Code.
	SystemEventOccurred
	// ParticipantAdded and SessionAdded: ClientID: name. For the gateways' directories; no number.
	ParticipantAdded
	SessionAdded
	// Accepted (report New): the order was taken; it comes before its fills. Feed A if the whole of it lies in the book at once, where others see it: then
	// there is no Rested.
	Accepted
	// Rejected (report Rejected): the order was not taken. Reason.
	Rejected
	// Rested (feed A, unless it is hidden or all-or-none): Leaves of the order entered the book at Price under Ref, behind other events of the command. No
	// report.
	Rested
	// Filled (report Trade): LastQty at LastPrice, Match. The resting order's event comes first and is also the feed's E, or P if the order was
	// not shown; the incoming order's event follows at once with the same Match and no feed number.
	Filled
	// Cancelled (report Canceled): nothing is left open. Reason says why. If it was asked for, OrigID is the order's id and ClientID the
	// request's (the order's again, if the request had none); otherwise ClientID is the order's. Feed D if the order rested. Reason SelfTradePrevented, by
	// decrementing, and the session is of OUCH: LastQty at LastPrice would have traded, Resting.
	Cancelled
	// Reduced (report Replaced): lower quantity, priority kept. Feed X; LastQty: the quantity taken off. Reason SelfTradePrevented: nobody asked; to
	// OUCH LastPrice and Resting as in Cancelled.
	Reduced
	// Replaced (report Replaced): new price or quantity, priority lost. Ref is the new reference, OldRef the old one. Feed U when the
	// whole rest lies in the book again untraded; otherwise feed D for OldRef, and fills and a Rested may follow.
	Replaced
	// CancelRejected (FIX 9): a Cancel, Replace or Reduce was refused. Reason; Code 'F' or 'G' is what was refused. OrderID 0 if unknown.
	CancelRejected
	// SessionMessageSent: a session message with an outbound number. Code: FIX MsgType; the rest as in the command.
	SessionMessageSent
	// SessionClosed: the connection Epoch of the session is over (no number).
	SessionClosed
	// CommandDropped: a command of an old connection or with a number that is not the expected one changed nothing (no number). NextIn
	// is the expected number.
	CommandDropped
	// Triggered (report Triggered): the stop price was reached, the order comes in now: fills and a Rested may follow. StopPrice.
	Triggered
	// Refreshed (feed A): the shown part of an iceberg was filled, the next one stands at the back of its price under Ref. No report, except to OUCH.
	Refreshed
	// MassCancelled: the answer to a MassCancel, behind the orders' own events. Qty: how many orders; Reason: why none could be.
	MassCancelled
	// Told (report Status): an order as it is, to who asked; OrigID: the request's id. No OrderID: there is no such order, Reason says whether it is over
	// (TooLateToCancel) or was never known. Code is that of the Status; with 'A' LastQty says how many orders are told of and Shown how many follow.
	Told
	eventKinds
)

// Reason says why an order or request was refused or cancelled. On session messages it is FIX 373 or 380 instead.
type Reason uint8

const (
	NoReason Reason = iota
	UnknownInstrument
	PriceOffTick
	PriceOutOfRange
	QuantityOutOfRange
	QuantityOffLot
	DuplicateClientID
	MarketClosed
	InstrumentHalted
	BookFull
	ClientIDsFull
	UnknownOrder
	TooLateToCancel
	UnsupportedOrder
	MissingPrice
	UserRequest
	ImmediateOrCancelRest
	NotFillable
	NoLiquidity
	SessionDisconnected
	DayEnded
	NotAuthorized
	WouldTrade
	MinimumNotMet
	SelfTradePrevented
	Expired
	ExpireTimePast
	StopPriceOutOfRange
	NoReferencePrice
	// BudgetNotMet: all of the quantity was there, for another sum than the budget allows.
	BudgetNotMet
	BudgetOutOfRange
	// BudgetInexact and BudgetNeedsFillOrKill are a gateway's: a sum that ticks x lots cannot say, and one with an order that has no use for it.
	BudgetInexact
	BudgetNeedsFillOrKill
	reasons
)

// Event is one consequence of a command: flat, fixed size, no pointers. An event with OutSeq is a message to its session, an event with
// FeedSeq is a message of the feed; one event can be both.
type Event struct {
	Kind EventKind
	// Feed is the ITCH message type that the event is on the feed, 0 if none.
	Feed   byte
	Side   Side
	Type   OrderType
	TIF    TimeInForce
	Code   byte
	Reason Reason
	// Resting tells that the order of a Filled was the resting one, or would have been.
	Resting    bool
	Instrument uint16
	// Session the message goes to, 0 if it goes to none.
	Session    uint16
	Seconds    uint16
	RefTag     uint16
	RefMsgType [2]byte
	Flags      uint8
	Conditions Conditions
	Epoch      uint32
	// OutSeq is the outbound number of the message in its session, from 1.
	OutSeq uint64
	// FeedSeq is the number of the message on the feed, from 1.
	FeedSeq uint64
	// Index numbers the command that caused the event: the count of commands applied, from 1.
	Index uint64
	// Time is the command's time, ns since the Unix epoch.
	Time int64
	// NextIn is the session's expected inbound number after the command: that of channel 0, but in a SessionMessageSent to OUCH that of the channel which was
	// asked in. InSeq is the inbound number the command carried.
	NextIn, InSeq uint64
	// OrderID is the order's number, from 1, for ever the same. Ref is its reference on the feed, new whenever priority is lost.
	OrderID, Ref, OldRef uint64
	// Match numbers the trade, from 1.
	Match uint64
	// Price is the order's limit in ticks (0 for market orders, of a Budget its sum in ticks x lots), Qty its total in lots.
	Price, Qty int64
	// LastPrice in ticks and LastQty in lots are of this fill, or of the one that was prevented.
	LastPrice, LastQty int64
	// StopPrice in ticks is the order's, 0 if it has none.
	StopPrice int64
	// Shown is the quantity for the feed (A, U, X) in lots where it shows less than Leaves or LastQty: an iceberg's. 0: there is no difference.
	Shown int64
	// Cum is what has been filled, Leaves what is open: both after this event. Cum + Leaves = Qty while the order lives.
	Cum, Leaves int64
	// Notional is the sum of price (ticks) x quantity (lots) over all fills of the order, for the average price: within MaxFeedPrice x MaxShares it fits.
	Notional int64
	// ClientID is the order's id (after a Replace: the new one); OrigID the id it had before, or that was asked for.
	ClientID, OrigID ClientID
}

// Rests tells whether an order came to lie in the book with the event, with Leaves open: behind its fills, or at once.
func (e *Event) Rests() bool { return e.Kind == Rested || e.Kind == Accepted && e.Feed != 0 }
