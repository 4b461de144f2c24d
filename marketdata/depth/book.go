package depth

import "exchange/marketdata/itch"

// Book is one instrument's, as the feed tells it.
type Book struct {
	// Locate is the instrument's number in the feed, Symbol its name, RoundLot its lot in shares.
	Locate   uint16
	Symbol   string
	RoundLot uint32
	// State is the trading state: H halted, P paused, Q quotation only, T trading; 0 while the feed has not said it.
	State byte
	// Trades holds the last trades and the day's totals.
	Trades Trades

	stock itch.Symbol
	// directory and action are the messages that listed the instrument and set its state last; their Type is 0 before they came.
	directory, action itch.Message
	bids, asks        side
	orders            *orders
}

// AppendBids appends the n best levels, the best one first.
func (b *Book) AppendBids(dst []Level, n int) []Level { return appendLevels(dst, &b.bids, n) }

// AppendAsks appends the n best levels, the best one first.
func (b *Book) AppendAsks(dst []Level, n int) []Level { return appendLevels(dst, &b.asks, n) }

func appendLevels(dst []Level, s *side, n int) []Level {
	for i := len(s.levels) - 1; i >= 0 && i >= len(s.levels)-n; i-- {
		dst = append(dst, s.levels[i].Level)
	}
	return dst
}

// Depth counts the levels of each side.
func (b *Book) Depth() (bids, asks int) { return len(b.bids.levels), len(b.asks.levels) }

// BestBid gives the best level of the side that buys.
func (b *Book) BestBid() (Level, bool) { return best(&b.bids) }

// BestAsk gives the best level of the side that sells.
func (b *Book) BestAsk() (Level, bool) { return best(&b.asks) }

func best(s *side) (Level, bool) {
	if len(s.levels) == 0 {
		return Level{}, false
	}
	return s.levels[len(s.levels)-1].Level, true
}

// Shares gives what rests at a price of a side (B or S).
func (b *Book) Shares(sideLetter byte, price uint32) uint64 { return b.side(sideLetter).shares(price) }

// Crossed tells that somebody bids as much as somebody asks. In continuous trading that cannot be.
func (b *Book) Crossed() bool {
	bid, haveBid := b.BestBid()
	ask, haveAsk := b.BestAsk()
	return haveBid && haveAsk && bid.Price >= ask.Price
}

// AppendOrders appends every order of a side (B or S), the best level first, each level's oldest order first.
func (b *Book) AppendOrders(dst []Order, sideLetter byte) []Order {
	s := b.side(sideLetter)
	for i := len(s.levels) - 1; i >= 0; i-- {
		for at := s.levels[i].head; at != none; at = b.orders.nodes[at].next {
			dst = append(dst, b.orders.nodes[at].Order)
		}
	}
	return dst
}

func (b *Book) side(letter byte) *side {
	if letter == 'B' {
		return &b.bids
	}
	return &b.asks
}
