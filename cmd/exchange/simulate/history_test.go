package simulate

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"exchange/book"

	"github.com/anishathalye/porcupine"
)

// Small histories are also given to a searcher that knows nothing of the log's order: there must be one that explains what the clients were told. Each is
// cut off at some time, so that requests are left whose outcome nobody knows: they may have taken effect or not.

// searchPatience bounds the search of one history. What it decides is seen long before; a history that is not decided fails the test.
const searchPatience = time.Minute

// outcome is what a client was told of its request; unknown: nothing.
type outcome struct {
	unknown          bool
	exec             byte
	filled, notional int64
	cancelled        bool // what was left was cancelled
	rest             int64
}

func outcomeOf(told []heard, o *operation) (out outcome) {
	for i := range told {
		h := &told[i]
		if h.session != o.client || h.id != o.id {
			continue
		}
		switch {
		case h.answer:
			out.exec, out.rest = h.exec, h.left
		case h.exec == 'F':
			out.filled += h.qty
			out.notional += h.qty * h.price
			out.rest = h.left
		case h.exec == '4':
			out.cancelled, out.rest = true, 0
		}
	}
	return out
}

// orderBook is the model as the searcher wants it: states are never changed.
var orderBook = porcupine.Model{
	Init: func() any { return []modelOrder(nil) },
	Step: func(state, input, output any) (bool, any) {
		o, out := input.(*operation), output.(outcome)
		m := model{resting: slices.Clone(state.([]modelOrder))}
		told := m.apply(o, nil)
		return out.unknown || outcomeOf(told, o) == out, m.resting
	},
	Equal: func(a, b any) bool { return slices.Equal(a.([]modelOrder), b.([]modelOrder)) },
}

// history makes the searcher's input of what had happened up to the time.
func history(r *Result, cut int64) (all []porcupine.Operation, unknown int) {
	byIndex := map[uint64][]heard{}
	for _, h := range r.told {
		byIndex[h.index] = append(byIndex[h.index], h)
	}
	for i := range r.operations {
		o := &r.operations[i]
		if o.called > cut {
			continue
		}
		p := porcupine.Operation{ClientId: o.client, Input: o, Call: o.called, Return: o.returned, Output: outcomeOf(byIndex[o.index], o)}
		if o.returned > cut {
			unknown++
			p.Return, p.Output = math.MaxInt64, outcome{unknown: true}
		}
		all = append(all, p)
	}
	return all, unknown
}

// TestHistoriesAreExplained searches an order for each of many small histories.
func TestHistoriesAreExplained(t *testing.T) {
	var unknown, longest, concurrent atomic.Int64
	n := howMany(historiesInTest, historiesInLongTest)
	inParallel(n, func(seed uint64) {
		r := Run(seed, Options{Small: true})
		if r.Violation != "" {
			t.Errorf("%s: %s", r.String(), r.Violation)
			return
		}
		rng := rand.New(rand.NewPCG(seed, 3))
		all, lost := history(&r, int64(r.Virtual)/10+rng.Int64N(int64(r.Virtual)))
		unknown.Add(int64(lost))
		concurrent.Add(int64(overlaps(all)))
		for was := longest.Load(); int64(len(all)) > was && !longest.CompareAndSwap(was, int64(len(all))); was = longest.Load() {
		}
		if got := porcupine.CheckOperationsTimeout(orderBook, all, searchPatience); got != porcupine.Ok {
			t.Errorf("seed %d: a history of %d requests, %d of them without an answer: %v", seed, len(all), lost, got)
		}
	})
	t.Logf("%d histories, the longest of %d requests; %d requests without an answer, %d overlapping pairs", n, longest.Load(), unknown.Load(), concurrent.Load())
	if unknown.Load() == 0 || concurrent.Load() < int64(n) || longest.Load() < smallHistory*3/4 {
		t.Error("the histories are too tame to show anything")
	}
}

func overlaps(all []porcupine.Operation) (n int) {
	for i := range all {
		for k := range i {
			if all[i].Call < all[k].Return && all[k].Call < all[i].Return {
				n++
			}
		}
	}
	return n
}

// TestWrongHistoriesAreNotExplained changes one answer in each of some histories. The witness, which knows the log's order, must object to each. So must the
// searcher, but for a few: one share more is sometimes to be had in another order of requests that were under way at the same time, or from one whose
// outcome nobody knows.
func TestWrongHistoriesAreNotExplained(t *testing.T) {
	changed, searched, explained := 0, 0, 0
	for seed := uint64(1); seed <= 40; seed++ {
		r := Run(seed, Options{Small: true})
		rng := rand.New(rand.NewPCG(seed, 5))
		var fills []int
		for i := range r.told {
			if r.told[i].exec == 'F' {
				fills = append(fills, i)
			}
		}
		if len(fills) == 0 {
			continue
		}
		changed++
		h := &r.told[fills[rng.IntN(min(len(fills), 12))]] // an early one: to see that there is no order takes long in a long history
		h.qty++
		h.cum++
		h.left--
		if err := witness(slices.Clone(r.operations), slices.Clone(r.told), nil); err == nil {
			t.Errorf("seed %d: the witness believes a fill that was not", seed)
		}
		// The searcher is told of incoming orders alone, so only a fill of one of those can contradict what it knows.
		own := slices.ContainsFunc(r.operations, func(o operation) bool { return o.index == h.index && o.client == h.session && o.id == h.id })
		if !own {
			continue
		}
		searched++
		all, _ := history(&r, justAfter(&r, h.index))
		switch porcupine.CheckOperationsTimeout(orderBook, all, searchPatience) {
		case porcupine.Ok:
			explained++
			t.Logf("seed %d: the searcher explains a fill that was not", seed)
		case porcupine.Unknown:
			t.Errorf("seed %d: the searcher has no verdict", seed)
		}
	}
	t.Logf("%d fills changed, %d histories searched, %d explained all the same", changed, searched, explained)
	if changed < 20 || searched < 10 || 10*explained > searched {
		t.Errorf("%d fills changed, %d histories searched, %d explained all the same", changed, searched, explained)
	}
}

// justAfter is when the request with the index was answered.
func justAfter(r *Result, index uint64) int64 {
	for _, o := range r.operations {
		if o.index == index {
			return o.returned
		}
	}
	return math.MaxInt64
}

// TestWitnessKnowsRealTime: of two requests the later one cannot come first.
func TestWitnessKnowsRealTime(t *testing.T) {
	id := func(b byte) book.ClientID { return book.ClientID{b} }
	first := operation{client: 1, kind: 'D', id: id('a'), symbol: "ABC", qty: 1, price: 100, called: 10, returned: 20, index: 2}
	second := operation{client: 2, kind: 'D', id: id('b'), symbol: "ABC", qty: 1, price: 100, called: 30, returned: 40, index: 1}
	told := []heard{{index: 2, session: 1, id: id('a'), exec: '0', left: 1, answer: true}, {index: 1, session: 2, id: id('b'), exec: '0', left: 1, answer: true}}
	if err := witness([]operation{first, second}, slices.Clone(told), nil); err == nil {
		t.Error("an order that was sent after another was answered came before it, and the witness agrees")
	}
	second.called = 15
	if err := witness([]operation{first, second}, slices.Clone(told), nil); err != nil {
		t.Errorf("two orders at the same time may come in either order: %v", err)
	}
	told[0].index = 1
	second.index = 2
	first.index = 2
	if err := witness([]operation{first, second}, told, nil); err == nil {
		t.Error("two requests have the same place, and the witness agrees")
	}
}
