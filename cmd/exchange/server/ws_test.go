package server

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"exchange/book"
	"exchange/marketdata/feed"
	"exchange/marketdata/itch"
	"exchange/marketdata/ws"

	"github.com/fasthttp/websocket"
	"github.com/rs/zerolog"
	"github.com/valyala/fasthttp"
)

// webVenue is a state machine whose feed any number of replicas have.
type webVenue struct {
	t        testing.TB
	market   *book.Market
	messages [][]byte
	infos    []itch.InstrumentInfo
	time     int64
	names    int
}

// webReplica is the part of a replica that serves the market: a copy of the feed, as far as it was given, and the port.
type webReplica struct {
	venue   *webVenue
	store   *feed.Store
	feed    *webFeed
	address string
	time    atomic.Int64 // of the last command it has
}

func openWebVenue(t testing.TB) *webVenue {
	limits := book.Limits{Orders: 1 << 12, ClientIDs: 1 << 18, PriceNodes: 1 << 12, Instruments: 4, Participants: 2, Sessions: 2}
	v := &webVenue{t: t, market: book.NewMarket(limits), infos: make([]itch.InstrumentInfo, 1), time: time.Date(2026, 3, 9, 14, 30, 0, 0, time.UTC).UnixNano()}
	v.apply(book.Command{Kind: book.SystemEvent, Code: 'O'})
	v.apply(book.Command{Kind: book.ListInstrument, ClientID: marketName("ABC"), Price: 100, Qty: 1})
	v.apply(book.Command{Kind: book.ListInstrument, ClientID: marketName("XYZ"), Price: 100, Qty: 1})
	v.apply(book.Command{Kind: book.AddParticipant, ClientID: marketName("P")})
	v.apply(book.Command{Kind: book.AddSession, ClientID: marketName("S"), OrigID: marketName("P"), Protocol: book.FIX})
	v.apply(book.Command{Kind: book.Logon, Session: 1, InSeq: 1, Seconds: 30})
	v.apply(book.Command{Kind: book.SystemEvent, Code: 'Q'})
	return v
}

func marketName(s string) (c book.ClientID) {
	copy(c[:], s)
	return c
}

func (v *webVenue) apply(c book.Command) {
	v.time += int64(time.Millisecond)
	c.Time = v.time
	for _, e := range v.market.Apply(&c, nil) {
		if e.Kind == book.InstrumentListed {
			v.infos = append(v.infos, itch.MakeInstrumentInfo(name(e.ClientID), e.Price, e.Qty))
		}
		if e.FeedSeq != 0 {
			v.messages = append(v.messages, itch.AppendEvent(nil, &e, v.infos[e.Instrument]))
		}
	}
}

// order enters an order of instrument 1.
func (v *webVenue) order(side book.Side, qty, price int64) {
	v.names++
	v.apply(book.Command{Kind: book.Enter, Session: 1, Epoch: 1, Instrument: 1, ClientID: marketName(fmt.Sprint("o", v.names)), Side: side, Qty: qty, Price: price})
}

// trade makes n orders of which every second one trades with the one before.
func (v *webVenue) trade(n int) {
	for i := range n {
		v.order(book.Side(i&1), 1+int64(i/2%7), 1000)
	}
}

// replica opens one with a port of its own.
func (v *webVenue) replica(change func(*Web)) *webReplica {
	r := &webReplica{venue: v, store: feed.NewStore(1 << 30)}
	cfg := defaultWeb()
	if change != nil {
		change(&cfg)
	}
	r.catchUp(len(v.messages))
	decided := func() (uint64, int64) { return r.store.Next() - 1, r.time.Load() }
	r.feed = newWebFeed(r.store, cfg, "DAY0000001", func(string) int64 { return 100 }, decided, zerolog.Nop())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		v.t.Fatal(err)
	}
	r.address = l.Addr().String()
	web := newWebServer(r.feed)
	port := newHTTPPort(l, func(c *fasthttp.RequestCtx) {
		if isInner(c.Path()) {
			fmt.Fprintf(c, "inner %d", len(c.QueryArgs().Peek("long")))
			return
		}
		web.handle(c)
	}, cfg.MaxConnections)
	go port.serve()
	go r.feed.run()
	v.t.Cleanup(func() {
		l.Close()
		r.feed.close()
	})
	return r
}

