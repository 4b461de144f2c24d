package trader

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"exchange/book"
	"exchange/fix"
)

// SampleOptions of one of the demo's traders.
type SampleOptions struct {
	Number    int // 0 …: even ones quote, odd ones take
	Session   Credentials
	Addresses []string
	Symbols   []string
}

// Sample traders' habits.
const (
	sampleMid     = 100_0000 // price they start around, 1/10,000
	sampleTick    = 100      // 0.01
	samplePause   = 20 * time.Millisecond
	sampleOpenMax = 24 // orders each keeps open
	sampleDepth   = 8  // ticks from the middle at most
)

// sample is one trader: it quotes around a price that wanders, cancels and replaces what lies far off, and crosses now and then.
type sample struct {
	o       SampleOptions
	rng     *rand.Rand
	client  *Client
	blotter *Blotter
	next    int
	mid     []int64 // by symbol
}

// RunSample trades until the context ends.
func RunSample(ctx context.Context, o SampleOptions) {
	s := &sample{o: o, rng: rand.New(rand.NewPCG(uint64(o.Number)+1, uint64(time.Now().UnixNano()))), blotter: NewBlotter()}
	for range o.Symbols {
		s.mid = append(s.mid, sampleMid)
	}
	s.client = New(Options{
		Credentials: o.Session, Addresses: o.Addresses, AdoptNumbers: true,
		OnReceived: func(_ *fix.Initiator, r *fix.Received, _ int64) { s.take(r) },
	})
	done := make(chan struct{})
	go func() { defer close(done); s.client.Run(ctx) }()
	for ctx.Err() == nil {
		if s.client.Up() {
			s.client.Do(s.act)
		}
		select {
		case <-ctx.Done():
		case <-time.After(samplePause/2 + time.Duration(s.rng.Int64N(int64(samplePause)))):
		}
	}
	<-done
}

// take follows the reports; the last price is where the trader thinks the market is.
func (s *sample) take(r *fix.Received) {
	s.blotter.Take(r)
	if len(s.blotter.Executions) > 1<<16 { // the demo may run for days: what is that old comes no more
		clear(s.blotter.Executions)
		clear(s.blotter.Answers)
	}
	if r.Is("8") && r.ExecType == 'F' {
		for i, symbol := range s.o.Symbols {
			if string(r.Symbol[:len(symbol)]) == symbol {
				s.mid[i] = r.LastPx
			}
		}
	}
}

func (s *sample) act(i *fix.Initiator, now int64) {
	if len(s.blotter.Open) >= sampleOpenMax || len(s.blotter.Open) > 4 && s.rng.IntN(4) == 0 {
		s.change(i, now)
		return
	}
	at := s.rng.IntN(len(s.o.Symbols))
	o := fix.Order{ClOrdID: s.id(), Symbol: []byte(s.o.Symbols[at]), Side: book.Side(s.rng.IntN(2)), Qty: int64(1+s.rng.IntN(10)) * 10}
	away := int64(1+s.rng.IntN(sampleDepth)) * sampleTick
	if s.o.Number%2 == 1 && s.rng.IntN(3) == 0 {
		away, o.TIF = -int64(s.rng.IntN(4))*sampleTick, book.ImmediateOrCancel
	}
	if o.Side == book.Buy {
		away = -away
	}
	o.Price = max(s.mid[at]+away+int64(s.rng.IntN(3)-1)*sampleTick, sampleTick)
	i.NewOrderSingle(now, &o)
}

// change cancels one of the open orders, or moves it to another price.
func (s *sample) change(i *fix.Initiator, now int64) {
	for _, open := range s.blotter.Open { // whichever comes first: the map's order is as good as any here
		if open.Asked {
			continue
		}
		open.Asked = true
		o := fix.Order{
			ClOrdID: s.id(), OrigClOrdID: []byte(Text(open.ID)), Symbol: []byte(Text8(open.Symbol)), Side: book.Side(open.Side - '1'), Qty: open.Qty,
			Price: open.Price + int64(s.rng.IntN(5)-2)*sampleTick,
		}
		if s.rng.IntN(3) == 0 && o.Price > 0 {
			i.OrderCancelReplaceRequest(now, &o)
		} else {
			i.OrderCancelRequest(now, &o)
		}
		return
	}
}

func (s *sample) id() []byte {
	s.next++
	return fmt.Appendf(nil, "%s-%d", s.o.Session.Sender, s.next)
}

// Text8 is a symbol without its padding.
func Text8(symbol [8]byte) string {
	n := 0
	for n < len(symbol) && symbol[n] != 0 {
		n++
	}
	return string(symbol[:n])
}
