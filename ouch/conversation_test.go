package ouch

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"exchange/book"
	"exchange/ouch/soupbin"
)

// One account from login to log-out, and what each request is answered with.
func TestConversation(t *testing.T) {
	v := newVenue(t, "alice", "bob")
	a, b := newClient(v, "alice", 1), newClient(v, "bob", 0)
	a.connect()
	a.talk()
	b.connect()
	b.talk()
	expect(t, b.heard(), "1 Q 1")
	firm := order('B', 100, 100_000)
	firm.Tags.SetText(TagFirm, MakeFirm("LIME"))
	firm.Tags.Set(TagGroupID, 7)
	firm.Tags.Set(TagMinQty, 0)
	one := a.send(firm)
	a.talk()
	expect(t, a.heard(), `1 A 1 B 100@100000 ABC 0YPL ref=1 "x" 2:1279872325 24:7`)
	b.send(order('T', 30, 90_000))
	b.talk()
	expect(t, b.heard(), `2 A 1 T 30@90000 ABC 0YPL ref=2 "x"`, "3 E 1 30@100000 R match=1")
	a.talk()
	expect(t, a.heard(), "2 E 1 30@100000 A match=1")
	a.send(Request{Type: CancelOrder, UserRefNum: one, Quantity: 60})
	two := a.send(Request{Type: ReplaceOrder, OrigUserRefNum: one, Quantity: 50, Price: 101_000, TimeInForce: '0', Display: 'Y', Sweep: 'N', ClOrdID: MakeClOrdID("y")})
	a.talk()
	expect(t, a.heard(), "3 C 1 40 U", `4 U 2 B 50@101000 ABC 0YPL ref=3 "y" was 1 2:1279872325 24:7`)
	if a.Order(two) == nil || a.Order(two).Open() != 20 || a.Order(one) != nil || a.Unanswered() != 0 {
		t.Errorf("order 2 is %+v, %d unanswered", a.Order(two), a.Unanswered())
	}
	sell := a.send(order('S', 10, 200_000))
	a.send(Request{Type: ModifyOrder, UserRefNum: sell, Side: 'E', Quantity: 5})
	a.send(Request{Type: MassCancel, Firm: MakeFirm("LIME"), Symbol: MakeSymbol("ABC")})
	a.send(Request{Type: AccountQuery})
	a.send(Request{Type: DisableEntry, Firm: MakeFirm("")})
	a.send(order('B', 1, 100))
	a.send(Request{Type: CancelOrder, UserRefNum: sell})
	a.send(Request{Type: EnableEntry, Firm: MakeFirm("")})
	a.talk()
	expect(t, a.heard(), `5 A 3 S 10@200000 ABC 0YPL ref=4 "x"`, "6 M 3 E 5", "7 X 4 LIME ABC", "8 C 2 20 U", "9 Q 5", "10 G 5", `11 J 6 0x0C "x"`, "12 C 3 5 U", "13 K 7")
	iceberg := order('S', 20, 210_000)
	iceberg.Tags.Set(TagMaxFloor, 5)
	iceberg.Tags.Set(TagPostOnly, 'P')
	a.send(iceberg)
	a.talk()
	ioc := order('B', 8, 210_000)
	ioc.TimeInForce = '3'
	b.send(ioc)
	b.talk()
	a.talk()
	expect(t, a.heard(), `14 A 8 S 20@210000 ABC 0YPL ref=5 "x" 5:5 12:80`, "15 E 8 5@210000 A match=2", "16 R 8 1:7 22:5", "17 E 8 3@210000 A match=3")
	market := order('B', 100, MarketPrice)
	b.send(market)
	b.talk()
	if s := b.heard(); !strings.Contains(s, "A 3 B 100@2147483647") || !strings.Contains(s, "C 3 88 I") {
		t.Errorf("bob heard\n%s", s)
	}
	if a.Unanswered()+b.Unanswered() != 0 {
		t.Errorf("%d and %d unanswered", a.Unanswered(), b.Unanswered())
	}
}

