package soupbin

import "fmt"

// ClientEventKind is what the server did.
type ClientEventKind uint8

const (
	// NothingFromServer: a heartbeat, debug text, a message that was delivered before, or no whole packet yet.
	NothingFromServer ClientEventKind = iota
	// LoginWasAccepted: Session, Number of the next message.
	LoginWasAccepted
	// LoginWasRejected: Reason. The server closes.
	LoginWasRejected
	// SequencedData: Number, Message, which lies in the buffer given to Receive. Numbers come without a hole and each once.
	SequencedData
	// UnnumberedData: Message from the server outside the stream.
	UnnumberedData
	// SessionEnded: no message comes any more.
	SessionEnded
)

// ClientEvent is one packet of the server as the owner of a Client sees it.
type ClientEvent struct {
	Kind    ClientEventKind
	Reason  Reason
	Session Session
	Number  uint64
	Message []byte
}

// GapError says that a server went on at a later number than was asked for: the messages between are lost on this line.
type GapError struct {
	Session        Session
	Wanted, Offers uint64
}

func (e *GapError) Error() string {
	return fmt.Sprintf("session %s: asked for message %d, the server goes on at %d: it does not keep what lies between; ask another replica or begin with a snapshot",
		e.Session, e.Wanted, e.Offers)
}

// Client is a client's end of one stream over any number of connections, one at a time: it remembers what was delivered,
// so that the next login goes on there. It is not safe for concurrent use. The zero value wants the active session from its first message.
type Client struct {
	session      Session
	want         uint64 // next number to deliver; 0: whatever comes next
	next         uint64 // number of the next packet on this connection
	connected    bool   // a login was sent
	accepted     bool
	ended        bool
	fromNow      bool
	lastReceived int64
	lastSent     int64
}

// MakeClient makes a client that wants session (blank: the active one) from number on: 1 from the start, 0 only what is new.
func MakeClient(session Session, number uint64) Client {
	return Client{session: session, want: number, fromNow: number == 0}
}

// Session is the stream's session, blank until the first login was accepted.
func (c *Client) Session() Session { return c.session }

// NextNumber is the number of the next message to be delivered, 0 if that is for the server to say.
func (c *Client) NextNumber() uint64 {
	if c.want == 0 && !c.fromNow {
		return 1
	}
	return c.want
}

// LoggedIn tells whether the connection stands.
func (c *Client) LoggedIn() bool { return c.accepted && !c.ended }

// Login begins a connection: what was known of the last one is forgotten, the place in the stream is not. It appends the login.
func (c *Client) Login(dst []byte, username, password string, now int64) []byte {
	c.connected, c.accepted, c.ended = true, false, false
	c.lastReceived, c.lastSent = now, now
	l := Login{Session: c.session, Number: c.NextNumber()}
	appendLeft(l.Username[:0], username, usernameLen)
	appendLeft(l.Password[:0], password, passwordLen)
	return l.AppendTo(dst)
}

// Receive takes the first packet off in and says what it means. n is how many bytes of in are done with: 0 until the packet
// is whole. After an error the connection has to be closed; a GapError will come again from the same server.
func (c *Client) Receive(in []byte, now int64) (e ClientEvent, n int, err error) {
	if len(in) > 0 {
		c.lastReceived = now
	}
	p, n, err := Next(in, MaxPayload)
	if n == 0 || err != nil {
		return e, 0, err
	}
	switch p.Type {
	case ServerHeartbeat, Debug:
		return e, n, nil
	case LoginAccepted:
		e, err = c.acceptedBy(p.Payload)
		return e, n, err
	case LoginRejected:
		if len(p.Payload) != rejectedPayload {
			return e, n, fmt.Errorf("%w: login rejected of %d bytes, 1 is right", ErrPacket, len(p.Payload))
		}
		c.ended = true
		return ClientEvent{Kind: LoginWasRejected, Reason: Reason(p.Payload[0])}, n, nil
	case Sequenced:
		if !c.accepted || c.ended {
			return e, n, fmt.Errorf("%w: sequenced data outside a login", ErrPacket)
		}
		number := c.next
		c.next++
		if number < c.want {
			return e, n, nil
		}
		c.want = number + 1
		return ClientEvent{Kind: SequencedData, Session: c.session, Number: number, Message: p.Payload}, n, nil
	case Unsequenced:
		return ClientEvent{Kind: UnnumberedData, Message: p.Payload}, n, nil
	case EndOfSession:
		c.ended = true
		return ClientEvent{Kind: SessionEnded, Session: c.session, Number: c.want}, n, nil
	}
	return e, n, fmt.Errorf("%w: type %q does not come from a server", ErrPacket, byte(p.Type))
}

// acceptedBy takes the answer to our login. The server may begin earlier than was asked (what is known is skipped), never later.
func (c *Client) acceptedBy(payload []byte) (e ClientEvent, err error) {
	if !c.connected || c.accepted {
		return e, fmt.Errorf("%w: login accepted that answers no login", ErrPacket)
	}
	session, next, err := parseAccepted(payload)
	if err != nil {
		return e, err
	}
	switch {
	case !c.session.Blank() && session != c.session:
		return e, fmt.Errorf("%w: session %s was asked for, the server answers for %s", ErrPacket, c.session, session)
	case c.want == 0 && c.fromNow:
		c.want = next
	case c.want == 0:
		c.want = 1
	}
	if next > c.want {
		return e, &GapError{Session: session, Wanted: c.want, Offers: next}
	}
	c.session, c.next, c.accepted = session, next, true
	return ClientEvent{Kind: LoginWasAccepted, Session: session, Number: next}, nil
}

// AppendUnsequenced appends a message to the server. It may be lost with the connection, so it must bear being sent again.
func (c *Client) AppendUnsequenced(dst, message []byte, now int64) []byte {
	c.lastSent = now
	return AppendPacket(dst, Unsequenced, message)
}

// Logout appends the request to close.
func (c *Client) Logout(dst []byte, now int64) []byte {
	c.lastSent = now
	return appendHeader(dst, LogoutRequest, 0)
}

// Tick appends a heartbeat if it is time for one. ErrDead says that the connection has to be closed.
func (c *Client) Tick(dst []byte, now int64) ([]byte, error) {
	switch {
	case c.connected && now-c.lastReceived >= int64(DeadAfter):
		return dst, ErrDead
	case c.LoggedIn() && now-c.lastSent >= int64(HeartbeatInterval):
		c.lastSent = now
		return appendHeader(dst, ClientHeartbeat, 0), nil
	}
	return dst, nil
}
