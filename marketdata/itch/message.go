package itch

// The message types. Those of NASDAQ's own rules that this venue has no use for (MWCB, IPO, LULD, RPII …) are not among them;
// Decode gives ErrUnknownType for them.
const (
	SystemEvent         = 'S'
	StockDirectory      = 'R'
	TradingAction       = 'H'
	RegSHO              = 'Y'
	ParticipantPosition = 'L'
	AddOrder            = 'A'
	AddOrderMPID        = 'F'
	OrderExecuted       = 'E'
	ExecutedWithPrice   = 'C'
	OrderCancel         = 'X' // shares taken off, the order stays
	OrderDelete         = 'D'
	OrderReplace        = 'U'
	Trade               = 'P' // of an order that was not displayed
	CrossTrade          = 'Q'
	BrokenTrade         = 'B'
	Imbalance           = 'I'
)

// Lengths of the messages in bytes.
const (
	headerLen              = 11
	SystemEventLen         = 12
	StockDirectoryLen      = 39
	TradingActionLen       = 25
	RegSHOLen              = 20
	ParticipantPositionLen = 26
	AddOrderLen            = 36
	AddOrderMPIDLen        = 40
	OrderExecutedLen       = 31
	ExecutedWithPriceLen   = 36
	OrderCancelLen         = 23
	OrderDeleteLen         = 19
	OrderReplaceLen        = 35
	TradeLen               = 44
	CrossTradeLen          = 40
	BrokenTradeLen         = 19
	ImbalanceLen           = 50
	// MaxLen is the longest message.
	MaxLen = ImbalanceLen
)

// Len is the length of a message of the type, 0 for one that is not known.
func Len(messageType byte) int { return int(lengths[messageType]) }

var lengths = [256]uint8{
	SystemEvent: SystemEventLen, StockDirectory: StockDirectoryLen, TradingAction: TradingActionLen, RegSHO: RegSHOLen,
	ParticipantPosition: ParticipantPositionLen, AddOrder: AddOrderLen, AddOrderMPID: AddOrderMPIDLen,
	OrderExecuted: OrderExecutedLen, ExecutedWithPrice: ExecutedWithPriceLen, OrderCancel: OrderCancelLen,
	OrderDelete: OrderDeleteLen, OrderReplace: OrderReplaceLen, Trade: TradeLen, CrossTrade: CrossTradeLen,
	BrokenTrade: BrokenTradeLen, Imbalance: ImbalanceLen,
}

// Symbol is an instrument's name, padded with spaces on the right.
type Symbol [8]byte

// MakeSymbol pads a name of at most 8 bytes; what is longer is cut.
func MakeSymbol(name string) (s Symbol) {
	for n := copy(s[:], name); n < len(s); n++ {
		s[n] = ' '
	}
	return s
}

func (s Symbol) String() string { return string(trimRight(s[:])) }

func trimRight(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == 0) {
		b = b[:len(b)-1]
	}
	return b
}

// PriceUnit is what a price of 1.0000 is as a number.
const PriceUnit = 10000

// MaxPrice is the highest price that ITCH allows: 200,000.0000.
const MaxPrice = 200000 * PriceUnit

// Message is any ITCH message, flat. Which fields a type has is said at the fields; the others are not encoded, and zero after Decode.
type Message struct {
	Type byte
	// Locate is the instrument's number, 0 if the message is about none.
	Locate uint16
	// Tracking is the low 16 bits of the number of the command that caused the message.
	Tracking uint16
	// Timestamp is in nanoseconds since midnight UTC, 48 bits.
	Timestamp uint64
	// Code is the event code of S (O S Q M E C), the trading state of H (H P Q T), the action of Y (0 1 2), the cross type of Q
	// and I (O C H I).
	Code byte
	// Stock of R H Y L A F P Q I.
	Stock Symbol
	// Ref is the order's reference of A F E C X D P, and the old one of U; NewRef is the new one of U.
	Ref, NewRef uint64
	// Side of A F P: B or S; the imbalance's direction of I: B S N O.
	Side byte
	// Shares of A F U: displayed; of E C P Q: executed; of X: taken off. 32 bits but for Q.
	Shares uint64
	// Price of A F U C P Q, in 1/10,000.
	Price uint32
	// Match is the number of the trade of E C P Q B.
	Match uint64
	// Printable of C: Y if the execution counts in the volume, else N.
	Printable byte
	// MPID of F and L names a participant.
	MPID [4]byte

	// Reason of H, spaces if there is none.
	Reason [4]byte

	// RoundLot is the round lot size of R in shares; Directory holds its other fields.
	RoundLot  uint32
	Directory Directory

	// Position holds the fields of L.
	Position Position

	// Paired and Unpaired are the paired and the imbalance shares of I; Far, Near and Reference its prices in 1/10,000;
	// Variation its price variation indicator.
	Paired, Unpaired     uint64
	Far, Near, Reference uint32
	Variation            byte
}

// Directory holds the one- and two-letter fields of a Stock Directory message.
type Directory struct {
	MarketCategory, FinancialStatus, RoundLotsOnly, Classification byte
	SubType                                                        [2]byte
	Authenticity, ShortSaleThreshold, IPO, LULDTier, ETP, Inverse  byte
	ETPLeverage                                                    uint32
}

// Position holds the one-letter fields of a Market Participant Position message.
type Position struct {
	// Primary: Y or N. Mode: N P S R L. State: A E W S D.
	Primary, Mode, State byte
}
