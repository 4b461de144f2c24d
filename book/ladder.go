package book

import "math/bits"

// ladder finds the level of a price, and the level next better than a new one, for one side of one instrument. It is a radix tree of 64-way nodes over
// the price, as high as the prices present need and no higher: a book whose prices lie within 4,096 ticks of each other has two nodes on
// the way to a level, wherever those prices are in int64.
//
// Matching never looks here: it follows the levels' own links from best.
//
// The tree's shape is a function of the prices present (no node is empty, the root has two children or is a leaf), so a restored
// market has the same number of nodes left as the one it was taken from.
type ladder struct {
	// base is a key below the root: keys that agree with it in the bits that are outside are in the tree's range.
	base, outside uint64
	// reach is the worst key that an incoming order of the other side may have to trade here, 0 if nobody is there: the best level's key, inverted.
	reach  uint64
	root   uint32
	height uint32
	shift  uint32 // where the root's digit is in a key
	best   uint32
}

const (
	digitBits  = 6
	digitMask  = 1<<digitBits - 1
	ladderWays = 1 << digitBits
	// ladderHeight is the height of a tree over all of int64.
	ladderHeight = (64 + digitBits - 1) / digitBits
)

// priceKey orders prices of a side best first, as unsigned numbers.
func priceKey(side Side, price int64) uint64 {
	key := uint64(price) ^ 1<<63
	if side == Buy {
		return ^key
	}
	return key
}

// node has a bit for each child there is. A leaf's children are levels, another node's are nodes.
type node struct {
	present uint64
	child   [ladderWays]uint32
}

type nodePool struct {
	nodes []node
	free  []uint32
}

// newNodePool has, besides the n asked for, what one insertion may take, so that a restored market can put in its last order with all n taken.
func newNodePool(n int) nodePool {
	n += 2 * ladderHeight
	p := nodePool{nodes: make([]node, n+1), free: make([]uint32, n)}
	for i := range p.free {
		p.nodes[n-i] = node{}
		p.free[i] = uint32(n - i)
	}
	return p
}

// room tells whether any one new level is sure to find its nodes among the n asked for.
func (p *nodePool) room() bool { return len(p.free) >= 4*ladderHeight }

// insertions is how many new levels one after the other will each find that there is room.
func (p *nodePool) insertions() int {
	if !p.room() {
		return 0
	}
	return (len(p.free)-4*ladderHeight)/(2*ladderHeight) + 1
}

// last tells whether any one new level is sure to find its nodes at all.
func (p *nodePool) last() bool { return len(p.free) >= 2*ladderHeight }

func (p *nodePool) take() uint32 {
	n := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	return n
}

// release gives back a node without children.
func (p *nodePool) release(n uint32) { p.free = append(p.free, n) }

// find is the level of key, 0 if there is none.
func (p *nodePool) find(l *ladder, key uint64) uint32 {
	return p.nodes[p.leaf(l, key)].child[key&digitMask]
}

// setHeight sets the height, from 1, and what follows from it.
func (l *ladder) setHeight(height uint32) {
	l.height, l.shift, l.outside = height, digitBits*(height-1), ^uint64(0)<<(digitBits*height)
}

// leaf is the node that has, or would have, the level of a key, 0 if there is none.
func (p *nodePool) leaf(l *ladder, key uint64) uint32 {
	if (key^l.base)&l.outside != 0 {
		return 0
	}
	n := l.root
	for shift := l.shift; shift != 0; shift -= digitBits {
		n = p.nodes[n].child[key>>(shift&63)&digitMask] // node 0 has no children
	}
	return n
}

// insert adds a level under a key that is not there, and returns the level next better, 0 if the new one is the best.
func (p *nodePool) insert(l *ladder, key uint64, level uint32) (better uint32) {
	if n := p.leaf(l, key); n != 0 { // mostly there is a neighbour
		nd, d := &p.nodes[n], key&digitMask
		before := nd.present & (1<<d - 1)
		if before != 0 || key < ^l.reach {
			nd.present |= 1 << d
			nd.child[d] = level
			if before == 0 { // it is the best
				return 0
			}
			return nd.child[63-bits.LeadingZeros64(before)]
		}
	}
	return p.insertApart(l, key, level)
}

// insertApart is insert of a level that is the first of its node, or of its half.
func (p *nodePool) insertApart(l *ladder, key uint64, level uint32) (better uint32) {
	if l.height == 0 {
		l.root, l.base = p.take(), key
		l.setHeight(1)
	}
	for (key^l.base)&l.outside != 0 {
		r := p.take()
		d := l.base >> (digitBits * l.height) & digitMask
		p.nodes[r].present, p.nodes[r].child[d] = 1<<d, l.root
		l.root = r
		l.setHeight(l.height + 1)
	}
	var aside, asideHeight uint32 // the nearest subtree (or, at height 0, level) before key
	n := l.root
	for h := l.height - 1; ; h-- {
		d := key >> (digitBits * h) & digitMask
		if before := p.nodes[n].present & (1<<d - 1); before != 0 {
			aside, asideHeight = p.nodes[n].child[63-bits.LeadingZeros64(before)], h
		}
		if h == 0 {
			p.nodes[n].present |= 1 << d
			p.nodes[n].child[d] = level
			break
		}
		next := p.nodes[n].child[d]
		if next == 0 {
			next = p.take()
			p.nodes[n].present |= 1 << d
			p.nodes[n].child[d] = next
		}
		n = next
	}
	for ; asideHeight > 0; asideHeight-- {
		aside = p.nodes[aside].child[63-bits.LeadingZeros64(p.nodes[aside].present)]
	}
	return aside
}

// remove takes out a key that is there.
func (p *nodePool) remove(l *ladder, key uint64) {
	nd, d := &p.nodes[p.leaf(l, key)], key&digitMask
	if left := nd.present &^ (1 << d); left != 0 {
		nd.present = left
		nd.child[d] = 0
		return
	}
	p.removeLast(l, key)
}

// removeLast is remove of the last key of its node.
func (p *nodePool) removeLast(l *ladder, key uint64) {
	var path [ladderHeight]uint32
	n := l.root
	for h := l.height - 1; h > 0; h-- {
		path[h] = n
		n = p.nodes[n].child[key>>(digitBits*h)&digitMask]
	}
	path[0] = n
	for h := uint32(0); h < l.height; h++ {
		nd := &p.nodes[path[h]]
		d := key >> (digitBits * h) & digitMask
		nd.child[d] = 0
		nd.present &^= 1 << d
		if nd.present != 0 {
			break
		}
		p.release(path[h])
		if h == l.height-1 {
			*l = ladder{reach: l.reach, best: l.best}
			return
		}
	}
	p.lower(l)
}

// lower takes off roots with a single child.
func (p *nodePool) lower(l *ladder) {
	for l.height > 1 {
		nd := &p.nodes[l.root]
		if nd.present&(nd.present-1) != 0 {
			return
		}
		d := uint64(bits.TrailingZeros64(nd.present))
		child := nd.child[d]
		nd.present, nd.child[d] = 0, 0
		p.release(l.root)
		l.setHeight(l.height - 1)
		l.root = child
		shift := digitBits * l.height
		l.base = l.base&^(digitMask<<shift) | d<<shift
	}
}
