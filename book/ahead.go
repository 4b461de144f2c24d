package book

import "unsafe"

// What a command touches of a large market lies in some ten places of memory far from each other, and most are found only through one another: a name's chain,
// the order in it, that order's neighbours and level. Waiting for each in turn is most of the time that a command takes once hundreds of thousands of orders
// rest. When commands come in numbers, ApplyAll asks for what those behind the present one will touch, one step of the way at a time:
//
//  1. the keys of its ids; asks for its own id's place in the table of ids, and for the head of the chain that has the order it names
//  2. asks for that order; or, on its way in, for the level it will stand at and the order it will meet first
//  3. asks for the next one of the chain, if that order is not the one
//  4. asks for that order's neighbours and level, or for the order it will stand behind
//
// Nothing of it is part of the state: between a step and the next another command may change all that was found, and then it was in vain.
const (
	// How many commands before its turn a command takes each step: about as long as memory takes to answer, and some more.
	aheadKeys  = 12
	aheadOrder = 8
	aheadChain = 5
	aheadLevel = 3
	// aheadRing is how many commands are under way at a time, at most.
	aheadRing = 16
	// aheadFrom is how many orders rest in a market that is worth it: smaller ones lie in the second-level cache.
	aheadFrom = 1 << 14
	// turnLen is behind how many events those of ApplyAll go back to the beginning of where they are put.
	turnLen = 12
)

// ahead is what is known of a command before its turn.
type ahead struct {
	own   idKey
	block uint32 // of own in the table of ids, as it was then
	hash  uint32 // of the order's id: the one it names; on its way in, its own
	chain uint32 // of hash
	slot  uint32 // the order it names, or one of the same chain, 0 if none is known
	meets uint32 // the order that one on its way in will meet first, 0 if none
	level uint32 // where it will stand, 0 if not known
}

// ApplyAll takes commands, one after another, each as Apply does; then is told of each, with the events that followed from it, before the next one. out is
// where events are put; what it returns is out, perhaps grown. The commands must not change meanwhile.
func (m *Market) ApplyAll(commands []Command, out []Event, then func(*Command, []Event)) []Event {
	return m.applyAll(commands, out, then, m.counters.resting >= aheadFrom)
}

func (m *Market) applyAll(commands []Command, out []Event, then func(*Command, []Event), large bool) []Event {
	out = out[:cap(out)]
	at := 0 // where the next event goes: not where those are that the stream's hash is still to take in
	for i := range commands {
		c := &commands[i]
		if large {
			m.lookAhead(commands, i)
		}
		var events []Event
		first := at
		if at < len(out) && m.step(c, &out[at]) {
			events = out[at : at+1]
			at++
		} else {
			if len(out) == 0 {
				m.begin(c)
				m.catchUp()
			}
			events = m.general(c, out[:0])
			out = events[:cap(events)]
			first, at = 0, len(events)
		}
		b := &m.behind
		b.command, b.events, b.time = c, events, m.counters.time // one by one: a struct is put together elsewhere and waits to be read from there
		then(c, events)
		if at >= turnLen || at >= len(out) {
			if at = 0; first == 0 {
				m.catchUp()
			}
		}
	}
	m.keys = nil
	m.catchUp()
	return out
}

// lookAhead takes each step for the command whose turn that is, when commands[i] is to be applied, and finds what is known of that one.
func (m *Market) lookAhead(commands []Command, i int) {
	at, n := uint(i)+aheadKeys, uint(len(commands)) // the command that takes step 1
	if i == 0 {
		for k := range min(aheadKeys, n) {
			m.lookAheadAt(commands, k)
		}
	}
	m.lookAheadAt(commands, at)
	m.keys = nil
	if c := &commands[i]; c.Kind >= Enter && c.Kind <= Reduce && c.Protocol != OUCH { // numbered rewrites those of OUCH
		m.keys = &m.ahead[i%aheadRing]
	}
}

// lookAheadAt takes the steps that fall due when a command takes the first one.
func (m *Market) lookAheadAt(commands []Command, at uint) {
	n := uint(len(commands))
	if at < n {
		m.foreseeKeys(&commands[at], &m.ahead[at%aheadRing])
	}
	if k := at - (aheadKeys - aheadOrder); k < n {
		m.foreseeOrder(&commands[k], &m.ahead[k%aheadRing])
	}
	if k := at - (aheadKeys - aheadChain); k < n {
		m.foreseeChain(&commands[k], &m.ahead[k%aheadRing])
	}
	if k := at - (aheadKeys - aheadLevel); k < n {
		m.foreseeLevel(&m.ahead[k%aheadRing])
	}
}

// foreseeKeys is step 1.
func (m *Market) foreseeKeys(c *Command, a *ahead) {
	a.slot, a.meets, a.level = 0, 0, 0
	if c.Kind < Enter || c.Kind > Reduce {
		return
	}
	if c.ClientID[0] > NumberedID && int(c.Session) < len(m.recent) {
		recent := &m.recent[c.Session]
		r := &recent[0]
		if c.Kind != Enter {
			r = &recent[1]
		}
		a.own, a.block = m.ids.place(c.Session, &c.ClientID, r)
	} else {
		a.own = makeKey(c.Session, &c.ClientID)
		a.block = m.ids.home(a.own)
	}
	id := &c.ClientID
	if c.Kind != Enter {
		id = &c.OrigID
	}
	a.hash = chainHash(c.Session, id)
	a.chain = m.pool.byName.at(a.hash)
	prefetch(unsafe.Pointer(&m.ids.blocks[a.block]), unsafe.Pointer(&m.pool.byName.heads[a.chain]))
}

// foreseeOrder is step 2.
func (m *Market) foreseeOrder(c *Command, a *ahead) {
	switch {
	case c.Kind == Enter:
		if int(c.Instrument) >= len(m.books) || c.Side > Sell {
			return
		}
		b := &m.books[c.Instrument]
		a.level = m.nodes.find(&b.ladders[inBook+c.Side], priceKey(c.Side, c.Price))
		prefetch(unsafe.Pointer(&m.levels.levels[a.level].price), unsafe.Pointer(&m.levels.levels[a.level].ladder))
		best := &m.levels.levels[b.ladders[inBook+1-c.Side].best]
		if c.Side == Buy && c.Price >= best.price || c.Side == Sell && c.Price <= best.price || c.Type.in(unpriced) {
			a.meets = best.head
			m.prefetchOrder(a.meets)
		}
	case c.Kind > Enter && c.Kind <= Reduce:
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
	if a.meets != 0 {
		head := unsafe.Pointer(&m.pool.byName.heads[m.pool.byName.at(m.pool.orders[a.meets].hash)])
		prefetch(head, head)
	}
	if a.slot == 0 {
		return
	}
	if o := &m.pool.orders[a.slot]; !o.name.is(&c.OrigID) {
		a.slot = o.sameChain
		m.prefetchOrder(a.slot)
	}
}

// foreseeLevel is step 4.
func (m *Market) foreseeLevel(a *ahead) {
	orders, levels := m.pool.orders, m.levels.levels
	if a.slot == 0 {
		last := unsafe.Pointer(&orders[levels[a.level].lastSeen])
		prefetch(last, last)
		return
	}
	o := &orders[a.slot]
	prefetch(unsafe.Pointer(&orders[o.prev]), unsafe.Pointer(&orders[o.next]))
	lv := &levels[o.level]
	prefetch(unsafe.Pointer(lv), unsafe.Pointer(&lv.ladder))
}