// What cannot be is refused with its code, once, and uses up its number.
func TestRefusals(t *testing.T) {
	v := newVenue(t, "alice")
	a := newClient(v, "alice", 1)
	a.connect()
	a.talk()
	tag := func(n Tag, value uint64) func(*Request) { return func(r *Request) { r.Tags.Set(n, value) } }
	for i, c := range []struct {
		change func(*Request)
		code   RejectReason
	}{
		{func(r *Request) { r.Symbol = MakeSymbol("NOPE") }, 0x17}, {func(r *Request) { r.Side = 'X' }, 0x09}, {func(r *Request) { r.Price = 150 }, 0x1D},
		{func(r *Request) { r.Price = 0 }, 0x1D}, {func(r *Request) { r.Price = 1 << 62 }, 0x1D}, {func(r *Request) { r.Quantity = 0 }, 0x13},
		{func(r *Request) { r.Quantity = 1_000_000 }, 0x13}, {func(r *Request) { r.TimeInForce = '5' }, 0x0F}, {func(r *Request) { r.TimeInForce = '6' }, 0x0F},
		{func(r *Request) { r.Display = 'Q' }, 0x03}, {func(r *Request) { r.Capacity = 0 }, 0x0F}, {func(r *Request) { r.Sweep = 'Y' }, 0x08},
		{func(r *Request) { r.Cross = 'O' }, 0x14}, {tag(TagMinQty, 11), 0x0D}, {tag(TagMaxFloor, 11), 0x04}, {tag(TagPriceType, 'M'), 0x11},
		{tag(TagPegOffset, 1), 0x11}, {tag(TagRoute, 0x41414141), 0x16}, {tag(TagHandleInst, 'I'), 0x0F}, {tag(TagTradeNow, 'Y'), 0x0F},
		{tag(TagRandomReserves, 1), 0x04}, {tag(TagExpireTime, 10), 0x0F}, {tag(TagPostOnly, 'X'), 0x0F},
		{func(r *Request) { r.Symbol, r.Price, r.Quantity = MakeSymbol("LOTS"), 5, 15 }, 0x13},
		{func(r *Request) { r.TimeInForce = '3'; r.Tags.Set(TagPostOnly, 'P') }, 0x0F},
	} {
		r := order('B', 10, 100_000)
		c.change(&r)
		n := a.send(r)
		a.talk()
		if want := fmt.Sprintf("%d J %d 0x%02X %q", i+1, n, uint16(c.code), "x"); a.heard() != want {
			t.Errorf("case %d: not %s", i, want)
		}
	}
	ok := order('B', 10, 100_000)
	ok.TimeInForce = '6'
	for _, harmless := range []func(*Request){tag(TagExpireTime, 10), tag(TagPriceType, 'L'), tag(TagUserRefIdx, 0), tag(TagHandleInst, ' '), tag(TagTradeNow, 'N')} {
		harmless(&ok)
	}
	n := a.send(ok)
	a.talk()
	if s := a.heard(); !strings.Contains(s, "A 26 B 10@100000 ABC 6YPL") {
		t.Errorf("heard %s", s)
	}
	v.now += 11 * second
	v.decide(book.Command{Kind: book.Tick})
	a.talk()
	expect(t, a.heard(), fmt.Sprintf("27 C %d 10 T", n))
	a.send(Request{Type: MassCancel, Symbol: MakeSymbol("NOPE"), Firm: MakeFirm("")})
	a.talk()
	if s := a.heard(); !strings.HasPrefix(s, "28 J 27 0x17") {
		t.Errorf("heard %s", s)
	}
}

// Too many in a second are refused; what cancels is not.
func TestThrottle(t *testing.T) {
	v := newVenue(t, "alice")
	account := v.accounts["alice"]
	account.MaxRate = 3
	v.accounts["alice"] = account
	a := newClient(v, "alice", 1)
	a.connect()
	a.talk()
	for range 4 {
		a.send(order('B', 1, 100))
	}
	a.send(Request{Type: ReplaceOrder, OrigUserRefNum: 1, Quantity: 5, Price: 200, TimeInForce: '0', Display: 'Y', Sweep: 'N'})
	a.send(Request{Type: CancelOrder, UserRefNum: 1})
	a.talk()
	v.now += second / 3
	a.send(order('B', 1, 100))
	a.talk()
	s := a.heard()
	if strings.Count(s, " A ") != 4 || !strings.Contains(s, "4 J 4 0x29") || !strings.Contains(s, "5 J 5 0x29") || !strings.Contains(s, "6 C 1 1 U") {
		t.Errorf("heard\n%s", s)
	}
}

