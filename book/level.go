package book

// level is one price in one of an instrument's ladders: its orders in the order in which they trade, between the levels next better and next worse. In the
// book, those that are shown stand before those that are hidden. Invariant: it has at least one order, qty is the sum of their open quantities,
// shown of what is seen of them; head to lastSeen are the seen orders, seen in number.
type level struct {
	price      int64
	qty, shown int64
	stamp      uint64 // index of the command that last changed what is shown of it
	count      uint32
	tail       uint32
	seen       uint32
	lastSeen   uint32
	head       uint32
	// better and worse are the neighbouring levels; worse also links free ones.
	better, worse uint32
	instrument    uint16
	ladder        uint8 // which of the instrument's
}

// An instrument has six ladders, numbered by what waits in them plus the side: the book; all-or-none orders, which others need not wait for; and
// stops by their stop prices.
const (
	inBook     = 0
	allOrNones = 2
	stopped    = 4
	ladders    = 6
)

// keyOf orders the prices of a ladder best first; of stops the one that is reached first is best: the lowest buy, the highest sell.
func keyOf(ladder uint8, price int64) uint64 {
	return priceKey(Side((ladder^ladder>>2)&1), price)
}

// levelPool holds the levels of all instruments. Level 0 is none. It has as many as there are orders, so it is never empty
// when an order rests.
type levelPool struct {
	levels []level
	free   uint32
}

func newLevelPool(n int) levelPool {
	p := levelPool{levels: make([]level, n+1)}
	for i := n; i >= 1; i-- {
		p.levels[i].worse = p.free
		p.free = uint32(i)
	}
	return p
}

func (p *levelPool) take() uint32 {
	i := p.free
	if i == 0 {
		panic("book: level pool empty though there are as many levels as orders")
	}
	p.free = p.levels[i].worse
	return i
}

func (p *levelPool) release(i uint32) {
	p.levels[i].worse = p.free
	p.free = i
}

// enqueue puts an order behind those of its kind at a price of a ladder, making the level if it is the first there.
func (m *Market) enqueue(slot uint32, ladder uint8, price int64) {
	o := &m.pool.orders[slot]
	l := &m.books[o.instrument].ladders[ladder]
	key := keyOf(ladder, price)
	li := m.nodes.find(l, key)
	if li == 0 {
		li = m.addLevel(l, key, price, o.instrument, ladder)
	}
	if ladder < allOrNones && o.marks != 0 {
		m.queueMarked(slot, li)
		return
	}
	m.queue(slot, o, li)
}

// queue puts an order of which all is seen, or none of any at its price, behind the others.
func (m *Market) queue(slot uint32, o *order, li uint32) {
	lv := &m.levels.levels[li]
	o.level = li
	open, last := int64(o.open), lv.lastSeen
	lv.qty += open
	lv.shown += open
	lv.stamp = m.counters.index
	if lv.seen == lv.count && last != 0 { // nothing stands behind: no need to look at the one before, which may be far
		o.prev, o.next = last, 0
		m.pool.orders[last].next = slot
		lv.tail = slot
	} else {
		m.link(slot, lv, last)
	}
	lv.seen++
	lv.count++
	lv.lastSeen = slot
}

// standAlone makes a level of the book for an order without marks and puts it there.
func (m *Market) standAlone(slot uint32, o *order) {
	l, key := &m.books[o.instrument].ladders[inBook+o.side], priceKey(o.side, o.price)
	li := m.makeLevel(l, key)
	lv, open := &m.levels.levels[li], int64(o.open)
	lv.price, lv.qty, lv.shown, lv.stamp = o.price, open, open, m.counters.index
	lv.head, lv.tail, lv.lastSeen, lv.count, lv.seen = slot, slot, slot, 1, 1
	lv.instrument, lv.ladder = o.instrument, inBook+uint8(o.side)
	o.level, o.prev, o.next = li, 0, 0
}

// queueMarked is queue for orders of the book that may not be seen, or not as a whole.
func (m *Market) queueMarked(slot, li uint32) {
	o, lv := &m.pool.orders[slot], &m.levels.levels[li]
	o.level = li
	lv.qty += int64(o.open)
	lv.count++
	if o.marks&unseen != 0 {
		m.link(slot, lv, lv.tail)
		return
	}
	lv.stamp = m.counters.index
	lv.shown += int64(m.pool.slice(slot))
	lv.seen++
	m.link(slot, lv, lv.lastSeen)
	lv.lastSeen = slot
}

