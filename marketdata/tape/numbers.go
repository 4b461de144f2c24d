package tape

import "strconv"

// AppendPrice appends a price of the feed (1/10,000) with two decimals, or four if it needs them.
func AppendPrice(dst []byte, price uint32) []byte { return appendDecimals(dst, price, decimals(price)) }

// decimals that a price needs: 2 or 4.
func decimals(price uint32) int {
	if price%100 != 0 {
		return 4
	}
	return 2
}

func appendDecimals(dst []byte, price uint32, decimals int) []byte {
	dst = strconv.AppendUint(dst, uint64(price/10000), 10)
	fraction := price % 10000
	dst = append(dst, '.', byte('0'+fraction/1000), byte('0'+fraction/100%10))
	if decimals == 4 {
		dst = append(dst, byte('0'+fraction/10%10), byte('0'+fraction%10))
	}
	return dst
}

// AppendTime appends a time of day, HH:MM:SS with digits (0 to 9) of the second's fraction.
func AppendTime(dst []byte, sinceMidnight uint64, digits int) []byte {
	seconds := sinceMidnight / 1_000_000_000
	two := func(n uint64) { dst = append(dst, byte('0'+n/10%10), byte('0'+n%10)) }
	two(seconds / 3600)
	dst = append(dst, ':')
	two(seconds / 60 % 60)
	dst = append(dst, ':')
	two(seconds % 60)
	if digits <= 0 {
		return dst
	}
	dst = append(dst, '.')
	unit := uint64(100_000_000)
	for range min(digits, 9) {
		dst = append(dst, byte('0'+sinceMidnight/unit%10))
		unit /= 10
	}
	return dst
}
