package book

// Side of an order.
type Side uint8

const (
	Buy  Side = 0
	Sell Side = 1
)

// OrderType says how an order's price is meant.
type OrderType uint8

const (
	Limit       OrderType = 0
	MarketOrder OrderType = 1
	// Stop waits, unseen, until the instrument trades at StopPrice or beyond (a buy: at or above, a sell: at or below), and is a market order then.
	Stop OrderType = 2
	// StopLimit waits like Stop and is a limit order then.
	StopLimit OrderType = 3
	// TrailingStop is a Stop whose stop price follows the last trade at a distance of Trail ticks, towards the market and never back.
	TrailingStop OrderType = 4
	// TrailingStopLimit is a StopLimit like that; its limit keeps its distance to the stop price.
	TrailingStopLimit OrderType = 5
	// MarketToLimit trades at the best price of the other side and no worse; what is left rests there as a limit order.
	MarketToLimit OrderType = 6
	// Budget has no limit price: it trades in full at once if the sum of price x quantity over its fills is at most Price (a sell: at least), in ticks x
	// lots; otherwise it is cancelled untouched. FillOrKill only.
	Budget     OrderType = 7
	orderTypes OrderType = 8
)

// TimeInForce says how long an order lives.
type TimeInForce uint8

const (
	// Day orders rest until cancelled or the day ends.
	Day TimeInForce = 0
	// ImmediateOrCancel trades what it can at once; the rest is cancelled.
	ImmediateOrCancel TimeInForce = 1
	// FillOrKill trades in full at once or is cancelled untouched.
	FillOrKill TimeInForce = 2
	// GoodTillCancel orders rest until cancelled, over days.
	GoodTillCancel TimeInForce = 3
	// GoodTillDate orders rest until Expire, over days.
	GoodTillDate TimeInForce = 4
	timesInForce TimeInForce = 5
)

// Conditions of an order, as bits.
type Conditions uint8

const (
	// PostOnly refuses the order (or its replacement) if it would trade on its way in.
	PostOnly Conditions = 1 << iota
	// PostOnlySlide gives it the best price at which it does not trade instead.
	PostOnlySlide
	// AllOrNone trades in full in one go or not at all, also while it waits.
	AllOrNone
	// Hidden orders are never shown; at one price they trade after those that are.
	Hidden
	conditions = PostOnly | PostOnlySlide | AllOrNone | Hidden
)

// SelfTrade says what happens when an incoming order meets a resting one of the same group of participants. The incoming order's word counts.
type SelfTrade uint8

const (
	// SelfTradeAllowed trades.
	SelfTradeAllowed SelfTrade = iota
	// CancelNewest cancels the incoming order.
	CancelNewest
	// CancelOldest cancels the resting order; the incoming one goes on.
	CancelOldest
	// CancelBoth cancels both.
	CancelBoth
	// DecrementAndCancel takes the smaller open quantity off both: the smaller one is cancelled, the larger one goes on.
	DecrementAndCancel
	selfTrades
)

// ClientIDLen is the longest client order id, in bytes.
const ClientIDLen = 40

// ClientID is a client's own name for an order (FIX ClOrdID), padded with NULs on the right.
type ClientID [ClientIDLen]byte

// CommandKind is what a command asks of the state machine.
type CommandKind uint8

