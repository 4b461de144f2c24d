package book

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// The stories in testdata are told in lines of commands, and what follows from them:
//
//	open [orders=N] [ids=N] [nodes=N] [qty=N] [channels=N]
//	                                            a market with ABC (tick 100, lot 1) and XYZ (tick 1, lot 10), FIRM, sessions A and B (FIX) logged on, in
//	                                            market hours; `open closed`: nothing in it
//	apply                                       one command a line:
//	  list SYMBOL tick=N lot=N | participant NAME | session NAME of=FIRM [ouch] [cod] [mayreset] | system CODE | halt SYMBOL | resume SYMBOL | tick
//	  participant NAME with=OTHER (of its group) | exchange-cancel [NAME] [SYMBOL] [buy|sell] | at N (the time of what follows, ns)
//	  A enter ID SIDE QTY@PRICE|QTY@market|QTY@best [SYMBOL] [ioc|fok|gtc|gtd=N] [post|slide|aon|hidden] [show=N] [min=N] [reason=N] [budget=N]
//	          [stop=N] [trail=N] [stp=newest|oldest|both|decrement]    (@best: market-to-limit; with stop or trail: a stop, with a price a stop-limit)
//	  A status ID ORIG | A status-all ID [SYMBOL] [buy|sell] | enter … possresend | session … drop
//	  A mass-cancel ID session|participant [SYMBOL] [buy|sell]
//	  A cancel ID ORIG | A replace ID ORIG QTY@PRICE [requeue] | A reduce ORIG QTY      (ID "-": none)
//	  A logon [seq=N] [expect=N] [reset] [possdup] [heartbeat=N] | A message [code=C] [next=N] [reset] [reason=N] | A disconnect | A cancel-session
//	  with seq=N and epoch=N in place of the expected ones
//	  of a session of OUCH: O enter NUMBER …, O replace NUMBER ORIG …, O cancel ORIG TOTAL, O modify ORIG QTY code=S|T|E,
//	  O control NUMBER code=C|D|E [SYMBOL] [like=LETTER] [of=CHANNEL], O message code=Q; with back=TEXT behind the number, side=LETTER,
//	  tag=N the gateway's reject code, raw=N a price in 1/10,000; a NUMBER of a channel is CHANNEL/NUMBER, and O message code=Q has channel=CHANNEL
//	book [SYMBOL]                               the orders as they would trade, what is shown of them if not all; then those that wait elsewhere
//	best [SYMBOL]                               the best bid and the best offer
//	depth N [SYMBOL]                            the N best prices that are shown
//	statistics [SYMBOL]                         the day's trades
//	sessions                                    their numbers
//	restore                                     goes on with the market restored from a snapshot
//
// A word that is not in this list fails the story.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		s := &story{t: t}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.t = t
			return s.run(d)
		})
	})
}

type story struct {
	t      *testing.T
	m      *Market
	limits Limits
	now    int64
}

func (s *story) run(d *datadriven.TestData) string {
	switch d.Cmd {
	case "open":
		s.open(d)
		return ""
	case "apply":
		var out strings.Builder
		for line := range strings.SplitSeq(strings.TrimSpace(d.Input), "\n") {
			if strings.Contains(strings.TrimSpace(d.Input), "\n") {
				fmt.Fprintf(&out, "> %s\n", line)
			}
			c := s.command(strings.Fields(line))
			for _, e := range s.apply(c) {
				out.WriteString(s.event(&e) + "\n")
			}
		}
		return out.String()
	case "book":
		symbol := "ABC"
		if len(d.CmdArgs) == 1 {
			symbol = d.CmdArgs[0].Key
		}
		return s.book(symbol)
	case "best":
		return s.best(d)
	case "depth":
		return s.depth(d)
	case "statistics":
		symbol := "ABC"
		if len(d.CmdArgs) == 1 {
			symbol = d.CmdArgs[0].Key
		}
		v := s.m.Statistics(s.instrument(symbol))
		return fmt.Sprintf("last %d@%d open=%d high=%d low=%d trades=%d volume=%d notional=%d\n",
			v.LastQty, v.Last, v.Open, v.High, v.Low, v.Trades, v.Volume, v.NotionalLo)
	case "sessions":
		return s.sessions()
	case "restore":
		return s.restore()
	}
	s.t.Fatalf("%s: unknown word %q", d.Pos, d.Cmd)
	return ""
}

