package book

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Most commands are of two kinds: a plain limit order that meets nobody and comes to rest, and a plain order that is cancelled. And what makes a command long are
// trades, most of them between plain orders. What enter and cancel do with these is here once more, in one piece, since calls and questions that have
// one answer took half of the time; in crossing.go and reduce.go what enter, trade and reduce do. Each looks first whether it is
// such a one, and if not changes nothing and leaves it to the general way; what it does is what the general way would have done, to the last number. Each field of an event is
// written once, those that are zero too: TestPlainWritesWholeEvents looks that none is left out. What some fields of an event or an order lie in together is read and written as
// one word, which is right on processors that have the lowest byte first: we run on no others.

// plainEnter and plainCancel are what the first eight bytes of such a command are, but for those that may differ.
const (
	plainEnter  = uint64(Enter)
	plainCancel = uint64(Cancel)
	// anySide is the lowest bit of Side; anyCode are Flags, what of Protocol no OUCH has, and Code.
	anySide = 1 << 8
	anyCode = 0xffffff<<32 - uint64(OUCH)<<40
	// anyTerms are all but Kind and Reason: of the command, Cancel looks at those only.
	anyTerms = 0xffffffffffff << 8
)

// What plainAVX gives: the bits of what it did and what is left to be done, and above them the order's slot.
const (
	done      = 1 << iota
	levelLeft // to stand at, or to go
	levelNew  // to be made
	chainsLeft
	// perhaps: nothing was done, but the command may be a plain one.
	perhaps
	// crossed: the order met somebody, or was to, and there are several events; without a slot nothing is left of it, with one it is finishCrossing's.
	crossed
	slotShift  = 8  // 0 of a command of which nothing is left
	countShift = 40 // how many events there are of one that crossed
)

// plainCancelled, plainAccepted, plainReduced and, of a resting order, plainFilled are what the first eight bytes of the events are, but for the order's side, type
// and time in force.
const (
	plainFilled    = uint64(Filled) | 'E'<<8 | 1<<56
	plainReduced   = uint64(Reduced) | 'X'<<8
	plainCancelled = uint64(Cancelled) | 'D'<<8 | uint64(UserRequest)<<48
	plainAccepted  = uint64(Accepted) | 'A'<<8
)

// head are a command's first eight bytes, one field each, the first one lowest.
func (c *Command) head() uint64 { return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Pointer(c))[:]) }

// expected tells whether the command consumes the number that its session's connection is to use next. Of session 0, which is none, nothing is.
func (c *Command) expected(s *Session) bool {
	return c.Epoch == s.Epoch && s.Connected && c.InSeq == s.NextIn && c.InSeq != 0
}

// eventHead are an event's first three words: one field each of its kind, whom it is about and to, and the epoch.
type eventHead struct{ head, parties, epoch uint64 }

// setFirst writes an event's first three words. kinds are an order's; head is what the first word has besides its side, type and time in force.
func (e *Event) setFirst(head uint64, kinds orderKinds, epoch uint32) {
	*(*eventHead)(unsafe.Pointer(e)) = eventHead{head | uint64(kinds>>32)<<16, uint64(bits.RotateLeft32(uint32(kinds), 16)), uint64(epoch) << 32}
}

// noOrigID leaves OrigID empty. Of single words the compiler makes pieces of 16 bytes that need no address of their own.
func (e *Event) noOrigID() {
	id := (*idText)(unsafe.Pointer(&e.OrigID))
	id[0], id[1], id[2], id[3], id[4] = 0, 0, 0, 0, 0
}

// plainEither is plain in so many words.
func (m *Market) plainEither(c *Command, e *Event) bool {
	return c.Kind == Enter && m.enterPlain(c, e) || c.Kind == Cancel && m.cancelPlain(c, e)
}

// inWords is plainEither as assembly tells it.
func (m *Market) inWords(c *Command, e *Event) (did int) {
	if m.plainEither(c, e) {
		return done
	}
	return 0
}

// plantedInPlain tells whether a bug is planted that assembly would not have.
func plantedInPlain() bool {
	return planted("wall clock in apply") || planted("map order in matching") || planted("last come first served")
}