// catchUp gives the replica the feed up to so many messages.
func (r *webReplica) catchUp(messages int) {
	r.time.Store(r.venue.time)
	for n := r.store.Next(); int(n) <= messages; n++ {
		r.store.Append(n, r.venue.messages[n-1])
	}
	r.store.Publish()
}

func (r *webReplica) news() { r.catchUp(len(r.venue.messages)) }

// webConn is a client.
type webConn struct {
	t    testing.TB
	conn *websocket.Conn
}

func (r *webReplica) dial() *webConn {
	r.venue.t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+r.address+"/ws", nil)
	if err != nil {
		r.venue.t.Fatal(err)
	}
	r.venue.t.Cleanup(func() { conn.Close() })
	return &webConn{r.venue.t, conn}
}

func (c *webConn) say(text string) {
	if err := c.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

type webMessage struct {
	Type, Message, Reason, Session string
	Sequence                       uint64
	Previous                       uint64 `json:"prev_sequence"`
	text                           string
}

// hear gives the next message; an error, if the connection ended.
func (c *webConn) hear() (m webMessage, err error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, text, err := c.conn.ReadMessage()
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		c.t.Fatalf("%v: %s", err, text)
	}
	m.text = string(text)
	return m, nil
}

// expect hears messages of these types in this order.
func (c *webConn) expect(types ...string) (all []webMessage) {
	c.t.Helper()
	for _, want := range types {
		m, err := c.hear()
		if err != nil || m.Type != want {
			c.t.Fatalf("heard %q (%v), expected %s", m.text, err, want)
		}
		all = append(all, m)
	}
	return all
}

func TestWebSocketChannels(t *testing.T) {
	v := openWebVenue(t)
	v.order(book.Buy, 100, 1000)
	r := v.replica(nil)
	c := r.dial()
	c.say(`{"type":"subscribe","product_ids":["ABC-USD"],"channels":["level2","full","matches","ticker","status"]}`)
	c.expect("subscriptions", "snapshot", "status")
	v.order(book.Sell, 40, 1000)
	r.news()
	seen := map[string]int{}
	for range 6 {
		m, err := c.hear()
		if err != nil {
			t.Fatal(err)
		}
		seen[m.Type]++
	}
	if seen["received"] != 1 || seen["match"] != 2 || seen["done"] != 1 || seen["l2update"] != 1 || seen["ticker"] != 1 {
		t.Errorf("heard %v", seen)
	}
	c.say(`{"type":"unsubscribe","product_ids":["ABC-USD"],"channels":["level2","full","ticker"]}`)
	if m := c.expect("subscriptions")[0]; strings.Contains(m.text, "level2") || !strings.Contains(m.text, `{"name":"matches","product_ids":["ABC-USD"]}`) {
		t.Errorf("after leaving: %s", m.text)
	}
	v.order(book.Sell, 10, 1000)
	v.apply(book.Command{Kind: book.TradingAction, Instrument: 1, Code: 'H'})
	r.news()
	c.expect("match", "status")
	c.say(`{"type":"subscribe","product_ids":["ABC-USD"],"channels":["heartbeat","ticker","matches"]}`)
	c.expect("subscriptions", "ticker", "heartbeat")
}

// lastSequence is the sequence of the last event of ABC-USD.
func (v *webVenue) lastSequence() uint64 {
	m := ws.NewMarket(ws.Config{})
	for _, message := range v.messages {
		if err := m.Apply(message); err != nil {
			v.t.Fatal(err)
		}
	}
	if err := m.Settle(); err != nil {
		v.t.Fatal(err)
	}
	return m.Product("ABC-USD").Sequence()
}

