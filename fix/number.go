package fix

import "math/bits"

// maxDigits bounds the numbers we read: 18 digits always fit an int64.
const maxDigits = 18

// parseUint reads 1 to 18 digits and nothing else.
func parseUint(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > maxDigits {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	return n, true
}

// decimalStatus says how reading a decimal went.
type decimalStatus uint8

const (
	// decimalExact: the value is a whole number of units.
	decimalExact decimalStatus = iota
	// decimalInexact: well formed, but finer than a unit; the value is cut towards zero.
	decimalInexact
	// decimalTooLarge: well formed, but with more than 18 digits of units.
	decimalTooLarge
	// decimalMalformed: not a decimal of FIX: sign "-" or none, digits, at most one point, no exponent.
	decimalMalformed
)

// parseDecimal reads a decimal into units of 10^-scale.
func parseDecimal(b []byte, scale int) (int64, decimalStatus) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	var n uint64
	status := decimalExact
	digits, fraction, point := 0, 0, false
	for _, c := range b {
		d := c - '0'
		if d > 9 {
			if c != '.' || point {
				return 0, decimalMalformed
			}
			point = true
			continue
		}
		digits++
		if point {
			if fraction == scale {
				if d != 0 && status == decimalExact {
					status = decimalInexact
				}
				continue
			}
			fraction++
		}
		if n >= 1e17 {
			status = decimalTooLarge
			n = 0
		}
		n = n*10 + uint64(d)
	}
	if digits == 0 {
		return 0, decimalMalformed
	}
	for ; fraction < scale; fraction++ {
		if n >= 1e17 {
			return 0, decimalTooLarge
		}
		n *= 10
	}
	if status == decimalTooLarge {
		return 0, decimalTooLarge
	}
	if negative {
		return -int64(n), status
	}
	return int64(n), status
}

// decimalDigits is how many digits n has.
func decimalDigits(n uint64) int {
	switch {
	case n < 10:
		return 1
	case n < 100:
		return 2
	case n < 1000:
		return 3
	case n < 10000:
		return 4
	}
	digits := 4
	for n >= 100000 {
		n /= 10
		digits++
	}
	return digits + 1
}

// pairs is the digits of 00 to 99.
const pairs = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"

// putUint writes n in decimal at the start of b, which has room for it, and gives the number of digits.
func putUint(b []byte, n uint64) int {
	if n < 10 {
		b[0] = byte('0' + n)
		return 1
	}
	digits := decimalDigits(n)
	putDigits(b[:digits], n)
	return digits
}

// putDigits writes the last len(b) digits of n, with zeros in front.
func putDigits(b []byte, n uint64) {
	i := len(b)
	for ; i >= 2; i -= 2 {
		q := n / 100
		pair := (n - q*100) * 2
		b[i-1], b[i-2] = pairs[pair+1], pairs[pair]
		n = q
	}
	if i == 1 {
		b[0] = byte('0' + n%10)
	}
}

// appendUint appends n in decimal.
func appendUint(dst []byte, n uint64) []byte {
	var text [20]byte
	return append(dst, text[:putUint(text[:], n)]...)
}

// maxDecimal is the longest that putDecimal writes: a sign, 19 digits and the point.
const maxDecimal = 21

// putDecimal writes units of 10^-scale at the start of b, which has room for maxDecimal bytes, with at least min digits after the point
// (min <= scale <= 18), zeros beyond those cut, and gives the length.
func putDecimal(b []byte, units int64, scale, min int) int {
	sign := 0
	u := uint64(units)
	if units < 0 {
		b[0] = '-'
		sign = 1
		u = -u
	}
	keep := scale
	for keep > min {
		q := u / 10
		if q*10 != u {
			break
		}
		u = q
		keep--
	}
	b = b[sign:]
	if keep == 0 {
		return sign + putUint(b, u)
	}
	digits := max(decimalDigits(u), keep+1)
	putDigits(b[:digits], u)
	// The fraction makes way for the point.
	whole := digits - keep
	for i := digits; i > whole; i-- {
		b[i] = b[i-1]
	}
	b[whole] = '.'
	return sign + digits + 1
}

// appendDecimal appends what putDecimal writes.
func appendDecimal(dst []byte, units int64, scale, min int) []byte {
	var text [maxDecimal]byte
	return append(dst, text[:putDecimal(text[:], units, scale, min)]...)
}

func pow10(n int) uint64 {
	p := uint64(1)
	for ; n > 0; n-- {
		p *= 10
	}
	return p
}

// averageUnits is notional x multiplier / quantity, rounded half up, for a notional from 0 on and a quotient below 2^63; 0 when it cannot be had.
func averageUnits(notional int64, multiplier, quantity uint64) int64 {
	if quantity == 0 || notional < 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(notional), multiplier)
	if high >= quantity {
		return 0
	}
	q, r := bits.Div64(high, low, quantity)
	if r >= quantity-r {
		q++
	}
	if q > 1<<63-1 {
		return 0
	}
	return int64(q)
}
