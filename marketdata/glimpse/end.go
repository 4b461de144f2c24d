package glimpse

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// EndOfSnapshot is the type of the last message of a snapshot, EndLen its length in bytes: the type and a number of 20 digits.
const (
	EndOfSnapshot = 'G'
	EndLen        = 21
)

// ErrEnd is a message that begins as an end of snapshot and is none.
var ErrEnd = errors.New("not an end of snapshot")

// AppendEnd appends the message that ends a snapshot; next is the number of the feed's first message to be applied after it.
func AppendEnd(dst []byte, next uint64) []byte {
	text := strconv.AppendUint(make([]byte, 0, EndLen), next, 10)
	dst = append(dst, EndOfSnapshot)
	for range EndLen - 1 - len(text) {
		dst = append(dst, ' ')
	}
	return append(dst, text...)
}

// ParseEnd reads it. Zeros for blanks and a number on the left are taken too.
func ParseEnd(message []byte) (next uint64, err error) {
	if len(message) != EndLen || message[0] != EndOfSnapshot {
		return 0, fmt.Errorf("%w: %d bytes", ErrEnd, len(message))
	}
	next, err = strconv.ParseUint(string(bytes.Trim(message[1:], " \x00")), 10, 64)
	if err != nil || next == 0 {
		return 0, fmt.Errorf("%w: number %q", ErrEnd, message[1:])
	}
	return next, nil
}
