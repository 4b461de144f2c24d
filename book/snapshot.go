package book

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

// A snapshot is the whole state, little endian: magic with version, counters, instruments with the day's trades, participants with their groups, sessions
// with their channels, the open orders ladder by ladder in the order in which they would trade, the ids of the day, and a hash of all that. Versions 1 and
// 2 are still read: version 2 had no channels but 0; version 1 no groups, no trades, only plain orders, and of ids that name none the hashes.
const (
	snapshotMagic  = "EXBOOK03"
	snapshotSecond = "EXBOOK02"
	snapshotFirst  = "EXBOOK01"
	hashSeed       = k4
)

// ErrSnapshot: the bytes are no snapshot of this version, or were damaged, or do not fit the limits.
var ErrSnapshot = errors.New("book: snapshot")

// words are the counters, with the stream's hash up to date.
func (m *Market) words() [11]uint64 {
	m.catchUp()
	return m.counters.words()
}

func (n *counters) words() [11]uint64 {
	return [11]uint64{n.index, n.feed, n.order, n.ref, n.match, n.order, n.trades, n.volume, n.resting, n.stream, uint64(n.time)}
}

// Hash is over the whole state; it takes time in proportion to it.
func (m *Market) Hash() uint64 {
	n := m.words()
	h := hashWords(hashSeed, n[:]...)
	h = hashWords(h, uint64(m.phase))
	for i := range m.books[1:] {
		in := &m.books[i+1].info
		h = hashWords(hashBytes(h, []byte(in.Symbol)), uint64(in.Tick), uint64(in.Lot), uint64(in.State))
		day := m.books[i+1].day.words()
		h = hashWords(h, day[:]...)
	}
	for i := range m.participants[1:] {
		h = hashWords(hashBytes(h, m.participants[i+1][:]), uint64(m.groups[i+1]))
	}
	for i := range m.sessions[1:] {
		s := &m.sessions[i+1]
		h = hashWords(hashBytes(h, []byte(s.Name)), uint64(s.Participant), uint64(s.Protocol)<<8|uint64(s.Flags), uint64(flag(s.Connected)), uint64(s.Epoch), s.NextIn,
			s.NextOut, uint64(s.OpenOrders), uint64(s.Heartbeat))
		if m.channels.of[i+1] != 0 { // that it has any lines counts too: others may have found no room
			h = hashWords(h, maxChannels)
		}
		m.channels.words(uint16(i+1), func(index uint8, l *line) { h = hashWords(h, uint64(index)<<8|uint64(flag(l.disabled)), l.next) })
	}
	h = m.hashOrders(h, true)
	// The ids lie where they came to lie: their sum does not depend on it.
	var ids uint64
	for i := range m.ids.blocks {
		if b := &m.ids.blocks[i]; b.seen != 0 {
			ids += hashWords(b.lo, uint64(b.hi), b.seen, b.orders)
		}
	}
	for _, e := range m.ids.older {
		ids += hashWords(e.lo, uint64(e.hi))
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
		for k := range m.books[number].ladders {
			l := &m.books[number].ladders[k]
			if k < allOrNones || l.best != 0 {
				h = hashWords(h, uint64(number), uint64(k))
			}
			for s := m.first(l); s != 0; s = m.after(s) {
				o := &m.pool.orders[s]
				h = hashWords(h, o.id, uint64(o.price), uint64(o.qty), uint64(o.open), uint64(o.notional))
				if o.marks&hasTerms != 0 {
					t := &m.pool.terms[s]
					h = hashWords(h, uint64(t.stop), uint64(t.trail), uint64(t.display)<<32|uint64(t.shown))
					if whole {
						h = hashWords(h, uint64(t.expire))
					}
				}
				if whole {
					h = hashWords(h, o.ref, uint64(o.session), uint64(o.marks)<<16|uint64(o.typ)<<8|uint64(o.tif), m.pool.orders[s].name.hash())
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
	for _, w := range m.words() {
		dst = le.AppendUint64(dst, w)
	}
	dst = append(dst, m.phase)
	dst = le.AppendUint32(dst, uint32(len(m.books)-1))
	for i := range m.books[1:] {
		in := &m.books[i+1].info
		dst = append(appendText(dst, in.Symbol), in.State)
		dst = le.AppendUint64(le.AppendUint64(dst, uint64(in.Tick)), uint64(in.Lot))
		for _, w := range m.books[i+1].day.words() {
			dst = le.AppendUint64(dst, w)
		}
	}
	dst = le.AppendUint32(dst, uint32(len(m.participants)-1))
	for i := range m.participants[1:] {
		dst = le.AppendUint16(append(dst, m.participants[i+1][:]...), m.groups[i+1])
	}
	dst = le.AppendUint32(dst, uint32(len(m.sessions)-1))
	for i := range m.sessions[1:] {
		s := &m.sessions[i+1]
		dst = append(appendText(dst, s.Name), byte(s.Protocol), s.Flags, flag(s.Connected))
		dst = le.AppendUint32(le.AppendUint16(le.AppendUint16(dst, s.Participant), s.Heartbeat), s.Epoch)
		dst = le.AppendUint64(le.AppendUint64(dst, s.NextIn), s.NextOut)
		dst = m.appendChannels(dst, uint16(i+1))
	}
	dst = m.appendOrders(dst)
	dst = m.appendIDs(dst)
	return le.AppendUint64(dst, hashBytes(hashSeed, dst[start:]))
}

// appendChannels appends whether a session has lines besides channel 0's, and then, rising, how many of them are not fresh, and those.
func (m *Market) appendChannels(dst []byte, session uint16) []byte {
	dst = append(dst, flag(m.channels.of[session] != 0))
	if m.channels.of[session] == 0 {
		return dst
	}
	count := len(dst)
	dst = append(dst, 0)
	m.channels.words(session, func(index uint8, l *line) {
		dst[count]++
		dst = binary.LittleEndian.AppendUint64(append(dst, index, flag(l.disabled)), l.next)
	})
	return dst
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

func (m *Market) appendOrders(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, m.counters.resting)
	for number := range m.books {
		for k := range m.books[number].ladders {
			for slot := m.first(&m.books[number].ladders[k]); slot != 0; slot = m.after(slot) {
				dst = m.appendOrder(dst, slot, byte(k))
			}
		}
	}
	return dst
}

func (m *Market) appendOrder(dst []byte, slot uint32, ladder byte) []byte {
	le := binary.LittleEndian
	o := &m.pool.orders[slot]
	for _, w := range [...]uint64{o.id, o.ref, uint64(o.price), uint64(o.notional), uint64(o.qty)<<32 | uint64(o.open)} {
		dst = le.AppendUint64(dst, w)
	}
	dst = le.AppendUint16(le.AppendUint16(dst, o.session), o.instrument)
	dst = append(dst, byte(o.side), byte(o.typ), byte(o.tif), byte(o.marks))
	for _, w := range m.pool.orders[slot].name {
		dst = le.AppendUint64(dst, w)
	}
	dst = le.AppendUint64(append(dst, ladder), m.levels.levels[o.level].stamp)
	if o.marks&hasTerms != 0 {
		t := &m.pool.terms[slot]
		for _, w := range [...]uint64{uint64(t.stop), uint64(t.trail), uint64(t.expire), uint64(t.display)<<32 | uint64(t.shown)} {
			dst = le.AppendUint64(dst, w)
		}
	}
	return dst
}

// appendIDs appends all ids. Which places of the table are taken does not depend on the order in which the ids came, and so neither does the set of
// families between two vacant places: from vacant place to vacant place, sorted, they are the same on every replica.
func (m *Market) appendIDs(dst []byte) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint64(dst, uint64(m.ids.used))
	size := len(m.ids.blocks)
	first := 0
	for m.ids.blocks[first].seen != 0 {
		first++
	}
	var run []idBlock
	for i := range size {
		b := m.ids.blocks[(first+1+i)%size]
		if b.seen != 0 {
			run = append(run, b)
			continue
		}
		slices.SortFunc(run, func(a, b idBlock) int { return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.hi, b.hi)) })
		for _, b := range run {
			dst = le.AppendUint32(le.AppendUint64(dst, b.lo), b.hi)
			dst = le.AppendUint64(le.AppendUint64(dst, b.seen), b.orders)
		}
		run = run[:0]
	}
	dst = le.AppendUint64(dst, uint64(len(m.ids.older)))
	for _, e := range m.ids.older {
		dst = append(le.AppendUint32(le.AppendUint64(dst, e.lo), e.hi), flag(e.order))
	}
	return dst
}

func appendText(dst []byte, s string) []byte { return append(append(dst, byte(len(s))), s...) }
