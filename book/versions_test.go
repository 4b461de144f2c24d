package book

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"testing"
)

// TestReadsWhatTheFirstVersionWrote: commands and the events they had, and a snapshot of the market behind them, written by the first version of this
// package. The same commands must still have the same events and lead to the same book.
func TestReadsWhatTheFirstVersionWrote(t *testing.T) {
	commands, events, snapshot := kept(t, "v1/commands"), kept(t, "v1/events"), kept(t, "v1/snapshot")
	m := NewMarket(oracleLimits)
	for _, c := range []Command{
		{Kind: ListInstrument, ClientID: name("I1"), Price: 100, Qty: 1}, {Kind: ListInstrument, ClientID: name("I2"), Price: 100, Qty: 1},
		{Kind: ListInstrument, ClientID: name("I3"), Price: 100, Qty: 1}, {Kind: AddParticipant, ClientID: name("FIRM")},
		{Kind: AddSession, ClientID: name("S1>X"), OrigID: name("FIRM"), Protocol: FIX}, {Kind: AddSession, ClientID: name("S2>X"), OrigID: name("FIRM"), Protocol: FIX},
		{Kind: AddSession, ClientID: name("S3>X"), OrigID: name("FIRM"), Protocol: FIX}, {Kind: AddSession, ClientID: name("S4>X"), OrigID: name("FIRM"), Protocol: FIX},
		{Kind: SystemEvent, Code: 'Q'}, {Kind: Logon, Session: 1, InSeq: 1, Seconds: 30}, {Kind: Logon, Session: 2, InSeq: 1, Seconds: 30},
		{Kind: Logon, Session: 3, InSeq: 1, Seconds: 30}, {Kind: Logon, Session: 4, InSeq: 1, Seconds: 30},
	} {
		m.Apply(&c, nil)
	}
	count := 0
	for b := commands; len(b) > 0; count++ {
		var c Command
		n, err := DecodeCommand(b, &c)
		if err != nil {
			t.Fatalf("command %d: %v", count, err)
		}
		if !bytes.Equal(c.AppendTo(nil), b[:n]) {
			t.Fatalf("command %d has got another spelling", count)
		}
		b = b[n:]
		for _, e := range m.Apply(&c, nil) {
			var was Event
			if len(events) == 0 {
				continue // of the later ones none were kept
			}
			if events = nextKept(t, events, &was); len(events) == 0 { // the file ends with an Accepted; its Rested was not kept
				e.Feed, e.FeedSeq = 0, 0
			}
			if was != e {
				t.Fatalf("command %d: an event was\n%+v\nand is now\n%+v", count, was, e)
			}
		}
	}
	if count != 400 || m.Resting() != 30 || m.Trades() != 10 || m.Volume() != 261 || fmt.Sprintf("%016x", m.BookHash()) != "9dc47849791b9f9e" {
		t.Fatalf("%d commands, %d rest, %d trades, hash %016x", count, m.Resting(), m.Trades(), m.BookHash())
	}
	old, err := RestoreMarket(oracleLimits, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if old.BookHash() != m.BookHash() || old.Index() != m.Index() || old.Resting() != 30 {
		t.Fatal("the market of the old snapshot is another one")
	}
	if err := old.check(); err != nil {
		t.Fatal(err)
	}
	if again := restored(t, oracleLimits, old); again.Hash() != old.Hash() {
		t.Fatal("it does not come back as a new one")
	}
}

// TestReadsWhatTheSecondVersionWrote: the same for the second version, with orders of all types and conditions, connections, halts and days among the
// commands; those that open the market are in the file too. Both hashes of the state are the same, whether it was played or read.
func TestReadsWhatTheSecondVersionWrote(t *testing.T) {
	readVersion(t, "v2", Limits{Orders: 200, ClientIDs: 4000, PriceNodes: 2000, Instruments: 3, Participants: 3, Sessions: 4})
}

// TestReadsWhatTheThirdVersionWrote: the same for the third version, with two sessions of OUCH that use channels.
//
// KEEP_VERSION=testdata/v4 go test ./book -run ThirdVersion writes such files anew, for the next version to keep.
func TestReadsWhatTheThirdVersionWrote(t *testing.T) {
	if dir := os.Getenv("KEEP_VERSION"); dir != "" {
		keepVersion(t, dir)
	}
	m := readVersion(t, "v3", keptLimits)
	for session := uint16(5); session < 7; session++ {
		for _, channel := range someChannels {
			if m.NextNumber(session, channel) == 1 {
				t.Errorf("the file uses no channel %d of session %d", channel, session)
			}
		}
		if m.Session(session).OpenOrders == 0 || !m.channels.find(5, 1).disabled {
			t.Errorf("session %d has no open orders at the end, or all may enter some", session)
		}
	}
}

// readVersion plays the kept commands of a version and reads its snapshot. It gives the market of that.
func readVersion(t *testing.T, version string, l Limits) *Market {
	t.Helper()
	commands, events, snapshot := kept(t, version+"/commands"), kept(t, version+"/events"), kept(t, version+"/snapshot")
	m, count, seen := NewMarket(l), 0, [len(traits)]bool{}
	for b := commands; len(b) > 0; count++ {
		var c Command
		n, err := DecodeCommand(b, &c)
		if err != nil || !bytes.Equal(c.AppendTo(nil), b[:n]) {
			t.Fatalf("command %d has got another spelling: %v", count, err)
		}
		b = b[n:]
		if c.Kind == Enter {
			for set := (&naiveOrder{Command: c}).traits(); set != 0; set &= set - 1 {
				seen[bits.TrailingZeros32(set)] = true
			}
		}
		for _, e := range m.Apply(&c, nil) {
			var was Event
			if events = nextKept(t, events, &was); was != e {
				t.Fatalf("command %d %s: an event was\n%+v\nand is now\n%+v", count, brief(c), was, e)
			}
		}
	}
	for i, there := range seen {
		if !there && traits[i] != "budget" { // these came later, in commands and events that are spelled as they were
			t.Errorf("the file has no order that is %s", traits[i])
		}
	}
	old, err := RestoreMarket(l, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if err := old.check(); err != nil {
		t.Fatal(err)
	}
	old.counters.stream = m.counters.stream // this hash is not kept over versions: it only has to agree between replicas
	if len(events) != 0 || old.Hash() != m.Hash() || old.BookHash() != m.BookHash() || old.Resting() == 0 || old.Trades() == 0 {
		t.Fatalf("%d bytes of events are left; read: %d rest, %d trades, %016x; played: %d rest, %d trades, %016x", len(events),
			old.Resting(), old.Trades(), old.Hash(), m.Resting(), m.Trades(), m.Hash())
	}
	if again := restored(t, l, old); again.Hash() != m.Hash() {
		t.Fatal("it does not come back as a new one")
	}
	return old
}

// nextKept reads a kept event, which is still spelled as it was. An order that lies in the book at once was told of by two events, Accepted and Rested, until
// they became one.
func nextKept(t *testing.T, b []byte, e *Event) (rest []byte) {
	t.Helper()
	decode := func(b []byte, e *Event) []byte {
		n, err := DecodeEvent(b, e)
		if err != nil || !bytes.Equal(e.AppendTo(nil), b[:n]) {
			t.Fatalf("a kept event does not read as it was: %+v, %v", *e, err)
		}
		return b[n:]
	}
	rest = decode(b, e)
	if e.Kind != Accepted || e.Feed != 0 || len(rest) == 0 {
		return rest
	}
	var next Event
	behind := decode(rest, &next)
	if next.Kind != Rested || next.OrderID != e.OrderID || next.Feed == 0 {
		return rest
	}
	e.Feed, e.FeedSeq, e.Shown = next.Feed, next.FeedSeq, next.Shown
	return behind
}

// keptLimits are those of the market whose files are kept.
var keptLimits = Limits{Orders: 200, ClientIDs: 4000, PriceNodes: 2000, Instruments: 3, Participants: 3, Sessions: 6, Channels: 2}

// keepVersion writes commands, their events and a snapshot of the market behind them into a directory: the flow of sessions of FIX, then two of OUCH.
func keepVersion(t *testing.T, dir string) {
	t.Helper()
	_, n := openMarket(t, keptLimits, 3, 4)
	commands := openingCommands(3, 4)
	for f := newFlow(10, n); len(commands) < 600; {
		c := f.command()
		n.apply(&c)
		commands = append(commands, c)
	}
	var written, events []byte
	m := NewMarket(keptLimits)
	apply := func(c *Command) {
		written = c.AppendTo(written)
		for _, e := range m.Apply(c, nil) {
			events = e.AppendTo(events)
		}
	}
	for i := range commands {
		apply(&commands[i])
	}
	for _, c := range []Command{
		{Kind: SystemEvent, Code: 'M'}, {Kind: SystemEvent, Code: 'O'}, {Kind: SystemEvent, Code: 'Q'}, {Kind: TradingAction, Instrument: 1, Code: 'T'},
		{Kind: AddSession, ClientID: name("OUCH1"), OrigID: name("FIRM"), Protocol: OUCH}, {Kind: AddSession, ClientID: name("OUCH2"), OrigID: name("FIRM"), Protocol: OUCH},
		{Kind: Logon, Protocol: OUCH, Session: 6}, {Kind: Logon, Protocol: OUCH, Session: 5},
	} {
		apply(&c)
	}
	r, last := rand.New(rand.NewPCG(3, 7)), map[channelOf]uint64{}
	for range 500 {
		if c := randomRequest(r, m, last); c.Protocol == OUCH {
			apply(&c)
		}
	}
	apply(&Command{Kind: SessionMessage, Protocol: OUCH, Session: 5, Epoch: m.Session(5).Epoch, Code: 'D', InSeq: 1000, ClientID: ChannelID(1, 1000)})
	for what, b := range map[string][]byte{"commands": written, "events": events, "snapshot": m.AppendSnapshot(nil)} {
		if err := os.WriteFile(dir+"/"+what+".bin", b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRefusesLaterVersions with an error that says which it knows.
func TestRefusesLaterVersions(t *testing.T) {
	snapshot := kept(t, "v1/snapshot")
	copy(snapshot, "EXBOOK09")
	if _, err := RestoreMarket(oracleLimits, snapshot); !errors.Is(err, ErrSnapshot) || !bytes.Contains([]byte(err.Error()), []byte("EXBOOK03")) {
		t.Error(err)
	}
	commands, events := kept(t, "v1/commands"), kept(t, "v1/events")
	commands[0], events[0] = 3, 3
	if _, err := DecodeCommand(commands, new(Command)); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
	if _, err := DecodeEvent(events, new(Event)); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
	// Conditions in the second version that say nothing would be a second spelling.
	c := Command{Kind: Enter, Conditions: Hidden, ClientID: name("id")}
	b := c.AppendTo(nil)
	b[22] = 0
	if _, err := DecodeCommand(b, new(Command)); !errors.Is(err, ErrValue) {
		t.Error(err)
	}
	e := Event{Kind: Accepted, Conditions: Hidden}
	b = e.AppendTo(nil)
	b[22] = 0
	if _, err := DecodeEvent(b, new(Event)); !errors.Is(err, ErrValue) {
		t.Error(err)
	}
}

func kept(t *testing.T, what string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + what + ".bin")
	if err != nil {
		t.Fatal(err)
	}
	return b
}
