package ouch

import "slices"

// ClientOrder is a client's own view of one of its open orders, from reports alone.
type ClientOrder struct {
	// UserRefNum is its present number, OrderRef its present reference on the feed.
	UserRefNum uint32
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
	orders   map[uint32]*ClientOrder
	query    bool
}

func newPending(bound int) pending {
	return pending{max: bound, orders: map[uint32]*ClientOrder{}}
}

// about is the number of the order that a request is about, 0 if it is about none.
func (r *Request) about() uint32 {
	switch r.Type {
	case ReplaceOrder:
		return r.OrigUserRefNum
	case CancelOrder, ModifyOrder:
		return r.UserRefNum
	}
	return 0
}

// settle takes out what is answered.
func (p *pending) settle(answered func(*Request) bool) {
	p.requests = slices.DeleteFunc(p.requests, func(r Request) bool { return answered(&r) })
}

// over ends an order under a number, and with it all that was asked about it.
func (p *pending) over(number uint32) {
	delete(p.orders, number)
	p.settle(func(r *Request) bool { return r.about() == number })
}

// take follows one report.
func (p *pending) take(r *Report) {
	numbered := func(q *Request) bool { return q.Type.Numbered() && q.UserRefNum == r.UserRefNum }
	switch r.Type {
	case Accepted:
		p.settle(numbered)
		if r.State == StateLive {
			p.orders[r.UserRefNum] = &ClientOrder{
				UserRefNum: r.UserRefNum, OrderRef: r.OrderRef, Symbol: r.Symbol, ClOrdID: r.ClOrdID, Side: r.Side, Price: r.Price, Quantity: r.Quantity,
			}
		}
	case Replaced:
		p.replaced(r, numbered)
	case Rejected, MassCancelAnswer, DisableAnswer, EnableAnswer:
		p.settle(numbered)
	case QueryAnswer:
		p.query = false
	case Executed:
		if o := p.orders[r.UserRefNum]; o != nil {
			o.Executed += r.Quantity
			p.lowered(o)
		}
	case Canceled, AIQCanceled:
		if o := p.orders[r.UserRefNum]; o != nil {
			o.Quantity -= min(o.Quantity, r.Quantity)
			p.lowered(o)
		}
	case Modified:
		if o := p.orders[r.UserRefNum]; o != nil {
			o.Side, o.Quantity = r.Side, r.Quantity
			p.settle(func(q *Request) bool {
				return q.Type == ModifyOrder && q.UserRefNum == r.UserRefNum && q.Side == r.Side && q.Quantity == r.Quantity
			})
			p.lowered(o)
		}
	}
}

func (p *pending) replaced(r *Report, numbered func(*Request) bool) {
	p.settle(numbered)
	o := p.orders[r.OrigUserRefNum]
	p.over(r.OrigUserRefNum)
	if o == nil {
		o = &ClientOrder{}
	}
	o.UserRefNum, o.OrderRef, o.Symbol, o.ClOrdID, o.Side, o.Price, o.Quantity = r.UserRefNum, r.OrderRef, r.Symbol, r.ClOrdID, r.Side, r.Price, r.Quantity
	if r.State == StateLive {
		p.orders[r.UserRefNum] = o
	}
}

// lowered looks what an order's lower quantity answers: at nothing left all, otherwise the cancels that asked for no less, and the modifications that
// asked for more, which are passed over now.
func (p *pending) lowered(o *ClientOrder) {
	if o.Open() == 0 {
		p.over(o.UserRefNum)
		return
	}
	p.settle(func(q *Request) bool {
		return q.UserRefNum == o.UserRefNum && (q.Type == CancelOrder && q.Quantity >= o.Quantity || q.Type == ModifyOrder && q.Quantity > o.Quantity)
	})
}
