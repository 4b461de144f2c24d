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
	applied func(*book.Command) // is told of each command
}

func newHall(t *testing.T, sessions int) (*hall, []SessionConfig) {
	limits := book.Limits{Orders: 1 << 12, ClientIDs: 1 << 12, PriceNodes: 1 << 10, Instruments: 4, Participants: 4, Sessions: 8}
	h := &hall{t: t, market: book.NewMarket(limits), streams: map[uint16][]book.Event{}, stores: map[uint16][]book.Event{}}
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
	if h.applied != nil {
		h.applied(c)
	}
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

// BenchmarkPipeline is an order from a client to the book and its reports back, 256 at a time, without sockets or replication.
func BenchmarkPipeline(b *testing.B) {
	const batch = 256
	m := book.NewMarket(book.DefaultLimits())
	var evs []book.Event
	var stored []book.Event
	apply := func(c *book.Command) {
		evs = m.Apply(c, evs[:0])
		for i := range evs {
			if evs[i].Session == 1 {
				stored = append(stored, evs[i])
			}
		}
	}
	named := func(c book.Command, name, of string) {
		copy(c.ClientID[:], name)
		copy(c.OrigID[:], of)
		apply(&c)
	}
	named(book.Command{Kind: book.ListInstrument, Price: 100, Qty: 1}, "ABC", "")
	named(book.Command{Kind: book.AddParticipant}, "HOUSE", "")
	named(book.Command{Kind: book.AddSession, Protocol: book.FIX}, "TW>ISLD", "HOUSE")
	apply(&book.Command{Kind: book.SystemEvent, Code: 'Q'})
	stored = stored[:0]
	acceptor := NewAcceptor(AcceptorConfig{}, &floor{session: SessionConfig{Number: 1, Sender: "TW", Target: "ISLD"}})
	client := NewInitiator(InitiatorConfig{Sender: "TW", Target: "ISLD"})
	turn := func() {
		acceptor.Receive(storyStart, client.Bytes())
		client.Sent(len(client.Bytes()))
		cmds := acceptor.Commands()
		for i := range cmds {
			apply(&cmds[i])
		}
		for i := range stored {
			acceptor.Deliver(storyStart, &stored[i])
		}
		stored = stored[:0]
		client.Receive(storyStart, acceptor.Bytes())
		acceptor.Sent(len(acceptor.Bytes()))
	}
	client.Connect(storyStart)
	turn()
	if !client.Active() {
		b.Fatal("not logged on")
	}
	var id [16]byte
	symbol := []byte("ABC")
	n, reports := uint64(0), 0
	b.ReportAllocs()
	for b.Loop() {
		for range batch / 2 {
			for side := book.Buy; side <= book.Sell; side++ {
				n++
				client.NewOrderSingle(storyStart, &Order{ClOrdID: id[:putUint(id[:], n%1_000_000)], Symbol: symbol, Side: side, Type: book.Limit, Price: 10_000, Qty: 1})
			}
		}
		turn()
		reports += len(client.Received())
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "orders/s")
	if reports < int(n) {
		b.Fatalf("%d reports for %d orders", reports, n)
	}
}
