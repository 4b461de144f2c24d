package depth

import "exchange/marketdata/itch"

// Messages gives the books as they are as the messages that build them again in an empty Builder, in GLIMPSE's order: the last system event, every
// instrument's directory and trading state, then every order as an addition, instrument by instrument, buyers before sellers, in the order in which
// they would trade. Times are those of the messages that they stand for. Trades are no part of it. It ends when yield says false.
//
// The same messages applied give the same bytes here, on every replica.
func (b *Builder) Messages(yield func(*itch.Message) bool) {
	if b.event.Type != 0 && !yield(&b.event) {
		return
	}
	for _, k := range b.books {
		if k == nil {
			continue
		}
		if !yield(&k.directory) || k.action.Type != 0 && !yield(&k.action) {
			return
		}
	}
	for _, k := range b.books {
		if k != nil && !(k.orderMessages(&k.bids, yield) && k.orderMessages(&k.asks, yield)) {
			return
		}
	}
}

func (k *Book) orderMessages(s *side, yield func(*itch.Message) bool) bool {
	for i := len(s.levels) - 1; i >= 0; i-- {
		for at := s.levels[i].head; at != none; at = k.orders.nodes[at].next {
			o := &k.orders.nodes[at].Order
			m := itch.Message{
				Type: itch.AddOrder, Locate: k.Locate, Timestamp: o.Timestamp, Ref: o.Ref, Side: o.Side, Shares: o.Shares, Stock: k.stock, Price: o.Price,
			}
			if o.MPID != ([4]byte{}) {
				m.Type, m.MPID = itch.AddOrderMPID, o.MPID
			}
			if !yield(&m) {
				return false
			}
		}
	}
	return true
}
