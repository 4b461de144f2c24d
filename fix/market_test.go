package fix

import (
	"fmt"
	"testing"

	"exchange/book"
)

// hall is a real market as a machine: the book decides, and every session's events are filed as a server files them.
type hall struct {
	t       *testing.T
	market  *book.Market
	buf     []book.Event
	streams map[uint16][]book.Event
	stores  map[uint16][]book.Event
}

func newHall(t *testing.T, sessions int) (*hall, []SessionConfig) {
	h := &hall{t: t, market: book.NewMarket(book.DefaultLimits()), streams: map[uint16][]book.Event{}, stores: map[uint16][]book.Event{}}
	setup := func(c book.Command, name, of string) {
		copy(c.ClientID[:], name)
		copy(c.OrigID[:], of)
		h.apply(&c, storyStart)
	}
	for _, i := range listed {
		setup(book.Command{Kind: book.ListInstrument, Price: i.Tick, Qty: i.Lot}, i.Symbol, "")
	}
	setup(book.Command{Kind: book.AddParticipant}, "HOUSE", "")
	var configs []SessionConfig
	for n := 1; n <= sessions; n++ {
		sender := fmt.Sprintf("T%d", n)
		setup(book.Command{Kind: book.AddSession, Protocol: book.FIX}, sender+">ISLD", "HOUSE")
		configs = append(configs, SessionConfig{Number: uint16(n), Sender: sender, Target: "ISLD"})
	}
	for _, code := range "OSQ" {
		h.apply(&book.Command{Kind: book.SystemEvent, Code: byte(code)}, storyStart)
	}
	return h, configs
}

func (h *hall) apply(c *book.Command, now int64) {
	c.Time = now
	h.buf = h.market.Apply(c, h.buf[:0])
	for _, ev := range h.buf {
		if ev.Session == 0 {
			continue
		}
		h.streams[ev.Session] = append(h.streams[ev.Session], ev)
		if ev.OutSeq != 0 {
			h.stores[ev.Session] = append(h.stores[ev.Session], ev)
			if n := uint64(len(h.stores[ev.Session])); ev.OutSeq != n {
				h.t.Fatalf("session %d: outbound number %d comes after %d", ev.Session, ev.OutSeq, n-1)
			}
		}
	}
}

func (h *hall) events(session uint16) []book.Event { return h.streams[session] }
func (h *hall) sent(session uint16) []book.Event   { return h.stores[session] }

func (h *hall) numbers(session uint16) (in, out uint64) {
	s := h.market.Session(session)
	return s.NextIn, s.NextOut
}

// TestConversationsWithTheBook: three clients trade with each other at a real market, through cuts and dying leaders. Besides what every conversation holds to, the
// clients' reports add up to the book.
func TestConversationsWithTheBook(t *testing.T) {
	traded := uint64(0)
	for seed := int64(1); seed <= 25; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h, configs := newHall(t, 3)
			w := newWorld(t, seed, h, configs...)
			w.run(100, 15)
			traded += h.market.Trades()
			for _, p := range w.parties {
				number := p.floor.session.Number
				if got, want := len(p.open), h.market.Session(number).OpenOrders; got != want {
					t.Errorf("%s knows of %d open orders, the book has %d", p.floor.session.Sender, got, want)
				}
			}
			for _, s := range []book.Side{book.Buy, book.Sell} {
				for _, o := range h.market.RestingOrders(1, s, nil) {
					p := w.parties[o.Session-1]
					id := string(trimNULs(o.ClientID[:]))
					if p.open[id] != o.Open {
						t.Errorf("%s: the book has %d of %s open, the reports say %d", p.floor.session.Sender, o.Open, id, p.open[id])
					}
				}
			}
		})
	}
	if traded < 100 {
		t.Errorf("only %d trades in all conversations: nothing was tried", traded)
	}
}
