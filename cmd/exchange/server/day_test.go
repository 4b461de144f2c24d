package server

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"exchange/book"
	"exchange/marketdata/depth"
	"exchange/marketdata/itch"
	"exchange/ouch"
	"exchange/ouch/soupbin"

	"github.com/valyala/fasthttp"
)

// day is a market by itself, and what it puts on the feed.
type day struct {
	t    *testing.T
	r    *Replica
	next map[uint16]uint64 // inbound number by session
	time int64
}

func openDay(t *testing.T) *day {
	d := &day{t: t, r: bareReplica(transferConfig()), next: map[uint16]uint64{1: 1, 2: 1}}
	d.give(start(d.r.cfg, d.r.market, nil)...)
	for session := range d.next {
		d.give(book.Command{Kind: book.Logon, Session: session, InSeq: 1, Seconds: 30})
		d.next[session] = 2
	}
	return d
}

func (d *day) give(commands ...book.Command) {
	for i := range commands {
		d.time += 1000
		commands[i].Time = d.time
		d.r.outbox.apply(d.r.market, &commands[i])
	}
	d.r.outbox.flush(func([]uint16) {})
}

// of gives a session's command.
func (d *day) of(session uint16, c book.Command) {
	c.Session, c.Epoch, c.InSeq = session, 1, d.next[session]
	d.next[session]++
	d.give(c)
}

func (d *day) enter(session uint16, id string, side book.Side, price, qty int64, change func(*book.Command)) {
	c := book.Command{Kind: book.Enter, Instrument: 1, Side: side, Type: book.Limit, TIF: book.Day, Price: price, Qty: qty, ClientID: clientID(id)}
	if change != nil {
		change(&c)
	}
	d.of(session, c)
}

// kinds lists what is on the feed, from a number on: of system events and trading actions with their code.
func (d *day) kinds(from uint64) (all []string) {
	for number := from; number < d.r.outbox.feed.Next(); number++ {
		b, err := d.r.outbox.feed.Read(number)
		if err != nil {
			d.t.Fatal(err)
		}
		var m itch.Message
		if err := itch.Decode(b, &m); err != nil {
			d.t.Fatal(err)
		}
		kind := string(m.Type)
		if m.Type == itch.SystemEvent || m.Type == itch.TradingAction {
			kind += string(m.Code)
		}
		all = append(all, kind)
	}
	return all
}

// The venue produces every message that docs/marketdata.md says it does, and no other.
func TestTheFeedOfADay(t *testing.T) {
	d := openDay(t)
	d.enter(1, "a", book.Buy, 1000, 100, nil)
	d.enter(2, "b", book.Sell, 1000, 30, nil)                                                                        // executes
	d.of(1, book.Command{Kind: book.Reduce, OrigID: clientID("a"), ClientID: clientID("a1"), Qty: 20})               // cancel
	d.of(1, book.Command{Kind: book.Replace, OrigID: clientID("a1"), ClientID: clientID("a2"), Price: 999, Qty: 90}) // replace
	d.of(1, book.Command{Kind: book.Cancel, OrigID: clientID("a2"), ClientID: clientID("a3")})                       // delete
	d.enter(1, "h", book.Buy, 1000, 10, func(c *book.Command) { c.Conditions = book.Hidden })
	d.enter(2, "i", book.Sell, 1000, 10, nil) // a trade with an order that was not shown
	d.give(book.Command{Kind: book.TradingAction, Instrument: 1, Code: 'H'}, book.Command{Kind: book.TradingAction, Instrument: 1, Code: 'T'})
	d.enter(1, "today", book.Buy, 990, 10, nil)
	d.enter(1, "longer", book.Buy, 991, 10, func(c *book.Command) { c.TIF = book.GoodTillCancel })
	before := d.r.outbox.feed.Next()
	d.give(endOfDay(d.r.market.Phase(), nil)...)
	if got := strings.Join(d.kinds(before), " "); got != "SM D D SE SC" {
		t.Errorf("the day ends with %s", got)
	}
	if d.r.market.Resting() != 0 {
		t.Errorf("%d orders outlive the session", d.r.market.Resting())
	}
	// Nothing that comes later is on the feed.
	after := d.r.outbox.feed.Next()
	d.enter(1, "late", book.Buy, 990, 10, nil)
	d.of(1, book.Command{Kind: book.Cancel, OrigID: clientID("longer"), ClientID: clientID("l1")})
	d.of(1, book.Command{Kind: book.Replace, OrigID: clientID("longer"), ClientID: clientID("l2"), Price: 999, Qty: 90})
	d.of(1, book.Command{Kind: book.MassCancel, Code: 'S', ClientID: clientID("l3")})
	d.give(book.Command{Kind: book.Disconnect, Session: 1, Epoch: 1}, book.Command{Kind: book.CancelSession, Session: 1, Epoch: 1}, book.Command{Kind: book.Tick})
	d.give(endOfDay(d.r.market.Phase(), nil)...)
	d.give(start(d.r.cfg, d.r.market, nil)...)
	if got := d.kinds(after); len(got) > 0 {
		t.Errorf("behind the end of messages: %v", got)
	}
	seen := map[string]bool{}
	for _, k := range d.kinds(1) {
		seen[k] = true
	}
	want := "A D E HH HT P R SC SE SM SO SQ SS U X"
	if got := strings.Join(slices.Sorted(maps.Keys(seen)), " "); got != want {
		t.Errorf("on the feed are %s, want %s", got, want)
	}
}

