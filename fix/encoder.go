package fix

// encoder appends one message to a buffer: begin, fields in ascending order, finish. The buffer is the caller's.
type encoder struct {
	buf []byte
	// start is where the message begins, body where the bytes that BodyLength counts begin.
	start, body int
}

// lengthDigits is how many digits begin leaves for BodyLength; finish moves the body when that guess was wrong.
const lengthDigits = 3

func (e *encoder) begin(beginString string, msgType string) {
	e.start = len(e.buf)
	e.buf = append(e.buf, "8="...)
	e.buf = append(e.buf, beginString...)
	e.buf = append(e.buf, "\x019=000\x01"...)
	e.body = len(e.buf)
	e.buf = append(e.buf, "35="...)
	e.buf = append(e.buf, msgType...)
	e.buf = append(e.buf, soh)
}

func (e *encoder) tag(tag int) {
	e.buf = append(appendUint(e.buf, uint64(tag)), '=')
}

func (e *encoder) text(tag int, value string) {
	e.tag(tag)
	e.buf = append(append(e.buf, value...), soh)
}

func (e *encoder) bytes(tag int, value []byte) {
	e.tag(tag)
	e.buf = append(append(e.buf, value...), soh)
}

func (e *encoder) char(tag int, c byte) {
	e.tag(tag)
	e.buf = append(e.buf, c, soh)
}

func (e *encoder) uint(tag int, n uint64) {
	e.tag(tag)
	e.buf = append(appendUint(e.buf, n), soh)
}

// decimal writes units of 10^-scale with at least min digits after the point.
func (e *encoder) decimal(tag int, units int64, scale, min int) {
	e.tag(tag)
	e.buf = append(appendDecimal(e.buf, units, scale, min), soh)
}

func (e *encoder) time(tag int, ns int64, precision TimePrecision) {
	e.tag(tag)
	e.buf = append(appendTimestamp(e.buf, ns, precision), soh)
}

// finish writes BodyLength and CheckSum.
func (e *encoder) finish() []byte {
	length := len(e.buf) - e.body
	digits := 1
	for n := length; n >= 10; n /= 10 {
		digits++
	}
	if shift := digits - lengthDigits; shift != 0 {
		if shift > 0 {
			e.buf = append(e.buf, "00000000"[:shift]...)
		}
		copy(e.buf[e.body+shift:], e.buf[e.body:e.body+length])
		e.body += shift
		e.buf = e.buf[:e.body+length]
	}
	e.buf[e.body-1] = soh
	for i, n := e.body-2, length; i > e.body-2-digits; i-- {
		e.buf[i] = byte('0' + n%10)
		n /= 10
	}
	sum := checkSum(e.buf[e.start:])
	e.buf = append(e.buf, '1', '0', '=', '0'+sum/100, '0'+sum/10%10, '0'+sum%10, soh)
	return e.buf
}
