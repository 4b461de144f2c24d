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
	// AddParticipant adds a participant. ClientID: name. Numbers from 1; a known name changes nothing.
	AddParticipant
	// AddSession adds a session. ClientID: its name ("SENDER>TARGET" for FIX, the user name for OUCH); OrigID: its participant's
	// name; Protocol; Flags: CancelOnDisconnect, MayReset. Numbers from 1; a known name changes nothing.
	AddSession
	// SystemEvent marks a point of the day. Code: ITCH's O S Q M E C. Orders are accepted between Q and M only; at M the day's orders end. A point
	// that is not ahead changes nothing, but O after M begins a new day, with the client ids of the day before forgotten.
	SystemEvent
	// TradingAction halts or resumes an instrument. Code: ITCH's H (halted) or T (trading).
	TradingAction
	// Enter enters an order. Session, Epoch, InSeq, Instrument, Side, Type, TIF, Price (ticks), Qty (lots), ClientID.
	Enter
	// Cancel takes an order out. OrigID: the order; ClientID: the request's own id. Instrument and Side are not checked.
	Cancel
	// Replace changes an order to Price and Qty (its new total, executed quantity included). OrigID, ClientID as in
	// Cancel. A lower quantity at the same price keeps priority unless Flags has Requeue; anything else loses it.
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
	// Epoch is the connection's number within its session; a command of an earlier connection is dropped.
	Epoch uint32
	// InSeq is the inbound number that the command consumes; it applies only if that is the expected one. 0: consumes none.
	InSeq uint64
	// NextIn: see Logon and SessionMessage.
	NextIn uint64
	// Time is the leader's time at sequencing in nanoseconds since the Unix epoch; it never falls.
	Time int64
	// Price in ticks.
	Price int64
	// Qty in lots.
	Qty      int64
	ClientID ClientID
	// OrigID is the id of the order meant (FIX OrigClOrdID).
	OrigID ClientID
}

// MaxText is the longest text of a session message, in bytes: it lies in ClientID and OrigID together.
const MaxText = 2 * ClientIDLen
