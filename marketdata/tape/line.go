package tape

import (
	"strconv"

	"exchange/marketdata/depth"
)

// AppendLine appends what a message did as one line, with its end:
//
//	12:00:00.000000005 #17 ABC add buy 100@99.50 order 5
//	12:00:00.000000005 #18 ABC trade 40@99.50 sell hits order 5, 60 left, match 3
//
// A change that says nothing (of a type that is passed over) appends nothing.
func AppendLine(dst []byte, number uint64, c *depth.Change) []byte {
	if c.Type == 0 {
		return dst
	}
	dst = AppendTime(dst, c.Timestamp, 9)
	dst = append(append(dst, " #"...), strconv.AppendUint(nil, number, 10)...)
	if c.Book != nil {
		dst = append(append(dst, ' '), c.Book.Symbol...)
	}
	return append(appendWhat(append(dst, ' '), c), '\n')
}

func appendWhat(dst []byte, c *depth.Change) []byte {
	switch c.Type {
	case 'S':
		return append(dst, eventName(c.Code)...)
	case 'R':
		return append(append(dst, "listed, lot "...), strconv.Itoa(int(c.Book.RoundLot))...)
	case 'H':
		return append(dst, stateName(c.Code)...)
	case 'A', 'F':
		dst = append(append(append(dst, "add "...), sideName(c.Side)...), ' ')
		return appendOrder(appendQuantity(dst, c.Shares, c.Price), c.Ref)
	case 'E', 'C':
		dst = appendQuantity(append(dst, "trade "...), c.Shares, c.Price)
		dst = append(append(append(dst, ' '), sideName(opposite(c.Side))...), " hits"...)
		return appendMatch(appendLeft(appendOrder(dst, c.Ref), c.Left), c.Match)
	case 'P':
		return appendMatch(appendQuantity(append(dst, "trade of a hidden order "...), c.Shares, c.Price), c.Match)
	case 'Q':
		return appendMatch(appendQuantity(append(dst, "cross "...), c.Shares, c.Price), c.Match)
	case 'X':
		dst = strconv.AppendUint(append(dst, "reduce by "...), c.Shares, 10)
		return appendLeft(appendOrder(dst, c.Ref), c.Left)
	case 'D':
		dst = append(append(append(dst, "delete "...), sideName(c.Side)...), ' ')
		return appendOrder(appendQuantity(dst, c.Shares, c.Price), c.Ref)
	case 'U':
		dst = append(append(append(dst, "replace "...), sideName(c.Side)...), ' ')
		dst = append(appendQuantity(dst, c.OldShares, c.OrderPrice), " by "...)
		dst = appendOrder(appendQuantity(dst, c.Shares, c.Price), c.Ref)
		return strconv.AppendUint(append(dst, ", was "...), c.OldRef, 10)
	case 'B':
		return appendMatch(append(dst, "trade broken"...), c.Match)
	}
	return append(append(dst, "message "...), c.Type)
}

func appendQuantity(dst []byte, shares uint64, price uint32) []byte {
	return AppendPrice(append(strconv.AppendUint(dst, shares, 10), '@'), price)
}

func appendOrder(dst []byte, ref uint64) []byte {
	return strconv.AppendUint(append(dst, " order "...), ref, 10)
}

func appendLeft(dst []byte, left uint64) []byte {
	return append(strconv.AppendUint(append(dst, ", "...), left, 10), " left"...)
}

func appendMatch(dst []byte, match uint64) []byte {
	return strconv.AppendUint(append(dst, ", match "...), match, 10)
}

func sideName(letter byte) string {
	switch letter {
	case 'B':
		return "buy"
	case 'S':
		return "sell"
	}
	return "?"
}

func opposite(letter byte) byte {
	if letter == 'B' {
		return 'S'
	}
	return 'B'
}

func eventName(code byte) string {
	switch code {
	case 'O':
		return "start of messages"
	case 'S':
		return "start of system hours"
	case 'Q':
		return "start of market hours"
	case 'M':
		return "end of market hours"
	case 'E':
		return "end of system hours"
	case 'C':
		return "end of messages"
	}
	return "event " + string(rune(code))
}

func stateName(code byte) string {
	switch code {
	case 0:
		return "state unknown"
	case 'H':
		return "halted"
	case 'P':
		return "paused"
	case 'Q':
		return "quotation only"
	case 'T':
		return "trading"
	}
	return "state " + string(rune(code))
}