// link puts an order into a level's queue behind another (0: at the front).
func (m *Market) link(slot uint32, lv *level, behind uint32) {
	o := &m.pool.orders[slot]
	o.prev = behind
	if behind != 0 {
		o.next = m.pool.orders[behind].next
		m.pool.orders[behind].next = slot
	} else {
		o.next = lv.head
		lv.head = slot
	}
	if o.next != 0 {
		m.pool.orders[o.next].prev = slot
	} else {
		lv.tail = slot
	}
}

// unlink takes an order out of a level's queue.
func (m *Market) unlink(slot uint32, lv *level) {
	o := &m.pool.orders[slot]
	before, behind := o.prev, o.next
	m.pool.orders[before].next = behind // of slot 0 if there is none: nobody looks at those
	m.pool.orders[behind].prev = before
	head, tail, seen := lv.head, lv.tail, lv.lastSeen
	if head == slot {
		head = behind
	}
	if tail == slot {
		tail = before
	}
	if seen == slot {
		seen = before
	}
	lv.head, lv.tail, lv.lastSeen = head, tail, seen
}

// dequeue takes an order out of its level, and the level out of its ladder if it was the last there. The order's fields keep their values.
func (m *Market) dequeue(slot uint32) {
	o := &m.pool.orders[slot]
	lv := &m.levels.levels[o.level]
	m.unlink(slot, lv)
	lv.qty -= int64(o.open)
	lv.count--
	if lv.ladder >= allOrNones || o.marks == 0 {
		lv.stamp = m.counters.index
		lv.shown -= int64(o.open)
		lv.seen--
	} else if o.marks&unseen == 0 {
		lv.stamp = m.counters.index
		lv.shown -= int64(m.pool.slice(slot))
		lv.seen--
	}
	if lv.count == 0 {
		m.removeLevel(&m.books[o.instrument].ladders[lv.ladder], o.level, keyOf(lv.ladder, lv.price))
	}
}

// addLevel makes a level that has no orders yet.
func (m *Market) addLevel(l *ladder, key uint64, price int64, instrument uint16, which uint8) uint32 {
	li := m.makeLevel(l, key)
	lv := &m.levels.levels[li]
	*lv = level{price: price, better: lv.better, worse: lv.worse, instrument: instrument, ladder: which}
	return li
}

// makeLevel takes a level and links it with its neighbours; what else it has is from another time.
func (m *Market) makeLevel(l *ladder, key uint64) uint32 {
	li := m.levels.take()
	better := m.nodes.insert(l, key, li)
	worse := l.best
	if better != 0 {
		worse = m.levels.levels[better].worse
		m.levels.levels[better].worse = li
	} else {
		l.best, l.reach = li, ^key
	}
	if worse != 0 {
		m.levels.levels[worse].better = li
	}
	m.levels.levels[li].better, m.levels.levels[li].worse = better, worse
	return li
}

func (m *Market) removeLevel(l *ladder, li uint32, key uint64) {
	lv := &m.levels.levels[li]
	if lv.better != 0 {
		m.levels.levels[lv.better].worse = lv.worse
	} else {
		l.best, l.reach = lv.worse, 0
		if lv.worse != 0 {
			l.reach = ^keyOf(lv.ladder, m.levels.levels[lv.worse].price)
		}
	}
	if lv.worse != 0 {
		m.levels.levels[lv.worse].better = lv.better
	}
	m.nodes.remove(l, key)
	m.levels.release(li)
}

// after is the order behind another in a ladder, over levels, 0 if it is the last.
func (m *Market) after(slot uint32) uint32 {
	o := &m.pool.orders[slot]
	if o.next != 0 {
		return o.next
	}
	return m.levels.levels[m.levels.levels[o.level].worse].head // level 0 has no head
}

// first is the order that stands first in a ladder, 0 if there is none.
func (m *Market) first(l *ladder) uint32 { return m.levels.levels[l.best].head }
