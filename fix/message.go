package fix

import (
	"encoding/binary"
	"math/bits"
)

// indexedTags bounds the tags that Message finds without searching.
const indexedTags = 3072

// field is one tag=value of a frame: the value is frame[start:end].
type field struct {
	tag        int32
	start, end int32
}

// Message is one parsed frame: a flat table of its fields in the order received. It is used again for every frame; values are slices of the
// frame and live as long as that does.
type Message struct {
	frame  []byte
	fields []field
	// first is the position + 1 in fields of a tag's first occurrence, for tags 1..indexedTags-1.
	first [indexedTags]uint16
	day   dayRead
}

// maxTagDigits bounds a tag as it is written.
const maxTagDigits = 9

// garbledFrame says why a frame counts as not received; empty: it does not.
type garbledFrame string

const (
	notGarbled       garbledFrame = ""
	garbledTag       garbledFrame = "unparsable tag"
	garbledFirst     garbledFrame = "8, 9 and 35 are not the first three fields"
	garbledLength    garbledFrame = "BodyLength is not the length of the body"
	garbledTrailer   garbledFrame = "the last field is not CheckSum"
	garbledSum       garbledFrame = "CheckSum is wrong"
	garbledTooManyOf garbledFrame = "too many fields"
)

// maxFields bounds the fields of a frame: the shortest is 1=x SOH.
const maxFields = MaxFrame / 4

// parse fills the table from a frame and checks BodyLength and CheckSum. After anything but notGarbled the table is empty.
func (m *Message) parse(frame []byte) garbledFrame {
	m.clear()
	m.frame = frame
	var dataTag int32 // the tag whose value may hold SOH, dataLen bytes long; 0: none
	dataLen := 0
	for pos := 0; pos < len(frame); {
		tag, start := parseTag(frame, pos)
		if start == 0 {
			m.clear()
			return garbledTag
		}
		pos = start
		if tag == dataTag && dataTag != 0 && dataLen < len(frame)-pos && frame[pos+dataLen] == soh {
			pos += dataLen
		} else if pos = endOfValue(frame, pos); pos == len(frame) {
			m.clear()
			return garbledTrailer
		}
		if len(m.fields) == maxFields {
			m.clear()
			return garbledTooManyOf
		}
		m.fields = append(m.fields, field{tag: tag, start: int32(start), end: int32(pos)})
		if uint32(tag) < indexedTags && m.first[tag] == 0 {
			m.first[tag] = uint16(len(m.fields))
		}
		dataTag = 0
		if data := dataTagOf(tag); data != 0 {
			if n, ok := parseUint(frame[start:pos]); ok && n < MaxFrame {
				dataTag, dataLen = data, int(n)
			}
		}
		pos++
	}
	if why := m.envelope(); why != notGarbled {
		m.clear()
		return why
	}
	return notGarbled
}

// parseTag reads "tag=" at pos: the tag, which may be negative, and where its value starts; 0: it is none. Tags of one to three digits, which
// is nearly all of them, are read without a loop.
func parseTag(frame []byte, pos int) (tag int32, value int) {
	if pos+4 <= len(frame) {
		b := frame[pos : pos+4]
		d0, d1, d2 := b[0]-'0', b[1]-'0', b[2]-'0'
		switch {
		case b[2] == '=' && d0 <= 9 && d1 <= 9:
			return int32(d0)*10 + int32(d1), pos + 3
		case b[3] == '=' && d0 <= 9 && d1 <= 9 && d2 <= 9:
			return int32(d0)*100 + int32(d1)*10 + int32(d2), pos + 4
		case b[1] == '=' && d0 <= 9:
			return int32(d0), pos + 2
		}
	}
	sign, digits := int32(1), 0
	if frame[pos] == '-' {
		sign = -1
		pos++
	}
	for pos < len(frame) && frame[pos]-'0' <= 9 && digits < maxTagDigits {
		tag = tag*10 + int32(frame[pos]-'0')
		digits++
		pos++
	}
	if digits == 0 || pos >= len(frame) || frame[pos] != '=' {
		return 0, 0
	}
	return tag * sign, pos + 1
}

