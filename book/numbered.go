package book

import (
	"encoding/binary"
	"math/bits"
)

// A session of OUCH numbers its requests itself: Session.NextIn is the lowest number (UserRefNum) it may use. Numbers may be left out but not used again;
// what comes under a used one is a repetition, which changes nothing and is not answered; nor is what has the id of another number than its own. Its orders' client ids are those numbers, so the table
// of ids is not needed for them. Numbers are good for a day, and so are the orders. A session may number its requests in several channels (channels.go): the
// ids below say which, and what is said of numbers holds in each.
//
// A client does not say an order's instrument again. So in Replace, Cancel and Reduce prices are in 1/10,000 and quantities in shares.
//
//	Enter           InSeq: the order's number; ClientID: NumberID of it, and behind that what the client wants to have back; OrigID: what it wants to
//	                have back with the Accepted only
//	Replace         InSeq: the new number; OrigID: the order's. The order loses its place. What ClientID leaves empty behind the number stays the
//	                order's. TIF and Expire are the new ones. An order that is not open: nothing happens; terms that cannot be: the order is
//	                cancelled; in both cases the new number is still free. No trading now: Rejected, the order lives
//	Cancel          OrigID: the order's; Qty: the total to be left, 0: none. No number; an order that is not open: nothing happens
//	Reduce          OrigID; Code: the side's new letter among S, T and E; Qty: the new total. Answered by a Reduced that has the Code
//	SessionMessage  Code Q: answered with NextIn, that of the channel whose number 0 ClientID is. InSeq and ClientID, as in Enter, with the others: C
//	                cancels the session's orders in Instrument (0: all) whose ids are equal to OrigID wherever that is not 0; D refuses orders from now
//	                on, E takes them again: those of the channel, without one all
//
// A Reason on Enter or SessionMessage is answered with Rejected, with the command's RefTag, and consumes the number; on Replace it cancels the order, unless it
// is NotAuthorized, which is answered like that too.

const (
	// NumberedID is the first byte of a client id that is a number. No FIX value has it: it is SOH.
	NumberedID = 0x01
	// NumberedLen is how much of such an id is compared: the first byte, the number big-endian, the channel, zeros. What follows is carried along.
	NumberedLen = 8
	// SideLetter is where such an id has the side as the client calls it: B, S, T (short) or E (short exempt).
	SideLetter = NumberedLen
)

// EntryDisabled in a session's Flags: it may enter no orders, in no channel.
const EntryDisabled uint8 = 1 << 7

// NumberID is the client id of a number of channel 0, with nothing behind it.
func NumberID(number uint32) (id ClientID) {
	id[0] = NumberedID
	binary.BigEndian.PutUint32(id[1:], number)
	return id
}

// Number is the number that NumberID made the id of, 0 if the id is none.
func (id *ClientID) Number() uint32 {
	if id[0] != NumberedID {
		return 0
	}
	return binary.BigEndian.Uint32(id[1:])
}

// numberedKey is makeKey for an id that is a number, of which word is the first word: numbers that follow each other are in one family, and families that
// follow each other are neighbours.
func numberedKey(session uint16, word uint64) idKey {
	number := uint64(bits.ReverseBytes32(uint32(word >> 8)))
	s := (uint64(session) | word>>(8*ChannelAt)&0xff<<16) * k4
	lo, hi := fold(number>>11^k0, s^k1), fold(number>>11^k2, s^k3)
	return idKey{lo ^ hi>>7, uint32(hi)<<lastBits | uint32(number>>6)&31, uint8(number & 63)}
}

// numbered applies the rules above to a command of a session of OUCH. It gives what kind of command is left to be done, Tick if nothing is.
func (m *Market) numbered() CommandKind {
	c, s := m.cmd, m.sessionOf()
	if s == nil || s.Protocol != OUCH || s.Epoch != c.Epoch || !s.Connected {
		return c.Kind
	}
	switch {
	case c.Kind == Cancel:
		return m.cancelTo()
	case c.Kind == Reduce:
		m.modify()
	case c.Kind == SessionMessage && c.Code == 'Q' && c.ClientID.Channel() == 0:
		return SessionMessage
	case c.Kind == SessionMessage && c.Code == 'Q':
		m.tellNext()
	case c.Kind != Enter && c.Kind != Replace && c.Kind != SessionMessage:
		return c.Kind
	case c.InSeq < m.NextNumber(c.Session, c.ClientID.Channel()): // a repetition, or the number 0
	case c.InSeq != uint64(c.ClientID.Number()): // or its id might be another's
	case c.Kind == Replace:
		m.replaceNumbered(s)
	case c.ClientID.Channel() != 0 && !m.channels.make(c.Session):
		m.refuse(ClientIDsFull)
	case c.Kind == Enter:
		return m.enterNumbered(s)
	default:
		m.entryControl(s)
	}
	return Tick
}

