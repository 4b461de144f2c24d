package book

import "strings"

func (m *Market) list() {
	c := m.cmd
	symbol := text(&c.ClientID)
	_, known := m.InstrumentBySymbol(symbol)
	if known || symbol == "" || len(symbol) > MaxSymbol || c.Price < 1 || c.Price > MaxFeedPrice || c.Qty < 1 || c.Qty > MaxShares ||
		len(m.books) > m.limits.Instruments {
		return
	}
	m.books = append(m.books, instrumentBook{
		info:     Instrument{Symbol: symbol, Tick: c.Price, Lot: c.Qty, State: 'T'},
		maxPrice: MaxFeedPrice / c.Price, maxQty: min(m.limits.MaxQty, MaxShares/c.Qty),
	})
	number := uint16(len(m.books) - 1)
	e := m.event(InstrumentListed)
	e.Instrument, e.Price, e.Qty, e.ClientID = number, c.Price, c.Qty, c.ClientID
	m.onFeed(e, 'R')
	m.tradingState(number, 'T')
}

func (m *Market) tradingState(number uint16, state byte) {
	m.books[number].info.State = state
	m.setEntry(&m.books[number])
	e := m.event(TradingStateChanged)
	e.Instrument, e.Code = number, state
	m.onFeed(e, 'H')
}

func (m *Market) tradingAction() {
	c := m.cmd
	if c.Instrument == 0 || int(c.Instrument) >= len(m.books) || c.Code != 'H' && c.Code != 'T' || m.books[c.Instrument].info.State == c.Code {
		return
	}
	m.tradingState(c.Instrument, c.Code)
}

func (m *Market) addParticipant() {
	name, group := text(&m.cmd.ClientID), uint16(len(m.participants))
	if m.cmd.OrigID != (ClientID{}) {
		member, ok := m.ParticipantByName(text(&m.cmd.OrigID))
		if !ok {
			return
		}
		group = m.groups[member]
	}
	if _, known := m.ParticipantByName(name); known || name == "" || len(m.participants) > m.limits.Participants {
		return
	}
	m.groups = append(m.groups, group)
	m.participants = append(m.participants, m.cmd.ClientID)
	m.event(ParticipantAdded).ClientID = m.cmd.ClientID
}

func (m *Market) addSession() {
	c := m.cmd
	name := text(&c.ClientID)
	participant, ok := m.ParticipantByName(text(&c.OrigID))
	if _, known := m.SessionByName(name); known || !ok || name == "" || len(m.sessions) > m.limits.Sessions {
		return
	}
	m.sessions = append(m.sessions, Session{Name: name, Participant: participant, Protocol: c.Protocol, Flags: c.Flags, NextIn: 1, NextOut: 1})
	m.noteDrops()
	e := m.event(SessionAdded)
	e.Session, e.ClientID, e.Flags = uint16(len(m.sessions)-1), c.ClientID, c.Flags
}

// pointOfDay orders the system events: O start of messages, S start of system hours, Q start of market hours, M end of market hours, E end of
// system hours, C end of messages. 0 is before the first, negative is none.
func pointOfDay(code byte) int { return strings.IndexByte("\x00OSQMEC", code) }

// systemEvent moves the day on. Points may be left out but not gone back to, so a second Q of a new leader changes nothing; O after the end of market
// hours begins a new day, with the ids of the day before forgotten. At M (or what comes in its place) the day's orders end: nothing could trade
// with them any more.
func (m *Market) systemEvent() {
	now, next, end := pointOfDay(m.phase), pointOfDay(m.cmd.Code), pointOfDay('M')
	newDay := now >= end && m.cmd.Code == 'O'
	if next <= now && !newDay {
		return
	}
	if newDay {
		m.newDay()
	}
	m.phase = m.cmd.Code
	for number := range m.books {
		m.setEntry(&m.books[number])
	}
	e := m.event(SystemEventOccurred)
	e.Code = m.cmd.Code
	m.onFeed(e, 'S')
	if newDay {
		now = 0
	}
	m.tellOfDay(now, next)
	if next < end {
		return
	}
	for number := range m.books {
		for k := range m.books[number].ladders {
			for slot := m.first(&m.books[number].ladders[k]); slot != 0; {
				next := m.after(slot)
				if m.endsWithDay(&m.pool.orders[slot]) {
					m.end(slot, DayEnded, nil)
				}
				slot = next
			}
		}
	}
}

// newDay forgets the client ids of the day before, except those of the orders that live on, and its trades.
func (m *Market) newDay() {
	m.ids.clear()
	m.newNumbers()
	for number := range m.books {
		b := &m.books[number]
		b.day.newDay()
		for k := range b.ladders {
			for slot := m.first(&b.ladders[k]); slot != 0; slot = m.after(slot) {
				o := &m.pool.orders[slot]
				id := m.pool.orders[slot].name.clientID()
				key := makeKey(o.session, &id)
				m.ids.add(m.ids.block(key), key, true)
			}
		}
	}
}
