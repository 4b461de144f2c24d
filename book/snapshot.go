package book

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// A snapshot is the whole state, little endian: magic with version, counters, instruments, participants, sessions, the open orders of each book in
// the order in which they would trade, the ids that name no open order, and a hash of all that.
const (
	snapshotMagic = "EXBOOK01"
	hashSeed      = k4
)

// ErrSnapshot: the bytes are no snapshot of this version, or were damaged, or do not fit the limits.
var ErrSnapshot = errors.New("book: snapshot")

func (n *counters) words() [11]uint64 {
	return [11]uint64{n.index, n.feed, n.order, n.ref, n.match, n.accepted, n.trades, n.volume, n.resting, n.stream, uint64(n.time)}
}

// Hash is over the whole state; it takes time in proportion to it.
func (m *Market) Hash() uint64 {
	n := m.counters.words()
	h := hashWords(hashSeed, n[:]...)
	h = hashWords(h, uint64(m.phase))
	for i := range m.books[1:] {
		in := &m.books[i+1].info
		h = hashWords(hashBytes(h, []byte(in.Symbol)), uint64(in.Tick), uint64(in.Lot), uint64(in.State))
	}
	for i := range m.participants[1:] {
		h = hashBytes(h, m.participants[i+1][:])
	}
	for i := range m.sessions[1:] {
		s := &m.sessions[i+1]
		connected := uint64(0)
		if s.Connected {
			connected = 1
		}
		h = hashWords(hashBytes(h, []byte(s.Name)), uint64(s.Participant), uint64(s.Protocol)<<8|uint64(s.Flags), connected, uint64(s.Epoch), s.NextIn,
			s.NextOut, uint64(s.OpenOrders), uint64(s.Heartbeat))
	}
	h = m.hashOrders(h, true)
	// The ids lie where they came to lie: their sum does not depend on it.
	var ids uint64
	for i := range m.ids.table {
		if e := &m.ids.table[i]; e.slot != vacant {
			ids += hashWords(e.lo, uint64(e.hi), uint64(min(e.slot, firstSlot)))
		}
	}
	return hashWords(h, ids, uint64(m.ids.count))
}

// BookHash is over the open orders and the day's trades only, without times, sessions and clients' ids: the same orders by another way give the same.
func (m *Market) BookHash() uint64 {
	n := &m.counters
	return m.hashOrders(hashWords(hashSeed, n.order, n.match, n.trades, n.volume), false)
}

func (m *Market) hashOrders(h uint64, whole bool) uint64 {
	for number := 1; number < len(m.books); number++ {
		for side := range m.books[number].sides {
			h = hashWords(h, uint64(number), uint64(side))
			for li := m.books[number].sides[side].best; li != 0; li = m.levels.levels[li].worse {
				for s := m.levels.levels[li].head; s != 0; s = m.pool.orders[s].next {
					o := &m.pool.orders[s]
					h = hashWords(h, o.id, uint64(o.price), uint64(o.qty), uint64(o.open), uint64(o.notional))
					if whole {
						h = hashWords(h, o.ref, uint64(o.session), uint64(o.typ)<<8|uint64(o.tif), hashID(&m.pool.ids[s]))
					}
				}
			}
		}
	}
	return h
}

// AppendSnapshot appends the whole state.
func (m *Market) AppendSnapshot(dst []byte) []byte {
	start := len(dst)
	le := binary.LittleEndian
	dst = append(dst, snapshotMagic...)
	for _, w := range m.counters.words() {
		dst = le.AppendUint64(dst, w)
	}
	dst = append(dst, m.phase)
	dst = le.AppendUint32(dst, uint32(len(m.books)-1))
	for i := range m.books[1:] {
		in := &m.books[i+1].info
		dst = append(appendText(dst, in.Symbol), in.State)
		dst = le.AppendUint64(le.AppendUint64(dst, uint64(in.Tick)), uint64(in.Lot))
	}
	dst = le.AppendUint32(dst, uint32(len(m.participants)-1))
	for i := range m.participants[1:] {
		dst = append(dst, m.participants[i+1][:]...)
	}
	dst = le.AppendUint32(dst, uint32(len(m.sessions)-1))
	for i := range m.sessions[1:] {
		s := &m.sessions[i+1]
		connected := byte(0)
		if s.Connected {
			connected = 1
		}
		dst = append(appendText(dst, s.Name), byte(s.Protocol), s.Flags, connected)
		dst = le.AppendUint32(le.AppendUint16(le.AppendUint16(dst, s.Participant), s.Heartbeat), s.Epoch)
		dst = le.AppendUint64(le.AppendUint64(dst, s.NextIn), s.NextOut)
	}
	dst = m.appendOrders(dst)
	dst = m.appendIDs(dst)
	return le.AppendUint64(dst, hashBytes(hashSeed, dst[start:]))
}

