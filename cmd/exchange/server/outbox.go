package server

import (
	"exchange/book"
	"exchange/marketdata/feed"
	"exchange/marketdata/itch"
	"exchange/ouch"
)

// outbox files what the state machine says: messages to sessions in the report store, feed messages in the feed store. Every replica has the
// same ones; only the leader's is connected to clients. The loop's own.
type outbox struct {
	directory *directory
	reports   *reportStore
	feed      *feed.Store
	events    []book.Event
	message   []byte
	specs     []itch.InstrumentInfo // by instrument number; 0 is none
	// onEvent is told of each event while this replica leads; nil otherwise.
	onEvent func(*book.Event)
	beat    func()   // Node.Beat
	touched []uint16 // sessions with new reports since the last flush
	fed     bool
}

// newOutbox makes an empty outbox.
func newOutbox(cfg *Config, d *directory) outbox {
	return outbox{
		directory: d, reports: newReportStore(cfg.Limits.ReportsPerSession), feed: feed.NewStore(cfg.Feed.MaxKeptBytes),
		events: make([]book.Event, 0, 1024), message: make([]byte, 0, 64), specs: make([]itch.InstrumentInfo, 1),
	}
}

// apply gives the command to the state machine and files what follows.
func (o *outbox) apply(m *book.Market, c *book.Command) {
	o.events = m.Apply(c, o.events[:0])
	o.file(o.events)
}

// beatEvery is after how many events the others are shown that this replica goes on: one command may end all orders there are, which takes longer than
// a replica may be silent.
const beatEvery = 1 << 12

func (o *outbox) file(events []book.Event) {
	for i := range events {
		if i%beatEvery == beatEvery-1 && o.beat != nil {
			o.beat()
		}
		e := &events[i]
		switch e.Kind {
		case book.InstrumentListed:
			o.listed(e.Instrument, name(e.ClientID), e.Price, e.Qty)
		case book.SessionAdded:
			o.directory.sessionAdded(e.Session, name(e.ClientID))
		}
		if e.OutSeq != 0 {
			o.reports.append(e)
			o.touch(e.Session)
		}
		if e.FeedSeq != 0 {
			o.message = itch.AppendEvent(o.message[:0], e, o.specs[e.Instrument])
			if e.Feed == itch.AddOrder {
				if firm, shown := ouch.Attributed(&e.ClientID); shown {
					o.message = itch.Attribute(o.message, firm)
				}
			}
			o.feed.Append(e.FeedSeq, o.message)
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
func (o *outbox) listed(number uint16, symbol string, tick, lot int64) {
	for len(o.specs) <= int(number) {
		o.specs = append(o.specs, itch.InstrumentInfo{})
	}
	o.specs[number] = o.directory.instrumentListed(number, symbol, tick, lot)
}

// relist fills in what a state taken over has listed and added.
func (o *outbox) relist(m *book.Market) {
	for i := 1; i <= m.NumInstruments(); i++ {
		in := m.Instrument(uint16(i))
		o.listed(uint16(i), in.Symbol, in.Tick, in.Lot)
	}
	for i := 1; i <= m.NumSessions(); i++ {
		o.directory.sessionAdded(uint16(i), m.Session(uint16(i)).Name)
	}
}

// flush tells the feed's followers, and then the writers of sessions with new reports: nobody hears of a trade of his own before all can. Whoever is told
// on the loop's processor runs at once, and what comes behind would have to wait for that.
func (o *outbox) flush(wake func(sessions []uint16)) {
	if o.fed {
		o.fed = false
		o.feed.Publish()
	}
	wake(o.touched)
	o.touched = o.touched[:0]
}

// adopt takes over what a state brought: the stores keep their identity, since others follow them.
func (o *outbox) adopt(in *outbox) error {
	if planted("feed not taken over") {
	} else if err := o.feed.Replace(in.feed); err != nil {
		return err
	}
	if !planted("reports not taken over") {
		o.reports.sessions.Store(in.reports.sessions.Load())
	}
	o.specs = in.specs
	return nil
}

// name is a name carried in a client id's place.
func name(id book.ClientID) string {
	n := 0
	for n < len(id) && id[n] != 0 {
		n++
	}
	return string(id[:n])
}
