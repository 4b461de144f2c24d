package moldudp64

import (
	"errors"
	"fmt"
	"time"
)

// ReceiverConfig holds the settings of a Receiver; zero means the default.
type ReceiverConfig struct {
	// Session wanted; blank: that of the first packet.
	Session Session
	// From is the number of the first message wanted; 0: whatever the first packet has.
	From uint64
	// Window is how many messages behind a gap are kept for later (default 65,536). What is further on is dropped and asked for in its turn.
	Window int
	// RequestAfter is how long a gap may wait for another line to fill it (default 2 ms), RequestAgain how long an answer may take
	// before it is asked for again (default 100 ms).
	RequestAfter, RequestAgain time.Duration
}

const (
	defaultWindow       = 1 << 16
	defaultRequestAfter = 2 * time.Millisecond
	defaultRequestAgain = 100 * time.Millisecond
)

// ErrSession is a packet of another session than the receiver's.
var ErrSession = errors.New("packet of another session")

// ReceiverStatus counts what a receiver saw, in messages if nothing else is said.
type ReceiverStatus struct {
	Packets    uint64 // taken, of all lines
	Delivered  uint64
	Duplicates uint64 // already delivered or kept
	Early      uint64 // came before their turn and were kept
	TooEarly   uint64 // beyond the window, dropped
	Gaps       uint64 // times that a hole opened before the next message
	Requests   uint64
}

// Receiver makes one stream of any number of lines: every message in order and once. Datagrams go in with Receive, messages come out with
// Next, requests for what is lost with Request. It has no socket and no clock, and is not safe for concurrent use.
type Receiver struct {
	config  ReceiverConfig
	session Session
	next    uint64 // number of the next message to deliver; 0: not known yet
	seen    uint64 // the lowest number that no line has spoken of yet
	end     uint64 // number that will never come, once the end was seen; 0 before

	packet Packet // what Next takes from first
	window []early
	kept   int // elements of window that are full

	gapSince   int64
	inGap      bool
	asked      Request
	askedAt    int64
	askPending bool

	status ReceiverStatus
}

// early is a message that came before its turn. Its buffer is used again.
type early struct {
	number  uint64
	message []byte
}

// NewReceiver makes a receiver.
func NewReceiver(config ReceiverConfig) *Receiver {
	if config.Window <= 0 {
		config.Window = defaultWindow
	}
	if config.RequestAfter <= 0 {
		config.RequestAfter = defaultRequestAfter
	}
	if config.RequestAgain <= 0 {
		config.RequestAgain = defaultRequestAgain
	}
	return &Receiver{config: config, session: config.Session, next: config.From, seen: config.From, window: make([]early, config.Window)}
}

// Session of the stream, blank until it is known.
func (r *Receiver) Session() Session { return r.session }

// NextNumber is the number of the next message to deliver; 0: not known yet.
func (r *Receiver) NextNumber() uint64 { return r.next }

// Ended tells that every message of the session has been delivered.
func (r *Receiver) Ended() bool { return r.end != 0 && r.next >= r.end }

// Status counts what was seen.
func (r *Receiver) Status() ReceiverStatus { return r.status }

// Receive takes a datagram of any line, or an answer. The messages are to be taken with Next before the next Receive; they may
// lie in the datagram. An error (ErrPacket, ErrSession) has changed nothing.
func (r *Receiver) Receive(datagram []byte, now int64) error {
	if r.packet.Count > 0 {
		panic("moldudp64: Receive before Next gave everything")
	}
	p, err := Parse(datagram)
	if err != nil {
		return err
	}
	if r.session.Blank() {
		r.session = p.Session
	}
	if p.Session != r.session {
		return fmt.Errorf("%w: %s, wanted is %s", ErrSession, p.Session, r.session)
	}
	r.status.Packets++
	if r.next == 0 {
		r.next, r.seen = p.Number, p.Number
	}
	r.seen = max(r.seen, p.Number+uint64(p.Count))
	if p.End {
		r.end = max(r.end, p.Number)
	}
	if r.askPending && p.Count > 0 && p.Number == r.asked.Number {
		r.askPending = false // the answer, or as good as it
	}
	for p.Count > 0 && p.Number < r.next {
		p.Next()
		r.status.Duplicates++
	}
	if p.Number == r.next {
		r.packet = p
	} else {
		r.keep(p)
	}
	r.watchGap(now)
	return nil
}

// keep stores messages whose turn has not come.
func (r *Receiver) keep(p Packet) {
	for p.Count > 0 {
		number := p.Number
		message, _ := p.Next()
		slot := &r.window[number%uint64(len(r.window))]
		switch {
		case number-r.next >= uint64(len(r.window)):
			r.status.TooEarly++
		case slot.number == number:
			r.status.Duplicates++
		default:
			slot.number, slot.message = number, append(slot.message[:0], message...)
			r.kept++
			r.status.Early++
		}
	}
}

// Next gives the next message of the stream, if it is there: valid until the following call of Receive.
func (r *Receiver) Next() (number uint64, message []byte, ok bool) {
	if r.packet.Count > 0 {
		number = r.next
		message, _ = r.packet.Next()
		if r.kept > 0 {
			r.give(number)
		}
	} else if r.kept > 0 && r.window[r.next%uint64(len(r.window))].number == r.next {
		number = r.next
		message = r.window[number%uint64(len(r.window))].message
		r.give(number)
	} else {
		return 0, nil, false
	}
	r.next++
	r.status.Delivered++
	return number, message, true
}

// give frees the slot of a number that is delivered.
func (r *Receiver) give(number uint64) {
	if slot := &r.window[number%uint64(len(r.window))]; slot.number == number {
		slot.number = 0
		r.kept--
	}
}

// held tells whether the number waits in the window.
func (r *Receiver) held(number uint64) bool {
	return r.window[number%uint64(len(r.window))].number == number
}

// watchGap notes since when the next message is missing though later ones are known to exist.
func (r *Receiver) watchGap(now int64) {
	missing := r.packet.Count == 0 && r.next < r.seen && !r.held(r.next)
	if missing && !r.inGap {
		r.gapSince = now
		r.status.Gaps++
	}
	r.inGap = missing
}

// Request gives the request to send now, if there is one: the first hole before the next message, again after a while without an
// answer. To be called after everything was taken with Next, and now and then while nothing comes.
func (r *Receiver) Request(now int64) (q Request, ok bool) {
	if r.packet.Count > 0 || r.next == 0 || r.next >= r.seen || r.held(r.next) {
		r.inGap = false
		return q, false
	}
	if !r.inGap {
		// What Next gave ended at a hole.
		r.inGap, r.gapSince = true, now
		r.status.Gaps++
	}
	if r.askPending && r.next >= r.asked.Number+uint64(r.asked.Count) {
		r.askPending = false // another line was faster than the answer
	}
	switch {
	case r.askPending && now-r.askedAt < int64(r.config.RequestAgain):
		return q, false
	case !r.askPending && r.asked.Number != 0 && r.asked.Number+uint64(r.asked.Count) > r.next && r.asked.Number < r.next:
		// The last answer held less than was asked for: go on at once.
	case now-r.gapSince < int64(r.config.RequestAfter):
		return q, false
	}
	to := r.next + 1
	for to < r.seen && to-r.next < MaxCount && !(to-r.next < uint64(len(r.window)) && r.held(to)) {
		to++
	}
	q = Request{Session: r.session, Number: r.next, Count: uint16(to - r.next)}
	r.asked, r.askedAt, r.askPending = q, now, true
	r.status.Requests++
	return q, true
}
