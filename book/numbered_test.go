package book

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// numberedCommand reads a story's line of a session of OUCH.
func (s *story) numberedCommand(c Command, words []string) Command {
	c.Protocol, c.InSeq = OUCH, 0
	verb, rest := words[1], words[2:]
	take := func() string {
		if len(rest) == 0 {
			s.t.Fatalf("%q: a word is missing", strings.Join(words, " "))
		}
		w := rest[0]
		rest = rest[1:]
		return w
	}
	id := func(word string) ClientID {
		channel, number, there := strings.Cut(word, "/")
		if !there {
			return NumberID(uint32(s.number(word)))
		}
		return ChannelID(uint8(s.number(channel)), uint32(s.number(number)))
	}
	number := func() ClientID { return id(take()) }
	request := func(kind CommandKind) {
		n := number()
		c.Kind, c.InSeq, c.ClientID = kind, uint64(n.Number()), n
	}
	terms := func() {
		word := take()
		if qty, market := strings.CutSuffix(word, "@market"); market {
			c.Qty, c.Type = int64(s.number(qty)), MarketOrder
			return
		}
		if n, _ := fmt.Sscanf(word, "%d@%d", &c.Qty, &c.Price); n != 2 {
			s.t.Fatalf("%q: QTY@PRICE is missing", strings.Join(words, " "))
		}
	}
	switch verb {
	case "enter":
		request(Enter)
		c.Instrument = 1
		if take() == "sell" {
			c.Side = Sell
		}
		terms()
	case "replace":
		request(Replace)
		c.OrigID = number()
		terms()
		c.Price *= 100 // ABC's tick
	case "cancel":
		c.Kind, c.OrigID, c.Qty = Cancel, number(), int64(s.number(take()))
	case "modify":
		c.Kind, c.OrigID, c.Qty = Reduce, number(), int64(s.number(take()))
	case "control":
		request(SessionMessage)
	case "logon":
		c.Kind, c.Epoch = Logon, 0
	case "message":
		c.Kind = SessionMessage
	case "disconnect":
		c.Kind = Disconnect
	case "cancel-session":
		c.Kind = CancelSession
	default:
		s.t.Fatalf("unknown word %q", verb)
	}
	var others []string
	for _, w := range rest {
		key, value, _ := strings.Cut(w, "=")
		switch {
		case key == "side":
			c.ClientID[SideLetter] = value[0]
		case key == "like":
			c.OrigID[SideLetter] = value[0]
		case key == "of": // of a channel
			c.OrigID[ChannelAt] = uint8(s.number(value))
		case key == "back":
			copy(c.ClientID[SideLetter+1:], value)
		case key == "raw":
			c.Price = int64(s.number(value))
		case key == "channel":
			c.ClientID = id(value + "/0")
		case key == "tag":
			c.RefTag = uint16(s.number(value))
		case c.Kind == SessionMessage && strings.ToUpper(w) == w:
			c.Instrument = s.instrument(w)
		default:
			others = append(others, w)
		}
	}
	s.options(&c, others)
	return c
}

// idName is an id as a story shows it: a number with what lies behind it, or a text.
func idName(id *ClientID) string {
	if id[0] != NumberedID {
		return text(id)
	}
	number := fmt.Sprint(id.Number())
	if channel := id.Channel(); channel != 0 {
		number = fmt.Sprintf("%d/%s", channel, number)
	}
	behind := bytes.TrimRight(id[NumberedLen:], "\x00")
	return number + strings.ReplaceAll(string(behind), "\x00", ".")
}

// TestNumbersCountOnce plays random requests of two sessions of OUCH, in several channels, among those of one of FIX, many of them sent again, with restores
// and new days in between. A market that gets each only once must have the same book and say the same; no request may be answered twice; and each channel's next
// number, and whether it takes orders, must be what a naive count says.
func TestNumbersCountOnce(t *testing.T) {
	for seed := range uint64(20) {
		playNumbered(t, seed)
	}
}

var numberedLimits = Limits{Orders: 40, ClientIDs: 5000, PriceNodes: 1000, Instruments: 2, Participants: 2, Sessions: 3, Channels: 3}

// openNumbered makes a market in its hours with two connected sessions of OUCH and one of FIX.
func openNumbered() *Market {
	m := NewMarket(numberedLimits)
	protocols := []Protocol{OUCH, OUCH, FIX}
	commands := []Command{{Kind: ListInstrument, ClientID: name("ABC"), Price: 100, Qty: 1}, {Kind: AddParticipant, ClientID: name("FIRM")}}
	for i, p := range protocols {
		commands = append(commands, Command{Kind: AddSession, ClientID: name(fmt.Sprint("S", i)), OrigID: name("FIRM"), Protocol: p})
	}
	commands = append(commands, Command{Kind: SystemEvent, Code: 'Q'})
	for i, p := range protocols {
		commands = append(commands, Command{Kind: Logon, Protocol: p, Session: uint16(i + 1), InSeq: 1})
	}
	for i := range commands {
		m.Apply(&commands[i], nil)
	}
	return m
}

