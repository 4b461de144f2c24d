package soupbin

import (
	"errors"
	"fmt"
	"time"
)

// The timers of both ends.
const (
	HeartbeatInterval = time.Second      // of silence, then a heartbeat
	DeadAfter         = 15 * time.Second // without a byte the link is dead
	LoginLimit        = 30 * time.Second // from connection to login
)

// ServerMaxPayload bounds what a server takes in one packet from a client: orders and logins are far shorter.
const ServerMaxPayload = 4096

var (
	// ErrDead is a link that was silent for DeadAfter.
	ErrDead = errors.New("nothing was heard for 15 seconds; the link is dead")
	// ErrNoLogin is a connection without a login for LoginLimit.
	ErrNoLogin = errors.New("no login within 30 seconds")
)

// ServerEventKind is what the client did.
type ServerEventKind uint8

const (
	// NothingFromClient: a heartbeat or debug text, or no whole packet yet.
	NothingFromClient ServerEventKind = iota
	// LoginRequested: Login. The owner answers with Accept or Reject.
	LoginRequested
	// UnsequencedData: Message, which lies in the buffer given to Receive.
	UnsequencedData
	// LogoutRequested: the client wants the connection closed.
	LogoutRequested
)

// ServerEvent is one packet of the client as the owner of a Server sees it.
type ServerEvent struct {
	Kind    ServerEventKind
	Login   Login
	Message []byte
}

type serverState uint8

const (
	awaitingLogin serverState = iota
	loginPending
	loggedIn
	ended
)

// Server is the server's end of one connection. It is not safe for concurrent use.
type Server struct {
	state        serverState
	connected    int64
	lastReceived int64
	lastSent     int64
	next         uint64
}

// MakeServer starts the end of a connection accepted now.
func MakeServer(now int64) Server { return Server{connected: now, lastReceived: now, lastSent: now} }

// LoggedIn tells whether messages may be sent.
func (s *Server) LoggedIn() bool { return s.state == loggedIn }

// NextNumber is the number of the next sequenced message, from 1; 0 before the login.
func (s *Server) NextNumber() uint64 { return s.next }

// Receive takes the first packet off in and says what it means. n is how many bytes of in are done with: 0 until the packet
// is whole. After an error the connection has to be closed.
func (s *Server) Receive(in []byte, now int64) (e ServerEvent, n int, err error) {
	if len(in) > 0 {
		s.lastReceived = now
	}
	p, n, err := Next(in, ServerMaxPayload)
	if n == 0 || err != nil {
		return e, 0, err
	}
	if s.state == ended {
		return e, n, nil
	}
	switch p.Type {
	case ClientHeartbeat, Debug:
		return e, n, nil
	case LogoutRequest:
		e.Kind = LogoutRequested
		return e, n, nil
	case LoginRequest:
		if s.state != awaitingLogin {
			return e, n, fmt.Errorf("%w: a second login on one connection", ErrPacket)
		}
		if e.Login, err = ParseLogin(p.Payload); err != nil {
			return e, n, err
		}
		e.Kind, s.state = LoginRequested, loginPending
		return e, n, nil
	case Unsequenced:
		if s.state != loggedIn {
			return e, n, fmt.Errorf("%w: data before the login was accepted", ErrPacket)
		}
		e.Kind, e.Message = UnsequencedData, p.Payload
		return e, n, nil
	}
	return e, n, fmt.Errorf("%w: type %q does not come from a client", ErrPacket, byte(p.Type))
}

// Accept appends the answer to a login that is taken: the next message sent is number next. Only after LoginRequested.
func (s *Server) Accept(dst []byte, session Session, next uint64, now int64) []byte {
	if s.state != loginPending || next == 0 {
		panic(fmt.Sprintf("soupbin: Accept in state %d with next number %d", s.state, next))
	}
	s.state, s.next, s.lastSent = loggedIn, next, now
	return appendAccepted(dst, session, next)
}

// Reject appends the answer to a login that is refused. The connection is to be closed once it is sent.
func (s *Server) Reject(dst []byte, reason Reason, now int64) []byte {
	if s.state != loginPending {
		panic(fmt.Sprintf("soupbin: Reject in state %d", s.state))
	}
	s.state, s.lastSent = ended, now
	return append(appendHeader(dst, LoginRejected, rejectedPayload), byte(reason))
}

// AppendSequenced appends the next message. Only while LoggedIn.
func (s *Server) AppendSequenced(dst, message []byte, now int64) []byte {
	if s.state != loggedIn {
		panic(fmt.Sprintf("soupbin: sequenced data in state %d", s.state))
	}
	s.next++
	s.lastSent = now
	return AppendPacket(dst, Sequenced, message)
}

// EndOfSession appends the packet after which no message comes any more; the connection is to be closed once it is sent.
func (s *Server) EndOfSession(dst []byte, now int64) []byte {
	s.state, s.lastSent = ended, now
	return appendHeader(dst, EndOfSession, 0)
}

// Tick appends a heartbeat if it is time for one. An error says that the connection has to be closed: ErrDead or ErrNoLogin.
func (s *Server) Tick(dst []byte, now int64) ([]byte, error) {
	switch {
	case s.state == awaitingLogin && now-s.connected >= int64(LoginLimit):
		return dst, ErrNoLogin
	case s.state == loggedIn && now-s.lastReceived >= int64(DeadAfter):
		return dst, ErrDead
	case s.state == loggedIn && now-s.lastSent >= int64(HeartbeatInterval):
		s.lastSent = now
		return appendHeader(dst, ServerHeartbeat, 0), nil
	}
	return dst, nil
}
