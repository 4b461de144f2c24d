package soupbin

import "fmt"

// Login is what a client asks for.
type Login struct {
	// Username and Password are padded with spaces on the right; they are compared without case (Is).
	Username [usernameLen]byte
	Password [passwordLen]byte
	// Session wanted; blank: the one now active.
	Session Session
	// Number is the next message wanted: 1 from the start, 0 only messages from now on.
	Number uint64
	// TimeoutMillis is the heartbeat timeout that a 4.1 login carries, 0 in 3.00. It is only reported.
	TimeoutMillis uint64
}

// Is compares the login's user and password, without case, padding trimmed.
func (l *Login) Is(username, password string) bool {
	return sameText(l.Username[:], username) && sameText(l.Password[:], password)
}

func sameText(field []byte, text string) bool {
	field = trim(field)
	if len(field) != len(text) {
		return false
	}
	same := true
	for i, c := range field {
		same = same && upper(c) == upper(text[i])
	}
	return same
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// AppendTo appends the login as a packet of 3.00, or of 4.1 if it has a timeout.
func (l *Login) AppendTo(dst []byte) []byte {
	if l.TimeoutMillis == 0 {
		dst = appendHeader(dst, LoginRequest, loginPayload)
	} else {
		dst = appendHeader(dst, LoginRequest, loginPayload41)
	}
	dst = append(dst, l.Username[:]...)
	dst = append(dst, l.Password[:]...)
	dst = appendRight(dst, trim(l.Session[:]), sessionLen)
	dst = appendNumber(dst, l.Number)
	if l.TimeoutMillis != 0 {
		t := min(l.TimeoutMillis, 99999)
		for unit := uint64(10000); unit > 0; unit /= 10 {
			dst = append(dst, byte('0'+t/unit%10))
		}
	}
	return dst
}

// ParseLogin reads a login's payload, of either length.
func ParseLogin(payload []byte) (l Login, err error) {
	if len(payload) != loginPayload && len(payload) != loginPayload41 {
		return l, fmt.Errorf("%w: login of %d bytes, %d or %d are right", ErrPacket, len(payload), loginPayload, loginPayload41)
	}
	rest := payload
	rest = rest[copy(l.Username[:], rest):]
	rest = rest[copy(l.Password[:], rest):]
	l.Session = sessionOf(rest[:sessionLen])
	rest = rest[sessionLen:]
	if l.Number, err = parseNumber(rest[:numberLen]); err != nil {
		return l, fmt.Errorf("requested sequence number: %w", err)
	}
	if rest = rest[numberLen:]; len(rest) > 0 {
		if l.TimeoutMillis, err = parseNumber(rest); err != nil {
			return l, fmt.Errorf("heartbeat timeout: %w", err)
		}
	}
	return l, nil
}

// Decide applies the rules of sessions and numbers to a login: active is the session now, first the lowest number that is
// kept, next the number of the message to come. It gives the number to go on from, or ok false: reject with
// SessionNotAvailable. A number beyond next is refused, for it says that the client has seen what this server has not.
func (l *Login) Decide(active Session, first, next uint64) (number uint64, ok bool) {
	if !l.Session.Blank() && l.Session != active {
		return 0, false
	}
	if l.Number == 0 {
		return next, true
	}
	return l.Number, l.Number >= first && l.Number <= next
}

func appendAccepted(dst []byte, session Session, next uint64) []byte {
	dst = appendHeader(dst, LoginAccepted, acceptedPayload)
	dst = appendRight(dst, trim(session[:]), sessionLen)
	return appendNumber(dst, next)
}

func parseAccepted(payload []byte) (session Session, next uint64, err error) {
	if len(payload) != acceptedPayload {
		return session, 0, fmt.Errorf("%w: login accepted of %d bytes, %d are right", ErrPacket, len(payload), acceptedPayload)
	}
	if next, err = parseNumber(payload[sessionLen:]); err == nil && next == 0 {
		err = fmt.Errorf("%w: next number 0 in login accepted; the first message is number 1", ErrPacket)
	}
	return sessionOf(payload[:sessionLen]), next, err
}
