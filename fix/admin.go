package fix

import (
	"bytes"

	"exchange/book"
)

// EncodeContext is what an encoding needs besides the event. With the same context the same event gives the same bytes for ever. It remembers how the day
// is written, so one context is for one goroutine.
type EncodeContext struct {
	Version *Version
	// Sender is our CompID (49), Target the client's (56).
	Sender, Target string
	// SendingTime is 52, ns since the Unix epoch.
	SendingTime int64
	// PossDup marks a message sent again: 43=Y and 122, the event's time.
	PossDup bool
	// Precision of all times.
	Precision TimePrecision
	// NextExpected puts 789 into a Logon. ResetUnasked leaves 141 out: the numbers were reset by the session's settings, not by the client.
	NextExpected, ResetUnasked bool
	// Application encodes events of its own; nil: there are none.
	Application Application
	// Instruments gives symbols, ticks and lots.
	Instruments InstrumentTable

	day        dayText
	possResend bool // 97=Y goes into the next header
}

// EncodeEvent appends the FIX message of an event that has an outbound number. It is a pure function of event and context. An event that is
// no message of FIX (a kind without a report) appends nothing.
func EncodeEvent(dst []byte, ev *book.Event, ctx *EncodeContext) []byte {
	switch ev.Kind {
	case book.SessionMessageSent:
		return encodeSessionMessage(dst, ev, ctx)
	case book.CancelRejected:
		return encodeCancelReject(dst, ev, ctx)
	case book.MassCancelled:
		return encodeMassCancelReport(dst, ev, ctx)
	case book.Accepted, book.Rejected, book.Filled, book.Cancelled, book.Reduced, book.Replaced, book.Triggered, book.Told:
		return encodeExecutionReport(dst, ev, ctx)
	}
	return dst
}

// Resendable tells whether an event is an application message, which is sent again when asked for; session messages are filled over.
func Resendable(ev *book.Event) bool {
	if ev.Kind != book.SessionMessageSent {
		return true
	}
	switch ev.Code {
	case '0', '1', '2', '3', '4', '5', 'A', 'W', 'X', 'f':
		return false
	}
	return true
}

// header writes 8, 9, 35 and the header fields in ascending order. extras holds routing fields, see rejectExtras.
func header(e *encoder, ctx *EncodeContext, msgType string, seq uint64, origTime int64, extras []byte) {
	e.begin(ctx.Version.BeginString, msgType)
	e.uint(tagMsgSeqNum, seq)
	if ctx.PossDup {
		e.char(tagPossDupFlag, 'Y')
	}
	e.text(tagSenderCompID, ctx.Sender)
	e.time(tagSendingTime, ctx.SendingTime, ctx.Precision, &ctx.day)
	e.text(tagTargetCompID, ctx.Target)
	if ctx.possResend {
		e.char(tagPossResend, 'Y')
	}
	appendExtras(e, extras, tagOnBehalfOfCompID, tagOnBehalfOfSubID)
	if ctx.PossDup {
		e.time(tagOrigSendingTime, origTime, ctx.Precision, &ctx.day)
	}
	appendExtras(e, extras, tagDeliverToCompID, tagDeliverToLocationID)
}

// encodeGapFill appends the SequenceReset-GapFill that stands for the numbers seq to next-1.
func encodeGapFill(dst []byte, seq, next uint64, ctx *EncodeContext) []byte {
	e := encoderOn(dst)
	header(&e, ctx, "4", seq, ctx.SendingTime, nil)
	e.uint(tagNewSeqNo, next)
	e.char(tagGapFillFlag, 'Y')
	return e.finish()
}

func encodeSessionMessage(dst []byte, ev *book.Event, ctx *EncodeContext) []byte {
	text := eventText(ev)
	e := encoderOn(dst)
	var extras []byte
	if ev.Code == '3' || ev.Code == 'j' {
		extras = text
	}
	msgType := oneByteType(ev.Code)
	if ev.Code == codeMarketDefinition && ctx.Application == nil {
		msgType = "BU"
	}
	ctx.possResend = ev.Flags&book.PossResend != 0
	header(&e, ctx, msgType, ev.OutSeq, ev.Time, extras)
	ctx.possResend = false
	switch ev.Code {
	case 'A':
		e.char(tagEncryptMethod, '0')
		e.uint(tagHeartBtInt, uint64(ev.Seconds))
		if ev.Flags&book.ResetNumbers != 0 && !ctx.ResetUnasked {
			e.char(tagResetSeqNumFlag, 'Y')
		}
		if ctx.NextExpected {
			e.uint(tagNextExpectedMsgSeqNum, ev.NextIn)
		}
		if ctx.Version.ApplVerID != "" {
			e.text(tagDefaultApplVerID, ctx.Version.ApplVerID)
		}
	case '0', '1':
		if len(text) > 0 {
			e.bytes(tagTestReqID, text)
		}
	case '2':
		e.uint(tagBeginSeqNo, ev.NextIn)
		e.char(tagEndSeqNo, '0')
	case '3':
		rejectBody(&e, ev, ctx, extras)
	case '4':
		e.uint(tagNewSeqNo, ev.NextIn)
	case '5':
		if len(text) > 0 {
			e.bytes(tagText, text)
		}
	case 'j':
		businessRejectBody(&e, ev, extras)
	default:
		if ctx.Application != nil {
			e.fields(ctx.Application.Encode(nil, ev))
			break
		}
		answerBody(&e, ev, ctx)
	}
	return e.finish()
}

