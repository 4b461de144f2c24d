package fix

import (
	"bytes"

	"exchange/book"
)

// The text of a Reject's or BusinessMessageReject's command and event is not its Text (58), which follows from the reason, but fields as they will
// be sent, each tag=value SOH: 45 where the message refused consumed no number, 371 and 372 where they do not fit the command, routing
// fields returned, 58 where it says more than the reason does. They are the extras. A field that no longer fits is left out.

// extra is the value of a tag among the extras, nil if it is not there.
func extra(extras []byte, tag int) []byte {
	for len(extras) > 0 {
		t, value, rest := cutExtra(extras)
		if t == tag {
			return value
		}
		extras = rest
	}
	return nil
}

func cutExtra(extras []byte) (tag int, value, rest []byte) {
	end := bytes.IndexByte(extras, soh)
	equals := bytes.IndexByte(extras, '=')
	if end < 0 || equals < 0 || equals > end {
		return 0, nil, nil
	}
	n, _ := parseUint(extras[:equals])
	return int(n), extras[equals+1 : end], extras[end+1:]
}

// appendExtras writes the extras with a tag in from..to, in ascending order, as they lie.
func appendExtras(e *encoder, extras []byte, from, to int) {
	for len(extras) > 0 {
		tag, value, rest := cutExtra(extras)
		if tag >= from && tag <= to && value != nil {
			e.bytes(tag, value)
		}
		extras = rest
	}
}

// reject submits a Reject. The number is consumed if it is the expected one.
func (a *Acceptor) reject(in *inbound, f fault) {
	c := a.refuse(in, '3')
	c.Reason = book.Reason(f.reason)
	extras := takeText(c)
	if f.tag > 0xffff || f.tag <= 0 && f.reason == rejectInvalidTag {
		extras = appendExtra(extras, tagRefTagID, appendInt(nil, int64(f.tag)))
	} else {
		c.RefTag = uint16(f.tag)
	}
	setText(c, extras)
}

// rejectAndLogout is for what a session cannot go on with.
func (a *Acceptor) rejectAndLogout(now int64, in *inbound, reason uint8) {
	a.reject(in, faultOf(reason, 0))
	a.logout(now, "")
	a.reason = sessionRejectText(reason)
}

// rejectText is reject with a Text of its own.
func (a *Acceptor) rejectText(in *inbound, f fault, text string) {
	a.reject(in, f)
	c := &a.cmds[len(a.cmds)-1]
	setText(c, appendExtra(takeText(c), tagText, []byte(text)))
}

// refuseText submits a BusinessMessageReject with a Text of its own.
func (a *Acceptor) refuseText(in *inbound, reason uint8, text string) {
	c := a.refuse(in, 'j')
	c.Reason = book.Reason(reason)
	setText(c, appendExtra(takeText(c), tagText, []byte(text)))
}

// business is a BusinessRejectReason as far as the version knows it.
func (v *Version) business(reason uint8) uint8 {
	return uint8(v.reason(tagBusinessRejectReason, uint64(reason), businessOther))
}

// refuse submits a Reject or BusinessMessageReject with what it refers to and the routing fields returned.
func (a *Acceptor) refuse(in *inbound, code byte) *book.Command {
	consumed := uint64(0)
	if in.seq == a.expected {
		consumed = in.seq
		a.expected++
	}
	c := a.sessionMessage(code, consumed)
	var extras []byte
	if consumed == 0 {
		extras = appendExtra(extras, tagRefSeqNum, appendUint(nil, in.seq&^unconsumedBit))
	}
	msgType := in.m.msgType()
	if len(msgType) <= len(c.RefMsgType) {
		copy(c.RefMsgType[:], msgType)
	} else {
		extras = appendExtra(extras, tagRefMsgType, msgType)
	}
	for _, route := range returnedRoutes {
		if value := in.m.get(route.from); len(value) > 0 && bytes.IndexByte(value, 0) < 0 {
			extras = appendExtra(extras, route.to, value)
		}
	}
	setText(c, extras)
	return c
}

// returnedRoutes are the routing fields as they come back, in the order of the tags sent.
var returnedRoutes = [...]struct{ from, to int }{
	{tagDeliverToCompID, tagOnBehalfOfCompID},
	{tagDeliverToSubID, tagOnBehalfOfSubID},
	{tagOnBehalfOfCompID, tagDeliverToCompID},
	{tagOnBehalfOfSubID, tagDeliverToSubID},
	{tagDeliverToLocationID, tagOnBehalfOfLocationID},
	{tagOnBehalfOfLocationID, tagDeliverToLocationID},
}

// appendExtra appends a field to the extras unless they would outgrow a command's text.
func appendExtra(extras []byte, tag int, value []byte) []byte {
	before := len(extras)
	extras = append(appendUint(extras, uint64(tag)), '=')
	extras = append(append(extras, value...), soh)
	if len(extras) > book.MaxText {
		return extras[:before]
	}
	return extras
}

// takeText removes a command's text and gives it.
func takeText(c *book.Command) []byte {
	text := append([]byte(nil), trimNULs(c.ClientID[:])...)
	if len(text) == book.ClientIDLen {
		text = append(text, trimNULs(c.OrigID[:])...)
	}
	c.ClientID, c.OrigID = book.ClientID{}, book.ClientID{}
	return text
}

func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendUint(append(dst, '-'), uint64(-n))
	}
	return appendUint(dst, uint64(n))
}
