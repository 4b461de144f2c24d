package fix

import "encoding/binary"

// encoder appends one message to a buffer: begin, fields in ascending order, finish. The buffer is the caller's; finish gives it back.
type encoder struct {
	// buf is written up to n. Invariant: at least slack bytes are free behind n, so that a tag and a number need no look at the bounds of
	// their own.
	buf []byte
	n   int
	// start is where the message begins, body where the bytes that BodyLength counts begin.
	start, body int
	scratch     [4]byte
}

const (
	// slack holds the longest field of fixed size: a tag with = (5 bytes), a UTCTimestamp (24) or a decimal (21), SOH.
	slack = 32
	// firstRoom is what begin makes room for: more than any of our messages without long ids and texts.
	firstRoom = 512
	// lengthDigits is how many digits begin leaves for BodyLength; finish moves the body when that guess was wrong.
	lengthDigits = 3
)

// tagPrefix is "tag=" for tags below indexedTags, ready to be stored as one word.
var tagPrefix = func() (prefixes [indexedTags]struct {
	word uint64
	n    uint8
}) {
	for tag := 1; tag < indexedTags; tag++ {
		var text [8]byte
		n := copy(text[:], append(appendUint(nil, uint64(tag)), '='))
		prefixes[tag].word, prefixes[tag].n = binary.LittleEndian.Uint64(text[:]), uint8(n)
	}
	return prefixes
}()

// encoderOn starts an encoder that appends to dst.
func encoderOn(dst []byte) encoder {
	e := encoder{buf: dst[:cap(dst)], n: len(dst), start: len(dst)}
	e.room(firstRoom)
	return e
}

// room makes sure that more bytes and the slack are free.
func (e *encoder) room(more int) {
	if len(e.buf)-e.n < more+slack {
		e.grow(more)
	}
}

func (e *encoder) grow(more int) {
	larger := make([]byte, 2*len(e.buf)+more+slack)
	copy(larger, e.buf[:e.n])
	e.buf = larger
}

// written is what has been written so far, without the header's beginning being finished.
func (e *encoder) written() []byte { return e.buf[:e.n] }

func (e *encoder) begin(beginString string, msgType string) {
	e.start = e.n
	e.text(tagBeginString, beginString)
	e.raw("9=000\x01")
	e.body = e.n
	e.text(tagMsgType, msgType)
}

func (e *encoder) raw(text string) {
	e.room(len(text))
	e.n += copy(e.buf[e.n:], text)
}

func (e *encoder) tag(tag int) {
	p := &tagPrefix[tag]
	binary.LittleEndian.PutUint64(e.buf[e.n:], p.word)
	e.n += int(p.n)
}

func (e *encoder) end() {
	e.buf[e.n] = soh
	e.n++
	e.room(0)
}

func (e *encoder) text(tag int, value string) {
	e.tag(tag)
	e.room(len(value))
	e.n += copy(e.buf[e.n:], value)
	e.end()
}

func (e *encoder) bytes(tag int, value []byte) {
	e.tag(tag)
	e.room(len(value))
	e.n += copy(e.buf[e.n:], value)
	e.end()
}

// fields copies fields that are encoded already.
func (e *encoder) fields(encoded []byte) {
	e.room(len(encoded))
	e.n += copy(e.buf[e.n:], encoded)
}

func (e *encoder) char(tag int, c byte) {
	e.tag(tag)
	e.buf[e.n] = c
	e.n++
	e.end()
}

func (e *encoder) uint(tag int, n uint64) {
	e.tag(tag)
	e.digits(n)
	e.end()
}

// digits writes n alone.
func (e *encoder) digits(n uint64) {
	e.n += putUint(e.buf[e.n:], n)
}

// decimal writes units of 10^-scale with at least min digits after the point.
func (e *encoder) decimal(tag int, units int64, scale, min int) {
	e.tag(tag)
	e.n += putDecimal(e.buf[e.n:], units, scale, min)
	e.end()
}

func (e *encoder) time(tag int, ns int64, precision TimePrecision, day *dayText) {
	e.tag(tag)
	e.n += putTimestamp(e.buf[e.n:], ns, precision, day)
	e.end()
}

// finish writes BodyLength and CheckSum and gives the buffer.
func (e *encoder) finish() []byte {
	length := e.n - e.body
	digits := decimalDigits(uint64(length))
	if shift := digits - lengthDigits; shift != 0 {
		e.room(max(shift, 0))
		copy(e.buf[e.body+shift:], e.buf[e.body:e.n])
		e.body += shift
		e.n += shift
	}
	e.buf[e.body-1] = soh
	putUint(e.buf[e.body-1-digits:], uint64(length))
	sum := checkSum(e.buf[e.start:e.n])
	tail := e.buf[e.n : e.n+7]
	tail[0], tail[1], tail[2], tail[3], tail[4], tail[5], tail[6] = '1', '0', '=', '0'+sum/100, '0'+sum/10%10, '0'+sum%10, soh
	e.n += 7
	return e.buf[:e.n]
}
