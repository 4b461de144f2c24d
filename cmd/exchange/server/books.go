package server

import (
	"errors"
	"strconv"

	"exchange/book"

	"github.com/valyala/fasthttp"
)

// AppendBooks appends the books as the engine has them, as text, order by order: for each instrument the buyers, then the sellers, each side's orders in
// the order in which they would trade, one a line:
//
//	SYMBOL SIDE PRICE SHARES REFERENCE
//
// with B or S, the price in 1/10,000, and what is shown of the order, as the feed has it. Orders of which nothing is shown are left out. It is what a
// reader of the feed has to come to.
func AppendBooks(dst []byte, m *book.Market) []byte {
	for number := 1; number <= m.NumInstruments(); number++ {
		dst = appendBook(dst, m, uint16(number))
	}
	return dst
}

func appendBook(dst []byte, m *book.Market, number uint16) []byte {
	in := m.Instrument(number)
	for side, letter := range []byte{book.Buy: 'B', book.Sell: 'S'} {
		for _, o := range m.RestingOrders(number, book.Side(side), nil) {
			if o.Shown == 0 {
				continue
			}
			dst = append(append(dst, in.Symbol...), ' ', letter, ' ')
			dst = append(strconv.AppendInt(dst, o.Price*in.Tick, 10), ' ')
			dst = append(strconv.AppendInt(dst, o.Shown*in.Lot, 10), ' ')
			dst = append(strconv.AppendUint(dst, o.Ref, 10), '\n')
		}
	}
	return dst
}

// copyBooks gives the books as text, and the number of the feed's last message before them. The loop goes on with consensus meanwhile and only leaves
// off applying.
func (r *Replica) copyBooks() (text []byte, feedNumber uint64, err error) {
	refusal := errors.New("the replica is stopping")
	r.do(func() {
		switch {
		case r.frozen.Load():
			refusal = errors.New("the state is being copied; ask again")
		case !r.haveState:
			refusal = errors.New("this replica has no state itself yet")
		default:
			refusal = nil
			r.frozen.Store(true)
			r.outbox.feed.Publish()
			feedNumber = r.outbox.feed.Next() - 1
		}
	})
	if refusal != nil {
		return nil, 0, refusal
	}
	text = AppendBooks(nil, r.market)
	r.frozen.Store(false)
	return text, feedNumber, nil
}

// FeedNumberHeader is the header of an answer to /v1/books that has the number of the feed's last message before them.
const FeedNumberHeader = "Feed-Number"

// books answers with them.
func (h *httpServer) books(c *fasthttp.RequestCtx) {
	text, number, err := h.r.copyBooks()
	if err != nil {
		c.Error(err.Error(), fasthttp.StatusServiceUnavailable)
		return
	}
	c.SetContentType("text/plain; charset=utf-8")
	c.Response.Header.Set(FeedNumberHeader, strconv.FormatUint(number, 10))
	c.SetBody(text)
}