// endOfValue is where the SOH at or after pos is, len(frame) if there is none. It looks at eight bytes at a time: in the word with SOH made zero, the
// lowest byte whose top bit is set by the subtraction and was not set before is the first zero.
func endOfValue(frame []byte, pos int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for pos+8 <= len(frame) {
		w := binary.LittleEndian.Uint64(frame[pos:]) ^ ones*soh
		if zero := (w - ones) &^ w & tops; zero != 0 {
			return pos + bits.TrailingZeros64(zero)>>3
		}
		pos += 8
	}
	for pos < len(frame) && frame[pos] != soh {
		pos++
	}
	return pos
}

// envelope checks the first three fields and the last.
func (m *Message) envelope() garbledFrame {
	n := len(m.fields)
	if n < 4 || m.fields[0].tag != tagBeginString || m.fields[1].tag != tagBodyLength || m.fields[2].tag != tagMsgType ||
		m.fields[2].start == m.fields[2].end {
		return garbledFirst
	}
	last := m.fields[n-1]
	if last.tag != tagCheckSum || last.end-last.start != 3 {
		return garbledTrailer
	}
	trailer := last.start - int32(len("10="))
	length, ok := parseUint(m.valueAt(1))
	if !ok || length != uint64(trailer-(m.fields[1].end+1)) {
		return garbledLength
	}
	sum, ok := parseUint(m.valueAt(n - 1))
	if !ok || sum != uint64(checkSum(m.frame[:trailer])) {
		return garbledSum
	}
	return notGarbled
}

// clear empties the table.
func (m *Message) clear() {
	for _, f := range m.fields {
		if uint32(f.tag) < indexedTags {
			m.first[f.tag] = 0
		}
	}
	m.fields = m.fields[:0]
}

func (m *Message) valueAt(i int) []byte {
	f := m.fields[i]
	return m.frame[f.start:f.end:f.end]
}

// get is the value of a tag's first occurrence, nil if there is none. tag < indexedTags.
func (m *Message) get(tag int) []byte {
	i := m.first[tag]
	if i == 0 {
		return nil
	}
	return m.valueAt(int(i) - 1)
}

// has tells whether the tag is there, with or without a value. tag < indexedTags.
func (m *Message) has(tag int) bool { return m.first[tag] != 0 }

// is tells whether the tag's value is the one byte c.
func (m *Message) is(tag int, c byte) bool {
	v := m.get(tag)
	return len(v) == 1 && v[0] == c
}

// time reads the tag's UTCTimestamp.
func (m *Message) time(tag int) (int64, bool) { return parseTimestamp(m.get(tag), &m.day) }

// msgType is MsgType (35).
func (m *Message) msgType() []byte { return m.valueAt(2) }

// dataTagOf gives the data field that a length field announces, 0 for every other tag. Those of FIX.5.0SP2 begin far above the tags of orders, which are
// not made to pay for them.
func dataTagOf(tag int32) int32 {
	if tag > 621 {
		if tag < 1184 || tag > 1620 {
			return 0
		}
		return laterDataTagOf(tag)
	}
	switch tag {
	case 90, 95, 212, 348, 350, 352, 354, 356, 358, 360, 362, 364, 445, 618, 621:
		return tag + 1
	case 93:
		return 89
	}
	return 0
}

func laterDataTagOf(tag int32) int32 {
	switch tag {
	case 1184, 1277, 1280, 1282, 1359, 1397, 1401, 1403, 1468, 1618, 1620:
		return tag + 1
	}
	return 0
}

// announces tells whether the field at i, which announces a data field, has that behind it, with as many bytes as it says. It is true of every other field.
func (m *Message) announces(i int) bool {
	f := m.fields[i]
	data := dataTagOf(f.tag)
	if data == 0 {
		return true
	}
	if i+1 == len(m.fields) || m.fields[i+1].tag != data {
		return false
	}
	n, ok := parseUint(m.valueAt(i))
	next := m.fields[i+1]
	return ok && n == uint64(next.end-next.start)
}