const (
	// ListInstrument adds an instrument. ClientID: symbol (at most 8 bytes). Price: tick size in 1/10,000. Qty: lot size in
	// shares. It becomes the next instrument number, from 1. A symbol that is listed already changes nothing.
	ListInstrument CommandKind = 1 + iota
	// AddParticipant adds a participant. ClientID: name. OrigID: the participant whose group it joins for self-trade prevention, empty: a group of its
	// own. Numbers from 1; a known name, or an unknown one to join, changes nothing.
	AddParticipant
	// AddSession adds a session. ClientID: its name ("SENDER>TARGET" for FIX, the user name for OUCH); OrigID: its participant's
	// name; Protocol; Flags: CancelOnDisconnect, MayReset. Numbers from 1; a known name changes nothing.
	AddSession
	// SystemEvent marks a point of the day. Code: ITCH's O S Q M E C. Orders are accepted between Q and M only; at M the day's orders end. A point
	// that is not ahead changes nothing, but O after M begins a new day, with the client ids of the day before forgotten.
	SystemEvent
	// TradingAction halts or resumes an instrument. Code: ITCH's H (halted) or T (trading).
	TradingAction
	// Enter enters an order. Session, Epoch, InSeq, Instrument, Side, Type, TIF, Price (ticks), Qty (lots), ClientID; Conditions, SelfTrade, MinQty,
	// Display, StopPrice, Trail, Expire as they are needed. conditions.go says what goes with what.
	Enter
	// Cancel takes an order out. OrigID: the order; ClientID: the request's own id. Instrument and Side are not checked.
	Cancel
	// Replace changes an order to Price and Qty (its new total, executed quantity included). OrigID, ClientID as in
	// Cancel. A lower quantity at the same price keeps priority unless Flags has Requeue; anything else loses it. Display changes that of an
	// iceberg, StopPrice and Trail those of an order that waits; 0 leaves them.
	Replace
	// Reduce takes Qty off an order's open quantity, keeping priority; at or above the open quantity it cancels. OrigID.
	Reduce
	// Logon opens a session's connection. InSeq: MsgSeqNum of the Logon. Seconds: HeartBtInt. Flags: ResetNumbers.
	// NextIn: NextExpectedMsgSeqNum (789), 0 if absent. Answer: a SessionMessage event with Code 'A' (and what follows from
	// numbers too high or too low), carrying the session's new Epoch.
	Logon
	// SessionMessage consumes an inbound number (InSeq, 0: none) and, if Code is not 0, sends the session message Code (FIX MsgType:
	// '0' '1' '2' '3' '5' 'j'). NextIn not 0: a gap fill or reset, the expected number becomes NextIn. Text, RefTag, Reason,
	// RefMsgType, Seconds fill the message sent.
	SessionMessage
	// Disconnect says that the connection Epoch of the session is gone.
	Disconnect
	// CancelSession cancels all orders of the session (its grace time is over), if it is still disconnected and at Epoch.
	CancelSession
	// Tick changes nothing but the count of commands and the time.
	Tick
	// MassCancel cancels many orders. Code: 'S' the session's, 'P' all of its participant's. Instrument: only those, 0: of all. Flags OneSide: only
	// those of Side. ClientID: the request's own id. Without a session it is the exchange's own: Code 'P', OrigID names the participant, empty: all.
	MassCancel
	// Status tells of orders of the session and changes nothing. Code 'H': the one named OrigID. 'A': all that are open, in Instrument (0: all), with Flags
	// OneSide those of Side. ClientID: the request's own id, which is not remembered. Reason: why the gateway refused it.
	Status
	commandKinds
)

// Flags of a command.
const (
	// Requeue makes a Replace lose priority whatever it changes.
	Requeue uint8 = 1 << iota
	// ResetNumbers on a Logon or SessionMessage sets both numbers to 1 first (141=Y).
	ResetNumbers
	// CancelOnDisconnect on AddSession: the session's orders are cancelled some time after its connection is lost.
	CancelOnDisconnect
	// MayReset on AddSession: the client may reset the numbers.
	MayReset
	// PossDup on a command: the message had 43=Y.
	PossDup
	// OneSide on MassCancel: only the orders of Side.
	OneSide
	// PossResend on a command: the message had 97=Y. On Enter: an id that was seen before is answered with the order's state.
	PossResend
)

// Protocol of a session.
type Protocol uint8

const (
	FIX  Protocol = 1
	OUCH Protocol = 2
)

// Command is one decided input of the state machine: flat, fixed size, no pointers. Which fields a kind uses is said at the kind;
// the others are zero.
type Command struct {
	Kind     CommandKind
	Side     Side
	Type     OrderType
	TIF      TimeInForce
	Flags    uint8
	Protocol Protocol
	// Code is an ITCH event code or a FIX MsgType.
	Code byte
	// Reason, when not 0 on Enter, Cancel or Replace, is why the gateway refused the order: its inbound number is consumed and the
	// refusal answered with a number of the state machine's, nothing else happens. (On an Enter refused for its symbol,
	// OrigID holds the symbol as it was sent.) On SessionMessage: SessionRejectReason (373) or BusinessRejectReason (380).
	Reason     Reason
	Instrument uint16
	Session    uint16
	// Seconds is HeartBtInt.
	Seconds uint16
	// RefTag is RefTagID (371), RefMsgType is 372; on SessionMessage '3' and 'j'.
	RefTag     uint16
	RefMsgType [2]byte
	Conditions Conditions
	SelfTrade  SelfTrade
	// Epoch is the connection's number within its session; a command of an earlier connection is dropped.
	Epoch uint32
	// InSeq is the inbound number that the command consumes; it applies only if that is the expected one. 0: consumes none.
	InSeq uint64
	// NextIn: see Logon and SessionMessage.
	NextIn uint64
	// Time is the leader's time at sequencing in nanoseconds since the Unix epoch; it never falls.
	Time int64
	// Price in ticks; of a Budget the sum that its fills may come to, in ticks x lots.
	Price int64
	// Qty in lots.
	Qty int64
	// StopPrice in ticks; on a trailing stop where it begins, 0: Trail away from the last trade.
	StopPrice int64
	// Trail in ticks.
	Trail int64
	// MinQty in lots: at least this much trades on the way in, or the order is cancelled untouched. What is left is then like any order. 0: none.
	MinQty int64
	// Display in lots is how much of an iceberg is shown at a time; 0: all.
	Display int64
	// Expire is when a GoodTillDate order ends, ns since the Unix epoch.
	Expire   int64
	ClientID ClientID
	// OrigID is the id of the order meant (FIX OrigClOrdID).
	OrigID ClientID
}

// MaxText is the longest text of a session message, in bytes: it lies in ClientID and OrigID together.
const MaxText = 2 * ClientIDLen
