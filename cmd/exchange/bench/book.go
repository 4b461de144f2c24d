package bench

import (
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"exchange/book"
	"exchange/cmd/exchange/bench/baseline"
	"exchange/cmd/exchange/orderflow"
	"exchange/cmd/exchange/server/pages"
)

// BookOptions says what to measure of the order book.
type BookOptions struct {
	Files    []string // order-flow files; none: made ones with 1 thousand, 10 thousand and 1 million orders resting, and with 100 instruments
	Passes   int      // times each file is played, ours and the baseline in turn
	Progress func(what string)
}

const (
	// bookStretch is how many records are turned into commands at a time, then applied back to back: they stay in the second-level cache, where a
	// command that was just decoded would be.
	bookStretch = 500
	// clockedEvery: of so many stretches one has a look at the clock after each record, and does not count for the rate.
	clockedEvery = 4
)

// regime is one flow to be measured.
type regime struct {
	name string
	flow *orderflow.File
	want orderflow.Result // what the exchange's own book made of it, unmeasured, and the baseline too
	// goesOn tells, of each replace, whether its order was alive: its second command applies.
	goesOn []bool
}

// Book measures the order book on order-flow files.
//
//  1. Each file is played through the book once, unmeasured, with a look at each event: the baseline must have made the same trades.
//  2. Passes alternate: a fresh market and a fresh baseline, the prefill unmeasured, then the rest of the file.
//  3. A pass alternates stretches without a look at the clock (rates) and stretches with one after each record (times, by kind).
//  4. At the end of each pass the book's state must be that of the first.
//
// Beside the times it says what memory the book's tables take, and how the times of plain arithmetic are spread on this machine meanwhile.
func Book(o BookOptions) (*Report, error) {
	r := NewReport("book")
	regimes, err := openRegimes(o)
	if err != nil {
		return nil, err
	}
	arithmetic := arithmeticFigure()
	r.Floors = append(r.Floors, clockFigure(), arithmetic)
	for _, g := range regimes {
		if o.Progress != nil {
			o.Progress(g.name)
		}
		all, err := g.measure(r, max(o.Passes, 1))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g.name, err)
		}
		r.ratio("p999_over_arithmetic "+g.name, all.P999, arithmetic.P999)
	}
	return r, nil
}

func openRegimes(o BookOptions) (all []*regime, err error) {
	for _, path := range o.Files {
		f, err := orderflow.Read(path)
		if err != nil {
			return nil, err
		}
		all = append(all, &regime{name: filepath.Base(path), flow: f})
	}
	if len(o.Files) > 0 {
		return all, nil
	}
	for _, made := range []struct {
		name                    string
		prefill, records, depth int
		symbols                 int
	}{
		{"1 thousand resting", 1_000, 501_000, 500, 1},
		{"10 thousand resting", 10_000, 510_000, 1_000, 1},
		{"1 million resting", 1_000_000, 1_500_000, 8_000, 1},
		{"100 instruments", 200_000, 700_000, 500, 100},
	} {
		options := orderflow.Options{Seed: 1, Records: made.records, Prefill: made.prefill, Symbols: made.symbols, Span: 1 << 16, Depth: made.depth}
		f, err := orderflow.Generate(options, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, &regime{name: made.name, flow: f})
	}
	return all, nil
}

// measure plays the regime's passes and adds its figures; it returns the one of all commands.
func (g *regime) measure(r *Report, passes int) (all Figure, err error) {
	if err := g.verify(); err != nil {
		return all, err
	}
	ours, plain := newBookFigures(), newBookFigures()
	for range passes {
		if err := g.pass(ours); err != nil {
			return all, err
		}
		if err := g.baselinePass(plain); err != nil {
			return all, err
		}
	}
	params := func(kind string) map[string]any {
		return map[string]any{"file": g.name, "kind": kind, "resting": g.want.Resting}
	}
	all = ours.all.figure("apply", params("all"))
	r.Figures = append(r.Figures, g.memory(), all)
	for op, s := range ours.kinds {
		if s.h.TotalCount() > 0 {
			r.Figures = append(r.Figures, s.figure("apply", params(kindNames[op])))
		}
	}
	r.Peers = append(r.Peers, plain.all.figure("baseline_book", params("all")))
	if a, b := ours.all.rate(), plain.all.rate(); b > 0 {
		r.Ratios["baseline_over_ours "+g.name] = a / b
	}
	return all, nil
}

