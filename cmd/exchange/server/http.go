package server

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// httpServer answers questions about this replica and gives its state to one that comes back:
//
//	GET /v1/status[?full=1]   what Status says; full adds the hash of the whole state, computed by the loop
//	GET /v1/hash?index=N      state hash after command N
//	GET /v1/feed/hash?number=N  rolling hash over the feed's messages up to N (twins.go)
//	GET /v1/books             every order that the feed shows, as the engine has it (books.go)
//	GET /metrics              figures in the text format of Prometheus (metrics.go)
//	GET /v1/state[/stores|/entries]  the state for a replica of this cluster, in three parts (transfer.go)
//	POST /v1/switchover[?to=ID]  this replica, which leads, hands over (switchover.go)
//	POST /v1/end-day, /v1/halt?symbol=S, /v1/resume?symbol=S  asks the leader (day.go)
//
// and, on the same port, everybody's questions about the market (rest.go, ws_feed.go).
type httpServer struct {
	r    *Replica
	port httpPort
	// secure is the port with TLS, where there is one: for the market alone.
	secure *httpPort
	feed   *webFeed
	web    *webServer
}

const (
	httpMaxConnections = 256
	httpMaxPublic      = 1024      // connections with questions about the market; WebSocket ones no longer count once they are made
	httpMaxBody        = 1 << 10   // nothing that is asked here has a body
	httpReadBuffer     = 256 << 10 // a state's query names every session
	httpReadTimeout    = 5 * time.Second
	httpIdleTimeout    = 30 * time.Second
)

func listenHTTP(r *Replica) (*httpServer, error) {
	m, _ := r.cfg.Member(r.cfg.ID)
	l, err := listen("http", m.HTTP)
	if err != nil {
		return nil, err
	}
	h := &httpServer{r: r}
	h.feed = newWebFeed(r.outbox.feed, r.cfg.Web, r.cfg.FeedSession, h.tick, h.decided, r.log)
	h.feed.elsewhere = elsewhere(r.cfg)
	h.web = newWebServer(h.feed)
	h.port = newHTTPPort(l, h.handle, r.cfg.Web.MaxConnections)
	secure, err := r.cfg.marketTLS()
	if err == nil && m.HTTPTLS != "" {
		var all []net.Listener
		if all, err = listenAll(secure, portSetting{"http_tls", m.HTTPTLS, true}); err == nil {
			port := newHTTPPort(all[0], h.web.handle, r.cfg.Web.MaxConnections)
			h.secure = &port
		}
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return h, nil
}

// elsewhere lists the other replicas' addresses: " (A, B)".
func elsewhere(cfg *Config) string {
	var others []string
	for _, m := range cfg.Members {
		if m.ID != cfg.ID {
			others = append(others, m.HTTP)
		}
	}
	if len(others) == 0 {
		return ""
	}
	return " (" + strings.Join(others, ", ") + ")"
}

// newHTTPPort makes the port's two sides around one handler.
func newHTTPPort(l net.Listener, handle fasthttp.RequestHandler, webSockets int) httpPort {
	side := func(connections, head int) *fasthttp.Server {
		return &fasthttp.Server{
			Handler: handle, Name: "exchange", Concurrency: connections, ReadTimeout: httpReadTimeout, IdleTimeout: httpIdleTimeout,
			NoDefaultDate: true, ReadBufferSize: head, Logger: quiet{}, CloseOnShutdown: true, MaxRequestBodySize: httpMaxBody,
		}
	}
	return httpPort{
		listener: l, inner: side(httpMaxConnections, httpReadBuffer), public: side(httpMaxPublic, webReadBuffer),
		limit: int64(httpMaxConnections + httpMaxPublic + webSockets + portUndecided),
	}
}

// tick is an instrument's, from the replicated state.
func (h *httpServer) tick(symbol string) int64 {
	i, _ := h.r.directory.Instrument([]byte(symbol))
	return i.Tick
}

// decided is what the status says of the last message and the time.
func (h *httpServer) decided() (uint64, int64) {
	if s := h.r.status.Load(); s != nil {
		return s.FeedNumber, s.Time
	}
	return 0, 0
}

// listen opens a TCP port, or says which setting to change.
func listen(setting, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s port %s cannot be opened: %w; stop what uses it, or change %s in [[members]]", setting, address, err, setting)
	}
	return l, nil
}

// quiet swallows fasthttp's own lines about broken connections.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

func (h *httpServer) serve() {
	go h.feed.run()
	if h.secure != nil {
		go h.secure.serve()
	}
	h.port.serve()
}

func (h *httpServer) close() {
	_ = h.port.listener.Close()
	if h.secure != nil {
		_ = h.secure.listener.Close()
	}
	h.feed.close()
}

func (h *httpServer) handle(c *fasthttp.RequestCtx) {
	path := string(c.Path())
	if !isInner(c.Path()) {
		h.web.handle(c)
		return
	}
	changes := path == "/v1/switchover" || path == "/v1/end-day" || path == "/v1/halt" || path == "/v1/resume"
	if changes != c.IsPost() || !changes && !c.IsGet() {
		c.Error("GET is answered here, and POST for what changes something", fasthttp.StatusMethodNotAllowed)
		return
	}
	if changes && len(c.Request.Header.Peek("Origin")) > 0 {
		c.Error("no page in a browser may change anything: ask with the program exchange", fasthttp.StatusForbidden)
		return
	}
	switch path {
	case "/v1/status":
		h.status(c)
	case "/v1/hash":
		h.hash(c)
	case "/v1/state", "/v1/state/stores":
		h.state(c, path != "/v1/state")
	case "/v1/state/entries":
		h.entries(c)
	case "/v1/switchover":
		h.switchover(c)
	case "/v1/end-day":
		h.endDay(c)
	case "/v1/halt":
		h.tradingAction(c, 'H')
	case "/v1/resume":
		h.tradingAction(c, 'T')
	default:
		if !h.answerFeed(c, path) {
			c.Error("not found; there are /v1/status, /v1/hash?index=N, /v1/state, /v1/feed/hash?number=N, /v1/books, /metrics, and to POST /v1/switchover[?to=ID], /v1/end-day, /v1/halt?symbol=S and /v1/resume?symbol=S", fasthttp.StatusNotFound)
		}
	}
}

