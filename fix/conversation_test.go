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

// conversation is a client and a venue talking over a connection that is cut at random, through leaders that die at random: bytes arrive
// glued and split, commands are applied late, and what a dead leader had not got decided is lost.
type conversation struct {
	t        *testing.T
	rng      *rand.Rand
	now      int64
	floor    *floor
	venue    *venue
	client   *Initiator
	acceptor *Acceptor
	// toVenue and toClient are bytes on their way; undecided are commands not applied yet; cursor is how many events of the store the
	// acceptor has been given; resending the range being read.
	toVenue, toClient []byte
	undecided         []book.Command
	stream            []book.Event
	cursor            int
	resending         bool
	resendFrom        uint64
	resendTo          uint64
	connected         bool

	seen    map[uint64]string
	covered map[uint64]bool
	news    map[string]int
	rejects map[string]int
	cuts    int
}

func newConversation(t *testing.T, seed int64) *conversation {
	c := &conversation{
		t: t, rng: rand.New(rand.NewSource(seed)), now: storyStart, floor: newFloor(), venue: newVenue(),
		seen: map[uint64]string{}, covered: map[uint64]bool{}, news: map[string]int{}, rejects: map[string]int{},
	}
	c.client = NewInitiator(InitiatorConfig{Sender: "TW", Target: "ISLD", HeartBtInt: 5, SentMessages: 512, SentBytes: 64 << 10,
		SendNextExpected: seed%3 == 1})
	c.floor.session.SendNextExpected = seed%2 == 1
	return c
}

// TestConversations: nothing is lost, nothing doubled, no number has a hole or two contents.
func TestConversations(t *testing.T) {
	for seed := int64(1); seed <= 60; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			newConversation(t, seed).run(120)
		})
	}
}

func (c *conversation) run(orders int) {
	sent := 0
	for step := 0; step < 200_000; step++ {
		c.now += int64(c.rng.Intn(20)) * 1e6
		if sent < orders && c.rng.Intn(4) == 0 {
			c.order(sent)
			sent++
		}
		c.step()
		if sent == orders && len(c.news)+len(c.rejects) == orders && c.client.Active() && !c.client.GapOpen() && c.quiet() {
			c.check(orders)
			return
		}
	}
	closed, why := c.client.Closed()
	in, out := c.client.Numbers()
	c.t.Fatalf("no end: %d of %d orders answered, client closed %v (%s), in %d out %d, venue in %d out %d, gap %v", len(c.news)+len(c.rejects),
		orders, closed, why, in, out, c.venue.nextIn, c.venue.nextOut, c.client.GapOpen())
}

func (c *conversation) quiet() bool {
	in, _ := c.client.Numbers()
	return len(c.toVenue) == 0 && len(c.toClient) == 0 && len(c.undecided) == 0 && !c.resending && in == c.venue.nextOut
}

func (c *conversation) order(n int) {
	id := fmt.Sprintf("o%d", n)
	symbol := "ABC"
	if n%17 == 3 {
		symbol = "NONE"
	}
	c.client.NewOrderSingle(c.now, &Order{ClOrdID: []byte(id), Symbol: []byte(symbol), Type: book.Limit, Price: 100_000, Qty: 10})
}

func (c *conversation) step() {
	if !c.connected {
		c.connect()
		return
	}
	// Faults are rare enough that the session gets somewhere, and stop at last.
	if c.cuts < 12 && c.rng.Intn(60) == 0 {
		c.cuts++
		c.cut(c.rng.Intn(2) == 0)
		return
	}
	switch c.rng.Intn(8) {
	case 0, 1:
		c.toVenue = append(c.toVenue, c.client.Bytes()...)
		c.client.Sent(len(c.client.Bytes()))
		n := c.portion(len(c.toVenue))
		n = min(n, c.acceptor.Room())
		taken := c.acceptor.Receive(c.now, c.toVenue[:n])
		c.toVenue = c.toVenue[taken:]
	case 2, 3:
		n := c.portion(len(c.toClient))
		c.client.Receive(c.now, c.toClient[:n])
		c.toClient = c.toClient[n:]
		c.took()
	case 4:
		c.decide(c.portion(len(c.undecided)))
	case 5, 6:
		c.serve()
	case 7:
		c.now += int64(c.rng.Intn(1500)) * 1e6
		c.client.Tick(c.now)
		c.acceptor.Tick(c.now)
	}
	c.collect()
}

func (c *conversation) portion(n int) int {
	if n == 0 || c.rng.Intn(3) == 0 {
		return n
	}
	return 1 + c.rng.Intn(n)
}

// collect takes what the cores put out, and ends connections that a core has closed.
func (c *conversation) collect() {
	c.undecided = append(c.undecided, c.acceptor.Commands()...)
	sent := c.acceptor.Bytes()
	c.toClient = append(c.toClient, sent...)
	c.acceptor.Sent(len(sent))
	venueClosed, why := c.acceptor.Closed()
	clientClosed, reason := c.client.Closed()
	if strings.Contains(why+reason, "too low") || strings.Contains(why, "out of step") {
		c.t.Fatalf("venue: %s; client: %s", why, reason)
	}
	if venueClosed || clientClosed {
		c.cut(true)
	}
}