// memory is what a market's tables take, all of it from the start, and how much of that each order has that may rest.
func (g *regime) memory() Figure {
	var before, after runtime.MemStats
	limits := orderflow.LimitsFor(g.flow)
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := book.NewMarket(limits)
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(m)
	bytes := after.TotalAlloc - before.TotalAlloc
	return Figure{Name: "memory", Params: map[string]any{
		"file": g.name, "tables_bytes": bytes, "orders": limits.Orders, "client_ids": limits.ClientIDs, "bytes_per_order": bytes / uint64(limits.Orders),
	}, Samples: 1}
}

// verify plays the file once through each book without measuring.
func (g *regime) verify() error {
	p := orderflow.NewPlayer(orderflow.LimitsFor(g.flow), g.flow.Symbols)
	plain := baseline.New(g.flow.Symbols)
	g.goesOn = make([]bool, len(g.flow.Records))
	for i := range g.flow.Records {
		rejected := p.Result.Rejected
		p.Play(i, &g.flow.Records[i])
		g.goesOn[i] = p.Result.Rejected == rejected
		plain.Play(&g.flow.Records[i])
	}
	g.want = p.Finish(0)
	if plain.Hash.String() != g.want.TradeHash || plain.Volume != g.want.Volume {
		return fmt.Errorf("the books disagree: %d trades of %d lots, hash %s; the baseline has %d of %d, hash %v",
			g.want.Trades, g.want.Volume, g.want.TradeHash, plain.Trades, plain.Volume, plain.Hash)
	}
	return nil
}

// pass plays the file through a fresh market.
func (g *regime) pass(figures *bookFigures) error {
	m := book.NewMarket(orderflow.LimitsFor(g.flow))
	defer runtime.GC() // of the market, before the next one is made
	events := make([]book.Event, 0, 1<<14)
	commands := make([]book.Command, 0, 2*bookStretch)
	ends := make([]int32, 0, bookStretch)
	clocked := make([]int64, bookStretch)
	for _, c := range orderflow.Opening(g.flow.Symbols) {
		m.Apply(&c, events)
	}
	runtime.GC()
	pages.Gather() // as a replica does when it has made its tables
	seq := uint64(1)
	var pair [2]book.Command
	g.stretches(func(from, to int, mode stretchMode) {
		commands, ends = commands[:0], ends[:0]
		for i := from; i < to; i++ {
			n := orderflow.Requests(i, &g.flow.Records[i], &pair)
			if n == 2 && !g.goesOn[i] {
				n = 1
			}
			for k := range n {
				seq++
				pair[k].Epoch, pair[k].InSeq = 1, seq
				commands = append(commands, pair[k])
			}
			ends = append(ends, int32(len(commands)))
		}
		start := time.Now()
		if mode != clockedStretch {
			events = m.ApplyAll(commands, events, func(*book.Command, []book.Event) {})
			figures.stretch(mode, to-from, time.Since(start))
			return
		}
		at, record, last := int32(0), 0, time.Since(start)
		events = m.ApplyAll(commands, events, func(*book.Command, []book.Event) {
			if at++; at < ends[record] {
				return
			}
			now := time.Since(start)
			clocked[record] = int64(now - last)
			last = now
			record++
		})
		figures.clocked(g.flow.Records[from:to], clocked)
	})
	if got := fmt.Sprintf("%016x", m.BookHash()); got != g.want.StateHash {
		return fmt.Errorf("a measured pass ended in state %s, the first in %s", got, g.want.StateHash)
	}
	return nil
}

