package consensus

import "hash/crc32"

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
	h := header{
		index: at.Index + 1, offset: at.Offset, proposal: proposal, commit: commit, prevChain: at.Chain,
		chain: crc32.Update(at.Chain, castagnoli, payload), length: uint32(len(payload)),
	}
	copy(b[headerBytes:], payload)
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

// parseDecided is parse without the checksums, which were seen when the entry was first complete, or made here.
func (c *circle) parseDecided(at Position) (header, []byte, bool) {
	b := c.at(at.Offset)
	h := decode(b)
	if !h.follows(at) {
		return h, nil, false
	}
	if h.skip {
		return h, nil, true
	}
	return h, b[headerBytes : headerBytes+int(h.length)], true
}
