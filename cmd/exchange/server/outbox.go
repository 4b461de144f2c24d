package server

import (
	"exchange/book"
	"exchange/marketdata/itch"
)

// outbox files what the state machine says: messages to sessions in the report store, feed messages in the feed store. Every replica has the
// same ones; only the leader's is connected to clients. The loop's own.
type outbox struct {
	directory *directory
	reports   *reportStore
	feed      feedStore
	events    []book.Event
	message   []byte
	specs     []itch.InstrumentInfo // by instrument number; 0 is none
	// onEvent is told of each event while this replica leads; nil otherwise.
	onEvent func(*book.Event)
	touched []uint16 // sessions with new reports since the last flush
	fed     bool
}

// newOutbox makes an empty outbox.
func newOutbox(cfg *Config, d *directory) outbox {
	return outbox{
		directory: d, reports: newReportStore(cfg.Limits.ReportsPerSession), feed: newFeedStore(cfg),
		events: make([]book.Event, 0, 1024), message: make([]byte, 0, 64), specs: make([]itch.InstrumentInfo, 1),
	}
}

// apply gives the command to the state machine and files what follows.
func (o *outbox) apply(m *book.Market, c *book.Command) {
	o.events = m.Apply(c, o.events[:0])
	for i := range o.events {
		e := &o.events[i]
		switch e.Kind {
		case book.InstrumentListed:
			o.listed(e)
		case book.SessionAdded:
			o.directory.sessionAdded(e)
		}
		if e.OutSeq != 0 {
			o.reports.append(e)
			o.touch(e.Session)
		}
		if e.FeedSeq != 0 {
			o.message = itch.AppendEvent(o.message[:0], e, o.specs[e.Instrument])
			o.feed.append(e.FeedSeq, o.message)
			o.fed = true
		}
		if o.onEvent != nil {
			o.onEvent(e)
		}
	}
}

func (o *outbox) touch(session uint16) {
	if n := len(o.touched); n == 0 || o.touched[n-1] != session {
		o.touched = append(o.touched, session)
	}
}

// listed keeps what the feed and the gateways need of an instrument.
func (o *outbox) listed(e *book.Event) {
	for len(o.specs) <= int(e.Instrument) {
		o.specs = append(o.specs, itch.InstrumentInfo{})
	}
	o.specs[e.Instrument] = o.directory.instrumentListed(e)
}
