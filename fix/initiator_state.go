package fix

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The saved state of an Initiator, little endian: magic, next in, next out, count; then for each message kept its number, time, MsgType, length and body;
// then a CRC-32 (Castagnoli) of all before.
const (
	stateMagic      = uint64(0x31305354_43584946) // "FIXCTS01"
	stateHeaderLen  = 8 * 4
	stateMessageLen = 8 + 8 + 2 + 4
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	// ErrState: a saved state cannot be used.
	ErrState = errors.New("fix: saved session state is damaged or of another version")
)

// AppendState appends what must outlive the program for the session to go on: both numbers and the messages kept for sending again.
func (i *Initiator) AppendState(dst []byte) []byte {
	start := len(dst)
	le := binary.LittleEndian
	dst = le.AppendUint64(dst, stateMagic)
	dst = le.AppendUint64(dst, i.nextIn)
	dst = le.AppendUint64(dst, i.nextOut)
	dst = le.AppendUint64(dst, uint64(i.sent.count))
	for k := 0; k < i.sent.count; k++ {
		r := i.sent.at(k)
		dst = le.AppendUint64(dst, r.seq)
		dst = le.AppendUint64(dst, uint64(r.time))
		dst = append(dst, r.msgType[:]...)
		dst = le.AppendUint32(dst, uint32(r.size))
		dst = append(dst, i.sent.body(r)...)
	}
	return le.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// RestoreState takes back what AppendState gave, between connections. Messages beyond this Initiator's own bounds are forgotten, the oldest
// first. On ErrState nothing has changed.
func (i *Initiator) RestoreState(src []byte) error {
	le := binary.LittleEndian
	if len(src) < stateHeaderLen+4 || le.Uint64(src) != stateMagic {
		return ErrState
	}
	body, sum := src[:len(src)-4], le.Uint32(src[len(src)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return ErrState
	}
	nextIn, nextOut, count := le.Uint64(body[8:]), le.Uint64(body[16:]), le.Uint64(body[24:])
	if nextIn == 0 || nextOut == 0 {
		return ErrState
	}
	sent := newSentStore(len(i.sent.records), len(i.sent.bytes))
	rest, last := body[stateHeaderLen:], uint64(0)
	for ; count > 0; count-- {
		if len(rest) < stateMessageLen {
			return fmt.Errorf("%w: message %d is cut short", ErrState, last+1)
		}
		seq, time, size := le.Uint64(rest), int64(le.Uint64(rest[8:])), int(le.Uint32(rest[18:]))
		msgType := string(trimNULs(rest[16:18]))
		rest = rest[stateMessageLen:]
		if seq <= last || seq >= nextOut || size > len(rest) {
			return fmt.Errorf("%w: message %d", ErrState, seq)
		}
		sent.add(seq, time, msgType, rest[:size])
		last, rest = seq, rest[size:]
	}
	if len(rest) != 0 {
		return ErrState
	}
	i.nextIn, i.nextOut, i.sent = nextIn, nextOut, sent
	return nil
}
