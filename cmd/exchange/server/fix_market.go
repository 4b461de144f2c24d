package server

import "exchange/book"

// marketView shows connections the market as the loop has it: each look is made by the loop, between two turns.
type marketView struct{ r *Replica }

func (v marketView) look(f func()) {
	if v.r.host.called { // whoever calls the loop calls this, too
		f()
		return
	}
	v.r.do(f)
}

// Depth appends the side's best n levels that are shown.
func (v marketView) Depth(instrument uint16, side book.Side, n int, dst []book.PriceLevel) []book.PriceLevel {
	v.look(func() { dst = v.r.market.Depth(instrument, side, n, dst) })
	return dst
}

// Last is the last trade in ticks and lots.
func (v marketView) Last(instrument uint16) (price, qty int64) {
	v.look(func() {
		s := v.r.market.Statistics(instrument)
		price, qty = s.Last, s.LastQty
	})
	return price, qty
}

// State is the instrument's trading state and the point of the day.
func (v marketView) State(instrument uint16) (state, phase byte) {
	v.look(func() { state, phase = v.r.market.Instrument(instrument).State, v.r.market.Phase() })
	return state, phase
}
