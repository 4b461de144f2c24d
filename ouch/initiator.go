package ouch

import (
	"errors"
	"fmt"

	"exchange/ouch/soupbin"
)

// MaxPending is how many requests an Initiator keeps unanswered unless it is told otherwise.
const MaxPending = 4096

// ErrPending: as many requests as may be are unanswered. The request was not sent.
var ErrPending = errors.New("too many requests are unanswered: wait for reports before sending more")

// ErrNoNumber: no login was answered yet, so which number is the next is not known. The request was not sent.
var ErrNoNumber = errors.New("not logged in yet: the next number is not known")

// LoginError says that the exchange refused the login.
type LoginError struct{ Reason soupbin.Reason }

func (e *LoginError) Error() string { return "login refused: " + e.Reason.String() }

// InitiatorConfig is what a client's end is told.
type InitiatorConfig struct {
	// Username has at most 6 characters, Password 10; neither is told apart by case.
	Username, Password string
	// Number is the first message wanted of the stream. 0: only what is new, and the first login asks for the number that may be used next. Otherwise
	// requests are numbered from 1, or from what the stream tells: for an account that was not used yet, or one whose whole stream is read first.
	Number uint64
	// MaxPending bounds the requests that are unanswered; 0: MaxPending.
	MaxPending int
	// OnReport is told of each message of the stream, with its number, once, in order, after Orders has followed it. The report is valid until it
	// returns. May be nil.
	OnReport func(number uint64, r *Report)
	// OnText is told of texts for people; may be nil.
	OnText func(text string)
}

// Initiator is the client's side of an account, over any number of connections, one at a time: it numbers requests, keeps what was not answered, and
// after each login sends that again. Nothing is doubled, because the exchange passes over numbers that were used, and the requests without a
// number say totals. It is not safe for concurrent use.
type Initiator struct {
	cfg     InitiatorConfig
	soup    soupbin.Client
	pending pending
	next    uint32 // number of the next request
	known   bool   // which number is the next
	ready   bool   // logged in, and what was pending is sent again
	in      []byte
	out     []byte
	message []byte
	report  Report
}

// NewInitiator makes a client's end that has sent nothing yet.
func NewInitiator(cfg InitiatorConfig) *Initiator {
	if cfg.MaxPending <= 0 {
		cfg.MaxPending = MaxPending
	}
	return &Initiator{cfg: cfg, soup: soupbin.MakeClient(soupbin.Session{}, cfg.Number), pending: newPending(cfg.MaxPending), next: 1, known: cfg.Number != 0}
}

// Connected begins a connection: the login is the first of Bytes.
func (i *Initiator) Connected(now int64) {
	i.in, i.out, i.ready = i.in[:0], i.out[:0], false
	i.out = i.soup.Login(i.out, i.cfg.Username, i.cfg.Password, now)
}

// Ready tells that requests go out at once.
func (i *Initiator) Ready() bool { return i.ready && i.soup.LoggedIn() }

// NextMessage is the number of the stream's next message, 0 while that is for the exchange to say.
func (i *Initiator) NextMessage() uint64 { return i.soup.NextNumber() }

// NextUserRefNum is the number that the next request gets.
func (i *Initiator) NextUserRefNum() uint32 { return i.next }

// Unanswered is how many requests are.
func (i *Initiator) Unanswered() int { return len(i.pending.requests) }

// Order is an open order by its present number, nil if there is none.
func (i *Initiator) Order(number uint32) *ClientOrder { return i.pending.orders[number] }

// Orders calls f with each open order.
func (i *Initiator) Orders(f func(*ClientOrder)) {
	for _, o := range i.pending.orders {
		f(o)
	}
}

