package book

import (
	"math/bits"
	"unsafe"
)

// The stream's hash rolls over every command and the events that followed from it. Each of them is taken in whole, as the words of memory that it is, by
// rounds of AES (as x86's AESENC makes them), since processors do one of those on 16 bytes in a cycle: four lanes take 16 bytes each in turn, what is left of a
// command goes to the first ones and its last word to the fourth. Behind a command's last event the lanes go into one another, and what they have become is
// multiplied into the hash:
//
//	h = fold(h^time^low, high^k3) + k1
//
// What a command and its events become does not depend on what came before, so a processor can be at several commands at a time. rollSoft is the same for
// processors of which we use no such instructions, and says what is meant. It is a checksum among friends: who can choose commands can make two of one hash.

// behind is a command of ApplyAll that the stream's hash has not taken in yet. It does so when the next one begins: by then most of what
// was written of the events is in the cache, and before that a processor cannot read in one piece what was written in several.
type behind struct {
	command *Command // nil: there is none
	first   *Event
	count   int
	time    int64 // of the market, which roll is told
}

// set is one by one: a struct is put together elsewhere, and waits to be read from there.
func (b *behind) set(c *Command, first *Event, count int) {
	b.command, b.first, b.count = c, first, count
}

// catchUp brings the stream's hash up to date.
func (m *Market) catchUp() {
	if m.behind.command != nil {
		m.behind.time = m.counters.time
		roll(&m.counters.stream, &m.behind)
		m.behind.command = nil
	}
}

const (
	commandWords = 23
	eventWords   = 32
)

// block is what an AES round works on, low word first.
type block [2]uint64

type fourLanes [4]block

// lanes are where the four lanes begin: digits of pi.
var lanes = fourLanes{
	{0x243f6a8885a308d3, 0x13198a2e03707344}, {0xa4093822299f31d0, 0x082efa98ec4e6c89},
	{0x452821e638d01377, 0xbe5466cf34e90c6c}, {0xc0ac29b7c97c50dd, 0x3f84d5b5b5470917},
}

// rollSoft is roll by table.
func rollSoft(h *uint64, b *behind) {
	l := lanes
	cw := b.command.words()
	l.take(cw[:])
	for i := range b.count {
		ew := unsafe.Slice(b.first, b.count)[i].words()
		l.take(ew[:])
	}
	x, y := aesRound(l[0], l[2]), aesRound(l[1], l[3])
	x = aesRound(x, y)
	x = aesRound(aesRound(x, lanes[0]), lanes[1])
	*h = fold(*h^uint64(b.time)^x[0], x[1]^k3) + k1
}

func (l *fourLanes) take(w []uint64) {
	i := 0
	for ; i+2 <= len(w); i += 2 {
		lane := &l[i/2%4]
		*lane = aesRound(*lane, block{w[i], w[i+1]})
	}
	if i < len(w) {
		l[3] = aesRound(l[3], block{w[i]})
	}
}

// words are the command's fields as they lie in memory, little endian.
func (c *Command) words() [commandWords]uint64 {
	w := [commandWords]uint64{
		uint64(c.Kind) | uint64(c.Side)<<8 | uint64(c.Type)<<16 | uint64(c.TIF)<<24 | uint64(c.Flags)<<32 | uint64(c.Protocol)<<40 | uint64(c.Code)<<48 | uint64(c.Reason)<<56,
		uint64(c.Instrument) | uint64(c.Session)<<16 | uint64(c.Seconds)<<32 | uint64(c.RefTag)<<48,
		uint64(c.RefMsgType[0]) | uint64(c.RefMsgType[1])<<8 | uint64(c.Conditions)<<16 | uint64(c.SelfTrade)<<24 | uint64(c.Epoch)<<32,
		c.InSeq, c.NextIn, uint64(c.Time), uint64(c.Price), uint64(c.Qty), uint64(c.StopPrice), uint64(c.Trail), uint64(c.MinQty), uint64(c.Display), uint64(c.Expire),
	}
	w[13], w[14], w[15], w[16], w[17] = idWords(&c.ClientID)
	w[18], w[19], w[20], w[21], w[22] = idWords(&c.OrigID)
	return w
}

// words are the event's fields as they lie in memory, little endian.
func (e *Event) words() [eventWords]uint64 {
	resting := uint64(0)
	if e.Resting {
		resting = 1
	}
	w := [eventWords]uint64{
		uint64(e.Kind) | uint64(e.Feed)<<8 | uint64(e.Side)<<16 | uint64(e.Type)<<24 | uint64(e.TIF)<<32 | uint64(e.Code)<<40 | uint64(e.Reason)<<48 | resting<<56,
		uint64(e.Instrument) | uint64(e.Session)<<16 | uint64(e.Seconds)<<32 | uint64(e.RefTag)<<48,
		uint64(e.RefMsgType[0]) | uint64(e.RefMsgType[1])<<8 | uint64(e.Flags)<<16 | uint64(e.Conditions)<<24 | uint64(e.Epoch)<<32,
		e.OutSeq, e.FeedSeq, e.Index, uint64(e.Time), e.NextIn, e.InSeq, e.OrderID, e.Ref, e.OldRef, e.Match, uint64(e.Price), uint64(e.Qty),
		uint64(e.LastPrice), uint64(e.LastQty), uint64(e.StopPrice), uint64(e.Shown), uint64(e.Cum), uint64(e.Leaves), uint64(e.Notional),
	}
	w[22], w[23], w[24], w[25], w[26] = idWords(&e.ClientID)
	w[27], w[28], w[29], w[30], w[31] = idWords(&e.OrigID)
	return w
}

// aesTable has, for each byte of a column's first row, what the substitution and the mixing of columns make of it; other rows' are the same, turned.
var aesTable = makeAESTable()

func makeAESTable() (t [256]uint32) {
	double := func(b byte) byte { return b<<1 ^ b>>7*0x1b }
	// p runs through the powers of 3, q through those of its inverse.
	p, q := byte(1), byte(1)
	set := func(at, s byte) {
		s ^= 0x63
		t[at] = uint32(double(s)) | uint32(s)<<8 | uint32(s)<<16 | uint32(double(s)^s)<<24
	}
	set(0, 0)
	for {
		p ^= double(p)
		q ^= q << 1
		q ^= q << 2
		q ^= q << 4
		q ^= q >> 7 * 0x09
		set(p, q^bits.RotateLeft8(q, 1)^bits.RotateLeft8(q, 2)^bits.RotateLeft8(q, 3)^bits.RotateLeft8(q, 4))
		if p == 1 {
			return t
		}
	}
}

// aesRound is one round of AES encryption (FIPS 197, section 5.1): bytes substituted, rows shifted, columns mixed, and the key added.
func aesRound(state, key block) block {
	at := func(i int) byte { return byte(state[i/8&1] >> (i % 8 * 8)) }
	var out block
	for column := range 4 {
		v := uint32(0)
		for row := range 4 {
			v ^= bits.RotateLeft32(aesTable[at((4*column+5*row)%16)], 8*row)
		}
		out[column/2] |= uint64(v) << (column % 2 * 32)
	}
	return block{out[0] ^ key[0], out[1] ^ key[1]}
}
