package book

import (
	"encoding/binary"
	"math/bits"
)

// identities remembers the client ids of the day. Clients number their orders, so ids that follow each other lie together: an id is split into a family
// (all of it but the last digit or two) and a member (those digits), and one block of the table has 64 bits for a family's members. Families that differ
// in their last byte only are neighbours. So some hundred ids in sequence cost one look into memory; ids without any order cost one each.
//
// The table is open-addressed with linear probing, at most three quarters full. Nothing is deleted before the day ends, and the hash has no seed, so
// the same ids lie at the same places on every replica. A family is known by its last byte and 87 bits of a hash over session and the rest: among a
// million ids a day two families agree by chance once in 10^14 days.
type identities struct {
	blocks []idBlock
	used   int // blocks in use
	count  int // ids
	limit  int // ids, and blocks
	// older are ids of which only the first version's hash is known.
	older []olderID
	// recent is by session and use what is known of the ids noted last.
	recent [][2]family
}

// idBlock is a family. Invariant: seen is 0 in a vacant block only; orders has no bit that seen has not.
type idBlock struct {
	lo     uint64
	hi     uint32
	_      uint32
	seen   uint64
	orders uint64 // those that are or were an order's
}

// idText is a client id as five words. Ids are moved word by word wherever it matters: what the compiler makes of an array of 40 bytes are three moves that
// overlap, and the next one has to wait until they are in the cache.
type idText [ClientIDLen / 8]uint64

func (t *idText) set(id *ClientID) {
	t[0], t[1], t[2], t[3], t[4] = idWords(id)
}

func (t *idText) is(id *ClientID) bool {
	a, b, c, d, e := idWords(id)
	return t[0] == a && ((t[1]^b)|(t[2]^c)|(t[3]^d)|(t[4]^e) == 0 || a&0xff == NumberedID)
}

// put writes the id to where an event has it.
func (t *idText) put(id *ClientID) {
	le := binary.LittleEndian
	le.PutUint64(id[0:8], t[0])
	le.PutUint64(id[8:16], t[1])
	le.PutUint64(id[16:24], t[2])
	le.PutUint64(id[24:32], t[3])
	le.PutUint64(id[32:40], t[4])
}

func (t *idText) clientID() (id ClientID) {
	t.put(&id)
	return id
}

// copyID copies an id word by word.
func copyID(dst, src *ClientID) {
	a, b, c, d, e := idWords(src)
	le := binary.LittleEndian
	le.PutUint64(dst[0:8], a)
	le.PutUint64(dst[8:16], b)
	le.PutUint64(dst[16:24], c)
	le.PutUint64(dst[24:32], d)
	le.PutUint64(dst[32:40], e)
}

// idState is what is known of an id.
type idState uint8

const (
	neverSeen idState = iota
	notOrder          // an id of a request, or of an order that was refused
	wasOrder          // or is
)

// idKey is an id's family and member. The lowest lastBits of hi are the family's last byte.
type idKey struct {
	lo     uint64
	hi     uint32
	member uint8
}

const lastBits = 9

func newIdentities(limit, sessions int) identities {
	t := identities{recent: make([][2]family, sessions+1), blocks: make([]idBlock, 1<<bits.Len(uint(limit+limit/3)-1)), limit: limit}
	t.clear()
	return t
}

func (t *identities) clear() {
	for i := range t.blocks { // writes, so that no order pays for a first touch
		t.blocks[i] = idBlock{}
	}
	for i := range t.recent {
		t.recent[i] = [2]family{unknown, unknown}
	}
	t.used, t.count, t.older = 0, 0, nil
}

const (
	k0 = 0xa0761d6478bd642f
	k1 = 0xe7037ed1a0b428db
	k2 = 0x8ebc6af09c88c6e3
	k3 = 0x589965cc75374cc3
	k4 = 0x1d8e4e27c47d124f
	k5 = 0xeb44accab455d165
)

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// What a family's text has in place of the member; the highest byte of its last word tells how the member was taken, so no two ids make the same pair.
const (
	familyTens  = 0xe0 // in place of two digits
	familyDigit = 0xe8 // in place of one digit
	familyOther = 0xf0 // in place of another byte, + its two highest bits
)

// makeKey finds family and member of a session's id. The last word of the id that has any bytes is split. Of numbers no branch depends on the digits: those of
// an order's id cannot be foretold.
func makeKey(session uint16, id *ClientID) idKey {
	a, b, c, d, e := idWords(id)
	if a&0xff == NumberedID {
		return numberedKey(session, a)
	}
	s := uint64(session) * k4
	if b|c|d|e == 0 {
		w, upper, member := splitWord(a)
		lo, hi := fold(w^k0, s^k1), fold(w^k2, s^k3)
		return idKey{lo ^ hi>>7, uint32(hi)<<lastBits | uint32(upper), uint8(member)}
	}
	var upper, member uint64
	switch {
	case e != 0:
		e, upper, member = splitWord(e)
	case d != 0:
		d, upper, member = splitWord(d)
	case c != 0:
		c, upper, member = splitWord(c)
	default:
		b, upper, member = splitWord(b)
	}
	b ^= s
	lo, hi := fold(a^k0, b^k1), fold(a^k2, b^k3)
	if c|d|e != 0 {
		x := fold(c^k2, d^k1) ^ fold(e^k5, k0)
		y := fold(c^k4, d^k5) ^ fold(e^k3, k2)
		lo, hi = fold(lo^x, k3), fold(hi^y, k5)
	}
	return idKey{lo ^ hi>>7, uint32(hi)<<lastBits | uint32(upper), uint8(member)}
}

