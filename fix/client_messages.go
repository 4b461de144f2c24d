package fix

import (
	"strconv"
	"strings"

	"exchange/book"
)

// Order is what a client asks for, in NewOrderSingle, OrderCancelRequest or OrderCancelReplaceRequest. The slices are not kept.
type Order struct {
	ClOrdID, OrigClOrdID []byte
	Symbol               []byte
	Side                 book.Side
	Type                 book.OrderType
	TIF                  book.TimeInForce
	// Price in 1/10,000, left out of a market order, of a budget the money. Qty in shares; left out of a cancel if it is 0.
	Price, Qty int64
}

// NewOrderSingle (D) enters an order and gives the message's number.
func (i *Initiator) NewOrderSingle(now int64, o *Order) uint64 {
	e := encoderOn(i.scratch[:0])
	e.bytes(tagClOrdID, o.ClOrdID)
	e.terms(o)
	e.bytes(tagSymbol, o.Symbol)
	e.char(tagTimeInForce, timeInForce(o.TIF))
	e.time(tagTransactTime, now, i.cfg.Precision, &i.ctx.day)
	if o.Type == book.Budget {
		e.decimal(tagCashOrderQty, o.Price, priceScale, 2)
	}
	i.scratch = e.written()
	return i.Send(now, "D", e.written())
}

// OrderCancelRequest (F) cancels OrigClOrdID.
func (i *Initiator) OrderCancelRequest(now int64, o *Order) uint64 {
	e := encoderOn(i.scratch[:0])
	e.bytes(tagClOrdID, o.ClOrdID)
	if o.Qty != 0 {
		e.uint(tagOrderQty, uint64(o.Qty))
	}
	e.bytes(tagOrigClOrdID, o.OrigClOrdID)
	e.char(tagSide, side(o.Side))
	e.bytes(tagSymbol, o.Symbol)
	e.time(tagTransactTime, now, i.cfg.Precision, &i.ctx.day)
	i.scratch = e.written()
	return i.Send(now, "F", e.written())
}

// OrderCancelReplaceRequest (G) gives OrigClOrdID the price and total quantity of o.
func (i *Initiator) OrderCancelReplaceRequest(now int64, o *Order) uint64 {
	e := encoderOn(i.scratch[:0])
	e.bytes(tagClOrdID, o.ClOrdID)
	e.terms(o)
	e.bytes(tagSymbol, o.Symbol)
	e.char(tagTimeInForce, timeInForce(o.TIF))
	e.time(tagTransactTime, now, i.cfg.Precision, &i.ctx.day)
	i.scratch = e.written()
	return i.Send(now, "G", e.written())
}

// terms writes 38, 40, 41, 44 and 54.
func (e *encoder) terms(o *Order) {
	e.uint(tagOrderQty, uint64(o.Qty))
	e.char(tagOrdType, ordType(o.Type))
	if len(o.OrigClOrdID) > 0 {
		e.bytes(tagOrigClOrdID, o.OrigClOrdID)
	}
	if o.Type == book.Limit {
		e.decimal(tagPrice, o.Price, priceScale, 2)
	}
	e.char(tagSide, side(o.Side))
}

// maxExecID is the longest ExecID that Received keeps.
const maxExecID = 48

// Received is one message from the venue, flat. Fields that it does not have are zero.
type Received struct {
	// Seq is MsgSeqNum. PossDup: 43=Y. Duplicate: the number was seen before, and the message is only told of, not applied.
	Seq                uint64
	PossDup, Duplicate bool
	// MsgType is 35, padded with NUL.
	MsgType [2]byte
	// NewSeqNo and GapFill are of a SequenceReset.
	NewSeqNo uint64
	GapFill  bool
	// SendingTime and TransactTime, ns since the Unix epoch.
	SendingTime, TransactTime int64

	ClOrdID, OrigClOrdID book.ClientID
	// ExecID is 17, ExecIDLen its length.
	ExecID    [maxExecID]byte
	ExecIDLen uint8
	// OrderID is 37; 0: NONE or no number.
	OrderID uint64
	// Match is 527, the number of the trade.
	Match                     uint64
	ExecType, OrdStatus, Side byte
	// Symbol is 55, at most 8 bytes, padded with NUL.
	Symbol [8]byte
	// Prices in 1/10,000, quantities in shares; CashOrderQty, a budget's money, as prices.
	Price, LastPx, AvgPx, CashOrderQty   int64
	OrderQty, LastQty, CumQty, LeavesQty int64
	// RefSeqNum is 45, RefTagID 371, and Reason 103, 102, 373 or 380, whichever the message has; -1: none.
	RefSeqNum uint64
	RefTagID  int
	Reason    int
	// Text is 58.
	Text string
	// Raw is the frame; valid until the next call of Receive, if this one was given at most 32 KiB.
	Raw []byte
}

