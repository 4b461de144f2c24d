package orderflow

import (
	"fmt"
	"time"

	"exchange/book"
)

// Result is what came out of playing a file.
type Result struct {
	Orders    int     `json:"orders"`   // records
	Accepted  int     `json:"accepted"` //
	Rejected  int     `json:"rejected"`
	Trades    int     `json:"trades"`
	Volume    uint64  `json:"volume"`
	Resting   int     `json:"resting"`
	TradeHash string  `json:"trade_hash"`
	StateHash string  `json:"state_hash"`
	Seconds   float64 `json:"seconds"`
}

// TradeHash is the running hash over the trades of a file (FNV-1a over words): resting id, incoming id, price, quantity of each.
type TradeHash uint64

// NewTradeHash is the hash of no trades.
func NewTradeHash() TradeHash { return 14695981039346656037 }

// Add takes one trade in.
func (h *TradeHash) Add(resting, incoming, price, qty uint64) {
	v := uint64(*h)
	for _, x := range [...]uint64{resting, incoming, price, qty} {
		v = (v ^ x) * 1099511628211
	}
	*h = TradeHash(v)
}

func (h TradeHash) String() string { return fmt.Sprintf("%016x", uint64(h)) }

// Player plays records through one market.
type Player struct {
	Market   *book.Market
	Result   Result
	hash     TradeHash
	events   []book.Event
	inSeq    uint64
	resting  uint64 // id of the resting order of the trade whose second event follows
	commands [2]book.Command
	// observe, if not nil, gets the events of every command, those that open the market among them.
	observe func(*book.Market, []book.Event)
}

// NewPlayer opens a market for a file.
func NewPlayer(limits book.Limits, symbols int) *Player {
	return NewObservedPlayer(limits, symbols, nil)
}

// NewObservedPlayer is NewPlayer; observe gets the market and the events after every command, those that open the market among them.
func NewObservedPlayer(limits book.Limits, symbols int, observe func(*book.Market, []book.Event)) *Player {
	p := &Player{Market: book.NewMarket(limits), hash: NewTradeHash(), events: make([]book.Event, 0, 4096), inSeq: 1, observe: observe}
	for _, c := range Opening(symbols) {
		p.events = p.Market.Apply(&c, p.events[:0])
		if observe != nil {
			observe(p.Market, p.events)
		}
	}
	return p
}

// Play plays one record, the number-th of its file from 0, and gives the events that followed (of a replace, those of the new order).
func (p *Player) Play(number int, r *Record) []book.Event {
	p.Result.Orders++
	for n, k := Requests(number, r, &p.commands), 0; k < n; k++ {
		if !p.apply(&p.commands[k]) {
			break
		}
	}
	return p.events
}

// apply applies the command and follows its events; false: it was refused.
func (p *Player) apply(c *book.Command) bool {
	p.inSeq++
	c.Epoch, c.InSeq = 1, p.inSeq
	p.events = p.Market.Apply(c, p.events[:0])
	if p.observe != nil {
		p.observe(p.Market, p.events)
	}
	refused := false
	for i := range p.events {
		e := &p.events[i]
		switch e.Kind {
		case book.Accepted:
			p.Result.Accepted++
		case book.Rejected, book.CancelRejected, book.CommandDropped:
			p.Result.Rejected++
			refused = true
		case book.Filled:
			if e.Resting {
				p.resting = ParseID(&e.ClientID)
				continue
			}
			p.Result.Trades++
			p.Result.Volume += uint64(e.LastQty)
			p.hash.Add(p.resting, ParseID(&e.ClientID), uint64(e.LastPrice), uint64(e.LastQty))
		}
	}
	return !refused
}

// Order gives a live order by its number in the file; the zero RestingOrder if there is none.
func (p *Player) Order(id uint64) book.RestingOrder {
	var name book.ClientID
	PutID(&name, id)
	o, _ := p.Market.OrderByClientID(1, &name)
	return o
}

// ParseID reads an id that PutID wrote; 0: it is no number.
func ParseID(id *book.ClientID) (v uint64) {
	for _, c := range id {
		if c == 0 {
			break
		}
		if c < '0' || c > '9' {
			return 0
		}
		v = 10*v + uint64(c-'0')
	}
	return v
}

// Finish gives the result.
func (p *Player) Finish(took time.Duration) Result {
	r := p.Result
	r.Resting, r.TradeHash, r.StateHash, r.Seconds = p.Market.Resting(), p.hash.String(), fmt.Sprintf("%016x", p.Market.BookHash()), took.Seconds()
	return r
}

// Play plays a whole file through one market. progress, if not nil, is told now and then how many records are done.
func Play(f *File, progress func(done int)) Result { return PlayObserved(f, progress, nil) }

// PlayObserved is Play with a NewObservedPlayer.
func PlayObserved(f *File, progress func(done int), observe func(*book.Market, []book.Event)) Result {
	p := NewObservedPlayer(LimitsFor(f), f.Symbols, observe)
	start := time.Now()
	for i := range f.Records {
		p.Play(i, &f.Records[i])
		if progress != nil && i%progressEvery == progressEvery-1 {
			progress(i + 1)
		}
	}
	return p.Finish(time.Since(start))
}

const progressEvery = 1 << 16
