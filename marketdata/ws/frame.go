package ws

import "encoding/binary"

const (
	// textFrame is the first byte of an unfragmented text frame, closeFrame and pingFrame of those.
	textFrame, closeFrame, pingFrame, pongFrame = 0x81, 0x88, 0x89, 0x8a
	// frameHeader is the room kept for a header while the length is not known: that of a frame of 126 to 65,535 bytes, as most are.
	frameHeader = 4
	// maxControl is the longest content of a control frame.
	maxControl = 125
)

// Close codes of RFC 6455 that a server gives.
const (
	CloseNormal    = 1000
	CloseGoingAway = 1001
	CloseInvalid   = 1003
	ClosePolicy    = 1008
	CloseTooBig    = 1009
)

// openFrame begins a text frame; closeText ends it. What is appended between the two is its content.
func openFrame(dst []byte) (out []byte, start int) {
	return append(dst, textFrame, 126, 0, 0), len(dst)
}

// closeText writes the header of the frame that began at start: the shortest form, as the protocol demands.
func closeText(dst []byte, start int) []byte {
	n := len(dst) - start - frameHeader
	switch {
	case n < 126:
		dst[start+1] = byte(n)
		copy(dst[start+2:], dst[start+frameHeader:])
		return dst[:len(dst)-2]
	case n < 1<<16:
		binary.BigEndian.PutUint16(dst[start+2:], uint16(n))
		return dst
	}
	dst = append(dst, 0, 0, 0, 0, 0, 0)
	copy(dst[start+10:], dst[start+frameHeader:len(dst)-6])
	dst[start+1] = 127
	binary.BigEndian.PutUint64(dst[start+2:], uint64(n))
	return dst
}

// AppendText appends a text frame with the content.
func AppendText(dst, content []byte) []byte {
	dst, start := openFrame(dst)
	return closeText(append(dst, content...), start)
}

// AppendClose appends a close frame. What does not fit of the reason is cut.
func AppendClose(dst []byte, code uint16, reason string) []byte {
	reason = reason[:min(len(reason), maxControl-2)]
	dst = append(dst, closeFrame, byte(2+len(reason)))
	return append(binary.BigEndian.AppendUint16(dst, code), reason...)
}

// AppendPing appends a ping without content.
func AppendPing(dst []byte) []byte { return append(dst, pingFrame, 0) }

// AppendPong appends the answer to a ping, at most 125 bytes of its content.
func AppendPong(dst []byte, content string) []byte {
	content = content[:min(len(content), maxControl)]
	return append(append(dst, pongFrame, byte(len(content))), content...)
}
