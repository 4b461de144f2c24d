package ws

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
	"testing"

	"exchange/book"
)

// message is what a consumer reads of any message.
type message struct {
	Type, Time, Side, Price, Reason string
	ProductID                       string `json:"product_id"`
	Sequence, Checksum              uint64
	Previous                        uint64 `json:"prev_sequence"`
	Trade                           uint64 `json:"trade_id"`
	OrderID                         string `json:"order_id"`
	Maker                           string `json:"maker_order_id"`
	Remaining                       string `json:"remaining_size"`
	NewSize                         string `json:"new_size"`
	Size                            string
	Bids, Asks                      [][2]string
	Changes                         [][3]string
}

func read(t testing.TB, text []byte) (m message) {
	t.Helper()
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return m
}

// levels is a consumer's book by price: it knows the messages of level2 and nothing else.
type levels struct {
	sequence uint64
	sides    map[string]map[string]string
}

func (l *levels) take(t testing.TB, m message) {
	t.Helper()
	switch m.Type {
	case "snapshot":
		l.sides = map[string]map[string]string{"buy": {}, "sell": {}}
		for _, b := range m.Bids {
			l.sides["buy"][b[0]] = b[1]
		}
		for _, a := range m.Asks {
			l.sides["sell"][a[0]] = a[1]
		}
	case "l2update":
		if m.Previous != l.sequence || m.Sequence <= l.sequence {
			t.Fatalf("update %d behind %d, the book is at %d", m.Sequence, m.Previous, l.sequence)
		}
		for _, c := range m.Changes {
			if c[2] == "0" {
				delete(l.sides[c[0]], c[1])
			} else {
				l.sides[c[0]][c[1]] = c[2]
			}
		}
	default:
		t.Fatalf("%s in level2", m.Type)
	}
	l.sequence = m.Sequence
	if got := l.checksum(); got != m.Checksum {
		t.Fatalf("checksum %d at sequence %d, %d told", got, m.Sequence, m.Checksum)
	}
}

// sorted gives a side's prices, the best first.
func (l *levels) sorted(side string) (prices []string) {
	for p := range l.sides[side] {
		prices = append(prices, p)
	}
	sort.Slice(prices, func(i, j int) bool {
		a, _ := strconv.ParseFloat(prices[i], 64)
		b, _ := strconv.ParseFloat(prices[j], 64)
		return (a < b) == (side == "sell")
	})
	return prices
}

func (l *levels) checksum() uint64 {
	var text strings.Builder
	for _, side := range []string{"sell", "buy"} {
		prices := l.sorted(side)
		for _, p := range prices[:min(10, len(prices))] {
			text.WriteString(strings.TrimLeft(strings.ReplaceAll(p, ".", ""), "0") + l.sides[side][p])
		}
	}
	return uint64(crc32.ChecksumIEEE([]byte(text.String())))
}

// orders is a consumer's book order by order, from the channel full.
type orders struct {
	sequence uint64
	queue    []resting
	received map[string]bool
}

type resting struct {
	id, side, price string
	size            uint64
}

func (o *orders) take(t testing.TB, m message) {
	t.Helper()
	if m.Sequence != o.sequence+1 {
		t.Fatalf("%s: sequence %d behind %d", m.ProductID, m.Sequence, o.sequence)
	}
	o.sequence = m.Sequence
	number := func(s string) uint64 {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("%v in %+v", err, m)
		}
		return n
	}
	at := func(id string) int {
		for i := range o.queue {
			if o.queue[i].id == id {
				return i
			}
		}
		return -1
	}
	switch m.Type {
	case "received":
		if o.received[m.OrderID] {
			t.Fatalf("received twice: %+v", m)
		}
		o.received[m.OrderID] = true
	case "open":
		if !o.received[m.OrderID] || at(m.OrderID) >= 0 {
			t.Fatalf("open, but not received or open already: %+v", m)
		}
		o.queue = append(o.queue, resting{m.OrderID, m.Side, m.Price, number(m.Remaining)})
	case "match":
		if i := at(m.Maker); i >= 0 {
			if o.queue[i].size < number(m.Size) || o.queue[i].side != m.Side {
				t.Fatalf("match of more than there is: %+v of %+v", m, o.queue[i])
			}
			o.queue[i].size -= number(m.Size)
		} else if !strings.HasPrefix(m.Maker, "00000000-0000-0002-") {
			t.Fatalf("match with an order that does not rest: %+v", m)
		}
	case "change":
		i := at(m.OrderID)
		if i < 0 {
			t.Fatalf("change of an order that does not rest: %+v", m)
		}
		o.queue[i].size = number(m.NewSize)
	case "done":
		if i := at(m.OrderID); i >= 0 {
			if o.queue[i].size != number(m.Remaining) || m.Reason == "filled" && o.queue[i].size != 0 {
				t.Fatalf("done with something else left: %+v of %+v", m, o.queue[i])
			}
			o.queue = append(o.queue[:i], o.queue[i+1:]...)
		} else if !o.received[m.OrderID] {
			t.Fatalf("done, but never received: %+v", m)
		}
	}
}

