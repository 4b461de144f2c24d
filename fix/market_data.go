package fix

import "exchange/book"

// MarketView is the market as it is now, for MarketDataRequest and SecurityStatusRequest. Its methods may wait for the state machine, and are called under
// Deliver and Tick of one acceptor.
type MarketView interface {
	// Depth appends the side's best levels that are shown, best first, at most n.
	Depth(instrument uint16, side book.Side, n int, dst []book.PriceLevel) []book.PriceLevel
	// Last is the last trade in ticks and lots, 0 before the first.
	Last(instrument uint16) (price, qty int64)
	// State is the instrument's trading state ('T' or 'H') and the point of the day, the code of the last SystemEvent.
	State(instrument uint16) (state, phase byte)
}

// Bounds of market data over a session.
const (
	// MaxSubscriptions is how many instruments a session may follow at a time, over all its requests.
	MaxSubscriptions = 256
	// MaxLevels is how many price levels a side an answer has at most, whatever MarketDepth (264) asks for.
	MaxLevels = 100
)

// marketData is what one connection follows. It ends with the connection. What is sent of it takes numbers of the session, but it is never sent again:
// it would be old, so a ResendRequest fills over it.
type marketData struct {
	subscriptions []*subscription
	levels        []book.PriceLevel // scratch
}

// entryKinds are the kinds of MDEntryType (269) that are given.
type entryKinds uint8

const (
	bids entryKinds = 1 << iota
	offers
	trades
)

// subscription is one instrument that is followed, or asked for once.
type subscription struct {
	id         string
	instrument uint16
	levels     int
	kinds      entryKinds
	// security: the trading status is followed, not prices.
	security bool
	// incremental: only what changed is sent. once: the answer ends it.
	incremental, once bool
	// under: a message is on its way through the log.
	under bool
	sent  marketState
}

// marketState is what was sent last.
type marketState struct {
	known        bool
	sides        [2][]book.PriceLevel
	price, qty   int64
	state, phase byte
}

// marketDataRequest answers a MarketDataRequest (V): a MarketDataSnapshotFullRefresh for each instrument, or one MarketDataRequestReject.
func (a *Acceptor) marketDataRequest(in *inbound) {
	m := in.m
	if a.cfg.Market == nil {
		a.unsupported(in)
		return
	}
	if !a.shortIDs(in, book.ClientIDLen, tagMDReqID) {
		return
	}
	id := string(m.get(tagMDReqID))
	if m.is(tagSubscriptionRequestType, '2') {
		a.unsubscribe(id, false)
		a.consume(in, 0)
		return
	}
	wanted, why := a.wanted(m, id)
	if why != 0 {
		c := a.consume(in, 'Y')
		c.Reason = book.Reason(why)
		setText(c, []byte(id))
		return
	}
	for k, s := range wanted {
		if k == 0 {
			a.askMarketData(a.consume(in, 'W'), s)
		} else {
			a.askMarketData(a.sessionMessage('W', 0), s)
		}
		a.market.subscriptions = append(a.market.subscriptions, s)
	}
}

// askMarketData fills the command that takes the number for what is sent of the subscription.
func (a *Acceptor) askMarketData(c *book.Command, s *subscription) {
	s.under = true
	c.RefTag = s.instrument
	setText(c, []byte(s.id))
}

// wanted reads what a MarketDataRequest asks for; why is its MDReqRejReason (281) if it cannot be had, otherwise 0.
func (a *Acceptor) wanted(m *Message, id string) (wanted []*subscription, why byte) {
	levels, ok := parseUint(m.get(tagMarketDepth))
	if !ok { // below 0
		why = '5'
	}
	if levels == 0 || levels > MaxLevels {
		levels = MaxLevels
	}
	var kinds entryKinds
	m.Body(a.session.Version, func(tag int, value []byte) {
		switch tag {
		case tagMDEntryType:
			switch string(value) {
			case "0":
				kinds |= bids
			case "1":
				kinds |= offers
			case "2":
				kinds |= trades
			default:
				why = '8'
			}
		case tagSymbol:
			instrument, ok := a.dir.Instrument(value)
			if !ok && why == 0 {
				why = '0'
			}
			wanted = append(wanted, &subscription{
				id: id, instrument: instrument.Number, levels: int(levels), incremental: m.is(tagMDUpdateType, '1'), once: m.is(tagSubscriptionRequestType, '0'),
			})
		}
	})
	for _, s := range wanted {
		s.kinds = kinds
	}
	switch {
	case why != 0:
	case a.follows(id, false):
		why = '1'
	case len(wanted) == 0:
		why = '0'
	case len(wanted)+len(a.market.subscriptions) > MaxSubscriptions:
		why = '2'
	}
	return wanted, why
}

