package tape

import (
	"os"
	"strconv"

	"exchange/marketdata/depth"
)

// Ladder shows a book as a frame of text: asks above bids, the best ones next to each other, and the last trades below. Zero settings
// mean the defaults.
type Ladder struct {
	// Levels of each side (default 10), and Trades below (default 8; at most depth.TradesKept).
	Levels, Trades int
	// Width of the terminal in columns (default 80). No line is longer; each is filled up to it, so that a frame written over
	// another one leaves nothing of it.
	Width int
	// Color with ANSI escapes; see ColorWanted.
	Color bool

	asks, bids []depth.Level
	line       []byte
}

const (
	defaultLevels = 10
	defaultTrades = 8
	defaultWidth  = 80

	green, red, dim, plain = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
)

// Home moves the cursor to the frame's first line before a frame is written over another one, ClearBelow clears what is below it.
const (
	Home       = "\x1b[H"
	ClearBelow = "\x1b[J"
)

// ColorWanted tells whether a program that writes to a terminal should use color: NO_COLOR is not set, and the terminal is not a dumb one.
func ColorWanted(terminal bool) bool {
	return terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// AppendFrame appends the frame of a book after message number of the feed. It has the same number of lines whatever the book holds:
// 2 x Levels + Trades + 5.
func (l *Ladder) AppendFrame(dst []byte, number uint64, b *depth.Book) []byte {
	levels, trades := or(l.Levels, defaultLevels), or(l.Trades, defaultTrades)
	l.asks, l.bids = b.AppendAsks(l.asks[:0], levels), b.AppendBids(l.bids[:0], levels)
	places := l.decimals(b, trades)

	l.header(number, b, places)
	dst = l.end(dst, "")
	l.columns("orders", "bid", "price", "ask", "orders")
	dst = l.end(dst, dim)
	for i := levels - 1; i >= 0; i-- {
		if i < len(l.asks) {
			a := &l.asks[i]
			l.columns("", "", price(a.Price, places), strconv.FormatUint(a.Shares, 10), strconv.Itoa(a.Orders))
		}
		dst = l.end(dst, red)
	}
	l.spread(places)
	dst = l.end(dst, dim)
	for i := range levels {
		if i < len(l.bids) {
			d := &l.bids[i]
			l.columns(strconv.Itoa(d.Orders), strconv.FormatUint(d.Shares, 10), price(d.Price, places), "", "")
		}
		dst = l.end(dst, green)
	}
	dst = l.end(dst, "")
	l.text("last trades")
	dst = l.end(dst, dim)
	for i := range trades {
		color := ""
		if t, ok := b.Trades.Last(i); ok {
			color = l.trade(&t, places)
		}
		dst = l.end(dst, color)
	}
	return dst
}

func or(setting, otherwise int) int {
	if setting > 0 {
		return setting
	}
	return otherwise
}

func price(p uint32, places int) string { return string(appendDecimals(nil, p, places)) }

// decimals that the frame's prices need, so that they stand under each other.
func (l *Ladder) decimals(b *depth.Book, trades int) int {
	places := 2
	for _, side := range [][]depth.Level{l.asks, l.bids} {
		for i := range side {
			places = max(places, decimals(side[i].Price))
		}
	}
	for i := range trades {
		if t, ok := b.Trades.Last(i); ok {
			places = max(places, decimals(t.Price))
		}
	}
	return places
}

// header: symbol, state, last price, the day's volume, the feed's number.
func (l *Ladder) header(number uint64, b *depth.Book, places int) {
	l.text(b.Symbol)
	l.text("  " + stateName(b.State))
	if t, ok := b.Trades.Last(0); ok {
		l.text("  last " + price(t.Price, places))
	}
	if b.Trades.Count > 0 {
		l.text("  volume " + strconv.FormatUint(b.Trades.Volume, 10) + " in " + strconv.FormatUint(b.Trades.Count, 10) + " trades")
	}
	l.text("  #" + strconv.FormatUint(number, 10))
}

// spread: between the best ask and the best bid.
func (l *Ladder) spread(places int) {
	switch {
	case len(l.asks) == 0 && len(l.bids) == 0:
		l.columns("", "", "no orders", "", "")
	case len(l.asks) == 0 || len(l.bids) == 0:
		l.columns("", "", "---", "", "")
	case l.asks[0].Price <= l.bids[0].Price:
		l.columns("", "", "crossed", "", "")
	default:
		l.columns("", "", "("+price(l.asks[0].Price-l.bids[0].Price, places)+")", "", "")
	}
}

// trade: time, price, shares and who took.
func (l *Ladder) trade(t *depth.Trade, places int) (color string) {
	l.line = AppendTime(append(l.line, "  "...), t.Timestamp, 6)
	l.right(price(t.Price, places), 14)
	l.right(strconv.FormatUint(t.Shares, 10), 12)
	switch t.Taker {
	case 'B':
		l.text("  buy")
		color = green
	case 'S':
		l.text("  sell")
		color = red
	}
	if t.Broken {
		l.text("  broken")
	}
	return color
}

// columns writes the ladder's five columns, 62 wide together.
func (l *Ladder) columns(bidOrders, bid, price, ask, askOrders string) {
	l.right(bidOrders, 8)
	l.right(bid, 14)
	l.right(price, 14)
	l.right(ask, 14)
	l.right(askOrders, 10)
}

func (l *Ladder) text(s string) { l.line = append(l.line, s...) }

// right appends text right-justified in width columns, and a space before what is wider.
func (l *Ladder) right(s string, width int) {
	for range max(width-len(s), 1) {
		l.line = append(l.line, ' ')
	}
	l.line = append(l.line, s...)
}

// end cuts the line to the width or fills it up, colors it and appends it.
func (l *Ladder) end(dst []byte, color string) []byte {
	width := or(l.Width, defaultWidth)
	line := l.line[:min(len(l.line), width)]
	blank := len(line) == 0
	l.line = l.line[:0]
	if l.Color && color != "" && !blank {
		dst = append(dst, color...)
	}
	dst = append(dst, line...)
	for range width - len(line) {
		dst = append(dst, ' ')
	}
	if l.Color && color != "" && !blank {
		dst = append(dst, plain...)
	}
	return append(dst, '\n')
}