func (h *httpServer) status(c *fasthttp.RequestCtx) {
	published := h.r.status.Load()
	if published == nil {
		c.Error("the replica is starting", fasthttp.StatusServiceUnavailable)
		return
	}
	s := *published
	if c.QueryArgs().GetBool("full") && !h.r.do(func() {
		h.r.publishStatus(monotonic())
		s = *h.r.status.Load()
		s.FullHash, s.BookHash = hex(h.r.market.Hash()), hex(h.r.market.BookHash())
	}) {
		c.Error("the replica is stopping", fasthttp.StatusServiceUnavailable)
		return
	}
	s.Feed = h.r.feed.status()
	s.MonoNow = monotonic()
	answer(c, s)
}

func (h *httpServer) hash(c *fasthttp.RequestCtx) {
	index, err := c.QueryArgs().GetUint("index")
	if err != nil || index < 1 {
		c.Error("index: a number from 1 is needed", fasthttp.StatusBadRequest)
		return
	}
	hash, ok := h.r.hashes.at(uint64(index))
	if !ok {
		c.Error("not applied yet, or too long ago", fasthttp.StatusNotFound)
		return
	}
	answer(c, map[string]any{"index": index, "hash": hex(hash)})
}

// state gives the state at one moment, or a piece of its stores. The loop stands still only while the market is copied; the stores behind it only grow.
func (h *httpServer) state(c *fasthttp.RequestCtx, stores bool) {
	q := c.QueryArgs()
	take := h.r.copyState
	if stores {
		take = h.r.copyStores
	}
	s, err := take(parseSince(q.GetUintOrZero("feed"), q.Peek("reports")))
	if err != nil {
		c.Error(err.Error(), fasthttp.StatusServiceUnavailable)
		return
	}
	c.SetContentType("application/octet-stream")
	if stores {
		_ = s.write(c) // into memory: it is no more than a piece
		return
	}
	c.SetBodyStreamWriter(func(w *bufio.Writer) {
		if err := s.write(w); err != nil {
			h.r.log.Warn().Err(err).Msg("state transfer broke off")
		}
	})
}

// entries gives what was decided since a state was copied.
func (h *httpServer) entries(c *fasthttp.RequestCtx) {
	after, err := c.QueryArgs().GetUint("after")
	if err != nil {
		c.Error("after: the index of an entry is needed", fasthttp.StatusBadRequest)
		return
	}
	b, err := h.r.copyEntries(uint64(after))
	switch {
	case errors.Is(err, errTailGone):
		c.Error(err.Error(), fasthttp.StatusGone)
	case err != nil:
		c.Error(err.Error(), fasthttp.StatusServiceUnavailable)
	default:
		c.SetContentType("application/octet-stream")
		c.Response.SetBodyRaw(b)
	}
}

func answer(c *fasthttp.RequestCtx, v any) {
	c.SetContentType("application/json")
	if err := json.NewEncoder(c).Encode(v); err != nil {
		c.Error(err.Error(), fasthttp.StatusInternalServerError)
	}
}

func hex(v uint64) string { return fmt.Sprintf("%016x", v) }

// publishStatus makes what the HTTP side reads. Only the loop calls it.
func (r *Replica) publishStatus(now int64) {
	n := r.node.Status()
	m, connected := r.market, 0
	for i := 1; i <= m.NumSessions(); i++ {
		if m.Session(uint16(i)).Connected {
			connected++
		}
	}
	s := &Status{
		Schema: "exchange.replica/v1", Cluster: r.cfg.Cluster, ID: r.cfg.ID, PID: os.Getpid(), Provider: r.cfg.Provider,
		Durability: r.cfg.Durability, Fencing: r.fencing,
		Role: n.Role.String(), Leader: int(n.Leader), Voter: n.Voter, Serving: r.directory.serving.Load(),
		Incarnation: r.start.number, Epoch: n.Epoch, Reason: n.Reason, Majority: n.Majority,
		CommitIndex: n.FUO.Index, AppliedIndex: r.applied.Index, LagEntries: n.FUO.Index - r.applied.Index,
		LogUsed: n.End - r.applied.Offset, Chain: r.applied.Chain,
		Commands: m.Index(), StateHash: hex(m.StreamHash()), Orders: m.Orders(), Trades: m.Trades(), Volume: m.Volume(), Resting: m.Resting(),
		Sessions: m.NumSessions(), Connected: connected, FeedNumber: r.outbox.feed.Next() - 1, FeedSession: r.cfg.FeedSession, Time: m.Time(),
		LeaderSince: r.leading.since, FirstDecision: r.leading.first, InboxWaiting: r.inbox.waiting(),
	}
	for _, id := range n.Confirmed {
		s.Confirmed = append(s.Confirmed, int(id))
	}
	if m.Phase() == 'C' {
		r.feed.endSession()
	}
	if h, err := r.outbox.feed.HashAt(s.FeedNumber); err == nil {
		s.FeedHash = hex(h)
	}
	r.status.Store(s)
}
