package server

import (
	"net"

	"exchange/marketdata/feed"

	"github.com/rs/zerolog"
)

// DefaultWeb is what a configuration has in [web] without a file.
func DefaultWeb() Web { return defaultWeb() }

// ServeMarket serves the market that a feed tells of over WebSocket and REST on a listener, as a replica does on its port http, until the function returned is
// called. Decided gives the number of a message of the feed and a time, ns since the Unix epoch, at most a day after it; 0: there is none yet.
func ServeMarket(l net.Listener, store *feed.Store, session string, cfg Web, tick func(symbol string) int64, decided func() (number uint64, time int64)) (stop func()) {
	f := newWebFeed(store, cfg, session, tick, decided, zerolog.Nop())
	port := newHTTPPort(l, newWebServer(f).handle, cfg.MaxConnections)
	go port.serve()
	go f.run()
	return func() {
		_ = l.Close()
		f.close()
	}
}