// enterPlain enters a limit order for the day without conditions that reaches no price of the other side, where nobody waits as all-or-none either. It writes e.
func (m *Market) enterPlain(c *Command, e *Event) bool {
	if int(c.Session) >= len(m.sessions) || int(c.Instrument) >= len(m.books) {
		return false
	}
	s, b, side := &m.sessions[c.Session], &m.books[c.Instrument], uint64(c.Side&1)
	if !c.expected(s) || c.head()&^(anySide|anyCode) != plainEnter || uint16(c.Conditions)|uint16(c.SelfTrade)<<8 != 0 ||
		c.StopPrice|c.Trail|c.MinQty|c.Display|c.Expire != 0 || c.ClientID[0] <= NumberedID ||
		uint64(c.Qty-1) >= uint64(b.entryQty) || uint64(c.Price-1) >= uint64(b.maxPrice) {
		return false
	}
	key, other := uint64(c.Price)^1<<63^(side-1), side^1 // as priceKey has it
	if key <= b.ladders[other].reach || b.ladders[allOrNones+other].best != 0 || !m.ids.note(c.Session, &c.ClientID, forOrder) {
		return false
	}

	n, p := &m.counters, &m.pool
	slot := p.free
	o := &p.orders[slot]
	p.free = o.next
	p.used++
	order, ref, feed, price, qty := n.order+1, n.ref+1, n.feed+1, c.Price, uint32(c.Qty)
	n.order, n.ref, n.feed = order, ref, feed
	n.resting++
	o.id, o.ref, o.price, o.notional, o.qty, o.open = order, ref, price, 0, qty, qty
	kinds := orderKinds(c.Session) | orderKinds(c.Instrument)<<16 | orderKinds(side)<<32 // Limit, Day, no marks
	o.setKinds(kinds)
	copyWide(&o.name, &c.ClientID)
	o.hash = chainHash(c.Session, &c.ClientID)
	head := &p.byName.heads[p.byName.at(o.hash)]
	o.sameChain = *head
	*head = slot

	e.setFirst(plainAccepted, kinds, c.Epoch)
	e.OutSeq, e.FeedSeq, e.Index, e.Time = s.NextOut, feed, n.index, n.time
	e.NextIn, e.InSeq = c.InSeq+1, c.InSeq
	e.OrderID, e.Ref, e.OldRef, e.Match = order, ref, 0, 0
	e.Price, e.Qty = price, int64(qty)
	e.LastPrice, e.LastQty, e.StopPrice, e.Shown, e.Cum = 0, 0, 0, 0, 0
	e.Leaves, e.Notional = int64(qty), 0
	copyWide((*idText)(unsafe.Pointer(&e.ClientID)), &c.ClientID)
	e.noOrigID()
	s.NextIn, s.NextOut = c.InSeq+1, s.NextOut+1
	s.OpenOrders++

	l := &b.ladders[side]
	li := m.nodes.find(l, key)
	if li == 0 {
		li = m.addLevel(l, key, price, c.Instrument, uint8(side))
	}
	m.queue(slot, o, li)
	p.splitIfMany()
	return true
}

// What is copied in one piece. A struct, for the compiler calls a function for arrays that may overlap.
type (
	wide16 struct{ words [2]uint64 }
	wide80 struct{ words [10]uint64 }
)

// copyWide copies an id as two times 16 bytes and 8. For 32 in one piece the compiler would keep an address more.
func copyWide(dst *idText, src *ClientID) {
	to, from := (*[2]wide16)(unsafe.Pointer(dst)), (*[2]wide16)(unsafe.Pointer(src))
	to[0] = from[0]
	to[1] = from[1]
	dst[4] = binary.LittleEndian.Uint64(src[32:])
}

// cancelPlain cancels an order without marks that lies in the book, for a request with an id that was not seen before. It writes e.
func (m *Market) cancelPlain(c *Command, e *Event) bool {
	if int(c.Session) >= len(m.sessions) {
		return false
	}
	n, s := &m.counters, &m.sessions[c.Session]
	if !c.expected(s) || c.head()&^anyTerms != plainCancel || c.Protocol == OUCH || c.ClientID[0] <= NumberedID || c.OrigID[0] <= NumberedID {
		return false
	}
	at := m.pool.findLink(chainHash(c.Session, &c.OrigID), c.Session, &c.OrigID)
	slot := *at
	o := &m.pool.orders[slot]
	lv := &m.levels.levels[o.level] // of the book: what waits elsewhere has marks
	if slot == 0 || o.marks != 0 || !m.ids.note(c.Session, &c.ClientID, forRequest) {
		return false
	}

	before, behind := o.prev, o.next
	m.pool.orders[before].next = behind // of slot 0 if there is none: nobody looks at those
	m.pool.orders[behind].prev = before
	if lv.head == slot {
		lv.head = behind
	}
	if lv.tail == slot {
		lv.tail = before
	}
	if lv.lastSeen == slot {
		lv.lastSeen = before
	}
	open := int64(o.open)
	lv.qty -= open
	lv.shown -= open
	lv.stamp = n.index
	lv.seen--
	count := lv.count - 1
	lv.count = count
	n.resting--
	feed := n.feed + 1
	n.feed = feed

	e.setFirst(plainCancelled, o.kinds(), c.Epoch)
	e.OutSeq, e.FeedSeq, e.Index, e.Time = s.NextOut, feed, n.index, n.time
	e.NextIn, e.InSeq = c.InSeq+1, c.InSeq
	e.OrderID, e.Ref, e.OldRef, e.Match = o.id, o.ref, 0, 0
	e.Price, e.Qty = o.price, int64(o.qty)
	e.LastPrice, e.LastQty, e.StopPrice, e.Shown = 0, 0, 0, 0
	e.Cum, e.Leaves = int64(o.qty)-open, 0
	e.Notional = o.notional
	*(*wide80)(unsafe.Pointer(&e.ClientID)) = *(*wide80)(unsafe.Pointer(&c.ClientID)) // and OrigID
	s.NextIn, s.NextOut = c.InSeq+1, s.NextOut+1
	s.OpenOrders--

	if count == 0 {
		m.removeLevel(&m.books[o.instrument].ladders[lv.ladder], o.level, priceKey(o.side, lv.price))
	}
	m.pool.releaseBy(at, slot)
	return true
}
