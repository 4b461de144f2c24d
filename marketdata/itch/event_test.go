package itch

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"exchange/book"
)

// noon is 12:00:00.000000005 on some day: the feed says 43,200,000,000,005 ns, hexadecimal 274a48a78005.
var noon = time.Date(2026, 3, 9, 12, 0, 0, 5, time.UTC).UnixNano()

var abc = MakeInstrumentInfo("ABC", 100, 10) // tick 0.01, lot 10

// Each event the feed knows, and its bytes, written by hand: header, then fields. Index 0x30201: tracking number 0x0201.
var eventCases = []struct {
	name  string
	event book.Event
	info  InstrumentInfo
	want  string
}{
	{"start of market hours", book.Event{Kind: book.SystemEventOccurred, Feed: 'S', Code: 'Q', Index: 0x30201, Time: noon}, InstrumentInfo{},
		"53 0000 0201 274a48a78005 51"},
	{"listed", book.Event{Kind: book.InstrumentListed, Feed: 'R', Instrument: 7, Index: 0x30201, Time: noon, Price: 100, Qty: 10}, abc,
		"52 0007 0201 274a48a78005 4142432020202020 20 20 0000000a 59 43 5a20 50 20 20 20 4e 00000000 4e"},
	{"halted", book.Event{Kind: book.TradingStateChanged, Feed: 'H', Code: 'H', Instrument: 7, Index: 0x30201, Time: noon}, abc,
		"48 0007 0201 274a48a78005 4142432020202020 48 20 20202020"},
	{"rested", book.Event{Kind: book.Rested, Feed: 'A', Instrument: 7, Index: 0x30201, Time: noon, Side: book.Sell, Ref: 9, OrderID: 8,
		Price: 1001, Qty: 5, Leaves: 3, Cum: 2}, abc,
		"41 0007 0201 274a48a78005 0000000000000009 53 0000001e 4142432020202020 00018704"},
	{"resting order filled", book.Event{Kind: book.Filled, Feed: 'E', Instrument: 7, Index: 0x30201, Time: noon, Resting: true, Ref: 9, OrderID: 8,
		Match: 4, LastQty: 2, LastPrice: 1001, Price: 1001, Leaves: 1}, abc,
		"45 0007 0201 274a48a78005 0000000000000009 00000014 0000000000000004"},
	{"filled at another price", book.Event{Kind: book.Filled, Feed: 'C', Instrument: 7, Index: 0x30201, Time: noon, Resting: true, Ref: 9,
		Match: 4, LastQty: 2, LastPrice: 1000, Price: 1001}, abc,
		"43 0007 0201 274a48a78005 0000000000000009 00000014 0000000000000004 59 000186a0"},
	{"reduced", book.Event{Kind: book.Reduced, Feed: 'X', Instrument: 7, Index: 0x30201, Time: noon, Ref: 9, LastQty: 2, Leaves: 1, Qty: 3}, abc,
		"58 0007 0201 274a48a78005 0000000000000009 00000014"},
	{"cancelled", book.Event{Kind: book.Cancelled, Feed: 'D', Instrument: 7, Index: 0x30201, Time: noon, Ref: 9, OrderID: 8}, abc,
		"44 0007 0201 274a48a78005 0000000000000009"},
	{"replaced, untraded", book.Event{Kind: book.Replaced, Feed: 'U', Instrument: 7, Index: 0x30201, Time: noon, OldRef: 9, Ref: 12, Price: 1002, Leaves: 4, Qty: 6}, abc,
		"55 0007 0201 274a48a78005 0000000000000009 000000000000000c 00000028 00018768"},
	{"iceberg rested", book.Event{Kind: book.Rested, Feed: 'A', Instrument: 7, Index: 0x30201, Time: noon, Side: book.Sell, Ref: 9, OrderID: 8, Leaves: 30, Shown: 3, Price: 1001}, abc,
		"41 0007 0201 274a48a78005 0000000000000009 53 0000001e 4142432020202020 00018704"},
	{"next part of an iceberg", book.Event{Kind: book.Refreshed, Feed: 'A', Instrument: 7, Index: 0x30201, Time: noon, Ref: 12, OldRef: 9, Leaves: 4, Shown: 3, Price: 1001}, abc,
		"41 0007 0201 274a48a78005 000000000000000c 42 0000001e 4142432020202020 00018704"},
	{"iceberg reduced", book.Event{Kind: book.Reduced, Feed: 'X', Instrument: 7, Index: 0x30201, Time: noon, Ref: 9, LastQty: 20, Shown: 2, Leaves: 1, Qty: 21}, abc,
		"58 0007 0201 274a48a78005 0000000000000009 00000014"},
	{"iceberg replaced", book.Event{Kind: book.Replaced, Feed: 'U', Instrument: 7, Index: 0x30201, Time: noon, OldRef: 9, Ref: 12, Price: 1002, Leaves: 40, Shown: 4}, abc,
		"55 0007 0201 274a48a78005 0000000000000009 000000000000000c 00000028 00018768"},
	{"hidden order filled", book.Event{Kind: book.Filled, Feed: 'P', Instrument: 7, Index: 0x30201, Time: noon, Side: book.Sell, Resting: true, Ref: 9, OrderID: 8, Price: 1001,
		LastPrice: 1001, LastQty: 3, Match: 5, Leaves: 7}, abc,
		"50 0007 0201 274a48a78005 0000000000000000 42 0000001e 4142432020202020 00018704 0000000000000005"},
	{"replaced by what trades", book.Event{Kind: book.Replaced, Feed: 'D', Instrument: 7, Index: 0x30201, Time: noon, OldRef: 9, Ref: 12, Price: 1002, Leaves: 4}, abc,
		"44 0007 0201 274a48a78005 0000000000000009"},
}