func (g *regime) baselinePass(figures *bookFigures) error {
	b := baseline.New(g.flow.Symbols)
	runtime.GC()
	gathered := false
	clocked := make([]int64, bookStretch)
	g.stretches(func(from, to int, mode stretchMode) {
		records := g.flow.Records[from:to]
		if mode != prefillStretch && !gathered { // its tables have grown meanwhile
			pages.Gather()
			gathered = true
		}
		start := time.Now()
		if mode != clockedStretch {
			for i := range records {
				b.Play(&records[i])
			}
			figures.stretch(mode, to-from, time.Since(start))
			return
		}
		last := time.Since(start)
		for i := range records {
			b.Play(&records[i])
			now := time.Since(start)
			clocked[i] = int64(now - last)
			last = now
		}
		figures.clocked(records, clocked)
	})
	if b.Hash.String() != g.want.TradeHash {
		return fmt.Errorf("a measured pass of the baseline ended with hash %v, the first with %s", b.Hash, g.want.TradeHash)
	}
	return nil
}

// stretchMode says what a stretch of records is for.
type stretchMode int

const (
	prefillStretch stretchMode = iota // not measured
	ratedStretch
	clockedStretch
)

// stretches cuts the file up.
func (g *regime) stretches(play func(from, to int, mode stretchMode)) {
	n := 0
	for from := 0; from < len(g.flow.Records); n++ {
		end, mode := len(g.flow.Records), ratedStretch
		if from < g.flow.Prefill {
			end, mode = g.flow.Prefill, prefillStretch
		} else if n%clockedEvery == 0 {
			mode = clockedStretch
		}
		to := min(from+bookStretch, end)
		play(from, to, mode)
		from = to
	}
}

var kindNames = [...]string{orderflow.Add: "add", orderflow.IOC: "ioc", orderflow.Market: "market", orderflow.Cancel: "cancel",
	orderflow.Reduce: "reduce", orderflow.Replace: "replace"}

// bookFigures gathers one engine's times, all together and by kind of record.
type bookFigures struct {
	all   *samples
	kinds [len(kindNames)]*samples
}

func newBookFigures() *bookFigures {
	f := &bookFigures{all: newSamples()}
	for i := range f.kinds {
		f.kinds[i] = newSamples()
	}
	return f
}

func (f *bookFigures) stretch(mode stretchMode, ops int, took time.Duration) {
	if mode == ratedStretch {
		f.all.stretch(int64(ops), took)
	}
}

func (f *bookFigures) clocked(records []orderflow.Record, ns []int64) {
	for i := range records {
		f.all.record(ns[i])
		f.kinds[records[i].Op].record(ns[i])
	}
}

// rate is operations a second over all stretches.
func (s *samples) rate() float64 {
	if s.busy <= 0 {
		return 0
	}
	return float64(s.ops) / s.busy.Seconds()
}

// clockFigure is the distribution of what a look at the clock costs by itself.
func clockFigure() Figure {
	s := newSamples()
	start := time.Now()
	last := time.Since(start)
	for range 200_000 {
		now := time.Since(start)
		s.record(int64(now - last))
		last = now
	}
	return s.figure("clock", nil)
}

const (
	arithmeticRuns  = 1 << 20
	arithmeticSteps = 64 // multiplications that wait for one another, 3 or 4 cycles each: about as long as a command takes
)

// arithmeticFigure is the distribution of what never touches memory and does the same each time: what its tail has above its median the machine did, as it
// does it to a command of that length.
func arithmeticFigure() Figure {
	s := newSamples()
	start := time.Now()
	last, x := time.Since(start), uint64(3)
	for range arithmeticRuns {
		for range arithmeticSteps {
			x *= x | 1
		}
		now := time.Since(start)
		s.record(int64(now - last))
		last = now
	}
	runtime.KeepAlive(x)
	return s.figure("arithmetic", map[string]any{"steps": arithmeticSteps})
}