// side gives the orders as they would trade.
func (o *orders) side(side string) (all []resting) {
	for _, r := range o.queue {
		if r.side == side {
			all = append(all, r)
		}
	}
	sort.SliceStable(all, func(i, j int) bool {
		a, _ := strconv.ParseFloat(all[i].price, 64)
		b, _ := strconv.ParseFloat(all[j].price, 64)
		if side == "sell" {
			return a < b
		}
		return a > b
	})
	return all
}

// TestConsumersHaveTheEnginesBook: random orders of all kinds through the state machine; one consumer knows the channel full and one level2 only. Their books
// are the engine's: order by order in the order of trading, and price by price.
func TestConsumersHaveTheEnginesBook(t *testing.T) {
	for seed := range uint64(4) {
		v := openVenue()
		m := v.newMarket(1 << 12)
		f := flow{random: rand.New(rand.NewPCG(seed, 5))}
		v.pump(t, m)
		byOrder, byPrice := map[string]*orders{}, map[string]*levels{}
		matches, tickers, trades := 0, 0, uint64(0)
		for _, p := range m.Products() {
			for c := range streams {
				m.Want(p, c, true)
			}
			byOrder[p.ID] = &orders{received: map[string]bool{}}
			byPrice[p.ID] = &levels{}
			byPrice[p.ID].take(t, read(t, contents(t, m.Snapshot(p))[0]))
		}
		for step := range 4000 {
			v.apply(f.next())
			v.pump(t, m)
			m.Take(func(p *Product, c Channel, frames []byte) {
				for _, text := range contents(t, frames) {
					one := read(t, text)
					if one.ProductID != p.ID {
						t.Fatalf("of another product: %s", text)
					}
					switch c {
					case Full:
						byOrder[p.ID].take(t, one)
						if one.Type == "match" {
							trades++
						}
					case Level2:
						byPrice[p.ID].take(t, one)
					case Matches:
						matches++
					case Ticker:
						tickers++
					}
				}
			})
			if step%20 == 0 {
				agree(t, v, m, byOrder, byPrice)
			}
		}
		if trades != v.market.Trades() || uint64(matches) != trades || trades < 500 || tickers < 200 || v.market.Resting() == 0 {
			t.Errorf("seed %d: %d matches in full, %d in matches, %d trades, %d tickers, %d resting", seed, trades, matches, v.market.Trades(), tickers, v.market.Resting())
		}
		for _, p := range m.Products() {
			if l := byPrice[p.ID]; l.sequence != p.level2 || byOrder[p.ID].sequence != p.sequence {
				t.Errorf("%s: consumers at %d and %d, the product at %d and %d", p.ID, l.sequence, byOrder[p.ID].sequence, p.level2, p.sequence)
			}
		}
	}
}

func agree(t *testing.T, v *venue, m *Market, byOrder map[string]*orders, byPrice map[string]*levels) {
	t.Helper()
	for i, p := range m.Products() {
		info := v.infos[i+1]
		for side, word := range []string{"buy", "sell"} {
			want := map[string]uint64{}
			got := byOrder[p.ID].side(word)
			for _, w := range v.market.RestingOrders(uint16(i+1), book.Side(side), nil) {
				if w.Shown == 0 {
					continue
				}
				price := string(appendPrice(nil, uint32(w.Price*info.Tick), p.decimals))
				size := uint64(w.Shown * info.Lot)
				want[price] += size
				if len(got) == 0 {
					t.Fatalf("%s %s: order %x is missing in full", p.ID, word, w.Ref)
				}
				if g := got[0]; g.price != price || g.size != size || g.id != string(appendID(nil, byReference, w.Ref)) {
					t.Fatalf("%s %s: %+v in full, %+v in the market", p.ID, word, g, w)
				}
				got = got[1:]
			}
			if len(got) != 0 {
				t.Fatalf("%s %s: %+v too much in full", p.ID, word, got)
			}
			levels := byPrice[p.ID].sides[word]
			if len(levels) != len(want) {
				t.Fatalf("%s %s: %v in level2, %v in the market", p.ID, word, levels, want)
			}
			for price, size := range want {
				if levels[price] != fmt.Sprint(size) {
					t.Fatalf("%s %s %s: %s in level2, %d in the market", p.ID, word, price, levels[price], size)
				}
			}
		}
	}
}

