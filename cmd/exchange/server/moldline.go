package server

import (
	"fmt"
	"net"
	"net/netip"

	"exchange/marketdata/feed"
	"exchange/marketdata/moldudp64"
	"exchange/ouch/soupbin"
)

// moldLine is this replica's line of the feed in datagrams, and its request server.
type moldLine struct {
	config    moldudp64.PublisherConfig
	store     *feed.Store
	requests  *moldudp64.RequestServer
	publisher *moldudp64.Publisher
}

// lineOverlap is how many messages a line that begins again repeats: receivers drop what they know, and a hole would cost them a request.
const lineOverlap = 256

// openMoldLine opens the request server; the line itself begins with start, once there is something to follow.
func openMoldLine(cfg *Config, m Member, store *feed.Store) (*moldLine, error) {
	session, err := soupbin.MakeSession(cfg.FeedSession)
	if err != nil {
		return nil, fmt.Errorf("feed_session: %w", err)
	}
	l := &moldLine{store: store, config: moldudp64.PublisherConfig{
		Session: session, Interface: cfg.Feed.Interface, TTL: cfg.Feed.MulticastTTL, MaxPacket: cfg.Feed.MaxPacket, Heartbeat: cfg.Feed.Heartbeat.D(),
	}}
	if m.Mold != "" {
		to, err := net.ResolveUDPAddr("udp", m.Mold)
		if err != nil {
			return nil, fmt.Errorf("mold = %q of member %d: %w", m.Mold, m.ID, err)
		}
		l.config.Destinations = []netip.AddrPort{to.AddrPort()}
	}
	if m.MoldRequest != "" {
		config := moldudp64.RequestConfig{Session: session, MaxPacket: cfg.Feed.MaxPacket}
		if l.requests, err = moldudp64.ListenRequests(m.MoldRequest, store, config); err != nil {
			return nil, fmt.Errorf("%w; stop what uses it, or change mold_request in [[members]]", err)
		}
	}
	return l, nil
}

// start begins the line: at the first message of a new market, or a little before the tail of one that was taken over.
func (l *moldLine) start() (err error) {
	if len(l.config.Destinations) == 0 || l.publisher != nil {
		return nil
	}
	l.config.From = 1
	if next := l.store.Next(); next > lineOverlap {
		l.config.From = max(next-lineOverlap, l.store.First())
	}
	l.publisher, err = moldudp64.NewPublisher(l.store, l.config)
	return err
}

func (l *moldLine) close() {
	if l == nil {
		return
	}
	if l.publisher != nil {
		l.publisher.Close()
	}
	if l.requests != nil {
		l.requests.Close()
	}
}
