package depth

import "sort"

// Level is what rests at one price.
type Level struct {
	Price  uint32
	Shares uint64
	Orders int
}

// level is a queue of orders, oldest first.
type level struct {
	Level
	head, tail uint32
}

// side holds the levels of one side, the best one last, for most changes are near the best.
type side struct {
	buy    bool
	levels []level
}

// better tells whether price a is better than b.
func (s *side) better(a, b uint32) bool {
	if s.buy {
		return a > b
	}
	return a < b
}

// find gives the place of a price's level, and whether it is there.
func (s *side) find(price uint32) (int, bool) {
	i := sort.Search(len(s.levels), func(i int) bool { return !s.better(price, s.levels[i].Price) })
	return i, i < len(s.levels) && s.levels[i].Price == price
}

// enqueue puts an order at the end of its level's queue.
func (s *side) enqueue(o *orders, at uint32) {
	n := &o.nodes[at]
	i, there := s.find(n.Price)
	if !there {
		s.levels = append(s.levels, level{})
		copy(s.levels[i+1:], s.levels[i:])
		s.levels[i] = level{Level: Level{Price: n.Price}, head: none, tail: none}
	}
	l := &s.levels[i]
	n.prev = l.tail
	if l.tail == none {
		l.head = at
	} else {
		o.nodes[l.tail].next = at
	}
	l.tail = at
	l.Shares += n.Shares
	l.Orders++
}

// take takes shares off an order, and the order off the book when none are left.
func (s *side) take(o *orders, at uint32, shares uint64) {
	n := &o.nodes[at]
	i, _ := s.find(n.Price)
	l := &s.levels[i]
	n.Shares -= shares
	l.Shares -= shares
	if n.Shares > 0 {
		return
	}
	if n.prev == none {
		l.head = n.next
	} else {
		o.nodes[n.prev].next = n.next
	}
	if n.next == none {
		l.tail = n.prev
	} else {
		o.nodes[n.next].prev = n.prev
	}
	if l.Orders--; l.Orders == 0 {
		s.levels = append(s.levels[:i], s.levels[i+1:]...)
	}
	o.remove(at)
}

// shares at a price.
func (s *side) shares(price uint32) uint64 {
	if i, there := s.find(price); there {
		return s.levels[i].Shares
	}
	return 0
}
