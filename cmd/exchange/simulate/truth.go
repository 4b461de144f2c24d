package simulate

import (
	"bytes"
	"slices"

	"exchange/book"
	"exchange/consensus"
)

// truth is what the first replica to get so far made of the log. Every other one must make the same of it.
type truth struct {
	entries  map[uint64]uint32 // chain after a log entry
	decided  map[uint64]uint32 // chain at a first undecided offset, by index
	leaders  map[uint64]led    // who led under a number
	commands []uint64          // state hash after each command, from 1
	reports  [maxClients + 4][]report
	feed     [][]byte // messages, from 1
	canceled []uint64 // commands by which the exchange cancelled a session's orders
}

// led is a leadership: a replica's incarnation that led.
type led struct {
	id          int
	incarnation uint64
}

// report is what is remembered of a message to a session.
type report struct {
	index uint64 // of the command
	event book.EventKind
	code  byte
	order uint64
	left  int64
}

func newTruth() truth {
	return truth{entries: map[uint64]uint32{}, decided: map[uint64]uint32{}, leaders: map[uint64]led{}, commands: make([]uint64, 1, 256)}
}

// command takes in that a replica applied the command with the index.
func (t *truth) command(r *replica, index, hash uint64, c *book.Command, events []book.Event) {
	if index != uint64(len(t.commands)) {
		t.at(r, index, hash)
		return
	}
	t.commands = append(t.commands, hash)
	r.w.mix(index, hash)
	r.w.lastApplied = r.w.net.Now()
	if c.Kind == book.CancelSession {
		t.canceled = append(t.canceled, index)
	}
	for i := range events {
		e := &events[i]
		if e.OutSeq == 0 {
			continue
		}
		of := &t.reports[e.Session]
		if e.OutSeq != uint64(len(*of))+1 {
			r.w.violated("session %d is given number %d after %d messages", e.Session, e.OutSeq, len(*of))
			return
		}
		*of = append(*of, report{index: index, event: e.Kind, code: e.Code, order: e.OrderID, left: e.Leaves})
	}
}

// at compares a replica's state with what is known of that place.
func (t *truth) at(r *replica, index, hash uint64) {
	switch {
	case index >= uint64(len(t.commands)):
		r.w.violated("replica %d is at command %d, nobody was beyond %d", r.id, index, len(t.commands)-1)
	case t.commands[index] != hash:
		r.w.violated("replica %d: its state after command %d differs from that of others", r.id, index)
	}
}

// entry compares the chain of the log up to an entry.
func (t *truth) entry(r *replica, at consensus.Position) {
	if was, known := t.entries[at.Index]; known && was != at.Chain {
		r.w.violated("replica %d applied another entry %d than others", r.id, at.Index)
	}
	t.entries[at.Index] = at.Chain
}

// message compares a feed message.
func (t *truth) message(r *replica, number uint64, m []byte) {
	switch {
	case number == uint64(len(t.feed))+1:
		t.feed = append(t.feed, slices.Clone(m))
	case number > uint64(len(t.feed)):
		r.w.violated("replica %d publishes feed message %d, nobody published %d", r.id, number, len(t.feed)+1)
	case !bytes.Equal(t.feed[number-1], m):
		r.w.violated("replica %d publishes feed message %d as %q, others as %q", r.id, number, m, t.feed[number-1])
	}
}
