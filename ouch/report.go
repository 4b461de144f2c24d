package ouch

import (
	"encoding/binary"
	"fmt"
)

// ReportType is the first byte of the exchange's message.
type ReportType byte

const (
	SystemEvent      ReportType = 'S'
	Accepted         ReportType = 'A'
	Replaced         ReportType = 'U'
	Canceled         ReportType = 'C'
	AIQCanceled      ReportType = 'D'
	Executed         ReportType = 'E'
	BrokenTrade      ReportType = 'B'
	TradeCorrection  ReportType = 'F'
	Rejected         ReportType = 'J'
	CancelPending    ReportType = 'P'
	CancelReject     ReportType = 'I'
	PriorityUpdate   ReportType = 'T'
	Modified         ReportType = 'M'
	Restated         ReportType = 'R'
	MassCancelAnswer ReportType = 'X'
	DisableAnswer    ReportType = 'G'
	EnableAnswer     ReportType = 'K'
	QueryAnswer      ReportType = 'Q'
)

// Report is a message of the exchange: flat, and each type uses some fields besides Type and Time.
//
//	SystemEvent      Event
//	Accepted         UserRefNum, Side, Quantity, Symbol, Price, TimeInForce, Display, OrderRef, Capacity, Sweep, Cross, State, ClOrdID, Tags
//	Replaced         the same and OrigUserRefNum
//	Canceled         UserRefNum, Quantity (taken off now), Reason
//	AIQCanceled      the same and Prevented, Price, Liquidity
//	Executed         UserRefNum, Quantity, Price (both of this execution), Liquidity, Match, Tags
//	BrokenTrade      UserRefNum, Match, Reason, ClOrdID
//	TradeCorrection  UserRefNum, Quantity, Price, Liquidity, Match, Reason, ClOrdID
//	Rejected         UserRefNum, RejectReason, ClOrdID
//	CancelPending, CancelReject  UserRefNum
//	PriorityUpdate   UserRefNum, Price, Display, OrderRef
//	Modified         UserRefNum, Side, Quantity (total)
//	Restated         UserRefNum, Reason, Tags
//	MassCancelAnswer UserRefNum, Firm, Symbol
//	DisableAnswer, EnableAnswer  UserRefNum, Firm
//	QueryAnswer      UserRefNum: the lowest that may be used next
//
// Behind any may be Tags.
type Report struct {
	Type           ReportType
	Event          byte
	Side           byte
	TimeInForce    byte
	Display        byte
	Capacity       byte
	Sweep          byte
	Cross          byte
	State          byte // L live, D dead
	Reason         byte
	Liquidity      byte
	RejectReason   RejectReason
	UserRefNum     uint32
	OrigUserRefNum uint32
	Quantity       uint32 // shares
	Prevented      uint32 // shares
	Time           uint64 // ns since midnight UTC
	Price          uint64 // 1/10,000
	OrderRef       uint64 // as on the feed
	Match          uint64 // as on the feed
	Symbol         Symbol
	ClOrdID        ClOrdID
	Firm           Firm
	Tags           Tags
}

// MaxReport bounds a message of the exchange in bytes.
const MaxReport = 66 + MaxAppendage

// reportLen is the length of each type's fields without the appendage, 0: no such type.
var reportLen = [256]uint8{
	SystemEvent: 10, Accepted: 62, Replaced: 66, Canceled: 18, AIQCanceled: 31, Executed: 34, BrokenTrade: 36, TradeCorrection: 49, Rejected: 29,
	CancelPending: 13, CancelReject: 13, PriorityUpdate: 30, Modified: 18, Restated: 14, MassCancelAnswer: 25, DisableAnswer: 17, EnableAnswer: 17,
	QueryAnswer: 13,
}

