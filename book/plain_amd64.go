//go:build !purego

package book

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// The code in plain_amd64.s knows these sizes, which fields lie side by side, and that no id of a family has more than two words.
const (
	_ = -(unsafe.Sizeof(order{}) ^ 1<<7)
	_ = -(unsafe.Sizeof(level{}) ^ 1<<6)
	_ = -(unsafe.Sizeof(idBlock{}) ^ 1<<5)
	_ = -(unsafe.Sizeof(ladder{}) ^ 40)
	_ = -(unsafe.Offsetof(Command{}.SelfTrade) ^ (unsafe.Offsetof(Command{}.Conditions) + 1))
	_ = -(unsafe.Offsetof(Command{}.InSeq) ^ (unsafe.Offsetof(Command{}.RefMsgType) + 8))
	_ = -(unsafe.Offsetof(Command{}.StopPrice) ^ (unsafe.Offsetof(Command{}.Time) + 24))
	_ = -(unsafe.Offsetof(Command{}.Expire) ^ (unsafe.Offsetof(Command{}.StopPrice) + 32))
	_ = -(unsafe.Offsetof(Command{}.Session) ^ (unsafe.Offsetof(Command{}.Instrument) + 2))
	_ = -(unsafe.Offsetof(Command{}.OrigID) ^ (unsafe.Offsetof(Command{}.ClientID) + ClientIDLen))
	_ = -(unsafe.Offsetof(Event{}.OutSeq) ^ 3*8)
	_ = -(unsafe.Offsetof(Event{}.NextIn) ^ (unsafe.Offsetof(Event{}.FeedSeq) + 24))
	_ = -(unsafe.Offsetof(Event{}.OldRef) ^ (unsafe.Offsetof(Event{}.InSeq) + 24))
	_ = -(unsafe.Offsetof(Event{}.LastPrice) ^ (unsafe.Offsetof(Event{}.Match) + 24))
	_ = -(unsafe.Offsetof(Event{}.Cum) ^ (unsafe.Offsetof(Event{}.LastQty) + 24))
	_ = -(unsafe.Offsetof(Event{}.ClientID) ^ (unsafe.Offsetof(Event{}.Leaves) + 16))
	_ = -(unsafe.Offsetof(Event{}.OrigID) ^ (unsafe.Offsetof(Event{}.ClientID) + ClientIDLen))
	_ = -(unsafe.Offsetof(order{}.notional) ^ (unsafe.Offsetof(order{}.price) + 24))
	_ = -(unsafe.Offsetof(order{}.session) ^ (unsafe.Offsetof(order{}.qty) + 24))
	_ = -(unsafe.Offsetof(order{}.next) ^ (unsafe.Offsetof(order{}.qty) + 8))
	_ = -(unsafe.Offsetof(order{}.prev) ^ (unsafe.Offsetof(order{}.qty) + 12))
	_ = -(unsafe.Offsetof(order{}.level) ^ (unsafe.Offsetof(order{}.qty) + 16))
	_ = -(unsafe.Offsetof(order{}.marks) ^ (unsafe.Offsetof(order{}.session) + 7))
	_ = -(unsafe.Offsetof(order{}.hash) ^ (unsafe.Offsetof(order{}.name) + ClientIDLen))
	_ = -(unsafe.Offsetof(order{}.sameChain) ^ (unsafe.Offsetof(order{}.hash) + 4))
	_ = -(unsafe.Offsetof(level{}.stamp) ^ (unsafe.Offsetof(level{}.price) + 24))
	_ = -(unsafe.Offsetof(level{}.lastSeen) ^ (unsafe.Offsetof(level{}.count) + 12))
	_ = -(unsafe.Offsetof(level{}.head) ^ (unsafe.Offsetof(level{}.count) + 16))
	_ = -(unsafe.Offsetof(level{}.worse) ^ (unsafe.Offsetof(level{}.count) + 24))
	_ = -(unsafe.Offsetof(level{}.ladder) ^ (unsafe.Offsetof(level{}.instrument) + 2))
	_ = -(unsafe.Offsetof(counters{}.trades) ^ (unsafe.Offsetof(counters{}.feed) + 24))
	_ = -(unsafe.Offsetof(counters{}.volume) ^ (unsafe.Offsetof(counters{}.match) + 24))
	_ = -(unsafe.Offsetof(Market{}.pool) ^ (unsafe.Offsetof(Market{}.counters) + unsafe.Offsetof(counters{}.resting) + 8))
	_ = -(unsafe.Offsetof(orderPool{}.free) ^ 8)
	_ = -(unsafe.Offsetof(Session{}.Heartbeat) ^ (unsafe.Offsetof(Session{}.NextIn) + 24))
	_ = -(unsafe.Offsetof(idBlock{}.orders) ^ (unsafe.Offsetof(idBlock{}.seen) + 8))
	_ = -(unsafe.Offsetof(family{}.tens) ^ (unsafe.Offsetof(family{}.word) + 1))
)

