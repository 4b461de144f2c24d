package server

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"exchange/marketdata/ws"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"
)

// webServer answers the public questions about the market, in the shape of Coinbase Exchange:
//
//	GET /ws                                    the WebSocket feed (so does any other path, asked with Upgrade)
//	GET /products[/ID]                         what is traded
//	GET /products/ID/book?level=1|2|3          best prices, all prices, all orders
//	GET /products/ID/trades[?limit=&before=&after=]
//	GET /products/ID/ticker, /products/ID/stats
//	GET /products/ID/candles?granularity=60|300|900|3600|21600|86400[&start=&end=]
//	GET /currencies[/ID], /time
//
// An error is {"message":…}, as there.
type webServer struct {
	feed     *webFeed
	upgrader websocket.FastHTTPUpgrader
}

func newWebServer(feed *webFeed) *webServer {
	s := &webServer{feed: feed}
	s.upgrader = websocket.FastHTTPUpgrader{
		HandshakeTimeout: httpReadTimeout, ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10,
		CheckOrigin: func(c *fasthttp.RequestCtx) bool { return s.mayRead(c) },
	}
	return s
}

// mayRead tells whether the page that asks may read the answer: a program (no Origin), a page of this host, or one that the configuration names.
func (s *webServer) mayRead(c *fasthttp.RequestCtx) bool {
	origin := string(c.Request.Header.Peek("Origin"))
	if origin == "" || slices.Contains(s.feed.cfg.Origins, "*") || slices.Contains(s.feed.cfg.Origins, origin) {
		return true
	}
	_, host, ok := strings.Cut(origin, "://")
	return ok && strings.EqualFold(host, string(c.Host()))
}

func (s *webServer) handle(c *fasthttp.RequestCtx) {
	if !c.IsGet() {
		s.refuse(c, fasthttp.StatusMethodNotAllowed, "only GET is answered here")
		return
	}
	if origin := c.Request.Header.Peek("Origin"); len(origin) > 0 {
		c.Response.Header.Set("Vary", "Origin")
		if s.mayRead(c) {
			c.Response.Header.SetBytesV("Access-Control-Allow-Origin", origin)
		}
	}
	path := strings.Trim(string(c.Path()), "/")
	if path == "ws" || c.Request.Header.ConnectionUpgrade() {
		s.webSocket(c)
		return
	}
	parts := strings.Split(path, "/")
	switch {
	case path == "time":
		s.give(c, func(dst []byte) []byte { return ws.AppendTime(dst, time.Now().UnixNano()) })
	case parts[0] == "currencies" && len(parts) <= 2, parts[0] == "products" && len(parts) <= 3:
		if err := s.feed.current(); err != nil {
			c.Response.Header.Set("Retry-After", "1")
			s.refuse(c, fasthttp.StatusServiceUnavailable, err.Error())
			return
		}
		defer s.feed.mu.Unlock()
		s.market(c, parts)
	default:
		s.refuse(c, fasthttp.StatusNotFound, "not found: there are /products, /products/ID/book, trades, ticker, candles and stats, /currencies, /time and /ws; /v1/status of the replica")
	}
}

// webSocket makes a WebSocket connection of the request.
func (s *webServer) webSocket(c *fasthttp.RequestCtx) {
	if s.feed.cfg.MaxConnections == 0 {
		s.refuse(c, fasthttp.StatusServiceUnavailable, "WebSocket is not served here: web.max_connections is 0")
		return
	}
	_ = s.upgrader.Upgrade(c, s.feed.serveWebSocket) // what is wrong with the handshake it has answered itself
}

// refuse answers with an error.
func (s *webServer) refuse(c *fasthttp.RequestCtx, status int, message string) {
	c.Response.ResetBody()
	c.SetStatusCode(status)
	answer(c, map[string]string{"message": message})
}

// give answers with JSON that is appended.
func (s *webServer) give(c *fasthttp.RequestCtx, body func(dst []byte) []byte) {
	c.SetContentType("application/json")
	c.Response.SetBodyRaw(body(nil))
}

