package server

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"

	"exchange/marketdata/feed"
	"exchange/marketdata/moldudp64"
	"exchange/ouch/soupbin"
)

// moldLine is this replica's line of the feed in datagrams, and its request server.
type moldLine struct {
	config    moldudp64.PublisherConfig
	store     *feed.Store
	requests  *moldudp64.RequestServer
	publisher atomic.Pointer[moldudp64.Publisher] // nil before start
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
		if l.config.Destinations, err = moldDestinations(m.Mold); err != nil {
			return nil, fmt.Errorf("member %d: %w", m.ID, err)
		}
	}
	if m.MoldRequest != "" {
		config := moldudp64.RequestConfig{Session: session, MaxPacket: cfg.Feed.MaxPacket}
		if l.requests, err = moldudp64.ListenRequests(m.MoldRequest, store, config); err != nil {
			return nil, fmt.Errorf("%w; stop what uses it, or change mold_request in [[members]]", err)
		}
	}
	return l, nil
}

// moldDestinations reads where a line goes: one multicast group, or receivers.
func moldDestinations(setting string) (all []netip.AddrPort, err error) {
	parts := strings.Split(setting, ",")
	if len(parts) > maxMoldReceivers {
		return nil, fmt.Errorf("mold: %d receivers, at most %d are sent to one by one; use a multicast group", len(parts), maxMoldReceivers)
	}
	for _, part := range parts {
		at, err := net.ResolveUDPAddr("udp", strings.TrimSpace(part))
		if err != nil || at.Port == 0 || at.IP == nil {
			return nil, fmt.Errorf("mold = %q: %q is not HOST:PORT; name a multicast group, or receivers with commas between", setting, part)
		}
		if at.IP.IsMulticast() && len(parts) > 1 {
			return nil, fmt.Errorf("mold = %q: a multicast group stands alone", setting)
		}
		all = append(all, at.AddrPort())
	}
	return all, nil
}

// maxMoldReceivers bounds how often each packet of a line is sent.
const maxMoldReceivers = 32

// start begins the line: at the first message of a new market, or a little before the tail of one that was taken over.
func (l *moldLine) start() error {
	if len(l.config.Destinations) == 0 || l.publisher.Load() != nil {
		return nil
	}
	l.config.From = 1
	if next := l.store.Next(); next > lineOverlap {
		l.config.From = max(next-lineOverlap, l.store.First())
	}
	p, err := moldudp64.NewPublisher(l.store, l.config)
	if err == nil {
		l.publisher.Store(p)
	}
	return err
}

// endSession ends the session on the line; false: the line has not begun.
func (l *moldLine) endSession() bool {
	if len(l.config.Destinations) == 0 {
		return true
	}
	p := l.publisher.Load()
	if p != nil {
		p.EndSession()
	}
	return p != nil
}

func (l *moldLine) close() {
	if l == nil {
		return
	}
	if p := l.publisher.Load(); p != nil {
		p.Close()
	}
	if l.requests != nil {
		l.requests.Close()
	}
}
