package fix

import (
	"fmt"
	"slices"
	"testing"

	"exchange/book"
)

// TestEveryOrderCanBeEntered enters each order that the book knows, in each version that can say it, and looks at the command, at the book's answer and at what the
// report repeats. A type, time in force or condition of the book that none of them has is a fault.
func TestEveryOrderCanBeEntered(t *testing.T) {
	type order struct {
		what, fields string
		versions     []*Version
		want         book.Command // its terms
		report       string       // what the first report has
	}
	all, late := []*Version{FIX42, FIX44, FIX50SP2}, []*Version{FIX44, FIX50SP2}
	const day = 24 * 3600
	march2, _ := parseDate([]byte("20240302"))
	midnight := march2 * day * 1e9
	orders := []order{
		{"limit", "40=2|44=9.00", all, book.Command{Type: book.Limit, Price: 900}, "40=2 44=9.00 59=0"},
		{"day, said so", "40=2|44=9.00|59=0", all, book.Command{Type: book.Limit, Price: 900}, "59=0"},
		{"good till cancel", "40=2|44=9.00|59=1", all, book.Command{Type: book.Limit, Price: 900, TIF: book.GoodTillCancel}, "59=1"},
		{"immediate or cancel", "40=2|44=9.00|59=3", all, book.Command{Type: book.Limit, Price: 900, TIF: book.ImmediateOrCancel}, "59=3"},
		{"fill or kill", "40=2|44=9.00|59=4", all, book.Command{Type: book.Limit, Price: 900, TIF: book.FillOrKill}, "59=4"},
		{"good till a time", "40=2|44=9.00|59=6|126=20240302-00:00:00", all, book.Command{Type: book.Limit, Price: 900, TIF: book.GoodTillDate, Expire: midnight}, "59=6"},
		{"good till a date", "40=2|44=9.00|59=6|432=20240302", all,
			book.Command{Type: book.Limit, Price: 900, TIF: book.GoodTillDate, Expire: midnight + day*1e9}, "59=6"},
		{"market", "40=1", all, book.Command{Type: book.MarketOrder}, "40=1"},
		{"market to limit", "40=K", late, book.Command{Type: book.MarketToLimit}, "40=K"},
		{"budget", "40=1|59=4|152=100.50", all, book.Command{Type: book.Budget, TIF: book.FillOrKill, Price: 10050}, "38=10 40=1 59=4 152=100.50"},
		{"budget, whole", "40=1|59=4|152=101", all, book.Command{Type: book.Budget, TIF: book.FillOrKill, Price: 10100}, "152=101.00"},
		{"budget, with zeros behind", "40=1|59=4|152=100.510000", all, book.Command{Type: book.Budget, TIF: book.FillOrKill, Price: 10051}, "152=100.51"},
		{"budget, and hidden", "40=1|59=4|152=100.51|111=0", all,
			book.Command{Type: book.Budget, TIF: book.FillOrKill, Price: 10051, Conditions: book.Hidden}, "152=100.51"},
		{"stop", "40=3|99=10.50", all, book.Command{Type: book.Stop, StopPrice: 1050}, "40=3 99=10.50"},
		{"stop limit", "40=4|99=10.50|44=10.60", all, book.Command{Type: book.StopLimit, StopPrice: 1050, Price: 1060}, "40=4 44=10.60 99=10.50"},
		{"trailing stop", "40=P|18=a|99=10.50|211=0.10", late, book.Command{Type: book.TrailingStop, StopPrice: 1050, Trail: 10}, "18=a 40=P 99=10.50"},
		{"trailing stop, the distance below", "40=P|18=a|99=10.50|211=-0.10", late, book.Command{Type: book.TrailingStop, StopPrice: 1050, Trail: 10}, "18=a 40=P"},
		{"trailing stop from the last trade", "40=P|18=a|211=0.10", late, book.Command{Type: book.TrailingStop, Trail: 10}, "18=a 40=P 99=10.10"},
		{"trailing stop limit", "40=P|18=a|99=10.50|44=10.60|211=0.10", late,
			book.Command{Type: book.TrailingStopLimit, StopPrice: 1050, Price: 1060, Trail: 10}, "18=a 40=P 44=10.60 99=10.50"},
		{"post only", "40=2|44=9.00|18=6", all, book.Command{Type: book.Limit, Price: 900, Conditions: book.PostOnly}, "18=6 44=9.00"},
		{"post only, sliding", "40=2|44=10.07|18=6|1092=1", all, book.Command{Type: book.Limit, Price: 1007, Conditions: book.PostOnlySlide}, "18=6 44=10.04 1092=1"},
		{"protected by nothing", "40=2|44=9.00|18=6|1092=0", all, book.Command{Type: book.Limit, Price: 900, Conditions: book.PostOnly}, "18=6"},
		{"all or none", "40=2|44=9.00|18=G", all, book.Command{Type: book.Limit, Price: 900, Conditions: book.AllOrNone}, "18=G"},
		{"iceberg", "40=2|44=9.00|111=2", all, book.Command{Type: book.Limit, Price: 900, Display: 2}, "38=10 151=10"},
		{"iceberg by DisplayQty", "40=2|44=9.00|1138=2", all, book.Command{Type: book.Limit, Price: 900, Display: 2}, "38=10 151=10"},
		{"hidden", "40=2|44=9.00|111=0", all, book.Command{Type: book.Limit, Price: 900, Conditions: book.Hidden}, "38=10 151=10"},
		{"minimum quantity", "40=2|44=9.00|110=5", all, book.Command{Type: book.Limit, Price: 900, MinQty: 5}, "38=10"},
		{"self-trade: cancel the incoming", "40=2|44=9.00|2964=1", all, book.Command{Type: book.Limit, Price: 900, SelfTrade: book.CancelNewest}, "40=2"},
		{"self-trade: cancel the resting", "40=2|44=9.00|2964=2", all, book.Command{Type: book.Limit, Price: 900, SelfTrade: book.CancelOldest}, "40=2"},
		{"self-trade: cancel both", "40=2|44=9.00|2964=3", all, book.Command{Type: book.Limit, Price: 900, SelfTrade: book.CancelBoth}, "40=2"},
		{"self-trade: decrement", "40=2|44=9.00|2964=4", all, book.Command{Type: book.Limit, Price: 900, SelfTrade: book.DecrementAndCancel}, "40=2"},
	}
	var types, times, conditions, selfTrades [16]int
	for _, o := range orders {
		for _, v := range o.versions {
			t.Run(o.what+"/"+v.Name, func(t *testing.T) {
				tr := openFloor(t, v)
				c, answer := tr.enter("11=x|21=1|55=ABC|54=1|38=10|60=<now>|" + o.fields)
				got := book.Command{Type: c.Type, TIF: c.TIF, Price: c.Price, StopPrice: c.StopPrice, Trail: c.Trail, Expire: c.Expire, Conditions: c.Conditions,
					Display: c.Display, MinQty: c.MinQty, SelfTrade: c.SelfTrade, Reason: c.Reason}
				if got != o.want {
					t.Errorf("entered as %+v, want %+v", got, o.want)
				}
				if c.Qty != 10 || c.Side != book.Buy || c.Instrument != 1 {
					t.Errorf("quantity %d, side %d, instrument %d", c.Qty, c.Side, c.Instrument)
				}
				answer.has(t, "150=0 39=0 11=x "+o.report)
			})
			types[o.want.Type]++
			times[o.want.TIF]++
			selfTrades[o.want.SelfTrade]++
			for bit := range 8 {
				conditions[bit] += int(o.want.Conditions) >> bit & 1
			}
		}
	}
	for what, n := range map[string]int{
		"order type": slices.Index(types[:8], 0), "time in force": slices.Index(times[:5], 0), "self-trade rule": slices.Index(selfTrades[:5], 0),
		"condition": slices.Index(conditions[:4], 0),
	} {
		if n >= 0 {
			t.Errorf("%s %d of the book cannot be entered", what, n)
		}
	}
}

