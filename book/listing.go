package book

func (m *Market) list() {
	c := m.cmd
	symbol := text(&c.ClientID)
	if _, known := m.InstrumentBySymbol(symbol); known || symbol == "" || len(symbol) > MaxSymbol || c.Price < 1 || c.Qty < 1 || len(m.books) > m.limits.Instruments {
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
	name := text(&m.cmd.ClientID)
	if _, known := m.ParticipantByName(name); known || name == "" || len(m.participants) > m.limits.Participants {
		return
	}
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
	e := m.event(SessionAdded)
	e.Session, e.ClientID, e.Flags = uint16(len(m.sessions)-1), c.ClientID, c.Flags
}

// systemEvent moves the day on. At the end of market hours ('M') the day's orders end.
func (m *Market) systemEvent() {
	m.phase = m.cmd.Code
	e := m.event(SystemEventOccurred)
	e.Code = m.cmd.Code
	m.onFeed(e, 'S')
	if m.cmd.Code != 'M' {
		return
	}
	for number := range m.books {
		for side := range m.books[number].sides {
			for best := m.books[number].sides[side].best; best != 0; best = m.books[number].sides[side].best {
				m.end(m.levels.levels[best].head, DayEnded, nil)
			}
		}
	}
}