func (s *story) open(d *datadriven.TestData) {
	s.limits = Limits{Orders: 16, ClientIDs: 64, PriceNodes: 1000, Instruments: 3, Participants: 2, Sessions: 4}
	closed := false
	for _, a := range d.CmdArgs {
		n := 0
		if len(a.Vals) == 1 {
			n = s.number(a.Vals[0])
		}
		switch a.Key {
		case "orders":
			s.limits.Orders = n
		case "ids":
			s.limits.ClientIDs = n
		case "nodes":
			s.limits.PriceNodes = n
		case "channels":
			s.limits.Channels = n
		case "qty":
			s.limits.MaxQty = int64(n)
		case "closed":
			closed = true
		default:
			s.t.Fatalf("%s: unknown word %q", d.Pos, a.Key)
		}
	}
	s.m = NewMarket(s.limits)
	s.now = 1_000_000
	if closed {
		return
	}
	for _, line := range []string{
		"list ABC tick=100 lot=1", "list XYZ tick=1 lot=10", "participant FIRM", "session A of=FIRM", "session B of=FIRM mayreset cod", "system Q",
		"A logon", "B logon",
	} {
		s.apply(s.command(strings.Fields(line)))
	}
}

func (s *story) apply(c Command) []Event {
	s.now++
	c.Time = s.now
	// What a story says goes through the codec too: the replicas see nothing else.
	var decoded Command
	if n, err := DecodeCommand(c.AppendTo(nil), &decoded); err != nil || n == 0 || decoded != c {
		s.t.Fatalf("command %+v came back as %+v: %v", c, decoded, err)
	}
	events := s.m.Apply(&decoded, nil)
	if err := s.m.check(); err != nil {
		s.t.Fatalf("after %v: %v", c.Kind, err)
	}
	return events
}

func (s *story) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatalf("%q is no number", text)
	}
	return n
}

func name(s string) (id ClientID) {
	if s != "-" && copy(id[:], s) < len(s) {
		panic("id too long: " + s)
	}
	return id
}

// command reads one line.
func (s *story) command(words []string) Command {
	if len(words) == 0 {
		s.t.Fatal("an empty command")
	}
	if len(words[0]) == 1 {
		return s.sessionCommand(words)
	}
	var c Command
	kind, rest := words[0], words[1:]
	take := func() string {
		if len(rest) == 0 {
			s.t.Fatalf("%q: a word is missing", strings.Join(words, " "))
		}
		w := rest[0]
		rest = rest[1:]
		return w
	}
	switch kind {
	case "list":
		c = Command{Kind: ListInstrument, ClientID: name(take())}
	case "participant":
		c = Command{Kind: AddParticipant, ClientID: name(take())}
	case "session":
		c = Command{Kind: AddSession, ClientID: name(take()), Protocol: FIX}
	case "system":
		c = Command{Kind: SystemEvent, Code: take()[0]}
	case "halt", "resume":
		c = Command{Kind: TradingAction, Instrument: s.instrument(take()), Code: 'H'}
		if kind == "resume" {
			c.Code = 'T'
		}
	case "tick":
		c = Command{Kind: Tick}
	case "at":
		s.now = int64(s.number(take())) - 1
		c = Command{Kind: Tick}
	case "exchange-cancel":
		c = Command{Kind: MassCancel, Code: 'P'}
		if len(rest) > 0 {
			if _, known := s.m.ParticipantByName(rest[0]); known {
				c.OrigID = name(take())
			}
		}
	default:
		s.t.Fatalf("unknown word %q", kind)
	}
	s.options(&c, rest)
	return c
}

func (s *story) instrument(symbol string) uint16 {
	n, _ := s.m.InstrumentBySymbol(symbol) // 0 if there is none: a story may ask for that
	return n
}

