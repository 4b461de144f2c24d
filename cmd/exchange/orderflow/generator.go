package orderflow

import (
	"fmt"
	"math/rand/v2"

	"exchange/book"
)

// Options of a generated file.
type Options struct {
	Seed    uint64
	Records int // all, prefill included
	Prefill int // limit orders at the start, and roughly how many rest later
	Symbols int
	Span    int // price range in ticks
	Depth   int // how far from the middle orders are placed at most, ticks
}

// DefaultOptions are a small file.
func DefaultOptions() Options {
	return Options{Seed: 1, Records: 100_000, Prefill: 2000, Symbols: 4, Span: 8192, Depth: 200}
}

func (o *Options) check() error {
	switch {
	case o.Records < 1 || o.Prefill < 0 || o.Prefill > o.Records:
		return fmt.Errorf("%d records with %d of them prefill: there must be at least one record, and no more prefill than records", o.Records, o.Prefill)
	case o.Symbols < 1 || o.Symbols > 4096:
		return fmt.Errorf("%d symbols: 1 to 4096 are possible", o.Symbols)
	case o.Depth < 2 || o.Span < 4*o.Depth:
		return fmt.Errorf("depth %d in a span of %d: the span must be four times the depth", o.Depth, o.Span)
	}
	return nil
}

// generator makes flow that a market could see. It plays what it makes through a market, so that it knows which orders live.
//
// Of 100 records behind the prefill about 45 add near the middle (the nearer the likelier: the lower of two even draws), 6 are immediate-or-cancel
// or market, 4 add through the middle, 30 cancel, 6 reduce, 8 replace; 1 in 60 of the latter means an order that is dead. The middle walks by a
// tick now and then, and adds give way to cancels as more orders rest than the prefill.
type generator struct {
	o      Options
	rng    *rand.Rand
	file   *File
	player *Player
	mid    []int64
	live   [][]uint64 // by symbol, with some that have died since
	open   map[uint64]uint32
	sides  map[uint64]uint8 // of every order
	next   uint64
}

// Generate makes a file by its options: the same ones give the same file.
func Generate(o Options, progress func(done int)) (*File, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	g := &generator{
		o: o, rng: rand.New(rand.NewPCG(o.Seed, 0x0de4f10)), file: &File{Prefill: o.Prefill, Symbols: o.Symbols, Span: o.Span},
		mid: make([]int64, o.Symbols), live: make([][]uint64, o.Symbols), open: map[uint64]uint32{}, sides: map[uint64]uint8{}, next: 1,
	}
	g.file.Records = make([]Record, 0, o.Records)
	limits := book.DefaultLimits()
	limits.Orders, limits.ClientIDs, limits.Instruments = max(limits.Orders, o.Records), 2*o.Records+16, max(limits.Instruments, o.Symbols)
	g.player = NewPlayer(limits, o.Symbols)
	for s := range g.mid {
		g.mid[s] = BasePrice + int64(o.Span)/2
	}
	for len(g.file.Records) < o.Records {
		g.step(len(g.file.Records) < o.Prefill)
		if n := len(g.file.Records); progress != nil && n%progressEvery == 0 {
			progress(n)
		}
	}
	return g.file, nil
}

func (g *generator) step(prefill bool) {
	s := uint16(g.rng.IntN(g.o.Symbols))
	if walk := g.rng.IntN(40); walk < 2 {
		low, high := int64(BasePrice+g.o.Depth+8), int64(BasePrice+g.o.Span-g.o.Depth-8)
		g.mid[s] = min(max(g.mid[s]+int64(2*walk-1), low), high)
	}
	if prefill {
		g.add(s, Add, false)
		return
	}
	adds := 45
	if g.player.Market.Resting() > g.o.Prefill {
		adds = 35
	}
	switch k := g.rng.IntN(100); {
	case k < adds:
		g.add(s, Add, false)
	case k < adds+4:
		g.add(s, Add, true)
	case k < adds+9:
		g.add(s, IOC, true)
	case k < adds+10:
		g.add(s, Market, true)
	case k < adds+16:
		g.change(s, Reduce)
	case k < adds+24:
		g.change(s, Replace)
	default:
		g.change(s, Cancel)
	}
}

func (g *generator) price(s uint16, side uint8, through bool) int64 {
	away := int64(min(g.rng.IntN(g.o.Depth), g.rng.IntN(g.o.Depth)))
	if through {
		away = -int64(g.rng.IntN(4)) - 1
	}
	if side == uint8(book.Buy) {
		return g.mid[s] - away
	}
	return g.mid[s] + 1 + away
}

func (g *generator) qty() uint32 { return uint32(1+g.rng.IntN(10)) * uint32(1+99*g.rng.IntN(2)) }

func (g *generator) add(s uint16, op Op, through bool) {
	r := Record{Op: op, Side: uint8(g.rng.IntN(2)), Symbol: s, Qty: g.qty(), ID: g.next}
	g.next++
	if op != Market {
		r.Price = g.price(s, r.Side, through)
	}
	g.sides[r.ID] = r.Side
	g.put(r)
	if op == Add && g.open[r.ID] > 0 {
		g.live[s] = append(g.live[s], r.ID)
	}
}

// change asks something of a live order of the symbol, or now and then of any order there ever was.
func (g *generator) change(s uint16, op Op) {
	id, open := g.victim(s)
	if id == 0 {
		g.add(s, Add, false)
		return
	}
	r := Record{Op: op, Symbol: s, ID: id}
	r.Side = g.sides[id]
	switch op {
	case Reduce:
		r.Qty = 1 + uint32(g.rng.IntN(int(max(open, 1))))
	case Replace:
		r.Qty, r.Price, r.Aux = g.qty(), g.price(s, r.Side, g.rng.IntN(20) == 0), g.next
		g.next++
		g.sides[r.Aux] = r.Side
	}
	g.put(r)
	if op == Replace && g.open[r.Aux] > 0 {
		g.live[s] = append(g.live[s], r.Aux)
	}
}

// victim picks a live order of the symbol.
func (g *generator) victim(s uint16) (id uint64, open uint32) {
	if g.rng.IntN(60) == 0 {
		if id := 1 + g.rng.Uint64N(g.next); g.open[id] == 0 && id < g.next {
			return id, 0
		}
	}
	live := g.live[s]
	for len(live) > 0 {
		at := g.rng.IntN(len(live))
		if open := g.open[live[at]]; open > 0 {
			g.live[s] = live
			return live[at], open
		}
		live[at] = live[len(live)-1]
		live = live[:len(live)-1]
	}
	g.live[s] = live
	return 0, 0
}

// put writes a record down and plays it.
func (g *generator) put(r Record) {
	number := len(g.file.Records)
	g.file.Records = append(g.file.Records, r)
	if r.Op == Replace || r.Op == Cancel {
		delete(g.open, r.ID) // a refused request changes nothing that was open
	}
	for _, e := range g.player.Play(number, &r) {
		id := ParseID(&e.ClientID)
		if e.Rests() {
			g.open[id] = uint32(e.Leaves)
			continue
		}
		switch e.Kind {
		case book.Filled, book.Reduced:
			if !e.Resting && e.Kind == book.Filled {
				continue
			}
			if g.open[id] = uint32(e.Leaves); e.Leaves == 0 {
				delete(g.open, id)
			}
		case book.Cancelled:
			delete(g.open, ParseID(&e.OrigID))
		}
	}
}