// market answers a question about products or currencies. The feed is locked.
func (s *webServer) market(c *fasthttp.RequestCtx, parts []string) {
	m := s.feed.market
	switch {
	case parts[0] == "currencies" && len(parts) == 1:
		s.give(c, m.AppendCurrencies)
		return
	case parts[0] == "currencies":
		if text := m.AppendCurrency(nil, parts[1]); text != nil {
			s.give(c, func([]byte) []byte { return text })
			return
		}
		s.refuse(c, fasthttp.StatusNotFound, "no such currency: /currencies lists those there are")
		return
	case len(parts) == 1:
		s.give(c, m.AppendProducts)
		return
	}
	p := m.Product(parts[1])
	if p == nil {
		s.refuse(c, fasthttp.StatusNotFound, "no such product: /products lists those there are")
		return
	}
	if len(parts) == 2 {
		s.give(c, func(dst []byte) []byte { return m.AppendProduct(dst, p) })
		return
	}
	switch parts[2] {
	case "book":
		s.book(c, p)
	case "trades":
		s.trades(c, p)
	case "ticker":
		s.give(c, func(dst []byte) []byte { return m.AppendTickerAnswer(dst, p) })
	case "stats":
		s.give(c, func(dst []byte) []byte { return m.AppendStats(dst, p) })
	case "candles":
		s.candles(c, p)
	default:
		s.refuse(c, fasthttp.StatusNotFound, "not found: a product has book, trades, ticker, stats and candles")
	}
}

func (s *webServer) book(c *fasthttp.RequestCtx, p *ws.Product) {
	level, ok := s.number(c, "level", 1, 1, 3)
	if ok {
		s.give(c, func(dst []byte) []byte { return s.feed.market.AppendBook(dst, p, int(level)) })
	}
}

// trades pages as Coinbase does: cb-before names the newest trade of the answer, cb-after the oldest; after=ID asks for older ones, before=ID for newer ones.
func (s *webServer) trades(c *fasthttp.RequestCtx, p *ws.Product) {
	limit, ok := s.number(c, "limit", ws.TradesKept, 1, ws.TradesKept)
	older, okOlder := s.number(c, "after", 0, 0, math.MaxInt64)
	newer, okNewer := s.number(c, "before", 0, 0, math.MaxInt64)
	if !ok || !okOlder || !okNewer {
		return
	}
	text, first, last := s.feed.market.AppendTrades(nil, p, int(limit), uint64(older), uint64(newer))
	if first != 0 {
		c.Response.Header.Set("cb-before", strconv.FormatUint(first, 10))
		c.Response.Header.Set("cb-after", strconv.FormatUint(last, 10))
	}
	s.give(c, func([]byte) []byte { return text })
}

func (s *webServer) candles(c *fasthttp.RequestCtx, p *ws.Product) {
	granularity, ok := s.number(c, "granularity", 60, 1, math.MaxInt64)
	start, okStart := s.moment(c, "start", 0)
	end, okEnd := s.moment(c, "end", math.MaxInt64)
	switch {
	case !ok || !okStart || !okEnd:
	case !slices.Contains(ws.Granularities, granularity):
		s.refuse(c, fasthttp.StatusBadRequest, fmt.Sprintf("granularity: one of %v seconds is needed", ws.Granularities))
	case c.QueryArgs().Has("start") && c.QueryArgs().Has("end") && (end-start)/granularity > ws.CandlesGiven:
		s.refuse(c, fasthttp.StatusBadRequest, fmt.Sprintf("start, end: more than %d candles lie between them", ws.CandlesGiven))
	default:
		s.give(c, func(dst []byte) []byte { return s.feed.market.AppendCandles(dst, p, granularity, start, end) })
	}
}

// number reads a parameter; false: it is wrong, which was answered.
func (s *webServer) number(c *fasthttp.RequestCtx, name string, absent, lo, hi int64) (int64, bool) {
	text := c.QueryArgs().Peek(name)
	if len(text) == 0 {
		return absent, true
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < lo || n > hi {
		s.refuse(c, fasthttp.StatusBadRequest, fmt.Sprintf("%s: a number from %d to %d is needed", name, lo, hi))
		return 0, false
	}
	return n, true
}

// moment reads a time: RFC 3339, or seconds since the Unix epoch.
func (s *webServer) moment(c *fasthttp.RequestCtx, name string, absent int64) (int64, bool) {
	text := string(c.QueryArgs().Peek(name))
	if text == "" {
		return absent, true
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Unix(), true
		}
	}
	s.refuse(c, fasthttp.StatusBadRequest, name+": a time like 2026-03-09T14:30:00Z or seconds since 1970 are needed")
	return 0, false
}
