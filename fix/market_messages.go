package fix

import "exchange/book"

// encodeMarketData appends a MarketDataSnapshotFullRefresh (W), MarketDataIncrementalRefresh (X) or SecurityStatus (f).
func (a *Acceptor) encodeMarketData(ev *book.Event, s *subscription, state *marketState, ctx *EncodeContext) []byte {
	e := encoderOn(a.out)
	header(&e, ctx, oneByteType(ev.Code), ev.OutSeq, ev.Time, nil)
	instrument, _ := ctx.Instruments.InstrumentByNumber(s.instrument)
	w := entryWriter{e: &e, instrument: &instrument}
	switch ev.Code {
	case 'W':
		e.text(tagSymbol, instrument.Symbol)
		e.text(tagMDReqID, s.id)
		w.full(s, state)
	case 'X':
		e.text(tagMDReqID, s.id)
		w.changes(s, state)
	case 'f':
		e.text(tagSymbol, instrument.Symbol)
		e.time(tagTransactTime, ev.Time, ctx.Precision, &ctx.day)
		e.text(tagSecurityStatusReqID, s.id)
		e.uint(tagSecurityTradingStatus, tradingStatus(state))
	}
	return e.finish()
}

// tradingStatus is SecurityTradingStatus (326).
func tradingStatus(state *marketState) uint64 {
	const halted, ready, notAvailable = 2, 17, 18
	switch {
	case state.phase != 'Q':
		return notAvailable
	case state.state == 'H':
		return halted
	}
	return ready
}

// entryWriter writes the entries of W and X. Their number comes first, so they are counted before they are written.
type entryWriter struct {
	e          *encoder
	instrument *Instrument
}

// MDEntryType (269) by side, and of trades.
var entryTypes = [2]byte{'0', '1'}

const entryTrade = '2'

func (w *entryWriter) full(s *subscription, state *marketState) {
	count := len(state.sides[0]) + len(state.sides[1])
	if state.qty != 0 {
		count++
	}
	w.e.uint(tagNoMDEntries, uint64(count))
	for side, levels := range state.sides {
		for _, l := range levels {
			w.e.char(tagMDEntryType, entryTypes[side])
			w.priceAndSize(l.Price, l.Qty, l.Orders)
		}
	}
	if state.qty != 0 {
		w.e.char(tagMDEntryType, entryTrade)
		w.priceAndSize(state.price, state.qty, 0)
	}
}

// MDUpdateAction (279).
const (
	entryNew     = '0'
	entryChanged = '1'
	entryGone    = '2'
)

// changes writes the levels that are new, changed or gone since what was sent, twice: once to count them.
func (w *entryWriter) changes(s *subscription, state *marketState) {
	count := 0
	w.eachChange(s, state, func(byte, byte, book.PriceLevel) { count++ })
	w.e.uint(tagNoMDEntries, uint64(count))
	w.eachChange(s, state, func(action, kind byte, l book.PriceLevel) {
		w.e.char(tagMDUpdateAction, action)
		w.e.char(tagMDEntryType, kind)
		w.e.text(tagSymbol, w.instrument.Symbol)
		w.priceAndSize(l.Price, l.Qty, l.Orders)
	})
}

func (w *entryWriter) eachChange(s *subscription, state *marketState, tell func(action, kind byte, l book.PriceLevel)) {
	for side := range state.sides {
		before, after := s.sent.sides[side], state.sides[side]
		for _, l := range before {
			if _, still := levelAt(after, l.Price); !still {
				tell(entryGone, entryTypes[side], l)
			}
		}
		for _, l := range after {
			switch old, was := levelAt(before, l.Price); {
			case !was:
				tell(entryNew, entryTypes[side], l)
			case !sameLevel(old, l):
				tell(entryChanged, entryTypes[side], l)
			}
		}
	}
	if state.price != s.sent.price || state.qty != s.sent.qty {
		tell(entryNew, entryTrade, book.PriceLevel{Price: state.price, Qty: state.qty})
	}
}

func levelAt(levels []book.PriceLevel, price int64) (book.PriceLevel, bool) {
	for _, l := range levels {
		if l.Price == price {
			return l, true
		}
	}
	return book.PriceLevel{}, false
}

func (w *entryWriter) priceAndSize(ticks, lots int64, orders int) {
	w.e.decimal(tagMDEntryPx, ticks*w.instrument.Tick, priceScale, w.instrument.decimals())
	w.e.uint(tagMDEntrySize, uint64(lots*w.instrument.Lot))
	if orders > 0 {
		w.e.uint(tagNumberOfOrders, uint64(orders))
	}
}
