package book

// level is one price of one side: its orders in the order of their arrival, between the levels next better and next worse. Invariant: it has at least
// one order, and qty is the sum of their open quantities.
type level struct {
	price         int64
	qty           int64
	head, tail    uint32
	count         uint32
	better, worse uint32
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

func (p *levelPool) take(price int64) uint32 {
	i := p.free
	if i == 0 {
		panic("book: level pool empty though there are as many levels as orders")
	}
	p.free = p.levels[i].worse
	p.levels[i] = level{price: price}
	return i
}

func (p *levelPool) release(i uint32) {
	p.levels[i].worse = p.free
	p.free = i
}

// enqueue puts an order at the back of its price, making the level if it is the first there.
func (m *Market) enqueue(slot uint32) {
	o := &m.pool.orders[slot]
	l := &m.books[o.instrument].sides[o.side]
	key := priceKey(o.side, o.price)
	li := m.nodes.find(l, key)
	if li == 0 {
		li = m.addLevel(l, key, o.price)
	}
	lv := &m.levels.levels[li]
	o.level, o.next, o.prev = li, 0, lv.tail
	if lv.tail != 0 {
		m.pool.orders[lv.tail].next = slot
	} else {
		lv.head = slot
	}
	lv.tail = slot
	lv.qty += int64(o.open)
	lv.count++
}

// dequeue takes an order out of its level, and the level out of its side if it was the last there. The order's fields keep their values.
func (m *Market) dequeue(slot uint32) {
	o := &m.pool.orders[slot]
	lv := &m.levels.levels[o.level]
	if o.prev != 0 {
		m.pool.orders[o.prev].next = o.next
	} else {
		lv.head = o.next
	}
	if o.next != 0 {
		m.pool.orders[o.next].prev = o.prev
	} else {
		lv.tail = o.prev
	}
	lv.qty -= int64(o.open)
	lv.count--
	if lv.count == 0 {
		m.removeLevel(&m.books[o.instrument].sides[o.side], o.level, priceKey(o.side, o.price))
	}
}

func (m *Market) addLevel(l *ladder, key uint64, price int64) uint32 {
	li := m.levels.take(price)
	better := m.nodes.insert(l, key, li)
	worse := l.best
	if better != 0 {
		worse = m.levels.levels[better].worse
		m.levels.levels[better].worse = li
	} else {
		l.best = li
	}
	if worse != 0 {
		m.levels.levels[worse].better = li
	}
	lv := &m.levels.levels[li]
	lv.better, lv.worse = better, worse
	return li
}

func (m *Market) removeLevel(l *ladder, li uint32, key uint64) {
	lv := &m.levels.levels[li]
	if lv.better != 0 {
		m.levels.levels[lv.better].worse = lv.worse
	} else {
		l.best = lv.worse
	}
	if lv.worse != 0 {
		m.levels.levels[lv.worse].better = lv.better
	}
	m.nodes.remove(l, key)
	m.levels.release(li)
}
