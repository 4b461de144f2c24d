package book

// dueHeap holds the slots of the orders that end at a time, the earliest first, of one time the oldest order first: a binary heap. What comes off it does
// not depend on how it lies. Bound: limits.Orders and the incoming order.
type dueHeap struct{ slots []uint32 }

func newDueHeap(orders int) dueHeap { return dueHeap{slots: make([]uint32, 0, orders+1)} }

func (h *dueHeap) before(m *Market, i, j int) bool {
	a, b := h.slots[i], h.slots[j]
	if x, y := m.pool.terms[a].expire, m.pool.terms[b].expire; x != y {
		return x < y
	}
	return m.pool.orders[a].id < m.pool.orders[b].id
}

func (h *dueHeap) swap(m *Market, i, j int) {
	h.slots[i], h.slots[j] = h.slots[j], h.slots[i]
	m.pool.terms[h.slots[i]].due, m.pool.terms[h.slots[j]].due = uint32(i), uint32(j)
}

func (h *dueHeap) push(m *Market, slot uint32) {
	i := len(h.slots)
	h.slots = append(h.slots, slot)
	m.pool.terms[slot].due = uint32(i)
	h.up(m, i)
}

func (h *dueHeap) up(m *Market, i int) {
	for i > 0 && h.before(m, i, (i-1)/2) {
		h.swap(m, i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (h *dueHeap) down(m *Market, i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.slots); child++ {
			if h.before(m, child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(m, i, least)
		i = least
	}
}

// remove takes out an order that is in it.
func (h *dueHeap) remove(m *Market, slot uint32) {
	i, last := int(m.pool.terms[slot].due), len(h.slots)-1
	if h.slots[i] != slot {
		panic("book: an order that expires is not where it says in the heap")
	}
	h.swap(m, i, last)
	h.slots = h.slots[:last]
	if i < last {
		h.up(m, i)
		h.down(m, i)
	}
}

// expire ends the orders whose time has come.
func (m *Market) expire() {
	for len(m.due.slots) > 0 {
		slot := m.due.slots[0]
		if m.pool.terms[slot].expire > m.counters.time {
			return
		}
		m.end(slot, Expired, nil)
	}
}