// TestOrdersThatCannotBe: what an order asks for and the exchange does not do is refused with a reason, in each version, and never entered as something else.
func TestOrdersThatCannotBe(t *testing.T) {
	all, late := []*Version{FIX42, FIX44, FIX50SP2}, []*Version{FIX44, FIX50SP2}
	for _, o := range []struct {
		what, fields string
		versions     []*Version
		answer       string
	}{
		{"at the opening", "40=2|44=9.00|59=2", all, "35=8 150=8 103=11"},
		{"pegged", "40=P|211=0.10", all, "35=8 150=8 103=11"},
		{"an instruction of ours with one of others", "40=2|44=9.00|18=6 1", all, "35=8 150=8 103=11"},
		{"a trail on a limit order", "40=2|44=9.00|211=0.10", all, "35=8 150=8 103=11"},
		{"to trail without a peg", "40=3|99=10.50|18=a", late, "35=8 150=8 103=11"},
		{"to trail, which the version cannot say", "40=P|18=a|99=10.50|211=0.10", all[:1], "35=3 371=18 373=5"},
		{"market to limit, which the version cannot say", "40=K", all[:1], "35=3 371=40 373=5"},
		{"to slide and not to post", "40=2|44=9.00|1092=1", all, "35=8 150=8 103=11"},
		{"protected nationally", "40=2|44=9.00|18=6|1092=2", all, "35=8 150=8 103=11"},
		{"protected somehow", "40=2|44=9.00|18=6|1092=9", all, "35=3 371=1092 373=5"},
		{"post only, but would trade", "40=2|44=10.05|18=6", all, "35=8 150=8 58=post only, but would trade"},
		{"sliding, and at once", "40=2|44=10.05|18=6|1092=1|59=3", all, "35=8 150=8 103=11"},
		{"shows more than there is", "40=2|44=9.00|111=11", all, "35=8 150=8 58=quantity out of range"},
		{"hidden and an iceberg", "40=2|44=9.00|111=0|1138=2", all, "35=8 150=8 103=11"},
		{"a minimum above the whole", "40=2|44=9.00|110=11", all, "35=8 150=8 58=quantity out of range"},
		{"good till no date", "40=2|44=9.00|59=6", all, "35=8 150=8 103=11"},
		{"a date, but for the day", "40=2|44=9.00|432=20240302", all, "35=8 150=8 103=11"},
		{"a date gone by", "40=2|44=9.00|59=6|432=20240102", all, "35=8 150=8 58=expire time has passed"},
		{"a stop without a price", "40=3", all, "35=8 150=8 58=stop price or trail out of range"},
		{"a self-trade rule that there is not", "40=2|44=9.00|2964=9", all, "35=3 371=2964 373=5"},
		{"a budget and a limit", "40=2|44=9.00|59=4|152=100", all, "35=8 150=8 103=11 58=a budget needs a market order, fill or kill"},
		{"a budget, for the day", "40=1|152=100", all, "35=8 150=8 103=11 58=a budget needs a market order, fill or kill"},
		{"a budget, at once", "40=1|59=3|152=100", all, "35=8 150=8 103=11 58=a budget needs a market order, fill or kill"},
		{"a budget and a price", "40=1|44=9.00|59=4|152=100", all, "35=8 150=8 103=11 58=a budget needs a market order, fill or kill"},
		{"a budget of a stop", "40=3|99=9.00|59=4|152=100", all, "35=8 150=8 103=11 58=a budget needs a market order, fill or kill"},
		{"a budget to limit", "40=K|59=4|152=100", late, "35=8 150=8 103=11 58=a budget needs a market order, fill or kill"},
		{"for cash, without a quantity", "40=1|59=4|152=100", all, "35=8 150=8 103=11 58=a budget needs a market order, fill or kill"},
		{"a budget between two ticks", "40=1|59=4|152=100.515", all, "35=8 150=8 103=99 58=budget is not a multiple of tick size times lot size"},
		{"a budget below a tick", "40=1|59=4|152=0.00001", all, "35=8 150=8 103=99 58=budget is not a multiple of tick size times lot size"},
		{"a budget of nothing", "40=1|59=4|152=0", all, "35=8 150=8 103=99 58=budget out of range"},
		{"a budget below nothing", "40=1|59=4|152=-100", all, "35=8 150=8 103=99 58=budget out of range"},
		{"a budget above the highest price", "40=1|59=4|152=2000000.01", all, "35=8 150=8 103=99 58=budget out of range"},
		{"a budget of too many digits", "40=1|59=4|152=100000000000000", all, "35=8 150=8 103=99 58=budget out of range"},
		{"a budget that is no number", "40=1|59=4|152=much", all, "35=3 371=152 373=6"},
		{"a budget, post only", "40=1|59=4|152=100|18=6", all, "35=8 150=8 103=11 58=unsupported order characteristic"},
		{"a budget of an iceberg", "40=1|59=4|152=100|111=2", all, "35=8 150=8 103=11 58=unsupported order characteristic"},
		{"a budget and a minimum", "40=1|59=4|152=100|110=2", all, "35=8 150=8 103=11 58=unsupported order characteristic"},
		{"from a time on", "40=2|44=9.00|168=20240301-00:00:00", all, "35=8 150=8 103=11"},
		{"shows at most", "40=2|44=9.00|210=5", all, "35=8 150=8 103=11"},
		{"with discretion", "40=2|44=9.00|388=0", all, "35=8 150=8 103=11"},
		{"a price of another kind", "40=2|44=9.00|423=1", late, "35=8 150=8 103=11"},
		{"sold short", "40=2|44=9.00|54=5", all, "35=8 150=8 103=11"},
	} {
		for _, v := range o.versions {
			t.Run(o.what+"/"+v.Name, func(t *testing.T) {
				rest := "54=1|38=10|"
				switch o.what {
				case "sold short":
					rest = "38=10|"
				case "for cash, without a quantity":
					rest = "54=1|"
				}
				tr := openFloor(t, v)
				_, answer := tr.enter("11=x|21=1|55=ABC|60=<now>|" + rest + o.fields)
				want := o.answer
				if v == FIX42 {
					want = replaceWord(replaceWord(want, "103=11", "103=0"), "103=99", "103=0") // it ends at 8
				}
				answer.has(t, want)
				if n := tr.hall.market.Session(1).OpenOrders; n != 0 {
					t.Errorf("refused, and %d orders are open", n)
				}
			})
		}
	}
}