// Logins: who is let in and from which number, in both versions; and what cannot follow.
func TestLogins(t *testing.T) {
	v := newVenue(t, "alice")
	a := newClient(v, "alice", 1)
	a.connect()
	a.talk()
	for range 3 {
		a.send(order('B', 1, 100))
	}
	a.talk()
	login := func(user, password, session string, number, timeout uint64) []byte {
		l := soupbin.Login{Number: number, TimeoutMillis: timeout}
		padded(l.Username[:], user)
		padded(l.Password[:], password)
		if session != "" {
			l.Session, _ = soupbin.MakeSession(session)
		}
		return l.AppendTo(nil)
	}
	for _, c := range []struct {
		name    string
		bytes   []byte
		answers string
	}{
		{"wrong password", login("alice", "guess", "", 1, 0), "J A"}, {"unknown user", login("carol", "secret", "", 1, 0), "J A"},
		{"other session", login("alice", "secret", "DAY2", 1, 0), "J S"}, {"a number that does not exist", login("alice", "secret", "", 5, 0), "J S"},
		{"all", login("ALICE", "SECRET", "DAY1", 1, 0), "A 1 S S S"}, {"version 4.1", login("alice", "secret", "", 3, 30_000), "A 3 S"},
		{"what is new", login("alice", "secret", "", 0, 0), "A 4"}, {"the next", login("alice", "secret", "", 4, 0), "A 4"},
		{"a login of a wrong length", soupbin.AppendPacket(nil, soupbin.LoginRequest, []byte("hello")), "+"},
		{"order before the login", soupbin.AppendPacket(nil, soupbin.Unsequenced, []byte("Q")), "+"},
		{"no SoupBinTCP", []byte("GET / HTTP/1.1\r\n\r\n"), "+"}, {"length 0", []byte{0, 0, 0}, "+"},
		{"garbage behind the login", append(login("alice", "secret", "", 4, 0), soupbin.AppendPacket(nil, soupbin.Unsequenced, []byte("garbage"))...), "A 4 +"},
		{"a second login", append(login("alice", "secret", "", 4, 0), login("alice", "secret", "", 4, 0)...), "A 4 +"},
	} {
		l := v.connect()
		l.a.Receive(v.now, c.bytes)
		var out []byte
		for range 5 {
			v.waiting = append(v.waiting, l.a.Commands()...)
			v.run()
			out = append(out, l.turn()...)
		}
		var got []string
		for len(out) > 0 {
			p, n, err := soupbin.Next(out, soupbin.MaxPayload)
			if err != nil || n == 0 {
				t.Fatal(err)
			}
			out = out[n:]
			word := string(p.Type)
			switch p.Type {
			case soupbin.LoginAccepted:
				word += " " + strings.TrimSpace(string(p.Payload[10:]))
			case soupbin.LoginRejected:
				word += " " + string(p.Payload)
			}
			got = append(got, word)
		}
		if s := strings.Join(got, " "); s != c.answers {
			t.Errorf("%s is answered %q, not %q", c.name, s, c.answers)
		}
		refused := strings.HasSuffix(c.answers, "+") || strings.HasPrefix(c.answers, "J")
		if closed, why := l.a.Closed(); closed != refused || closed && why == "" {
			t.Errorf("%s: closed is %v: %s", c.name, closed, why)
		}
	}
}

// A client comes again while the login of its last connection is still undecided: each connection waits for its own answer, and the older one is over.
func TestTakenOver(t *testing.T) {
	v := newVenue(t, "alice")
	a := newClient(v, "alice", 1)
	var lines [2]*line
	for i := range lines {
		a.connect()
		lines[i] = a.l
		v.now++
		a.l.a.Receive(v.now, a.Bytes())
		a.Sent(len(a.Bytes()))
		v.waiting = append(v.waiting, a.l.a.Commands()...)
	}
	first, second := v.waiting[0], v.waiting[1]
	v.waiting = nil
	v.decide(first)
	if lines[1].a.Active() {
		t.Error("the second connection took the first one's answer")
	}
	v.decide(second)
	if !lines[1].a.Active() || lines[0].a.Active() || !lines[0].ended {
		t.Error("the second connection is not the one that stands")
	}
	if err := a.Receive(v.now, lines[1].turn()); err != nil {
		t.Fatal(err)
	}
	n := a.send(order('B', 1, 100))
	a.talk()
	expect(t, a.heard(), fmt.Sprintf("1 A %d B 1@100 ABC 0YPL ref=1 %q", n, "x"))
}

