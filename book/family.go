package book

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// family is what is known of the family of an id that a session used last: the next one, if it counts up, has all of its key in common with it but the last two
// digits. It saves most of what a key takes and is no part of the state: it says what makeKey says, or nothing.
type family struct {
	// first and second are the id's first two words without the two digits, the masks what of them is without; there are no more words.
	first, second         uint64
	firstMask, secondMask uint64
	lo                    uint64
	hi                    uint32    // of the half that has member 0 to 59
	blocks                [2]uint32 // where the halves were found last
	word                  uint8     // which word has the digits, in bytes: 0 or 8
	tens                  uint8     // where the first of them is in it, in bits
}

// newFamilies are of sessions of which nothing is known yet, whose numbers begin at 1.
func newFamilies(sessions int) [][2]family {
	all := make([][2]family, sessions+1)
	for i := range all {
		all[i] = [2]family{unknown, unknown}
	}
	return all
}

// unknown is the family of the empty id only, for which place is not asked.
var unknown = family{firstMask: ^uint64(0), secondMask: ^uint64(0)}

// place is an id's key and the block of its family, or the one where it would go, for an id that is neither empty nor a number. r is what is known of the
// one before.
func (t *identities) place(session uint16, id *ClientID, r *family) (k idKey, at uint32) {
	if !r.holds(id) {
		return t.placeNew(session, id, r)
	}
	both := binary.LittleEndian.Uint64(id[r.word&8:]) >> (r.tens & 63)
	ten, digit := both&0xff-'0', both>>8-'0'
	if ten > 9 || digit > 9 {
		return t.placeNew(session, id, r)
	}
	member := ten*10 + digit
	half := (member + 4) >> 6 // 1 from 60 on
	k = idKey{r.lo, r.hi | uint32(half), uint8(member - 60*half)}
	at = r.blocks[half&1]
	if !t.blocks[at].has(k) {
		at = t.block(k)
		r.blocks[half&1] = at
	}
	return k, at
}

// holds tells whether an id is of the family, if it ends in two digits.
func (r *family) holds(id *ClientID) bool {
	v0, v1, c, d, e := idWords(id)
	return (v0^r.first)&r.firstMask|(v1^r.second)&r.secondMask|c|d|e == 0
}

// note adds an id that is neither empty nor a number, if it was never seen; order is 1 for an order's id, else 0. r is as in place.
func (t *identities) note(session uint16, id *ClientID, r *family, order uint64) bool {
	if r.holds(id) {
		both := binary.LittleEndian.Uint64(id[r.word&8:]) >> (r.tens & 63)
		ten, digit := both&0xff-'0', both>>8-'0'
		member := ten*10 + digit
		half := (member + 4) >> 6 // 1 from 60 on
		if at := r.blocks[half&1]; ten <= 9 && digit <= 9 && int(at) < len(t.blocks) {
			b := &t.blocks[at]
			if seen := b.seen; b.lo == r.lo && b.hi == r.hi|uint32(half) && seen != 0 {
				member -= 60 * half
				if seen>>(member&63)&1 != 0 {
					return false
				}
				b.seen = seen | 1<<(member&63)
				b.orders |= order << (member & 63)
				t.count++
				return true
			}
		}
	}
	return t.noteNew(session, id, r, order)
}

// noteNew is note of an id whose block is not known.
func (t *identities) noteNew(session uint16, id *ClientID, r *family, order uint64) bool {
	k, at := t.place(session, id, r)
	b := &t.blocks[at]
	if b.seen>>(k.member&63)&1 != 0 {
		return false
	}
	t.addTo(b, k, order)
	return true
}

// placeNew is place of an id of which nothing is known, and what will be of the next one.
func (t *identities) placeNew(session uint16, id *ClientID, r *family) (k idKey, at uint32) {
	k = makeKey(session, id)
	at = t.block(k)
	r.learn(id, k, at)
	if k.hi&1 == 0 && k.member < foreseeBelow && *r != unknown {
		t.foresee(session, id, r.digits())
	}
	return k, at
}

// digits is where the id has the first of its last two digits, in bytes.
func (r *family) digits() int { return int(r.word) + int(r.tens)/8 }

// foreseeBelow: who begins a family with one of its first members is likely to go through all of it, and on to the next one.
const foreseeBelow = 10

// foresee asks for the blocks of the family behind an id's, which lie anywhere in memory: when the ids come to it they would have to be waited for. tens is
// where the id has the first of its last two digits, in bytes.
func (t *identities) foresee(session uint16, id *ClientID, tens int) {
	next, ok := following(id, tens)
	if !ok {
		return
	}
	home := t.home(makeKey(session, &next))
	prefetch(unsafe.Pointer(&t.blocks[home]), unsafe.Pointer(&t.blocks[int(home+1)&(len(t.blocks)-1)])) // of both halves
}

// following is an id of the family behind an id's, if that has as many digits.
func following(id *ClientID, tens int) (next ClientID, ok bool) {
	next = *id
	for at := tens - 1; at >= 0; at-- {
		switch d := next[at]; {
		case d == '9':
			next[at] = '0'
		case '0' <= d && d < '9':
			next[at]++
			return next, true
		default:
			return next, false
		}
	}
	return next, false
}

// learn notes the family of an id that ends in two digits of one word. Of others none is known.
func (r *family) learn(id *ClientID, k idKey, at uint32) {
	*r = unknown
	a, b, c, d, e := idWords(id)
	w, word := a, uint8(0)
	if b != 0 {
		w, word = b, 8
	}
	end := uint(63-bits.LeadingZeros64(w)) & 56
	if w == 0 || c|d|e != 0 || end == 0 || w>>end-'0' > 9 || w>>(end-8)&0xff-'0' > 9 {
		return
	}
	both := ^(uint64(0xffff) << (end - 8))
	r.first, r.second, r.word, r.tens = a, b, word, uint8(end-8)
	if word == 0 {
		r.firstMask = both
		r.first &= both
	} else {
		r.secondMask = both
		r.second &= both
	}
	r.lo, r.hi = k.lo, k.hi&^1
	r.blocks[k.hi&1] = at
}
