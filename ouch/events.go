package ouch

import (
	"encoding/binary"

	"exchange/book"
)

const nanosPerDay = 24 * 60 * 60 * uint64(second)

// FromEvent makes the report that an event with a number is in an account's stream: each is exactly one. It is a pure function of the event and what is
// traded, so every replica makes the same bytes.
func (r *Report) FromEvent(e *book.Event, table InstrumentTable) {
	r.Tags.Clear()
	r.Time = uint64(e.Time) % nanosPerDay
	instrument, known := table.InstrumentByNumber(e.Instrument)
	if !known {
		instrument = Instrument{Tick: 1, Lot: 1, Symbol: MakeSymbol("")}
	}
	shares := func(lots int64) uint32 { return uint32(lots * instrument.Lot) }
	switch e.Kind {
	case book.SystemEventOccurred:
		r.Type, r.Event = SystemEvent, e.Code
	case book.SessionMessageSent:
		r.sessionMessage(e, instrument.Symbol)
	case book.Accepted, book.Replaced:
		r.order(e, &instrument)
	case book.Rejected:
		r.Type = Rejected
		r.carried(&e.ClientID)
		r.Tags.Clear()
		if r.ClOrdID == (ClOrdID{}) {
			r.ClOrdID = MakeClOrdID("") // of a mass cancel, which has none
		}
		r.RejectReason = rejectReason(e)
	case book.Filled:
		r.Type, r.UserRefNum = Executed, e.ClientID.Number()
		r.Quantity, r.Price, r.Match = shares(e.LastQty), uint64(e.LastPrice*instrument.Tick), e.Match
		r.Liquidity = liquidity(e)
	case book.Cancelled:
		r.Type, r.UserRefNum = Canceled, e.ClientID.Number()
		r.Quantity, r.Reason = shares(e.Qty-e.Cum), byte(cancelReason(e.Reason))
		r.prevented(e, &instrument)
	case book.Reduced:
		r.Type, r.UserRefNum = Canceled, e.ClientID.Number()
		r.Quantity, r.Reason = shares(e.LastQty), byte(cancelReason(e.Reason))
		r.prevented(e, &instrument)
		if e.Code != 0 {
			r.Type, r.Side, r.Quantity = Modified, e.Code, shares(e.Qty)
		}
	case book.Refreshed:
		r.Type, r.UserRefNum, r.Reason = Restated, e.ClientID.Number(), 'R'
		shown := e.Shown
		if shown == 0 {
			shown = e.Leaves
		}
		r.Tags.Set(TagSecondaryOrderRef, e.Ref)
		r.Tags.Set(TagDisplayQuantity, uint64(shares(shown)))
	default:
		r.Type, r.UserRefNum = CancelReject, e.ClientID.Number()
	}
	if channel := e.ClientID.Channel(); channel != 0 {
		r.Tags.Set(TagUserRefIdx, uint64(channel))
	}
}

// liquidity is what an order did, or would have done, in a trade.
func liquidity(e *book.Event) byte {
	switch {
	case !e.Resting:
		return RemovedLiquidity
	case e.Conditions&book.Hidden != 0:
		return AddedHiddenLiquidity
	}
	return AddedLiquidity
}

// prevented makes of a Canceled an AIQCanceled, if it is known what would have traded.
func (r *Report) prevented(e *book.Event, instrument *Instrument) {
	if e.Reason != book.SelfTradePrevented || e.LastPrice == 0 {
		return
	}
	r.Type, r.Liquidity = AIQCanceled, liquidity(e)
	r.Prevented, r.Price = uint32(e.LastQty*instrument.Lot), uint64(e.LastPrice*instrument.Tick)
}

// sessionMessage is the answer to a request about the account.
func (r *Report) sessionMessage(e *book.Event, symbol Symbol) {
	r.UserRefNum = e.ClientID.Number()
	copy(r.Firm[:], e.ClientID[carriedFirm:])
	switch e.Code {
	case 'C':
		r.Type, r.Symbol = MassCancelAnswer, symbol
	case 'D':
		r.Type = DisableAnswer
	case 'E':
		r.Type = EnableAnswer
	default:
		r.Type, r.UserRefNum = QueryAnswer, uint32(e.NextIn)
	}
}

// order is an Accepted or a Replaced.
func (r *Report) order(e *book.Event, instrument *Instrument) {
	r.carried(&e.ClientID)
	r.Type, r.Sweep, r.Cross, r.State = Accepted, 'N', CrossNone, StateLive
	r.Symbol, r.OrderRef = instrument.Symbol, e.Ref
	r.Quantity, r.Price = uint32(e.Qty*instrument.Lot), uint64(e.Price*instrument.Tick)
	if e.Type == book.MarketOrder {
		r.Price = MarketPrice
	}
	if e.Conditions&book.PostOnly != 0 {
		r.Tags.Set(TagPostOnly, 'P')
	}
	if e.Kind == book.Replaced {
		r.Type, r.OrigUserRefNum = Replaced, e.OrigID.Number()
		return
	}
	for _, back := range [...]struct {
		at  int
		tag Tag
	}{{carriedMinQty, TagMinQty}, {carriedMaxFloor, TagMaxFloor}, {carriedExpireTime, TagExpireTime}} {
		if v := binary.BigEndian.Uint32(e.OrigID[back.at:]); v != 0 {
			r.Tags.Set(back.tag, uint64(v))
		}
	}
}
