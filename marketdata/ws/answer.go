package ws

import (
	"strconv"
	"time"

	"exchange/marketdata/depth"
)

// AppendBook appends a book as the JSON object that /products/ID/book gives. Level 1: the best price of each side; 2: all prices; both with the number of
// orders. Level 3: all orders, those of one price in their order.
func (m *Market) AppendBook(dst []byte, p *Product, level int) []byte {
	dst = append(dst, `{"sequence":`...)
	dst = strconv.AppendUint(dst, p.sequence, 10)
	dst = append(dst, `,"time":"`...)
	dst = m.clock.append(dst, m.time)
	dst = append(dst, `","checksum":`...)
	dst = strconv.AppendUint(dst, uint64(p.Checksum()), 10)
	if level == 3 {
		dst = p.appendOrders(append(dst, `,"bids":[`...), 'B')
		dst = p.appendOrders(append(dst, `],"asks":[`...), 'S')
		return append(dst, `]}`...)
	}
	bids, asks := p.book.Depth()
	if level == 1 {
		bids, asks = min(bids, 1), min(asks, 1)
	}
	dst = p.appendLevels(append(dst, `,"bids":[`...), p.book.AppendBids(nil, bids))
	dst = p.appendLevels(append(dst, `],"asks":[`...), p.book.AppendAsks(nil, asks))
	return append(dst, `]}`...)
}

func (p *Product) appendLevels(dst []byte, levels []depth.Level) []byte {
	for i, l := range levels {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `["`...)
		dst = appendPrice(dst, l.Price, p.decimals)
		dst = append(dst, `","`...)
		dst = appendSize(dst, l.Shares)
		dst = append(dst, `",`...)
		dst = append(strconv.AppendInt(dst, int64(l.Orders), 10), ']')
	}
	return dst
}

func (p *Product) appendOrders(dst []byte, side byte) []byte {
	for i, o := range p.book.AppendOrders(nil, side) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `["`...)
		dst = appendPrice(dst, o.Price, p.decimals)
		dst = append(dst, `","`...)
		dst = appendSize(dst, o.Shares)
		dst = append(dst, `","`...)
		dst = appendID(dst, byReference, o.Ref)
		dst = append(dst, `"]`...)
	}
	return dst
}

// AppendTrades appends the last trades as a JSON array, newest first, limit at most. With older and newer not 0, only those whose ids are below older and above
// newer. It gives the ids of the first and the last of them, 0 if there is none.
func (m *Market) AppendTrades(dst []byte, p *Product, limit int, older, newer uint64) (out []byte, first, last uint64) {
	dst = append(dst, '[')
	for i, n := 0, 0; n < limit; i++ {
		t, ok := p.history.last(i)
		if !ok || t.ID <= newer {
			break
		}
		if older != 0 && t.ID >= older {
			continue
		}
		if n > 0 {
			dst = append(dst, ',')
		} else {
			first = t.ID
		}
		last = t.ID
		n++
		dst = append(dst, `{"trade_id":`...)
		dst = strconv.AppendUint(dst, t.ID, 10)
		dst = append(dst, `,"side":"`...)
		dst = append(dst, sideName(t.Maker)...)
		dst = append(dst, `","size":"`...)
		dst = appendSize(dst, t.Size)
		dst = append(dst, `","price":"`...)
		dst = appendPrice(dst, t.Price, p.decimals)
		dst = append(dst, `","time":"`...)
		dst = m.clock.append(dst, t.Time)
		dst = append(dst, `"}`...)
	}
	return append(dst, ']'), first, last
}

// AppendTickerAnswer appends the JSON object that /products/ID/ticker gives. Before the first trade it has no price.
func (m *Market) AppendTickerAnswer(dst []byte, p *Product) []byte {
	bid, haveBid := p.book.BestBid()
	ask, haveAsk := p.book.BestAsk()
	dst = append(dst, `{"trade_id":`...)
	dst = strconv.AppendUint(dst, p.trade.ID, 10)
	dst = m.appendPriceField(dst, p, "price", p.trade.Price, p.trade.ID != 0)
	dst = append(dst, `,"size":"`...)
	dst = appendSize(dst, p.trade.Size)
	dst = append(dst, '"')
	dst = m.appendPriceField(dst, p, "bid", bid.Price, haveBid)
	dst = m.appendPriceField(dst, p, "ask", ask.Price, haveAsk)
	dst = append(dst, `,"volume":"`...)
	dst = appendSize(dst, p.history.day(m.time).Volume)
	dst = append(dst, `","time":"`...)
	at := p.trade.Time
	if p.trade.ID == 0 {
		at = m.time
	}
	dst = m.clock.append(dst, at)
	return append(dst, `"}`...)
}

// appendPriceField appends a field with a price, null if there is none.
func (m *Market) appendPriceField(dst []byte, p *Product, name string, price uint32, there bool) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	if !there {
		return append(dst, `":null`...)
	}
	dst = append(dst, `":"`...)
	return append(appendPrice(dst, price, p.decimals), '"')
}

// AppendStats appends the JSON object that /products/ID/stats gives: the last 24 hours, to the minute, and the session's volume in the place of that of 30 days.
func (m *Market) AppendStats(dst []byte, p *Product) []byte {
	day := p.history.day(m.time)
	dst = append(dst, `{"open":"`...)
	dst = appendPrice(dst, day.Open, p.decimals)
	dst = append(dst, `","high":"`...)
	dst = appendPrice(dst, day.High, p.decimals)
	dst = append(dst, `","low":"`...)
	dst = appendPrice(dst, day.Low, p.decimals)
	dst = append(dst, `","last":"`...)
	dst = appendPrice(dst, p.trade.Price, p.decimals)
	dst = append(dst, `","volume":"`...)
	dst = appendSize(dst, day.Volume)
	dst = append(dst, `","volume_30day":"`...)
	dst = appendSize(dst, p.history.volume)
	return append(dst, `"}`...)
}

// AppendCandles appends the JSON array that /products/ID/candles gives: [time, low, high, open, close, volume] of each, newest first, the numbers as numbers.
// Start and end are seconds since the Unix epoch.
func (m *Market) AppendCandles(dst []byte, p *Product, granularity, start, end int64) []byte {
	dst = append(dst, '[')
	for i, c := range p.Candles(nil, granularity, start, end) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(strconv.AppendInt(append(dst, '['), c.Start, 10), ',')
		for _, price := range [...]uint32{c.Low, c.High, c.Open, c.Close} {
			dst = append(appendPrice(dst, price, p.decimals), ',')
		}
		dst = append(appendSize(dst, c.Volume), ']')
	}
	return append(dst, ']')
}

// AppendTime appends the JSON object that /time gives for a time, ns since the Unix epoch.
func AppendTime(dst []byte, now int64) []byte {
	var c clock
	dst = append(dst, `{"iso":"`...)
	dst = c.append(dst, now)
	dst = append(dst, `","epoch":`...)
	return append(strconv.AppendFloat(dst, float64(now/int64(time.Millisecond))/1000, 'f', 3, 64), '}')
}
