package fix

import "exchange/book"

// symbolsAtOnce is how many symbols one SecurityList has; more come in further ones, all but the last with LastFragment (893) N.
const symbolsAtOnce = 100

// Results of a SecurityListRequest (SecurityRequestResult, 560).
const (
	resultValid   = 0
	resultInvalid = 1
	resultNothing = 2
)

// A SecurityList's event: RefTag and Seconds are the first and last instrument, RefTag 0 for none; Reason the result; the flag moreFollows;
// the text the request's id. Instruments are never taken off and never change, so it is the same when it is sent again.
const moreFollows = book.OneSide

// securityListRequest answers a SecurityListRequest (x) of one symbol or all.
func (a *Acceptor) securityListRequest(in *inbound) {
	if !a.shortIDs(in, book.ClientIDLen, tagSecurityReqID) {
		return
	}
	m := in.m
	id := m.get(tagSecurityReqID)
	answer := func(c *book.Command, first, last uint16, result uint8) {
		c.RefTag, c.Seconds, c.Reason = first, last, book.Reason(result)
		setText(c, id)
	}
	switch string(m.get(tagSecurityListRequestType)) {
	case "0":
		instrument, ok := a.dir.Instrument(m.get(tagSymbol))
		result := uint8(resultValid)
		if !ok {
			result = resultNothing
		}
		answer(a.consume(in, 'y'), instrument.Number, instrument.Number, result)
		return
	case "4":
	default:
		answer(a.consume(in, 'y'), 0, 0, resultInvalid)
		return
	}
	count := a.countInstruments()
	if count == 0 {
		answer(a.consume(in, 'y'), 0, 0, resultNothing)
		return
	}
	for first := 1; first <= count; first += symbolsAtOnce {
		last := min(first+symbolsAtOnce-1, count)
		var c *book.Command
		if first == 1 {
			c = a.consume(in, 'y')
		} else {
			c = a.sessionMessage('y', 0)
		}
		answer(c, uint16(first), uint16(last), resultValid)
		if last < count {
			c.Flags |= moreFollows
		}
	}
}

// marketDefinitionRequest answers a MarketDefinitionRequest (BT, FIX.5.0SP2): there is one market.
func (a *Acceptor) marketDefinitionRequest(in *inbound) {
	if a.shortIDs(in, book.ClientIDLen, tagMarketReqID) {
		setText(a.consume(in, codeMarketDefinition), in.m.get(tagMarketReqID))
	}
}

// codeMarketDefinition is the Code of a MarketDefinition's event: MsgType is BU.
const codeMarketDefinition = 'B'

// countInstruments is how many there are: their numbers have no holes.
func (a *Acceptor) countInstruments() (n int) {
	for n < 1<<16-1 {
		if _, ok := a.dir.InstrumentByNumber(uint16(n + 1)); !ok {
			break
		}
		n++
	}
	return n
}

// securityListBody writes the body of a SecurityList (y).
func securityListBody(e *encoder, ev *book.Event, ctx *EncodeContext) {
	if ev.RefTag != 0 {
		e.uint(tagNoRelatedSym, uint64(ev.Seconds-ev.RefTag)+1)
		for n := uint32(ev.RefTag); n <= uint32(ev.Seconds); n++ {
			instrument, _ := ctx.Instruments.InstrumentByNumber(uint16(n))
			e.text(tagSymbol, instrument.Symbol)
			tick := instrument.decimals()
			if ctx.Version.groupHas("y", tagNoRelatedSym, tagMinPriceIncrement) {
				e.decimal(tagMinPriceIncrement, instrument.Tick, priceScale, tick)
				e.uint(tagRoundLot, uint64(instrument.Lot))
				continue
			}
			e.uint(tagRoundLot, uint64(instrument.Lot))
			e.text(tagText, "tick "+string(appendDecimal(nil, instrument.Tick, priceScale, tick)))
		}
	}
	e.bytes(tagSecurityReqID, eventText(ev))
	e.uint(tagSecurityResponseID, ev.Index)
	e.uint(tagSecurityRequestResult, uint64(ev.Reason))
	if ev.Flags&moreFollows != 0 {
		e.char(tagLastFragment, 'N')
	} else {
		e.char(tagLastFragment, 'Y')
	}
}
