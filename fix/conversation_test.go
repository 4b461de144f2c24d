package fix

import (
	"bytes"
	"fmt"
	"math/rand"
	"regexp"
	"strings"
	"testing"

	"exchange/book"
)

// machine is the replicated state as conversations need it: a session's events in order, and those with a number again for resending.
type machine interface {
	apply(c *book.Command, now int64)
	events(session uint16) []book.Event
	sent(session uint16) []book.Event
	// numbers are the session's next inbound and outbound number.
	numbers(session uint16) (in, out uint64)
}

// world is clients and a venue talking over connections that are cut at random, through leaders that die at random: bytes arrive glued and split, commands
// are applied late and in one order for all, and what a dead leader had not got decided is lost.
type world struct {
	t         *testing.T
	rng       *rand.Rand
	now       int64
	machine   machine
	undecided []book.Command
	parties   []*party
	faults    int
}

// party is one client, its session and its connection.
type party struct {
	*world
	floor    *floor
	client   *Initiator
	acceptor *Acceptor
	// toVenue and toClient are bytes on their way, cursor is how many of the session's events the acceptor has been given.
	toVenue, toClient []byte
	cursor            int
	resending         bool
	from, to          uint64
	connected         bool

	orders   int
	seen     map[uint64]string
	covered  map[uint64]bool
	news     map[string]int
	rejects  map[string]int
	answered map[string]int
	open     map[string]int64
}

func newWorld(t *testing.T, seed int64, m machine, sessions ...SessionConfig) *world {
	w := &world{t: t, rng: rand.New(rand.NewSource(seed)), now: storyStart, machine: m}
	for k, s := range sessions {
		s.SendNextExpected = (seed+int64(k))%2 == 1
		p := &party{
			world: w, floor: &floor{session: s}, seen: map[uint64]string{}, covered: map[uint64]bool{},
			news: map[string]int{}, rejects: map[string]int{}, answered: map[string]int{}, open: map[string]int64{},
		}
		p.client = NewInitiator(InitiatorConfig{Sender: s.Sender, Target: s.Target, HeartBtInt: 5, SentMessages: 512, SentBytes: 64 << 10,
			SendNextExpected: (seed+int64(k))%3 == 1})
		w.parties = append(w.parties, p)
	}
	return w
}

// run enters orders from each party until all are answered and nothing is on its way, with at most maxFaults cuts and deaths in between.
func (w *world) run(orders, maxFaults int) {
	for step := 0; step < 400_000; step++ {
		w.now += int64(w.rng.Intn(20)) * 1e6
		if w.faults < maxFaults && w.rng.Intn(60) == 0 {
			w.faults++
			w.fault()
		}
		p := w.parties[w.rng.Intn(len(w.parties))]
		if p.orders < orders && w.rng.Intn(4) == 0 {
			p.request()
		}
		p.step()
		if w.rng.Intn(3) == 0 {
			w.decide(w.portion(len(w.undecided)))
		}
		if w.finished(orders) {
			for _, p := range w.parties {
				p.check()
			}
			return
		}
	}
	for _, p := range w.parties {
		closed, why := p.client.Closed()
		in, out := p.client.Numbers()
		venueIn, venueOut := w.machine.numbers(p.floor.session.Number)
		w.t.Errorf("no end: %s: %d requested, %d answered, client closed %v (%s), in %d out %d, venue in %d out %d, gap %v", p.floor.session.Sender,
			p.orders, len(p.news)+len(p.rejects)+len(p.answered), closed, why, in, out, venueIn, venueOut, p.client.GapOpen())
	}
}

func (w *world) finished(orders int) bool {
	if len(w.undecided) > 0 {
		return false
	}
	for _, p := range w.parties {
		in, _ := p.client.Numbers()
		_, out := w.machine.numbers(p.floor.session.Number)
		if p.orders < orders || !p.client.Active() || p.client.GapOpen() || len(p.toVenue)+len(p.toClient) > 0 || p.resending || in != out ||
			len(p.news)+len(p.rejects)+len(p.answered) < p.orders {
			return false
		}
	}
	return true
}

// fault cuts one connection, or lets the leader die.
func (w *world) fault() {
	if w.rng.Intn(2) == 0 {
		if p := w.parties[w.rng.Intn(len(w.parties))]; p.connected {
			p.cut()
		}
		return
	}
	w.decide(w.rng.Intn(len(w.undecided) + 1))
	w.undecided = nil
	for _, p := range w.parties {
		if p.connected {
			p.client.Hangup(w.now)
			p.connected = false
		}
	}
}

