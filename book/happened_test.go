package book

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"
)

// happened counts what the flow brought about, as the naive market sees it: a kind of thing that never happens was not tested. A nil one counts nothing.
type happened struct {
	times  map[string]int
	trades [len(traits)][len(traits)]int // by what the incoming and the resting order are
	orders [len(traits)]int
}

// traits are what an order can be, types and times in force first, in their own order.
var traits = [...]string{
	"limit", "market", "stop", "stop-limit", "trailing stop", "trailing stop-limit", "market-to-limit", "budget",
	"day", "immediate-or-cancel", "fill-or-kill", "good-till-cancel", "good-till-date",
	"post-only", "slide", "all-or-none", "hidden", "iceberg", "minimum quantity",
	"cancel newest", "cancel oldest", "cancel both", "decrement",
}

const (
	traitTIF       = 8
	traitCondition = 13
	traitIceberg   = 17
	traitSelfTrade = 19
)

func (o *naiveOrder) traits() uint32 {
	set := uint32(1)<<o.Type | 1<<(traitTIF+o.TIF) | uint32(o.Conditions)<<traitCondition
	if o.Display != 0 {
		set |= 1 << traitIceberg
	}
	if o.MinQty != 0 {
		set |= 1 << (traitIceberg + 1)
	}
	if o.SelfTrade != SelfTradeAllowed {
		set |= 1 << (traitSelfTrade + o.SelfTrade - 1)
	}
	return set
}

// name is the order's type.
func (o *naiveOrder) name() string { return traits[o.Type] }

// where tells among which orders it lies.
func (o *naiveOrder) where() string {
	switch {
	case o.waits && o.trails():
		return "trailing stop"
	case o.waits:
		return "stop"
	case o.whole():
		return "all-or-none"
	case o.Conditions&Hidden != 0:
		return "hidden"
	case o.Display != 0:
		return "iceberg"
	}
	return "in the book"
}

func (h *happened) saw(what string) {
	if h != nil {
		h.times[what]++
	}
}

func (h *happened) sawEntered(o *naiveOrder) {
	for set := o.traits(); h != nil && set != 0; set &= set - 1 {
		h.orders[bits.TrailingZeros32(set)]++
	}
}

func (h *happened) sawTrade(in, rest *naiveOrder) {
	for a := in.traits(); h != nil && a != 0; a &= a - 1 {
		for b := rest.traits(); b != 0; b &= b - 1 {
			h.trades[bits.TrailingZeros32(a)][bits.TrailingZeros32(b)]++
		}
	}
}

// sawPrevented counts self-trades by what was asked for, what rests, and which of the two is larger.
func (h *happened) sawPrevented(in, rest *naiveOrder) {
	if h != nil {
		h.saw(fmt.Sprintf("%s: %s, %s", traits[traitSelfTrade+in.SelfTrade-1], rest.where(), [...]string{"smaller", "as large", "larger"}[1+sign(rest.open()-in.open())]))
	}
}

func sign(x int64) int {
	switch {
	case x < 0:
		return -1
	case x > 0:
		return 1
	}
	return 0
}

// sawReplace counts what a replacement changes, and of what.
func (h *happened) sawReplace(o *naiveOrder, c *Command, price int64, keeps bool) {
	if h == nil {
		return
	}
	what := "requeued"
	switch {
	case keeps:
		what = "less, keeps its place"
	case price != o.Price && c.Qty < o.Qty:
		what = "another price, less"
	case price != o.Price && c.Qty > o.Qty:
		what = "another price, more"
	case price != o.Price:
		what = "another price"
	case c.Qty > o.Qty:
		what = "more"
	}
	h.saw("replace: " + what + ": " + o.where())
	if o.cum > 0 {
		h.saw("replace: " + what + ", partly filled")
	}
	for name, changed := range map[string]bool{"display": c.Display != 0 && c.Display != o.Display, "stop price": c.StopPrice != 0 && c.StopPrice != o.StopPrice, "trail": c.Trail != 0 && c.Trail != o.Trail} {
		if changed {
			h.saw("replace: another " + name)
		}
	}
	if price != c.Price && o.Conditions&PostOnlySlide != 0 {
		h.saw("replace: slid")
	}
}

