package book

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// family is what is known of the family of an id that a session used last: the next one, if it counts up, has all of its key in common with it but the last two
// digits. It saves most of what a key takes and is no part of the state: it says what makeKey and block say, or nothing.
type family struct {
	// words are the id's without the two digits, mask what of them is without. There are no more than two: the others are empty, as is the fifth.
	words, mask [4]uint64
	lo          uint64
	hi          uint32    // of the half that has member 0 to 59
	blocks      [2]uint32 // where the halves' blocks are, nowhere: not known
	word        uint8     // which word has the digits, in bytes: 0 or 8
	tens        uint8     // where the first of them is in it, in bits
}

// nowhere is no block's place.
const nowhere = ^uint32(0)

// unknown is the family of the empty id only, for which note is not asked.
var unknown = family{mask: [4]uint64{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}, blocks: [2]uint32{nowhere, nowhere}}

// holds tells whether an id is of the family, if it ends in two digits.
func (r *family) holds(id *ClientID) bool {
	v0, v1, c, d, e := idWords(id)
	return (v0^r.words[0])&r.mask[0]|(v1^r.words[1])&r.mask[1]|c|d|e == 0
}

// use says what a session's id is used for.
type use uint8

const (
	forOrder   use = iota // to enter one
	forRequest            // to cancel one
)

// note adds an id that is neither empty nor a number, if it was never seen. The table must not be full, and have no older ones.
func (t *identities) note(session uint16, id *ClientID, u use) bool {
	r := &t.recent[session][u&1]
	if r.holds(id) {
		both := binary.LittleEndian.Uint64(id[r.word&8:]) >> (r.tens & 63)
		ten, digit := both&0xff-'0', both>>8-'0'
		member := ten*10 + digit
		half := (member + 4) >> 6 // 1 from 60 on
		if at := r.blocks[half&1]; ten <= 9 && digit <= 9 && int(at) < len(t.blocks) {
			b := &t.blocks[at]
			bit := uint64(1) << ((member - 60*half) & 63)
			if b.seen&bit != 0 {
				return false
			}
			b.seen |= bit
			if u == forOrder {
				b.orders |= bit
			}
			t.count++
			return true
		}
	}
	return t.noteNew(session, id, u, r)
}

// noteNew is note of an id whose block is not known.
func (t *identities) noteNew(session uint16, id *ClientID, u use, r *family) bool {
	k := makeKey(session, id)
	at := t.block(k)
	b := &t.blocks[at]
	if b.seen>>(k.member&63)&1 != 0 {
		return false
	}
	t.addTo(b, k, uint64(1-u))
	if r.lo == k.lo && r.hi == k.hi&^1 && r.holds(id) {
		r.blocks[k.hi&1] = at
		return true
	}
	r.learn(id, k, at)
	if k.hi&1 == 0 && k.member < foreseeBelow && *r != unknown {
		t.foresee(session, id, r.digits())
	}
	return true
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

// learn notes the family of an id that ends in two digits of one word, and where the block is that has it, which no other family has before the table is cleared.
// Of other ids no family is known.
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
	r.words[0], r.words[1], r.word, r.tens = a, b, word, uint8(end-8)
	r.mask[word/8] = both
	r.words[word/8] &= both
	r.lo, r.hi = k.lo, k.hi&^1
	r.blocks[k.hi&1] = at
}
