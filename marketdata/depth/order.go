package depth

// Order rests in a book.
type Order struct {
	Ref    uint64
	Price  uint32
	Shares uint64
	Side   byte // B or S
	MPID   [4]byte
	// Timestamp is when it took its place in the book, nanoseconds since midnight UTC.
	Timestamp uint64
}

// none is the place of no order.
const none = ^uint32(0)

// node is an order in its queue.
type node struct {
	Order
	locate     uint16
	prev, next uint32
}

// orders holds every resting order of all books, and finds them by reference. Places are used again.
type orders struct {
	nodes []node
	free  []uint32
	at    map[uint64]uint32
}

func makeOrders() orders { return orders{at: make(map[uint64]uint32)} }

func (o *orders) add(locate uint16, order Order) uint32 {
	var at uint32
	if n := len(o.free); n > 0 {
		at, o.free = o.free[n-1], o.free[:n-1]
	} else {
		at = uint32(len(o.nodes))
		o.nodes = append(o.nodes, node{})
	}
	o.nodes[at] = node{Order: order, locate: locate, prev: none, next: none}
	o.at[order.Ref] = at
	return at
}

func (o *orders) remove(at uint32) {
	delete(o.at, o.nodes[at].Ref)
	o.free = append(o.free, at)
}