func TestEachEventIsItsMessage(t *testing.T) {
	for _, c := range eventCases {
		want := strings.ReplaceAll(c.want, " ", "")
		got := AppendEvent(nil, &c.event, c.info)
		if hex.EncodeToString(got) != want {
			t.Errorf("%s:\n got %x\nwant %s", c.name, got, want)
		}
		var m Message
		if err := Decode(got, &m); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestTimeOfDay(t *testing.T) {
	for _, c := range []struct {
		at   time.Time
		want uint64
	}{
		{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 0},
		{time.Date(2026, 1, 1, 23, 59, 59, 999_999_999, time.UTC), 86_399_999_999_999},
		{time.Unix(0, 0), 0},
		{time.Unix(0, -1), 86_399_999_999_999},
	} {
		if got := sinceMidnight(c.at.UnixNano()); got != c.want {
			t.Errorf("%v: %d ns since midnight, want %d", c.at, got, c.want)
		}
	}
}

func TestAnEventThatIsNoMessagePanics(t *testing.T) {
	for name, e := range map[string]book.Event{
		"not on the feed":         {Kind: book.Accepted},
		"shares beyond 32 bits":   {Kind: book.Rested, Feed: 'A', Leaves: 1 << 29, Price: 1},
		"price beyond 32 bits":    {Kind: book.Rested, Feed: 'A', Leaves: 1, Price: 1 << 27},
		"negative quantity":       {Kind: book.Rested, Feed: 'A', Leaves: -1, Price: 1},
		"overflow of the product": {Kind: book.Rested, Feed: 'A', Leaves: 1 << 62, Price: 1},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: encoded", name)
				}
			}()
			AppendEvent(nil, &e, abc)
		}()
	}
}

func TestNothingIsAllocated(t *testing.T) {
	buf := make([]byte, 0, MaxLen)
	var m Message
	n := testing.AllocsPerRun(100, func() {
		for i := range eventCases {
			b := AppendEvent(buf, &eventCases[i].event, eventCases[i].info)
			if Decode(b, &m) != nil {
				t.Fatal("does not decode")
			}
			Append(buf, &m)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	buf := make([]byte, 0, MaxLen)
	for b.Loop() {
		AppendEvent(buf, &eventCases[3].event, abc)
	}
}
