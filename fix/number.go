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

// appendUint appends n in decimal.
func appendUint(dst []byte, n uint64) []byte {
	if n < 10 {
		return append(dst, byte('0'+n))
	}
	var text [20]byte
	i := len(text)
	for n >= 10 {
		i--
		text[i] = byte('0' + n%10)
		n /= 10
	}
	i--
	text[i] = byte('0' + n)
	return append(dst, text[i:]...)
}

// appendDecimal appends units of 10^-scale with at least min digits after the point (min <= scale <= 18), zeros beyond those cut.
func appendDecimal(dst []byte, units int64, scale, min int) []byte {
	u := uint64(units)
	if units < 0 {
		dst = append(dst, '-')
		u = -u
	}
	keep := scale
	for keep > min && u%10 == 0 {
		u /= 10
		keep--
	}
	if keep == 0 {
		return appendUint(dst, u)
	}
	pow := pow10(keep)
	dst = append(appendUint(dst, u/pow), '.')
	rest := u % pow
	for pow /= 10; pow > 0; pow /= 10 {
		dst = append(dst, byte('0'+rest/pow%10))
	}
	return dst
}

func pow10(n int) uint64 {
	p := uint64(1)
	for ; n > 0; n-- {
		p *= 10
	}
	return p
}

// averageUnits is notional x multiplier / quantity, rounded half up, for notional 0 <= hi:lo and the quotient below 2^63; 0 when it cannot be had.
func averageUnits(hi int64, lo uint64, multiplier, quantity uint64) int64 {
	if quantity == 0 || hi < 0 {
		return 0
	}
	carry, low := bits.Mul64(lo, multiplier)
	over, high := bits.Mul64(uint64(hi), multiplier)
	high, c := bits.Add64(high, carry, 0)
	if over != 0 || c != 0 || high >= quantity {
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
