package ws

import "strconv"

// appendEvent appends the frame of an event of full.
func (m *Market) appendEvent(dst []byte, p *Product, r *record) []byte {
	dst, start := openFrame(dst)
	dst = append(dst, `{"type":"`...)
	if r.kind == matched {
		dst = append(dst, "match"...)
		return closeText(m.appendMatch(dst, p, r), start)
	}
	dst = append(dst, [...]string{received: "received", opened: "open", filled: "done", canceled: "done", changed: "change"}[r.kind]...)
	dst = m.appendPlace(dst, p, r.time, r.sequence)
	dst = append(dst, `,"order_id":"`...)
	dst = appendID(dst, r.orderKind, r.order)
	if !r.unpriced {
		dst = append(dst, `","price":"`...)
		dst = appendPrice(dst, r.price, p.decimals)
	}
	dst = append(dst, `","side":"`...)
	dst = append(dst, sideName(r.side)...)
	switch r.kind {
	case received:
		dst = append(dst, `","order_type":"`...)
		if r.unpriced {
			dst = append(dst, "market"...)
		} else {
			dst = append(dst, "limit"...)
		}
		dst = append(dst, `","size":"`...)
	case opened:
		dst = append(dst, `","remaining_size":"`...)
	case filled:
		dst = append(dst, `","reason":"filled","remaining_size":"`...)
	case canceled:
		dst = append(dst, `","reason":"canceled","remaining_size":"`...)
	case changed:
		dst = append(dst, `","old_size":"`...)
		dst = appendSize(dst, r.before)
		dst = append(dst, `","new_size":"`...)
	}
	dst = appendSize(dst, r.size)
	return closeText(append(dst, `"}`...), start)
}

// appendMatch appends what follows a match's type.
func (m *Market) appendMatch(dst []byte, p *Product, r *record) []byte {
	dst = m.appendPlace(dst, p, r.time, r.sequence)
	dst = append(dst, `,"trade_id":`...)
	dst = strconv.AppendUint(dst, r.trade, 10)
	dst = append(dst, `,"maker_order_id":"`...)
	dst = appendID(dst, r.orderKind, r.order)
	dst = append(dst, `","taker_order_id":"`...)
	dst = appendID(dst, r.takerKind, r.taker)
	dst = append(dst, `","price":"`...)
	dst = appendPrice(dst, r.price, p.decimals)
	dst = append(dst, `","size":"`...)
	dst = appendSize(dst, r.size)
	dst = append(dst, `","side":"`...)
	dst = append(dst, sideName(r.side)...)
	return append(dst, `"}`...)
}

// appendPlace closes the type and appends product, time and sequence.
func (m *Market) appendPlace(dst []byte, p *Product, time int64, sequence uint64) []byte {
	dst = append(dst, `","product_id":"`...)
	dst = append(dst, p.ID...)
	dst = append(dst, `","time":"`...)
	dst = m.clock.append(dst, time)
	dst = append(dst, `","sequence":`...)
	return strconv.AppendUint(dst, sequence, 10)
}

// AppendLastMatch appends the frame that begins the channel matches: the product's last match, if it is still kept.
func (m *Market) AppendLastMatch(dst []byte, p *Product) []byte {
	for r := m.ring.at(p.last); r != nil; r = m.ring.at(r.prev) {
		if r.kind == matched {
			dst, start := openFrame(dst)
			dst = append(dst, `{"type":"last_match`...)
			return closeText(m.appendMatch(dst, p, r), start)
		}
	}
	return dst
}

// AppendTicker appends the frame of a product's last trade, the best levels and the last 24 hours, for the channels Ticker and TickerBatch. A product without
// a trade has none.
func (m *Market) AppendTicker(dst []byte, p *Product) []byte {
	if p.trade.ID == 0 {
		return dst
	}
	t, day := &p.trade, p.history.day(m.time)
	dst, start := openFrame(dst)
	dst = append(dst, `{"type":"ticker`...)
	dst = m.appendPlace(dst, p, t.Time, t.Sequence)
	dst = append(dst, `,"price":"`...)
	dst = appendPrice(dst, t.Price, p.decimals)
	dst = append(dst, `","open_24h":"`...)
	dst = appendPrice(dst, day.Open, p.decimals)
	dst = append(dst, `","volume_24h":"`...)
	dst = appendSize(dst, day.Volume)
	dst = append(dst, `","low_24h":"`...)
	dst = appendPrice(dst, day.Low, p.decimals)
	dst = append(dst, `","high_24h":"`...)
	dst = appendPrice(dst, day.High, p.decimals)
	dst = append(dst, `","volume_30d":"`...)
	dst = appendSize(dst, p.history.volume)
	bid, _ := p.book.BestBid()
	ask, _ := p.book.BestAsk()
	dst = append(dst, `","best_bid":"`...)
	dst = appendPrice(dst, bid.Price, p.decimals)
	dst = append(dst, `","best_bid_size":"`...)
	dst = appendSize(dst, bid.Shares)
	dst = append(dst, `","best_ask":"`...)
	dst = appendPrice(dst, ask.Price, p.decimals)
	dst = append(dst, `","best_ask_size":"`...)
	dst = appendSize(dst, ask.Shares)
	dst = append(dst, `","side":"`...)
	dst = append(dst, sideName(opposite(t.Maker))...) // a ticker tells the side of the order that came in
	dst = append(dst, `","trade_id":`...)
	dst = strconv.AppendUint(dst, t.ID, 10)
	dst = append(dst, `,"last_size":"`...)
	dst = appendSize(dst, t.Size)
	return closeText(append(dst, `"}`...), start)
}

// AppendHeartbeat appends the frame of a product's numbers.
func (m *Market) AppendHeartbeat(dst []byte, p *Product) []byte {
	dst, start := openFrame(dst)
	dst = append(dst, `{"type":"heartbeat`...)
	dst = m.appendPlace(dst, p, m.time, p.sequence)
	dst = append(dst, `,"last_trade_id":`...)
	dst = strconv.AppendUint(dst, p.trade.ID, 10)
	dst = append(dst, `,"session":"`...)
	dst = append(dst, m.cfg.Session...)
	return closeText(append(dst, `"}`...), start)
}
