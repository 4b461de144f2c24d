package ws

import (
	"hash/crc32"
	"sort"
	"strconv"

	"exchange/marketdata/depth"
)

// checksumLevels is how many levels of each side the checksum covers.
const checksumLevels = 10

// priceLevel names a level of a book.
type priceLevel struct {
	side  byte
	price uint32
}

// touch notes that a level changed.
func (p *Product) touch(side byte, price uint32) {
	if n := len(p.touched); n > 0 && p.touched[n-1] == (priceLevel{side, price}) {
		return
	}
	p.touched = append(p.touched, priceLevel{side, price})
}

// distinct leaves each level once, buys first and prices rising.
func distinct(l []priceLevel) []priceLevel {
	sort.Slice(l, func(i, j int) bool {
		if l[i].side != l[j].side {
			return l[i].side < l[j].side
		}
		return l[i].price < l[j].price
	})
	n := 0
	for i := range l {
		if i == 0 || l[i] != l[n-1] {
			l[n] = l[i]
			n++
		}
	}
	return l[:n]
}

// appendUpdate appends the frame of what is at the touched levels now. before is the sequence that the levels were last told at.
func (m *Market) appendUpdate(dst []byte, p *Product, before uint64) []byte {
	dst, start := openFrame(dst)
	dst = append(dst, `{"type":"l2update","product_id":"`...)
	dst = append(dst, p.ID...)
	dst = append(dst, `","time":"`...)
	dst = m.clock.append(dst, m.time)
	dst = append(dst, `","sequence":`...)
	dst = strconv.AppendUint(dst, p.level2, 10)
	dst = append(dst, `,"prev_sequence":`...)
	dst = strconv.AppendUint(dst, before, 10)
	dst = append(dst, `,"checksum":`...)
	dst = strconv.AppendUint(dst, uint64(p.Checksum()), 10)
	dst = append(dst, `,"changes":[`...)
	for i, l := range p.touched {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `["`...)
		dst = append(dst, sideName(l.side)...)
		dst = append(dst, `","`...)
		dst = appendPrice(dst, l.price, p.decimals)
		dst = append(dst, `","`...)
		dst = appendSize(dst, p.book.Shares(l.side, l.price))
		dst = append(dst, `"]`...)
	}
	return closeText(append(dst, `]}`...), start)
}

// Snapshot gives the frame of the whole book by price. The bytes are shared and never changed.
func (m *Market) Snapshot(p *Product) []byte {
	if p.snapshot != nil && p.snapshotOf == p.level2 {
		return p.snapshot
	}
	dst, start := openFrame(make([]byte, 0, len(p.snapshot)+1024))
	dst = append(dst, `{"type":"snapshot","product_id":"`...)
	dst = append(dst, p.ID...)
	dst = append(dst, `","sequence":`...)
	dst = strconv.AppendUint(dst, p.level2, 10)
	dst = append(dst, `,"checksum":`...)
	dst = strconv.AppendUint(dst, uint64(p.Checksum()), 10)
	bids, asks := p.book.Depth()
	dst = append(dst, `,"bids":[`...)
	dst = p.appendPairs(dst, p.book.AppendBids(nil, bids))
	dst = append(dst, `],"asks":[`...)
	dst = p.appendPairs(dst, p.book.AppendAsks(nil, asks))
	p.snapshot, p.snapshotOf = closeText(append(dst, `]}`...), start), p.level2
	return p.snapshot
}

func (p *Product) appendPairs(dst []byte, levels []depth.Level) []byte {
	for i, l := range levels {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `["`...)
		dst = appendPrice(dst, l.Price, p.decimals)
		dst = append(dst, `","`...)
		dst = appendSize(dst, l.Shares)
		dst = append(dst, `"]`...)
	}
	return dst
}

// Checksum is the CRC-32 (IEEE) of the best ten asks, the best first, and then the best ten bids: price and size of each as in the messages, without
// the point and without zeros in front.
func (p *Product) Checksum() uint32 {
	var room [checksumLevels]depth.Level
	var text [2 * checksumLevels * 32]byte
	b := text[:0]
	for _, l := range p.book.AppendAsks(room[:0], checksumLevels) {
		b = p.appendBare(b, l)
	}
	for _, l := range p.book.AppendBids(room[:0], checksumLevels) {
		b = p.appendBare(b, l)
	}
	return crc32.ChecksumIEEE(b)
}

func (p *Product) appendBare(dst []byte, l depth.Level) []byte {
	start := len(dst)
	dst = appendPrice(dst, l.Price, p.decimals)
	n := start
	for _, c := range dst[start:] {
		if c == '.' || c == '0' && n == start {
			continue
		}
		dst[n] = c
		n++
	}
	return appendSize(dst[:n], l.Shares)
}

func sideName(side byte) string {
	if side == 'B' {
		return "buy"
	}
	return "sell"
}
