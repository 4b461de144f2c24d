package ws

import (
	"net/url"
	"strings"

	"exchange/marketdata/depth"
)

// Channel is what a client can subscribe to.
type Channel uint8

const (
	Full Channel = iota
	Matches
	Level2
	Ticker
	// The channels from here on are not made by commands but by whoever serves them, at intervals or on change.
	TickerBatch
	Heartbeat
	Status
	channels
	// streams is how many channels have a stream of frames for each product.
	streams = TickerBatch
)

// Channels are all there are.
const Channels = int(channels)

var channelNames = [channels]string{"full", "matches", "level2", "ticker", "ticker_batch", "heartbeat", "status"}

// String is the channel's name in messages.
func (c Channel) String() string { return channelNames[c] }

// channelOf finds a channel by name.
func channelOf(name string) (Channel, bool) {
	for i, n := range channelNames {
		if n == name {
			return Channel(i), true
		}
	}
	return 0, false
}

// Product is one instrument as clients see it.
type Product struct {
	// ID is BASE-QUOTE. Base is the instrument's symbol, unless the symbol is of that form itself.
	ID, Base, Quote string

	book     *depth.Book
	tick     int64 // 1/10,000; 0 if nobody knows
	decimals int

	// sequence of the last event of full; level2 is that of the last one which changed the book.
	sequence, level2 uint64
	last             uint64 // number of the product's last record in the ring
	wanted           [streams]bool
	frames           [streams][]byte
	dirty            bool
	touched          []priceLevel // levels that the command changed
	history          history
	// snapshot is the frame with the book by price, as long as the book is that of snapshotOf.
	snapshot   []byte
	snapshotOf uint64
	// traded is the command's last trade, if it made one.
	traded bool
	trade  Trade
}

// Sequence is the number of the product's last event.
func (p *Product) Sequence() uint64 { return p.sequence }

// Book is the product's book after the last whole command.
func (p *Product) Book() *depth.Book { return p.book }

// split makes base and quote of a symbol. What could not stand in a path or in JSON is written %XX.
func split(symbol, quote string) (base, quoted string) {
	symbol = url.PathEscape(symbol)
	if base, quoted, ok := strings.Cut(symbol, "-"); ok && base != "" && quoted != "" {
		return base, quoted
	}
	return symbol, quote
}

// LastTrade is the number of the product's last trade, 0 if there was none.
func (p *Product) LastTrade() uint64 { return p.trade.ID }
