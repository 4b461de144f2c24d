package ouch

import (
	"encoding/binary"
	"fmt"
)

// RequestType is the first byte of a client's message.
type RequestType byte

const (
	EnterOrder   RequestType = 'O'
	ReplaceOrder RequestType = 'U'
	CancelOrder  RequestType = 'X'
	ModifyOrder  RequestType = 'M'
	MassCancel   RequestType = 'C'
	DisableEntry RequestType = 'D'
	EnableEntry  RequestType = 'E'
	AccountQuery RequestType = 'Q'
)

// Request is a message of a client: flat, and each type uses some fields.
//
//	EnterOrder    all but OrigUserRefNum and Firm
//	ReplaceOrder  OrigUserRefNum, UserRefNum, Quantity (total of the chain), Price, TimeInForce, Display, Sweep, ClOrdID, Tags
//	CancelOrder   UserRefNum, Quantity (total to be left, 0: none)
//	ModifyOrder   UserRefNum, Side, Quantity (total)
//	MassCancel    UserRefNum, Firm, Symbol (spaces: all)
//	DisableEntry, EnableEntry  UserRefNum, Firm
//	AccountQuery  nothing
//
// Behind any may be Tags.
type Request struct {
	Type           RequestType
	Side           byte
	TimeInForce    byte
	Display        byte
	Capacity       byte
	Sweep          byte // intermarket sweep: Y or N
	Cross          byte
	UserRefNum     uint32
	OrigUserRefNum uint32
	Quantity       uint32 // shares
	Price          uint64 // 1/10,000
	Symbol         Symbol
	ClOrdID        ClOrdID
	Firm           Firm
	Tags           Tags
}

// Lengths of the fields, without the appendage.
const (
	enterLen   = 45
	replaceLen = 38
	cancelLen  = 9
	modifyLen  = 10
	massLen    = 17
	switchLen  = 9
	queryLen   = 1
	MaxRequest = enterLen + MaxAppendage
)

func (t RequestType) fixedLen() int {
	switch t {
	case EnterOrder:
		return enterLen
	case ReplaceOrder:
		return replaceLen
	case CancelOrder:
		return cancelLen
	case ModifyOrder:
		return modifyLen
	case MassCancel:
		return massLen
	case DisableEntry, EnableEntry:
		return switchLen
	case AccountQuery:
		return queryLen
	}
	return 0
}

// Numbered tells whether messages of the type carry a number of their own, so that they count once however often they are sent.
func (t RequestType) Numbered() bool {
	return t != CancelOrder && t != ModifyOrder && t != AccountQuery
}

// AppendTo appends the message, at most MaxRequest bytes. Enter and Replace always have an appendage, the others if they have tags.
func (r *Request) AppendTo(dst []byte) []byte {
	be := binary.BigEndian
	dst = append(dst, byte(r.Type))
	switch r.Type {
	case EnterOrder:
		dst = be.AppendUint32(dst, r.UserRefNum)
		dst = append(dst, r.Side)
		dst = be.AppendUint32(dst, r.Quantity)
		dst = append(dst, r.Symbol[:]...)
		dst = be.AppendUint64(dst, r.Price)
		dst = append(dst, r.TimeInForce, r.Display, r.Capacity, r.Sweep, r.Cross)
		dst = append(dst, r.ClOrdID[:]...)
		return r.Tags.append(dst)
	case ReplaceOrder:
		dst = be.AppendUint32(dst, r.OrigUserRefNum)
		dst = be.AppendUint32(dst, r.UserRefNum)
		dst = be.AppendUint32(dst, r.Quantity)
		dst = be.AppendUint64(dst, r.Price)
		dst = append(dst, r.TimeInForce, r.Display, r.Sweep)
		dst = append(dst, r.ClOrdID[:]...)
		return r.Tags.append(dst)
	case CancelOrder:
		dst = be.AppendUint32(be.AppendUint32(dst, r.UserRefNum), r.Quantity)
	case ModifyOrder:
		dst = append(be.AppendUint32(dst, r.UserRefNum), r.Side)
		dst = be.AppendUint32(dst, r.Quantity)
	case MassCancel:
		dst = append(be.AppendUint32(dst, r.UserRefNum), r.Firm[:]...)
		dst = append(dst, r.Symbol[:]...)
	case DisableEntry, EnableEntry:
		dst = append(be.AppendUint32(dst, r.UserRefNum), r.Firm[:]...)
	case AccountQuery:
	default:
		panic(fmt.Sprintf("ouch: request of type %q", byte(r.Type)))
	}
	if r.Tags.Empty() {
		return dst
	}
	return r.Tags.append(dst)
}

// Parse reads a whole message. Values are not checked. The error wraps ErrMessage.
func (r *Request) Parse(b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: it is empty", ErrMessage)
	}
	r.Type = RequestType(b[0])
	n := r.Type.fixedLen()
	if n == 0 {
		return fmt.Errorf("%w: type %q does not come from a client", ErrMessage, b[0])
	}
	if len(b) < n {
		return fmt.Errorf("%w: type %q of %d bytes, at least %d are needed", ErrMessage, b[0], len(b), n)
	}
	f := fields{b[1:]}
	switch r.Type {
	case EnterOrder:
		r.UserRefNum, r.Side, r.Quantity = f.u32(), f.letter(), f.u32()
		f.text(r.Symbol[:])
		r.Price = f.u64()
		r.TimeInForce, r.Display, r.Capacity, r.Sweep, r.Cross = f.letter(), f.letter(), f.letter(), f.letter(), f.letter()
		f.text(r.ClOrdID[:])
	case ReplaceOrder:
		r.OrigUserRefNum, r.UserRefNum, r.Quantity, r.Price = f.u32(), f.u32(), f.u32(), f.u64()
		r.TimeInForce, r.Display, r.Sweep = f.letter(), f.letter(), f.letter()
		f.text(r.ClOrdID[:])
	case CancelOrder:
		r.UserRefNum, r.Quantity = f.u32(), f.u32()
	case ModifyOrder:
		r.UserRefNum, r.Side, r.Quantity = f.u32(), f.letter(), f.u32()
	case MassCancel:
		r.UserRefNum = f.u32()
		f.text(r.Firm[:])
		f.text(r.Symbol[:])
	case DisableEntry, EnableEntry:
		r.UserRefNum = f.u32()
		f.text(r.Firm[:])
	}
	return r.Tags.parse(f.b)
}