// splitWord splits an id's last word into what is left of it for the family, the family's last byte (twice, and 1 more in the upper half of two digits) and
// the member. The empty id's are any.
func splitWord(w uint64) (left, upper, member uint64) {
	at := uint(63-bits.LeadingZeros64(w)) & 56 // of the last byte, in bits; nothing is above it
	end := w >> at
	digit, ten := end-'0', w>>((at-8)&63)&0xff-'0' // of a single byte the one before is 0
	var mark uint64
	switch {
	case digit > 9:
		mark, member = familyOther|end>>6, end&63
	case ten > 9:
		mark, member = familyDigit, digit
	default:
		at = (at - 8) & 63
		upper = (ten + 10) >> 4 // 1 from 6 on
		mark, member = familyTens, ten*10+digit-60*upper
	}
	w &= 1<<at - 1
	before := (at - 8) & 63 // at 56, for want of a byte before, there is nothing
	upper |= w >> before << 1
	return w&(1<<before-1) | mark<<(at&63), upper, member
}

// find is the block of an id's family, or the one where it would go, and what is known of the id.
func (t *identities) find(k idKey, session uint16, id *ClientID) (at uint32, state idState) {
	at = t.block(k)
	b := &t.blocks[at]
	switch {
	case b.orders>>k.member&1 != 0:
		return at, wasOrder
	case b.seen>>k.member&1 != 0:
		return at, notOrder
	case t.older != nil:
		return at, t.findOlder(session, id)
	}
	return at, neverSeen
}

// home is the block at which a key's search begins.
func (t *identities) home(k idKey) uint32 { return (uint32(k.lo) + k.hi&31) & uint32(len(t.blocks)-1) }

func (t *identities) block(k idKey) (at uint32) {
	mask := uint32(len(t.blocks) - 1)
	for at = t.home(k); ; at = (at + 1) & mask {
		if b := &t.blocks[at]; b.seen == 0 || b.lo == k.lo && b.hi == k.hi {
			return at
		}
	}
}

// has tells whether a block is a key's family's. One that is vacant is nobody's: another may be the one where the family would go.
func (b *idBlock) has(k idKey) bool { return b.lo == k.lo && b.hi == k.hi && b.seen != 0 }

func (t *identities) full() bool { return t.count+len(t.older) >= t.limit }

// add notes an id that find did not, at the block that it gave; the table must not be full.
func (t *identities) add(at uint32, k idKey, order bool) {
	if order {
		t.addTo(&t.blocks[at], k, 1)
	} else {
		t.addTo(&t.blocks[at], k, 0)
	}
}

// addTo is add with the block at hand; order is 1 for an order's id, else 0.
func (t *identities) addTo(b *idBlock, k idKey, order uint64) {
	if b.seen == 0 {
		b.lo, b.hi = k.lo, k.hi
		t.used++
	}
	b.seen |= 1 << (k.member & 63)
	b.orders |= order << (k.member & 63)
	t.count++
}

// olderID is an id of which a snapshot of the first version had but a hash of the whole.
type olderID struct {
	lo    uint64
	hi    uint32
	order bool
}

// olderHash is the first version's hash of an id.
func olderHash(session uint16, id *ClientID) (lo uint64, hi uint32) {
	le := binary.LittleEndian
	a, b := le.Uint64(id[0:8]), le.Uint64(id[8:16])^uint64(session)*k4
	c, d, e := le.Uint64(id[16:24]), le.Uint64(id[24:32]), le.Uint64(id[32:40])
	lo, h := fold(a^k0, b^k1), fold(a^k2, b^k3)
	if c|d|e != 0 {
		x := fold(c^k2, d^k1) ^ fold(e^k5, k0)
		y := fold(c^k4, d^k5) ^ fold(e^k3, k2)
		lo, h = fold(lo^x, k3), fold(h^y, k5)
	}
	return lo ^ h>>7, uint32(h)
}

func (t *identities) findOlder(session uint16, id *ClientID) idState {
	lo, hi := olderHash(session, id)
	for i := range t.older { // until the day ends, and only in a market whose snapshot was that old
		if e := &t.older[i]; e.lo == lo && e.hi == hi {
			if e.order {
				return wasOrder
			}
			return notOrder
		}
	}
	return neverSeen
}
