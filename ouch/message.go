package ouch

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMessage is wrapped by every error about bytes that are no message of OUCH 5.0.
var ErrMessage = errors.New("not an OUCH message")

// Symbol, ClOrdID and Firm are text, left-justified, padded with spaces.
type (
	Symbol  [8]byte
	ClOrdID [14]byte
	Firm    [4]byte
)

// MakeSymbol pads a symbol; what is too long is cut.
func MakeSymbol(s string) (v Symbol) { padded(v[:], s); return v }

// MakeClOrdID pads a client's text; what is too long is cut.
func MakeClOrdID(s string) (v ClOrdID) { padded(v[:], s); return v }

// MakeFirm pads a firm; what is too long is cut.
func MakeFirm(s string) (v Firm) { padded(v[:], s); return v }

func padded(dst []byte, s string) {
	for n := copy(dst, s); n < len(dst); n++ {
		dst[n] = ' '
	}
}

// Trim is text without its padding.
func Trim(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == 0) {
		b = b[:len(b)-1]
	}
	return b
}

func (s Symbol) String() string  { return string(Trim(s[:])) }
func (s ClOrdID) String() string { return string(Trim(s[:])) }
func (s Firm) String() string    { return string(Trim(s[:])) }

// Prices are in 1/10,000.
const (
	// MaxPrice is the highest price of an order: 199,999.9900.
	MaxPrice = 1_999_999_900
	// MarketPrice and LargePrice say that an order has no price.
	MarketPrice = 0x7FFFFFFF
	LargePrice  = 2_000_000_000
	// MaxQuantity is the largest quantity of an order, in shares.
	MaxQuantity = 999_999
	// MaxExpireTime is the longest life of an order good till a time, in seconds.
	MaxExpireTime = 86_399
)

// Letters of fields.
const (
	SideBuy             = 'B'
	SideSell            = 'S'
	SideSellShort       = 'T'
	SideSellShortExempt = 'E'

	TIFDay           = '0'
	TIFImmediate     = '3'
	TIFExtendedHours = '5'
	TIFTillTime      = '6'
	TIFAfterHours    = 'E'

	DisplayVisible      = 'Y'
	DisplayHidden       = 'N'
	DisplayAttributable = 'A'
	DisplayConformant   = 'Z'

	CapacityAgency    = 'A'
	CapacityPrincipal = 'P'
	CapacityRiskless  = 'R'
	CapacityOther     = 'O'

	CrossNone = 'N'

	StateLive = 'L'
	StateDead = 'D'

	DayStarts = 'S'
	DayEnds   = 'E'
)

// RejectReason is the reason of a Rejected.
type RejectReason uint16

// What we refuse with.
const (
	RejectClosed          RejectReason = 0x02
	RejectDisplay         RejectReason = 0x03
	RejectMaxFloor        RejectReason = 0x04
	RejectHalted          RejectReason = 0x07
	RejectSweep           RejectReason = 0x08
	RejectSide            RejectReason = 0x09
	RejectProcessing      RejectReason = 0x0A
	RejectNotAuthorized   RejectReason = 0x0C
	RejectMinQuantity     RejectReason = 0x0D
	RejectOther           RejectReason = 0x0F
	RejectPegging         RejectReason = 0x11
	RejectCrossed         RejectReason = 0x12
	RejectQuantity        RejectReason = 0x13
	RejectCross           RejectReason = 0x14
	RejectRouting         RejectReason = 0x16
	RejectSymbol          RejectReason = 0x17
	RejectPrice           RejectReason = 0x1D
	RejectTooManyMessages RejectReason = 0x29
)

var rejectTexts = map[RejectReason]string{
	RejectClosed: "market is closed", RejectDisplay: "display not supported", RejectMaxFloor: "displayed quantity cannot be", RejectHalted: "instrument is halted",
	RejectSweep: "intermarket sweep not allowed", RejectSide: "unknown side", RejectProcessing: "no room, try again later", RejectNotAuthorized: "order entry is disabled",
	RejectMinQuantity: "minimum quantity cannot be", RejectOther: "not supported", RejectPegging: "pegging not supported", RejectCrossed: "post only, but would trade",
	RejectQuantity: "quantity cannot be", RejectCross: "crosses are not supported", RejectRouting: "routing not supported", RejectSymbol: "unknown symbol",
	RejectPrice: "price cannot be", RejectTooManyMessages: "too many messages in a second",
}

func (r RejectReason) String() string {
	if text, known := rejectTexts[r]; known {
		return text
	}
	return fmt.Sprintf("reason 0x%02X", uint16(r))
}

// CancelReason is the reason of a Canceled.
type CancelReason byte

// Why an order of ours is cancelled.
const (
	CanceledByUser       CancelReason = 'U'
	CanceledImmediate    CancelReason = 'I'
	CanceledTimeout      CancelReason = 'T'
	CanceledBySupervisor CancelReason = 'S'
	CanceledSelfMatch    CancelReason = 'Q'
	CanceledBySystem     CancelReason = 'Z'
	CanceledHalted       CancelReason = 'H'
	CanceledClosed       CancelReason = 'E'
	CanceledPostOnly     CancelReason = 'F'
)

// Liquidity flags of ours.
const (
	AddedLiquidity       = 'A'
	AddedHiddenLiquidity = 'J'
	RemovedLiquidity     = 'R'
)

// fields takes values off a message whose length was checked.
type fields struct{ b []byte }

func (f *fields) letter() byte {
	v := f.b[0]
	f.b = f.b[1:]
	return v
}

func (f *fields) u16() uint16 {
	v := binary.BigEndian.Uint16(f.b)
	f.b = f.b[2:]
	return v
}

func (f *fields) u32() uint32 {
	v := binary.BigEndian.Uint32(f.b)
	f.b = f.b[4:]
	return v
}

func (f *fields) u64() uint64 {
	v := binary.BigEndian.Uint64(f.b)
	f.b = f.b[8:]
	return v
}

func (f *fields) text(dst []byte) { f.b = f.b[copy(dst, f.b):] }
