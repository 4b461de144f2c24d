package drill

import (
	"strings"
	"testing"

	"exchange/book"
	"exchange/marketdata/itch"
)

// history is a day of four commands: two sellers, a buyer who takes the first one and a part of the second one, and a cancel.
func history() (messages []itch.Message, operations []operation, fills []fill) {
	abc := itch.MakeSymbol("ABC")
	messages = []itch.Message{
		{Type: itch.StockDirectory, Locate: 1, Stock: abc},
		{Type: itch.AddOrder, Locate: 1, Tracking: 10, Ref: 1, Side: 'S', Stock: abc, Shares: 50, Price: 1000},
		{Type: itch.AddOrder, Locate: 1, Tracking: 11, Ref: 2, Side: 'S', Stock: abc, Shares: 50, Price: 1000},
		{Type: itch.OrderExecuted, Locate: 1, Tracking: 12, Ref: 1, Shares: 50, Match: 1},
		{Type: itch.OrderExecuted, Locate: 1, Tracking: 12, Ref: 2, Shares: 20, Match: 2},
		{Type: itch.OrderDelete, Locate: 1, Tracking: 13, Ref: 2},
		{Type: itch.AddOrder, Locate: 1, Tracking: 14, Ref: 3, Side: 'B', Stock: abc, Shares: 5, Price: 900},
	}
	order := func(index uint64, side book.Side, qty, price int64) operation {
		return operation{index: index, order: asked{symbol: "ABC", side: side, qty: qty, price: price}}
	}
	operations = []operation{order(10, book.Sell, 50, 1000), order(11, book.Sell, 50, 1000), order(12, book.Buy, 70, 1000), order(14, book.Buy, 5, 900)}
	fills = []fill{{1, 12, 50, 1000}, {1, 12, 50, 1000}, {2, 12, 20, 1000}, {2, 0, 20, 1000}}
	return messages, operations, fills
}

func TestRulesSeeWhatTheyForbid(t *testing.T) {
	for _, c := range []struct {
		name, says string
		change     func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill)
	}{
		{"nothing", "", nil},
		{"the second in time first", "executed before order 1", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			m[3].Ref, m[4].Ref = 2, 1
			return m, o, f
		}},
		{"a crossed book", "crosses order 2", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			m[5], m[6].Price, o[3].order.price = m[6], 1000, 1000
			m[5].Price = 1000
			return m[:6], o, f
		}},
		{"a fill told once", "told to 1", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			return m, o, f[1:]
		}},
		{"a fill told as another", "as 49@1000", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			f[0].qty = 49
			return m, o, f
		}},
		{"a trade of another command", "in command 11", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			f[0].index = 11
			return m, o, f
		}},
		{"a trade that the feed lacks", "not on the feed", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			return m, o, append(f, fill{3, 12, 1, 1})
		}},
		{"a trade beyond the limit", "and traded at 1000", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			o[2].order.price = 999
			return m, o, f
		}},
		{"an order that rests with less", "should rest with ABC side B 6@900", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			o[3].order.qty = 6
			return m, o, f
		}},
		{"an order that was not to rest", "not to rest", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			o[3].order.immediate = true
			return m, o, f
		}},
		{"a rejected order's messages", "was rejected", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			o[3].rejected = true
			return m, o, f
		}},
		{"an acknowledged order that never came", "never came", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			return m[:6], o, f
		}},
		{"the feed behind the log's order", "never came", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			m[1].Tracking, m[2].Tracking = 11, 10
			return m, o, f
		}},
		{"a deletion of what does not rest", "does not rest", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			m[5].Ref = 1
			return m, o, f
		}},
		{"more executed than there is", "which has 50", func(m []itch.Message, o []operation, f []fill) ([]itch.Message, []operation, []fill) {
			m[3].Shares, f[0].qty, f[1].qty, o[2].order.qty = 60, 60, 60, 80
			return m, o, f
		}},
	} {
		m, o, f := history()
		if c.change != nil {
			m, o, f = c.change(m, o, f)
		}
		var r record
		for k := range m {
			r.add(itch.Append(nil, &m[k]))
		}
		v := r.replay(o, f)
		if all := strings.Join(v.faults, "; "); c.says == "" && v.count != 0 || !strings.Contains(all, c.says) || c.says != "" && v.count == 0 {
			t.Errorf("%s: %d faults: %s", c.name, v.count, all)
		}
	}
}
