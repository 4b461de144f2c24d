package book

import "fmt"

// check says what is wrong with the market's inner order, nil if nothing is. What must hold:
//
//   - no book is crossed, nor locked;
//   - the levels of a side run from best to worse, each with orders, their quantities and counts summed up right;
//   - the ladder finds each level under its price, and nothing else;
//   - every order that rests has something open, its name in the table of ids leads to it, and its slot is in no free list;
//   - the counters of resting orders, of the market and of each session, count them.
func (m *Market) check() error {
	resting, open := 0, make([]int, len(m.sessions))
	nodes := 0
	for number := 1; number < len(m.books); number++ {
		b := &m.books[number]
		buy, sell := b.sides[Buy].best, b.sides[Sell].best
		if buy != 0 && sell != 0 && m.levels.levels[buy].price >= m.levels.levels[sell].price {
			return fmt.Errorf("instrument %d is crossed: %d over %d", number, m.levels.levels[buy].price, m.levels.levels[sell].price)
		}
		for side := range b.sides {
			l := &b.sides[side]
			var better, count uint32
			for li := l.best; li != 0; li = m.levels.levels[li].worse {
				n, err := m.checkLevel(uint16(number), Side(side), li, open)
				if err != nil {
					return err
				}
				lv := &m.levels.levels[li]
				if lv.better != better || better != 0 && priceKey(Side(side), m.levels.levels[better].price) >= priceKey(Side(side), lv.price) {
					return fmt.Errorf("instrument %d %v: the level at %d does not follow the better one", number, Side(side), lv.price)
				}
				if m.nodes.find(l, priceKey(Side(side), lv.price)) != li {
					return fmt.Errorf("instrument %d %v: the ladder does not find the level at %d", number, Side(side), lv.price)
				}
				resting += n
				better = li
				count++
			}
			leaves, all := m.nodes.countLeaves(l)
			if leaves != int(count) {
				return fmt.Errorf("instrument %d %v: %d levels, %d in the ladder", number, Side(side), count, leaves)
			}
			nodes += all
		}
	}
	if resting != int(m.counters.resting) || resting != m.pool.used {
		return fmt.Errorf("%d orders rest, counted are %d, slots taken %d", resting, m.counters.resting, m.pool.used)
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

func (m *Market) checkLevel(number uint16, side Side, li uint32, open []int) (orders int, err error) {
	lv := &m.levels.levels[li]
	var prev uint32
	var qty int64
	var lastRef uint64
	for slot := lv.head; slot != 0; slot = m.pool.orders[slot].next {
		o := &m.pool.orders[slot]
		id := &m.ids.table[o.name]
		lo, hi := fingerprint(o.session, &m.pool.ids[slot])
		switch {
		case o.prev != prev || o.level != li || o.price != lv.price || o.side != side || o.instrument != number:
			return 0, fmt.Errorf("order %d is in the wrong place", o.id)
		case o.open == 0 || o.open > o.qty || o.typ != Limit || o.tif != Day:
			return 0, fmt.Errorf("order %d cannot rest: %d of %d open", o.id, o.open, o.qty)
		case o.ref <= lastRef:
			return 0, fmt.Errorf("order %d with reference %d stands behind %d", o.id, o.ref, lastRef)
		case id.slot != slot || id.lo != lo || id.hi != uint32(hi):
			return 0, fmt.Errorf("the id of order %d leads elsewhere", o.id)
		}
		lastRef = o.ref
		prev = slot
		qty += int64(o.open)
		open[o.session]++
		orders++
	}
	if orders == 0 || orders != int(lv.count) || qty != lv.qty || lv.tail != prev {
		return 0, fmt.Errorf("level %d: %d orders of %d lots, counted are %d of %d", lv.price, orders, qty, lv.count, lv.qty)
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
