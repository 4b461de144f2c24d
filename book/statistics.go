package book

import "math/bits"

// Statistics are an instrument's trades of the day. Prices in ticks, quantities in lots; all 0 before the day's first trade, except Last, which stays
// over days.
type Statistics struct {
	Last, LastQty   int64
	Open, High, Low int64
	Trades, Volume  uint64
	// NotionalHi, NotionalLo: the sum of price times quantity, 128 bits.
	NotionalHi, NotionalLo uint64
}

func (s *Statistics) add(price int64, qty uint32) {
	if s.Trades == 0 {
		s.Open, s.High, s.Low = price, price, price
	}
	s.Last, s.LastQty = price, int64(qty)
	s.High, s.Low = max(s.High, price), min(s.Low, price)
	s.Trades++
	s.Volume += uint64(qty)
	var carry uint64
	s.NotionalLo, carry = bits.Add64(s.NotionalLo, uint64(price)*uint64(qty), 0) // the product fits: see limits.go
	s.NotionalHi += carry
}

// newDay forgets all but the last trade.
func (s *Statistics) newDay() { *s = Statistics{Last: s.Last, LastQty: s.LastQty} }

func (s *Statistics) words() [9]uint64 {
	return [9]uint64{uint64(s.Last), uint64(s.LastQty), uint64(s.Open), uint64(s.High), uint64(s.Low), s.Trades, s.Volume, s.NotionalHi, s.NotionalLo}
}

func (s *Statistics) setWords(w [9]uint64) {
	*s = Statistics{Last: int64(w[0]), LastQty: int64(w[1]), Open: int64(w[2]), High: int64(w[3]), Low: int64(w[4]),
		Trades: w[5], Volume: w[6], NotionalHi: w[7], NotionalLo: w[8]}
}

// Statistics gives an instrument's trades of the day.
func (m *Market) Statistics(instrument uint16) Statistics { return m.books[instrument].day }