func (a *Acceptor) follows(id string, security bool) bool {
	for _, s := range a.market.subscriptions {
		if s.id == id && s.security == security {
			return true
		}
	}
	return false
}

func (a *Acceptor) unsubscribe(id string, security bool) {
	kept := a.market.subscriptions[:0]
	for _, s := range a.market.subscriptions {
		if s.id != id || s.security != security {
			kept = append(kept, s)
		}
	}
	clear(a.market.subscriptions[len(kept):])
	a.market.subscriptions = kept
}

// securityStatusRequest answers a SecurityStatusRequest (e) with a SecurityStatus, and one for a symbol that is not known with a BusinessMessageReject.
func (a *Acceptor) securityStatusRequest(in *inbound) {
	m := in.m
	if a.cfg.Market == nil {
		a.unsupported(in)
		return
	}
	if !a.shortIDs(in, book.ClientIDLen, tagSecurityStatusReqID, tagSymbol) {
		return
	}
	id := string(m.get(tagSecurityStatusReqID))
	if m.is(tagSubscriptionRequestType, '2') {
		a.unsubscribe(id, true)
		a.consume(in, 0)
		return
	}
	instrument, ok := a.dir.Instrument(m.get(tagSymbol))
	switch {
	case !ok:
		a.refuseText(in, businessUnknownSecurity, "unknown instrument")
		return
	case a.follows(id, true):
		a.refuseText(in, businessOther, "SecurityStatusReqID is in use")
		return
	case len(a.market.subscriptions) == MaxSubscriptions:
		a.refuseText(in, businessOther, "too many subscriptions")
		return
	}
	s := &subscription{id: id, instrument: instrument.Number, security: true, once: m.is(tagSubscriptionRequestType, '0')}
	a.market.subscriptions = append(a.market.subscriptions, s)
	a.askMarketData(a.consume(in, 'f'), s)
}

// followMarket asks for numbers for what has changed. Each change waits for the one before it to be sent, so a slow client gets fewer, newer ones.
func (a *Acceptor) followMarket() {
	for _, s := range a.market.subscriptions {
		if s.under || s.once || !a.changed(s) {
			continue
		}
		code := byte('W')
		switch {
		case s.security:
			code = 'f'
		case s.incremental && s.sent.known:
			code = 'X'
		}
		a.askMarketData(a.sessionMessage(code, 0), s)
	}
}

// look reads the market as the subscription sees it.
func (a *Acceptor) look(s *subscription) (now marketState) {
	view := a.cfg.Market
	if s.security {
		now.state, now.phase = view.State(s.instrument)
		return now
	}
	for side, kind := range [2]entryKinds{bids, offers} {
		if s.kinds&kind != 0 {
			now.sides[side] = view.Depth(s.instrument, book.Side(side), s.levels, nil)
		}
	}
	if s.kinds&trades != 0 {
		now.price, now.qty = view.Last(s.instrument)
	}
	return now
}

func (a *Acceptor) changed(s *subscription) bool {
	now := a.look(s)
	if now.state != s.sent.state || now.phase != s.sent.phase || now.price != s.sent.price || now.qty != s.sent.qty {
		return true
	}
	for side := range now.sides {
		if len(now.sides[side]) != len(s.sent.sides[side]) {
			return true
		}
		for i, l := range now.sides[side] {
			if !sameLevel(l, s.sent.sides[side][i]) {
				return true
			}
		}
	}
	return false
}

func sameLevel(a, b book.PriceLevel) bool {
	return a.Price == b.Price && a.Qty == b.Qty && a.Orders == b.Orders
}

// marketMessage tells whether an event is market data, whose content is the market at the time it is sent.
func marketMessage(ev *book.Event) bool {
	return ev.Kind == book.SessionMessageSent && (ev.Code == 'W' || ev.Code == 'X' || ev.Code == 'f')
}

// sendMarketData writes market data under the event's number. If nobody follows it any more, the number is filled over.
func (a *Acceptor) sendMarketData(now int64, ev *book.Event) {
	id := string(eventText(ev))
	for i, s := range a.market.subscriptions {
		if s.id != id || s.instrument != ev.RefTag || s.security != (ev.Code == 'f') {
			continue
		}
		state := a.look(s)
		a.out = a.encodeMarketData(ev, s, &state, a.context(now, false))
		s.sent, s.under = state, false
		s.sent.known = true
		if s.once {
			a.market.subscriptions = append(a.market.subscriptions[:i], a.market.subscriptions[i+1:]...)
		}
		return
	}
	a.out = encodeGapFill(a.out, ev.OutSeq, ev.OutSeq+1, a.context(now, false))
}