// mayTrade tells whether an incoming order that is one thing can meet a resting one that is another: what cannot rest is never met, and what is post-only
// trades on its way in with waiting all-or-none orders alone.
func mayTrade(in, rest int) bool {
	is := func(trait int, names ...string) bool { return slices.Contains(names, traits[trait]) }
	switch {
	case is(rest, "market", "stop", "trailing stop", "budget", "immediate-or-cancel", "fill-or-kill"):
		return false
	case is(in, "post-only", "slide"):
		return is(rest, "limit", "stop-limit", "day", "good-till-cancel", "good-till-date", "all-or-none") || rest >= traitSelfTrade
	}
	return true
}

// mustHappen are the things that a flow has to bring about beside trades. A word in braces is each of several.
var mustHappen []string // written out by init

const (
	places    = "{in the book,iceberg,hidden,all-or-none,stop,trailing stop}"
	booked    = "{in the book,iceberg,hidden,all-or-none}"
	truth     = "{true,false}"
	bothSides = "{buy,sell}"
)

func init() {
	for _, pattern := range []string{
		"cancel: " + places, "reduce: " + places, "expired: " + places, "ended with the day: " + places, "lives over the day: " + places,
		"session's orders cancelled: " + places, "command dropped",
		"mass cancel {S,P}, one instrument " + truth + ", one side " + truth + ": " + places,
		"mass cancel by the exchange: one participant " + truth + ", one instrument " + truth + ", one side " + truth,
		"{cancel newest,cancel oldest,cancel both,decrement}: {in the book,iceberg,hidden}, {smaller,as large,larger}",
		"{cancel newest,cancel oldest,cancel both,decrement}: all-or-none, {smaller,as large}",
		"all-or-none passed over: too large", "all-or-none waits", "all-or-none tried again with success",
		"used id: {" + fmt.Sprintf("%v,%v,%v,%v,%v", Enter, Cancel, Replace, Reduce, MassCancel) + "}", "expired to the nanosecond", "good till now", "iceberg of a part too many", "session is back before its orders are cancelled",
		"iceberg refreshed", "minimum quantity met", "market-to-limit without a market", "slid: " + bothSides,
		"budget met true: buy, its sum {to the last tick,above}", "budget met true: sell, its sum {below,to the last tick}",
		"budget met false: buy, its sum below", "budget met false: sell, its sum above",
		"trailed: {trailing stop,trailing stop-limit}",
		"reached: {stop,stop-limit,trailing stop,trailing stop-limit} " + bothSides + ", in a chain: " + truth,
		"reached when it is entered: {stop,stop-limit,trailing stop,trailing stop-limit}",
		"replace: {less, keeps its place;another price, less;another price, more;another price;more;requeued}: " + booked,
		"replace: {less, keeps its place;more;requeued}: {stop;trailing stop}",
		"replace: {less, keeps its place;another price, less;another price, more;more}, partly filled",
		"replace: another {display,stop price,trail}", "replace: slid", "replace: into the other side", "replace: a stop into reach", "replace: nothing would be left",
	} {
		mustHappen = append(mustHappen, each(pattern)...)
	}
}

// each writes out the words in braces of a pattern, which are parted by semicolons, or else by commas.
func each(pattern string) (all []string) {
	before, rest, found := strings.Cut(pattern, "{")
	if !found {
		return []string{pattern}
	}
	words, after, _ := strings.Cut(rest, "}")
	separator := ","
	if strings.Contains(words, ";") {
		separator = ";"
	}
	for _, word := range strings.Split(words, separator) {
		for _, end := range each(after) {
			all = append(all, before+word+end)
		}
	}
	return all
}

// check fails for what should have happened and has not, at least so many times, and for what cannot be and was.
func (h *happened) check(t *testing.T, least int) {
	t.Helper()
	for _, what := range mustHappen {
		if h.times[what] < least {
			t.Errorf("%q came %d times", what, h.times[what])
		}
	}
	for a := range traits {
		if h.orders[a] < least {
			t.Errorf("%d orders entered were %s", h.orders[a], traits[a])
		}
		for b := range traits {
			if n := h.trades[a][b]; mayTrade(a, b) && n < least || !mayTrade(a, b) && n > 0 {
				t.Errorf("%d trades of an incoming order that is %s with a resting one that is %s", n, traits[a], traits[b])
			}
		}
	}
}