// numbers tells whether the command's session numbers its requests, and the rules above have been applied to it: only then an id that is a number has not been used
// before. No client of FIX can send such an id; whoever has another say it would have two orders of one name.
func (m *Market) numbers() bool {
	return m.cmd.Protocol == OUCH && m.sessions[m.cmd.Session].Protocol == OUCH
}

// instead puts a copy in the command's place, to be changed.
func (m *Market) instead(kind CommandKind) *Command {
	m.request = *m.cmd
	m.request.Kind = kind
	m.cmd = &m.request
	return m.cmd
}

// open is the slot of the session's open order with the id, 0 if there is none.
func (m *Market) open(session uint16, id *ClientID) uint32 {
	return m.pool.find(session, id)
}

func (m *Market) enterNumbered(s *Session) CommandKind {
	c := m.cmd
	switch {
	case c.Reason != NoReason:
		m.refuseNumber(s, c.Reason)
		return Tick
	case m.entryDisabled(s):
		m.refuseNumber(s, NotAuthorized)
		return Tick
	}
	*m.next(s) = c.InSeq
	return Enter
}

// tellNext answers with the lowest number that may be used in a channel.
func (m *Market) tellNext() {
	c := m.cmd
	e := m.event(SessionMessageSent)
	e.Code, e.ClientID = c.Code, c.ClientID
	m.send(e, c.Session)
	e.NextIn = m.NextNumber(c.Session, c.ClientID.Channel())
}

// cancelTo turns the total that is to be left into what is to be taken off.
func (m *Market) cancelTo() CommandKind {
	c := m.cmd
	slot := m.open(c.Session, &c.OrigID)
	if slot == 0 || c.Qty < 0 {
		return Tick
	}
	o := &m.pool.orders[slot]
	left := m.lotsLeft(o, c.Qty)
	switch {
	case left <= int64(o.cum()):
		return Cancel
	case left >= int64(o.qty):
		return Tick
	}
	m.instead(Reduce).Qty = int64(o.qty) - left
	return Reduce
}

// lotsLeft is what is to be left of an order in lots: a part of a lot is not taken off.
func (m *Market) lotsLeft(o *order, shares int64) int64 {
	lot := m.books[o.instrument].info.Lot
	return shares/lot + (shares%lot+lot-1)/lot
}

// modify changes the letter of a sell order's side, and lowers its quantity. What it may not do it does not do, without an answer.
func (m *Market) modify() {
	c := m.cmd
	letter := c.Code
	slot := m.open(c.Session, &c.OrigID)
	if slot == 0 || letter != 'S' && letter != 'T' && letter != 'E' {
		return
	}
	o := &m.pool.orders[slot]
	left := m.lotsLeft(o, max(c.Qty, 0))
	if o.side != Sell || left > int64(o.qty) {
		return
	}
	id := o.name.clientID()
	id[SideLetter] = letter
	o.name.set(&id)
	switch first := len(m.out); {
	case left <= int64(o.cum()):
		m.instead(Cancel)
		m.cancel()
	case left == int64(o.qty):
		e := m.about(Reduced, slot)
		e.Code = letter
		m.send(e, c.Session)
	default:
		m.instead(Reduce).Qty = int64(o.qty) - left
		m.reduce()
		m.out[first].Code = letter
	}
}

func (m *Market) replaceNumbered(s *Session) {
	slot := m.open(m.cmd.Session, &m.cmd.OrigID)
	if slot == 0 || m.cmd.OrigID.Channel() != m.cmd.ClientID.Channel() {
		return
	}
	c, o := m.instead(Replace), &m.pool.orders[slot]
	id := o.name.clientID()
	for i := NumberedLen; i < ClientIDLen; i++ {
		if c.ClientID[i] == 0 {
			c.ClientID[i] = id[i]
		}
	}
	c.Instrument, c.Side = o.instrument, o.side
	c.Flags |= Requeue
	if m.entryDisabled(s) {
		m.refuseNumber(s, NotAuthorized)
		return
	}
	switch why := m.replacementFault(slot); why {
	case NoReason:
	case MarketClosed, InstrumentHalted, NotAuthorized:
		m.refuseNumber(s, why)
		return
	default:
		m.end(slot, why, nil)
		return
	}
	m.retime(slot, c.TIF, c.Expire)
	*m.next(s) = c.InSeq
	m.replace()
	if c.TIF == ImmediateOrCancel && m.open(c.Session, &c.ClientID) == slot { // it met nothing, so it lies in the book untraded
		m.end(slot, ImmediateOrCancelRest, nil)
	}
}

