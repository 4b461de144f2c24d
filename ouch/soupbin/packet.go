package soupbin

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// PacketType is the third byte of a packet.
type PacketType byte

const (
	Debug           PacketType = '+' // both ways: free text, ignored
	LoginRequest    PacketType = 'L'
	LoginAccepted   PacketType = 'A'
	LoginRejected   PacketType = 'J'
	Sequenced       PacketType = 'S'
	Unsequenced     PacketType = 'U'
	ServerHeartbeat PacketType = 'H'
	ClientHeartbeat PacketType = 'R'
	EndOfSession    PacketType = 'Z'
	LogoutRequest   PacketType = 'O'
)

// Reason of a rejected login.
type Reason byte

const (
	NotAuthorized       Reason = 'A'
	SessionNotAvailable Reason = 'S'
)

func (r Reason) String() string {
	switch r {
	case NotAuthorized:
		return "not authorized: unknown user or wrong password"
	case SessionNotAvailable:
		return "session not available: unknown session, or a number that cannot be served"
	}
	return fmt.Sprintf("reason %q", byte(r))
}

const (
	// HeaderLen is the length and the type.
	HeaderLen = 3
	// MaxPayload is the longest payload that the 2-byte length allows.
	MaxPayload = 1<<16 - 2
	// MaxPacket is the longest packet.
	MaxPacket = HeaderLen + MaxPayload

	// LoginAcceptedLen is the longest packet a Server makes by itself.
	LoginAcceptedLen = HeaderLen + acceptedPayload

	usernameLen     = 6
	passwordLen     = 10
	sessionLen      = 10
	numberLen       = 20
	timeoutLen      = 5
	loginPayload    = usernameLen + passwordLen + sessionLen + numberLen
	loginPayload41  = loginPayload + timeoutLen
	acceptedPayload = sessionLen + numberLen
	rejectedPayload = 1
	maxDigits       = 20
)

var (
	// ErrPacket is wrapped by every error about bytes that are no SoupBinTCP: the connection has to be closed.
	ErrPacket = errors.New("not a SoupBinTCP packet")
	// ErrTooLong is a packet above the receiver's bound; it wraps ErrPacket.
	ErrTooLong = fmt.Errorf("%w: longer than this end takes", ErrPacket)
)

// Packet is one packet of a stream; Payload lies in the stream's buffer.
type Packet struct {
	Type    PacketType
	Payload []byte
}

// Next cuts the first packet off in. n is its length in bytes, 0 if it is not whole yet. A payload longer than max bytes is
// ErrTooLong, seen before it has arrived.
func Next(in []byte, max int) (p Packet, n int, err error) {
	if len(in) < 2 {
		return Packet{}, 0, nil
	}
	length := int(binary.BigEndian.Uint16(in))
	if length == 0 {
		return Packet{}, 0, fmt.Errorf("%w: length 0, where at least the type must be", ErrPacket)
	}
	if length-1 > max {
		return Packet{}, 0, fmt.Errorf("%w: %d bytes of payload, at most %d", ErrTooLong, length-1, max)
	}
	if len(in) < 2+length {
		return Packet{}, 0, nil
	}
	return Packet{Type: PacketType(in[2]), Payload: in[HeaderLen : 2+length : 2+length]}, 2 + length, nil
}

// AppendPacket appends a packet. A payload above MaxPayload is the caller's error and panics.
func AppendPacket(dst []byte, t PacketType, payload []byte) []byte {
	dst = appendHeader(dst, t, len(payload))
	return append(dst, payload...)
}

func appendHeader(dst []byte, t PacketType, payload int) []byte {
	if uint(payload) > MaxPayload {
		panic(fmt.Sprintf("soupbin: payload of %d bytes, at most %d fit a packet", payload, MaxPayload))
	}
	return append(dst, byte((payload+1)>>8), byte(payload+1), byte(t))
}

// Session is a session's name as it is compared: left-justified, padded with spaces. All blank on a login means the one now active.
type Session [sessionLen]byte

// MakeSession makes a session's name from 1 to 10 letters and digits.
func MakeSession(name string) (Session, error) {
	var s Session
	if len(name) == 0 || len(name) > sessionLen {
		return s, fmt.Errorf("session %q: 1 to %d letters and digits are needed", name, sessionLen)
	}
	for i := range len(name) {
		if c := name[i]; !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return s, fmt.Errorf("session %q: only letters and digits may be in it", name)
		}
	}
	return sessionOf([]byte(name)), nil
}

// sessionOf reads a name that may be justified to either side and padded with spaces or NULs.
func sessionOf(b []byte) (s Session) {
	b = trim(b)
	n := copy(s[:], b)
	for ; n < len(s); n++ {
		s[n] = ' '
	}
	return s
}

// Blank tells that no session was named.
func (s Session) Blank() bool { return len(trim(s[:])) == 0 }

func (s Session) String() string { return string(trim(s[:])) }

func pad(c byte) bool { return c == ' ' || c == 0 }

func trim(b []byte) []byte {
	for len(b) > 0 && pad(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && pad(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// appendLeft appends text left-justified in n bytes, cut if it is longer.
func appendLeft[T string | []byte](dst []byte, text T, n int) []byte {
	dst = append(dst, text[:min(len(text), n)]...)
	for range n - len(text) {
		dst = append(dst, ' ')
	}
	return dst
}

// appendRight appends text right-justified in n bytes.
func appendRight(dst []byte, text []byte, n int) []byte {
	for range n - len(text) {
		dst = append(dst, ' ')
	}
	return append(dst, text...)
}

func appendNumber(dst []byte, number uint64) []byte {
	var digits [maxDigits]byte
	at := len(digits)
	for {
		at--
		digits[at] = byte('0' + number%10)
		if number /= 10; number == 0 {
			break
		}
	}
	return appendRight(dst, digits[at:], numberLen)
}

// parseNumber reads a decimal number with padding on either side, zeros or spaces; nothing but padding is 0.
func parseNumber(b []byte) (uint64, error) {
	var number uint64
	for _, c := range trim(b) {
		digit := uint64(c - '0')
		if c < '0' || c > '9' || number > (1<<64-1-digit)/10 {
			return 0, fmt.Errorf("%w: %q is no number", ErrPacket, b)
		}
		number = number*10 + digit
	}
	return number, nil
}