func (m *Market) appendOrders(dst []byte) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint64(dst, m.counters.resting)
	for number := range m.books {
		for side := range m.books[number].sides {
			for li := m.books[number].sides[side].best; li != 0; li = m.levels.levels[li].worse {
				for s := m.levels.levels[li].head; s != 0; s = m.pool.orders[s].next {
					o := &m.pool.orders[s]
					for _, w := range [...]uint64{o.id, o.ref, uint64(o.price), uint64(o.notional), uint64(o.qty)<<32 | uint64(o.open)} {
						dst = le.AppendUint64(dst, w)
					}
					dst = le.AppendUint16(le.AppendUint16(dst, o.session), o.instrument)
					dst = append(dst, byte(o.side), byte(o.typ), byte(o.tif), 0)
					dst = append(dst, m.pool.ids[s][:]...)
				}
			}
		}
	}
	return dst
}

// appendIDs appends the ids that name no open order. Which places of the table are taken does not depend on the order in which the ids came, and so
// neither does the set of ids between two vacant places: from vacant place to vacant place, sorted, they are the same on every replica.
func (m *Market) appendIDs(dst []byte) []byte {
	le := binary.LittleEndian
	at, n := len(dst), uint64(0)
	dst = le.AppendUint64(dst, 0)
	size := len(m.ids.table)
	first := 0
	for m.ids.table[first].slot != vacant {
		first++
	}
	var run []identity
	for i := range size {
		e := m.ids.table[(first+1+i)%size]
		if e.slot == notOrder || e.slot == ended {
			run = append(run, e)
		}
		if e.slot != vacant {
			continue
		}
		slices.SortFunc(run, func(a, b identity) int { return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.hi, b.hi)) })
		for _, e := range run {
			dst = append(le.AppendUint32(le.AppendUint64(dst, e.lo), e.hi), byte(e.slot))
		}
		n += uint64(len(run))
		run = run[:0]
	}
	le.PutUint64(dst[at:], n)
	return dst
}

func appendText(dst []byte, s string) []byte { return append(append(dst, byte(len(s))), s...) }

// reader takes values off the front of a snapshot; past its end everything is zero and bad is set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad = true
		return make([]byte, max(n, 0)&0xffff)
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) u8() byte     { return r.take(1)[0] }
func (r *reader) u16() uint16  { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *reader) u32() uint32  { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) u64() uint64  { return binary.LittleEndian.Uint64(r.take(8)) }
func (r *reader) text() string { return string(r.take(int(r.u8()))) }

