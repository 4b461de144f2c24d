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
	number := func() uint32 { return uint32(s.number(take())) }
	request := func(kind CommandKind) {
		n := number()
		c.Kind, c.InSeq, c.ClientID = kind, uint64(n), NumberID(n)
	}
	terms := func() {
		if n, _ := fmt.Sscanf(take(), "%d@%d", &c.Qty, &c.Price); n != 2 {
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
		c.OrigID = NumberID(number())
		terms()
		c.Price *= 100 // ABC's tick
	case "cancel":
		c.Kind, c.OrigID, c.Qty = Cancel, NumberID(number()), int64(number())
	case "modify":
		c.Kind, c.OrigID, c.Qty = Reduce, NumberID(number()), int64(number())
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
		case key == "back":
			copy(c.ClientID[SideLetter+1:], value)
		case key == "raw":
			c.Price = int64(s.number(value))
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
	n := id.Number()
	if n == 0 {
		return text(id)
	}
	behind := bytes.TrimRight(id[NumberedLen:], "\x00")
	return fmt.Sprintf("%d%s", n, strings.ReplaceAll(string(behind), "\x00", "."))
}

// TestNumbersCountOnce plays random requests of two sessions of OUCH among those of one of FIX, many of them sent again, with restores in between. A market
// that gets each only once must have the same book and say the same; and no request may be answered twice.
func TestNumbersCountOnce(t *testing.T) {
	for seed := range uint64(20) {
		playNumbered(t, seed)
	}
}

var numberedLimits = Limits{Orders: 40, ClientIDs: 3000, PriceNodes: 1000, Instruments: 2, Participants: 2, Sessions: 3}

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

func playNumbered(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	once, often := openNumbered(), openNumbered()
	answered, last, sent := map[uint64]int{}, [3]uint64{}, []Command{}
	for step := range 1500 {
		c := randomRequest(r, once, &last)
		first := once.Apply(&c, nil)
		again := often.Apply(&c, nil)
		if why := sameEvents(first, again); why != "" {
			t.Fatalf("seed %d, step %d: %+v: %s", seed, step, c, why)
		}
		for _, e := range again {
			if k := e.Kind; (k == Accepted || k == Rejected || k == Replaced || k == SessionMessageSent) && e.InSeq != 0 && e.Session < 3 {
				answered[uint64(e.Session)<<32|e.InSeq]++
			}
		}
		if c.InSeq != 0 && c.Session < 3 {
			sent = append(sent, c)
		}
		for len(sent) > 0 && r.IntN(3) == 0 { // sent again, by a client that has not heard
			repeated := sent[r.IntN(len(sent))]
			if repeated.InSeq >= often.Session(repeated.Session).NextIn {
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
	}
	if once.BookHash() != often.BookHash() || once.Session(1) != often.Session(1) || once.Session(2) != often.Session(2) {
		t.Fatalf("seed %d: requests sent again left another market", seed)
	}
	for number, times := range answered {
		if times != 1 {
			t.Fatalf("seed %d: number %d of session %d was answered %d times", seed, uint32(number), number>>32, times)
		}
	}
	if once.Trades() < 100 || len(answered) < 300 {
		t.Fatalf("seed %d: %d trades, %d answers: too little happens", seed, once.Trades(), len(answered))
	}
}

func randomRequest(r *rand.Rand, m *Market, last *[3]uint64) Command {
	session := uint16(1 + r.IntN(3))
	s := m.Session(session)
	c := Command{Session: session, Epoch: s.Epoch, Protocol: s.Protocol, Qty: 1 + r.Int64N(20), Price: 95 + r.Int64N(10), Side: Side(r.IntN(2)), Instrument: 1}
	if s.Protocol == FIX {
		c.Kind, c.InSeq, c.ClientID = Enter, s.NextIn, name(fmt.Sprint("F", s.NextIn))
		return c
	}
	l := &last[session]
	orig := func() ClientID { return NumberID(uint32(1 + r.Uint64N(*l+1))) }
	number := func() {
		*l = max(*l, s.NextIn-1) + 1 + r.Uint64N(3)
		c.InSeq, c.ClientID = *l, NumberID(uint32(*l))
		c.ClientID[SideLetter] = "BSTE"[r.IntN(4)]
	}
	switch k := r.IntN(100); {
	case k < 50:
		c.Kind = Enter
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
	default:
		c.Kind, c.Code = SessionMessage, "CDEE"[r.IntN(4)]
		number()
		if c.Code == 'C' {
			c.OrigID[SideLetter] = "BSTE"[r.IntN(4)]
		}
	}
	return c
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
