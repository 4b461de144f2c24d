package moldudp64

import (
	"encoding/binary"

	"exchange/marketdata/feed"
)

// fill makes one packet of what the reader gives: at most maxBytes and limit messages, but one message at least. count is 0, and the packet is
// to be left, if there is nothing to read; err is why reading stopped, if it did.
func fill(dst []byte, session Session, reader *feed.Reader, maxBytes int, limit uint16) (packet []byte, count uint16, err error) {
	start := len(dst)
	dst = AppendHeader(dst, session, reader.Number(), 0)
	for count < min(limit, MaxCount) {
		before := *reader
		message, err := reader.Next()
		if err != nil {
			return finish(dst, start, count), count, err
		}
		if count > 0 && len(dst)-start+BlockLen+len(message) > maxBytes {
			*reader = before
			break
		}
		dst = AppendMessage(dst, message)
		count++
	}
	return finish(dst, start, count), count, nil
}

// finish writes the count into the header.
func finish(dst []byte, start int, count uint16) []byte {
	binary.BigEndian.PutUint16(dst[start+18:], count)
	return dst
}