// decide applies the first n commands.
func (w *world) decide(n int) {
	for ; n > 0; n-- {
		w.machine.apply(&w.undecided[0], w.now)
		w.undecided = w.undecided[1:]
	}
}

func (w *world) portion(n int) int {
	if n == 0 || w.rng.Intn(3) == 0 {
		return n
	}
	return 1 + w.rng.Intn(n)
}

// request enters an order, or changes or cancels an earlier one.
func (p *party) request() {
	id := fmt.Sprintf("o%d", p.orders)
	o := &Order{ClOrdID: []byte(id), Symbol: []byte("ABC"), Side: book.Side(p.rng.Intn(2)), Price: 100_000 + int64(p.rng.Intn(9))*100, Qty: 1 + int64(p.rng.Intn(20))}
	if p.orders%17 == 3 {
		o.Symbol = []byte("NONE")
	}
	o.TIF = [...]book.TimeInForce{book.Day, book.Day, book.Day, book.ImmediateOrCancel, book.FillOrKill}[p.rng.Intn(5)]
	o.OrigClOrdID = fmt.Appendf(nil, "o%d", p.rng.Intn(p.orders+1))
	p.orders++
	switch p.rng.Intn(6) {
	case 0:
		p.client.OrderCancelRequest(p.now, o)
	case 1:
		o.TIF = book.Day
		p.client.OrderCancelReplaceRequest(p.now, o)
	default:
		o.OrigClOrdID = nil
		if p.orders%13 == 5 {
			o.Type, o.TIF, o.Price = book.Budget, book.FillOrKill, o.Price*o.Qty
		}
		p.client.NewOrderSingle(p.now, o)
	}
}

func (p *party) step() {
	if !p.connected {
		p.connect()
		return
	}
	switch p.rng.Intn(8) {
	case 0, 1:
		p.toVenue = append(p.toVenue, p.client.Bytes()...)
		p.client.Sent(len(p.client.Bytes()))
		n := min(p.portion(len(p.toVenue)), p.acceptor.Room())
		p.toVenue = p.toVenue[p.acceptor.Receive(p.now, p.toVenue[:n]):]
	case 2, 3:
		n := p.portion(len(p.toClient))
		p.client.Receive(p.now, p.toClient[:n])
		p.toClient = p.toClient[n:]
		p.took()
	case 4, 5, 6:
		p.serve()
	case 7:
		p.now += int64(p.rng.Intn(1500)) * 1e6
		p.client.Tick(p.now)
		p.acceptor.Tick(p.now)
	}
	p.collect()
}

// collect takes what the acceptor put out, and ends a connection that either side has closed.
func (p *party) collect() {
	p.undecided = append(p.undecided, p.acceptor.Commands()...)
	sent := p.acceptor.Bytes()
	p.toClient = append(p.toClient, sent...)
	p.acceptor.Sent(len(sent))
	venueClosed, why := p.acceptor.Closed()
	clientClosed, reason := p.client.Closed()
	if strings.Contains(why+reason, "too low") || strings.Contains(why, "out of step") {
		p.t.Fatalf("venue: %s; client: %s", why, reason)
	}
	if venueClosed || clientClosed {
		p.cut()
	}
}

// serve is the connection's writer: a resend first, then live events from where the cursor is.
func (p *party) serve() {
	if from, to, ok := p.acceptor.ResendRequest(); ok {
		p.resending, p.from, p.to = true, from, to
	}
	if p.resending {
		for _, ev := range p.machine.sent(p.floor.session.Number) {
			if ev.OutSeq >= p.from && ev.OutSeq <= p.to {
				p.acceptor.Resend(p.now, &ev)
				p.from = ev.OutSeq + 1
				if p.rng.Intn(10) == 0 {
					return
				}
			}
		}
		p.resending = false
		p.acceptor.ResendDone(p.now)
		return
	}
	stream := p.machine.events(p.floor.session.Number)
	for n := p.portion(len(stream) - p.cursor); n > 0; n-- {
		p.acceptor.Deliver(p.now, &stream[p.cursor])
		p.cursor++
	}
}