// A silent client is heartbeated, then cut, and the state machine told; one that logs out too.
func TestSilence(t *testing.T) {
	v := newVenue(t, "alice")
	a := newClient(v, "alice", 1)
	a.connect()
	a.talk()
	v.now += 2 * second
	a.l.a.Tick(v.now)
	if b := a.l.turn(); string(b) != "\x00\x01H" {
		t.Errorf("after a second of silence %q is sent", b)
	}
	if err := a.Tick(v.now); err != nil || string(a.Bytes()) != "\x00\x01R" {
		t.Errorf("the client sends %q, %v", a.Bytes(), err)
	}
	v.now += 20 * second
	a.l.a.Tick(v.now)
	a.l.turn()
	v.run()
	if closed, _ := a.l.a.Closed(); !closed || v.markets[0].Session(1).Connected || !a.l.a.Over() {
		t.Error("a silent client stays connected")
	}
	if err := a.Tick(v.now); err == nil {
		t.Error("the client does not notice that the exchange is silent")
	}
	a.connect()
	a.talk()
	a.Logout(v.now)
	a.talk()
	if v.markets[0].Session(1).Connected {
		t.Error("logged out and still connected")
	}
}

// A mass cancel means the orders that carry what it names: firm, group, side's letter, symbol, or all.
func TestMassCancelMeansWhatItNames(t *testing.T) {
	v := newVenue(t, "alice")
	a := newClient(v, "alice", 1)
	a.connect()
	a.talk()
	enter := func(side byte, firm string, group uint64, symbol string) {
		r := order(side, 10, uint64(map[bool]int{true: 100, false: 200_000}[side == 'B']))
		r.Symbol = MakeSymbol(symbol)
		if firm != "" {
			r.Tags.SetText(TagFirm, MakeFirm(firm))
		}
		if group != 0 {
			r.Tags.Set(TagGroupID, group)
		}
		a.send(r)
	}
	for range 2 {
		enter('B', "LIME", 1, "ABC")
		enter('B', "KIWI", 258, "ABC")
		enter('T', "LIME", 2, "ABC")
		enter('S', "", 258, "LOTS")
	}
	a.talk()
	a.heard()
	cancel := func(firm, symbol string, tags ...uint64) string {
		r := Request{Type: MassCancel, Firm: MakeFirm(firm), Symbol: MakeSymbol(symbol)}
		for i := 0; i < len(tags); i += 2 {
			r.Tags.Set(Tag(tags[i]), tags[i+1])
		}
		a.send(r)
		a.talk()
		var numbers []string
		for _, line := range strings.Split(a.heard(), "\n") {
			if f := strings.Fields(line); f[1] == "C" {
				numbers = append(numbers, f[2])
			}
		}
		return strings.Join(numbers, " ")
	}
	for _, c := range []struct{ got, want string }{
		{cancel("LIME", "", uint64(TagGroupID), 3), ""}, {cancel("LIME", "", uint64(TagSide), 'T'), "3 7"}, {cancel("", "", uint64(TagGroupID), 1), "1 5"},
		{cancel("", "LOTS", uint64(TagGroupID), 258), "4 8"}, {cancel("PLUM", ""), ""}, {cancel("", ""), "2 6"}, {cancel("", ""), ""},
	} {
		if c.got != c.want {
			t.Errorf("cancelled %q, not %q", c.got, c.want)
		}
	}
	if a.Unanswered() != 0 {
		t.Errorf("%d unanswered", a.Unanswered())
	}
}

// An order on its way in and its reports on their way out allocate nothing.
func TestHotPathDoesNotAllocate(t *testing.T) {
	v := newVenue(t, "alice")
	a := newClient(v, "alice", 1)
	a.connect()
	a.talk()
	r := order('B', 10, 100)
	packet := soupbin.AppendPacket(nil, soupbin.Unsequenced, r.AppendTo(nil))
	packets := bytes.Repeat(packet, 10)
	e := book.Event{Kind: book.Accepted, Session: 1, OutSeq: a.l.a.Next(), Instrument: 1, Qty: 10, Price: 1, ClientID: carry(&r, Firm{})}
	if n := testing.AllocsPerRun(200, func() {
		a.l.a.Receive(v.now, packets)
		if len(a.l.a.Commands()) != 10 {
			t.Error("not every order is a command")
		}
		for range 10 {
			a.l.a.Deliver(v.now, &e)
			e.OutSeq++
		}
		a.l.a.Sent(len(a.l.a.Bytes()))
	}); n != 0 {
		t.Errorf("%v allocations in 10 orders", n)
	}
}

