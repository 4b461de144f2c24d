package ws

import "sort"

// AppendStatus appends the frame of the channel status: all products and currencies.
func (m *Market) AppendStatus(dst []byte) []byte {
	dst, start := openFrame(dst)
	dst = append(dst, `{"type":"status","products":`...)
	dst = m.AppendProducts(dst)
	dst = append(dst, `,"currencies":`...)
	dst = m.AppendCurrencies(dst)
	return closeText(append(dst, '}'), start)
}

// AppendProducts appends all products as a JSON array.
func (m *Market) AppendProducts(dst []byte) []byte {
	dst = append(dst, '[')
	for i, p := range m.all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = m.AppendProduct(dst, p)
	}
	return append(dst, ']')
}

// AppendProduct appends a product as a JSON object.
func (m *Market) AppendProduct(dst []byte, p *Product) []byte {
	increment := uint32(1)
	if p.tick > 0 {
		increment = uint32(p.tick)
	}
	lot := uint64(max(p.book.RoundLot, 1))
	status, message, trades := m.state(p)
	dst = append(dst, `{"id":"`...)
	dst = append(dst, p.ID...)
	dst = append(dst, `","base_currency":"`...)
	dst = append(dst, p.Base...)
	dst = append(dst, `","quote_currency":"`...)
	dst = append(dst, p.Quote...)
	dst = append(dst, `","quote_increment":"`...)
	dst = appendPrice(dst, increment, p.decimals)
	dst = append(dst, `","base_increment":"`...)
	dst = appendSize(dst, lot)
	dst = append(dst, `","base_min_size":"`...)
	dst = appendSize(dst, lot)
	dst = append(dst, `","display_name":"`...)
	dst = append(dst, p.Base...)
	dst = append(dst, '/')
	dst = append(dst, p.Quote...)
	dst = append(dst, `","min_market_funds":"`...)
	dst = appendPrice(dst, increment, p.decimals)
	dst = append(dst, `","type":"spot","margin_enabled":false,"fx_stablecoin":false,"post_only":false,"limit_only":false,"auction_mode":false,"cancel_only":`...)
	dst = appendBool(dst, !trades)
	dst = append(dst, `,"trading_disabled":`...)
	dst = appendBool(dst, !trades)
	dst = append(dst, `,"status":"`...)
	dst = append(dst, status...)
	dst = append(dst, `","status_message":"`...)
	dst = append(dst, message...)
	return append(dst, `"}`...)
}

// state says whether orders are taken, and why not. Orders can be cancelled at all times.
func (m *Market) state(p *Product) (status, message string, trades bool) {
	switch {
	case m.builder.Day() != 'Q':
		return "offline", "the market is closed", false
	case p.book.State == 'H':
		return "online", "halted", false
	case p.book.State == 'P':
		return "online", "paused", false
	case p.book.State == 'Q':
		return "online", "quotation only", false
	}
	return "online", "", true
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}

// currency is what products or prices are counted in.
type currency struct{ id, smallest, kind string }

// currencies are all, in the order of their names.
func (m *Market) currencies() (all []currency) {
	seen := map[string]bool{}
	add := func(c currency) {
		if !seen[c.id] {
			seen[c.id] = true
			all = append(all, c)
		}
	}
	for _, p := range m.all {
		add(currency{p.Quote, "0.0001", "fiat"})
	}
	for _, p := range m.all {
		add(currency{p.Base, "1", "instrument"})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].id < all[j].id })
	return all
}

func (c *currency) append(dst []byte) []byte {
	dst = append(dst, `{"id":"`...)
	dst = append(dst, c.id...)
	dst = append(dst, `","name":"`...)
	dst = append(dst, c.id...)
	dst = append(dst, `","min_size":"`...)
	dst = append(dst, c.smallest...)
	dst = append(dst, `","status":"online","message":"","max_precision":"`...)
	dst = append(dst, c.smallest...)
	dst = append(dst, `","convertible_to":[],"details":{"type":"`...)
	dst = append(dst, c.kind...)
	return append(dst, `"}}`...)
}

// AppendCurrencies appends what products and prices are counted in as a JSON array, in the order of the names.
func (m *Market) AppendCurrencies(dst []byte) []byte {
	dst = append(dst, '[')
	for i, c := range m.currencies() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = c.append(dst)
	}
	return append(dst, ']')
}

// AppendCurrency appends one of them as a JSON object; nothing if there is none of the name.
func (m *Market) AppendCurrency(dst []byte, id string) []byte {
	for _, c := range m.currencies() {
		if c.id == id {
			return c.append(dst)
		}
	}
	return dst
}
