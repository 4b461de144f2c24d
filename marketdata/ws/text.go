package ws

import (
	"strconv"
	"time"
)

const (
	nanosPerSecond = int64(time.Second)
	nanosPerMinute = int64(time.Minute)
	nanosPerDay    = 24 * int64(time.Hour)
	// priceUnit is what a price of 1 is on the feed.
	priceUnit = 10_000
	// priceDecimals is how many decimals a price of the feed can have.
	priceDecimals = 4
)

// decimalsOf is how many decimals the multiples of a tick (1/10,000) need: two at least.
func decimalsOf(tick int64) int {
	switch {
	case tick > 0 && tick%100 == 0:
		return 2
	case tick > 0 && tick%10 == 0:
		return 3
	}
	return priceDecimals
}

// appendPrice appends a price (1/10,000) with so many decimals, or four if it needs them.
func appendPrice(dst []byte, price uint32, decimals int) []byte {
	whole, rest := price/priceUnit, price%priceUnit
	dst = append(strconv.AppendUint(dst, uint64(whole), 10), '.')
	digits := [priceDecimals]byte{byte('0' + rest/1000), byte('0' + rest/100%10), byte('0' + rest/10%10), byte('0' + rest%10)}
	n := priceDecimals
	for n > decimals && digits[n-1] == '0' {
		n--
	}
	return append(dst, digits[:n]...)
}

// appendSize appends a number of shares.
func appendSize(dst []byte, shares uint64) []byte { return strconv.AppendUint(dst, shares, 10) }

// idKind tells what an order's id was made of.
type idKind uint8

const (
	// byReference: the order's reference on the feed.
	byReference idKind = iota
	// byMatch: the number of the order's first match. It came in, traded, and left nothing in the book, so that it never had a reference.
	byMatch
	// hidden: the number of the match. The resting order was never shown.
	hidden
)

// appendID appends an order's id in the form of a UUID.
func appendID(dst []byte, kind idKind, number uint64) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, "00000000-0000-000"...)
	dst = append(dst, '0'+byte(kind), '-')
	for shift := 60; shift >= 0; shift -= 4 {
		if shift == 44 {
			dst = append(dst, '-')
		}
		dst = append(dst, digits[number>>shift&15])
	}
	return dst
}

// clock writes times; it remembers the day it wrote last.
type clock struct {
	day  int64 // since the Unix epoch
	text [11]byte
}

// append appends a time, ns since the Unix epoch, as RFC 3339 in UTC with microseconds.
func (c *clock) append(dst []byte, t int64) []byte {
	day := t / nanosPerDay
	if day != c.day || c.text[0] == 0 {
		c.day = day
		time.Unix(0, t).UTC().AppendFormat(c.text[:0], "2006-01-02T")
	}
	dst = append(dst, c.text[:]...)
	micros := t % nanosPerDay / 1000
	seconds := micros / 1_000_000
	dst = append(appendTwo(dst, seconds/3600), ':')
	dst = append(appendTwo(dst, seconds/60%60), ':')
	dst = append(appendTwo(dst, seconds%60), '.')
	micros %= 1_000_000
	dst = appendTwo(dst, micros/10_000)
	dst = appendTwo(dst, micros/100%100)
	return append(appendTwo(dst, micros%100), 'Z')
}

func appendTwo(dst []byte, n int64) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }
