package book

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Commands and events are written with a fixed layout, little endian: version, kind, how many 8-byte words of the two ids follow, every field at its
// place, then the ids. The length is known from the first four bytes, so several can stand one behind the other.
//
//	0 u8 version  1 u8 kind  2 u8 words in ClientID  3 u8 words in OrigID  4 … the fields  … ClientID … OrigID
//
// Version 1 has no conditions. Version 2 has them: bytes 22 and 23, and more words behind the fields. What needs no conditions is written as version 1,
// so each value has one spelling, and what an older version wrote is read.
const (
	plainVersion     = 1
	conditionVersion = 2

	commandFields = 28 + 5*8
	commandTerms  = 5 * 8 // more in version 2
	eventFields   = 28 + 18*8
	eventTerms    = 2 * 8
	// MaxCommandLen and MaxEventLen bound what AppendTo appends.
	MaxCommandLen = commandFields + commandTerms + 2*ClientIDLen
	MaxEventLen   = eventFields + eventTerms + 2*ClientIDLen
)

// Errors of decoding.
var (
	ErrShort   = errors.New("book: cut short")
	ErrVersion = errors.New("book: unknown version")
	ErrValue   = errors.New("book: impossible value")
)

// idWordsUsed is how many words of an id are not all zero at its end.
func idWordsUsed(id *ClientID) int {
	n := ClientIDLen / 8
	for n > 0 && binary.LittleEndian.Uint64(id[8*n-8:]) == 0 {
		n--
	}
	return n
}

// plain tells that the command has no conditions.
func (c *Command) plain() bool {
	return c.Conditions == 0 && c.SelfTrade == 0 && c.StopPrice|c.Trail|c.MinQty|c.Display|c.Expire == 0
}

// AppendTo appends the command, at most MaxCommandLen bytes.
func (c *Command) AppendTo(dst []byte) []byte {
	a, b := idWordsUsed(&c.ClientID), idWordsUsed(&c.OrigID)
	le := binary.LittleEndian
	version := byte(plainVersion)
	if !c.plain() {
		version = conditionVersion
	}
	dst = append(dst, version, byte(c.Kind), byte(a), byte(b),
		byte(c.Side), byte(c.Type), byte(c.TIF), c.Flags, byte(c.Protocol), c.Code, byte(c.Reason), 0)
	dst = le.AppendUint16(dst, c.Instrument)
	dst = le.AppendUint16(dst, c.Session)
	dst = le.AppendUint16(dst, c.Seconds)
	dst = le.AppendUint16(dst, c.RefTag)
	dst = append(dst, c.RefMsgType[0], c.RefMsgType[1], byte(c.Conditions), byte(c.SelfTrade))
	dst = le.AppendUint32(dst, c.Epoch)
	dst = le.AppendUint64(dst, c.InSeq)
	dst = le.AppendUint64(dst, c.NextIn)
	dst = le.AppendUint64(dst, uint64(c.Time))
	dst = le.AppendUint64(dst, uint64(c.Price))
	dst = le.AppendUint64(dst, uint64(c.Qty))
	if version == conditionVersion {
		for _, v := range [...]int64{c.StopPrice, c.Trail, c.MinQty, c.Display, c.Expire} {
			dst = le.AppendUint64(dst, uint64(v))
		}
	}
	dst = append(dst, c.ClientID[:8*a]...)
	return append(dst, c.OrigID[:8*b]...)
}

// DecodeCommand reads a command from the front of src and returns how many bytes it took.
func DecodeCommand(src []byte, c *Command) (n int, err error) {
	if len(src) < commandFields {
		return 0, ErrShort
	}
	ids, err := idsAt(src, commandFields, commandTerms)
	if err != nil {
		return 0, fmt.Errorf("%w %d of a command: this program knows %d and %d", err, src[0], plainVersion, conditionVersion)
	}
	a, b := 8*int(src[2]), 8*int(src[3])
	if src[1] == 0 || CommandKind(src[1]) >= commandKinds || a > ClientIDLen || b > ClientIDLen || src[11] != 0 ||
		ids == commandFields && src[22]|src[23] != 0 {
		return 0, fmt.Errorf("%w in a command: kind %d, ids of %d and %d bytes", ErrValue, src[1], a, b)
	}
	n = ids + a + b
	if len(src) < n {
		return 0, ErrShort
	}
	le := binary.LittleEndian
	*c = Command{
		Kind: CommandKind(src[1]), Side: Side(src[4]), Type: OrderType(src[5]), TIF: TimeInForce(src[6]), Flags: src[7], Protocol: Protocol(src[8]),
		Code: src[9], Reason: Reason(src[10]), Instrument: le.Uint16(src[12:]), Session: le.Uint16(src[14:]), Seconds: le.Uint16(src[16:]),
		RefTag: le.Uint16(src[18:]), RefMsgType: [2]byte{src[20], src[21]}, Epoch: le.Uint32(src[24:]), InSeq: le.Uint64(src[28:]),
		NextIn: le.Uint64(src[36:]), Time: int64(le.Uint64(src[44:])), Price: int64(le.Uint64(src[52:])), Qty: int64(le.Uint64(src[60:])),
	}
	if ids > commandFields {
		word := func(i int) int64 { return int64(le.Uint64(src[commandFields+8*i:])) }
		c.Conditions, c.SelfTrade = Conditions(src[22]), SelfTrade(src[23])
		c.StopPrice, c.Trail, c.MinQty, c.Display, c.Expire = word(0), word(1), word(2), word(3), word(4)
		if c.plain() {
			return 0, fmt.Errorf("%w in a command: conditions of which there are none", ErrValue)
		}
	}
	copy(c.ClientID[:], src[ids:ids+a])
	copy(c.OrigID[:], src[ids+a:n])
	if 8*idWordsUsed(&c.ClientID) != a || 8*idWordsUsed(&c.OrigID) != b {
		return 0, fmt.Errorf("%w in a command: an id that ends in zeros", ErrValue)
	}
	return n, nil
}