// A day's end that was begun by a leader is ended by the next one, wherever the first one died, and by nothing else.
func TestTheEndOfADayOutlivesLeaders(t *testing.T) {
	whole := endOfDay('Q', nil)
	for done := range len(whole) + 1 {
		t.Run(fmt.Sprint(done), func(t *testing.T) {
			d := openDay(t)
			d.enter(1, "longer", book.Buy, 991, 10, func(c *book.Command) { c.TIF = book.GoodTillCancel })
			before := d.r.outbox.feed.Next()
			d.give(whole[:done]...)
			d.give(start(d.r.cfg, d.r.market, nil)...)
			want := "SM D SE SC"
			if done == 0 {
				want = ""
			}
			if got := strings.Join(d.kinds(before), " "); got != want {
				t.Errorf("with %d of %d commands decided before: %q", done, len(whole), got)
			}
		})
	}
}

// An order whose client asks for attribution and names a firm, or has one by its account, is added with it. Others are added without. A snapshot has them the same way.
func TestOrdersWithAttribution(t *testing.T) {
	v := openOUCHVenue(t, func(c *Config) { c.OUCHAccounts[0].Firm = "ACCT" })
	r := &reader{t: t, soup: soupbin.MakeClient(soupbin.Session{}, 1)}
	r.login(v.dial())
	r.read(func(uint64, *ouch.Report) bool { return true })
	var packets []byte
	enter := func(number uint32, display byte, firm string) {
		q := ouch.Request{Type: ouch.EnterOrder, UserRefNum: number, Side: 'B', Quantity: 100, Symbol: ouch.MakeSymbol("ABC"), Price: 10_0000 + 100*uint64(number),
			TimeInForce: ouch.TIFDay, Display: display, Capacity: 'P', Sweep: 'N', Cross: 'N', ClOrdID: ouch.MakeClOrdID("x")}
		if firm != "" {
			q.Tags.SetText(ouch.TagFirm, ouch.MakeFirm(firm))
		}
		packets = soupbin.AppendPacket(packets, soupbin.Unsequenced, q.AppendTo(nil))
	}
	enter(1, ouch.DisplayAttributable, "FIRM")
	enter(2, ouch.DisplayAttributable, "")
	enter(3, ouch.DisplayVisible, "FIRM")
	enter(4, ouch.DisplayHidden, "FIRM")
	_, _ = r.conn.Write(packets)
	r.read(func(_ uint64, rep *ouch.Report) bool { return rep.Type == ouch.Accepted && rep.UserRefNum == 4 })
	store, builder := v.r.outbox.feed, depth.NewBuilder()
	var got []string
	for number := uint64(1); number < store.Next(); number++ {
		b, err := store.Read(number)
		if err != nil {
			t.Fatal(err)
		}
		var m itch.Message
		if err := itch.Decode(b, &m); err != nil {
			t.Fatal(err)
		}
		if m.Type == itch.AddOrder || m.Type == itch.AddOrderMPID {
			got = append(got, fmt.Sprintf("%c %.2f %s", m.Type, float64(m.Price)/itch.PriceUnit, m.MPID[:]))
		}
		if _, err := builder.Apply(&m); err != nil {
			t.Fatal(err)
		}
	}
	var again []string
	builder.Messages(func(m *itch.Message) bool {
		if m.Type == itch.AddOrder || m.Type == itch.AddOrderMPID {
			again = append(again, fmt.Sprintf("%c %.2f %s", m.Type, float64(m.Price)/itch.PriceUnit, m.MPID[:]))
		}
		return true
	})
	slices.Sort(again)
	inSnapshot := slices.Sorted(slices.Values(got))
	if !slices.Equal(again, inSnapshot) {
		t.Errorf("in a snapshot are %q, of %q", again, got)
	}
	if want := "F 10.01 FIRM|F 10.02 ACCT|A 10.03 \x00\x00\x00\x00"; strings.Join(got, "|") != want {
		t.Errorf("added are %q, want %q", strings.Join(got, "|"), want)
	}
}

// What changes something is for programs: a page that somebody looks at in a browser cannot have it done, and neither can a question.
func TestPagesChangeNothing(t *testing.T) {
	d := openDay(t)
	d.r.leading.active, d.r.leading.ready = true, true
	h := &httpServer{r: d.r}
	ask := func(method, origin string) int {
		var c fasthttp.RequestCtx
		c.Request.SetRequestURI("http://replica/v1/end-day")
		c.Request.Header.SetMethod(method)
		if origin != "" {
			c.Request.Header.Set("Origin", origin)
		}
		h.handle(&c)
		return c.Response.StatusCode()
	}
	if s := ask("POST", "https://example.com"); s != fasthttp.StatusForbidden {
		t.Errorf("a page's request is answered %d", s)
	}
	if s := ask("GET", ""); s != fasthttp.StatusMethodNotAllowed {
		t.Errorf("a question is answered %d", s)
	}
	if n := len(d.r.leading.queue); n != 0 || d.r.market.Phase() != 'Q' {
		t.Errorf("%d commands are queued", n)
	}
}