func (s *story) sessionCommand(words []string) Command {
	number, known := s.m.SessionByName(words[0])
	c := Command{Session: number}
	if known {
		c.Epoch, c.InSeq = s.m.Session(number).Epoch, s.m.Session(number).NextIn
	}
	if len(words) < 2 {
		s.t.Fatalf("%q does what?", words[0])
	}
	if known && s.m.Session(number).Protocol == OUCH {
		return s.numberedCommand(c, words)
	}
	verb, rest := words[1], words[2:]
	take := func() string {
		if len(rest) == 0 {
			s.t.Fatalf("%q: a word is missing", strings.Join(words, " "))
		}
		w := rest[0]
		rest = rest[1:]
		return w
	}
	terms := func() {
		qty, price, found := strings.Cut(take(), "@")
		if !found {
			s.t.Fatalf("%q: QTY@PRICE is missing", strings.Join(words, " "))
		}
		c.Qty = int64(s.number(qty))
		switch price {
		case "market":
			c.Type = MarketOrder
			return
		case "best":
			c.Type = MarketToLimit
			return
		}
		c.Price = int64(s.number(price))
	}
	switch verb {
	case "enter":
		c.Kind, c.ClientID, c.Instrument = Enter, name(take()), 1
		switch side := take(); side {
		case "buy":
		case "sell":
			c.Side = Sell
		default:
			s.t.Fatalf("unknown side %q", side)
		}
		terms()
	case "cancel":
		c.Kind, c.ClientID, c.OrigID = Cancel, name(take()), name(take())
	case "replace":
		c.Kind, c.ClientID, c.OrigID = Replace, name(take()), name(take())
		terms()
	case "reduce":
		c.Kind, c.OrigID, c.Qty = Reduce, name(take()), int64(s.number(take()))
	case "logon":
		c.Kind, c.Epoch, c.Seconds = Logon, 0, 30
	case "message":
		c.Kind = SessionMessage
	case "mass-cancel":
		c.Kind, c.ClientID, c.Code = MassCancel, name(take()), strings.ToUpper(take())[0]
	case "status":
		c.Kind, c.Code, c.ClientID, c.OrigID = Status, 'H', name(take()), name(take())
	case "status-all":
		c.Kind, c.Code, c.ClientID = Status, 'A', name(take())
	case "disconnect":
		c.Kind, c.InSeq = Disconnect, 0
	case "cancel-session":
		c.Kind, c.InSeq = CancelSession, 0
	default:
		s.t.Fatalf("unknown word %q", verb)
	}
	s.options(&c, rest)
	return c
}

// options reads the words behind what each command must have.
func (s *story) options(c *Command, words []string) {
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		n := func() uint64 { return uint64(s.number(value)) }
		switch {
		case w == "ioc":
			c.TIF = ImmediateOrCancel
		case w == "fok":
			c.TIF = FillOrKill
		case w == "gtc":
			c.TIF = GoodTillCancel
		case key == "gtd":
			c.TIF, c.Expire = GoodTillDate, int64(n())
		case w == "possresend":
			c.Flags |= PossResend
		case w == "drop":
			c.Flags |= DropCopy
		case w == "post":
			c.Conditions |= PostOnly
		case w == "slide":
			c.Conditions |= PostOnlySlide
		case w == "aon":
			c.Conditions |= AllOrNone
		case w == "hidden":
			c.Conditions |= Hidden
		case key == "show":
			c.Display = int64(s.number(value))
		case key == "min":
			c.MinQty = int64(s.number(value))
		case key == "budget" && c.Type == MarketOrder:
			c.Type, c.Price = Budget, int64(s.number(value))
		case key == "stop":
			c.StopPrice = int64(s.number(value))
			if c.Kind == Enter && c.Type < TrailingStop {
				c.Type = Stop
				if c.Price != 0 {
					c.Type = StopLimit
				}
			}
		case key == "trail":
			c.Trail = int64(s.number(value))
			if c.Kind == Enter {
				c.Type = TrailingStop
				if c.Price != 0 {
					c.Type = TrailingStopLimit
				}
			}
		case key == "stp":
			c.SelfTrade = map[string]SelfTrade{"newest": CancelNewest, "oldest": CancelOldest, "both": CancelBoth, "decrement": DecrementAndCancel}[value]
			if c.SelfTrade == SelfTradeAllowed {
				s.t.Fatalf("unknown word %q", w)
			}
		case key == "with":
			c.OrigID = name(value)
		case (c.Kind == MassCancel || c.Kind == Status) && (w == "buy" || w == "sell"):
			c.Flags |= OneSide
			if w == "sell" {
				c.Side = Sell
			}
		case w == "requeue":
			c.Flags |= Requeue
		case w == "reset":
			c.Flags |= ResetNumbers
		case w == "possdup":
			c.Flags |= PossDup
		case w == "cod":
			c.Flags |= CancelOnDisconnect
		case w == "mayreset":
			c.Flags |= MayReset
		case w == "ouch":
			c.Protocol = OUCH
		case key == "tick":
			c.Price = int64(n())
		case key == "lot":
			c.Qty = int64(n())
		case key == "of":
			c.OrigID = name(value)
		case key == "seq":
			c.InSeq = n()
		case key == "epoch":
			c.Epoch = uint32(n())
		case key == "expect" || key == "next":
			c.NextIn = n()
		case key == "heartbeat":
			c.Seconds = uint16(n())
		case key == "code":
			c.Code = value[0]
		case key == "reason":
			c.Reason = Reason(n())
		case (c.Kind == Enter || c.Kind == MassCancel || c.Kind == Status) && strings.ToUpper(w) == w && value == "":
			c.Instrument = s.instrument(w)
		default:
			s.t.Fatalf("unknown word %q", w)
		}
	}
}