// AppendTo appends the message, at most MaxReport bytes. Accepted, Replaced, Executed and Restated always have an appendage, the others if they have
// tags.
func (r *Report) AppendTo(dst []byte) []byte {
	be := binary.BigEndian
	dst = be.AppendUint64(append(dst, byte(r.Type)), r.Time)
	if r.Type == SystemEvent {
		dst = append(dst, r.Event)
	} else {
		if r.Type == Replaced {
			dst = be.AppendUint32(dst, r.OrigUserRefNum)
		}
		dst = be.AppendUint32(dst, r.UserRefNum)
	}
	switch r.Type {
	case Accepted, Replaced:
		dst = be.AppendUint32(append(dst, r.Side), r.Quantity)
		dst = append(dst, r.Symbol[:]...)
		dst = be.AppendUint64(dst, r.Price)
		dst = append(dst, r.TimeInForce, r.Display)
		dst = be.AppendUint64(dst, r.OrderRef)
		dst = append(dst, r.Capacity, r.Sweep, r.Cross, r.State)
		return r.Tags.append(append(dst, r.ClOrdID[:]...))
	case Canceled:
		dst = append(be.AppendUint32(dst, r.Quantity), r.Reason)
	case AIQCanceled:
		dst = append(be.AppendUint32(dst, r.Quantity), r.Reason)
		dst = be.AppendUint64(be.AppendUint32(dst, r.Prevented), r.Price)
		dst = append(dst, r.Liquidity)
	case Executed:
		dst = be.AppendUint64(be.AppendUint32(dst, r.Quantity), r.Price)
		dst = be.AppendUint64(append(dst, r.Liquidity), r.Match)
		return r.Tags.append(dst)
	case BrokenTrade:
		dst = append(be.AppendUint64(dst, r.Match), r.Reason)
		dst = append(dst, r.ClOrdID[:]...)
	case TradeCorrection:
		dst = be.AppendUint64(be.AppendUint32(dst, r.Quantity), r.Price)
		dst = append(be.AppendUint64(append(dst, r.Liquidity), r.Match), r.Reason)
		dst = append(dst, r.ClOrdID[:]...)
	case Rejected:
		dst = append(be.AppendUint16(dst, uint16(r.RejectReason)), r.ClOrdID[:]...)
	case PriorityUpdate:
		dst = be.AppendUint64(append(be.AppendUint64(dst, r.Price), r.Display), r.OrderRef)
	case Modified:
		dst = be.AppendUint32(append(dst, r.Side), r.Quantity)
	case Restated:
		return r.Tags.append(append(dst, r.Reason))
	case MassCancelAnswer:
		dst = append(append(dst, r.Firm[:]...), r.Symbol[:]...)
	case DisableAnswer, EnableAnswer:
		dst = append(dst, r.Firm[:]...)
	case SystemEvent, CancelPending, CancelReject, QueryAnswer:
	default:
		panic(fmt.Sprintf("ouch: report of type %q", byte(r.Type)))
	}
	if r.Tags.Empty() {
		return dst
	}
	return r.Tags.append(dst)
}

// Parse reads a whole message. Values are not checked. The error wraps ErrMessage.
func (r *Report) Parse(b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: it is empty", ErrMessage)
	}
	r.Type = ReportType(b[0])
	n := int(reportLen[b[0]])
	if n == 0 {
		return fmt.Errorf("%w: type %q does not come from an exchange", ErrMessage, b[0])
	}
	if len(b) < n {
		return fmt.Errorf("%w: type %q of %d bytes, at least %d are needed", ErrMessage, b[0], len(b), n)
	}
	f := fields{b[1:]}
	r.Time = f.u64()
	if r.Type == SystemEvent {
		r.Event = f.letter()
		return r.Tags.parse(f.b)
	}
	if r.Type == Replaced {
		r.OrigUserRefNum = f.u32()
	}
	r.UserRefNum = f.u32()
	r.body(&f)
	err := r.Tags.parse(f.b)
	if err != nil && r.Type == AIQCanceled {
		err = r.Tags.parse(f.b[1:]) // some write a strategy here
	}
	return err
}

// body reads what follows the number.
func (r *Report) body(f *fields) {
	switch r.Type {
	case Accepted, Replaced:
		r.Side, r.Quantity = f.letter(), f.u32()
		f.text(r.Symbol[:])
		r.Price, r.TimeInForce, r.Display, r.OrderRef = f.u64(), f.letter(), f.letter(), f.u64()
		r.Capacity, r.Sweep, r.Cross, r.State = f.letter(), f.letter(), f.letter(), f.letter()
		f.text(r.ClOrdID[:])
	case Canceled:
		r.Quantity, r.Reason = f.u32(), f.letter()
	case AIQCanceled:
		r.Quantity, r.Reason, r.Prevented, r.Price, r.Liquidity = f.u32(), f.letter(), f.u32(), f.u64(), f.letter()
	case Executed:
		r.Quantity, r.Price, r.Liquidity, r.Match = f.u32(), f.u64(), f.letter(), f.u64()
	case BrokenTrade:
		r.Match, r.Reason = f.u64(), f.letter()
		f.text(r.ClOrdID[:])
	case TradeCorrection:
		r.Quantity, r.Price, r.Liquidity, r.Match, r.Reason = f.u32(), f.u64(), f.letter(), f.u64(), f.letter()
		f.text(r.ClOrdID[:])
	case Rejected:
		r.RejectReason = RejectReason(f.u16())
		f.text(r.ClOrdID[:])
	case PriorityUpdate:
		r.Price, r.Display, r.OrderRef = f.u64(), f.letter(), f.u64()
	case Modified:
		r.Side, r.Quantity = f.letter(), f.u32()
	case Restated:
		r.Reason = f.letter()
	case MassCancelAnswer:
		f.text(r.Firm[:])
		f.text(r.Symbol[:])
	case DisableAnswer, EnableAnswer:
		f.text(r.Firm[:])
	}
}
