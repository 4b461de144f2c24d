package book

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// reader takes values off the front of a snapshot; past its end everything is zero and bad is set.
type reader struct {
	b       []byte
	bad     bool
	version byte
}

// first tells that the snapshot is of version 1.
func (r *reader) first() bool { return r.version == 1 }

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
	if len(src) < len(snapshotMagic)+8 {
		return nil, fmt.Errorf("%w: cut short", ErrSnapshot)
	}
	magic := string(src[:len(snapshotMagic)])
	if magic != snapshotMagic && magic != snapshotSecond && magic != snapshotFirst {
		return nil, fmt.Errorf("%w: it begins with %q, this program knows %s to %s: use the program that wrote it", ErrSnapshot, magic, snapshotFirst, snapshotMagic)
	}
	body := src[:len(src)-8]
	if binary.LittleEndian.Uint64(src[len(body):]) != hashBytes(hashSeed, body) {
		return nil, fmt.Errorf("%w: damaged: its hash does not fit", ErrSnapshot)
	}
	m := NewMarket(l)
	r := &reader{b: body[len(magic):], version: magic[len(magic)-1] - '0'}
	n, accepted := &m.counters, uint64(0) // as many as the last order's number
	for _, p := range []*uint64{&n.index, &n.feed, &n.order, &n.ref, &n.match, &accepted, &n.trades, &n.volume, &n.resting, &n.stream} {
		*p = r.u64()
	}
	n.time = int64(r.u64())
	m.phase = r.u8()
	for _, part := range []func(*reader) error{m.restoreInstruments, m.restoreParticipants, m.restoreSessions, m.restoreOrders, m.restoreIDs} {
		if err := part(r); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Market) restoreInstruments(r *reader) error {
	for range r.u32() {
		in := Instrument{Symbol: r.text(), State: r.u8(), Tick: int64(r.u64()), Lot: int64(r.u64())}
		var day [9]uint64
		for i := range day {
			if !r.first() {
				day[i] = r.u64()
			}
		}
		if r.bad || in.Tick < 1 || in.Lot < 1 || len(m.books) > m.limits.Instruments {
			return fmt.Errorf("%w: instrument %d", ErrSnapshot, len(m.books))
		}
		b := instrumentBook{info: in, maxPrice: MaxFeedPrice / in.Tick, maxQty: min(m.limits.MaxQty, MaxShares/in.Lot)}
		b.day.setWords(day)
		m.setEntry(&b)
		m.books = append(m.books, b)
	}
	return nil
}

func (m *Market) restoreParticipants(r *reader) error {
	for range r.u32() {
		var name ClientID
		copy(name[:], r.take(ClientIDLen))
		number := uint16(len(m.participants))
		group := number
		if !r.first() {
			group = r.u16()
		}
		if r.bad || len(m.participants) > m.limits.Participants || group == 0 || group > number {
			return fmt.Errorf("%w: participant %d", ErrSnapshot, number)
		}
		m.participants, m.groups = append(m.participants, name), append(m.groups, group)
	}
	return nil
}

func (m *Market) restoreSessions(r *reader) error {
	for range r.u32() {
		s := Session{Name: r.text(), Protocol: Protocol(r.u8()), Flags: r.u8(), Connected: r.u8() != 0, Participant: r.u16(), Heartbeat: r.u16(), Epoch: r.u32(),
			NextIn: r.u64(), NextOut: r.u64()}
		if r.bad || len(m.sessions) > m.limits.Sessions || s.Participant == 0 || int(s.Participant) >= len(m.participants) {
			return fmt.Errorf("%w: session %d", ErrSnapshot, len(m.sessions))
		}
		m.sessions = append(m.sessions, s)
		m.noteDrops()
		if r.version < 3 {
			continue
		}
		if err := m.restoreChannels(r, uint16(len(m.sessions)-1)); err != nil {
			return err
		}
	}
	return nil
}

func (m *Market) restoreChannels(r *reader, session uint16) error {
	switch has := r.u8(); {
	case has == 0:
		return nil
	case r.bad || has > 1 || m.sessions[session].Protocol != OUCH:
		return fmt.Errorf("%w: channels of session %d", ErrSnapshot, session)
	case !m.channels.make(session):
		return fmt.Errorf("%w: more sessions with channels than Limits.Channels allows", ErrSnapshot)
	}
	last := uint8(0)
	for range r.u8() {
		index, disabled, next := r.u8(), r.u8(), r.u64()
		l := line{next, disabled == 1}
		if r.bad || index <= last || disabled > 1 || next == 0 || l == fresh {
			return fmt.Errorf("%w: channel %d of session %d", ErrSnapshot, index, session)
		}
		*m.channels.find(session, index), last = l, index
	}
	return nil
}

