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

// ErrNoNumber: no login was answered yet, or the request's channel was not in the configuration, so which number is the next is not known. The request was
// not sent.
var ErrNoNumber = errors.New("the next number is not known: not logged in yet, or the channel was not asked for")

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
	// UserRefIdxs are the channels besides 0 that will be used, if Number is 0: the first login asks for the next number of each.
	UserRefIdxs []uint8
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
// number say totals. A request is of the channel that its tag UserRefIdx says. It is not safe for concurrent use.
type Initiator struct {
	cfg     InitiatorConfig
	soup    soupbin.Client
	pending pending
	lines   [channels]clientLine
	ready   bool // logged in, and what was pending is sent again
	in      []byte
	out     []byte
	message []byte
	report  Report
}

// clientLine is a channel's numbers.
type clientLine struct {
	next  uint32 // number of the next request
	known bool   // that it is so
	asked bool   // wanted, as the first login's answer
}

// NewInitiator makes a client's end that has sent nothing yet.
func NewInitiator(cfg InitiatorConfig) *Initiator {
	if cfg.MaxPending <= 0 {
		cfg.MaxPending = MaxPending
	}
	i := &Initiator{cfg: cfg, soup: soupbin.MakeClient(soupbin.Session{}, cfg.Number), pending: newPending(cfg.MaxPending)}
	for k := range i.lines {
		i.lines[k] = clientLine{next: 1, known: cfg.Number != 0}
	}
	i.lines[0].asked = cfg.Number == 0
	for _, channel := range cfg.UserRefIdxs {
		i.lines[channel].asked = cfg.Number == 0
	}
	return i
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

// NextUserRefNum is the number that the next request without a channel gets, NextUserRefNumIn that of the next one in a channel.
func (i *Initiator) NextUserRefNum() uint32                   { return i.lines[0].next }
func (i *Initiator) NextUserRefNumIn(userRefIdx uint8) uint32 { return i.lines[userRefIdx].next }

// Unanswered is how many requests are.
func (i *Initiator) Unanswered() int { return len(i.pending.requests) }

// Order is an open order by its present number, nil if there is none; OrderIn is one of a channel.
func (i *Initiator) Order(number uint32) *ClientOrder { return i.OrderIn(0, number) }
func (i *Initiator) OrderIn(userRefIdx uint8, number uint32) *ClientOrder {
	return i.pending.orders[orderKey{userRefIdx, number}]
}

// Orders calls f with each open order.
func (i *Initiator) Orders(f func(*ClientOrder)) {
	for _, o := range i.pending.orders {
		f(o)
	}
}

// Send gives a numbered request its number in its channel, keeps it until it is answered, and puts it into Bytes, or, without a login, waits with it for the
// next one. It returns the request's number. A channel that was not asked for at the login is after an AccountQuery of it was answered.
func (i *Initiator) Send(now int64, r *Request) (number uint32, err error) {
	if r.Type.fixedLen() == 0 {
		return 0, fmt.Errorf("%w: type %q does not come from a client", ErrMessage, byte(r.Type))
	}
	l := &i.lines[r.Tags.UserRefIdx()]
	if r.Type == AccountQuery {
		i.pending.queries[r.Tags.UserRefIdx()] = true
		i.write(now, r)
		return 0, nil
	}
	if !l.known {
		return 0, ErrNoNumber
	}
	if len(i.pending.requests) >= i.pending.max {
		return 0, ErrPending
	}
	if r.Type.Numbered() {
		r.UserRefNum = l.next
		l.next++
	}
	if about := r.about(); about.number == 0 || i.pending.orders[about] != nil || i.awaited(about) {
		i.pending.requests = append(i.pending.requests, *r)
	} // else nothing would answer it: that order is over
	i.write(now, r)
	return r.UserRefNum, nil
}

// awaited tells whether such an order may still come.
func (i *Initiator) awaited(order orderKey) bool {
	for k := range i.pending.requests {
		if q := &i.pending.requests[k]; q.key() == order && (q.Type == EnterOrder || q.Type == ReplaceOrder) {
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
		if !i.ask(now) {
			i.resend(now)
		}
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

// ask asks for the numbers that must be known before anything is sent; false: all are.
func (i *Initiator) ask(now int64) (asked bool) {
	for k := range i.lines {
		if l := &i.lines[k]; l.asked && !l.known {
			i.append(now, query(uint8(k)))
			asked = true
		}
	}
	return asked
}

// asking tells whether some of those numbers are not known yet.
func (i *Initiator) asking() bool {
	for k := range i.lines {
		if l := &i.lines[k]; l.asked && !l.known {
			return true
		}
	}
	return false
}

// query asks for the next number of a channel.
func query(userRefIdx uint8) *Request {
	r := &Request{Type: AccountQuery}
	if userRefIdx != 0 {
		r.Tags.Set(TagUserRefIdx, uint64(userRefIdx))
	}
	return r
}

// resend sends everything unanswered again, in the order of first sending. What of it the exchange has had it passes over, or its answer is on the way.
func (i *Initiator) resend(now int64) {
	i.ready = true
	for k := range i.pending.requests {
		i.write(now, &i.pending.requests[k])
	}
	for k, asked := range i.pending.queries {
		if asked {
			i.write(now, query(uint8(k)))
		}
	}
}

func (i *Initiator) follow(now int64, number uint64, r *Report) {
	i.pending.take(r)
	l := &i.lines[r.Tags.UserRefIdx()]
	switch r.Type {
	case QueryAnswer:
		l.next, l.known = max(l.next, r.UserRefNum), true
		if !i.ready && !i.asking() {
			i.resend(now)
		}
	case Accepted, Replaced, Rejected, MassCancelAnswer, DisableAnswer, EnableAnswer:
		l.next = max(l.next, r.UserRefNum+1)
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
