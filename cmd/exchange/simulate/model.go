package simulate

import (
	"slices"

	"exchange/book"
)

// model is the exchange's rules for plain orders, written from the rules and for reading: lists in the order of priority, looked through from the front.
// What it says of a request is what the clients must have been told.
type model struct {
	resting []modelOrder   // of one symbol and side: best price first, at one price whoever came first
	used    map[ownID]bool // nil: ids are known to be used once
}

// ownID is a client's id for an order or a request.
type ownID struct {
	session int
	id      book.ClientID
}

type modelOrder struct {
	owner      ownID
	symbol     string
	side       book.Side
	price      int64
	total, cum int64
}

func (o *modelOrder) open() int64 { return o.total - o.cum }

func newModel() *model { return &model{used: map[ownID]bool{}} }

// apply carries a request out and appends what the clients are told, in the order in which they are.
func (m *model) apply(o *operation, told []heard) []heard {
	own := ownID{o.client, o.id}
	again := m.used[own]
	if m.used != nil {
		m.used[own] = true
	}
	answer := heard{session: o.client, id: o.id, orig: o.orig, answer: true}
	switch {
	case o.kind == 'D' && (again || o.symbol == "NONE"):
		answer.exec = '8'
		return append(told, answer)
	case o.kind == 'D':
		answer.exec, answer.left = '0', o.qty
		return m.arrive(modelOrder{owner: own, symbol: o.symbol, side: o.side, price: o.price, total: o.qty}, o.tif, append(told, answer))
	}
	at := slices.IndexFunc(m.resting, func(r modelOrder) bool { return r.owner == ownID{o.client, o.orig} })
	if again || at < 0 {
		answer.exec = 'R'
		return append(told, answer)
	}
	r := m.resting[at]
	if o.kind == 'F' || o.qty <= r.cum {
		m.resting = slices.Delete(m.resting, at, at+1)
		answer.exec, answer.cum = '4', r.cum
		return append(told, answer)
	}
	answer.exec, answer.cum, answer.left = '5', r.cum, o.qty-r.cum
	told = append(told, answer)
	if r.owner = own; o.price == r.price && o.qty < r.total {
		r.total = o.qty
		m.resting[at] = r
		return told
	}
	m.resting = slices.Delete(m.resting, at, at+1)
	r.price, r.total = o.price, o.qty
	return m.arrive(r, book.Day, told)
}

// crosses tells whether an order would trade with one that rests.
func (o *modelOrder) crosses(r *modelOrder) bool {
	if r.symbol != o.symbol || r.side == o.side {
		return false
	}
	if o.side == book.Buy {
		return r.price <= o.price
	}
	return r.price >= o.price
}

// arrive lets an order trade with what rests, and rest or end.
func (m *model) arrive(o modelOrder, tif book.TimeInForce, told []heard) []heard {
	if tif == book.FillOrKill {
		available := int64(0)
		for i := range m.resting {
			if o.crosses(&m.resting[i]) {
				available += m.resting[i].open()
			}
		}
		if available < o.open() {
			return append(told, heard{session: o.owner.session, id: o.owner.id, exec: '4', cum: o.cum})
		}
	}
	for i := 0; i < len(m.resting) && o.open() > 0; {
		r := &m.resting[i]
		if !o.crosses(r) {
			i++
			continue
		}
		qty := min(o.open(), r.open())
		o.cum += qty
		r.cum += qty
		told = append(told, r.filled(r.price, qty), o.filled(r.price, qty))
		if r.open() == 0 {
			m.resting = slices.Delete(m.resting, i, i+1)
		}
	}
	switch {
	case o.open() == 0:
	case tif == book.Day:
		m.rest(o)
	default:
		told = append(told, heard{session: o.owner.session, id: o.owner.id, exec: '4', cum: o.cum})
	}
	return told
}

func (o *modelOrder) filled(price, qty int64) heard {
	return heard{session: o.owner.session, id: o.owner.id, exec: 'F', price: price, qty: qty, cum: o.cum, left: o.open()}
}

// rest puts an order behind all that go before it.
func (m *model) rest(o modelOrder) {
	at := slices.IndexFunc(m.resting, func(r modelOrder) bool {
		if r.symbol != o.symbol || r.side != o.side {
			return false
		}
		if o.side == book.Buy {
			return r.price < o.price
		}
		return r.price > o.price
	})
	if at < 0 {
		at = len(m.resting)
	}
	m.resting = slices.Insert(m.resting, at, o)
}

// cancelAll ends all orders of a session, as the exchange does when it stays away.
func (m *model) cancelAll(session int, told []heard) []heard {
	kept := m.resting[:0]
	for _, r := range m.resting {
		if r.owner.session == session {
			told = append(told, heard{session: session, id: r.owner.id, exec: '4', cum: r.cum})
			continue
		}
		kept = append(kept, r)
	}
	m.resting = kept
	return told
}