// replacementFault turns the command's terms into ticks and lots, and gives why they cannot be the order's. What was hidden stays hidden.
func (m *Market) replacementFault(slot uint32) Reason {
	c, o := m.cmd, &m.pool.orders[slot]
	in := &m.books[o.instrument].info
	switch {
	case c.Reason != NoReason:
		return c.Reason
	case c.Qty%in.Lot != 0 || c.Display%in.Lot != 0:
		return QuantityOffLot
	case c.Price%in.Tick != 0:
		return PriceOffTick
	case c.Conditions != o.marks.conditions()&Hidden:
		return UnsupportedOrder
	}
	c.Qty, c.Display, c.Price = c.Qty/in.Lot, c.Display/in.Lot, c.Price/in.Tick
	switch {
	case c.Qty <= int64(o.cum()):
		return UserRequest // nothing would be left open
	case c.TIF != Day && c.TIF != ImmediateOrCancel && c.TIF != GoodTillDate:
		return UnsupportedOrder
	case c.TIF == GoodTillDate && c.Expire <= m.counters.time:
		return ExpireTimePast
	}
	_, why := m.replaceable(slot)
	return why
}

// retime gives an order another time in force.
func (m *Market) retime(slot uint32, tif TimeInForce, expire int64) {
	o, t := &m.pool.orders[slot], &m.pool.terms[slot]
	if o.marks&hasTerms != 0 && t.expire != 0 {
		m.due.remove(m, slot)
		t.expire = 0
	}
	o.tif = tif
	if tif != GoodTillDate {
		return
	}
	if o.marks&hasTerms == 0 {
		o.marks |= hasTerms
		*t = terms{}
	}
	t.expire = expire
	m.due.push(m, slot)
}

// refuseNumber consumes the number of a request that is not done.
func (m *Market) refuseNumber(s *Session, why Reason) {
	*m.next(s) = m.cmd.InSeq + 1
	m.refuse(why)
}

// refuse answers a request that is not done.
func (m *Market) refuse(why Reason) {
	e := m.incoming(Rejected)
	e.Reason, e.RefTag = why, m.cmd.RefTag
	m.send(e, m.cmd.Session)
}

// entryControl is mass cancel and the switch that disables order entry.
func (m *Market) entryControl(s *Session) {
	c := m.cmd
	if c.Reason != NoReason {
		m.refuseNumber(s, c.Reason)
		return
	}
	if c.Code != 'C' && c.Code != 'D' && c.Code != 'E' || int(c.Instrument) >= len(m.books) {
		m.refuseNumber(s, UnsupportedOrder)
		return
	}
	*m.next(s) = c.InSeq + 1
	e := m.event(SessionMessageSent)
	e.Code, e.InSeq, e.Instrument, e.ClientID = c.Code, c.InSeq, c.Instrument, c.ClientID
	m.send(e, c.Session)
	e.NextIn = *m.next(s)
	switch c.Code {
	case 'C':
		m.cancelAlike(s)
	case 'D':
		m.disableEntry(s, true)
	case 'E':
		m.disableEntry(s, false)
	}
}

// cancelAlike ends the session's orders that the command means, in the order of the books.
func (m *Market) cancelAlike(s *Session) {
	c := m.cmd
	for number := range m.books {
		if c.Instrument != 0 && int(c.Instrument) != number {
			continue
		}
		for k := range m.books[number].ladders {
			for slot := m.first(&m.books[number].ladders[k]); slot != 0 && s.OpenOrders > 0; {
				next := m.after(slot)
				if o := &m.pool.orders[slot]; o.session == c.Session && o.name.alike(&c.OrigID) {
					m.end(slot, UserRequest, nil)
				}
				slot = next
			}
		}
	}
}

// alike tells whether an id has what the pattern has, wherever that is not 0.
func (t *idText) alike(pattern *ClientID) bool {
	id := t.clientID()
	for i, b := range pattern {
		if b != 0 && id[i] != b {
			return false
		}
	}
	return true
}

// endsWithDay tells whether an order does not live longer than the day.
func (m *Market) endsWithDay(o *order) bool {
	return o.tif != GoodTillCancel && o.tif != GoodTillDate || o.name[0]&0xff == NumberedID
}

// newNumbers lets the sessions of OUCH begin at 1 again.
func (m *Market) newNumbers() {
	for i := 1; i < len(m.sessions); i++ {
		if s := &m.sessions[i]; s.Protocol == OUCH {
			s.NextIn = 1
		}
	}
	m.channels.newDay()
}

// tellOfDay tells the sessions of OUCH that the day's system hours begin (S) or end (E).
func (m *Market) tellOfDay(before, after int) {
	for _, code := range [2]byte{'S', 'E'} {
		if point := pointOfDay(code); point <= before || point > after {
			continue
		}
		for i := 1; i < len(m.sessions); i++ {
			if m.sessions[i].Protocol == OUCH {
				e := m.event(SystemEventOccurred)
				e.Code = code
				m.send(e, uint16(i))
			}
		}
	}
}