// Is tells whether the message has the MsgType.
func (r *Received) Is(msgType string) bool {
	var t [2]byte
	copy(t[:], msgType)
	return r.MsgType == t
}

// report appends what a message says to what was received. The pointer is good until the next one.
func (i *Initiator) report(m *Message, seq uint64) *Received {
	i.received = append(i.received, Received{Seq: seq, PossDup: m.is(tagPossDupFlag, 'Y'), Reason: -1, Raw: m.frame})
	r := &i.received[len(i.received)-1]
	copy(r.MsgType[:], m.msgType())
	for k := 3; k < len(m.fields)-1; k++ {
		if tag := m.fields[k].tag; uint32(tag) < indexedTags && int(m.first[tag]) == k+1 {
			r.set(int(tag), m.valueAt(k), &m.day)
		}
	}
	return r
}

func (r *Received) set(tag int, value []byte, day *dayRead) {
	switch tag {
	case tagNewSeqNo:
		r.NewSeqNo, _ = parseUint(value)
	case tagGapFillFlag:
		r.GapFill = len(value) == 1 && value[0] == 'Y'
	case tagSendingTime:
		r.SendingTime, _ = parseTimestamp(value, day)
	case tagTransactTime:
		r.TransactTime, _ = parseTimestamp(value, day)
	case tagClOrdID:
		copy(r.ClOrdID[:], value)
	case tagOrigClOrdID:
		copy(r.OrigClOrdID[:], value)
	case tagExecID:
		r.ExecIDLen = uint8(copy(r.ExecID[:], value))
	case tagOrderID:
		r.OrderID, _ = parseUint(value)
	case tagSecondaryExecID:
		r.Match, _ = parseUint(value)
	case tagExecType:
		r.ExecType = first(value)
	case tagOrdStatus:
		r.OrdStatus = first(value)
	case tagSide:
		r.Side = first(value)
	case tagSymbol:
		copy(r.Symbol[:], value)
	case tagPrice:
		r.Price, _ = parseDecimal(value, priceScale)
	case tagLastPx:
		r.LastPx, _ = parseDecimal(value, priceScale)
	case tagAvgPx:
		r.AvgPx, _ = parseDecimal(value, priceScale)
	case tagCashOrderQty:
		r.CashOrderQty, _ = parseDecimal(value, priceScale)
	case tagOrderQty:
		r.OrderQty, _ = parseDecimal(value, 0)
	case tagLastQty:
		r.LastQty, _ = parseDecimal(value, 0)
	case tagCumQty:
		r.CumQty, _ = parseDecimal(value, 0)
	case tagLeavesQty:
		r.LeavesQty, _ = parseDecimal(value, 0)
	case tagRefSeqNum:
		r.RefSeqNum, _ = parseUint(value)
	case tagRefTagID:
		r.RefTagID, _ = strconv.Atoi(string(value))
	case tagOrdRejReason, tagCxlRejReason, tagSessionRejectReason, tagBusinessRejectReason:
		n, _ := parseUint(value)
		r.Reason = int(n)
	case tagText:
		r.Text = string(value)
	}
}

func first(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// ParsePrice reads a decimal into 1/10,000; false: it is no decimal, or finer or larger than that allows.
func ParsePrice(text string) (int64, bool) {
	units, status := parseDecimal([]byte(text), priceScale)
	return units, status == decimalExact
}

// FormatPrice writes 1/10,000 with at least two digits after the point.
func FormatPrice(units int64) string { return string(appendDecimal(nil, units, priceScale, 2)) }

// Readable writes a frame with | for SOH.
func Readable(frame []byte) string { return strings.ReplaceAll(string(frame), "\x01", "|") }
