package ws

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"exchange/book"

	"github.com/cockroachdb/datadriven"
)

// The stories in testdata are orders and the messages that clients see of them:
//
//	open [full] [matches] [level2] [ticker]    a market with ABC-USD and LOTS-USD, and the streams of both that are shown from then on
//	apply                                      one command a line, a second after the one before:
//	  buy|sell ID QTY@PRICE|QTY@market [ioc] [hidden] [show=N] [stop=N] [of=LOTS]     (prices in ticks; a session of its own for buyers and sellers)
//	  cancel|reduce|replace buy|sell ID … [QTY|NEW QTY@PRICE]
//	  halt|resume|system CODE
//	last-match, ticker, heartbeat, status, snapshot, products, currencies, stats, ticker-answer
//	book N | trades LIMIT [OLDER NEWER] | candles SECONDS
//	resume full|matches N | catch-up N
//	subscribe                                  a client's message, as it is understood; or what is wrong with it
//
// A word that is not in this list fails the story.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		s := &story{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.t = t
			return s.run(d)
		})
	})
}

type story struct {
	t       *testing.T
	v       *venue
	m       *Market
	seconds int64
}

func (s *story) run(d *datadriven.TestData) string {
	if d.Cmd == "open" {
		return s.open(d)
	}
	if d.Cmd == "subscribe" {
		q, err := ParseRequest([]byte(d.Input))
		if err != nil {
			return "error: " + err.Error() + "\n"
		}
		return fmt.Sprintf("%+v\n", q)
	}
	p, m := s.m.Product("ABC-USD"), s.m
	word := func(i int) string {
		if i >= len(d.CmdArgs) {
			s.t.Fatalf("%s: too few words", d.Pos)
		}
		return d.CmdArgs[i].Key
	}
	number := func(i int) uint64 {
		n, err := strconv.ParseUint(word(i), 10, 64)
		if err != nil {
			s.t.Fatalf("%s: %v", d.Pos, err)
		}
		return n
	}
	switch d.Cmd {
	case "apply":
		return s.apply(d)
	case "last-match":
		return s.show(m.AppendLastMatch(nil, p))
	case "ticker":
		return s.show(m.AppendTicker(nil, p))
	case "heartbeat":
		return s.show(m.AppendHeartbeat(nil, p))
	case "status":
		return s.show(m.AppendStatus(nil))
	case "snapshot":
		return s.show(m.Snapshot(p))
	case "products":
		return string(m.AppendProducts(nil)) + "\n"
	case "currencies":
		return string(m.AppendCurrencies(nil)) + "\n"
	case "stats":
		return string(m.AppendStats(nil, p)) + "\n"
	case "ticker-answer":
		return string(m.AppendTickerAnswer(nil, p)) + "\n"
	case "book":
		return string(m.AppendBook(nil, p, int(number(0)))) + "\n"
	case "trades":
		older, newer := uint64(0), uint64(0)
		if len(d.CmdArgs) == 3 {
			older, newer = number(1), number(2)
		}
		text, first, last := m.AppendTrades(nil, p, int(number(0)), older, newer)
		return fmt.Sprintf("%s\nfirst %d last %d\n", text, first, last)
	case "candles":
		return string(m.AppendCandles(nil, p, int64(number(0)), 0, math.MaxInt64)) + "\n"
	case "resume":
		c, _ := channelOf(word(0))
		cursor, err := m.Resume(p, c, number(1))
		if err != nil {
			return err.Error() + "\n"
		}
		out, done, err := m.Read(nil, &cursor, 1<<20)
		if err != nil || !done {
			s.t.Fatal(done, err)
		}
		return s.show(out)
	case "catch-up":
		out, err := m.CatchUp(nil, p, number(0))
		if err != nil {
			return err.Error() + "\n"
		}
		return s.show(out)
	}
	s.t.Fatalf("%s: unknown word %q", d.Pos, d.Cmd)
	return ""
}

func (s *story) open(d *datadriven.TestData) string {
	s.v = openVenue()
	s.m = s.v.newMarket(64)
	s.v.pump(s.t, s.m)
	for _, a := range d.CmdArgs {
		c, ok := channelOf(a.Key)
		if !ok || c >= streams {
			s.t.Fatalf("%s: unknown stream %q", d.Pos, a.Key)
		}
		for _, p := range s.m.Products() {
			s.m.Want(p, c, true)
		}
	}
	return ""
}

func (s *story) show(frames []byte) string {
	var b strings.Builder
	for _, c := range contents(s.t, frames) {
		b.Write(c)
		b.WriteByte('\n')
	}
	return b.String()
}

func (s *story) apply(d *datadriven.TestData) string {
	var out strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(d.Input), "\n") {
		fmt.Fprintf(&out, "> %s\n", line)
		c := s.command(strings.Fields(line))
		s.seconds++
		c.Time = opening.UnixNano() + s.seconds*nanosPerSecond
		s.v.apply(c)
		s.v.pump(s.t, s.m)
		s.m.Take(func(_ *Product, _ Channel, frames []byte) { out.WriteString(s.show(frames)) })
	}
	return out.String()
}

func (s *story) command(f []string) (c book.Command) {
	if len(f) < 2 {
		s.t.Fatalf("%v: too few words", f)
	}
	c.Epoch, c.Instrument = 1, 1
	side := func(word string) {
		switch word {
		case "buy":
			c.Side, c.Session = book.Buy, 1
		case "sell":
			c.Side, c.Session = book.Sell, 2
		default:
			s.t.Fatalf("side %q", word)
		}
	}
	number := func(text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			s.t.Fatalf("%v: %v", f, err)
		}
		return n
	}
	priced := func(text string) {
		qty, price, _ := strings.Cut(text, "@")
		c.Qty = number(qty)
		if price == "market" {
			c.Type, c.TIF = book.MarketOrder, book.ImmediateOrCancel
		} else {
			c.Price = number(price)
		}
	}
	switch f[0] {
	case "system":
		return book.Command{Kind: book.SystemEvent, Code: f[1][0]}
	case "halt", "resume":
		c.Kind, c.Code = book.TradingAction, 'H'
		if f[0] == "resume" {
			c.Code = 'T'
		}
		return c
	case "cancel", "reduce", "replace":
		side(f[1])
		c.OrigID = name(f[2])
		switch f[0] {
		case "cancel":
			c.Kind, c.ClientID = book.Cancel, name("x"+f[2])
		case "reduce":
			c.Kind, c.Qty = book.Reduce, number(f[3])
		default:
			c.Kind, c.ClientID = book.Replace, name(f[3])
			priced(f[4])
		}
		return c
	}
	c.Kind = book.Enter
	side(f[0])
	c.ClientID = name(f[1])
	priced(f[2])
	for _, w := range f[3:] {
		k, v, _ := strings.Cut(w, "=")
		switch k {
		case "ioc":
			c.TIF = book.ImmediateOrCancel
		case "hidden":
			c.Conditions = book.Hidden
		case "show":
			c.Display = number(v)
		case "stop":
			c.StopPrice = number(v)
			c.Type = book.Stop
			if c.Price != 0 {
				c.Type = book.StopLimit
			}
		case "of":
			c.Instrument = 2
		default:
			s.t.Fatalf("unknown word %q", w)
		}
	}
	return c
}
