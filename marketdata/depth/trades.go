package depth

// Trade is one execution.
type Trade struct {
	// Match numbers it. Taker is the side of the order that came in, B or S; 0 if the feed does not tell.
	Match  uint64
	Price  uint32
	Shares uint64
	Taker  byte
	// Timestamp in nanoseconds since midnight UTC.
	Timestamp uint64
	// Broken tells that the trade was cancelled afterwards.
	Broken bool
}

// TradesKept is how many trades a book remembers.
const TradesKept = 64

// Trades holds a book's last trades and its totals of the day, broken trades that are still remembered taken off again.
type Trades struct {
	// Count of the trades that count in the volume, Volume in shares, and the highest and lowest price of all trades.
	Count, Volume uint64
	High, Low     uint32

	last [TradesKept]Trade
	seen uint64 // all, the unprinted and the broken ones too
}

// Last gives the i-th trade counted back from the latest, which is Last(0).
func (t *Trades) Last(i int) (Trade, bool) {
	if i < 0 || i >= TradesKept || uint64(i) >= t.seen {
		return Trade{}, false
	}
	return t.last[(t.seen-1-uint64(i))%TradesKept], true
}

func (t *Trades) add(trade Trade) {
	t.last[t.seen%TradesKept] = trade
	t.seen++
	t.Count++
	t.Volume += trade.Shares
	t.High = max(t.High, trade.Price)
	if t.Low == 0 || trade.Price < t.Low {
		t.Low = trade.Price
	}
}

// bust takes a broken trade back, if it is still remembered.
func (t *Trades) bust(match uint64) bool {
	for i := range t.last {
		if b := &t.last[i]; b.Match == match && match != 0 && !b.Broken {
			b.Broken = true
			t.Count--
			t.Volume -= b.Shares
			return true
		}
	}
	return false
}
