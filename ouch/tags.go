package ouch

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Tag numbers an optional field.
type Tag uint8

const (
	TagSecondaryOrderRef   Tag = 1
	TagFirm                Tag = 2
	TagMinQty              Tag = 3
	TagCustomerType        Tag = 4
	TagMaxFloor            Tag = 5
	TagPriceType           Tag = 6
	TagPegOffset           Tag = 7
	TagDiscretionPrice     Tag = 9
	TagDiscretionPriceType Tag = 10
	TagDiscretionPegOffset Tag = 11
	TagPostOnly            Tag = 12
	TagRandomReserves      Tag = 13
	TagRoute               Tag = 14
	TagExpireTime          Tag = 15
	TagTradeNow            Tag = 16
	TagHandleInst          Tag = 17
	TagBBOWeight           Tag = 18
	TagReferencePrice      Tag = 19
	TagReferencePriceType  Tag = 20
	TagDisplayQuantity     Tag = 22
	TagDisplayPrice        Tag = 23
	TagGroupID             Tag = 24
	TagSharesLocated       Tag = 25
	TagLocateBroker        Tag = 26
	TagSide                Tag = 27
	TagUserRefIdx          Tag = 28
	tags                       = 29
)

// tagLen is the length of each tag's value in bytes, 0: not known.
var tagLen = [tags]uint8{
	TagSecondaryOrderRef: 8, TagFirm: 4, TagMinQty: 4, TagCustomerType: 1, TagMaxFloor: 4, TagPriceType: 1, TagPegOffset: 4, TagDiscretionPrice: 8,
	TagDiscretionPriceType: 1, TagDiscretionPegOffset: 4, TagPostOnly: 1, TagRandomReserves: 4, TagRoute: 4, TagExpireTime: 4, TagTradeNow: 1,
	TagHandleInst: 1, TagBBOWeight: 1, TagReferencePrice: 8, TagReferencePriceType: 1, TagDisplayQuantity: 4, TagDisplayPrice: 8, TagGroupID: 2,
	TagSharesLocated: 1, TagLocateBroker: 4, TagSide: 1, TagUserRefIdx: 1,
}

// MaxAppendage bounds what AppendTo writes behind a message: every tag once.
const MaxAppendage = 2 + 2*26 + 85

// Tags are the optional fields of a message. A value counts if its tag is in the set; it is a number (of PegOffset and DiscretionPegOffset the
// two's complement) or text, first byte highest.
type Tags struct {
	set    uint32
	values [tags]uint64
}

// Has tells whether there is a tag.
func (t *Tags) Has(tag Tag) bool { return t.set>>tag&1 != 0 }

// Empty tells that there is none.
func (t *Tags) Empty() bool { return t.set == 0 }

// Number is a tag's value, 0 if it is not there.
func (t *Tags) Number(tag Tag) uint64 {
	if !t.Has(tag) {
		return 0
	}
	return t.values[tag]
}

// Letter is the value of a tag of one byte, 0 if it is not there.
func (t *Tags) Letter(tag Tag) byte { return byte(t.Number(tag)) }

// UserRefIdx is the channel that a message is of, 0 if it does not say one.
func (t *Tags) UserRefIdx() uint8 { return uint8(t.Number(TagUserRefIdx)) }

// Text is the value of a tag of four letters.
func (t *Tags) Text(tag Tag) (v Firm) {
	binary.BigEndian.PutUint32(v[:], uint32(t.Number(tag)))
	return v
}

// Set adds a tag; a number that is not known panics.
func (t *Tags) Set(tag Tag, value uint64) {
	if tag >= tags || tagLen[tag] == 0 {
		panic(fmt.Sprintf("ouch: tag %d is not known", tag))
	}
	t.set |= 1 << tag
	t.values[tag] = value
}

// SetText adds a tag of four letters.
func (t *Tags) SetText(tag Tag, v Firm) { t.Set(tag, uint64(binary.BigEndian.Uint32(v[:]))) }

// Clear takes all out.
func (t *Tags) Clear() { t.set = 0 }

// Equal tells whether two have the same tags and values.
func (t *Tags) Equal(o *Tags) bool {
	if t.set != o.set {
		return false
	}
	for s := t.set; s != 0; s &= s - 1 {
		if n := bits.TrailingZeros32(s); t.values[n] != o.values[n] {
			return false
		}
	}
	return true
}

// append appends the appendage: its length and the tags in rising order.
func (t *Tags) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, 0, 0)
	for s := t.set; s != 0; s &= s - 1 {
		tag := bits.TrailingZeros32(s)
		n := tagLen[tag]
		dst = append(dst, n+1, byte(tag))
		for shift := 8 * int(n-1); shift >= 0; shift -= 8 {
			dst = append(dst, byte(t.values[tag]>>shift))
		}
	}
	binary.BigEndian.PutUint16(dst[start:], uint16(len(dst)-start-2))
	return dst
}

// parse reads what is behind a message's fields: nothing, or an appendage and nothing more. Tags that are not known are passed over; of one that comes
// twice the last counts.
func (t *Tags) parse(b []byte) error {
	t.set = 0
	if len(b) == 0 {
		return nil
	}
	if len(b) == 1 || int(binary.BigEndian.Uint16(b)) != len(b)-2 {
		return fmt.Errorf("%w: %d bytes behind the fields are no appendage", ErrMessage, len(b))
	}
	for b = b[2:]; len(b) > 0; {
		n := int(b[0])
		if n < 1 || n > len(b)-1 {
			return fmt.Errorf("%w: a tag of %d bytes where %d are left", ErrMessage, n, len(b)-1)
		}
		tag, value := Tag(b[1]), b[2:1+n]
		b = b[1+n:]
		if tag >= tags || tagLen[tag] == 0 {
			continue
		}
		if len(value) != int(tagLen[tag]) {
			return fmt.Errorf("%w: tag %d of %d bytes, %d are right", ErrMessage, tag, len(value), tagLen[tag])
		}
		v := uint64(0)
		for _, c := range value {
			v = v<<8 | uint64(c)
		}
		t.set |= 1 << tag
		t.values[tag] = v
	}
	return nil
}
