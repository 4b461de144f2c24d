package moldudp64

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"exchange/marketdata/feed"
)

// RequestConfig holds the settings of a request server; zero means the default.
type RequestConfig struct {
	Session Session
	// MaxPacket is the longest answer in bytes (default DefaultMaxPacket).
	MaxPacket int
	// PerSecond bounds the answers to one source address in a second (default 2,000), Burst how many may be saved up
	// (default as many as PerSecond). What is above is not answered.
	PerSecond, Burst int
	// MaxSources bounds the addresses that are remembered (default 4,096). When it is reached, those that asked for nothing
	// for a while are forgotten; if there are none, a new one is not answered.
	MaxSources int
}

const (
	defaultPerSecond  = 2000
	defaultMaxSources = 4096
)

// Requests decides what is answered to requests. It has no socket and is not safe for concurrent use.
type Requests struct {
	config  RequestConfig
	store   *feed.Store
	sources map[netip.Addr]allowance
}

// allowance is a source's saved-up answers, in nanoseconds of waiting, as of a time.
type allowance struct{ saved, asOf int64 }

// NewRequests makes the answers from a store.
func NewRequests(store *feed.Store, config RequestConfig) (*Requests, error) {
	if config.MaxPacket == 0 {
		config.MaxPacket = DefaultMaxPacket
	}
	if config.PerSecond <= 0 {
		config.PerSecond = defaultPerSecond
	}
	if config.Burst <= 0 {
		config.Burst = config.PerSecond
	}
	if config.MaxSources <= 0 {
		config.MaxSources = defaultMaxSources
	}
	switch {
	case config.Session.Blank():
		return nil, errors.New("moldudp64: no session name")
	case config.MaxPacket < HeaderLen+BlockLen || config.MaxPacket > LargestPacket:
		return nil, fmt.Errorf("moldudp64: packets of %d bytes; %d to %d are possible", config.MaxPacket, HeaderLen+BlockLen, LargestPacket)
	}
	return &Requests{config: config, store: store, sources: map[netip.Addr]allowance{}}, nil
}

// Answer appends the answer to a request: one packet of what fits. Nothing is appended, and the silence is the answer, if the bytes are no
// request, for another session, for what is not kept or not there yet, or if the source asks too often.
func (r *Requests) Answer(dst, request []byte, source netip.Addr, now int64) []byte {
	q, err := ParseRequest(request)
	if err != nil || q.Session != r.config.Session || !r.allow(source, now) {
		return dst
	}
	reader := r.store.NewReader(q.Number)
	packet, count, _ := fill(dst, q.Session, &reader, r.config.MaxPacket, q.Count)
	if count == 0 {
		return dst
	}
	return packet
}

// allow takes one answer off the source's allowance.
func (r *Requests) allow(source netip.Addr, now int64) bool {
	cost := int64(time.Second) / int64(r.config.PerSecond)
	most := cost * int64(r.config.Burst)
	a, known := r.sources[source]
	switch {
	case known:
		a.saved = min(most, a.saved+now-a.asOf)
	case len(r.sources) >= r.config.MaxSources && !r.forget(now, most):
		return false
	default:
		a.saved = most
	}
	a.asOf = now
	ok := a.saved >= cost
	if ok {
		a.saved -= cost
	}
	r.sources[source] = a
	return ok
}

// forget drops the sources whose allowance is full again, of which nothing has to be remembered.
func (r *Requests) forget(now, most int64) (any bool) {
	for source, a := range r.sources {
		if a.saved+now-a.asOf >= most {
			delete(r.sources, source)
			any = true
		}
	}
	return any
}

// RequestServer answers requests on a socket.
type RequestServer struct {
	conn     *net.UDPConn
	requests *Requests
	wg       sync.WaitGroup

	asked, answered atomic.Uint64
}

// ListenRequests starts answering on an address such as 127.0.0.1:9131.
func ListenRequests(address string, store *feed.Store, config RequestConfig) (*RequestServer, error) {
	requests, err := NewRequests(store, config)
	if err != nil {
		return nil, err
	}
	at, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("request server at %s: %w", address, err)
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, fmt.Errorf("request server at %s: %w", address, err)
	}
	s := &RequestServer{conn: conn, requests: requests}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		s.serve()
	}()
	return s, nil
}

// Addr is where the server listens.
func (s *RequestServer) Addr() netip.AddrPort { return s.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// Counts gives how many datagrams came and how many were answered.
func (s *RequestServer) Counts() (asked, answered uint64) { return s.asked.Load(), s.answered.Load() }

// Close ends it.
func (s *RequestServer) Close() {
	s.conn.Close()
	s.wg.Wait()
}

func (s *RequestServer) serve() {
	start := time.Now()
	var in [HeaderLen + 1]byte
	out := make([]byte, 0, HeaderLen+BlockLen+feed.MaxMessage+s.requests.config.MaxPacket)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(in[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // of an earlier answer: the asker's port is gone
		}
		s.asked.Add(1)
		if answer := s.requests.Answer(out, in[:n], from.Addr(), int64(time.Since(start))); len(answer) > 0 {
			if _, err := s.conn.WriteToUDPAddrPort(answer, from); err == nil {
				s.answered.Add(1)
			}
		}
	}
}
