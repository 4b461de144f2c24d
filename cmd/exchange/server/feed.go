package server

import (
	"fmt"
	"net"

	"exchange/marketdata"
	"exchange/marketdata/feed"
	"exchange/marketdata/itch"
	"exchange/ouch/soupbin"
)

// feedPorts publish this replica's copy of the feed: over SoupBinTCP from any number, and as one MoldUDP64 line with a request server. Every replica
// does, whoever leads: one replica's feed is another's twin.
type feedPorts struct {
	listener net.Listener
	server   *marketdata.Server
	line     *moldLine
}

func listenFeed(cfg *Config, store *feed.Store) (*feedPorts, error) {
	m, _ := cfg.Member(cfg.ID)
	session, err := soupbin.MakeSession(cfg.FeedSession)
	if err != nil {
		return nil, fmt.Errorf("feed_session: %w", err)
	}
	l, err := listen("itch", m.ITCH)
	if err != nil {
		return nil, err
	}
	f := &feedPorts{listener: l}
	if f.server, err = marketdata.NewServer(store, marketdata.ServerConfig{MaxConnections: cfg.Feed.MaxConnection}); err != nil {
		l.Close()
		return nil, err
	}
	f.server.SetSession(session)
	if f.line, err = openMoldLine(cfg, m, store); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *feedPorts) serve() { _ = f.server.Serve(f.listener) }

func (f *feedPorts) close() {
	f.listener.Close()
	f.server.Close()
	f.line.close()
}

// itchInfo is what the feed needs of an instrument.
func itchInfo(symbol string, tick, lot int64) itch.InstrumentInfo {
	return itch.MakeInstrumentInfo(symbol, tick, lot)
}
