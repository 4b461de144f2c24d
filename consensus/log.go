package consensus

import (
	"encoding/binary"
	"hash/crc32"
)

// circle is the own log's memory.
type circle struct {
	region []byte // header page and circle
	ring   []byte
	mask   uint64
}

func newCircle(region []byte) circle {
	ring := region[logStartBytes:]
	return circle{region: region, ring: ring, mask: uint64(len(ring) - 1)}
}

// at is what can be seen from the offset to the end of the circle.
func (c *circle) at(offset uint64) []byte { return c.ring[offset&c.mask:] }

// untilEnd is how many bytes lie between the offset and the end of the circle.
func (c *circle) untilEnd(offset uint64) uint64 { return uint64(len(c.ring)) - offset&c.mask }

// parse reads the entry that follows the position.
func (c *circle) parse(at Position) (header, []byte, bool) { return parse(c.at(at.Offset), at) }

// append writes an entry behind at and gives the position behind it. Where it does not fit before the end of the circle, a skip record goes first.
func (c *circle) append(at Position, proposal, commit uint64, payload []byte) Position {
	if left := c.untilEnd(at.Offset); left < entrySize(len(payload)) {
		skip := header{
			index: at.Index + 1, offset: at.Offset, proposal: proposal, commit: commit, prevChain: at.Chain, chain: at.Chain,
			length: uint32(left - headerBytes), skip: true,
		}
		skip.put(c.at(at.Offset))
		at = skip.after()
	}
	b := c.at(at.Offset)
	copy(b[headerBytes:], payload)
	var h header // by fields, not copied from where the compiler would put them together
	h.index, h.offset, h.proposal, h.commit, h.prevChain = at.Index+1, at.Offset, proposal, commit, at.Chain
	h.chain, h.length = crc32.Update(at.Chain, castagnoli, payload), uint32(len(payload))
	h.put(b)
	return h.after()
}

// needs is how far append would move the end, skip record included.
func (c *circle) needs(at uint64, payload int) uint64 {
	size := entrySize(payload)
	if left := c.untilEnd(at); left < size {
		return left + size
	}
	return size
}

// adopt writes an entry read elsewhere behind at under a new proposal number, and gives the position behind it. The payload may lie in the
// same place already.
func (c *circle) adopt(at Position, h header, payload []byte, proposal, commit uint64) Position {
	h.proposal, h.commit = proposal, commit
	b := c.at(at.Offset)
	if !h.skip {
		copy(b[headerBytes:], payload)
	}
	h.put(b)
	return h.after()
}

// past is parse for an entry that was seen complete before, or made here: without checksums, and without what only matters until it is decided. ok
// is false if no entry follows at.
func (c *circle) past(at Position) (after Position, payload []byte, skip, ok bool) {
	b := c.at(at.Offset)[:headerBytes]
	index, chains, length := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint32(b[24:])
	if index != at.Index+1 || binary.LittleEndian.Uint64(b[8:]) != at.Offset || uint32(chains) != at.Chain {
		return at, nil, false, false
	}
	skip = length&skipBit != 0
	length &^= skipBit
	after = Position{Index: index, Offset: at.Offset + entrySize(int(length)), Chain: uint32(chains >> 32)}
	if skip {
		after.Index--
		return after, nil, true, true
	}
	return after, c.at(at.Offset + headerBytes)[:length], false, true
}
