package book

import "unsafe"

// Market is the whole state machine. Apply is its only way forward; everything else reads.
type Market struct {
	limits   Limits
	counters counters
	pool     orderPool
	levels   levelPool
	nodes    nodePool
	ids      identities
	due      dueHeap

	books        []instrumentBook // by instrument number; 0 is none
	participants []ClientID       // by number; 0 is none
	groups       []uint16         // by participant: the number of one of the group
	sessions     []Session        // by number; 0 is none
	drops        []uint16         // the sessions that get copies
	channels     channels

	phase byte

	// cmd is the command being applied, or the last one that was, out where its events go.
	cmd *Command
	out []Event
	// electedFirst to electedLast (slots, 0: none) are the stops that were reached and come in before the command is done.
	electedFirst, electedLast uint32
	// kept is the trade that was prevented last.
	kept prevented
	// request is what numbered made of the command.
	request Command
	// behind is what the stream's hash is behind by in ApplyAll.
	behind behind
	// until is the index of the last command that may be plain: for so many there is room, if nothing else comes between.
	until uint64
	// ahead is what is known of the commands behind the one that is applied.
	ahead [aheadRing]ahead
}

// counters are the numbers given so far, and the day's sums. They lie as commands change them, several at a time.
type counters struct {
	feed, index               uint64
	time                      int64
	trades                    uint64
	match, order, ref, volume uint64
	stream                    uint64 // rolling hash
	_                         uint64
	resting                   uint64
}

// instrumentBook is an instrument and what waits in it.
type instrumentBook struct {
	ladders  [ladders]ladder // inBook, allOrNones, stopped: plus the side
	maxPrice int64           // ticks
	maxQty   int64           // lots
	// entryQty is the largest quantity that may be entered now, in lots: 0 while there is no trading.
	entryQty int64
	day      Statistics
	// trailing and newestTrailing are the ends of the lists of trailing stops of each side, oldest first (slots, 0: none).
	trailing, newestTrailing [2]uint32
	info                     Instrument
}

// Instrument is what is listed.
type Instrument struct {
	Symbol string
	// Tick in 1/10,000, Lot in shares.
	Tick, Lot int64
	// State is ITCH's trading state: 'T' or 'H'.
	State byte
}

// NewMarket makes an empty market, its tables touched once so that no command pays for that.
func NewMarket(l Limits) *Market {
	l = l.clamp()
	return &Market{
		limits: l, pool: newOrderPool(l.Orders), levels: newLevelPool(l.Orders + 1), nodes: newNodePool(l.PriceNodes), ids: newIdentities(l.ClientIDs, l.Sessions),
		due: newDueHeap(l.Orders), books: make([]instrumentBook, 1, l.Instruments+1), participants: make([]ClientID, 1, l.Participants+1),
		groups: make([]uint16, 1, l.Participants+1), sessions: make([]Session, 1, l.Sessions+1),
		channels: newChannels(l.Sessions, l.Channels),
	}
}

// Apply takes the next command and appends what follows from it to out. It allocates only when out has to grow.
func (m *Market) Apply(c *Command, out []Event) []Event {
	first := len(out)
	out = m.take(c, out)
	rolled := out[first:]
	roll(&m.counters.stream, &behind{c, unsafe.SliceData(rolled), len(rolled), m.counters.time})
	return out
}

// take is Apply but for the stream's hash.
func (m *Market) take(c *Command, out []Event) []Event {
	m.begin(c)
	if first := len(out); m.counters.index <= m.until && first < cap(out) {
		room := out[first:cap(out)]
		switch did := m.plain(c, room); {
		case did&crossed != 0:
			return m.finishCrossed(c, out, did)
		case did == done || did != 0 && m.finishPlain(c, &room[0], did):
			return out[:first+1]
		}
	}
	return m.general(c, out)
}

// begin counts a command.
func (m *Market) begin(c *Command) {
	n := &m.counters
	n.index++
	if c.Time > n.time {
		n.time = c.Time
	}
	if planted("wall clock in apply") {
		n.time = plantedClock()
	}
}

// general is what take does with commands that are not plain.
func (m *Market) general(c *Command, out []Event) []Event {
	first := len(out)
	m.cmd, m.out = c, out
	if m.counters.index <= m.until && (c.Kind == Enter && m.enterCrossing() || c.Kind == Reduce && m.reducePlain()) {
		return m.out
	}
	if len(m.due.slots) > 0 {
		m.expire()
	}
	if c.Protocol == OUCH {
		m.answer(m.numbered())
	} else {
		m.answer(c.Kind)
	}
	if len(m.drops) > 0 {
		m.copyReports(first)
	}
	m.until = m.counters.index + m.room()
	return m.out
}