// Channels number requests apart: the same number is used in each, all that is said of a channel's order says which, and what is left unanswered in one is sent
// again in it.
func TestChannels(t *testing.T) {
	v := newVenue(t, "alice")
	a := newClient(v, "alice", 1)
	a.connect()
	a.talk()
	in := func(channel uint8, r Request) Request {
		r.Tags.Set(TagUserRefIdx, uint64(channel))
		return r
	}
	change := Request{Type: ReplaceOrder, OrigUserRefNum: 1, Quantity: 9, Price: 101_000, TimeInForce: '0', Display: 'Y', Sweep: 'N', ClOrdID: MakeClOrdID("y")}
	for _, r := range []Request{
		order('B', 10, 100_000), in(7, order('B', 20, 99_000)), in(255, order('T', 5, 99_000)), in(7, order('?', 5, 99_000)), in(7, change),
		in(255, order('T', 5, 200_000)), in(255, Request{Type: ModifyOrder, UserRefNum: 2, Side: 'E', Quantity: 4}), in(255, Request{Type: CancelOrder, UserRefNum: 2}),
		in(7, Request{Type: AccountQuery}), {Type: AccountQuery}, in(9, Request{Type: AccountQuery}),
	} {
		a.send(r)
	}
	a.talk()
	expect(t, a.heard(), `1 A 1 B 10@100000 ABC 0YPL ref=1 "x"`, `2 A 1 B 20@99000 ABC 0YPL ref=2 "x" 28:7`, `3 A 1 T 5@99000 ABC 0YPL ref=3 "x" 28:255`,
		"4 E 1 5@100000 A match=1", "5 E 1 5@100000 R match=1 28:255", `6 J 2 0x09 "x" 28:7`, `7 U 3 B 9@101000 ABC 0YPL ref=4 "y" was 1 28:7`,
		`8 A 2 T 5@200000 ABC 0YPL ref=5 "x" 28:255`, "9 M 2 E 4 28:255", "10 C 2 4 U 28:255", "11 Q 4 28:7", "12 Q 2", "13 Q 1 28:9")
	if o := a.OrderIn(7, 3); o == nil || o.UserRefIdx != 7 || o.Open() != 9 || a.Order(1) == nil || a.Order(3) != nil || a.OrderIn(255, 1) != nil || a.Unanswered() != 0 {
		t.Errorf("order 3 of channel 7 is %+v, %d unanswered", o, a.Unanswered())
	}
	if a.NextUserRefNum() != 2 || a.NextUserRefNumIn(7) != 4 || a.NextUserRefNumIn(255) != 3 || a.NextUserRefNumIn(9) != 1 {
		t.Errorf("next are %d, %d, %d, %d", a.NextUserRefNum(), a.NextUserRefNumIn(7), a.NextUserRefNumIn(255), a.NextUserRefNumIn(9))
	}
	iceberg := order('S', 20, 210_000)
	iceberg.Tags.Set(TagMaxFloor, 5)
	for _, r := range []Request{
		in(9, iceberg), in(9, order('B', 5, 210_000)), in(7, Request{Type: DisableEntry, Firm: MakeFirm("")}), in(7, order('B', 1, 100)), in(9, order('B', 1, 100)),
		in(7, Request{Type: EnableEntry, Firm: MakeFirm("")}), in(9, Request{Type: MassCancel, Symbol: MakeSymbol("")}), {Type: MassCancel, Symbol: MakeSymbol("ABC")},
	} {
		a.send(r)
	}
	// The connection is lost with all of it: what comes again comes in its channel.
	a.connect()
	a.talk()
	expect(t, a.heard(), `14 A 1 S 20@210000 ABC 0YPL ref=6 "x" 5:5 28:9`, `15 A 2 B 5@210000 ABC 0YPL ref=7 "x" 28:9`, "16 E 1 5@210000 A match=2 28:9",
		"17 E 2 5@210000 R match=2 28:9", "18 R 1 1:8 22:5 28:9", "19 G 4 28:7", `20 J 5 0x0C "x" 28:7`, `21 A 3 B 1@100 ABC 0YPL ref=9 "x" 28:9`, "22 K 6 28:7",
		"23 X 4 28:9", "24 C 3 1 U 28:9", "25 C 1 15 U 28:9", "26 X 2 ABC", "27 C 3 9 U 28:7", "28 C 1 5 U")
	if a.Unanswered() != 0 {
		t.Errorf("%d unanswered", a.Unanswered())
	}
}

