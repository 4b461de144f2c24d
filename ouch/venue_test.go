package ouch

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"exchange/book"
	"exchange/ouch/soupbin"
)

// venue is an exchange of two replicas in one goroutine: commands are decided in the order of submission, or lost with the leader.
type venue struct {
	t        testing.TB
	markets  [2]*book.Market
	reports  [2][][]book.Event // by replica, session
	leader   int
	waiting  []book.Command // submitted, not decided
	live     map[uint16]*line
	now      int64
	accounts map[string]Account
}

const venueLimits = 64

func newVenue(t testing.TB, users ...string) *venue {
	v := &venue{t: t, live: map[uint16]*line{}, now: 1_000_000_000, accounts: map[string]Account{}}
	for i := range v.markets {
		v.markets[i] = book.NewMarket(book.Limits{Orders: venueLimits, ClientIDs: 100, PriceNodes: 2000, Instruments: 3, Participants: 4, Sessions: 8, Channels: 2, MaxQty: 1 << 30})
	}
	v.reports[0], v.reports[1] = make([][]book.Event, 10), make([][]book.Event, 10)
	id := func(s string) (id book.ClientID) { copy(id[:], s); return id }
	v.decide(book.Command{Kind: book.ListInstrument, ClientID: id("ABC"), Price: 100, Qty: 1})
	v.decide(book.Command{Kind: book.ListInstrument, ClientID: id("LOTS"), Price: 1, Qty: 10})
	v.decide(book.Command{Kind: book.AddParticipant, ClientID: id("FIRM")})
	v.decide(book.Command{Kind: book.SystemEvent, Code: 'Q'})
	stream, _ := soupbin.MakeSession("DAY1")
	for i, u := range users {
		v.decide(book.Command{Kind: book.AddSession, ClientID: id(u), OrigID: id("FIRM"), Protocol: book.OUCH})
		v.accounts[u] = Account{Session: uint16(i + 1), Stream: stream}
	}
	return v
}

// decide applies a command on both replicas, which must say the same, and delivers what the leader's connections are to hear.
func (v *venue) decide(c book.Command) {
	c.Time = v.now
	var decoded book.Command
	if _, err := book.DecodeCommand(c.AppendTo(nil), &decoded); err != nil {
		v.t.Fatal(err)
	}
	for i, m := range v.markets {
		for _, e := range m.Apply(&decoded, nil) {
			if e.OutSeq != 0 {
				if have := len(v.reports[i][e.Session]); e.OutSeq != uint64(have+1) {
					v.t.Fatalf("message %d of session %d follows %d", e.OutSeq, e.Session, have)
				}
				v.reports[i][e.Session] = append(v.reports[i][e.Session], e)
			} else if l := v.live[e.Session]; l != nil && i == v.leader && e.Session != 0 {
				l.a.Deliver(v.now, &e)
			}
		}
	}
	if v.markets[0].StreamHash() != v.markets[1].StreamHash() {
		v.t.Fatal("the replicas differ")
	}
}

// line is one connection: an acceptor at the leader, and what is on its way to the client.
type line struct {
	v     *venue
	a     *Acceptor
	ended bool
}

func (v *venue) connect() *line {
	l := &line{v: v}
	l.a = NewAcceptor(lineDirectory{v, l}, v.now)
	return l
}

type lineDirectory struct {
	v *venue
	l *line
}

func (d lineDirectory) Account(l *soupbin.Login) (Account, bool) {
	for name, a := range d.v.accounts {
		if l.Is(name, "secret") {
			return a, true
		}
	}
	return Account{}, false
}

func (d lineDirectory) Claim(session uint16) {
	if old := d.v.live[session]; old != nil {
		old.ended = true
	}
	d.v.live[session] = d.l
}

func (d lineDirectory) Stream(session uint16) (first, next uint64) {
	return 1, uint64(len(d.v.reports[d.v.leader][session])) + 1
}

func (d lineDirectory) Instrument(s Symbol) (Instrument, bool) {
	for n := range uint16(2) {
		if in, _ := d.InstrumentByNumber(n + 1); in.Symbol == s {
			return in, true
		}
	}
	return Instrument{}, false
}

func (d lineDirectory) InstrumentByNumber(n uint16) (Instrument, bool) {
	switch n {
	case 1:
		return Instrument{MakeSymbol("ABC"), 1, 100, 1}, true
	case 2:
		return Instrument{MakeSymbol("LOTS"), 2, 1, 10}, true
	}
	return Instrument{}, false
}

