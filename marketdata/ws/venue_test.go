package ws

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"exchange/book"
	"exchange/marketdata/feed"
	"exchange/marketdata/itch"
)

// venue is a state machine with its feed: what a replica does with events, in small.
type venue struct {
	market *book.Market
	store  *feed.Store
	infos  []itch.InstrumentInfo
	events []book.Event
	out    []byte
}

var opening = time.Date(2026, 3, 9, 14, 30, 0, 0, time.UTC)

func midnight() int64 { return opening.UnixNano() / nanosPerDay * nanosPerDay }

func (v *venue) apply(c book.Command) {
	v.events = v.market.Apply(&c, v.events[:0])
	for i := range v.events {
		e := &v.events[i]
		if e.Kind == book.InstrumentListed {
			v.infos = append(v.infos, itch.MakeInstrumentInfo(string(bytes.TrimRight(e.ClientID[:], "\x00")), e.Price, e.Qty))
		}
		if e.FeedSeq != 0 {
			v.out = itch.AppendEvent(v.out[:0], e, v.infos[e.Instrument])
			v.store.Append(e.FeedSeq, v.out)
		}
	}
	v.store.Publish()
}

func name(text string) (c book.ClientID) {
	copy(c[:], text)
	return c
}

// openVenue has two instruments, ABC with ticks of 0.01 and lots of 1 and LOTS with ticks of 0.0025 and lots of 100, and four sessions that are logged on.
func openVenue() *venue {
	limits := book.Limits{Orders: 1 << 12, ClientIDs: 1 << 15, PriceNodes: 1 << 12, Instruments: 4, Participants: 8, Sessions: 8}
	v := &venue{market: book.NewMarket(limits), store: feed.NewStore(1 << 30), infos: make([]itch.InstrumentInfo, 1)}
	v.apply(book.Command{Kind: book.SystemEvent, Code: 'O', Time: opening.UnixNano()})
	v.apply(book.Command{Kind: book.ListInstrument, ClientID: name("ABC"), Price: 100, Qty: 1})
	v.apply(book.Command{Kind: book.ListInstrument, ClientID: name("LOTS"), Price: 25, Qty: 100})
	for s := 1; s <= 4; s++ {
		v.apply(book.Command{Kind: book.AddParticipant, ClientID: name(fmt.Sprint("P", s))})
		v.apply(book.Command{Kind: book.AddSession, ClientID: name(fmt.Sprint("S", s)), OrigID: name(fmt.Sprint("P", s)), Protocol: book.FIX})
		v.apply(book.Command{Kind: book.Logon, Session: uint16(s), InSeq: 1, Seconds: 30})
	}
	v.apply(book.Command{Kind: book.SystemEvent, Code: 'Q'})
	return v
}

func ticks(symbol string) int64 {
	if symbol == "ABC" {
		return 100
	}
	return 25
}

func (v *venue) newMarket(records int) *Market {
	return NewMarket(Config{Session: "DAY0000001", Day: midnight(), Tick: ticks, Records: records})
}

// pump gives a market what is new on the feed, as a reader at its tail does.
func (v *venue) pump(t testing.TB, m *Market) {
	t.Helper()
	for {
		whole := v.store.Whole()
		message, err := v.store.Read(m.Next())
		if err == feed.ErrNotYet {
			if m.Next() == whole {
				err = m.Settle()
			} else {
				err = nil
			}
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Apply(message); err != nil {
			t.Fatal(err)
		}
	}
}

// contents takes frames apart as RFC 6455 says, and fails on what a server must not send.
func contents(t testing.TB, frames []byte) (all [][]byte) {
	t.Helper()
	for len(frames) > 0 {
		if frames[0] != 0x81 || frames[1]&0x80 != 0 {
			t.Fatalf("not a whole unmasked text frame: % x", frames[:2])
		}
		n, at := int(frames[1]), 2
		switch n {
		case 126:
			n, at = int(binary.BigEndian.Uint16(frames[2:])), 4
			if n < 126 {
				t.Fatalf("length %d in two bytes", n)
			}
		case 127:
			n, at = int(binary.BigEndian.Uint64(frames[2:])), 10
			if n < 1<<16 {
				t.Fatalf("length %d in eight bytes", n)
			}
		}
		all = append(all, frames[at:at+n])
		frames = frames[at+n:]
	}
	return all
}

// flow makes random commands, most of which mean orders that exist.
type flow struct {
	random *rand.Rand
	time   int64
	names  int
	recent []named
}

type named struct {
	session    uint16
	instrument uint16
	id         book.ClientID
}

func (f *flow) next() book.Command {
	f.time += f.random.Int64N(1_000_000_000)
	f.names++
	c := book.Command{
		Time: opening.UnixNano() + f.time, Session: uint16(1 + f.random.IntN(4)), Instrument: uint16(1 + f.random.IntN(2)), Epoch: 1,
		ClientID: name(fmt.Sprint("o", f.names)), Side: book.Side(f.random.IntN(2)), Qty: 1 + f.random.Int64N(40),
	}
	c.Price = 1000 + f.random.Int64N(16) - 6*int64(1-c.Side)
	kind := f.random.IntN(10)
	if len(f.recent) < 20 {
		kind = 0
	}
	if kind < 5 {
		c.Kind = book.Enter
		switch f.random.IntN(10) {
		case 0:
			c.TIF = book.ImmediateOrCancel
		case 1:
			c.TIF = book.FillOrKill
		case 2:
			c.Type, c.TIF, c.Price = book.MarketOrder, book.ImmediateOrCancel, 0
		case 3:
			c.Conditions = book.Hidden
		case 4:
			c.Display = 1 + f.random.Int64N(10)
		case 5:
			c.Type, c.StopPrice = book.StopLimit, c.Price
		}
		f.keep(named{c.Session, c.Instrument, c.ClientID})
		return c
	}
	of := f.recent[f.random.IntN(len(f.recent))]
	c.Session, c.Instrument, c.OrigID = of.session, of.instrument, of.id
	switch kind {
	case 5:
		c.Kind = book.Cancel
	case 6:
		c.Kind, c.Qty = book.Reduce, 1+f.random.Int64N(10)
		f.keep(named{of.session, of.instrument, c.ClientID})
	case 7:
		if f.random.IntN(40) == 0 {
			return book.Command{Kind: book.MassCancel, Time: c.Time, Session: c.Session, Epoch: 1, ClientID: c.ClientID, Code: 'S'}
		}
		c.Kind = book.Cancel
	default:
		c.Kind = book.Replace
		if f.random.IntN(4) == 0 {
			c.Flags = book.Requeue
		}
		f.keep(named{of.session, of.instrument, c.ClientID})
	}
	return c
}

func (f *flow) keep(n named) {
	if f.recent = append(f.recent, n); len(f.recent) > 200 {
		f.recent = f.recent[1:]
	}
}