// openFloor is a market with a trade at 10.00 and an offer at 10.05, and session A in the version.
func openFloor(t *testing.T, v *Version) *trading {
	tr := startTrading(t, func(name string, s *SessionConfig) {
		if name == "A" {
			s.Version = v
		}
	})
	b := tr.client("B")
	for n, fields := range []string{"54=1|44=10.00|38=1", "54=2|44=10.00|38=1", "54=2|44=10.05|38=100"} {
		tr.send(b, "D", fmt.Sprintf("11=f%d|55=ABC|40=2|60=<now>|%s", n, fields))
	}
	tr.out.Reset()
	return tr
}

// enter sends an order of session A and gives what became of it: the command, and the first message that came back.
func (tr *trading) enter(body string) (c book.Command, answer message) {
	tr.hall.applied = func(cmd *book.Command) { c = *cmd }
	tr.send(tr.client("A"), "D", body)
	return c, tr.first("A")
}

// A drop copy of an order of OUCH has its number as ClOrdID, and of one in a channel the channel too: two channels have the same numbers.
func TestIDsOfOUCHAreReadable(t *testing.T) {
	for want, id := range map[string]book.ClientID{"17": book.NumberID(17), "255/17": book.ChannelID(255, 17)} {
		if got := string(readableID(&id)); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
