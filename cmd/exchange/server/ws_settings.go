package server

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"exchange/marketdata/ws"
)

// Web holds the settings of market data over WebSocket and REST, which share the port http.
type Web struct {
	Quote            string   `toml:"quote_currency" comment:"Currency of all prices: product ABC is called ABC-USD."`
	MaxConnections   int      `toml:"max_connections" comment:"WebSocket connections at a time. 0: WebSocket is not served."`
	MaxQueueBytes    int      `toml:"max_queue_bytes" comment:"What may wait for one WebSocket client. One that is slower is told so and cut."`
	MaxSubscriptions int      `toml:"max_subscriptions" comment:"Subscriptions of one connection: channels times products."`
	Messages         int      `toml:"messages_per_second" comment:"Messages taken of one WebSocket client in a second; more end the connection."`
	MessageBurst     int      `toml:"message_burst" comment:"How many of them may come at once."`
	KeptEvents       int      `toml:"kept_events" comment:"Events kept for clients that go on behind a sequence number, all products together, some 100 bytes each."`
	AllowPlain       bool     `toml:"allow_plain" comment:"http without TLS on an address that other hosts reach, as replicas on several hosts need it. It gives the replica's whole state too."`
	Origins          []string `toml:"origins" comment:"Origins of web pages that may read this data from a browser, like \"https://example.com\"; \"*\": any. Pages of the same host and programs always may."`
}

// defaultWeb is what Config has without a file.
func defaultWeb() Web {
	return Web{
		Quote: "USD", MaxConnections: 4096, MaxQueueBytes: 4 << 20, MaxSubscriptions: 1024, Messages: 20, MessageBurst: 100, KeptEvents: ws.DefaultRecords,
		Origins: []string{},
	}
}

func (w *Web) check() error {
	for _, b := range []struct {
		key       string
		v, lo, hi int
	}{
		{"max_connections", w.MaxConnections, 0, 1 << 20}, {"max_queue_bytes", w.MaxQueueBytes, 1 << 12, 1 << 30}, {"max_subscriptions", w.MaxSubscriptions, 1, 1 << 16},
		{"messages_per_second", w.Messages, 1, 1 << 20}, {"message_burst", w.MessageBurst, 1, 1 << 20}, {"kept_events", w.KeptEvents, 1, 1 << 26},
	} {
		if b.v < b.lo || b.v > b.hi {
			return fmt.Errorf("web.%s: %d; it must lie in %d..%d", b.key, b.v, b.lo, b.hi)
		}
	}
	if n := len(w.Quote); n < 1 || n > 8 || strings.Trim(w.Quote, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return fmt.Errorf("web.quote_currency: %q; 1 to 8 capital letters and digits are needed", w.Quote)
	}
	for _, o := range w.Origins {
		if u, err := url.Parse(o); o != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "") {
			return fmt.Errorf("web.origins: %q; write it like \"https://example.com\", or \"*\"", o)
		}
	}
	return nil
}

const (
	// webSubscribeWithin is how long a new WebSocket client may take to subscribe to something.
	webSubscribeWithin = 5 * time.Second
	// webPingEvery is how often a client is pinged, webSilence how long it may send nothing at all, no pong either.
	webPingEvery = 30 * time.Second
	webSilence   = 90 * time.Second
	// webWriteTimeout is how long a write may wait for a client that takes nothing, webGoodbye how long one that was told the end may take to go.
	webWriteTimeout = 10 * time.Second
	webGoodbye      = 3 * time.Second
	// webTick is how often it is looked at what is due: heartbeats every webHeartbeat, batches of the ticker every webTickerBatch, pings, deadlines.
	webTick        = 250 * time.Millisecond
	webHeartbeat   = time.Second
	webTickerBatch = 5 * time.Second
	// webSlice is how many messages of the feed are read before others may look at the market.
	webSlice = 512
	// webReplayBytes is how much of what was missed is given to a client at a time.
	webReplayBytes = 256 << 10
	// webWriteBuffer is how much of what waits for a client is put into one write.
	webWriteBuffer = 64 << 10
	// webSocketBuffer is what the system keeps of what was written to one client.
	webSocketBuffer = 256 << 10
	// webAhead is how long a client that has seen more than this replica is kept waiting for it.
	webAhead = 5 * time.Second
	// webPatience is how long a question waits until all that was decided before it is in the market.
	webPatience = 5 * time.Second
	// webBeginning is how long it waits for the market to begin.
	webBeginning = time.Second
	// webReadBuffer is the longest head of a request.
	webReadBuffer = 8 << 10
)