// What is said in one channel answers nothing of another, under the same number: what was lost there is still sent again.
func TestChannelsAreAnsweredApart(t *testing.T) {
	v := newVenue(t, "alice")
	a := newClient(v, "alice", 1)
	a.connect()
	a.talk()
	in := func(r Request) Request {
		r.Tags.Set(TagUserRefIdx, 7)
		return r
	}
	for _, c := range []struct {
		request Request
		first   string
		again   string
	}{
		{order('S', 9, 500), `1 A 1 S 9@500 ABC 0YPL ref=1 "x"`, `2 A 1 S 9@500 ABC 0YPL ref=2 "x" 28:7`},
		{Request{Type: ModifyOrder, UserRefNum: 1, Side: 'E', Quantity: 8}, "3 M 1 E 8", "4 M 1 E 8 28:7"},
		{Request{Type: CancelOrder, UserRefNum: 1, Quantity: 5}, "5 C 1 3 U", "6 C 1 3 U 28:7"},
		{Request{Type: ReplaceOrder, OrigUserRefNum: 1, Quantity: 4, Price: 600, TimeInForce: '0', Display: 'Y', Sweep: 'N', ClOrdID: MakeClOrdID("y")},
			`7 U 2 E 4@600 ABC 0YPL ref=3 "y" was 1`, `8 U 2 E 4@600 ABC 0YPL ref=4 "y" was 1 28:7`},
		{Request{Type: DisableEntry, Firm: MakeFirm("")}, "9 G 3", "10 G 3 28:7"},
		{Request{Type: AccountQuery}, "11 Q 4", "12 Q 4 28:7"},
		{Request{Type: CancelOrder, UserRefNum: 2}, "13 C 2 4 U", "14 C 2 4 U 28:7"},
	} {
		a.send(in(c.request))
		a.Sent(len(a.Bytes())) // to be lost
		a.send(c.request)
		a.talk()
		expect(t, a.heard(), c.first)
		if query := c.request.Type == AccountQuery; !query && a.Unanswered() != 1 {
			t.Errorf("%c: %d are unanswered", c.request.Type, a.Unanswered())
		}
		a.connect()
		a.talk()
		expect(t, a.heard(), c.again)
		if a.Unanswered() != 0 {
			t.Errorf("%c sent again: %d are unanswered", c.request.Type, a.Unanswered())
		}
	}
}

// A client that does not read the whole stream asks for the next number of each channel that it will use.
func TestChannelsAreAskedFor(t *testing.T) {
	v := newVenue(t, "alice")
	a := newClient(v, "alice", 1)
	a.connect()
	a.talk()
	r := order('B', 1, 100)
	a.send(r)
	r.Tags.Set(TagUserRefIdx, 5)
	for range 3 {
		a.send(r)
	}
	a.talk()
	b := &client{v: v}
	b.Initiator = NewInitiator(InitiatorConfig{Username: "alice", Password: "secret", UserRefIdxs: []uint8{5, 6}, OnReport: func(n uint64, r *Report) {
		b.said = append(b.said, fmt.Sprintf("%d %s", n, describe(r)))
	}})
	b.connect()
	if _, err := b.Send(v.now, &r); err != ErrNoNumber || b.Ready() {
		t.Errorf("before the login: %v", err)
	}
	b.talk()
	expect(t, b.heard(), "5 Q 2", "6 Q 4 28:5", "7 Q 1 28:6")
	if n := b.send(r); n != 4 {
		t.Errorf("number %d in channel 5", n)
	}
	r.Tags.Set(TagUserRefIdx, 7)
	if _, err := b.Send(v.now, &r); err != ErrNoNumber {
		t.Errorf("in a channel that was not asked for: %v", err)
	}
	b.talk()
	expect(t, b.heard(), `8 A 4 B 1@100 ABC 0YPL ref=5 "x" 28:5`)
}

