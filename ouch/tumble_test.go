package ouch

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"exchange/book"
)

// Two clients trade at random in several channels while connections are cut at any byte, leaders fall with commands undecided, and a connection is taken over
// by the next. In the end each request was answered once or has come to nothing with its order, the streams have no hole and are what a fresh login is
// told, and the clients know the orders that the book has.
func TestNothingIsLostOrDoubled(t *testing.T) {
	for seed := range uint64(60) {
		tumble(t, seed)
	}
}

func tumble(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 3))
	v := newVenue(t, "alice", "bob")
	if seed%2 == 1 { // bob's orders are of the same firm
		account := v.accounts["alice"]
		account.SelfTrade = book.DecrementAndCancel
		v.accounts["alice"] = account
	}
	prevented := 0
	answers := map[[3]uint32]int{} // by client, channel and number
	var clients [2]*client
	var streams [2][]string
	for k, user := range []string{"alice", "bob"} {
		c := &client{v: v}
		c.Initiator = NewInitiator(InitiatorConfig{Username: user, Password: "secret", Number: 1, MaxPending: 50, OnReport: func(n uint64, rep *Report) {
			if n != uint64(len(streams[k])+1) {
				t.Fatalf("seed %d: message %d follows %d", seed, n, len(streams[k]))
			}
			streams[k] = append(streams[k], fmt.Sprintf("%d %s", n, describe(rep)))
			switch rep.Type {
			case AIQCanceled:
				prevented++
			case Accepted, Rejected, Replaced, MassCancelAnswer:
				answers[[3]uint32{uint32(k), uint32(rep.Tags.UserRefIdx()), rep.UserRefNum}]++
			}
		}})
		c.connect()
		clients[k] = c
	}
	entered := 0
	var sent [][3]uint32 // what is answered in any case
	for range 600 {
		k := r.IntN(2)
		c := clients[k]
		switch r.IntN(30) {
		case 0: // the connection is cut
			c.connect()
		case 1: // the leader falls: what was not decided is lost, every connection too
			v.waiting, v.live = nil, map[uint16]*line{}
			v.leader = 1 - v.leader
			clients[0].connect()
			clients[1].connect()
		default:
			if q, ok := randomOrder(r, c); ok {
				n, err := c.Send(v.now, &q)
				if err == nil && q.Type == EnterOrder {
					entered++
				}
				if err == nil && (q.Type == EnterOrder || q.Type == MassCancel) {
					sent = append(sent, [3]uint32{uint32(k), uint32(q.Tags.UserRefIdx()), n})
				}
			}
		}
		v.now += 1000
		carry := func(n int) int { return r.IntN(n + 1) }
		out := c.Bytes()[:carry(len(c.Bytes()))]
		c.l.a.Receive(v.now, out)
		c.Sent(len(out))
		v.waiting = append(v.waiting, c.l.a.Commands()...)
		for n := carry(len(v.waiting)); n > 0; n-- {
			command := v.waiting[0]
			v.waiting = v.waiting[1:]
			v.decide(command)
		}
		b := c.l.turn()
		if r.IntN(10) > 0 { // otherwise lost with the connection
			if err := c.Receive(v.now, b); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		} else if len(b) > 0 {
			c.connect()
		}
	}
	for range 3 { // calm: all comes through
		for _, c := range clients {
			c.connect()
			c.talk()
		}
	}
	known := 0
	for k, c := range clients {
		if c.Unanswered() != 0 {
			t.Fatalf("seed %d: client %d waits for %d answers, the first to %c %d", seed, k, c.Unanswered(), c.pending.requests[0].Type, c.pending.requests[0].UserRefNum)
		}
		c.Orders(func(o *ClientOrder) {
			known++
			id := book.ChannelID(o.UserRefIdx, o.UserRefNum)
			in, ok := v.markets[0].OrderByClientID(uint16(k+1), &id)
			if !ok || in.Open != int64(o.Open()) || uint64(in.Price*100) != o.Price {
				t.Fatalf("seed %d: client %d has %+v, the book %+v", seed, k, *o, in)
			}
		})
		fresh := newClient(v, []string{"alice", "bob"}[k], 1)
		fresh.connect()
		fresh.talk()
		if got := fresh.heard(); got != strings.Join(streams[k], "\n") {
			t.Fatalf("seed %d: client %d was told another stream than is told now", seed, k)
		}
	}
	if known != v.markets[0].Resting() {
		t.Fatalf("seed %d: the clients know %d open orders, the book has %d", seed, known, v.markets[0].Resting())
	}
	for n, times := range answers {
		if times != 1 {
			t.Fatalf("seed %d: number %d of client %d in channel %d was answered %d times", seed, n[2], n[0], n[1], times)
		}
	}
	for _, n := range sent {
		if answers[n] == 0 {
			t.Fatalf("seed %d: number %d of client %d in channel %d was not answered", seed, n[2], n[0], n[1])
		}
	}
	for _, channel := range tumbledChannels {
		for k, c := range clients {
			if last := uint32(v.markets[0].NextNumber(uint16(k+1), channel)); c.NextUserRefNumIn(channel) < last || last == 1 {
				t.Fatalf("seed %d: client %d goes on with %d in channel %d, the book with %d", seed, k, c.NextUserRefNumIn(channel), channel, last)
			}
		}
	}
	if v.markets[0].Trades() < 10 || entered < 50 || (prevented > 0) != (seed%2 == 1) {
		t.Fatalf("seed %d: %d orders, %d trades, %d times prevented: too little happens", seed, entered, v.markets[0].Trades(), prevented)
	}
}

var tumbledChannels = []uint8{0, 1, 255}

func randomOrder(r *rand.Rand, c *client) (q Request, ok bool) {
	channel := tumbledChannels[r.IntN(len(tumbledChannels))]
	defer func() {
		if channel != 0 || r.IntN(2) == 0 { // the tag may say 0, too
			q.Tags.Set(TagUserRefIdx, uint64(channel))
		}
	}()
	var any *ClientOrder
	c.Orders(func(o *ClientOrder) {
		if o.UserRefIdx == channel && (any == nil || o.UserRefNum > any.UserRefNum) { // the map's order must not matter
			any = o
		}
	})
	switch k := r.IntN(10); {
	case k < 6 || any == nil:
		q = order("BS"[r.IntN(2)], 1+r.Uint32N(20), 100*(95+r.Uint64N(10)))
		if r.IntN(8) == 0 {
			q.Side = '?'
		}
	case k < 7:
		q = Request{Type: ReplaceOrder, OrigUserRefNum: any.UserRefNum, Quantity: 1 + r.Uint32N(30), Price: 100 * (95 + r.Uint64N(10)), TimeInForce: "03"[r.IntN(2)],
			Display: 'Y', Sweep: 'N', ClOrdID: MakeClOrdID("r")}
	case k < 8:
		q = Request{Type: CancelOrder, UserRefNum: any.UserRefNum, Quantity: r.Uint32N(any.Quantity)}
	case k < 9:
		if any.Side == 'B' || any.Quantity < 2 {
			return q, false
		}
		q = Request{Type: ModifyOrder, UserRefNum: any.UserRefNum, Side: "STE"[r.IntN(3)], Quantity: any.Quantity - 1}
	default:
		if r.IntN(4) != 0 {
			return q, false
		}
		q = Request{Type: MassCancel, Symbol: MakeSymbol("")}
	}
	return q, true
}
