package book

import "fmt"

// check says what is wrong with the market's inner order, nil if nothing is. What must hold:
//
//   - no book is crossed, nor locked;
//   - the levels of a ladder run from best to worse, each with orders, their quantities and counts summed up right, the seen before the hidden;
//   - the ladder finds each level under its price, and nothing else;
//   - every order that waits has something open, its name in the table of ids leads to it, and its slot is in no free list;
//   - an iceberg shows something, and no more than it may; the lists of trailing stops and the heap of what expires hold those and only those;
//   - no stop waits whose price the last trade reached; nothing was left in the list of stops to come in;
//   - the counters of open orders, of the market and of each session, count them.
func (m *Market) check() error {
	resting, open := 0, make([]int, len(m.sessions))
	nodes, levels, expiring := 0, 0, 0
	for number := 1; number < len(m.books); number++ {
		b := &m.books[number]
		buy, sell := b.ladders[Buy].best, b.ladders[Sell].best
		if buy != 0 && sell != 0 && m.levels.levels[buy].price >= m.levels.levels[sell].price {
			return fmt.Errorf("instrument %d is crossed: %d over %d", number, m.levels.levels[buy].price, m.levels.levels[sell].price)
		}
		for k := range b.ladders {
			l := &b.ladders[k]
			var better, count uint32
			for li := l.best; li != 0; li = m.levels.levels[li].worse {
				n, err := m.checkLevel(uint16(number), uint8(k), li, open)
				if err != nil {
					return err
				}
				lv := &m.levels.levels[li]
				key := keyOf(uint8(k), lv.price)
				if lv.better != better || better != 0 && keyOf(uint8(k), m.levels.levels[better].price) >= key {
					return fmt.Errorf("instrument %d ladder %d: the level at %d does not follow the better one", number, k, lv.price)
				}
				if m.nodes.find(l, key) != li {
					return fmt.Errorf("instrument %d ladder %d: the level at %d is not found", number, k, lv.price)
				}
				resting += n
				better = li
				count++
			}
			reach := uint64(0)
			if l.best != 0 {
				reach = ^keyOf(uint8(k), m.levels.levels[l.best].price)
			}
			if l.reach != reach {
				return fmt.Errorf("instrument %d ladder %d: it is reached from %#x, should be %#x", number, k, l.reach, reach)
			}
			leaves, all := m.nodes.countLeaves(l)
			if leaves != int(count) {
				return fmt.Errorf("instrument %d ladder %d: %d levels, %d found", number, k, count, leaves)
			}
			nodes += all
			levels += leaves
			for s := m.first(l); s != 0; s = m.after(s) {
				if o := &m.pool.orders[s]; o.marks&hasTerms != 0 && m.pool.terms[s].expire != 0 {
					expiring++
					if at := int(m.pool.terms[s].due); at >= len(m.due.slots) || m.due.slots[at] != s {
						return fmt.Errorf("order %d is not where it should be in the heap", o.id)
					}
				}
			}
		}
		if err := m.checkTrailing(b); err != nil {
			return err
		}
	}
	if resting != int(m.counters.resting) || resting != m.pool.used {
		return fmt.Errorf("%d orders rest, counted are %d, slots taken %d", resting, m.counters.resting, m.pool.used)
	}
	if expiring != len(m.due.slots) || m.electedFirst != 0 || m.electedLast != 0 {
		return fmt.Errorf("%d orders expire, %d are in the heap; stops to come in: %d to %d", expiring, len(m.due.slots), m.electedFirst, m.electedLast)
	}
	free := 0
	for li := m.levels.free; li != 0 && free < len(m.levels.levels); li = m.levels.levels[li].worse {
		free++
	}
	if levels+free+1 != len(m.levels.levels) {
		return fmt.Errorf("%d levels in use and %d free of %d", levels, free, len(m.levels.levels)-1)
	}
	if nodes+len(m.nodes.free)+1 != len(m.nodes.nodes) {
		return fmt.Errorf("%d nodes in use and %d free of %d", nodes, len(m.nodes.free), len(m.nodes.nodes)-1)
	}
	for n := 1; n < len(m.sessions); n++ {
		if m.sessions[n].OpenOrders != open[n] {
			return fmt.Errorf("session %d has %d open orders, counted are %d", n, open[n], m.sessions[n].OpenOrders)
		}
	}
	return nil
}

