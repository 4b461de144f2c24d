package consensus

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
	"sync/atomic"
	"unsafe"

	"exchange/rdmaio"
)

// Protection domains: one region each, so that the always-writable background plane can never reach the log.
const (
	backgroundPD rdmaio.PD = 0
	logPD        rdmaio.PD = 1
)

// The background region, in bytes. Words are 8 bytes and never torn. A peer READs the first recordBytes as one.
const (
	wordCounter     = 0  // rises with every Poll: the heartbeat
	wordIncarnation = 8  //
	wordFlags       = 16 // flagVoter …
	wordHead        = 24 // offset of the first entry the application has not taken
	wordFUO         = 32 // first undecided offset
	wordHolder      = 40 // who may write our log
	wordLayout      = 48 // LogBytes and WindowBytes: the same at all members, or they cannot read each other
	recordBytes     = 56

	requestArray   = 64  // word per requester: number of its request for permission, 0 withdrawn
	ackArray       = 256 // word per owner: ackOf(request number, voter)
	wordNeedsState = 448 // written by the leader: our FUO lies below what the logs still hold; the leader's log start + 1
	wordSummons    = 456 // written by a leader that hands over to us: the number it led by
	backgroundSize = 4096
)

const (
	flagVoter       = 1 << iota // counts for majorities
	flagLeading                 // leads, or tries to
	flagEmpty                   // a learner that has no state yet
	flagEstablished             // leads: its attempt came to an end
	flagLonely                  // sees no living majority, so that it cannot lead
)

// The log region: a header page, written by the holder of the permission, and the circular log.
const (
	wordMinProposal = 0
	wordCommit      = 8
	wordAdmitted    = 16 // incarnation of the owner that was brought up to the decided state
	logHeaderBytes  = 24
	logStartBytes   = 4096
)

// The header of an entry. Entries are aligned and never straddle the end of the circle: a skip record fills what is left. Offsets are absolute,
// so an entry of an earlier lap is not taken for one of this.
//
//	 0 u64 index      of the entry; a skip record has that of the entry after it
//	 8 u64 offset
//	16 u32 prevChain  chain before the entry
//	20 u32 chain      CRC32C of the payload, continued from prevChain: the same whoever proposes the value again
//	24 u32 length     of the payload in bytes; the top bit marks a skip record
//	28 u32 valueCheck of the 28 bytes before: the value
//	32 u64 proposal   number under which it was written, bound to the value
//	40 u64 commit     how far before the entry everything was decided when it was written, in bytes, bound to the value
//
// A later leader writes the value of an entry again where it stands, and may die at any point of that. So the value's bytes are the same whoever
// writes them, and what differs are two words, neither of which is ever torn: the entry is complete before, after and in between. Bound means
// that the low 24 bits check the rest together with the value's check, so that neither word is taken for one of another value in that place.
const (
	headerBytes = 48
	align       = 64
	skipBit     = 1 << 31
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Position is a place in the log between two entries: Index of the last entry before it (0: none), Offset behind that, Chain over all payloads up to it.
type Position struct {
	Index  uint64
	Offset uint64
	Chain  uint32
}

// AppendTo appends the position in 20 bytes, little endian.
func (p Position) AppendTo(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, p.Index)
	dst = binary.LittleEndian.AppendUint64(dst, p.Offset)
	return binary.LittleEndian.AppendUint32(dst, p.Chain)
}

// DecodePosition reads what AppendTo wrote and returns what follows it; false: too short.
func DecodePosition(src []byte) (p Position, rest []byte, ok bool) {
	if len(src) < 20 {
		return p, src, false
	}
	p = Position{binary.LittleEndian.Uint64(src), binary.LittleEndian.Uint64(src[8:]), binary.LittleEndian.Uint32(src[16:])}
	return p, src[20:], true
}

// header is an entry's header, decoded.
type header struct {
	index, offset, proposal, commit uint64
	prevChain, chain                uint32
	length                          uint32
	skip                            bool
}

// size is what the entry takes in the log.
func (h *header) size() uint64 { return entrySize(int(h.length)) }

func entrySize(payload int) uint64 { return uint64(headerBytes+payload+align-1) &^ (align - 1) }

// valueCheck is 32 bits that all of a value's first 28 bytes go into: two products of 128 bits, and one of what they fold to. A CRC of so few bytes costs
// three times as much.
func valueCheck(index, offset, chains uint64, length uint32) uint32 {
	h0, l0 := bits.Mul64(index^0xa0761d6478bd642f, offset^0xe7037ed1a0b428db)
	h1, l1 := bits.Mul64(chains^0x8ebc6af09c88c6e3, uint64(length)^0x589965cc75374cc3)
	h, l := bits.Mul64(h0^l0^0x1d8e4e27c47d124f, h1^l1^0xeb44accab455d165)
	return uint32((h ^ l) >> 32)
}

// valueIn is the check of the header in b as it stands there.
func valueIn(b []byte) uint32 {
	b = b[:headerBytes]
	return valueCheck(binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint32(b[24:]))
}

