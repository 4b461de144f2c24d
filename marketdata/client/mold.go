package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"exchange/marketdata/moldudp64"
)

// Mold follows the feed from MoldUDP64 lines. Zero settings mean the defaults.
type Mold struct {
	// Lines are the addresses to hear: a multicast group to join, or an own address that a replica sends to.
	Lines []string
	// Interface to join groups on; empty: the system's choice.
	Interface string
	// RequestServers are asked for what every line lost, the next one when one does not answer. None: Run fails at the first loss.
	RequestServers []string
	// Session wanted; empty: that of the first packet.
	Session string
	// From is the number of the first message wanted (default 1); FromNow begins with the first packet.
	From    uint64
	FromNow bool
	// RequestAfter and RequestAgain: see moldudp64.ReceiverConfig.
	RequestAfter, RequestAgain time.Duration
	// LostAfter ends Run with ErrLost when no request server has given the next message for so long (default: never).
	LostAfter time.Duration
	// Join, if not nil, is called once the lines are heard and gives the first number wanted and its session (empty: Session) in place of From: those of a snapshot.
	// What comes meanwhile waits in the sockets, and what they cannot hold is asked for.
	Join func(ctx context.Context) (from uint64, session string, err error)
	// Notice, if not nil, is told of requests.
	Notice func(Notice)
	// Capture, if not nil, gets every datagram that comes, its length in two bytes before it, the higher one first. Its error ends Run.
	Capture io.Writer
	// Drop, if not nil, is asked for every datagram of a line whether to act as if it had been lost on the way: for drills.
	Drop func(datagram []byte) bool

	running atomic.Pointer[merge]
}

// Status counts what the Run under way, or the last one, saw. Not to be called by the handler.
func (m *Mold) Status() (s moldudp64.ReceiverStatus) {
	if r := m.running.Load(); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		s = r.receiver.Status()
	}
	return s
}

const (
	// gapInterval is how often a gap is looked at while nothing comes.
	gapInterval = 2 * time.Millisecond
	// socketBuffer is asked of the system for each line: some thousand packets.
	socketBuffer = 4 << 20
	largestUDP   = 1 << 16
)

// ErrLost is a message that no line brought and no request server gave.
var ErrLost = errors.New("a message was lost on every line, and no request server gives it")

// merge is one Run of a Mold.
type merge struct {
	mold    *Mold
	config  moldudp64.ReceiverConfig
	start   time.Time
	asking  *net.UDPConn
	servers []netip.AddrPort

	mu       sync.Mutex
	receiver *moldudp64.Receiver
	handler  Handler
	server   int    // whom to ask
	stuckAt  uint64 // the next message when the last request was sent, and since when it is that
	stuck    time.Time
	askedFor uint64 // first number of the last request
	captured []byte
	done     chan struct{}
	ended    bool
	err      error
}

// Run calls the handler with every message, from one goroutine at a time, until the context ends (its error is returned), the session ends
// (nil), or the handler fails (its error).
func (m *Mold) Run(ctx context.Context, handler Handler) error {
	if len(m.Lines) == 0 {
		return errors.New("feed client: no line to hear")
	}
	config := moldudp64.ReceiverConfig{From: max(m.From, 1), RequestAfter: m.RequestAfter, RequestAgain: m.RequestAgain}
	if m.FromNow {
		config.From = 0
	}
	var err error
	if config.Session, err = sessionNamed(m.Session); err != nil {
		return err
	}
	r := &merge{mold: m, config: config, start: time.Now(), handler: handler, done: make(chan struct{})}
	for _, address := range m.RequestServers {
		at, err := net.ResolveUDPAddr("udp", address)
		if err != nil {
			return fmt.Errorf("feed client: request server %s: %w", address, err)
		}
		r.servers = append(r.servers, netip.AddrPortFrom(at.AddrPort().Addr().Unmap(), uint16(at.Port)))
	}
	return r.run(ctx)
}