func (m *Market) checkTrailing(b *instrumentBook) error {
	for side := range b.trailing {
		listed, last, older := map[uint32]bool{}, uint64(0), uint32(0)
		for s := b.trailing[side]; s != 0; s = m.pool.terms[s].newer {
			if m.pool.orders[s].id <= last || m.pool.terms[s].older != older {
				return fmt.Errorf("trailing order %d stands wrong", m.pool.orders[s].id)
			}
			listed[s], last, older = true, m.pool.orders[s].id, s
		}
		if b.newestTrailing[side] != older {
			return fmt.Errorf("the newest trailing order is not the last")
		}
		for s := m.first(&b.ladders[stopped+side]); s != 0; s = m.after(s) {
			if m.pool.orders[s].typ.in(trailing) != listed[s] {
				return fmt.Errorf("order %d is, or is not, among the trailing ones", m.pool.orders[s].id)
			}
			if m.reached(s) {
				return fmt.Errorf("order %d waits at %d, the last trade was at %d", m.pool.orders[s].id, m.pool.terms[s].stop, b.day.Last)
			}
			delete(listed, s)
		}
		if len(listed) != 0 {
			return fmt.Errorf("%d trailing orders wait nowhere", len(listed))
		}
	}
	return nil
}

func (m *Market) checkLevel(number uint16, ladder uint8, li uint32, open []int) (orders int, err error) {
	lv := &m.levels.levels[li]
	var prev, lastSeen, seen uint32
	var qty, shown int64
	var lastRef, lastHidden uint64
	for slot := lv.head; slot != 0; slot = m.pool.orders[slot].next {
		o := &m.pool.orders[slot]
		t := &m.pool.terms[slot]
		name := m.pool.orders[slot].name.clientID()
		key := makeKey(o.session, &name)
		_, state := m.ids.find(key, o.session, &name)
		price, whole := o.price, o.marks&marks(AllOrNone) != 0
		if ladder >= stopped {
			price = t.stop
		}
		switch {
		case o.prev != prev || o.level != li || price != lv.price || uint8(o.side) != ladder&1 || o.instrument != number || lv.ladder != ladder:
			return 0, fmt.Errorf("order %d is in the wrong place", o.id)
		case o.open == 0 || o.open > o.qty || ladder < stopped && (!rests(o.typ, o.tif) || whole != (ladder >= allOrNones)) || ladder >= stopped && !o.typ.in(stops):
			return 0, fmt.Errorf("order %d cannot wait here: %d of %d open", o.id, o.open, o.qty)
		case m.pool.find(o.session, &name) != slot || state != wasOrder && name[0] != NumberedID:
			return 0, fmt.Errorf("the id of order %d leads elsewhere", o.id)
		case o.marks&hasTerms != 0 && t.display != 0 && ladder < stopped && (t.shown == 0 || t.shown > t.display || t.shown > o.open):
			return 0, fmt.Errorf("iceberg %d shows %d of %d, may show %d", o.id, t.shown, o.open, t.display)
		}
		hidden := ladder < allOrNones && o.marks&unseen != 0
		ref := &lastRef
		if hidden {
			ref = &lastHidden
		} else if lastHidden != 0 {
			return 0, fmt.Errorf("order %d is seen and stands behind a hidden one", o.id)
		}
		if o.ref <= *ref && ladder < stopped {
			return 0, fmt.Errorf("order %d with reference %d stands behind %d", o.id, o.ref, *ref)
		}
		*ref = o.ref
		prev = slot
		qty += int64(o.open)
		if !hidden {
			lastSeen = slot
			seen++
			if ladder < allOrNones {
				shown += int64(m.pool.slice(slot))
			} else {
				shown += int64(o.open)
			}
		}
		open[o.session]++
		orders++
	}
	if orders == 0 || orders != int(lv.count) || qty != lv.qty || lv.tail != prev || shown != lv.shown || seen != lv.seen || lastSeen != lv.lastSeen {
		return 0, fmt.Errorf("level %d: %d orders of %d lots, %d seen of %d, counted are %d of %d, %d of %d", lv.price, orders, qty, seen, shown,
			lv.count, lv.qty, lv.seen, lv.shown)
	}
	return orders, nil
}

// countLeaves counts a ladder's levels and nodes from the root.
func (p *nodePool) countLeaves(l *ladder) (levels, nodes int) {
	var walk func(n, height uint32)
	walk = func(n, height uint32) {
		nodes++
		for d := range p.nodes[n].child {
			child := p.nodes[n].child[d]
			if (child != 0) != (p.nodes[n].present>>d&1 == 1) {
				panic("a node's bit and child disagree")
			}
			if child == 0 {
				continue
			}
			if height == 1 {
				levels++
			} else {
				walk(child, height-1)
			}
		}
	}
	if l.height > 0 {
		walk(l.root, l.height)
	}
	return levels, nodes
}