// TestAnyReplicaGoesOn: two replicas are fed the same messages, one at once and watched, the other in pieces of its own, one of them in the middle of a
// command, and not watched. Behind any number that is kept the second one gives the same bytes as the first one gave, and a book of level2 that is told
// of everything at once is right.
func TestAnyReplicaGoesOn(t *testing.T) {
	v := openVenue()
	first, second := v.newMarket(1<<14), v.newMarket(1<<14)
	random := rand.New(rand.NewPCG(3, 9))
	f := flow{random: random}
	v.pump(t, first)
	type sent struct {
		sequence uint64
		frame    []byte
	}
	said := map[Channel][]sent{}
	abc := first.Product("ABC-USD")
	first.Want(abc, Full, true)
	first.Want(abc, Matches, true)
	first.Want(abc, Level2, true)
	byPrice := levels{}
	byPrice.take(t, read(t, contents(t, first.Snapshot(abc))[0]))
	var states []levels
	for range 2000 {
		v.apply(f.next())
		v.pump(t, first)
		first.Take(func(p *Product, c Channel, frames []byte) {
			for _, text := range contents(t, frames) {
				one := read(t, text)
				if c == Level2 {
					byPrice.take(t, one)
					kept := levels{byPrice.sequence, map[string]map[string]string{"buy": {}, "sell": {}}}
					for side, l := range byPrice.sides {
						for k, v := range l {
							kept.sides[side][k] = v
						}
					}
					states = append(states, kept)
					continue
				}
				said[c] = append(said[c], sent{one.Sequence, AppendText(nil, text)})
			}
		})
		for n := random.IntN(5); n > 0 && second.Next() < v.store.Next(); n-- {
			message, err := v.store.Read(second.Next())
			if err != nil {
				t.Fatal(err)
			}
			if err := second.Apply(message); err != nil {
				t.Fatal(err)
			}
		}
	}
	v.pump(t, second)
	p := second.Product("ABC-USD")
	if p.Sequence() != abc.Sequence() || p.Checksum() != abc.Checksum() {
		t.Fatalf("sequences %d and %d", p.Sequence(), abc.Sequence())
	}
	for _, c := range []Channel{Full, Matches} {
		for range 50 {
			after := random.Uint64N(p.Sequence() + 1)
			cursor, err := second.Resume(p, c, after)
			if err != nil {
				t.Fatal(err)
			}
			var got, want []byte
			for done := false; !done; {
				if got, done, err = second.Read(got, &cursor, 1000); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range said[c] {
				if s.sequence > after {
					want = append(want, s.frame...)
				}
			}
			if string(got) != string(want) {
				t.Fatalf("%s behind %d: %d bytes, %d were sent by the other replica", c, after, len(got), len(want))
			}
		}
	}
	for range 50 {
		state := states[random.IntN(len(states))]
		out, err := second.CatchUp(nil, p, state.sequence)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range contents(t, out) {
			state.take(t, read(t, text))
		}
		if state.sequence != byPrice.sequence || fmt.Sprint(state.sides) != fmt.Sprint(byPrice.sides) {
			t.Fatalf("the book that caught up is another one: %v, %v", state, byPrice)
		}
	}
	if len(said[Full]) < 2000 || len(said[Matches]) < 200 {
		t.Errorf("only %d events and %d matches", len(said[Full]), len(said[Matches]))
	}
}

// TestDays: midnight passes, and a replica that begins late finds the day of the first message.
func TestDays(t *testing.T) {
	v := openVenue()
	for day := range int64(3) {
		v.apply(book.Command{Kind: book.Enter, Session: 1, Epoch: 1, Instrument: 1, ClientID: name(fmt.Sprint("d", day)), Qty: 1, Price: 1000 + day,
			Time: opening.UnixNano() + day*nanosPerDay*9/10})
	}
	m := v.newMarket(0)
	v.pump(t, m)
	last := opening.UnixNano() + 2*nanosPerDay*9/10
	if m.Time() != last {
		t.Errorf("time %d, want %d", m.Time(), last)
	}
	var d DayOfFirst
	for n := uint64(1); n < v.store.Next(); n++ {
		message, _ := v.store.Read(n)
		d.Add(message)
	}
	for _, later := range []int64{0, 1, nanosPerDay - 1} {
		if got := d.Day(last + later); got != midnight() {
			t.Errorf("%d ns later the first day is %d, want %d", later, got, midnight())
		}
	}
}

// FuzzRequest: whatever a client sends is understood within the bounds or refused with a reason.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		`{"type":"subscribe","product_ids":["ABC-USD"],"channels":["level2","heartbeat",{"name":"ticker","product_ids":["XYZ-USD"]}]}`,
		`{"type":"unsubscribe"}`, `{"type":"subscribe","channels":["status"],"from_sequence":18446744073709551615}`, `{`, `[]`, `{"type":"subscribe","channels":[null,{}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		q, err := ParseRequest(message)
		if err != nil {
			if frame := contents(t, AppendError(nil, "no", err.Error())); !json.Valid(frame[0]) {
				t.Fatalf("not JSON: %s", frame[0])
			}
			return
		}
		if len(q.Items) > MaxItems {
			t.Fatalf("%d items", len(q.Items))
		}
		for _, i := range q.Items {
			if i.Channel >= channels || len(i.Products) > MaxProducts || q.Subscribe && i.Channel != Status && len(i.Products) == 0 {
				t.Fatalf("%+v of %s", i, message)
			}
		}
	})
}