// run opens the sockets and waits for the end.
func (r *merge) run(ctx context.Context) error {
	var conns []*net.UDPConn
	closeAll := func() {
		for _, c := range conns {
			c.Close()
		}
	}
	for _, line := range r.mold.Lines {
		conn, err := hear(line, r.mold.Interface)
		if err != nil {
			closeAll()
			return fmt.Errorf("feed client: line %s: %w", line, err)
		}
		conns = append(conns, conn)
	}
	asking, err := net.ListenUDP("udp", nil)
	if err != nil {
		closeAll()
		return fmt.Errorf("feed client: a socket for requests: %w", err)
	}
	r.asking = asking
	conns = append(conns, asking)
	if r.mold.Join != nil {
		if err := r.join(ctx); err != nil {
			closeAll()
			return err
		}
	}
	r.receiver = moldudp64.NewReceiver(r.config)
	r.mold.running.Store(r)

	var wg sync.WaitGroup
	for _, conn := range conns {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r.read(conn, conn != asking)
		}()
	}
	ticker := time.NewTicker(gapInterval)
	defer ticker.Stop()
	for waiting := true; waiting; {
		select {
		case <-ticker.C:
			r.mu.Lock()
			r.ask()
			r.mu.Unlock()
		case <-ctx.Done():
			r.mu.Lock()
			r.end(ctx.Err())
			r.mu.Unlock()
			waiting = false
		case <-r.done:
			waiting = false
		}
	}
	closeAll()
	wg.Wait()
	return r.err
}

// join asks where to begin.
func (r *merge) join(ctx context.Context) error {
	from, session, err := r.mold.Join(ctx)
	if err != nil {
		return err
	}
	r.config.From = max(from, 1)
	if session != "" {
		r.config.Session, err = sessionNamed(session)
	}
	return err
}

// hear opens a line's socket.
func hear(line, interfaceName string) (*net.UDPConn, error) {
	at, err := net.ResolveUDPAddr("udp", line)
	if err != nil {
		return nil, err
	}
	var conn *net.UDPConn
	if at.IP.IsMulticast() {
		var on *net.Interface
		if interfaceName != "" {
			if on, err = net.InterfaceByName(interfaceName); err != nil {
				return nil, fmt.Errorf("interface %s: %w", interfaceName, err)
			}
		}
		conn, err = net.ListenMulticastUDP("udp", on, at)
	} else {
		conn, err = net.ListenUDP("udp", at)
	}
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(socketBuffer) // what the system grants; the rest is asked for again
	return conn, nil
}

// read takes a socket's datagrams until it is closed.
func (r *merge) read(conn *net.UDPConn, line bool) {
	buf := make([]byte, largestUDP)
	for {
		n, _, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // of an earlier request: that server is gone
		}
		if line && r.mold.Drop != nil && r.mold.Drop(buf[:n]) {
			continue
		}
		r.mu.Lock()
		r.take(buf[:n])
		r.mu.Unlock()
	}
}

// take hands one datagram to the receiver and what comes of it to the handler. A datagram that is none of the feed's is passed over.
func (r *merge) take(datagram []byte) {
	if r.ended {
		return
	}
	if r.mold.Capture != nil {
		r.captured = append(append(r.captured[:0], byte(len(datagram)>>8), byte(len(datagram))), datagram...)
		if _, err := r.mold.Capture.Write(r.captured); err != nil {
			r.end(err)
			return
		}
	}
	if r.receiver.Receive(datagram, r.now()) != nil {
		return
	}
	for number, message, ok := r.receiver.Next(); ok; number, message, ok = r.receiver.Next() {
		if err := r.handler(number, message); err != nil {
			r.end(err)
			return
		}
	}
	if r.receiver.Ended() {
		r.end(nil)
		return
	}
	r.ask()
}

// ask sends the request that is due, if one is: to the next server if the last request brought nothing.
func (r *merge) ask() {
	if r.ended {
		return
	}
	q, ok := r.receiver.Request(r.now())
	if !ok {
		return
	}
	if q.Number != r.stuckAt {
		r.stuckAt, r.stuck = q.Number, time.Now()
	}
	if limit := r.mold.LostAfter; len(r.servers) == 0 || limit > 0 && time.Since(r.stuck) > limit {
		r.end(fmt.Errorf("%w: number %d", ErrLost, q.Number))
		return
	}
	if q.Number == r.askedFor {
		r.server = (r.server + 1) % len(r.servers)
	}
	r.askedFor = q.Number
	to := r.servers[r.server]
	_, _ = r.asking.WriteToUDPAddrPort(q.AppendTo(nil), to) // lost like any datagram: asked again
	if r.mold.Notice != nil {
		r.mold.Notice(Notice{Kind: Requested, Address: to.String(), Number: q.Number})
	}
}

// end ends Run; the first reason counts.
func (r *merge) end(err error) {
	if !r.ended {
		r.ended, r.err = true, err
		close(r.done)
	}
}

func (r *merge) now() int64 { return int64(time.Since(r.start)) }
