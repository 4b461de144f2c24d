package ws

const (
	// CandleMinutes is how many minutes with trades of each product are kept.
	CandleMinutes = 4096
	// TradesKept is how many trades of each product are kept.
	TradesKept = 1000
	// CandlesGiven is how many candles one answer has at most.
	CandlesGiven = 300
	minutesOfDay = 24 * 60
)

// Granularities are the lengths of candles in seconds that can be asked for.
var Granularities = []int64{60, 300, 900, 3600, 21600, 86400}

// Trade is one execution.
type Trade struct {
	ID       uint64
	Sequence uint64
	Price    uint32 // 1/10,000
	Size     uint64 // shares
	Maker    byte   // side of the resting order, B or S
	Time     int64  // ns since the Unix epoch
}

// Candle is what traded in a stretch of time.
type Candle struct {
	Start                  int64 // seconds since the Unix epoch
	Low, High, Open, Close uint32
	Volume                 uint64
}

// add takes a later stretch in.
func (c *Candle) add(d *Candle) {
	if c.Volume == 0 {
		start := c.Start
		*c = *d
		c.Start = start
		return
	}
	c.Low, c.High, c.Close, c.Volume = min(c.Low, d.Low), max(c.High, d.High), d.Close, c.Volume+d.Volume
}

// history is a product's trades by the minute, oldest first, and the last of them one by one.
type history struct {
	minutes []Candle // the last one is being made
	trades  []Trade  // a ring of TradesKept
	count   uint64   // of all trades
	volume  uint64   // of all trades: the session's, which stands for 30 days
	// before is the last 24 hours up to the minute being made, which is that of madeFor.
	before  Candle
	madeFor int64
}

func (h *history) add(t Trade) {
	if len(h.trades) < TradesKept {
		h.trades = append(h.trades, t)
	} else {
		h.trades[h.count%TradesKept] = t
	}
	h.count++
	h.volume += t.Size
	start := t.Time / nanosPerMinute * 60
	if n := len(h.minutes); n == 0 || h.minutes[n-1].Start != start {
		if n >= 2*CandleMinutes {
			h.minutes = append(h.minutes[:0], h.minutes[n-CandleMinutes:]...)
		}
		h.minutes = append(h.minutes, Candle{Start: start})
	}
	h.minutes[len(h.minutes)-1].add(&Candle{Low: t.Price, High: t.Price, Open: t.Price, Close: t.Price, Volume: t.Size})
}

// last gives the i-th trade counted back from the latest, which is 0.
func (h *history) last(i int) (*Trade, bool) {
	if i < 0 || i >= len(h.trades) {
		return nil, false
	}
	return &h.trades[(h.count-1-uint64(i))%TradesKept], true
}

// day sums up the 24 hours to a time, to the minute.
func (h *history) day(now int64) Candle {
	n := len(h.minutes)
	if n == 0 {
		return Candle{}
	}
	minute := now / nanosPerMinute * 60
	from := minute - (minutesOfDay-1)*60
	latest := &h.minutes[n-1]
	if h.madeFor != minute {
		h.madeFor, h.before = minute, Candle{}
		for i := range h.minutes {
			if c := &h.minutes[i]; c.Start >= from && c.Start < minute {
				h.before.add(c)
			}
		}
	}
	sum := h.before
	if latest.Start == minute {
		sum.add(latest)
	}
	return sum
}

// Candles appends the candles of so many seconds that begin in [start, end], newest first, CandlesGiven at most. Stretches without a trade have none.
func (p *Product) Candles(dst []Candle, granularity, start, end int64) []Candle {
	first := len(dst)
	for i := len(p.history.minutes) - 1; i >= 0; i-- {
		c := p.history.minutes[i]
		begin := c.Start / granularity * granularity
		if begin > end {
			continue
		}
		if begin < start {
			break
		}
		if n := len(dst); n > first && dst[n-1].Start == begin {
			older := c
			older.add(&dst[n-1])
			older.Start = begin
			dst[n-1] = older
			continue
		}
		if len(dst)-first == CandlesGiven {
			break
		}
		c.Start = begin
		dst = append(dst, c)
	}
	return dst
}