// What an account says of self-trades holds for its incoming orders. What decrementing takes off is told as AIQ Canceled: how much would have traded, at
// which price, and as what; the other ways as Canceled for the reason Q.
func TestSelfTradePrevention(t *testing.T) {
	for mode, want := range map[book.SelfTrade][]string{
		book.DecrementAndCancel: {
			"3 D 1 4 Q prevented=4@100 A", "4 D 2 4 Q prevented=4@100 R", `5 A 1 S 9@200 ABC 0NPL ref=3 "x" 28:7`, `6 A 3 B 12@300 ABC 3YPL ref=4 "x"`,
			"7 D 1 9 Q prevented=9@200 J 28:7", "8 D 3 9 Q prevented=9@200 R", "9 C 3 3 I",
		},
		book.CancelNewest: {"3 C 2 4 Q", `4 A 1 S 9@200 ABC 0NPL ref=3 "x" 28:7`, `5 A 3 B 12@300 ABC 3YPL ref=4 "x"`, "6 C 3 12 Q"},
		book.CancelOldest: {
			"3 C 1 10 Q", `4 A 1 S 9@200 ABC 0NPL ref=3 "x" 28:7`, `5 A 3 B 12@300 ABC 3YPL ref=4 "x"`, "6 C 2 4 Q", "7 C 1 9 Q 28:7", "8 C 3 12 I",
		},
		book.CancelBoth: {
			"3 C 1 10 Q", "4 C 2 4 Q", `5 A 1 S 9@200 ABC 0NPL ref=3 "x" 28:7`, `6 A 3 B 12@300 ABC 3YPL ref=4 "x"`, "7 C 1 9 Q 28:7", "8 C 3 12 Q",
		},
	} {
		v := newVenue(t, "alice")
		account := v.accounts["alice"]
		account.SelfTrade = mode
		v.accounts["alice"] = account
		a := newClient(v, "alice", 1)
		a.connect()
		a.talk()
		a.send(order('B', 10, 100))
		a.send(order('S', 4, 100))
		a.talk()
		if o := a.Order(1); mode == book.DecrementAndCancel && (o == nil || o.Open() != 6 || a.Order(2) != nil) {
			t.Errorf("order 1 is %+v", o)
		}
		hidden := order('S', 9, 200)
		hidden.Display = DisplayHidden
		hidden.Tags.Set(TagUserRefIdx, 7)
		a.send(hidden)
		ioc := order('B', 12, 300)
		ioc.TimeInForce = TIFImmediate
		a.send(ioc)
		a.talk()
		expect(t, a.heard(), append([]string{`1 A 1 B 10@100 ABC 0YPL ref=1 "x"`, `2 A 2 S 4@100 ABC 0YPL ref=2 "x"`}, want...)...)
		if a.Unanswered() != 0 {
			t.Errorf("%d unanswered", a.Unanswered())
		}
	}
}

// An AIQ Canceled is 31 bytes, and what the market of before said of the same, without a price, is still a Canceled, as it was sent then.
func TestAIQCanceledOnTheWire(t *testing.T) {
	v := newVenue(t)
	e := book.Event{Kind: book.Reduced, Instrument: 2, Time: 0x1F1A5C2E9C01, Qty: 10, LastQty: 2, LastPrice: 100_000, Resting: true, Reason: book.SelfTradePrevented,
		Conditions: book.Hidden, ClientID: book.NumberID(0x102)}
	said := func() string {
		var r Report
		r.FromEvent(&e, lineDirectory{v: v})
		return fmt.Sprintf("%x", r.AppendTo(nil))
	}
	golden := func(text string) string { return fmt.Sprintf("%x", goldenBytes(t, text)) }
	if want := golden("'D " + stamp + "00000102 00000014 'Q 00000014 00000000000186A0 'J"); said() != want {
		t.Errorf("%s instead of %s", said(), want)
	}
	e.Kind, e.Cum, e.Resting, e.ClientID = book.Cancelled, 8, false, book.ChannelID(7, 0x102)
	if want := golden("'D " + stamp + "00000102 00000014 'Q 00000014 00000000000186A0 'R 0003 02 1C 07"); said() != want {
		t.Errorf("%s instead of %s", said(), want)
	}
	e.LastQty, e.LastPrice = 0, 0
	if want := golden("'C " + stamp + "00000102 00000014 'Q 0003 02 1C 07"); said() != want {
		t.Errorf("%s instead of %s", said(), want)
	}
}