// put writes the header by words, as it is read: what is read wider than it was just written waits until it has left the processor's buffer.
func (h *header) put(b []byte) {
	length := h.length
	if h.skip {
		length |= skipBit
	}
	chains := uint64(h.prevChain) | uint64(h.chain)<<32
	value := valueCheck(h.index, h.offset, chains, length)
	b = b[:headerBytes]
	binary.LittleEndian.PutUint64(b, h.index)
	binary.LittleEndian.PutUint64(b[8:], h.offset)
	binary.LittleEndian.PutUint64(b[16:], chains)
	binary.LittleEndian.PutUint64(b[24:], uint64(length)|uint64(value)<<32)
	binary.LittleEndian.PutUint64(b[32:], bind(h.proposal, value))
	binary.LittleEndian.PutUint64(b[40:], bind(h.offset-h.commit, value))
}

// bind packs a number below 1<<40 with a check of it and of the value that it belongs to.
func bind(v uint64, value uint32) uint64 {
	if v >= 1<<40 {
		panic(fmt.Sprintf("consensus: %d does not fit 40 bits", v))
	}
	return v<<24 | check(v, value)
}

func check(v uint64, value uint32) uint64 {
	x := (v<<24 ^ uint64(value)) * 0x9e3779b97f4a7c15
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	return x >> 40
}

// bound tells whether a word belongs to the value.
func bound(word uint64, value uint32) bool { return word&(1<<24-1) == check(word>>24, value) }

// decode reads a header without checking anything but that it is one in length.
func decode(b []byte) header {
	h := header{
		index: binary.LittleEndian.Uint64(b), offset: binary.LittleEndian.Uint64(b[8:]),
		prevChain: binary.LittleEndian.Uint32(b[16:]), chain: binary.LittleEndian.Uint32(b[20:]), length: binary.LittleEndian.Uint32(b[24:]),
		proposal: binary.LittleEndian.Uint64(b[32:]) >> 24,
	}
	h.commit = h.offset - binary.LittleEndian.Uint64(b[40:])>>24
	if h.skip = h.length&skipBit != 0; h.skip {
		h.length &^= skipBit
	}
	return h
}

// follows tells whether the entry stands at the position and has it as its predecessor.
func (h *header) follows(at Position) bool {
	return h.index == at.Index+1 && h.offset == at.Offset && h.prevChain == at.Chain
}

// parse reads the entry that follows at in b, which starts at at.Offset and holds what can be seen from there. It is complete only if every byte of
// it is in place.
func parse(b []byte, at Position) (h header, payload []byte, ok bool) {
	if len(b) < headerBytes || binary.LittleEndian.Uint64(b[8:]) != at.Offset {
		return h, nil, false
	}
	value := binary.LittleEndian.Uint32(b[28:])
	if valueIn(b) != value ||
		!bound(binary.LittleEndian.Uint64(b[32:]), value) || !bound(binary.LittleEndian.Uint64(b[40:]), value) {
		return h, nil, false
	}
	h = decode(b)
	if !h.follows(at) || uint64(len(b)) < h.size() {
		return h, nil, false
	}
	if h.skip {
		return h, nil, h.chain == at.Chain
	}
	payload = b[headerBytes : headerBytes+int(h.length)]
	return h, payload, planted("canary ignored") || crc32.Update(at.Chain, castagnoli, payload) == h.chain
}

// tellsWhat tells whether b, which starts at at.Offset, is long enough to tell whether an entry stands there and which.
func tellsWhat(b []byte, at Position) bool {
	if len(b) < headerBytes {
		return false
	}
	if binary.LittleEndian.Uint64(b[8:]) != at.Offset || valueIn(b) != binary.LittleEndian.Uint32(b[28:]) {
		return true // no entry's
	}
	h := decode(b)
	return uint64(len(b)) >= h.size()
}

// after is the position behind the entry.
func (h *header) after() Position {
	p := Position{Index: h.index, Offset: h.offset + h.size(), Chain: h.chain}
	if h.skip {
		p.Index--
	}
	return p
}

// word is an aligned 8-byte word of a region, which peers write and read as a whole.
func word(region []byte, at int) *uint64 { return (*uint64)(unsafe.Pointer(&region[at])) }

func load(region []byte, at int) uint64     { return atomic.LoadUint64(word(region, at)) }
func store(region []byte, at int, v uint64) { atomic.StoreUint64(word(region, at), v) }

func requestAt(requester rdmaio.NodeID) int { return requestArray + 8*int(requester) }
func ackAt(owner rdmaio.NodeID) int         { return ackArray + 8*int(owner) }

// ackOf packs what an owner answers to a request.
func ackOf(request uint64, voter bool) uint64 {
	a := request << 1
	if voter {
		a |= 1
	}
	return a
}

// proposal numbers are unique by their lowest byte, the proposer's id.
func proposalAbove(highest uint64, id rdmaio.NodeID) uint64 { return (highest>>8+1)<<8 | uint64(id) }
