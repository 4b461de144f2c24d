package fix

import "bytes"

// Framing bounds, in bytes.
const (
	// MaxLogonFrame is the longest frame of a connection that is not logged on.
	MaxLogonFrame = 4 << 10
	// MaxFrame is the longest frame of a session.
	MaxFrame = 16 << 10
	// framerBuffer holds what a session received and did not take yet; logonBuffer before that, so that connections that never log on cost
	// little. Each must hold the longest frame of its time.
	framerBuffer = 64 << 10
	logonBuffer  = 2 * MaxLogonFrame
)

type frameStatus uint8

const (
	// frameMore: the next frame is not complete yet.
	frameMore frameStatus = iota
	// frameReady: one frame, its end where BodyLength says or after it. Message.Parse checks the rest.
	frameReady
	// frameGarbled: bytes that are no frame were dropped.
	frameGarbled
	// frameOversize: the frame at hand is or claims to be longer than the limit. Nothing more can be read from this connection.
	frameOversize
)

// framer cuts the received bytes into frames: find 8=, read 9, skip BodyLength bytes, find SOH 10= at or after that point; the frame
// ends at the SOH after it. It does not look for another 8= inside a frame: a BodyLength too short costs one message, one too long the
// next as well.
type framer struct {
	buf []byte
	// Invariant: 0 <= r <= w <= len(buf); what was received and not taken is buf[r:w].
	r, w  int
	limit int
	// scanned is how far after r the search for the end has come, so that no byte is searched twice. 0: not begun.
	scanned int
}

func newFramer(limit, buffer int) framer {
	return framer{buf: make([]byte, buffer), limit: limit}
}

// enlarge gives the framer a larger buffer and limit. Frames given out before stay as they are.
func (f *framer) enlarge(limit, buffer int) {
	larger := make([]byte, buffer)
	f.w = copy(larger, f.buf[f.r:f.w])
	f.r = 0
	f.buf, f.limit = larger, limit
}

// write takes as many bytes as there is room for. It invalidates the frames given out before.
func (f *framer) write(b []byte) int {
	if f.r == f.w {
		f.r, f.w = 0, 0
	} else if len(b) > len(f.buf)-f.w && f.r > 0 {
		copy(f.buf, f.buf[f.r:f.w])
		f.w -= f.r
		f.r = 0
	}
	n := copy(f.buf[f.w:], b)
	f.w += n
	return n
}

// room is how many bytes write would take now.
func (f *framer) room() int { return len(f.buf) - (f.w - f.r) }

// drop throws away everything received.
func (f *framer) drop() { f.r, f.w, f.scanned = 0, 0, 0 }

// next gives the next frame, valid until the next write.
func (f *framer) next() ([]byte, frameStatus) {
	in := f.buf[f.r:f.w]
	if len(in) < 2 {
		if len(in) == 1 && in[0] != '8' {
			f.r++
			return nil, frameGarbled
		}
		return nil, frameMore
	}
	if in[0] != '8' || in[1] != '=' {
		return nil, f.skipJunk(in)
	}
	body, length, status := f.bodyLength(in)
	if status != frameReady {
		return nil, status
	}
	// The SOH before 10= is the last byte of the body.
	from := max(body+length-1, f.scanned)
	if body+length+len("10=000\x01") > f.limit {
		return nil, frameOversize
	}
	if from >= len(in) {
		return nil, frameMore
	}
	at := bytes.Index(in[from:], []byte("\x0110="))
	if at < 0 {
		f.scanned = max(from, len(in)-3)
		if len(in) > f.limit {
			return nil, frameOversize
		}
		return nil, frameMore
	}
	value := from + at + 4
	end := bytes.IndexByte(in[value:], soh)
	if end < 0 {
		f.scanned = from + at
		if len(in) > f.limit {
			return nil, frameOversize
		}
		return nil, frameMore
	}
	total := value + end + 1
	if total > f.limit {
		return nil, frameOversize
	}
	f.scanned = 0
	f.r += total
	return in[:total], frameReady
}

// bodyLength reads 8 and 9 at the start of in: where the body starts and how long it says it is.
func (f *framer) bodyLength(in []byte) (body, length int, status frameStatus) {
	const maxBeginString, maxLengthDigits = 16, 9
	first := bytes.IndexByte(in[:min(len(in), maxBeginString)], soh)
	if first < 0 {
		if len(in) < maxBeginString {
			return 0, 0, frameMore
		}
		f.r += 2
		return 0, 0, frameGarbled
	}
	i := first + 1
	for _, want := range []byte("9=") {
		if i == len(in) {
			return 0, 0, frameMore
		}
		if in[i] != want {
			f.r += i
			return 0, 0, frameGarbled
		}
		i++
	}
	for digits := 0; ; digits++ {
		if i == len(in) {
			return 0, 0, frameMore
		}
		c := in[i]
		i++
		if c == soh && digits > 0 {
			return i, length, frameReady
		}
		if c < '0' || c > '9' || digits == maxLengthDigits {
			f.r += i - 1
			return 0, 0, frameGarbled
		}
		length = length*10 + int(c-'0')
	}
}

// skipJunk drops what lies before the next 8=.
func (f *framer) skipJunk(in []byte) frameStatus {
	at := bytes.Index(in, []byte("8="))
	switch {
	case at >= 0:
		f.r += at
	case in[len(in)-1] == '8':
		f.r += len(in) - 1
	default:
		f.r += len(in)
	}
	return frameGarbled
}
