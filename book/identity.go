package book

import (
	"encoding/binary"
	"math/bits"
)

// identity is what is remembered of a client order id: 96 bits of a hash over session and id (among a million ids a day two of them agree by
// chance once in 10^17 days), and what it names. The place it would hash to is where it lies, or soon after.
type identity struct {
	lo uint64
	hi uint32
	// slot is vacant, notOrder, ended, or the slot of the order it named last: the order is still alive under this id exactly if the
	// slot's name leads back here.
	slot uint32
}

const (
	vacant   = 0
	notOrder = 1 // an id of a request, or of an order that was refused
	ended    = 2 // an order's, of which nothing else is known
)

// identities is the table of the ids seen this day, open-addressed with linear probing, at most three quarters full; nothing is
// deleted before the day ends, so a place once given is good all day. The hash has no seed: the same ids lie at the same places on every replica.
type identities struct {
	table []identity
	count int
	limit int
}

func newIdentities(limit int) identities {
	size := 1 << bits.Len(uint(limit+limit/3))
	t := identities{table: make([]identity, size), limit: limit}
	t.clear()
	return t
}

func (t *identities) clear() {
	for i := range t.table { // writes, so that no order pays for a first touch
		t.table[i] = identity{}
	}
	t.count = 0
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

// fingerprint hashes a session's id.
func fingerprint(session uint16, id *ClientID) (lo, hi uint64) {
	a := binary.LittleEndian.Uint64(id[0:8])
	b := binary.LittleEndian.Uint64(id[8:16]) ^ uint64(session)*k4
	c := binary.LittleEndian.Uint64(id[16:24])
	d := binary.LittleEndian.Uint64(id[24:32])
	e := binary.LittleEndian.Uint64(id[32:40])
	lo, hi = fold(a^k0, b^k1), fold(a^k2, b^k3)
	if c|d|e != 0 {
		x := fold(c^k2, d^k1) ^ fold(e^k5, k0)
		y := fold(c^k4, d^k5) ^ fold(e^k3, k2)
		lo, hi = fold(lo^x, k3), fold(hi^y, k5)
	}
	return lo ^ hi>>7, hi
}

// find is the place of an id, and whether it is there; if not, it is the place where it would go.
func (t *identities) find(session uint16, id *ClientID) (place uint32, seen bool) {
	lo, hi := fingerprint(session, id)
	mask := uint32(len(t.table) - 1)
	for place = uint32(lo) & mask; ; place = (place + 1) & mask {
		e := &t.table[place]
		if e.slot == vacant {
			return place, false
		}
		if e.lo == lo && e.hi == uint32(hi) {
			return place, true
		}
	}
}

func (t *identities) full() bool { return t.count >= t.limit }

// add puts an id at the place that find gave; the table must not be full.
func (t *identities) add(place uint32, session uint16, id *ClientID, slot uint32) {
	lo, hi := fingerprint(session, id)
	t.table[place] = identity{lo, uint32(hi), slot}
	t.count++
}

// addFingerprint puts back an id of which only the fingerprint is known.
func (t *identities) addFingerprint(lo uint64, hi, slot uint32) (place uint32, ok bool) {
	mask := uint32(len(t.table) - 1)
	for place = uint32(lo) & mask; t.table[place].slot != vacant; place = (place + 1) & mask {
		if t.table[place].lo == lo && t.table[place].hi == hi {
			return 0, false
		}
	}
	t.table[place] = identity{lo, hi, slot}
	t.count++
	return place, true
}