// room is how many plain commands there is room for, whatever they are: none while they might have consequences besides their own.
func (m *Market) room() uint64 {
	if len(m.due.slots)|len(m.drops)|len(m.ids.older) != 0 {
		return 0
	}
	return uint64(max(0, min(m.limits.Orders-int(m.counters.resting), m.ids.limit-m.ids.count, m.nodes.insertions())))
}

// setEntry says what may be entered in a book from now on.
func (m *Market) setEntry(b *instrumentBook) {
	b.entryQty = 0
	if m.phase == 'Q' && b.info.State == 'T' {
		b.entryQty = b.maxQty
	}
}

// answer does what a command of a kind asks for.
func (m *Market) answer(kind CommandKind) {
	switch kind {
	case ListInstrument:
		m.list()
	case AddParticipant:
		m.addParticipant()
	case AddSession:
		m.addSession()
	case SystemEvent:
		m.systemEvent()
	case TradingAction:
		m.tradingAction()
	case Enter:
		m.enter()
	case Cancel:
		m.cancel()
	case Replace:
		m.replace()
	case Reduce:
		m.reduce()
	case Logon:
		m.logon()
	case SessionMessage:
		m.sessionMessage()
	case Disconnect:
		m.disconnect()
	case CancelSession:
		m.cancelSession()
	case MassCancel:
		m.massCancel()
	case Status:
		m.status()
	case Tick:
	}
}

// vacant appends an event in which anything may be and gives it to be written.
func (m *Market) vacant() *Event {
	n := len(m.out)
	if n == cap(m.out) {
		m.out = append(m.out, Event{})[:n]
	}
	m.out = m.out[:n+1]
	return &m.out[n]
}

// event appends an empty event of a kind and gives it to be filled, until the next one.
func (m *Market) event(kind EventKind) *Event {
	e := m.vacant()
	*e = Event{}
	e.Kind, e.Index, e.Time = kind, m.counters.index, m.counters.time
	return e
}

// onFeed gives the event its number on the feed.
func (m *Market) onFeed(e *Event, message byte) {
	m.counters.feed++
	e.Feed, e.FeedSeq = message, m.counters.feed
}

// Index is how many commands were applied.
func (m *Market) Index() uint64 { return m.counters.index }

// StreamHash is a rolling hash over every command applied and every event that followed.
func (m *Market) StreamHash() uint64 {
	m.catchUp()
	return m.counters.stream
}

// Phase is the code of the last SystemEvent, 0 before the first.
func (m *Market) Phase() byte { return m.phase }

// Time is the time of the latest command, ns since the Unix epoch.
func (m *Market) Time() int64 { return m.counters.time }

// Orders, Trades, Volume count orders accepted, trades and lots traded; Resting is how many orders are open.
func (m *Market) Orders() uint64 { return m.counters.order }
func (m *Market) Trades() uint64 { return m.counters.trades }
func (m *Market) Volume() uint64 { return m.counters.volume }
func (m *Market) Resting() int   { return int(m.counters.resting) }

// NextFeedSeq is the number that the next message of the feed will have.
func (m *Market) NextFeedSeq() uint64 { return m.counters.feed + 1 }

// NumInstruments is how many instruments are listed; they are numbered from 1.
func (m *Market) NumInstruments() int { return len(m.books) - 1 }

// Instrument gives a listed instrument.
func (m *Market) Instrument(number uint16) Instrument { return m.books[number].info }

// InstrumentBySymbol finds an instrument's number.
func (m *Market) InstrumentBySymbol(symbol string) (uint16, bool) {
	for i := 1; i < len(m.books); i++ {
		if m.books[i].info.Symbol == symbol {
			return uint16(i), true
		}
	}
	return 0, false
}

// ParticipantByName finds a participant's number.
func (m *Market) ParticipantByName(name string) (uint16, bool) {
	for i := 1; i < len(m.participants); i++ {
		if text(&m.participants[i]) == name {
			return uint16(i), true
		}
	}
	return 0, false
}

// OrderByClientID finds an open order by its present client id.
func (m *Market) OrderByClientID(session uint16, id *ClientID) (RestingOrder, bool) {
	slot := m.pool.find(session, id)
	if slot == 0 {
		return RestingOrder{}, false
	}
	return m.resting(slot), true
}

func text(id *ClientID) string {
	n := 0
	for n < len(id) && id[n] != 0 {
		n++
	}
	return string(id[:n])
}
