package server

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"exchange/marketdata/feed"
	"exchange/marketdata/moldudp64"
	"exchange/ouch/soupbin"
)

// moldLine is this replica's line of the feed in datagrams, and its request server.
type moldLine struct {
	config    moldudp64.PublisherConfig
	store     *feed.Store
	requests  *moldudp64.RequestServer
	place     *linePlace
	publisher atomic.Pointer[moldudp64.Publisher] // nil before start
	noting    sync.WaitGroup
	closed    chan struct{}
}

const (
	// lineOverlap is how many messages before the feed's next one a line that begins again begins at the latest: receivers drop what they know, and a hole
	// would cost them a request.
	lineOverlap = 256
	// lineCatchUp bounds what a line that begins again publishes of the time in which it was silent, in messages: some thousand packets. Who hears this line
	// alone and missed more is served better by the request servers, or by a snapshot.
	lineCatchUp = 1 << 18
	// notePlaceEvery is how often it is written down how far the line is: so much of it is repeated after a kill.
	notePlaceEvery = 50 * time.Millisecond
)

// openMoldLine opens the request server; the line itself begins with start, once there is something to follow.
func openMoldLine(cfg *Config, m Member, store *feed.Store) (*moldLine, error) {
	session, err := soupbin.MakeSession(cfg.FeedSession)
	if err != nil {
		return nil, fmt.Errorf("feed_session: %w", err)
	}
	l := &moldLine{store: store, closed: make(chan struct{}), config: moldudp64.PublisherConfig{
		Session: session, Interface: cfg.Feed.Interface, TTL: cfg.Feed.MulticastTTL, MaxPacket: cfg.Feed.MaxPacket, Heartbeat: cfg.Feed.Heartbeat.D(),
	}}
	if m.Mold != "" {
		if l.config.Destinations, err = moldDestinations(m.Mold); err != nil {
			return nil, fmt.Errorf("member %d: %w", m.ID, err)
		}
		if l.place, err = openLinePlace(cfg.path("line"), cfg.FeedSession); err != nil {
			return nil, err
		}
	}
	if m.MoldRequest != "" {
		config := moldudp64.RequestConfig{Session: session, MaxPacket: cfg.Feed.MaxPacket}
		if l.requests, err = moldudp64.ListenRequests(m.MoldRequest, store, config); err != nil {
			l.place.close()
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

// start begins the line.
func (l *moldLine) start() error {
	if len(l.config.Destinations) == 0 || l.publisher.Load() != nil {
		return nil
	}
	l.config.From = l.from()
	p, err := moldudp64.NewPublisher(l.store, l.config)
	if err != nil {
		return err
	}
	l.publisher.Store(p)
	l.noting.Go(func() { l.notePlace(p) })
	return nil
}

// from is where the line begins: at the first message of a new market; where this replica's line ended before it was killed, so that it has no hole; or, if
// that is not known or too long ago, a little before the tail of the feed that was taken over.
func (l *moldLine) from() uint64 {
	from, next := uint64(1), l.store.Next()
	if next > lineOverlap {
		from = next - lineOverlap
	}
	if left := l.place.number; left > 0 && left < from && next-left <= lineCatchUp {
		from = left
	}
	return max(from, l.store.First())
}

// notePlace writes down how far the line is, until it is closed.
func (l *moldLine) notePlace(p *moldudp64.Publisher) {
	tick := time.NewTicker(notePlaceEvery)
	defer tick.Stop()
	for {
		l.place.note(p.Status().Next)
		select {
		case <-tick.C:
		case <-l.closed:
			return
		}
	}
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
		close(l.closed)
		l.noting.Wait()
		p.Close()
		l.place.note(p.Status().Next)
	}
	l.place.close()
	if l.requests != nil {
		l.requests.Close()
	}
}
