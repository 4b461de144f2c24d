package book

import "unsafe"

// What a command touches of a large market lies in some ten places of memory far from each other, and most are found only through one another: a name's chain,
// the order in it, that order's neighbours and level; or a price's way down its ladder. Waiting for each in turn is most of the time that a command takes once
// hundreds of thousands of orders rest. When commands come in numbers, ApplyAll asks for what those behind the present one will touch, one step of the way at a
// time, so that no step waits for what the one before has asked for:
//
//  1. the places of its ids: its own in the table of ids, and the head of the chain of the order it names; on its way in, its ladders
//  2. the first order of that chain; on its way in, the leaf of its ladder, and the level of those that it will trade with
//  3. the next one of the chain, if that is not it; on its way in, the level it will stand at, and the order it will meet first
//  4. the order's neighbours and level; on its way in, the order it will stand behind, and the chain of who it meets
//
// Nothing of it is part of the state: between a step and the next another command may change all that was found, and then it was in vain.
const (
	// How many commands before its turn a command takes each step: about as long as memory takes to answer, and some more.
	aheadIDs   = 14
	aheadOrder = 10
	aheadChain = 7
	aheadLevel = 4
	// aheadRing is how many commands are under way at a time, at most.
	aheadRing = 16
	// aheadFrom is how many orders rest in a market that is worth it: smaller ones lie in the second-level cache.
	aheadFrom = 1 << 14
	// turnLen is behind how many events those of ApplyAll go back to the beginning of where they are put.
	turnLen = 12
)

// ahead is what is known of a command before its turn.
type ahead struct {
	hash       uint32 // of the name of the order it names, or has
	chain      uint32 // of hash
	named      uint32 // all ones if it names an order, else 0
	instrument uint32 // of an order on its way in, else 0
	slot       uint32 // the order it names, or one of the same chain, 0 if none is known
	meets      uint32 // the level of those that one on its way in will trade with, then the first of them; 0 if none
	leaf       uint32 // where its level will be found, in bytes from the first node
	level      uint32 // where it will stand, 0 if it is not known
}

// ApplyAll takes commands, one after another, each as Apply does; then is told of each, with the events that followed from it, before the next one. out is
// where events are put; what it returns is out, perhaps grown. The commands must not change meanwhile.
func (m *Market) ApplyAll(commands []Command, out []Event, then func(*Command, []Event)) []Event {
	return m.applyAll(commands, out, then, m.counters.resting >= aheadFrom)
}

func (m *Market) applyAll(commands []Command, out []Event, then func(*Command, []Event), large bool) []Event {
	if cap(out) < 2 {
		out = make([]Event, turnLen)
	}
	out = out[:cap(out)]
	at, end := 0, min(turnLen, len(out)) // where the next event goes, and where it goes no more
	quick := hasStep && !plantedInPlain()
	for i := range commands {
		c := &commands[i]
		if large {
			m.lookAhead(commands, i)
		}
		e, did, first := &out[at], 0, at
		if quick {
			did = stepAVX(m, c, e, len(out)-at)
		} else {
			did = m.step(c, e)
		}
		switch {
		case did == done || did != 0 && did&crossed == 0 && m.finishPlain(c, e, did):
			if at++; at == end {
				at = 0
			}
			events := (*[1]Event)(unsafe.Pointer(e))[:]
			m.behind.set(c, e, 1)
			then(c, events)
			continue
		case did&crossed != 0:
			out = m.finishCrossed(c, out[:at], did)
		default:
			first = 0
			out = m.general(c, out[:0])
		}
		events := out[first:]
		out = out[:cap(out)]
		if at, end = first+len(events), min(turnLen, len(out)); at >= end {
			at = 0
		}
		m.behind.set(c, unsafe.SliceData(events), len(events))
		then(c, events)
	}
	m.catchUp()
	return out
}

// step is stepAVX in so many words.
func (m *Market) step(c *Command, e *Event) int {
	m.catchUp()
	m.begin(c)
	if m.counters.index <= m.until {
		return m.inWords(c, e)
	}
	return 0
}

// lookAhead takes each step for the command whose turn that is, when commands[i] is to be applied.
func (m *Market) lookAhead(commands []Command, i int) {
	if i == 0 {
		for at := range uint(aheadIDs) {
			m.lookAheadAt(commands, at)
		}
	}
	m.lookAheadAt(commands, uint(i)+aheadIDs)
}

