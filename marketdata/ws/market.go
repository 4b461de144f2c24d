package ws

import (
	"encoding/binary"
	"errors"
	"fmt"

	"exchange/marketdata/depth"
	"exchange/marketdata/itch"
)

const (
	// CommandMessages bounds the messages that are looked at together. A command with more of them comes to clients in pieces, the same on every
	// replica.
	CommandMessages = 4096
	// DefaultRecords is how many events of full are kept for clients that come back, all products together: some 80 bytes each.
	DefaultRecords = 1 << 18
)

// Config says what the feed does not.
type Config struct {
	// Session is the name of the feed's session.
	Session string
	// Day is midnight UTC of the day of the feed's first message, ns since the Unix epoch. Times that fall back below the one before are the next day's.
	Day int64
	// Quote is the currency that prices are in. Empty: USD.
	Quote string
	// Tick gives an instrument's tick size in 1/10,000, 0 if it is not known. It has to be the same on every replica. Nil: none is known.
	Tick func(symbol string) int64
	// Records bounds the ring of the last events. 0: DefaultRecords.
	Records int
}

// Market is all products, as far as the feed was applied.
type Market struct {
	cfg     Config
	builder *depth.Builder
	// products by locate; those of all is in the order of their numbers.
	products []*Product
	all      []*Product
	byID     map[string]*Product
	ring     ring
	clock    clock

	number uint64 // of the next message to read
	time   int64  // of the last command, ns since the Unix epoch

	// The command being read: its messages, which change nothing before it is whole, their tracking number, time and day.
	messages [][]byte
	tracking uint16
	readTime int64
	day      int64
	// The command that is whole: what its messages did, and to whom.
	changes  []depth.Change
	involved []*Product

	dirty       []*Product
	statusDirty bool
}

// NewMarket makes an empty market, before the first message of the feed.
func NewMarket(cfg Config) *Market {
	if cfg.Quote == "" {
		cfg.Quote = "USD"
	}
	if cfg.Records == 0 {
		cfg.Records = DefaultRecords
	}
	return &Market{cfg: cfg, builder: depth.NewBuilder(), byID: make(map[string]*Product), ring: makeRing(cfg.Records), number: 1, day: cfg.Day}
}

// Next is the number of the message that Apply has to be given.
func (m *Market) Next() uint64 { return m.number }

// Session is the name of the feed's session.
func (m *Market) Session() string { return m.cfg.Session }

// Time is the time of the last whole command, ns since the Unix epoch.
func (m *Market) Time() int64 { return m.time }

// Product finds a product by its id.
func (m *Market) Product(id string) *Product { return m.byID[id] }

// Products are all, in the order of their numbers.
func (m *Market) Products() []*Product { return m.all }

// header is the part of a message that all types have.
const header = 11

// ErrShort is a message without a header.
var ErrShort = errors.New("message shorter than its header")

// Apply takes the next message of the feed, whose bytes must not change any more. What it does is done, all at once, when its command is whole: at the first
// message of the next one, or at Settle. An impossible message is an error, after which the market is not to be used.
func (m *Market) Apply(message []byte) error {
	if len(message) < header {
		return fmt.Errorf("message %d: %w", m.number, ErrShort)
	}
	tracking, time := binary.BigEndian.Uint16(message[3:]), m.timeOf(message)
	if len(m.messages) > 0 && (tracking != m.tracking || time != m.readTime || len(m.messages) == CommandMessages) {
		if err := m.Settle(); err != nil {
			return err
		}
	}
	m.number++
	m.tracking, m.readTime = tracking, time
	m.messages = append(m.messages, message)
	return nil
}

// timeOf gives a message's time since the Unix epoch, and notices midnight.
func (m *Market) timeOf(message []byte) int64 {
	since := sinceMidnight(message)
	if m.day+since < m.readTime {
		m.day += nanosPerDay
	}
	return m.day + since
}

// sinceMidnight is a message's time of the day, ns.
func sinceMidnight(message []byte) int64 {
	return int64(binary.BigEndian.Uint16(message[5:]))<<32 | int64(binary.BigEndian.Uint32(message[7:]))
}