// TestWebSocketGoesOnElsewhere: a client reads from one replica and is cut again and again, in the middle of things; it goes on at the other one, which has not
// come so far yet. What it heard is all there was, in order, and no number twice.
func TestWebSocketGoesOnElsewhere(t *testing.T) {
	v := openWebVenue(t)
	v.trade(100)
	replicas := []*webReplica{v.replica(nil), v.replica(nil)}
	last := uint64(0)
	const rounds = 12
	for round := range rounds {
		r := replicas[round%2]
		c := r.dial()
		c.say(fmt.Sprintf(`{"type":"subscribe","product_ids":["ABC-USD"],"channels":["full"],"from_sequence":%d,"session":"DAY0000001"}`, last))
		if m := c.expect("subscriptions")[0]; m.Session != "DAY0000001" {
			t.Fatalf("session %q", m.Session)
		}
		v.trade(60)
		r.news() // the other one is left behind
		until := v.lastSequence()
		if round < rounds-1 {
			until -= uint64(17 * round % 40)
		}
		for last < until {
			m, err := c.hear()
			if err != nil || m.Sequence != last+1 {
				t.Fatalf("round %d behind %d: %v: %s", round, last, err, m.text)
			}
			last = m.Sequence
		}
		c.conn.Close()
	}
	if want := v.lastSequence(); last != want || want < 1000 {
		t.Errorf("heard up to %d of %d", last, want)
	}
}

// TestWebSocketWaitsForWhatOthersSaw: a client that saw more than this replica has is kept until it has it, and told if that does not come.
func TestWebSocketWaitsForWhatOthersSaw(t *testing.T) {
	v := openWebVenue(t)
	v.order(book.Buy, 1, 1000) // sequences 1 and 2
	r := v.replica(nil)
	c := r.dial()
	c.say(`{"type":"subscribe","product_ids":["ABC-USD"],"channels":["full","level2"],"from_sequence":4}`)
	c.expect("subscriptions")
	v.order(book.Buy, 1, 1000)
	r.news()
	v.order(book.Buy, 1, 1000)
	r.news()
	heard := map[string]uint64{}
	for range 3 {
		m, err := c.hear()
		if err != nil {
			t.Fatal(err)
		}
		heard[m.Type] = m.Sequence
	}
	if heard["received"] != 5 || heard["open"] != 6 || heard["l2update"] != 6 {
		t.Errorf("heard %v", heard)
	}

	late := v.replica(nil)
	late.feed.ahead = 10 * time.Millisecond
	c = late.dial()
	c.say(`{"type":"subscribe","product_ids":["ABC-USD"],"channels":["full"],"from_sequence":1000}`)
	all := c.expect("subscriptions", "error", "subscriptions")
	if all[1].Message != "not_yet" || strings.Contains(all[2].text, "full") {
		t.Errorf("%s\n%s", all[1].text, all[2].text)
	}
	c.say(`{"type":"subscribe","product_ids":["ABC-USD"],"channels":["full"],"from_sequence":1,"session":"DAY0000002"}`)
	if m := c.expect("error")[0]; m.Message != "other_session" {
		t.Errorf("%s", m.text)
	}
}

