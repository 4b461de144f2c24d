package book

// show notes in an event for the feed how much of the order is shown, where that is not all of it.
func (m *Market) show(e *Event, slot uint32) {
	if o := &m.pool.orders[slot]; o.marks&hasTerms != 0 {
		if t := &m.pool.terms[slot]; t.display != 0 && t.shown != o.open {
			e.Shown = int64(t.shown)
		}
	}
}

// refresh shows the next part of an iceberg, at the back of those that are seen at its price.
func (m *Market) refresh(slot uint32) {
	o, t := &m.pool.orders[slot], &m.pool.terms[slot]
	lv := &m.levels.levels[o.level]
	m.unlink(slot, lv)
	t.shown = min(t.display, o.open)
	lv.shown += int64(t.shown)
	m.link(slot, lv, lv.lastSeen)
	lv.lastSeen = slot
	m.counters.ref++
	old := o.ref
	o.ref = m.counters.ref
	e := m.about(Refreshed, slot)
	e.OldRef = old
	m.show(e, slot)
	m.onFeed(e, 'A')
	if m.sessions[o.session].Protocol == OUCH { // which tells its clients of it
		m.send(e, o.session)
	}
}

// shrink lowers a resting order's quantity where it stands, of an iceberg first what is not shown. The event is to be sent by the caller.
func (m *Market) shrink(slot, off uint32) *Event {
	o := &m.pool.orders[slot]
	lv := &m.levels.levels[o.level]
	seen := off // of what is taken off, as much was seen
	switch {
	case lv.ladder >= allOrNones:
		lv.shown -= int64(off)
	case o.marks&unseen != 0:
		seen = 0
	case o.marks&hasTerms != 0 && m.pool.terms[slot].display != 0:
		t := &m.pool.terms[slot]
		seen = off - min(off, o.open-t.shown)
		t.shown -= seen
		lv.shown -= int64(seen)
	default:
		lv.shown -= int64(off)
	}
	o.qty -= off
	o.open -= off
	lv.qty -= int64(off)
	if seen > 0 {
		lv.stamp = m.counters.index
	}
	e := m.about(Reduced, slot)
	e.LastQty = int64(off)
	if seen > 0 && m.visible(slot) {
		if seen != off {
			e.Shown = int64(seen)
		}
		m.onFeed(e, 'X')
	}
	return e
}