// answerBody writes the body of an answer of the exchange's own that says nothing of an order.
func answerBody(e *encoder, ev *book.Event, ctx *EncodeContext) {
	switch ev.Code {
	case 'y':
		securityListBody(e, ev, ctx)
	case codeMarketDefinition:
		e.text(tagMarketID, ctx.Sender)
		e.bytes(tagMarketReqID, eventText(ev))
		e.uint(tagMarketReportID, ev.Index)
	case 'Y':
		e.text(tagText, marketDataRejectText(byte(ev.Reason)))
		e.bytes(tagMDReqID, eventText(ev))
		e.char(tagMDReqRejReason, byte(ev.Reason))
	}
}

// marketDataRejectText is the Text (58) that goes with a MDReqRejReason.
func marketDataRejectText(reason byte) string {
	switch reason {
	case '0':
		return "unknown instrument"
	case '1':
		return "MDReqID is in use"
	case '2':
		return "too many subscriptions"
	case '5':
		return "MarketDepth out of range"
	}
	return "unsupported MDEntryType"
}

// oneByteType is the MsgType of a code without allocating.
func oneByteType(code byte) string {
	const types = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for i := range types {
		if types[i] == code {
			return types[i : i+1]
		}
	}
	return "0"
}

func rejectBody(e *encoder, ev *book.Event, ctx *EncodeContext, extras []byte) {
	reason := uint8(ev.Reason)
	e.extraOr(extras, tagRefSeqNum, ev.InSeq)
	if value := extra(extras, tagText); value != nil {
		e.bytes(tagText, value)
	} else {
		e.text(tagText, sessionRejectText(reason))
	}
	if value := extra(extras, tagRefTagID); value != nil {
		e.bytes(tagRefTagID, value)
	} else if ev.RefTag != 0 {
		e.uint(tagRefTagID, uint64(ev.RefTag))
	}
	e.refMsgType(ev, extras)
	if text := appendUint(e.scratch[:0], uint64(reason)); ctx.Version.rejectReason.has(text) {
		e.bytes(tagSessionRejectReason, text)
	}
}

func businessRejectBody(e *encoder, ev *book.Event, extras []byte) {
	e.extraOr(extras, tagRefSeqNum, ev.InSeq)
	if value := extra(extras, tagText); value != nil {
		e.bytes(tagText, value)
	} else {
		e.text(tagText, businessRejectText(uint8(ev.Reason)))
	}
	e.refMsgType(ev, extras)
	e.uint(tagBusinessRejectReason, uint64(ev.Reason))
}

func (e *encoder) extraOr(extras []byte, tag int, n uint64) {
	if value := extra(extras, tag); value != nil {
		e.bytes(tag, value)
	} else {
		e.uint(tag, n)
	}
}

func (e *encoder) refMsgType(ev *book.Event, extras []byte) {
	if value := extra(extras, tagRefMsgType); value != nil {
		e.bytes(tagRefMsgType, value)
	} else if ev.RefMsgType[0] != 0 {
		e.bytes(tagRefMsgType, trimNULs(ev.RefMsgType[:]))
	}
}

// eventText is the text of a session message, which lies in ClientID and OrigID together.
func eventText(ev *book.Event) []byte {
	head := trimNULs(ev.ClientID[:])
	if len(head) < book.ClientIDLen || ev.OrigID[0] == 0 {
		return head
	}
	both := make([]byte, 0, book.MaxText)
	return append(append(both, head...), trimNULs(ev.OrigID[:])...)
}

// setText puts a session message's text into a command, cut at book.MaxText.
func setText(c *book.Command, text []byte) {
	n := copy(c.ClientID[:], text)
	copy(c.OrigID[:], text[n:])
}

// trimNULs cuts the NULs that pad b on the right.
func trimNULs(b []byte) []byte {
	if n := bytes.IndexByte(b, 0); n >= 0 {
		return b[:n]
	}
	return b
}