// event writes what an event says, leaving out what is zero.
func (s *story) event(e *Event) string {
	b := e.Kind.String()
	add := func(format string, args ...any) { b += " " + fmt.Sprintf(format, args...) }
	if e.Session != 0 {
		add("%s", s.m.Session(e.Session).Name)
		if e.OutSeq != 0 {
			b += "#" + strconv.FormatUint(e.OutSeq, 10)
		}
	}
	if e.Code != 0 {
		add("%c", e.Code)
	}
	if e.Kind == SessionMessageSent {
		if e.ClientID[0] == NumberedID {
			add("%s", idName(&e.ClientID))
		} else if text := text(&e.ClientID) + text(&e.OrigID); text != "" {
			add("%q", text)
		}
	} else {
		if e.ClientID != (ClientID{}) {
			add("%s", idName(&e.ClientID))
		}
		if e.OrigID != (ClientID{}) {
			add("(%s)", idName(&e.OrigID))
		}
	}
	if (e.Kind >= Accepted && e.Kind <= CancelRejected || e.Kind == Triggered || e.Kind == Refreshed) && e.Qty != 0 {
		add("%s", terseTerms(e.Side, e.Qty, e.Price, e.Type, e.TIF, e.Conditions, e.StopPrice))
	}
	if e.Match != 0 {
		add("traded %d@%d match=%d", e.LastQty, e.LastPrice, e.Match)
		if e.Resting {
			add("resting")
		}
	} else if e.LastPrice != 0 {
		add("prevented %d@%d", e.LastQty, e.LastPrice)
		if e.Resting {
			add("resting")
		}
	} else if e.LastQty != 0 {
		add("off=%d", e.LastQty)
	}
	for _, f := range []struct {
		name  string
		value uint64
	}{
		{"order", e.OrderID}, {"ref", e.Ref}, {"oldref", e.OldRef}, {"cum", uint64(e.Cum)}, {"open", uint64(e.Leaves)}, {"notional", uint64(e.Notional)},
		{"shown", uint64(e.Shown)}, {"heartbeat", uint64(e.Seconds)}, {"flags", uint64(e.Flags)},
	} {
		if f.value != 0 {
			add("%s=%d", f.name, f.value)
		}
	}
	if e.Instrument > 1 || e.Instrument == 1 && e.Kind < Accepted {
		add("%s", s.m.Instrument(e.Instrument).Symbol)
	}
	switch e.Kind {
	case MassCancelled:
		add("orders=%d", e.Qty)
	case InstrumentListed:
		add("tick=%d lot=%d", e.Price, e.Qty)
	case SessionMessageSent, SessionClosed, CommandDropped:
		add("epoch=%d next=%d", e.Epoch, e.NextIn)
	}
	if e.RefTag != 0 {
		add("tag=%d", e.RefTag)
	}
	if e.Reason != NoReason {
		add("because %q", e.Reason)
	}
	if e.FeedSeq != 0 {
		add("[feed %d %c]", e.FeedSeq, e.Feed)
	}
	return b
}

