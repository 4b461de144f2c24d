package book

// order is the part of an order that matching touches: one cache line. Its client id lies beside it in orderPool.ids. Quantities are 32 bits
// because the feed's are (MaxShares). Invariant while it rests: 0 < open <= qty; what is filled is qty - open.
type order struct {
	id, ref  uint64
	price    int64
	notional int64 // sum of price x quantity over its fills
	qty      uint32
	open     uint32
	// next and prev are the neighbours in the level's queue (slots, 0: none); next also links free slots.
	next, prev uint32
	level      uint32
	// name is where the order's present client id lies in the table of ids, noName when the slot is free.
	name       uint32
	session    uint16
	instrument uint16
	side       Side
	typ        OrderType
	tif        TimeInForce
	_          uint8
}

func (o *order) cum() uint32 { return o.qty - o.open }

// Slots 0 to 2 hold no order: their numbers mean something else in the table of ids.
const (
	firstSlot = 3
	noName    = ^uint32(0)
)

// orderPool holds all orders, without pointers. Slots are reused last freed first; no slot number is ever visible outside.
type orderPool struct {
	orders []order
	ids    []ClientID
	free   uint32
	used   int
}

// newOrderPool has one slot more than orders may rest: the incoming order's.
func newOrderPool(resting int) orderPool {
	p := orderPool{orders: make([]order, resting+1+firstSlot), ids: make([]ClientID, resting+1+firstSlot)}
	for i := len(p.orders) - 1; i >= firstSlot; i-- { // also touches each page once, before the first order does
		p.orders[i].name = noName
		p.orders[i].next = p.free
		p.ids[i] = ClientID{}
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

func (p *orderPool) release(slot uint32) {
	o := &p.orders[slot]
	o.name = noName
	o.next = p.free
	p.free = slot
	p.used--
}
