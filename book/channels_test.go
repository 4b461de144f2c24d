package book

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
)

// channelled is a market in which both sessions of OUCH have used channels, and one may enter nothing in one of them.
func channelled() *Market {
	m := openNumbered()
	for _, c := range []Command{
		{Kind: SessionMessage, Session: 2, Code: 'E', InSeq: 7, ClientID: ChannelID(200, 7)}, {Kind: SessionMessage, Session: 1, Code: 'D', InSeq: 5, ClientID: ChannelID(3, 5)},
		{Kind: Enter, Session: 1, Instrument: 1, Price: 1, Qty: 1, InSeq: 1, ClientID: ChannelID(255, 1)},
	} {
		c.Protocol, c.Epoch = OUCH, 1
		m.Apply(&c, nil)
	}
	return m
}

// TestHashSeesChannels: each number and switch of a channel is in the hash of the whole state, and so is who has any.
func TestHashSeesChannels(t *testing.T) {
	want := channelled().Hash()
	for what, change := range map[string]func(*channels){
		"a number": func(c *channels) { c.find(1, 3).next++ }, "another channel's number": func(c *channels) { c.find(2, 1).next = 2 },
		"a switch": func(c *channels) { c.find(1, 3).disabled = false }, "another's switch": func(c *channels) { c.find(1, 4).disabled = true },
		"an unused line that is none": func(c *channels) { c.make(3) }, "the sessions' lines": func(c *channels) { c.of[1], c.of[2] = c.of[2], c.of[1] },
	} {
		m := channelled()
		if m.Hash() != want {
			t.Fatal("the same commands have another hash")
		}
		if change(&m.channels); m.Hash() == want {
			t.Errorf("%s changed, and the hash did not", what)
		}
	}
}

// TestSnapshotOfChannels: one whose channels cannot be, or do not fit, is refused; nothing else is lost or made up.
func TestSnapshotOfChannels(t *testing.T) {
	m := channelled()
	restored(t, numberedLimits, m)
	snapshot := m.AppendSnapshot(nil)
	small := numberedLimits
	small.Channels = 1
	if _, err := RestoreMarket(small, snapshot); !errors.Is(err, ErrSnapshot) {
		t.Errorf("two sessions with channels where one may have them: %v", err)
	}
	// Session 1 has two lines: index, disabled, next.
	at := -1
	for i := range snapshot[:len(snapshot)-22] {
		if string(snapshot[i:i+22]) == "\x01\x02\x03\x01\x06\x00\x00\x00\x00\x00\x00\x00\xff\x00\x02\x00\x00\x00\x00\x00\x00\x00" {
			at = i
		}
	}
	if at < 0 {
		t.Fatal("the lines are not where they should be")
	}
	for what, change := range map[string]func(b []byte){
		"half a session": func(b []byte) { b[0] = 2 }, "too few lines": func(b []byte) { b[1] = 1 }, "the index 0": func(b []byte) { b[2] = 0 },
		"a switch in between": func(b []byte) { b[3] = 2 }, "falling indices": func(b []byte) { b[2] = 0xff }, "the number 0": func(b []byte) { b[4] = 0 },
		"a line that is fresh": func(b []byte) { b[14] = 1 },
	} {
		b := append([]byte(nil), snapshot...)
		change(b[at:])
		body := b[:len(b)-8]
		binary.LittleEndian.PutUint64(b[len(body):], hashBytes(hashSeed, body))
		if _, err := RestoreMarket(numberedLimits, b); !errors.Is(err, ErrSnapshot) {
			t.Errorf("%s is read: %v", what, err)
		}
	}
}

// TestAnyCommandOfChannels: whatever a gateway could make up, in and out of channels, the market is whole behind it, and comes back from a snapshot.
func TestAnyCommandOfChannels(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	ids := []ClientID{{}, NumberID(0), NumberID(1), ChannelID(1, 0), ChannelID(1, 1), ChannelID(255, 3), name("F1"), {NumberedID, 0, 0, 0, 2, 1, 9, 9}}
	for range 60 {
		m := openNumbered()
		m.limits.Orders = 1 + r.IntN(20)
		for range 300 {
			c := Command{
				Kind:    []CommandKind{Enter, Enter, Cancel, Replace, Reduce, SessionMessage, SessionMessage, MassCancel, Status, Logon, Disconnect}[r.IntN(11)],
				Session: uint16(1 + r.IntN(3)), Protocol: Protocol(1 + r.IntN(2)), InSeq: r.Uint64N(6), Instrument: uint16(r.IntN(3)), Side: Side(r.IntN(2)),
				Price: r.Int64N(5) * 100, Qty: r.Int64N(5), Code: "QCDEPSTA"[r.IntN(8)], ClientID: ids[r.IntN(len(ids))], OrigID: ids[r.IntN(len(ids))],
				TIF: TimeInForce(r.IntN(int(timesInForce))), SelfTrade: SelfTrade(r.IntN(int(selfTrades))), Reason: []Reason{0, 0, 0, UnsupportedOrder}[r.IntN(4)],
			}
			if c.Epoch = m.Session(c.Session).Epoch; r.IntN(2) == 0 {
				c.InSeq = m.NextNumber(c.Session, c.ClientID.Channel())
			}
			m.Apply(&c, nil)
			if err := m.check(); err != nil {
				t.Fatalf("%+v: %v", c, err)
			}
		}
		m.limits.Orders = numberedLimits.Orders
		restored(t, numberedLimits, m)
	}
}
