package ws

import (
	"errors"
	"fmt"
)

// Why a client cannot go on at a sequence number; the texts are the reason of its error message.
var (
	// ErrTooOld: the events after it are no longer kept.
	ErrTooOld = errors.New("too_old")
	// ErrNotYet: this replica has not come so far.
	ErrNotYet = errors.New("not_yet")
)

// Cursor reads the events of one product that were kept, as one channel has them: Full or Matches.
type Cursor struct {
	p       *Product
	channel Channel
	next    uint64 // number of the next record in the ring
}

// Product is whose events they are, Channel which of them.
func (c *Cursor) Product() *Product { return c.p }

// Channel is Full or Matches.
func (c *Cursor) Channel() Channel { return c.channel }

// Resume makes a cursor that begins behind a sequence number. The error is ErrTooOld or ErrNotYet, with the bounds.
func (m *Market) Resume(p *Product, channel Channel, after uint64) (Cursor, error) {
	n, err := m.behind(p, after)
	return Cursor{p: p, channel: channel, next: n}, err
}

// behind gives the ring's number of the first record of a product behind a sequence number, the next to come if there is none yet.
func (m *Market) behind(p *Product, after uint64) (uint64, error) {
	if after > p.sequence {
		return 0, fmt.Errorf("%w: %s is at sequence %d here, not at %d", ErrNotYet, p.ID, p.sequence, after)
	}
	if after == p.sequence {
		return m.ring.next, nil
	}
	oldest := p.sequence + 1
	for n := p.last; ; {
		r := m.ring.at(n)
		if r == nil {
			return 0, fmt.Errorf("%w: events of %s are kept from sequence %d on, %d was asked for; take a snapshot", ErrTooOld, p.ID, oldest, after+1)
		}
		if oldest = r.sequence; oldest == after+1 {
			return n, nil
		}
		n = r.prev
	}
}

// Read appends the frames of the next events, and stops when they have so many bytes. It tells whether the last event there is was reached: from then on the
// product's stream goes on where the cursor ends. The error is ErrTooOld: the reader was so slow that the events are gone.
func (m *Market) Read(dst []byte, c *Cursor, bytes int) (out []byte, done bool, err error) {
	for limit := len(dst) + bytes; len(dst) < limit; c.next++ {
		if c.next >= m.ring.next {
			return dst, true, nil
		}
		r := m.ring.at(c.next)
		if r == nil {
			return dst, false, fmt.Errorf("%w: events of %s are gone before they were taken; take a snapshot", ErrTooOld, c.p.ID)
		}
		if r.locate == c.p.book.Locate && (c.channel == Full || r.kind == matched) {
			dst = m.appendEvent(dst, c.p, r)
		}
	}
	return dst, false, nil
}

// CatchUp appends the level2 frame that brings a book which is right at a sequence number up to now: the levels that were touched since, as they are. Nothing if
// nothing changed. The error is ErrTooOld or ErrNotYet.
func (m *Market) CatchUp(dst []byte, p *Product, after uint64) ([]byte, error) {
	n, err := m.behind(p, after)
	if err != nil || p.level2 <= after {
		return dst, err
	}
	var touched []priceLevel
	for ; n < m.ring.next; n++ {
		switch r := m.ring.at(n); {
		case r.locate != p.book.Locate || r.kind == received || r.kind == filled || r.kind == matched && r.orderKind == hidden:
		default:
			touched = append(touched, priceLevel{r.side, r.price})
		}
	}
	kept := p.touched
	p.touched = distinct(touched)
	dst = m.appendUpdate(dst, p, after)
	p.touched = kept
	return dst, nil
}