// cut ends the connection while the leader lives: its commands are decided and its end awaited.
func (p *party) cut() {
	p.client.Hangup(p.now)
	p.connected, p.resending = false, false
	p.acceptor.Hangup(p.now)
	for tries := 0; !p.acceptor.Over(); tries++ {
		if tries == 100 {
			p.t.Fatal("the old connection is never over")
		}
		p.undecided = append(p.undecided, p.acceptor.Commands()...)
		p.decide(len(p.undecided))
		for stream := p.machine.events(p.floor.session.Number); p.cursor < len(stream); p.cursor++ {
			p.acceptor.Deliver(p.now, &stream[p.cursor])
		}
	}
	if left := p.acceptor.Commands(); len(left) != 0 {
		p.t.Fatalf("a connection that is over has %d commands left", len(left))
	}
}

func (p *party) connect() {
	p.toVenue, p.toClient, p.resending = nil, nil, false
	p.floor.claimed = false
	p.acceptor = NewAcceptor(AcceptorConfig{}, p.floor)
	p.cursor = len(p.machine.events(p.floor.session.Number))
	p.client.Connect(p.now)
	p.connected = true
}

var volatileFields = regexp.MustCompile(`\x01(9|10|43|52|122)=[^\x01]*`)

// took looks at what the client received.
func (p *party) took() {
	for _, r := range p.client.Received() {
		if r.Is("4") {
			for n := r.Seq; n < r.NewSeqNo; n++ {
				p.covered[n] = true
			}
			continue
		}
		content := string(volatileFields.ReplaceAll(bytes.Clone(r.Raw), nil))
		if before, again := p.seen[r.Seq]; again {
			if before != content {
				p.t.Fatalf("number %d has two contents:\n%s\n%s", r.Seq, Readable([]byte(before)), Readable([]byte(content)))
			}
			if !r.PossDup {
				p.t.Fatalf("number %d came twice without 43=Y", r.Seq)
			}
			continue
		}
		p.seen[r.Seq] = content
		p.took1(&r)
	}
}

func (p *party) took1(r *Received) {
	id, orig := string(trimNULs(r.ClOrdID[:])), string(trimNULs(r.OrigClOrdID[:]))
	switch {
	case r.Is("9"):
		p.answered[id]++
	case !r.Is("8"):
	case r.ExecType == '0':
		p.news[id]++
		p.open[id] = r.LeavesQty
	case r.ExecType == '8':
		p.rejects[id]++
	case orig != "": // a request was carried out
		p.answered[id]++
		delete(p.open, orig)
		p.open[id] = r.LeavesQty
	default:
		p.open[id] = r.LeavesQty
	}
	if p.open[id] == 0 {
		delete(p.open, id)
	}
}

// check looks at the whole conversation when it is over.
func (p *party) check() {
	for n := 0; n < p.orders; n++ {
		id := fmt.Sprintf("o%d", n)
		if p.news[id]+p.rejects[id]+p.answered[id] != 1 {
			p.t.Errorf("%s %s: %d New, %d Rejected, %d other answers", p.floor.session.Sender, id, p.news[id], p.rejects[id], p.answered[id])
		}
	}
	in, _ := p.client.Numbers()
	for n := uint64(1); n < in; n++ {
		if p.seen[n] == "" && !p.covered[n] {
			p.t.Errorf("number %d never came", n)
		}
	}
	// An application message must not be filled over while the store has it.
	for _, ev := range p.machine.sent(p.floor.session.Number) {
		if Resendable(&ev) && p.seen[ev.OutSeq] == "" {
			p.t.Errorf("application message %d was filled over", ev.OutSeq)
		}
	}
}

// loneVenue is a venue with one session as a machine.
type loneVenue struct {
	*venue
	stream []book.Event
}

func (v *loneVenue) apply(c *book.Command, now int64) {
	v.stream = append(v.stream, v.venue.apply(c, now)...)
}
func (v *loneVenue) events(uint16) []book.Event      { return v.stream }
func (v *loneVenue) sent(uint16) []book.Event        { return v.store }
func (v *loneVenue) numbers(uint16) (in, out uint64) { return v.nextIn, v.nextOut }

// TestConversations: nothing is lost, nothing doubled, no number has a hole or two contents.
func TestConversations(t *testing.T) {
	for seed := int64(1); seed <= 60; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			v := &loneVenue{venue: newVenue()}
			w := newWorld(t, seed, v, newFloor().session)
			w.run(120, 12)
			if got, want := len(w.parties[0].open), len(v.orders); got != want {
				t.Errorf("the client knows of %d open orders, the venue has %d", got, want)
			}
		})
	}
}
