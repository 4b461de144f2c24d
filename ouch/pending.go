package ouch

import "slices"

// ClientOrder is a client's own view of one of its open orders, from reports alone.
type ClientOrder struct {
	// UserRefNum is its present number, OrderRef its present reference on the feed.
	UserRefNum uint32
	UserRefIdx uint8 // its channel, always the same
	OrderRef   uint64
	Symbol     Symbol
	ClOrdID    ClOrdID
	Side       byte
	Price      uint64 // 1/10,000
	// Quantity is the total of the chain in shares, Executed what of it was.
	Quantity, Executed uint32
}

// Open is what is left to trade, in shares.
func (o *ClientOrder) Open() uint32 { return o.Quantity - min(o.Quantity, o.Executed) }

// pending keeps what was sent and not answered, in the order of sending, and knows from the reports what is answered: a request that the exchange passes
// over without a word (on an order that is over) ends with the order.
type pending struct {
	requests []Request // at most max
	max      int
	orders   map[orderKey]*ClientOrder
	queries  [channels]bool // asked for the next number of
}

// channels is how many values UserRefIdx has.
const channels = 256

// orderKey is an order's number in its channel; no number: no order.
type orderKey struct {
	channel uint8
	number  uint32
}

func (r *Report) key() orderKey { return orderKey{r.Tags.UserRefIdx(), r.UserRefNum} }

func (r *Request) key() orderKey { return orderKey{r.Tags.UserRefIdx(), r.UserRefNum} }

func (o *ClientOrder) key() orderKey { return orderKey{o.UserRefIdx, o.UserRefNum} }

func newPending(bound int) pending {
	return pending{max: bound, orders: map[orderKey]*ClientOrder{}}
}

// about is the order that a request is about, with the number 0 if it is about none.
func (r *Request) about() orderKey {
	switch r.Type {
	case ReplaceOrder:
		return orderKey{r.Tags.UserRefIdx(), r.OrigUserRefNum}
	case CancelOrder, ModifyOrder:
		return r.key()
	}
	return orderKey{}
}

// settle takes out what is answered.
func (p *pending) settle(answered func(*Request) bool) {
	p.requests = slices.DeleteFunc(p.requests, func(r Request) bool { return answered(&r) })
}

// over ends an order, and with it all that was asked about it.
func (p *pending) over(order orderKey) {
	delete(p.orders, order)
	p.settle(func(r *Request) bool { return r.about() == order })
}

// take follows one report.
func (p *pending) take(r *Report) {
	key := r.key()
	numbered := func(q *Request) bool { return q.Type.Numbered() && q.key() == key }
	switch r.Type {
	case Accepted:
		p.settle(numbered)
		if r.State == StateLive {
			p.orders[key] = &ClientOrder{
				UserRefNum: r.UserRefNum, UserRefIdx: key.channel, OrderRef: r.OrderRef, Symbol: r.Symbol, ClOrdID: r.ClOrdID, Side: r.Side, Price: r.Price, Quantity: r.Quantity,
			}
		}
	case Replaced:
		p.replaced(r, numbered)
	case Rejected, MassCancelAnswer, DisableAnswer, EnableAnswer:
		p.settle(numbered)
	case QueryAnswer:
		p.queries[key.channel] = false
	case Executed:
		if o := p.orders[key]; o != nil {
			o.Executed += r.Quantity
			p.lowered(o)
		}
	case Canceled, AIQCanceled:
		if o := p.orders[key]; o != nil {
			o.Quantity -= min(o.Quantity, r.Quantity)
			p.lowered(o)
		}
	case Modified:
		if o := p.orders[key]; o != nil {
			o.Side, o.Quantity = r.Side, r.Quantity
			p.settle(func(q *Request) bool {
				return q.Type == ModifyOrder && q.key() == key && q.Side == r.Side && q.Quantity == r.Quantity
			})
			p.lowered(o)
		}
	}
}

func (p *pending) replaced(r *Report, numbered func(*Request) bool) {
	p.settle(numbered)
	key := r.key()
	was := orderKey{key.channel, r.OrigUserRefNum}
	o := p.orders[was]
	p.over(was)
	if o == nil {
		o = &ClientOrder{UserRefIdx: key.channel}
	}
	o.UserRefNum, o.OrderRef, o.Symbol, o.ClOrdID, o.Side, o.Price, o.Quantity = r.UserRefNum, r.OrderRef, r.Symbol, r.ClOrdID, r.Side, r.Price, r.Quantity
	if r.State == StateLive {
		p.orders[key] = o
	}
}

// lowered looks what an order's lower quantity answers: at nothing left all, otherwise the cancels that asked for no less, and the modifications that
// asked for more, which are passed over now.
func (p *pending) lowered(o *ClientOrder) {
	if o.Open() == 0 {
		p.over(o.key())
		return
	}
	p.settle(func(q *Request) bool {
		return q.key() == o.key() && (q.Type == CancelOrder && q.Quantity >= o.Quantity || q.Type == ModifyOrder && q.Quantity > o.Quantity)
	})
}
