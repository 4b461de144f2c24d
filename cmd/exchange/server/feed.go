package server

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"exchange/marketdata"
	"exchange/marketdata/client"
	"exchange/marketdata/depth"
	"exchange/marketdata/feed"
	"exchange/marketdata/glimpse"
	"exchange/marketdata/itch"
	"exchange/ouch/soupbin"
)

// feedPorts publish this replica's copy of the feed: over SoupBinTCP from any number, as one MoldUDP64 line with a request server, and as snapshots of the
// books. Every replica does, whoever leads: one replica's feed is another's twin.
type feedPorts struct {
	listeners []net.Listener
	server    *marketdata.Server
	line      *moldLine
	// Snapshots; nil if there is no port for them.
	glimpseListeners []net.Listener
	keeper           *glimpse.Keeper
	glimpse          *glimpse.Server
	serving          sync.WaitGroup
	twins            *feedTwins
	ended            bool // of the loop: the end of the session was passed on
}

func listenFeed(r *Replica) (f *feedPorts, err error) {
	cfg, store := r.cfg, r.outbox.feed
	m, _ := cfg.Member(cfg.ID)
	session, err := soupbin.MakeSession(cfg.FeedSession)
	if err != nil {
		return nil, fmt.Errorf("feed_session: %w", err)
	}
	f = &feedPorts{twins: newFeedTwins(cfg, store, r.log)}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	secure, err := cfg.marketTLS()
	if err != nil {
		return nil, err
	}
	if f.listeners, err = listenAll(secure, portSetting{"itch", m.ITCH, false}, portSetting{"itch_tls", m.ITCHTLS, true}); err != nil {
		return nil, err
	}
	if f.server, err = marketdata.NewServer(store, marketdata.ServerConfig{MaxConnections: cfg.Feed.MaxConnection}); err != nil {
		return nil, err
	}
	f.server.SetSession(session)
	if f.line, err = openMoldLine(cfg, m, store); err != nil {
		return nil, err
	}
	f.glimpseListeners, err = listenAll(secure, portSetting{"glimpse", m.Glimpse, false}, portSetting{"glimpse_tls", m.GlimpseTLS, true})
	if err != nil || len(f.glimpseListeners) == 0 {
		return f, err
	}
	f.keeper = glimpse.NewKeeper(store, glimpse.KeeperConfig{
		MaxBehind: min(snapshotsBehind, uint64(cfg.Feed.MaxKeptBytes/feed.ChunkSize)*keptPerChunk/2),
		Seed:      func(ctx context.Context) (*depth.Builder, uint64, error) { return seedBooks(ctx, cfg) },
		Fault: func(err error) {
			r.log.Error().Err(err).Msg("the feed makes no sense: no more snapshots of the books from this replica; keep its log")
		},
	})
	f.glimpse, err = glimpse.NewServer(f.keeper, glimpse.ServerConfig{Session: session, MaxConnections: cfg.Feed.MaxSnapshots})
	return f, err
}

const (
	// snapshotsBehind is how far the snapshots' books may be behind a busy feed; keptPerChunk is less than what a chunk of the store holds of it.
	snapshotsBehind = 1 << 17
	keptPerChunk    = 1 << 14
	// seedPatience bounds one try to get another replica's books.
	seedPatience = 5 * time.Second
)

// seedBooks takes the books from another replica: this one has not kept the feed from its first message.
func seedBooks(ctx context.Context, cfg *Config) (*depth.Builder, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, seedPatience)
	defer cancel()
	from := client.Snapshot{Session: cfg.FeedSession}
	for _, m := range cfg.Members {
		if m.ID != cfg.ID && m.Glimpse != "" {
			from.Addresses = append(from.Addresses, m.Glimpse)
		}
	}
	taken, err := from.Take(ctx)
	if err != nil {
		return nil, 0, err
	}
	return taken.Books, taken.Next, nil
}

// serve begins to take connections.
func (f *feedPorts) serve() {
	for _, l := range f.listeners {
		f.serving.Go(func() { _ = f.server.Serve(l) })
	}
	for _, l := range f.glimpseListeners {
		f.serving.Go(func() { _ = f.glimpse.Serve(l) })
	}
}

// start begins what needs a feed: the line, and the comparison with the other replicas.
func (f *feedPorts) start() error {
	f.twins.start()
	return f.line.start()
}

// endSession tells all who follow the feed that its last message was published; what is kept can be asked for as before. The loop's, which calls it until
// the line, which may begin later, has heard it too.
func (f *feedPorts) endSession() {
	if f.ended || !f.line.endSession() {
		return
	}
	f.ended = true
	go f.server.EndSession()
}

// close ends all of it; what was not opened is passed over.
func (f *feedPorts) close() {
	for _, l := range slices.Concat(f.listeners, f.glimpseListeners) {
		l.Close()
	}
	if f.server != nil {
		f.server.Close()
	}
	if f.glimpse != nil {
		f.glimpse.Close()
	}
	if f.keeper != nil {
		f.keeper.Close()
	}
	f.line.close()
	f.twins.close()
	f.serving.Wait()
}

// itchInfo is what the feed needs of an instrument.
func itchInfo(symbol string, tick, lot int64) itch.InstrumentInfo {
	return itch.MakeInstrumentInfo(symbol, tick, lot)
}
