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
const (
	commandVersion = 1
	eventVersion   = 1

	commandFields = 28 + 5*8
	eventFields   = 28 + 18*8
	// MaxCommandLen and MaxEventLen bound what AppendTo appends.
	MaxCommandLen = commandFields + 2*ClientIDLen
	MaxEventLen   = eventFields + 2*ClientIDLen
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

// AppendTo appends the command, at most MaxCommandLen bytes.
func (c *Command) AppendTo(dst []byte) []byte {
	a, b := idWordsUsed(&c.ClientID), idWordsUsed(&c.OrigID)
	le := binary.LittleEndian
	dst = append(dst, commandVersion, byte(c.Kind), byte(a), byte(b),
		byte(c.Side), byte(c.Type), byte(c.TIF), c.Flags, byte(c.Protocol), c.Code, byte(c.Reason), 0)
	dst = le.AppendUint16(dst, c.Instrument)
	dst = le.AppendUint16(dst, c.Session)
	dst = le.AppendUint16(dst, c.Seconds)
	dst = le.AppendUint16(dst, c.RefTag)
	dst = append(dst, c.RefMsgType[0], c.RefMsgType[1], 0, 0)
	dst = le.AppendUint32(dst, c.Epoch)
	dst = le.AppendUint64(dst, c.InSeq)
	dst = le.AppendUint64(dst, c.NextIn)
	dst = le.AppendUint64(dst, uint64(c.Time))
	dst = le.AppendUint64(dst, uint64(c.Price))
	dst = le.AppendUint64(dst, uint64(c.Qty))
	dst = append(dst, c.ClientID[:8*a]...)
	return append(dst, c.OrigID[:8*b]...)
}

// DecodeCommand reads a command from the front of src and returns how many bytes it took.
func DecodeCommand(src []byte, c *Command) (n int, err error) {
	if len(src) < commandFields {
		return 0, ErrShort
	}
	if src[0] != commandVersion {
		return 0, fmt.Errorf("%w %d of a command", ErrVersion, src[0])
	}
	a, b := 8*int(src[2]), 8*int(src[3])
	if src[1] == 0 || CommandKind(src[1]) >= commandKinds || a > ClientIDLen || b > ClientIDLen || src[11]|src[22]|src[23] != 0 {
		return 0, fmt.Errorf("%w in a command: kind %d, ids of %d and %d bytes", ErrValue, src[1], a, b)
	}
	n = commandFields + a + b
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
	copy(c.ClientID[:], src[commandFields:commandFields+a])
	copy(c.OrigID[:], src[commandFields+a:n])
	if 8*idWordsUsed(&c.ClientID) != a || 8*idWordsUsed(&c.OrigID) != b {
		return 0, fmt.Errorf("%w in a command: an id that ends in zeros", ErrValue)
	}
	return n, nil
}

// AppendTo appends the event, at most MaxEventLen bytes.
func (e *Event) AppendTo(dst []byte) []byte {
	a, b := idWordsUsed(&e.ClientID), idWordsUsed(&e.OrigID)
	resting := byte(0)
	if e.Resting {
		resting = 1
	}
	le := binary.LittleEndian
	dst = append(dst, eventVersion, byte(e.Kind), byte(a), byte(b),
		e.Feed, byte(e.Side), byte(e.Type), byte(e.TIF), e.Code, byte(e.Reason), resting, e.Flags)
	dst = le.AppendUint16(dst, e.Instrument)
	dst = le.AppendUint16(dst, e.Session)
	dst = le.AppendUint16(dst, e.Seconds)
	dst = le.AppendUint16(dst, e.RefTag)
	dst = append(dst, e.RefMsgType[0], e.RefMsgType[1], 0, 0)
	dst = le.AppendUint32(dst, e.Epoch)
	for _, v := range [...]uint64{
		e.OutSeq, e.FeedSeq, e.Index, uint64(e.Time), e.NextIn, e.InSeq, e.OrderID, e.Ref, e.OldRef, e.Match, uint64(e.Price), uint64(e.Qty),
		uint64(e.LastPrice), uint64(e.LastQty), uint64(e.Cum), uint64(e.Leaves), uint64(e.NotionalHi), e.NotionalLo,
	} {
		dst = le.AppendUint64(dst, v)
	}
	dst = append(dst, e.ClientID[:8*a]...)
	return append(dst, e.OrigID[:8*b]...)
}

// DecodeEvent reads an event from the front of src and returns how many bytes it took.
func DecodeEvent(src []byte, e *Event) (n int, err error) {
	if len(src) < eventFields {
		return 0, ErrShort
	}
	if src[0] != eventVersion {
		return 0, fmt.Errorf("%w %d of an event", ErrVersion, src[0])
	}
	a, b := 8*int(src[2]), 8*int(src[3])
	if src[1] == 0 || EventKind(src[1]) >= eventKinds || a > ClientIDLen || b > ClientIDLen || src[10] > 1 || src[22]|src[23] != 0 {
		return 0, fmt.Errorf("%w in an event: kind %d, ids of %d and %d bytes", ErrValue, src[1], a, b)
	}
	n = eventFields + a + b
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
		Cum: int64(word(14)), Leaves: int64(word(15)), NotionalHi: int64(word(16)), NotionalLo: word(17),
	}
	copy(e.ClientID[:], src[eventFields:eventFields+a])
	copy(e.OrigID[:], src[eventFields+a:n])
	if 8*idWordsUsed(&e.ClientID) != a || 8*idWordsUsed(&e.OrigID) != b {
		return 0, fmt.Errorf("%w in an event: an id that ends in zeros", ErrValue)
	}
	return n, nil
}