// RestoreMarket makes the market that a snapshot was taken of. It goes on with the same events and the same hashes.
func RestoreMarket(l Limits, src []byte) (*Market, error) {
	if len(src) < len(snapshotMagic)+8 || string(src[:len(snapshotMagic)]) != snapshotMagic {
		return nil, fmt.Errorf("%w: not one of this version", ErrSnapshot)
	}
	body := src[:len(src)-8]
	if binary.LittleEndian.Uint64(src[len(body):]) != hashBytes(hashSeed, body) {
		return nil, fmt.Errorf("%w: damaged: its hash does not fit", ErrSnapshot)
	}
	m := NewMarket(l)
	r := &reader{b: body[len(snapshotMagic):]}
	n := &m.counters
	for _, p := range []*uint64{&n.index, &n.feed, &n.order, &n.ref, &n.match, &n.accepted, &n.trades, &n.volume, &n.resting, &n.stream} {
		*p = r.u64()
	}
	n.time = int64(r.u64())
	m.phase = r.u8()
	for range r.u32() {
		in := Instrument{Symbol: r.text(), State: r.u8(), Tick: int64(r.u64()), Lot: int64(r.u64())}
		if r.bad || in.Tick < 1 || in.Lot < 1 || len(m.books) > m.limits.Instruments {
			return nil, fmt.Errorf("%w: instrument %d", ErrSnapshot, len(m.books))
		}
		m.books = append(m.books, instrumentBook{info: in, maxPrice: MaxFeedPrice / in.Tick, maxQty: min(m.limits.MaxQty, MaxShares/in.Lot)})
	}
	for range r.u32() {
		var name ClientID
		copy(name[:], r.take(ClientIDLen))
		if r.bad || len(m.participants) > m.limits.Participants {
			return nil, fmt.Errorf("%w: participant %d", ErrSnapshot, len(m.participants))
		}
		m.participants = append(m.participants, name)
	}
	for range r.u32() {
		s := Session{Name: r.text(), Protocol: Protocol(r.u8()), Flags: r.u8(), Connected: r.u8() != 0, Participant: r.u16(), Heartbeat: r.u16(), Epoch: r.u32(),
			NextIn: r.u64(), NextOut: r.u64()}
		if r.bad || len(m.sessions) > m.limits.Sessions {
			return nil, fmt.Errorf("%w: session %d", ErrSnapshot, len(m.sessions))
		}
		m.sessions = append(m.sessions, s)
	}
	if err := m.restoreOrders(r); err != nil {
		return nil, err
	}
	return m, m.restoreIDs(r)
}

func (m *Market) restoreOrders(r *reader) error {
	count := r.u64()
	if count != m.counters.resting || count > uint64(m.limits.Orders) {
		return fmt.Errorf("%w: %d open orders, %d are allowed: raise limits.orders", ErrSnapshot, count, m.limits.Orders)
	}
	for range count {
		o := order{id: r.u64(), ref: r.u64(), price: int64(r.u64()), notional: int64(r.u64())}
		quantities := r.u64()
		o.qty, o.open = uint32(quantities>>32), uint32(quantities)
		o.session, o.instrument = r.u16(), r.u16()
		o.side, o.typ, o.tif = Side(r.u8()), OrderType(r.u8()), TimeInForce(r.u8())
		r.u8()
		var id ClientID
		copy(id[:], r.take(ClientIDLen))
		if r.bad || o.instrument == 0 || int(o.instrument) >= len(m.books) || o.session == 0 || int(o.session) >= len(m.sessions) || o.side > Sell ||
			o.open == 0 || o.open > o.qty || m.ids.full() || !m.nodes.last() {
			return fmt.Errorf("%w: order %d", ErrSnapshot, o.id)
		}
		place, seen := m.ids.find(o.session, &id)
		if seen {
			return fmt.Errorf("%w: order %d has another's id", ErrSnapshot, o.id)
		}
		slot := m.pool.take()
		m.ids.add(place, o.session, &id, slot)
		o.name = place
		m.pool.orders[slot], m.pool.ids[slot] = o, id
		m.enqueue(slot)
		m.sessions[o.session].OpenOrders++
	}
	return nil
}

func (m *Market) restoreIDs(r *reader) error {
	for range r.u64() {
		lo, hi, slot := r.u64(), r.u32(), uint32(r.u8())
		if r.bad || slot != notOrder && slot != ended || m.ids.full() {
			return fmt.Errorf("%w: id table", ErrSnapshot)
		}
		if _, ok := m.ids.addFingerprint(lo, hi, slot); !ok {
			return fmt.Errorf("%w: an id twice", ErrSnapshot)
		}
	}
	if r.bad || len(r.b) != 0 {
		return fmt.Errorf("%w: %d bytes too many or too few", ErrSnapshot, len(r.b))
	}
	return nil
}
