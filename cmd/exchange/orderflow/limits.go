package orderflow

import "exchange/book"

// LimitsFor gives limits in which the file fits, whatever of it trades.
func LimitsFor(f *File) book.Limits {
	l := book.DefaultLimits()
	rest := mostResting(f)
	l.Orders = max(l.Orders, rest)
	l.ClientIDs = max(l.ClientIDs, 2*len(f.Records)+16)
	l.Instruments = max(l.Instruments, f.Symbols)
	// A node holds 64 neighbouring prices of a side, one above it 64 nodes, and so on.
	nodes := 64 * f.Symbols
	for width := 64; ; width *= 64 {
		nodes += min(rest, 2*f.Symbols*(f.Span/width+2))
		if width > f.Span {
			break
		}
	}
	l.PriceNodes = max(l.PriceNodes, nodes)
	return l
}

// mostResting is how many orders may rest at one time if nothing trades: those added and neither cancelled nor replaced.
func mostResting(f *File) (most int) {
	largest := uint64(0)
	for i := range f.Records {
		largest = max(largest, f.Records[i].ID, f.Records[i].Aux)
	}
	if largest/64 > uint64(len(f.Records)) { // ids that are not dense: no table of them
		for i := range f.Records {
			if op := f.Records[i].Op; op == Add || op == Replace {
				most++
			}
		}
		return most
	}
	live, count := make([]uint64, largest/64+1), 0
	set := func(id uint64, to uint64) {
		word, bit := &live[id/64], uint64(1)<<(id%64)
		switch {
		case to == 1 && *word&bit == 0:
			count++
		case to == 0 && *word&bit != 0:
			count--
		default:
			return
		}
		*word ^= bit
	}
	for i := range f.Records {
		switch r := &f.Records[i]; r.Op {
		case Add:
			set(r.ID, 1)
		case Cancel:
			set(r.ID, 0)
		case Replace:
			set(r.ID, 0)
			set(r.Aux, 1)
		}
		most = max(most, count)
	}
	return most
}
