package book

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"
)

// TestReadsWhatTheFirstVersionWrote: commands and the events they had, and a snapshot of the market behind them, written by the first version of this
// package. The same commands must still have the same events, byte for byte, and lead to the same book.
func TestReadsWhatTheFirstVersionWrote(t *testing.T) {
	commands, events, snapshot := golden(t, "commands"), golden(t, "events"), golden(t, "snapshot")
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
			n, err := DecodeEvent(events, &was)
			if err != nil || was != e || !bytes.Equal(e.AppendTo(nil), events[:n]) {
				t.Fatalf("command %d: an event was\n%+v\nand is now\n%+v\n%v", count, was, e, err)
			}
			events = events[n:]
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

// TestRefusesLaterVersions with an error that says which it knows.
func TestRefusesLaterVersions(t *testing.T) {
	snapshot := golden(t, "snapshot")
	copy(snapshot, "EXBOOK09")
	if _, err := RestoreMarket(oracleLimits, snapshot); !errors.Is(err, ErrSnapshot) || !bytes.Contains([]byte(err.Error()), []byte("EXBOOK02")) {
		t.Error(err)
	}
	commands, events := golden(t, "commands"), golden(t, "events")
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

func golden(t *testing.T, what string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/v1/" + what + ".bin")
	if err != nil {
		t.Fatal(err)
	}
	return b
}