// What the code in plain_amd64.s puts where, of vectors of four words or eight half ones.
var (
	sessionDown = [4]int64{-1, -1, 1, 0} // to be taken off a session's NextIn, NextOut and OpenOrders
	sessionTold = [4]uint64{0: 1, 1: 1}  // of the same
	middleUp    = [4]uint64{1: 1, 2: 1}  // of match, order, ref and volume; or of what is before resting, resting, used and free
	usedUp      = [4]uint64{2: 1}        // of these
	tradeUp     = [4]uint64{0: 1, 3: 1}  // of feed, index, time and trades; or, with a volume, of match, order, ref and volume
	levelCounts = [8]uint32{0: 1, 2: 1}  // of a level's count and seen
	// levelEnds are a level's tail, lastSeen and head, where they lie.
	levelEnds = [8]uint32{1: ^uint32(0), 3: ^uint32(0), 4: ^uint32(0)}
	// An event's first three words: bytes of a command's, or of an order's kinds and a command's third; and what is always in them.
	headOfCommand = [32]byte{no, no, 1, 2, 3, no, no, no, 8, 9, 10, 11, no, no, no, no, no, no, no, no, 4, 5, 6, 7, no, no, no, no, no, no, no, no}
	headOfOrder   = [32]byte{no, no, 4, 5, 6, no, no, no, 2, 3, 0, 1, no, no, no, no, no, no, no, no, 4, 5, 6, 7, no, no, no, no, no, no, no, no}
	acceptedHead  = [4]uint64{plainAccepted}
	cancelledHead = [4]uint64{plainCancelled}
	reducedHead   = [4]uint64{plainReduced}
	filledHead    = [2]uint64{plainFilled}
)

// no byte of what is there.
const no = 0x80

// hasAVX tells whether plainAVX can be used, hasStep whether stepAVX can, which has the stream's hash with it; hasVAES whether that takes 32 bytes at a time.
var (
	hasAVX  = cpu.X86.HasAVX2 && cpu.X86.HasBMI2 && hasLZCNT()
	hasStep = hasAVX && cpu.X86.HasAES
	hasVAES = hasStep && vaes()
)

// hasLZCNT and vaes ask for what package cpu does not.
func hasLZCNT() bool {
	_, _, c, _ := cpuid(0x80000001, 0)
	return c>>5&1 != 0
}

func vaes() bool {
	_, _, c, _ := cpuid(7, 0)
	return c>>9&1 != 0
}

// cpuid is the instruction of that name.
func cpuid(leaf, part uint32) (a, b, c, d uint32)

// plainAVX does what enterPlain and cancelPlain do, if the own id is of a family that is known and no id has more than 16 bytes. It makes a level, and removes one, if
// that changes no more of the ladder's tree than one leaf, and it neither splits nor joins chains; what is left of that it tells. An order that meets somebody it
// enters too, as enterCrossing does, with as many trades as it can do itself and as fit into the events that there is room for at e, at least one.
//
//go:noescape
func plainAVX(m *Market, c *Command, e *Event, room int) (did int)

// stepAVX begins a command as begin does, takes what the stream's hash is behind by into it, and if there is room for a plain command does as plainAVX.
//
//go:noescape
func stepAVX(m *Market, c *Command, e *Event, room int) (did int)

// plain does what a plain command asks for, or an order that meets somebody, and writes the events that follow to room, which is for one at least. What it did, and what is
// left, it tells as plainAVX does.
func (m *Market) plain(c *Command, room []Event) (did int) {
	if hasAVX && !plantedInPlain() {
		return plainAVX(m, c, &room[0], len(room))
	}
	return m.inWords(c, &room[0])
}

// finishCrossed is for what plainAVX says that crossed: out with its events, and what else there is to it.
func (m *Market) finishCrossed(c *Command, out []Event, did int) []Event {
	out = out[:len(out)+did>>countShift]
	slot := uint32(did >> slotShift)
	if slot == 0 {
		return out
	}
	m.cmd, m.out = c, out
	if did&chainsLeft != 0 {
		m.pool.join()
	}
	m.finishCrossing(slot)
	return m.out
}

// finishPlain does what plainAVX has left, and tells whether the command was plain.
func (m *Market) finishPlain(c *Command, e *Event, did int) bool {
	if did == perhaps {
		return m.plainEither(c, e)
	}
	slot := uint32(did >> slotShift)
	o := &m.pool.orders[slot]
	switch {
	case did&levelNew != 0:
		m.standAlone(slot, o)
	case did&levelLeft == 0:
	case c.Kind == Enter:
		m.enqueue(slot, inBook+uint8(o.side), o.price)
	default:
		lv := &m.levels.levels[o.level]
		m.removeLevel(&m.books[o.instrument].ladders[lv.ladder], o.level, priceKey(o.side, lv.price))
	}
	switch {
	case did&chainsLeft == 0:
	case c.Kind == Enter:
		m.pool.splitIfMany()
	default:
		m.pool.join()
	}
	return true
}
