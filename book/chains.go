package book

import (
	"math/bits"
	"unsafe"
)

// chains finds open orders by their client ids: a table of chains that run through the orders themselves. It is hashed linearly: as orders come and go, one
// chain at a time is split in two or joined with another, so that there are about as many chains as open orders, however many may be open at most,
// and the part of the table in use stays in the cache. Ids that follow each other are in neighbouring chains.
type chains struct {
	heads []uint32 // slots, 0: none; only the first count are in use
	count uint32
	// mask is the largest power of two not above count, less one.
	mask uint32
}

// fewestChains are always in use.
const fewestChains = 64

func newChains(orders int) chains {
	c := chains{heads: make([]uint32, max(fewestChains, 1<<bits.Len(uint(orders-1)))), count: fewestChains, mask: fewestChains - 1}
	for i := range c.heads {
		c.heads[i] = 0
	}
	return c
}

// at is the chain of a hash.
func (c *chains) at(hash uint32) uint32 {
	i := uint64(hash & (2*c.mask + 1))
	split := (i - uint64(c.count)) >> 63 // whether there is a chain i: no branch, for nobody can foretell it
	return uint32(i)&c.mask | uint32(i)&^c.mask&-uint32(split)
}

// chainHash is an id's hash, the same for all that a number's id carries along. A cancel waits for it, so it is as short as may be: the last byte is
// added to the hash of what stands before.
func chainHash(session uint16, id *ClientID) uint32 {
	a, b, c, d, e := idWords(id)
	s := uint64(session)*k4 ^ k1
	if b|c|d|e != 0 || a&0xff == NumberedID {
		return longHash(s, id)
	}
	w := a << (bits.LeadingZeros64(a) & 56)
	return uint32(fold(w<<8^k0, s)) + uint32(w>>56)
}

// longHash is chainHash of an id of more than one word, or of a number. Two thousand numbers that follow each other have chains that do.
func longHash(s uint64, id *ClientID) uint32 {
	a, b, c, d, e := idWords(id)
	if a&0xff == NumberedID {
		number := uint64(bits.ReverseBytes32(uint32(a >> 8)))
		return uint32(fold(number>>11^k0, a>>(8*ChannelAt)&0xff<<16^s)) + uint32(number&2047)
	}
	w, rest := b, uint64(0)
	if c|d|e != 0 {
		rest = fold(b^k2, k5)
		switch {
		case e != 0:
			w, rest = e, fold(c^rest, d^k3)
		case d != 0:
			w, rest = d, fold(c^rest, k3)
		default:
			w = c
		}
	}
	w <<= bits.LeadingZeros64(w) & 56
	return uint32(fold(w<<8^rest^k0, a^s)) + uint32(w>>56)
}

// find is the open order of a session with an id, 0 if there is none.
func (p *orderPool) find(session uint16, id *ClientID) (slot uint32) {
	return *p.findLink(chainHash(session, id), session, id)
}

// findLink is the link that leads to that order, the last of the chain if there is none. hash is the id's chainHash.
func (p *orderPool) findLink(hash uint32, session uint16, id *ClientID) *uint32 {
	at := &p.byName.heads[p.byName.at(hash)]
	for *at != 0 {
		o := &p.orders[*at]
		if o.name.is(id) && o.session == session {
			break
		}
		at = &o.sameChain
	}
	return at
}

// name gives an order an id; it must have none.
func (p *orderPool) name(slot uint32, session uint16, id *ClientID) {
	o := &p.orders[slot]
	o.name.set(id)
	p.chain(slot, o, chainHash(session, id))
}

// chain puts an order that has its name into the chain of that.
func (p *orderPool) chain(slot uint32, o *order, hash uint32) {
	c := &p.byName
	o.hash = hash
	head := c.at(hash)
	o.sameChain = c.heads[head]
	c.heads[head] = slot
	p.splitIfMany()
}

// splitIfMany splits a chain if there are more orders than chains.
func (p *orderPool) splitIfMany() {
	if c := &p.byName; p.used > int(c.count) && int(c.count) < len(c.heads) {
		p.split()
	}
}

// unname takes an order's id out of its chain. The id can still be read.
func (p *orderPool) unname(slot uint32) {
	p.unlink(&p.orders[slot], p.linkTo(slot))
}

// linkTo is the link that leads to an order in the chain of its id.
func (p *orderPool) linkTo(slot uint32) *uint32 {
	c := &p.byName
	at := &c.heads[c.at(p.orders[slot].hash)]
	for *at != slot {
		at = &p.orders[*at].sameChain
	}
	return at
}

// unlink takes an order out of its chain by the link that leads to it.
func (p *orderPool) unlink(o *order, at *uint32) {
	*at = o.sameChain
	if c := &p.byName; c.count > fewestChains && p.used < int(c.count/4) {
		p.join()
	}
}

// split makes one chain more, out of the one that holds what belongs there.
func (p *orderPool) split() {
	c := &p.byName
	from, to := &c.heads[c.count&c.mask], &c.heads[c.count]
	wide := 2*c.mask + 1
	*to = 0
	for at := from; *at != 0; {
		o := &p.orders[*at]
		if o.hash&wide != c.count {
			at = &o.sameChain
			continue
		}
		moved := *at
		*at = o.sameChain
		o.sameChain = *to
		*to = moved
	}
	if c.count++; c.count > wide {
		c.mask = wide
	}
	next := unsafe.Pointer(&p.orders[c.heads[c.count&c.mask]].hash) // of the chain that will be split next
	prefetch(next, next)
}

// join undoes the last split.
func (p *orderPool) join() {
	c := &p.byName
	c.count--
	if c.count <= c.mask {
		c.mask >>= 1
	}
	at := &c.heads[c.count&c.mask]
	for *at != 0 {
		at = &p.orders[*at].sameChain
	}
	*at = c.heads[c.count]
}