// idsAt is where the ids begin: it depends on the version.
func idsAt(src []byte, fields, terms int) (int, error) {
	switch src[0] {
	case plainVersion:
		return fields, nil
	case conditionVersion:
		return fields + terms, nil
	}
	return 0, ErrVersion
}

// plain tells that the event has nothing of conditions.
func (e *Event) plain() bool { return e.Conditions == 0 && e.StopPrice|e.Shown == 0 }

// AppendTo appends the event, at most MaxEventLen bytes.
func (e *Event) AppendTo(dst []byte) []byte {
	a, b := idWordsUsed(&e.ClientID), idWordsUsed(&e.OrigID)
	resting := byte(0)
	if e.Resting {
		resting = 1
	}
	le := binary.LittleEndian
	version := byte(plainVersion)
	if !e.plain() {
		version = conditionVersion
	}
	dst = append(dst, version, byte(e.Kind), byte(a), byte(b),
		e.Feed, byte(e.Side), byte(e.Type), byte(e.TIF), e.Code, byte(e.Reason), resting, e.Flags)
	dst = le.AppendUint16(dst, e.Instrument)
	dst = le.AppendUint16(dst, e.Session)
	dst = le.AppendUint16(dst, e.Seconds)
	dst = le.AppendUint16(dst, e.RefTag)
	dst = append(dst, e.RefMsgType[0], e.RefMsgType[1], byte(e.Conditions), 0)
	dst = le.AppendUint32(dst, e.Epoch)
	for _, v := range [...]uint64{
		e.OutSeq, e.FeedSeq, e.Index, uint64(e.Time), e.NextIn, e.InSeq, e.OrderID, e.Ref, e.OldRef, e.Match, uint64(e.Price), uint64(e.Qty),
		uint64(e.LastPrice), uint64(e.LastQty), uint64(e.Cum), uint64(e.Leaves), uint64(e.Notional >> 63), uint64(e.Notional),
	} {
		dst = le.AppendUint64(dst, v)
	}
	if version == conditionVersion {
		dst = le.AppendUint64(le.AppendUint64(dst, uint64(e.StopPrice)), uint64(e.Shown))
	}
	dst = append(dst, e.ClientID[:8*a]...)
	return append(dst, e.OrigID[:8*b]...)
}

// DecodeEvent reads an event from the front of src and returns how many bytes it took.
func DecodeEvent(src []byte, e *Event) (n int, err error) {
	if len(src) < eventFields {
		return 0, ErrShort
	}
	ids, err := idsAt(src, eventFields, eventTerms)
	if err != nil {
		return 0, fmt.Errorf("%w %d of an event: this program knows %d and %d", err, src[0], plainVersion, conditionVersion)
	}
	a, b := 8*int(src[2]), 8*int(src[3])
	if src[1] == 0 || EventKind(src[1]) >= eventKinds || a > ClientIDLen || b > ClientIDLen || src[10] > 1 || src[23] != 0 ||
		ids == eventFields && src[22] != 0 {
		return 0, fmt.Errorf("%w in an event: kind %d, ids of %d and %d bytes", ErrValue, src[1], a, b)
	}
	n = ids + a + b
	if len(src) < n {
		return 0, ErrShort
	}
	le := binary.LittleEndian
	word := func(i int) uint64 { return le.Uint64(src[28+8*i:]) }
	*e = Event{
		Kind: EventKind(src[1]), Feed: src[4], Side: Side(src[5]), Type: OrderType(src[6]), TIF: TimeInForce(src[7]), Code: src[8], Reason: Reason(src[9]),
		Resting: src[10] == 1, Flags: src[11], Instrument: le.Uint16(src[12:]), Session: le.Uint16(src[14:]), Seconds: le.Uint16(src[16:]),
		RefTag: le.Uint16(src[18:]), RefMsgType: [2]byte{src[20], src[21]}, Epoch: le.Uint32(src[24:]),
		OutSeq: word(0), FeedSeq: word(1), Index: word(2), Time: int64(word(3)), NextIn: word(4), InSeq: word(5), OrderID: word(6), Ref: word(7),
		OldRef: word(8), Match: word(9), Price: int64(word(10)), Qty: int64(word(11)), LastPrice: int64(word(12)), LastQty: int64(word(13)),
		Cum: int64(word(14)), Leaves: int64(word(15)), Notional: int64(word(17)),
	}
	if word(16) != uint64(e.Notional>>63) {
		return 0, fmt.Errorf("%w in an event: a notional of more than 64 bits", ErrValue)
	}
	if ids > eventFields {
		e.Conditions, e.StopPrice, e.Shown = Conditions(src[22]), int64(word(18)), int64(word(19))
		if e.plain() {
			return 0, fmt.Errorf("%w in an event: conditions of which there are none", ErrValue)
		}
	}
	copy(e.ClientID[:], src[ids:ids+a])
	copy(e.OrigID[:], src[ids+a:n])
	if 8*idWordsUsed(&e.ClientID) != a || 8*idWordsUsed(&e.OrigID) != b {
		return 0, fmt.Errorf("%w in an event: an id that ends in zeros", ErrValue)
	}
	return n, nil
}
