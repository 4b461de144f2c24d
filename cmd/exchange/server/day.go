package server

import (
	"fmt"
	"time"

	"exchange/book"

	"github.com/valyala/fasthttp"
)

// The day's end, and halts: what an operator asks the leader for becomes commands, as everything does.
//
//	POST /v1/end-day                         ends the day and with it the session of the feed
//	POST /v1/halt?symbol=S, /v1/resume?symbol=S  stops trading in an instrument, or lets it go on

// MarketAnswer is what came of it.
type MarketAnswer struct {
	// Phase is the code of the day's last system event, State the instrument's (H or T), FeedNumber the number of the feed's last message.
	Phase      string `json:"phase"`
	Symbol     string `json:"symbol,omitempty"`
	State      string `json:"state,omitempty"`
	FeedNumber uint64 `json:"feed_number"`
}

const (
	// marketPatience bounds the wait until what was asked for is decided, marketLook is how often it is looked.
	marketPatience = 10 * time.Second
	marketLook     = time.Millisecond
)

// endOfDay lists what is left to be done to end the day that is at the phase. At M the day's orders end, and no further one is taken; those that would
// outlive the day end with the session, so that nothing is left that a message behind C could be about. A leader that died in the middle is followed by
// one that goes on where it stopped.
func endOfDay(phase byte, q []book.Command) []book.Command {
	event := func(code byte) { q = append(q, book.Command{Kind: book.SystemEvent, Code: code}) }
	switch phase {
	case 'Q':
		event('M')
		fallthrough
	case 'M':
		q = append(q, book.Command{Kind: book.MassCancel, Code: 'P'})
		event('E')
		fallthrough
	case 'E':
		event('C')
	}
	return q
}

// change lets the leader propose commands, and waits until the market is as it is wanted.
func (h *httpServer) change(c *fasthttp.RequestCtx, commands func(*book.Market) ([]book.Command, error), done func(*book.Market) bool) {
	r, err := h.r, error(nil)
	running := r.do(func() {
		if !r.leading.active || !r.leading.ready {
			err = fmt.Errorf("this replica does not lead: ask the one that does")
			return
		}
		var more []book.Command
		if more, err = commands(r.market); err == nil {
			r.leading.queue = append(r.leading.queue, more...)
		}
	})
	if running && err == nil {
		reached, leads := false, true
		for until := time.Now().Add(marketPatience); running && leads && !reached && time.Now().Before(until); {
			running = r.do(func() { reached, leads = done(r.market), r.leading.active })
			time.Sleep(marketLook)
		}
		if running && !reached {
			err = fmt.Errorf("it was not decided yet: ask again")
		}
	}
	switch {
	case !running:
		c.Error(errStopping.Error(), fasthttp.StatusServiceUnavailable)
	case err != nil:
		c.Error(err.Error(), fasthttp.StatusConflict)
	default:
		h.answerMarket(c)
	}
}

// answerMarket tells how things stand.
func (h *httpServer) answerMarket(c *fasthttp.RequestCtx) {
	a := MarketAnswer{Symbol: string(c.QueryArgs().Peek("symbol"))}
	h.r.do(func() {
		a.Phase, a.FeedNumber = string(h.r.market.Phase()), h.r.market.NextFeedSeq()-1
		if n, ok := h.r.market.InstrumentBySymbol(a.Symbol); ok {
			a.State = string(h.r.market.Instrument(n).State)
		}
	})
	answer(c, a)
}

func (h *httpServer) endDay(c *fasthttp.RequestCtx) {
	h.change(c, func(m *book.Market) ([]book.Command, error) { return endOfDay(m.Phase(), nil), nil }, func(m *book.Market) bool { return m.Phase() == 'C' })
}

// tradingAction halts or resumes an instrument.
func (h *httpServer) tradingAction(c *fasthttp.RequestCtx, state byte) {
	symbol := string(c.QueryArgs().Peek("symbol"))
	var number uint16
	h.change(c, func(m *book.Market) ([]book.Command, error) {
		n, ok := m.InstrumentBySymbol(symbol)
		switch {
		case !ok:
			return nil, fmt.Errorf("symbol %q is not listed: see GET /products", symbol)
		case m.Phase() != 'Q':
			return nil, fmt.Errorf("the market is not open: halts are of an open market")
		}
		number = n
		return []book.Command{{Kind: book.TradingAction, Instrument: n, Code: state}}, nil
	}, func(m *book.Market) bool { return m.Instrument(number).State == state })
}