// channelOf names a channel of a session.
type channelOf struct {
	session uint16
	channel uint8
}

// someChannels are those that random requests use.
var someChannels = []uint8{0, 1, 2, 200, 255}

// naiveLines count the numbers and switches of channels from what was answered.
type naiveLines struct {
	used     map[channelOf]uint64 // the highest number used
	disabled map[channelOf]bool   // in channel 0 of the session
}

// follow takes in what a command of OUCH was answered with, and gives what cannot be.
func (n *naiveLines) follow(c *Command, events []Event) error {
	at := channelOf{c.Session, c.ClientID.Channel()}
	for i := range events {
		e := &events[i]
		answers := e.Kind == Accepted || e.Kind == Rejected || e.Kind == Replaced || e.Kind == SessionMessageSent && e.Code != 'Q'
		switch {
		case e.Kind == SessionMessageSent && e.Code == 'Q' && (e.NextIn != n.used[at]+1 || e.ClientID.Channel() != at.channel):
			return fmt.Errorf("channel %v was told to go on with %d, not with %d", at, e.NextIn, n.used[at]+1)
		case !answers || e.Session != c.Session || e.InSeq == 0:
			continue
		case e.InSeq <= n.used[at] || e.ClientID.Channel() != at.channel || uint64(e.ClientID.Number()) != e.InSeq:
			return fmt.Errorf("number %d of channel %v was answered behind %d: %+v", e.InSeq, at, n.used[at], e)
		}
		n.used[at] = e.InSeq
		disabled := n.disabled[at] || n.disabled[channelOf{c.Session, 0}]
		if refused := e.Kind == Rejected && e.Reason == NotAuthorized; (e.Kind == Accepted || e.Kind == Replaced || refused) && refused != disabled {
			return fmt.Errorf("channel %v: disabled is %v, and %d was answered %v", at, disabled, e.InSeq, e.Kind)
		}
		if e.Kind == SessionMessageSent && e.Code != 'C' {
			n.disabled[at] = e.Code == 'D'
		}
	}
	return nil
}

func playNumbered(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	once, often := openNumbered(), openNumbered()
	touched, last, sent := map[channelOf]int{}, map[channelOf]uint64{}, []Command{}
	decremented := 0
	naive := naiveLines{map[channelOf]uint64{}, map[channelOf]bool{}}
	for step := range 2500 {
		c := randomRequest(r, once, last)
		first := once.Apply(&c, nil)
		again := often.Apply(&c, nil)
		if why := sameEvents(first, again); why != "" {
			t.Fatalf("seed %d, step %d: %+v: %s", seed, step, c, why)
		}
		prevented, err := sayWhatWasPrevented(again)
		if err != nil {
			t.Fatalf("seed %d, step %d: %+v: %v", seed, step, c, err)
		}
		decremented += prevented
		if c.Protocol == OUCH {
			if err := naive.follow(&c, again); err != nil {
				t.Fatalf("seed %d, step %d: %+v: %v", seed, step, c, err)
			}
			touched[channelOf{c.Session, c.ClientID.Channel()}]++
		}
		if c.InSeq != 0 && c.Session < 3 {
			sent = append(sent, c)
		}
		for len(sent) > 0 && r.IntN(3) == 0 { // sent again, by a client that has not heard
			repeated := sent[r.IntN(len(sent))]
			if repeated.InSeq >= often.NextNumber(repeated.Session, repeated.ClientID.Channel()) {
				continue // a Replace that came to nothing: its number is still free
			}
			if out := often.Apply(&repeated, nil); len(out) != 0 {
				t.Fatalf("seed %d, step %d: a repetition of %d had an event: %+v", seed, step, repeated.InSeq, out[0])
			}
		}
		if err := often.check(); err != nil {
			t.Fatalf("seed %d, step %d: %v", seed, step, err)
		}
		if step%300 == 299 {
			often = restored(t, numberedLimits, often)
		}
		if step%800 == 799 { // a new day
			for _, point := range []byte("MOQ") {
				c := Command{Kind: SystemEvent, Code: point}
				if why := sameEvents(once.Apply(&c, nil), often.Apply(&c, nil)); why != "" {
					t.Fatalf("seed %d, step %d: %s", seed, step, why)
				}
			}
			naive.used, last, sent = map[channelOf]uint64{}, map[channelOf]uint64{}, nil
		}
	}
	for session := uint16(1); session < 3; session++ {
		if once.Session(session) != often.Session(session) {
			t.Fatalf("seed %d: requests sent again left another session %d", seed, session)
		}
		for channel := range maxChannels {
			at := channelOf{session, uint8(channel)}
			if n := once.NextNumber(session, at.channel); n != naive.used[at]+1 || n != often.NextNumber(session, at.channel) {
				t.Fatalf("seed %d: channel %v goes on with %d, the naive count with %d", seed, at, n, naive.used[at]+1)
			}
		}
	}
	if once.BookHash() != often.BookHash() {
		t.Fatalf("seed %d: requests sent again left another book", seed)
	}
	if once.Trades() < 100 || len(touched) != 2*len(someChannels) || decremented < 20 {
		t.Fatalf("seed %d: %d trades, %d channels used, %d orders decremented: too little happens", seed, once.Trades(), len(touched), decremented)
	}
}