// decide applies the first n commands.
func (c *conversation) decide(n int) {
	for ; n > 0; n-- {
		c.stream = append(c.stream, c.venue.apply(&c.undecided[0], c.now)...)
		c.undecided = c.undecided[1:]
	}
}

// serve is the connection's writer: a resend first, then live events from where the cursor is.
func (c *conversation) serve() {
	if from, to, ok := c.acceptor.ResendRequest(); ok {
		c.resending, c.resendFrom, c.resendTo = true, from, to
	}
	if c.resending {
		for _, ev := range c.venue.store {
			if ev.OutSeq >= c.resendFrom && ev.OutSeq <= c.resendTo {
				c.acceptor.Resend(c.now, &ev)
				c.resendFrom = ev.OutSeq + 1
				if c.rng.Intn(10) == 0 {
					return
				}
			}
		}
		c.resending = false
		c.acceptor.ResendDone(c.now)
		return
	}
	for n := c.portion(len(c.stream) - c.cursor); n > 0; n-- {
		if _, _, asked := c.acceptor.ResendRequest(); asked {
			panic("ResendRequest was given twice")
		}
		if c.acceptor.resend.active {
			return
		}
		c.acceptor.Deliver(c.now, &c.stream[c.cursor])
		c.cursor++
		if c.acceptor.resend.active {
			return
		}
	}
}

// cut ends the connection. orderly: the leader lives, and the old connection's commands are decided and its end awaited; otherwise the leader
// dies with what was not decided.
func (c *conversation) cut(orderly bool) {
	c.client.Hangup(c.now)
	c.connected = false
	if !orderly {
		c.decide(c.rng.Intn(len(c.undecided) + 1))
		c.undecided = nil
		return
	}
	c.acceptor.Hangup(c.now)
	if c.resending {
		c.resending = false
	}
	for tries := 0; !c.acceptor.Over(); tries++ {
		if tries == 100 {
			c.t.Fatal("the old connection is never over")
		}
		c.undecided = append(c.undecided, c.acceptor.Commands()...)
		c.decide(len(c.undecided))
		for ; c.cursor < len(c.stream); c.cursor++ {
			c.acceptor.Deliver(c.now, &c.stream[c.cursor])
		}
	}
	if left := c.acceptor.Commands(); len(left) != 0 {
		c.t.Fatalf("a connection that is over has %d commands left", len(left))
	}
	c.undecided = nil
}

func (c *conversation) connect() {
	c.toVenue, c.toClient, c.resending = nil, nil, false
	c.floor.claimed = false
	c.acceptor = NewAcceptor(AcceptorConfig{}, c.floor)
	c.cursor = len(c.stream)
	c.client.Connect(c.now)
	c.connected = true
}

var volatileFields = regexp.MustCompile(`\x01(9|10|43|52|122)=[^\x01]*`)

// took looks at what the client received.
func (c *conversation) took() {
	for _, r := range c.client.Received() {
		if r.Is("4") {
			for n := r.Seq; n < r.NewSeqNo; n++ {
				c.covered[n] = true
			}
			continue
		}
		content := string(volatileFields.ReplaceAll(bytes.Clone(r.Raw), nil))
		if before, again := c.seen[r.Seq]; again {
			if before != content {
				c.t.Fatalf("number %d has two contents:\n%s\n%s", r.Seq, Readable([]byte(before)), Readable([]byte(content)))
			}
			if !r.PossDup {
				c.t.Fatalf("number %d came twice without 43=Y", r.Seq)
			}
			continue
		}
		c.seen[r.Seq] = content
		if r.Is("8") {
			id := string(trimNULs(r.ClOrdID[:]))
			switch r.ExecType {
			case '0':
				c.news[id]++
			case '8':
				c.rejects[id]++
			}
		}
	}
}

func (c *conversation) check(orders int) {
	for n := 0; n < orders; n++ {
		id := fmt.Sprintf("o%d", n)
		if c.news[id]+c.rejects[id] != 1 {
			c.t.Errorf("%s: %d New, %d Rejected", id, c.news[id], c.rejects[id])
		}
	}
	in, _ := c.client.Numbers()
	for n := uint64(1); n < in; n++ {
		if c.seen[n] == "" && !c.covered[n] {
			c.t.Errorf("number %d never came", n)
		}
	}
	// An application message must not be filled over while the store has it.
	for i := range c.venue.store {
		if ev := &c.venue.store[i]; Application(ev) && c.seen[ev.OutSeq] == "" {
			c.t.Errorf("application message %d was filled over", ev.OutSeq)
		}
	}
	if len(c.venue.orders) != len(c.news) {
		c.t.Errorf("the venue has %d orders, the client knows of %d", len(c.venue.orders), len(c.news))
	}
}
