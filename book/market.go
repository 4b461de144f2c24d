package book

// Market is the whole state machine. Apply is its only way forward; everything else reads.
type Market struct {
	limits Limits
	pool   orderPool
	levels levelPool
	nodes  nodePool
	ids    identities

	books        []instrumentBook // by instrument number; 0 is none
	participants []ClientID       // by number; 0 is none
	sessions     []Session        // by number; 0 is none

	counters counters
	phase    byte

	// cmd is the command being applied, out where its events go.
	cmd *Command
	out []Event
}

// counters are the numbers given so far, and the day's sums.
type counters struct {
	index, feed, order, ref, match uint64
	accepted, trades, volume       uint64
	resting                        uint64
	stream                         uint64 // rolling hash
	time                           int64
}

// instrumentBook is an instrument and its two sides.
type instrumentBook struct {
	info     Instrument
	maxPrice int64 // ticks
	maxQty   int64 // lots
	sides    [2]ladder
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
		limits: l, pool: newOrderPool(l.Orders), levels: newLevelPool(l.Orders + 1), nodes: newNodePool(l.PriceNodes), ids: newIdentities(l.ClientIDs),
		books: make([]instrumentBook, 1, l.Instruments+1), participants: make([]ClientID, 1, l.Participants+1), sessions: make([]Session, 1, l.Sessions+1),
	}
}

// Apply takes the next command and appends what follows from it to out. It allocates only when out has to grow.
func (m *Market) Apply(c *Command, out []Event) []Event {
	n := &m.counters
	n.index++
	n.time = max(n.time, c.Time)
	n.stream = hashCommand(n.stream, c)
	first := len(out)
	m.cmd, m.out = c, out
	switch c.Kind {
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
	case Tick:
	}
	out = m.out
	m.cmd, m.out = nil, nil
	for i := first; i < len(out); i++ {
		n.stream = hashEvent(n.stream, &out[i])
	}
	return out
}

// event appends an empty event of a kind and gives it to be filled, until the next one.
func (m *Market) event(kind EventKind) *Event {
	m.out = append(m.out, Event{Kind: kind, Index: m.counters.index, Time: m.counters.time})
	return &m.out[len(m.out)-1]
}

// onFeed gives the event its number on the feed.
func (m *Market) onFeed(e *Event, message byte) {
	m.counters.feed++
	e.Feed, e.FeedSeq = message, m.counters.feed
}

// Index is how many commands were applied.
func (m *Market) Index() uint64 { return m.counters.index }

// StreamHash is a rolling hash over every command applied and every event that followed.
func (m *Market) StreamHash() uint64 { return m.counters.stream }

// Phase is the code of the last SystemEvent, 0 before the first.
func (m *Market) Phase() byte { return m.phase }

// Time is the time of the latest command, ns since the Unix epoch.
func (m *Market) Time() int64 { return m.counters.time }

// Orders, Trades, Volume count orders accepted, trades and lots traded; Resting is how many orders are open.
func (m *Market) Orders() uint64 { return m.counters.accepted }
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

// Best is the best price of a side in ticks; false: the side is empty.
func (m *Market) Best(instrument uint16, side Side) (price int64, ok bool) {
	best := m.books[instrument].sides[side].best
	return m.levels.levels[best].price, best != 0
}

// PriceLevel is one price of a side.
type PriceLevel struct {
	Price, Qty int64
	Orders     int
}

// Depth appends the side's best n levels, best first.
func (m *Market) Depth(instrument uint16, side Side, n int, dst []PriceLevel) []PriceLevel {
	for li := m.books[instrument].sides[side].best; li != 0 && n > 0; n-- {
		l := &m.levels.levels[li]
		dst = append(dst, PriceLevel{Price: l.price, Qty: l.qty, Orders: int(l.count)})
		li = l.worse
	}
	return dst
}

// RestingOrder is an open order.
type RestingOrder struct {
	OrderID, Ref uint64
	Session      uint16
	Side         Side
	Price        int64
	Qty, Open    int64
	ClientID     ClientID
}

// RestingOrders appends the side's orders in the order in which they would trade.
func (m *Market) RestingOrders(instrument uint16, side Side, dst []RestingOrder) []RestingOrder {
	for li := m.books[instrument].sides[side].best; li != 0; li = m.levels.levels[li].worse {
		for s := m.levels.levels[li].head; s != 0; s = m.pool.orders[s].next {
			dst = append(dst, m.resting(s))
		}
	}
	return dst
}

func (m *Market) resting(slot uint32) RestingOrder {
	o := &m.pool.orders[slot]
	return RestingOrder{
		OrderID: o.id, Ref: o.ref, Session: o.session, Side: o.side, Price: o.price, Qty: int64(o.qty), Open: int64(o.open), ClientID: m.pool.ids[slot],
	}
}

// OrderByClientID finds an open order by its present client id.
func (m *Market) OrderByClientID(session uint16, id *ClientID) (RestingOrder, bool) {
	place, seen := m.ids.find(session, id)
	if !seen {
		return RestingOrder{}, false
	}
	slot := m.ids.table[place].slot
	if slot < firstSlot || m.pool.orders[slot].name != place {
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