func (m *Market) restoreOrders(r *reader) error {
	count := r.u64()
	if count != m.counters.resting || count > uint64(m.limits.Orders) {
		return fmt.Errorf("%w: %d open orders, %d are allowed: raise limits.orders", ErrSnapshot, count, m.limits.Orders)
	}
	var trailers []uint32
	for range count {
		slot, err := m.restoreOrder(r)
		if err != nil {
			return err
		}
		if m.pool.orders[slot].typ.in(trailing) && m.waiting(slot) {
			trailers = append(trailers, slot)
		}
	}
	slices.SortFunc(trailers, func(a, b uint32) int { return cmp.Compare(m.pool.orders[a].id, m.pool.orders[b].id) })
	for _, slot := range trailers {
		m.startTrailing(slot)
	}
	return nil
}

func (m *Market) restoreOrder(r *reader) (slot uint32, err error) {
	o := order{id: r.u64(), ref: r.u64(), price: int64(r.u64()), notional: int64(r.u64())}
	quantities := r.u64()
	o.qty, o.open = uint32(quantities>>32), uint32(quantities)
	o.session, o.instrument = r.u16(), r.u16()
	o.side, o.typ, o.tif, o.marks = Side(r.u8()), OrderType(r.u8()), TimeInForce(r.u8()), marks(r.u8())
	var id ClientID
	copy(id[:], r.take(ClientIDLen))
	ladder, stamp := uint8(o.side), m.counters.index
	if !r.first() {
		ladder, stamp = r.u8(), r.u64()
	}
	var t terms
	if o.marks&hasTerms != 0 {
		t = terms{stop: int64(r.u64()), trail: int64(r.u64()), expire: int64(r.u64())}
		shown := r.u64()
		t.display, t.shown = uint32(shown>>32), uint32(shown)
	}
	if r.bad || o.instrument == 0 || int(o.instrument) >= len(m.books) || o.session == 0 || int(o.session) >= len(m.sessions) || o.side > Sell ||
		o.open == 0 || o.open > o.qty || !m.nodes.last() || ladder >= ladders || Side(ladder&1) != o.side ||
		o.typ >= orderTypes || o.tif >= timesInForce || ladder < stopped && o.typ.in(unpriced) || ladder >= stopped && (!o.typ.in(stops) || o.marks&hasTerms == 0) ||
		t.display != 0 && ladder < stopped && (t.shown == 0 || t.shown > t.display || t.shown > o.open) || o.tif == GoodTillDate && t.expire == 0 {
		return 0, fmt.Errorf("%w: order %d", ErrSnapshot, o.id)
	}
	if m.pool.find(o.session, &id) != 0 {
		return 0, fmt.Errorf("%w: order %d has another's id", ErrSnapshot, o.id)
	}
	slot = m.pool.take()
	m.pool.orders[slot], m.pool.terms[slot] = o, t
	m.pool.name(slot, o.session, &id)
	if r.first() { // its ids that name an order are not with the others
		if m.ids.full() {
			return 0, fmt.Errorf("%w: more ids than limits.client_ids allows", ErrSnapshot)
		}
		key := makeKey(o.session, &id)
		m.ids.add(m.ids.block(key), key, true)
	}
	price := o.price
	if ladder >= stopped {
		price = t.stop
	}
	m.enqueue(slot, ladder, price)
	m.levels.levels[m.pool.orders[slot].level].stamp = stamp
	m.sessions[o.session].OpenOrders++
	if t.expire != 0 {
		m.due.push(m, slot)
	}
	return slot, nil
}

func (m *Market) restoreIDs(r *reader) error {
	if !r.first() {
		if err := m.restoreBlocks(r); err != nil {
			return err
		}
	}
	count := r.u64()
	if m.ids.count+len(m.ids.older)+int(min(count, 1<<31)) > m.ids.limit {
		return fmt.Errorf("%w: more ids than limits.client_ids allows", ErrSnapshot)
	}
	for range count {
		e := olderID{lo: r.u64(), hi: r.u32()}
		state := r.u8() // the first version's 1 was notOrder, 2 an order's
		if r.first() {
			e.order = state == 2
			state--
		} else {
			e.order = state == 1
		}
		if r.bad || state > 1 {
			return fmt.Errorf("%w: ids", ErrSnapshot)
		}
		m.ids.older = append(m.ids.older, e)
	}
	if r.bad || len(r.b) != 0 {
		return fmt.Errorf("%w: %d bytes too many or too few", ErrSnapshot, len(r.b))
	}
	return nil
}

func (m *Market) restoreBlocks(r *reader) error {
	for range r.u64() {
		b := idBlock{lo: r.u64(), hi: r.u32(), seen: r.u64(), orders: r.u64()}
		at := m.ids.block(idKey{lo: b.lo, hi: b.hi})
		if r.bad || b.seen == 0 || b.orders&^b.seen != 0 || m.ids.blocks[at].seen != 0 || m.ids.used >= m.ids.limit {
			return fmt.Errorf("%w: ids", ErrSnapshot)
		}
		if planted("snapshot without the ids of the day") {
			continue
		}
		m.ids.blocks[at] = b
		m.ids.used++
		m.ids.count += bits.OnesCount64(b.seen)
	}
	if m.ids.count > m.ids.limit {
		return fmt.Errorf("%w: more ids than limits.client_ids allows", ErrSnapshot)
	}
	return nil
}