// DayOfFirst finds the day of a feed's first message, for Config.Day: messages tell the time of the day only. It is shown all of them in order.
type DayOfFirst struct {
	before int64
	days   int64
	any    bool
}

// Add takes the next message.
func (d *DayOfFirst) Add(message []byte) {
	if len(message) < header {
		return
	}
	since := sinceMidnight(message)
	if d.any && since < d.before {
		d.days++
	}
	d.before, d.any = since, true
}

// Day gives midnight UTC of the first message's day, if the last one was sent at most a day before the time (ns since the Unix epoch).
func (d *DayOfFirst) Day(notBefore int64) int64 {
	day := notBefore / nanosPerDay
	if notBefore%nanosPerDay < d.before {
		day--
	}
	return (day - d.days) * nanosPerDay
}

// list makes a product of an instrument that is listed.
func (m *Market) list(b *depth.Book) {
	m.statusDirty = true
	for len(m.products) <= int(b.Locate) {
		m.products = append(m.products, nil)
	}
	if m.products[b.Locate] != nil {
		return
	}
	p := &Product{book: b, decimals: priceDecimals}
	p.Base, p.Quote = split(b.Symbol, m.cfg.Quote)
	p.ID = p.Base + "-" + p.Quote
	if m.cfg.Tick != nil {
		p.tick = m.cfg.Tick(b.Symbol)
		p.decimals = decimalsOf(p.tick)
	}
	m.products[b.Locate] = p
	m.all = append(m.all, p)
	m.byID[p.ID] = p
}

// Settle ends the command being read: there are no more messages of it.
func (m *Market) Settle() error {
	if len(m.messages) == 0 {
		return nil
	}
	m.time = m.readTime
	m.changes = m.changes[:0]
	for i, message := range m.messages {
		c, err := m.builder.ApplyBytes(message)
		if err != nil {
			return fmt.Errorf("message %d: %w", m.number-uint64(len(m.messages)-i), err)
		}
		if c.Type == itch.StockDirectory {
			m.list(c.Book)
		}
		if c.Type != 0 {
			m.changes = append(m.changes, c)
		}
	}
	clear(m.messages)
	m.messages = m.messages[:0]
	m.translate()
	for _, p := range m.involved {
		m.publish(p)
	}
	m.involved = m.involved[:0]
	return nil
}

// publish makes what clients get of a product once per command.
func (m *Market) publish(p *Product) {
	if len(p.touched) > 0 {
		before := p.level2
		p.level2 = p.sequence
		if p.wanted[Level2] {
			p.touched = distinct(p.touched)
			p.frames[Level2] = m.appendUpdate(p.frames[Level2], p, before)
		}
		p.touched = p.touched[:0]
	}
	if p.traded && p.wanted[Ticker] {
		p.frames[Ticker] = m.AppendTicker(p.frames[Ticker], p)
	}
	p.traded = false
}

// involve notes that the command changes a product.
func (m *Market) involve(p *Product) {
	for _, q := range m.involved {
		if p == q {
			return
		}
	}
	m.involved = append(m.involved, p)
	if !p.dirty {
		p.dirty = true
		m.dirty = append(m.dirty, p)
	}
}

// Want says whether frames are to be made for a product's stream, one of Full, Matches, Level2 and Ticker. What was made so far and not taken is dropped.
func (m *Market) Want(p *Product, c Channel, wanted bool) {
	p.wanted[c] = wanted
	p.frames[c] = nil
}

// Take gives the frames that were made since the last call for each stream that is wanted and has any. The bytes are the caller's, and are never changed.
func (m *Market) Take(each func(p *Product, c Channel, frames []byte)) {
	for _, p := range m.dirty {
		p.dirty = false
		for c := range streams {
			if frames := p.frames[c]; len(frames) > 0 {
				// The next frames will take about as much room.
				p.frames[c] = make([]byte, 0, min(len(frames)+len(frames)/8, largestRoom))
				each(p, c, frames)
			}
		}
	}
	m.dirty = m.dirty[:0]
}

// largestRoom bounds the room made for frames before there are any.
const largestRoom = 64 << 10

// StatusChanged tells, once, that products came or their state changed.
func (m *Market) StatusChanged() bool {
	changed := m.statusDirty
	m.statusDirty = false
	return changed
}