// TestWebSocketSlowReader: a client that does not read is cut when its queue is full. What it then finds has no hole: events in order, and behind them the
// reason and a close frame. Another client is not held up.
func TestWebSocketSlowReader(t *testing.T) {
	v := openWebVenue(t)
	r := v.replica(func(w *Web) { w.MaxQueueBytes = 256 << 10 })
	dialer := websocket.Dialer{NetDial: func(network, address string) (net.Conn, error) {
		c, err := net.Dial(network, address)
		if err == nil {
			err = c.(*net.TCPConn).SetReadBuffer(64 << 10)
		}
		return c, err
	}}
	conn, _, err := dialer.Dial("ws://"+r.address+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	slow, quick := &webConn{t, conn}, r.dial()
	for _, c := range []*webConn{slow, quick} {
		c.say(`{"type":"subscribe","product_ids":["ABC-USD"],"channels":["full"]}`)
		c.expect("subscriptions")
	}
	last := uint64(0)
	for cut := false; !cut; {
		v.trade(100) // far less than a queue, however late the quick client's turn comes
		r.news()
		for end := uint64(0); end < v.market.Trades(); {
			m, err := quick.hear()
			if err != nil || m.Sequence != last+1 {
				t.Fatalf("sequence %d behind %d: %v", m.Sequence, last, err)
			}
			last = m.Sequence
			var trade struct {
				ID uint64 `json:"trade_id"`
			}
			_ = json.Unmarshal([]byte(m.text), &trade)
			end = max(end, trade.ID)
		}
		if last > 2_000_000 {
			t.Fatal("the slow client was never cut")
		}
		r.feed.mu.Lock()
		for c := range r.feed.clients {
			c.mu.Lock()
			cut = cut || c.closing
			c.mu.Unlock()
		}
		cut = cut || len(r.feed.clients) == 1
		r.feed.mu.Unlock()
	}
	heard := uint64(0)
	for {
		m, err := slow.hear()
		if err != nil {
			t.Fatalf("ended without a reason behind sequence %d: %v", heard, err)
		}
		if m.Type == "error" {
			if m.Message != "slow consumer" || m.Reason == "" {
				t.Errorf("%s", m.text)
			}
			break
		}
		if m.Sequence != heard+1 {
			t.Fatalf("sequence %d behind %d", m.Sequence, heard)
		}
		heard = m.Sequence
	}
	if _, err := slow.hear(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
		t.Errorf("the end: %v", err)
	}
	if heard == 0 || heard >= last {
		t.Errorf("the slow client heard %d of %d", heard, last)
	}
}

func TestWebSocketRules(t *testing.T) {
	v := openWebVenue(t)
	r := v.replica(func(w *Web) {
		w.MaxSubscriptions, w.MessageBurst, w.Messages, w.Origins = 3, 30, 1, []string{"https://friend.example"}
	})
	c := r.dial()
	for _, test := range []struct{ say, message string }{
		{`{"type":"subscribe","product_ids":["NO-USD"],"channels":["full"]}`, "unknown product"},
		{`{"type":"subscribe","product_ids":["ABC-USD","XYZ-USD"],"channels":["full","level2"]}`, "too many subscriptions"},
		{`{"type":"subscribe"}`, "request not understood"},
		{`nonsense`, "request not understood"},
	} {
		c.say(test.say)
		if m := c.expect("error")[0]; m.Message != test.message || m.Reason == "" {
			t.Errorf("%s: %s", test.say, m.text)
		}
	}
	for range 40 {
		if c.conn.WriteMessage(websocket.TextMessage, []byte(`{}`)) != nil {
			break
		}
	}
	m := webMessage{}
	for err := error(nil); m.Message != "too many messages"; {
		if m, err = c.hear(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.hear(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
		t.Errorf("the end: %v", err)
	}

	for name, send := range map[string]func(*webConn){
		"in one frame": func(c *webConn) { c.say(strings.Repeat(" ", ws.MaxRequest+1)) },
		"in pieces": func(c *webConn) {
			w, err := c.conn.NextWriter(websocket.TextMessage)
			if err != nil {
				t.Fatal(err)
			}
			for range ws.MaxRequest/1024 + 8 { // its end is not even sent
				if _, err := w.Write(make([]byte, 1024)); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		c = r.dial()
		send(c)
		if m := c.expect("error")[0]; m.Message != "message too long" || m.Reason == "" {
			t.Errorf("too long a message %s: %s", name, m.text)
		}
		if _, err := c.hear(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
			t.Errorf("too long a message %s: %v", name, err)
		}
	}

	c = r.dial()
	if err := c.conn.WriteMessage(websocket.BinaryMessage, []byte{1}); err != nil {
		t.Fatal(err)
	}
	c.expect("error")

	hasty := v.replica(nil)
	hasty.feed.subscribeWithin = time.Millisecond
	if m := hasty.dial().expect("error")[0]; m.Message != "nothing subscribed" {
		t.Errorf("%s", m.text)
	}

	for origin, status := range map[string]int{"https://friend.example": 101, "http://" + r.address: 101, "https://stranger.example": 403, "null": 403} {
		conn, response, err := websocket.DefaultDialer.Dial("ws://"+r.address, http.Header{"Origin": {origin}})
		if err == nil {
			conn.Close()
		}
		if response == nil || response.StatusCode != status {
			t.Errorf("origin %s: %v, %v", origin, response, err)
		}
	}
}

func TestWebSocketLimitOfConnections(t *testing.T) {
	v := openWebVenue(t)
	r := v.replica(func(w *Web) { w.MaxConnections = 1 })
	c := r.dial()
	c.say(`{"type":"subscribe","channels":["status"]}`)
	c.expect("subscriptions", "status")
	if m := r.dial().expect("error")[0]; !strings.Contains(m.Reason, "too many connections") {
		t.Errorf("%s", m.text)
	}
}

// ask sends one request over a connection of its own: a connection keeps the side of its first request.
func (r *webReplica) ask(path string) (*http.Response, error) {
	fresh := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return fresh.Get("http://" + r.address + path)
}

func (r *webReplica) get(path string) (status int, body string, header http.Header) {
	response, err := r.ask(path)
	if err != nil {
		r.venue.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.venue.t.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header
}

func TestRESTAnswers(t *testing.T) {
	v := openWebVenue(t)
	v.order(book.Buy, 100, 1000)
	v.order(book.Sell, 30, 1000)
	r := v.replica(nil)
	id := "00000000-0000-0000-0000-000000000001"
	for _, test := range []struct {
		path   string
		status int
		want   string
	}{
		{"/products", 200, `[{"id":"ABC-USD","base_currency":"ABC"`},
		{"/products/XYZ-USD", 200, `{"id":"XYZ-USD"`},
		{"/products/ABC-USD/book", 200, `"bids":[["10.00","70",1]],"asks":[]}`},
		{"/products/ABC-USD/book?level=2", 200, `"bids":[["10.00","70",1]],"asks":[]}`},
		{"/products/ABC-USD/book?level=3", 200, `"bids":[["10.00","70","` + id + `"]],"asks":[]}`},
		{"/products/ABC-USD/book?level=4", 400, `{"message":"level: a number from 1 to 3 is needed"}`},
		{"/products/ABC-USD/trades", 200, `[{"trade_id":1,"side":"buy","size":"30","price":"10.00","time":"2026-03-09T14:30:00.`},
		{"/products/ABC-USD/trades?limit=x", 400, `{"message":"limit`},
		{"/products/ABC-USD/trades?after=1", 200, `[]`},
		{"/products/ABC-USD/ticker", 200, `"price":"10.00","size":"30","bid":"10.00","ask":null,"volume":"30"`},
		{"/products/ABC-USD/stats", 200, `{"open":"10.00","high":"10.00","low":"10.00","last":"10.00","volume":"30"`},
		{"/products/ABC-USD/candles?granularity=3600", 200, `[[1773064800,10.00,10.00,10.00,10.00,30]]`},
		{"/products/ABC-USD/candles?granularity=60&start=2026-03-09T15:00:00Z", 200, `[]`},
		{"/products/ABC-USD/candles?granularity=61", 400, `{"message":"granularity`},
		{"/products/ABC-USD/candles?granularity=60&start=0&end=2026-03-09", 400, `{"message":"start, end`},
		{"/products/ABC-USD/candles?start=yesterday", 400, `{"message":"start`},
		{"/currencies", 200, `[{"id":"ABC"`},
		{"/currencies/USD", 200, `{"id":"USD"`},
		{"/currencies/EUR", 404, `{"message":"no such currency`},
		{"/products/NO-USD/book", 404, `{"message":"no such product`},
		{"/products/ABC-USD/nothing", 404, `{"message":"not found`},
		{"/time", 200, `{"iso":"20`},
		{"/", 404, `{"message":"not found`},
		{"/v1/anything", 200, `inner 0`},
		{"/metrics", 200, `inner 0`},
		{"/metric", 404, `{"message":"not found`},
	} {
		status, body, _ := r.get(test.path)
		if status != test.status || !strings.Contains(body, test.want) {
			t.Errorf("%s: %d %s\nwant %d %s", test.path, status, body, test.status, test.want)
		}
		if status == 200 && !isInner([]byte(test.path)) && !json.Valid([]byte(body)) {
			t.Errorf("%s: not JSON: %s", test.path, body)
		}
	}
	if _, _, header := r.get("/products/ABC-USD/trades"); header.Get("cb-before") != "1" || header.Get("cb-after") != "1" {
		t.Errorf("pages: %v", header)
	}
	// What was decided before a question is in its answer.
	for i := range int64(50) {
		v.order(book.Buy, 1, 900+i)
		r.news()
		if _, body, _ := r.get("/products/ABC-USD/book?level=3"); !strings.Contains(body, fmt.Sprintf(`"9.%02d"`, i)) {
			t.Fatalf("order %d is not in %s", i, body)
		}
	}
	v.trade(4 * webSlice)
	r.news()
	want := fmt.Sprintf(`{"sequence":%d,`, v.lastSequence())
	if _, body, _ := r.get("/products/ABC-USD/book"); !strings.HasPrefix(body, want) {
		t.Errorf("many slices behind: %.60s, want %s", body, want)
	}
	response, err := http.Post("http://"+r.address+"/products", "text/plain", nil)
	if err != nil || response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %v, %v", response, err)
	}
}

// TestPortHasTwoSides: the inner side takes long heads, the public one does not; a connection that comes byte by byte is told apart all the same.
func TestPortHasTwoSides(t *testing.T) {
	r := openWebVenue(t).replica(nil)
	long := strings.Repeat("x", 100_000)
	if status, body, _ := r.get("/v1/state?long=" + long); status != 200 || body != "inner 100000" {
		t.Errorf("inner: %d %s", status, body)
	}
	// It may end the connection before all of the head is sent.
	if response, err := r.ask("/time?long=" + long); err == nil {
		if response.Body.Close(); response.StatusCode == http.StatusOK {
			t.Errorf("the public side took a head of 100,000 bytes")
		}
	}
	c, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, b := range []byte("GET /v1/x HTTP/1.1\r\nHost: x\r\n\r\n") {
		if _, err := c.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.Contains(line, "200") {
		t.Errorf("byte by byte: %s %v", line, err)
	}
}

// TestWebWithoutTheBeginning: a replica that has lost the feed's first messages says so instead of showing half a book.
func TestWebWithoutTheBeginning(t *testing.T) {
	v := openWebVenue(t)
	store := feed.NewStore(0)
	for n := uint64(1); store.First() == 1; n++ {
		store.Append(n, v.messages[0])
		store.Publish()
	}
	f := newWebFeed(store, defaultWeb(), "DAY", nil, func() (uint64, int64) { return store.Next() - 1, v.time }, zerolog.Nop())
	cfg := DefaultConfig()
	f.elsewhere = elsewhere(&cfg)
	const where = "ask another replica (127.0.0.1:9152, 127.0.0.1:9153)"
	if err := f.current(); err == nil || !strings.Contains(err.Error(), where) {
		t.Errorf("%v", err)
	}
	if bad := f.request(nil, &ws.Request{Subscribe: true}); bad == nil || !strings.Contains(bad.reason, where) {
		t.Errorf("a subscription: %+v", bad)
	}
	var asked fasthttp.RequestCtx
	asked.Request.SetRequestURI("http://replica/products")
	newWebServer(f).handle(&asked)
	if asked.Response.StatusCode() != fasthttp.StatusServiceUnavailable || !strings.Contains(string(asked.Response.Body()), where) {
		t.Errorf("%d %s", asked.Response.StatusCode(), asked.Response.Body())
	}
	empty := feed.NewStore(0)
	f = newWebFeed(empty, defaultWeb(), "DAY", nil, func() (uint64, int64) { return 0, 0 }, zerolog.Nop())
	if err := f.current(); !errors.Is(err, errNotOpen) {
		t.Errorf("%v", err)
	}
}