// lookAheadSteps is lookAheadAt in so many words.
func (m *Market) lookAheadSteps(commands []Command, at uint) {
	n := uint(len(commands))
	if at < n {
		m.foreseeIDs(&commands[at], &m.ahead[at%aheadRing])
	}
	if k := at - (aheadIDs - aheadOrder); k < n {
		m.foreseeOrder(&commands[k], &m.ahead[k%aheadRing])
	}
	if k := at - (aheadIDs - aheadChain); k < n {
		m.foreseeChain(&commands[k], &m.ahead[k%aheadRing])
	}
	if k := at - (aheadIDs - aheadLevel); k < n {
		m.foreseeLevel(&commands[k], &m.ahead[k%aheadRing])
	}
}

// enters tells whether a command enters an order that may have a ladder.
func (m *Market) enters(c *Command) bool {
	return c.Kind == Enter && int(c.Instrument) < len(m.books) && c.Side <= Sell
}

// foreseeIDs is step 1.
func (m *Market) foreseeIDs(c *Command, a *ahead) {
	*a = ahead{}
	if c.Kind < Enter || c.Kind > Reduce || int(c.Session) >= len(m.sessions) {
		return
	}
	id, r := &c.OrigID, &m.ids.recent[c.Session][forRequest]
	if c.Kind == Enter {
		id, r = &c.ClientID, &m.ids.recent[c.Session][forOrder]
	}
	if m.enters(c) {
		a.instrument = uint32(c.Instrument)
	} else if c.Kind != Enter {
		a.named = ^uint32(0)
	}
	a.hash = chainHash(c.Session, id)
	a.chain = m.pool.byName.at(a.hash)
	prefetchOne(unsafe.Pointer(&m.pool.byName.heads[a.chain]))
	if !r.holds(&c.ClientID) { // the blocks of one that is known were looked at just before
		prefetchOne(unsafe.Pointer(&m.ids.blocks[m.ids.home(makeKey(c.Session, &c.ClientID))]))
	}
	if m.enters(c) {
		b := &m.books[c.Instrument]
		prefetch(unsafe.Pointer(&b.ladders[inBook+c.Side]), unsafe.Pointer(&b.ladders[inBook+1-c.Side]))
	}
}

// foreseeOrder is step 2.
func (m *Market) foreseeOrder(c *Command, a *ahead) {
	switch {
	case m.enters(c):
		b := &m.books[c.Instrument]
		l, key := &b.ladders[inBook+c.Side], priceKey(c.Side, c.Price)
		if other := &b.ladders[inBook+1-c.Side]; key <= other.reach || c.Type.in(unpriced) {
			a.meets = other.best
			prefetchOne(unsafe.Pointer(&m.levels.levels[a.meets]))
		}
		child := &m.nodes.nodes[m.nodes.leaf(l, key)].child[key&digitMask]
		a.leaf = uint32(uintptr(unsafe.Pointer(child)) - uintptr(unsafe.Pointer(unsafe.SliceData(m.nodes.nodes))))
		prefetchOne(unsafe.Pointer(child))
	case a.named != 0:
		a.slot = m.pool.byName.heads[a.chain]
		m.prefetchOrder(a.slot)
	}
}

func (m *Market) prefetchOrder(slot uint32) {
	o := &m.pool.orders[slot]
	prefetch(unsafe.Pointer(o), unsafe.Pointer(&o.name))
}

// foreseeChain is step 3.
func (m *Market) foreseeChain(c *Command, a *ahead) {
	switch {
	case m.enters(c):
		if a.meets != 0 {
			a.meets = m.levels.levels[a.meets].head
			m.prefetchOrder(a.meets)
		}
		a.level = *(*uint32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(m.nodes.nodes)), a.leaf))
		if int(a.level) >= len(m.levels.levels) { // the leaf may have become a node that has nodes
			a.level = 0
		}
		prefetchOne(unsafe.Pointer(&m.levels.levels[a.level]))
	case a.slot != 0 && m.pool.orders[a.slot].hash != a.hash:
		a.slot = m.pool.orders[a.slot].sameChain
		m.prefetchOrder(a.slot)
	}
}

// foreseeLevel is step 4.
func (m *Market) foreseeLevel(c *Command, a *ahead) {
	switch {
	case m.enters(c):
		if a.meets != 0 {
			prefetchOne(unsafe.Pointer(&m.pool.byName.heads[m.pool.byName.at(m.pool.orders[a.meets].hash)]))
		}
		prefetchOne(unsafe.Pointer(&m.pool.orders[m.levels.levels[a.level].lastSeen]))
	case a.slot != 0:
		o := &m.pool.orders[a.slot]
		prefetch(unsafe.Pointer(&m.pool.orders[o.prev]), unsafe.Pointer(&m.pool.orders[o.next]))
		prefetchOne(unsafe.Pointer(&m.levels.levels[o.level]))
	}
}

func prefetchOne(p unsafe.Pointer) { prefetch(p, p) }