// sayWhatWasPrevented counts events about what decrementing took off an order of OUCH, and gives what cannot be of them: they say it of both orders, the resting
// one first, where both are of OUCH.
func sayWhatWasPrevented(events []Event) (count int, err error) {
	for i := range events {
		e := &events[i]
		if e.Kind == Filled || e.LastPrice == 0 {
			continue
		}
		count++
		off := e.LastQty
		if e.Kind == Cancelled {
			off = e.Qty - e.Cum
		}
		if e.Reason != SelfTradePrevented || e.Session == 3 || e.Kind != Cancelled && e.Kind != Reduced || off != e.LastQty || off < 1 ||
			e.Side == Buy && e.LastPrice > e.Price || e.Side == Sell && e.LastPrice < e.Price {
			return 0, fmt.Errorf("prevented cannot be %+v", e)
		}
		if !e.Resting {
			continue
		}
		if i+1 == len(events) {
			return 0, fmt.Errorf("nothing is said of the incoming order: %+v", e)
		}
		if in := &events[i+1]; in.Reason != SelfTradePrevented || in.Session != 3 && (in.Resting || in.LastPrice != e.LastPrice || in.LastQty != e.LastQty) {
			return 0, fmt.Errorf("the resting order was told %+v, the incoming one %+v", e, in)
		}
	}
	return count, nil
}

func randomRequest(r *rand.Rand, m *Market, last map[channelOf]uint64) Command {
	session := uint16(1 + r.IntN(m.NumSessions()))
	s := m.Session(session)
	c := Command{Session: session, Epoch: s.Epoch, Protocol: s.Protocol, Qty: 1 + r.Int64N(20), Price: 95 + r.Int64N(10), Side: Side(r.IntN(2)), Instrument: 1}
	prevention := SelfTrade(0)
	if r.IntN(3) == 0 {
		prevention = []SelfTrade{DecrementAndCancel, DecrementAndCancel, CancelNewest, CancelOldest, CancelBoth}[r.IntN(5)]
	}
	if s.Protocol == FIX {
		c.Kind, c.InSeq, c.ClientID, c.SelfTrade = Enter, s.NextIn, name(fmt.Sprint("F", s.NextIn)), prevention
		if r.IntN(6) > 0 {
			c.TIF = ImmediateOrCancel // or the book is full of orders that nobody cancels
		}
		return c
	}
	at := channelOf{session, someChannels[r.IntN(len(someChannels))]}
	orig := func() ClientID { // mostly of an order that is not long over
		return ChannelID(at.channel, uint32(last[at]+1-r.Uint64N(min(last[at]+1, 20+r.Uint64N(200)))))
	}
	number := func() {
		last[at] = max(last[at], m.NextNumber(session, at.channel)-1) + 1 + r.Uint64N(3)
		c.InSeq, c.ClientID = last[at], ChannelID(at.channel, uint32(last[at]))
		c.ClientID[SideLetter] = "BSTE"[r.IntN(4)]
	}
	switch k := r.IntN(100); {
	case k < 50:
		c.Kind, c.SelfTrade = Enter, prevention
		number()
		if r.IntN(10) == 0 {
			c.Reason, c.RefTag = UnsupportedOrder, 3
		}
		if r.IntN(5) == 0 {
			c.Display = min(c.Qty, 3)
		}
	case k < 65:
		c.Kind, c.OrigID = Replace, orig()
		c.Price *= 100
		number()
		c.TIF = TimeInForce(r.IntN(2))
		c.Display = r.Int64N(3)
	case k < 80:
		c.Kind, c.OrigID, c.Qty = Cancel, orig(), r.Int64N(15)
	case k < 90:
		c.Kind, c.OrigID, c.Code = Reduce, orig(), "STE"[r.IntN(3)]
	case k < 95:
		c.Kind, c.Code = SessionMessage, 'Q'
		if at.channel != 0 {
			c.ClientID = ChannelID(at.channel, 0)
		}
	default:
		c.Kind, c.Code = SessionMessage, "CDEE"[r.IntN(4)]
		number()
		if c.Code == 'C' {
			c.OrigID[SideLetter] = "BSTE"[r.IntN(4)]
			c.OrigID[ChannelAt] = at.channel
		}
	}
	return c
}

