package book

import "unsafe"

// order is two neighbouring cache lines: what matching touches, and the client id. What only some orders have is in orderPool.terms. Quantities are 32
// bits because the feed's are (MaxShares). Invariant while it rests: 0 < open <= qty; what is filled is qty - open.
type order struct {
	price    int64 // its limit; of a Budget its sum
	id, ref  uint64
	notional int64 // sum of price x quantity over its fills
	qty      uint32
	open     uint32
	// next and prev are the neighbours in the level's queue (slots, 0: none); next also links free slots, and orders whose stop was reached.
	next, prev uint32
	level      uint32
	_          uint32
	session    uint16
	instrument uint16
	side       Side
	typ        OrderType
	tif        TimeInForce
	marks      marks

	// name is the present client id, hash its hash, sameChain the next order (slot, 0: none) in the chain of those that hash alike.
	name      idText
	hash      uint32
	sameChain uint32
	_         [2]uint64
}

// marks are an order's Conditions (lowest four bits), whether it has terms, and its SelfTrade.
type marks uint8

const (
	hasTerms       marks = 1 << 4
	selfTradeShift       = 5
	// unseen orders are not on the feed, nor in the depth.
	unseen = marks(Hidden | AllOrNone)
)

func makeMarks(c Conditions, s SelfTrade) marks {
	return marks(c&conditions) | marks(s)<<selfTradeShift
}

func (k marks) conditions() Conditions { return Conditions(k) & conditions }
func (k marks) selfTrade() SelfTrade   { return SelfTrade(k >> selfTradeShift) }

// terms is what icebergs, stops and orders good till a date have besides.
type terms struct {
	stop, trail int64 // ticks
	expire      int64 // ns since the Unix epoch, 0: it does not
	// display is how much is shown at a time, shown what is now; 0: no iceberg.
	display, shown uint32
	// due is where it stands in the heap of what expires. older and newer are its neighbours among the trailing stops (slots, 0: none).
	due          uint32
	older, newer uint32
}

// orderKinds are an order's session, instrument, side, type, time in force and marks, the first one lowest.
type orderKinds uint64

func (o *order) kinds() orderKinds     { return *(*orderKinds)(unsafe.Pointer(&o.session)) }
func (o *order) setKinds(k orderKinds) { *(*orderKinds)(unsafe.Pointer(&o.session)) = k }

func (o *order) cum() uint32 { return o.qty - o.open }

// unpriced types trade at any price and never rest.
const unpriced = 1<<MarketOrder | 1<<Stop | 1<<TrailingStop | 1<<Budget

// stops are the types that wait for a price to be reached, trailing those of which that price moves.
const (
	stops    = 1<<Stop | 1<<StopLimit | trailing
	trailing = 1<<TrailingStop | 1<<TrailingStopLimit
)

func (t OrderType) in(set uint) bool { return set>>t&1 != 0 }

// orderPool holds all orders, without pointers. Slots are reused last freed first; no slot number is ever visible outside. Slot 0 holds no order.
type orderPool struct {
	used   int
	free   uint32
	orders []order
	terms  []terms
	byName chains
}

// newOrderPool has one slot more than orders may rest: the incoming order's.
func newOrderPool(resting int) orderPool {
	n := resting + 2
	p := orderPool{orders: make([]order, n), terms: make([]terms, n), byName: newChains(n)}
	for i := n - 1; i >= 1; i-- { // also touches each page once, before the first order does
		p.orders[i] = order{next: p.free}
		p.terms[i] = terms{}
		p.free = uint32(i)
	}
	return p
}

func (p *orderPool) take() uint32 {
	slot := p.free
	if slot == 0 {
		panic("book: order pool empty though admission counted a free slot")
	}
	p.free = p.orders[slot].next
	p.used++
	return slot
}

// release gives back the slot of an order that is over.
func (p *orderPool) release(slot uint32) {
	p.releaseBy(p.linkTo(slot), slot)
}

// releaseBy is release by the link that leads to the order in its chain.
func (p *orderPool) releaseBy(at *uint32, slot uint32) {
	o := &p.orders[slot]
	*at = o.sameChain
	o.next = p.free
	p.free = slot
	used := p.used
	p.used = used - 1
	if c := &p.byName; used < int(c.count/4) && c.count > fewestChains { // as unlink has it
		p.join()
	}
}

// slice is how much of a resting order can trade before others at its price have their turn: what an iceberg shows, all of any other.
func (p *orderPool) slice(slot uint32) uint32 {
	o := &p.orders[slot]
	if o.marks&hasTerms != 0 && p.terms[slot].display != 0 {
		return p.terms[slot].shown
	}
	return o.open
}

// shown is how much of an order is seen by others.
func (p *orderPool) shown(slot uint32) uint32 {
	if p.orders[slot].marks&unseen != 0 {
		return 0
	}
	return p.slice(slot)
}