func (s *story) book(symbol string) string {
	var out strings.Builder
	for _, side := range []Side{Buy, Sell} {
		for _, o := range s.m.RestingOrders(s.instrument(symbol), side, nil) {
			out.WriteString(s.resting(&o))
		}
	}
	for _, side := range []Side{Buy, Sell} {
		for _, o := range s.m.WaitingOrders(s.instrument(symbol), side, nil) {
			out.WriteString("waiting: " + s.resting(&o))
		}
	}
	if out.Len() == 0 {
		return "empty\n"
	}
	return out.String()
}

// terseTerms writes an order's terms.
func terseTerms(side Side, qty, price int64, typ OrderType, tif TimeInForce, conditions Conditions, stop int64) string {
	b := fmt.Sprintf("%s %d@%d", side, qty, price)
	if typ == MarketOrder || typ == Stop || typ == TrailingStop {
		b = fmt.Sprintf("%s %d@market", side, qty)
	}
	if typ == Budget {
		b = fmt.Sprintf("%s %d@market budget %d", side, qty, price)
	}
	b += [...]string{"", " ioc", " fok", " gtc", " gtd"}[tif]
	for i, word := range []string{" post", " slide", " aon", " hidden"} {
		if conditions>>i&1 != 0 {
			b += word
		}
	}
	b += [...]string{"", "", " stop", " stop", " trailing stop", " trailing stop", " to limit", ""}[typ]
	if stop != 0 {
		b += fmt.Sprintf(" at %d", stop)
	}
	return b
}

func (s *story) resting(o *RestingOrder) string {
	b := fmt.Sprintf("%s %s of %s ref=%d", terseTerms(o.Side, o.Open, o.Price, o.Type, o.TIF, o.Conditions, o.StopPrice),
		idName(&o.ClientID), s.m.Session(o.Session).Name, o.Ref)
	if o.Display != 0 {
		b += fmt.Sprintf(" shown=%d of %d", o.Shown, o.Display)
	}
	return b + "\n"
}

// best tells the best prices that are shown, with what is shown there.
func (s *story) best(d *datadriven.TestData) string {
	symbol := "ABC"
	if len(d.CmdArgs) == 1 {
		symbol = d.CmdArgs[0].Key
	}
	var out strings.Builder
	for _, side := range []Side{Buy, Sell} {
		price, ok := s.m.Best(s.instrument(symbol), side)
		levels := s.m.Depth(s.instrument(symbol), side, 1, nil)
		if ok != (len(levels) == 1) || ok && levels[0].Price != price {
			s.t.Fatalf("the best %v is %d, %v; the depth's %+v", side, price, ok, levels)
		}
		if ok {
			fmt.Fprintf(&out, "%s %d@%d\n", side, levels[0].Qty, price)
		} else {
			fmt.Fprintf(&out, "%s nothing\n", side)
		}
	}
	return out.String()
}

func (s *story) depth(d *datadriven.TestData) string {
	symbol := "ABC"
	if len(d.CmdArgs) == 2 {
		symbol = d.CmdArgs[1].Key
	}
	var out strings.Builder
	for _, side := range []Side{Buy, Sell} {
		for _, l := range s.m.Depth(s.instrument(symbol), side, s.number(d.CmdArgs[0].Key), nil) {
			fmt.Fprintf(&out, "%s %d@%d orders=%d stamp=%d\n", side, l.Qty, l.Price, l.Orders, l.Stamp)
		}
	}
	if out.Len() == 0 {
		return "nothing is shown\n"
	}
	return out.String()
}

func (s *story) sessions() string {
	var out strings.Builder
	for n := 1; n <= s.m.NumSessions(); n++ {
		v := s.m.Session(uint16(n))
		state := "away"
		if v.Connected {
			state = "connected"
		}
		fmt.Fprintf(&out, "%s %s epoch=%d in=%d out=%d orders=%d\n", v.Name, state, v.Epoch, v.NextIn, v.NextOut, v.OpenOrders)
	}
	return out.String()
}

func (s *story) restore() string {
	snapshot := s.m.AppendSnapshot(nil)
	m, err := RestoreMarket(s.limits, snapshot)
	if err != nil {
		return err.Error() + "\n"
	}
	if m.Hash() != s.m.Hash() || m.StreamHash() != s.m.StreamHash() || string(m.AppendSnapshot(nil)) != string(snapshot) {
		s.t.Fatal("the restored market differs")
	}
	s.m = m
	return "restored\n"
}
