package ws

// recordKind is an event of the channel full.
type recordKind uint8

const (
	received recordKind = 1 + iota
	opened
	matched
	filled   // done, reason filled
	canceled // done, reason canceled
	changed
)

// record is one event of the channel full: fixed size, no pointers, so that the ring is nothing for the collector to walk.
type record struct {
	// prev is the number of the product's record before in the ring, 0 if there is none.
	prev     uint64
	sequence uint64
	time     int64 // ns since the Unix epoch
	// order is the order's number (the resting one's of a match), taker that of the order that came in.
	order, taker uint64
	trade        uint64
	// size of the order, or of the match; what is left of an order that is done; of a change the new one, and before the old one.
	size, before uint64
	price        uint32
	locate       uint16
	kind         recordKind
	side         byte // B or S; of a match the resting order's
	orderKind    idKind
	takerKind    idKind
	// unpriced is an order that came in and rested nowhere: the feed does not tell its limit.
	unpriced bool
}

// ring keeps the last records of the whole market, numbered from 1.
type ring struct {
	records []record
	bound   int
	next    uint64 // number of the next record
}

func makeRing(bound int) ring { return ring{bound: max(bound, 1), next: 1} }

// add keeps a record, in the place of the oldest if there are too many, and gives its number.
func (r *ring) add(rec *record) uint64 {
	n := r.next
	r.next++
	if len(r.records) < r.bound {
		r.records = append(r.records, *rec)
	} else {
		r.records[(n-1)%uint64(r.bound)] = *rec
	}
	return n
}

// at gives a record by number, nil if it is gone or never was.
func (r *ring) at(n uint64) *record {
	if n == 0 || n >= r.next || r.next-n > uint64(len(r.records)) {
		return nil
	}
	return &r.records[(n-1)%uint64(r.bound)]
}
