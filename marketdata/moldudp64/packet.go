package moldudp64

import (
	"encoding/binary"
	"errors"
	"fmt"

	"exchange/ouch/soupbin"
)

const (
	// HeaderLen is the length of a header, and of a request, in bytes.
	HeaderLen = 20
	// BlockLen is what a message takes in a packet beside its own bytes.
	BlockLen = 2
	// MaxCount is the highest count of messages in a packet, or asked for.
	MaxCount = 1<<16 - 2
	// DefaultMaxPacket leaves room in an Ethernet frame for tunnels; LargestPacket fills the frame.
	DefaultMaxPacket = 1400
	LargestPacket    = 1472

	heartbeatCount    = 0
	endOfSessionCount = 1<<16 - 1
)

// ErrPacket is wrapped by every error about bytes that are no MoldUDP64 packet.
var ErrPacket = errors.New("not a MoldUDP64 packet")

// Session names a stream; on the wire it is left-justified and padded with spaces.
type Session = soupbin.Session

// AppendHeader appends the header of a packet of count messages of which number is the first.
func AppendHeader(dst []byte, session Session, number uint64, count uint16) []byte {
	dst = append(dst, session[:]...)
	dst = binary.BigEndian.AppendUint64(dst, number)
	return binary.BigEndian.AppendUint16(dst, count)
}

// AppendMessage appends a block.
func AppendMessage(dst, message []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(message)))
	return append(dst, message...)
}

// AppendHeartbeat appends a packet without messages; next is the number of the next one.
func AppendHeartbeat(dst []byte, session Session, next uint64) []byte {
	return AppendHeader(dst, session, next, heartbeatCount)
}

// AppendEndOfSession appends the packet that says that message next will never come.
func AppendEndOfSession(dst []byte, session Session, next uint64) []byte {
	return AppendHeader(dst, session, next, endOfSessionCount)
}

// Packet is a datagram as it was read; messages lie in the datagram's buffer.
type Packet struct {
	Session Session
	// Number of the first message; of the next one to come, if there is none.
	Number uint64
	// Count of messages, 0 in a heartbeat and at the end.
	Count uint16
	// End of the session.
	End    bool
	blocks []byte
}

// Parse reads a whole datagram. Every block is checked to lie in it.
func Parse(b []byte) (p Packet, err error) {
	if len(b) < HeaderLen {
		return p, fmt.Errorf("%w: %d bytes, a header has %d", ErrPacket, len(b), HeaderLen)
	}
	p = Packet{Session: Session(b[:10]), Number: binary.BigEndian.Uint64(b[10:]), Count: binary.BigEndian.Uint16(b[18:]), blocks: b[HeaderLen:]}
	if p.Count == endOfSessionCount {
		p.Count, p.End = 0, true
	}
	if p.Number == 0 || p.Number+uint64(p.Count) < p.Number {
		return p, fmt.Errorf("%w: %d messages from number %d on", ErrPacket, p.Count, p.Number)
	}
	rest := p.blocks
	for i := range p.Count {
		if len(rest) < BlockLen || len(rest)-BlockLen < int(binary.BigEndian.Uint16(rest)) {
			return p, fmt.Errorf("%w: cut in block %d of %d", ErrPacket, i+1, p.Count)
		}
		rest = rest[BlockLen+int(binary.BigEndian.Uint16(rest)):]
	}
	if len(rest) != 0 {
		return p, fmt.Errorf("%w: %d bytes follow the last block", ErrPacket, len(rest))
	}
	return p, nil
}

// Next takes the first message off. Number and Count follow. false: there is none.
func (p *Packet) Next() ([]byte, bool) {
	if p.Count == 0 {
		return nil, false
	}
	n := BlockLen + int(binary.BigEndian.Uint16(p.blocks))
	message := p.blocks[BlockLen:n:n]
	p.blocks = p.blocks[n:]
	p.Number++
	p.Count--
	return message, true
}

// Request asks a request server for Count messages from Number on. The answer is one packet of as many of them as fit.
type Request struct {
	Session Session
	Number  uint64
	Count   uint16
}

// AppendTo appends the request as bytes.
func (r *Request) AppendTo(dst []byte) []byte { return AppendHeader(dst, r.Session, r.Number, r.Count) }

// ParseRequest reads a request.
func ParseRequest(b []byte) (r Request, err error) {
	if len(b) != HeaderLen {
		return r, fmt.Errorf("%w: a request of %d bytes, %d are right", ErrPacket, len(b), HeaderLen)
	}
	r = Request{Session: Session(b[:10]), Number: binary.BigEndian.Uint64(b[10:]), Count: binary.BigEndian.Uint16(b[18:])}
	if r.Number == 0 || r.Count == 0 {
		return r, fmt.Errorf("%w: a request of %d messages from number %d on", ErrPacket, r.Count, r.Number)
	}
	return r, nil
}