// Send gives a numbered request its number, keeps it until it is answered, and puts it into Bytes, or, without a login, waits with it for the next one.
// It returns the request's number.
func (i *Initiator) Send(now int64, r *Request) (number uint32, err error) {
	if r.Type.fixedLen() == 0 {
		return 0, fmt.Errorf("%w: type %q does not come from a client", ErrMessage, byte(r.Type))
	}
	if r.Type == AccountQuery {
		i.pending.query = true
		i.write(now, r)
		return 0, nil
	}
	if !i.known {
		return 0, ErrNoNumber
	}
	if len(i.pending.requests) >= i.pending.max {
		return 0, ErrPending
	}
	if r.Type.Numbered() {
		r.UserRefNum = i.next
		i.next++
	}
	if about := r.about(); about == 0 || i.pending.orders[about] != nil || i.awaited(about) {
		i.pending.requests = append(i.pending.requests, *r)
	} // else nothing would answer it: that order is over
	i.write(now, r)
	return r.UserRefNum, nil
}

// awaited tells whether an order of that number may still come.
func (i *Initiator) awaited(number uint32) bool {
	for k := range i.pending.requests {
		if q := &i.pending.requests[k]; q.UserRefNum == number && (q.Type == EnterOrder || q.Type == ReplaceOrder) {
			return true
		}
	}
	return false
}

func (i *Initiator) write(now int64, r *Request) {
	if !i.Ready() {
		return
	}
	i.append(now, r)
}

func (i *Initiator) append(now int64, r *Request) {
	i.message = r.AppendTo(i.message[:0])
	i.out = i.soup.AppendUnsequenced(i.out, i.message, now)
}

// Receive takes bytes of the exchange. After an error the connection has to be closed; a *LoginError comes again from the same account and server.
func (i *Initiator) Receive(now int64, b []byte) error {
	i.in = append(i.in, b...)
	done := 0
	for {
		e, n, err := i.soup.Receive(i.in[done:], now)
		if err != nil {
			return err
		}
		if n == 0 {
			i.in = i.in[:copy(i.in, i.in[done:])]
			return nil
		}
		if err := i.handle(now, &e, i.in[done:done+n]); err != nil {
			return err
		}
		done += n
	}
}

func (i *Initiator) handle(now int64, e *soupbin.ClientEvent, packet []byte) error {
	switch e.Kind {
	case soupbin.LoginWasAccepted:
		if !i.known {
			i.append(now, &Request{Type: AccountQuery})
			return nil
		}
		i.resend(now)
	case soupbin.LoginWasRejected:
		return &LoginError{e.Reason}
	case soupbin.SequencedData:
		if err := i.report.Parse(e.Message); err != nil {
			return fmt.Errorf("message %d: %w", e.Number, err)
		}
		i.follow(now, e.Number, &i.report)
	case soupbin.NothingFromServer:
		if p, _, _ := soupbin.Next(packet, soupbin.MaxPayload); p.Type == soupbin.Debug && i.cfg.OnText != nil {
			i.cfg.OnText(string(p.Payload))
		}
	}
	return nil
}

// resend sends everything unanswered again, in the order of first sending. What of it the exchange has had it passes over, or its answer is on the way.
func (i *Initiator) resend(now int64) {
	i.ready = true
	for k := range i.pending.requests {
		i.write(now, &i.pending.requests[k])
	}
	if i.pending.query {
		i.write(now, &Request{Type: AccountQuery})
	}
}

func (i *Initiator) follow(now int64, number uint64, r *Report) {
	i.pending.take(r)
	switch r.Type {
	case QueryAnswer:
		i.next = max(i.next, r.UserRefNum)
		if !i.known {
			i.known = true
			i.resend(now)
		}
	case Accepted, Replaced, Rejected, MassCancelAnswer, DisableAnswer, EnableAnswer:
		i.next = max(i.next, r.UserRefNum+1)
	}
	if i.cfg.OnReport != nil {
		i.cfg.OnReport(number, r)
	}
}

// Tick lets time pass: heartbeats. ErrDead of package soupbin says that the connection has to be closed.
func (i *Initiator) Tick(now int64) (err error) {
	i.out, err = i.soup.Tick(i.out, now)
	return err
}

// Logout asks the exchange to close.
func (i *Initiator) Logout(now int64) { i.out = i.soup.Logout(i.out, now) }

// Bytes are what is to be sent, valid until the next call; Sent tells how many of them were.
func (i *Initiator) Bytes() []byte { return i.out }

// Sent forgets the first n of Bytes.
func (i *Initiator) Sent(n int) { i.out = i.out[:copy(i.out, i.out[n:])] }