// TestNumberedAllocatesNothing: requests of OUCH in any channel, once their session has used one.
func TestNumberedAllocatesNothing(t *testing.T) {
	r, m, last := rand.New(rand.NewPCG(1, 7)), openNumbered(), map[channelOf]uint64{}
	out := make([]Event, 0, 4096)
	commands := make([]Command, 3000)
	for i := range commands {
		commands[i] = randomRequest(r, m, last)
		out = m.Apply(&commands[i], out[:0])
	}
	m = openNumbered()
	at := 0
	if n := testing.AllocsPerRun(len(commands)-1, func() {
		out = m.Apply(&commands[at], out[:0])
		at++
	}); n != 0 {
		t.Fatalf("%v allocations a command", n)
	}
}

// sameEvents compares what one command had in two markets, but for the count of commands.
func sameEvents(a, b []Event) string {
	if len(a) != len(b) {
		return fmt.Sprintf("%d events, then %d", len(a), len(b))
	}
	for i := range a {
		x := a[i]
		x.Index = b[i].Index
		if x != b[i] {
			return fmt.Sprintf("%+v\nis now\n%+v", a[i], b[i])
		}
	}
	return ""
}

// TestANumberIsNoIDWhereNothingIsNumbered: a client of FIX cannot send an id that begins as a number does; whoever has another send one for it is refused, or one name
// would be of two orders.
func TestANumberIsNoIDWhereNothingIsNumbered(t *testing.T) {
	m := openNumbered()
	const fix = 3
	do := func(c Command) Event {
		t.Helper()
		c.Session, c.Epoch, c.InSeq = fix, 1, m.Session(fix).NextIn
		out := m.Apply(&c, nil)
		if err := m.check(); err != nil || len(out) != 1 {
			t.Fatalf("%+v: %v, %v", c, out, err)
		}
		return out[0]
	}
	enter := Command{Kind: Enter, Instrument: 1, Price: 10, Qty: 5, ClientID: name("A")}
	if e := do(enter); e.Kind != Accepted {
		t.Fatalf("%+v", e)
	}
	for range 2 {
		enter.ClientID = NumberID(7)
		if e := do(enter); e.Kind != Rejected || e.Reason != UnsupportedOrder {
			t.Errorf("%+v", e)
		}
		for _, kind := range []CommandKind{Cancel, Replace, Reduce} {
			if e := do(Command{Kind: kind, OrigID: name("A"), ClientID: NumberID(8), Price: 9, Qty: 2}); e.Kind != CancelRejected || e.Reason != UnsupportedOrder || e.Leaves != 5 {
				t.Errorf("%+v", e)
			}
		}
	}
	enter.Protocol, enter.ClientID = OUCH, NumberID(9) // that the command says so does not make it one
	if e := do(enter); e.Kind != Rejected || e.Reason != UnsupportedOrder {
		t.Errorf("%+v", e)
	}
}

// TestTheIDOfANumberIsItsOwn: a request that has the id of another number than its own does nothing, or one id would be of two orders.
func TestTheIDOfANumberIsItsOwn(t *testing.T) {
	m := openNumbered()
	c := Command{Kind: Enter, Protocol: OUCH, Session: 1, Epoch: m.Session(1).Epoch, Instrument: 1, Price: 10, Qty: 5, InSeq: 1, ClientID: NumberID(1)}
	if out := m.Apply(&c, nil); len(out) != 1 || out[0].Kind != Accepted {
		t.Fatalf("%+v", out)
	}
	for _, id := range []ClientID{NumberID(1), NumberID(7), name("A")} {
		for _, kind := range []CommandKind{Enter, Replace, SessionMessage} {
			c.Kind, c.InSeq, c.ClientID, c.OrigID, c.Code = kind, 5, id, NumberID(1), 'C'
			if out := m.Apply(&c, nil); len(out) != 0 || m.NextNumber(1, 0) != 2 || m.Resting() != 1 {
				t.Errorf("%v with the id %q: %+v", kind, text(&id), out)
			}
			if err := m.check(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
