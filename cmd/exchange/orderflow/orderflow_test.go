package orderflow

import (
	"bytes"
	"encoding/json"
	"os"
	"sort"
	"strings"
	"testing"
)

// naive is a book written from the rules of the format alone: a slice of orders, sorted when it matters.
type naive struct {
	orders []*naiveOrder // in order of arrival
	byID   map[uint64]*naiveOrder
	hash   TradeHash
	result Result
}

type naiveOrder struct {
	id     uint64
	symbol uint16
	side   uint8
	price  int64
	open   uint32
}

func playNaively(f *File) Result {
	n := &naive{byID: map[uint64]*naiveOrder{}, hash: NewTradeHash()}
	for i := range f.Records {
		n.play(&f.Records[i])
	}
	n.result.Resting = len(n.orders)
	n.result.TradeHash = n.hash.String()
	return n.result
}

func (n *naive) play(r *Record) {
	n.result.Orders++
	live := n.byID[r.ID]
	switch r.Op {
	case Add, IOC, Market:
		n.enter(r, r.ID)
		return
	}
	if live == nil {
		n.result.Rejected++
		return
	}
	switch {
	case r.Op == Reduce && r.Qty < live.open:
		live.open -= r.Qty
	default:
		n.remove(live)
	}
	if r.Op == Replace {
		n.enter(r, r.Aux)
	}
}

func (n *naive) remove(o *naiveOrder) {
	delete(n.byID, o.id)
	for i := range n.orders {
		if n.orders[i] == o {
			n.orders = append(n.orders[:i], n.orders[i+1:]...)
			return
		}
	}
}

// enter trades with whoever is best, then longest there, and rests what is left of a limit order.
func (n *naive) enter(r *Record, id uint64) {
	n.result.Accepted++
	in := &naiveOrder{id: id, symbol: r.Symbol, side: r.Side, price: r.Price, open: r.Qty}
	var others []*naiveOrder
	for _, o := range n.orders {
		if o.symbol == in.symbol && o.side != in.side && (r.Op == Market || in.side == 0 && o.price <= in.price || in.side == 1 && o.price >= in.price) {
			others = append(others, o)
		}
	}
	sort.SliceStable(others, func(i, j int) bool {
		if in.side == 0 {
			return others[i].price < others[j].price
		}
		return others[i].price > others[j].price
	})
	for _, o := range others {
		if in.open == 0 {
			break
		}
		qty := min(in.open, o.open)
		in.open -= qty
		o.open -= qty
		n.result.Trades++
		n.result.Volume += uint64(qty)
		n.hash.Add(o.id, in.id, uint64(o.price), uint64(qty))
		if o.open == 0 {
			n.remove(o)
		}
	}
	if in.open > 0 && (r.Op == Add || r.Op == Replace) {
		n.orders = append(n.orders, in)
		n.byID[id] = in
	}
}

// The book and the naive one agree on every trade of generated flow, whatever the seed.
func TestBookAgreesWithTheRules(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		f, err := Generate(Options{Seed: seed, Records: 6000, Prefill: 300, Symbols: 1 + int(seed%3), Span: 2048, Depth: 60}, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, got := playNaively(f), Play(f, nil)
		if want.Trades < 200 || want.Rejected == 0 {
			t.Fatalf("seed %d: the flow shows little: %+v", seed, want)
		}
		got.Seconds, got.StateHash = 0, ""
		if got != want {
			t.Errorf("seed %d:\n got %+v\nwant %+v", seed, got, want)
		}
	}
}

// The file that is kept gives what is written beside it, from the book and from the rules.
func TestKeptFile(t *testing.T) {
	f, err := Read("../../../testdata/orderflow/small.bin")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../../testdata/orderflow/small.json")
	if err != nil {
		t.Fatal(err)
	}
	var want Result
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	got := Play(f, nil)
	got.Seconds = 0
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	rules := playNaively(f)
	rules.StateHash = want.StateHash
	if rules != want {
		t.Errorf("by the rules %+v\nwant %+v", rules, want)
	}
}

func TestSameSeedSameFile(t *testing.T) {
	var files [2]bytes.Buffer
	for i := range files {
		f, err := Generate(Options{Seed: 5, Records: 3000, Prefill: 100, Symbols: 2, Span: 1024, Depth: 50}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Encode(&files[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0].Bytes(), files[1].Bytes()) {
		t.Fatal("the same seed gave two files")
	}
	f, err := Decode(bytes.NewReader(files[0].Bytes()))
	if err != nil || len(f.Records) != 3000 || f.Prefill != 100 || f.Symbols != 2 {
		t.Fatalf("read again: %v", err)
	}
}

func TestDamagedFilesAreExplained(t *testing.T) {
	f, err := Generate(Options{Seed: 1, Records: 10, Prefill: 5, Symbols: 1, Span: 1024, Depth: 50}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var good bytes.Buffer
	if err := f.Encode(&good); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func([]byte) []byte
		says   string
	}{
		"another format": {func(b []byte) []byte { b[0] = 'X'; return b }, "does not begin"},
		"cut":            {func(b []byte) []byte { return b[:len(b)-1] }, "cut at record 10"},
		"impossible op":  {func(b []byte) []byte { b[32] = 9; return b }, "record 1: op 9"},
		"symbol":         {func(b []byte) []byte { b[34] = 7; return b }, "symbol 7"},
		"empty":          {func([]byte) []byte { return nil }, "does not begin"},
	} {
		_, err := Decode(bytes.NewReader(c.change(bytes.Clone(good.Bytes()))))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, it should say %q", name, err, c.says)
		}
	}
}

// TestFilesFit: whatever a file leaves resting, there is room for it, at near and at far prices.
func TestFilesFit(t *testing.T) {
	for what, f := range map[string]*File{
		"more orders than a market has room for otherwise": {Symbols: 1, Span: 1024, Records: make([]Record, 300_000)},
		"each at a price far from others":                  {Symbols: 2, Span: 100 * 90_000, Records: make([]Record, 90_000)},
	} {
		for i := range f.Records {
			f.Records[i] = Record{Op: Add, Symbol: uint16(i % f.Symbols), Qty: 1, ID: uint64(i + 1), Price: BasePrice + int64(i)*int64(f.Span)/int64(len(f.Records))}
		}
		if r := Play(f, nil); r.Resting != len(f.Records) || r.Rejected != 0 {
			t.Errorf("%s: %d of %d rest, %d were rejected", what, r.Resting, len(f.Records), r.Rejected)
		}
	}
	f := &File{Symbols: 1, Span: 10, Records: []Record{
		{Op: Add, ID: 1}, {Op: Add, ID: 2}, {Op: Replace, ID: 1, Aux: 3}, {Op: Replace, ID: 9, Aux: 4}, {Op: Cancel, ID: 2}, {Op: Cancel, ID: 2}, {Op: IOC, ID: 5}, {Op: Add, ID: 6},
	}}
	if n := mostResting(f); n != 3 {
		t.Errorf("%d may rest, should be 3", n)
	}
	f.Records[0].ID = 1 << 40
	if n := mostResting(f); n != 5 {
		t.Errorf("with an id that is not dense %d may rest, should be 5", n)
	}
}
