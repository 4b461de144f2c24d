package drill

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"exchange/book"
	"exchange/cmd/exchange/cluster"
	"exchange/fix"
	"exchange/marketdata/itch"
)

// The witness. Each answer to a new order carries the place in the log that the order took, so the order in which requests are said to have taken effect is
// known: it must agree with real time. A request that was answered before another was sent comes before it, whichever clients they are of and whoever
// led. Over FIX the place is the first part of ExecID. OUCH has no field for it, but an order's reference, and the numbers of its matches, which the feed
// has under the command's number.

// operation is a new order that was answered: its command in the log, and when it was sent and answered, monotonic ns.
type operation struct {
	index            uint64
	called, returned int64
	order            asked
	rejected         bool
}

// asked is what a new order asked for: a day order, or one that is not to rest. Price in 1/10,000.
type asked struct {
	symbol    string
	side      book.Side
	qty       int64
	price     int64
	immediate bool
}

// fill is one order's part in a trade, as its owner was told. index is the command that caused it; 0: OUCH does not tell.
type fill struct {
	match, index uint64
	qty, price   int64
}

// call is a new order under way.
type call struct {
	at    int64 // monotonic ns
	order asked
}

// placed is a new order over OUCH that was answered, by what the feed knows it by: its reference, and its first match on the way in, 0 if it had none.
type placed struct {
	operation
	ref, match uint64
}

// place finds in the feed at which commands the orders were taken. One that came there must have been there: an order that neither rested nor traded is left
// out if it was not to rest, and is missing otherwise.
func (r record) place(orders []placed) (found []operation, missing int) {
	added, matched := map[uint64]uint64{}, map[uint64]uint64{}
	r.each(func(index uint64, m *itch.Message, _ error) {
		switch m.Type {
		case itch.AddOrder, itch.AddOrderMPID:
			if _, again := added[m.Ref]; !again {
				added[m.Ref] = index
			}
		case itch.OrderExecuted, itch.ExecutedWithPrice:
			matched[m.Match] = index
		}
	})
	for _, o := range orders {
		index, ok := added[o.ref]
		if !ok {
			index, ok = matched[o.match]
		}
		if ok {
			o.index = index
			found = append(found, o.operation)
		} else if !o.order.immediate {
			missing++
		}
	}
	return found, missing
}

// command is the place in the log that an execution report names.
func command(r *fix.Received) (index uint64, ok bool) {
	text, _, _ := bytes.Cut(r.ExecID[:r.ExecIDLen], []byte{'-'})
	index, err := strconv.ParseUint(string(text), 10, 64)
	return index, err == nil
}

// note keeps the operation that a report ends, if it answers a new order, and fills. Under mu.
func (l *load) note(r *fix.Received) {
	if r.Is("8") && r.ExecType == 'F' {
		index, _ := command(r)
		l.fills = append(l.fills, fill{r.Match, index, r.LastQty, r.LastPx})
		return
	}
	called, ok := l.called[r.ClOrdID]
	if !ok || !r.Is("8") || r.ExecType != '0' && r.ExecType != '8' {
		return
	}
	delete(l.called, r.ClOrdID)
	index, ok := command(r)
	if !ok {
		return // a refusal that took no place in the log
	}
	l.operations = append(l.operations, operation{index, called.at, cluster.Monotonic(), called.order, r.ExecType == '8'})
}

// misordered counts operations, which it sorts by their commands, that come in the log behind one that was sent after they were answered, or that
// share a command with another; why tells of the first.
func misordered(all []operation) (count int, why string) {
	slices.SortFunc(all, func(a, b operation) int { return cmp.Compare(a.index, b.index) })
	latest := 0 // of those before, the one that was sent last
	for k, o := range all {
		before := all[latest]
		text := ""
		switch {
		case k > 0 && o.index == all[k-1].index:
			text = fmt.Sprintf("two new orders are both command %d", o.index)
		case o.returned < before.called:
			text = fmt.Sprintf("command %d was answered %d ns before command %d was sent", o.index, before.called-o.returned, before.index)
		}
		if text != "" {
			if count++; count == 1 {
				why = text
			}
		}
		if o.called > before.called {
			latest = k
		}
	}
	return count, why
}