// turn lets a connection's commands wait to be decided and its session's reports be read, and gives what goes to the client.
func (l *line) turn() []byte {
	if l.ended {
		return nil
	}
	l.a.Receive(l.v.now, nil)
	l.v.waiting = append(l.v.waiting, l.a.Commands()...)
	for n := l.a.Next(); n != 0 && !l.a.Full(); n = l.a.Next() {
		reports := l.v.reports[l.v.leader][l.a.Session()]
		if n > uint64(len(reports)) {
			break
		}
		l.a.Deliver(l.v.now, &reports[n-1])
	}
	b := bytes.Clone(l.a.Bytes())
	l.a.Sent(len(b))
	return b
}

// run decides all that waits, until nothing follows any more.
func (v *venue) run() {
	for len(v.waiting) > 0 {
		c := v.waiting[0]
		v.waiting = v.waiting[1:]
		v.decide(c)
		for _, l := range v.live {
			v.waiting = append(v.waiting, l.a.Commands()...)
		}
	}
}

// client drives an Initiator over lines.
type client struct {
	*Initiator
	v    *venue
	l    *line
	said []string
}

func newClient(v *venue, user string, number uint64) *client {
	c := &client{v: v}
	c.Initiator = NewInitiator(InitiatorConfig{Username: user, Password: "secret", Number: number, OnReport: func(n uint64, r *Report) {
		c.said = append(c.said, fmt.Sprintf("%d %s", n, describe(r)))
	}})
	return c
}

func (c *client) connect() {
	c.l = c.v.connect()
	c.Connected(c.v.now)
}

// talk carries bytes both ways and lets the exchange work, until it is quiet.
func (c *client) talk() {
	for range 20 {
		c.l.a.Receive(c.v.now, c.Bytes())
		c.Sent(len(c.Bytes()))
		c.v.waiting = append(c.v.waiting, c.l.a.Commands()...)
		c.v.run()
		if err := c.Receive(c.v.now, c.l.turn()); err != nil {
			c.v.t.Fatal(err)
		}
	}
}

func (c *client) send(r Request) uint32 {
	c.v.t.Helper()
	n, err := c.Send(c.v.now, &r)
	if err != nil {
		c.v.t.Fatal(err)
	}
	return n
}

// heard gives what was said since the last time.
func (c *client) heard() string {
	s := strings.Join(c.said, "\n")
	c.said = nil
	return s
}

// describe writes what a report says in a line.
func describe(r *Report) string {
	b := fmt.Sprintf("%c", r.Type)
	switch r.Type {
	case SystemEvent:
		return b + " " + string(r.Event)
	case Replaced, Accepted:
		b += fmt.Sprintf(" %d %c %d@%d %s %c%c%c%c ref=%d %q", r.UserRefNum, r.Side, r.Quantity, r.Price, r.Symbol, r.TimeInForce, r.Display, r.Capacity, r.State, r.OrderRef, r.ClOrdID.String())
		if r.Type == Replaced {
			b += fmt.Sprintf(" was %d", r.OrigUserRefNum)
		}
	case Canceled:
		b += fmt.Sprintf(" %d %d %c", r.UserRefNum, r.Quantity, r.Reason)
	case AIQCanceled:
		b += fmt.Sprintf(" %d %d %c prevented=%d@%d %c", r.UserRefNum, r.Quantity, r.Reason, r.Prevented, r.Price, r.Liquidity)
	case Executed:
		b += fmt.Sprintf(" %d %d@%d %c match=%d", r.UserRefNum, r.Quantity, r.Price, r.Liquidity, r.Match)
	case Rejected:
		if strings.Contains(string(r.ClOrdID[:]), "\x00") {
			b += " (not padded with spaces)"
		}
		b += fmt.Sprintf(" %d 0x%02X %q", r.UserRefNum, uint16(r.RejectReason), r.ClOrdID.String())
	case Modified:
		b += fmt.Sprintf(" %d %c %d", r.UserRefNum, r.Side, r.Quantity)
	default:
		b += fmt.Sprintf(" %d", r.UserRefNum)
		if s := strings.TrimSpace(r.Firm.String() + " " + r.Symbol.String()); r.Type == MassCancelAnswer && s != "" {
			b += " " + s
		}
	}
	for tag := Tag(1); tag < tags; tag++ {
		if r.Tags.Has(tag) {
			b += fmt.Sprintf(" %d:%d", tag, r.Tags.Number(tag))
		}
	}
	return b
}

func order(side byte, qty uint32, price uint64) Request {
	return Request{Type: EnterOrder, Side: side, Quantity: qty, Symbol: MakeSymbol("ABC"), Price: price, TimeInForce: '0', Display: 'Y', Capacity: 'P', Sweep: 'N',
		Cross: 'N', ClOrdID: MakeClOrdID("x")}
}

func expect(t *testing.T, got string, want ...string) {
	t.Helper()
	if w := strings.Join(want, "\n"); got != w {
		t.Errorf("heard\n%s\ninstead of\n%s", got, w)
	}
}
