package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
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
	// Notice, if not nil, is told of requests.
	Notice func(Notice)
}

const (
	// gapInterval is how often a gap is looked at while nothing comes.
	gapInterval = 2 * time.Millisecond
	// socketBuffer is asked of the system for each line: some thousand packets.
	socketBuffer = 4 << 20
	largestUDP   = 1 << 16
)

// ErrLost is a message that no line brought and no request server was named for.
var ErrLost = errors.New("a message was lost on every line, and there is no request server to ask")

// merge is one Run of a Mold.
type merge struct {
	mold    *Mold
	start   time.Time
	asking  *net.UDPConn
	servers []netip.AddrPort

	mu       sync.Mutex
	receiver *moldudp64.Receiver
	handler  Handler
	server   int    // whom to ask
	askedFor uint64 // first number of the last request
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
	r := &merge{mold: m, start: time.Now(), handler: handler, receiver: moldudp64.NewReceiver(config), done: make(chan struct{})}
	for _, address := range m.RequestServers {
		at, err := net.ResolveUDPAddr("udp", address)
		if err != nil {
			return fmt.Errorf("feed client: request server %s: %w", address, err)
		}
		r.servers = append(r.servers, at.AddrPort())
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

	var wg sync.WaitGroup
	for _, conn := range conns {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r.read(conn)
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
func (r *merge) read(conn *net.UDPConn) {
	buf := make([]byte, largestUDP)
	for {
		n, _, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // of an earlier request: that server is gone
		}
		r.mu.Lock()
		r.take(buf[:n])
		r.mu.Unlock()
	}
}

// take hands one datagram to the receiver and what comes of it to the handler. A datagram that is none of the feed's is passed over.
func (r *merge) take(datagram []byte) {
	if r.ended || r.receiver.Receive(datagram, r.now()) != nil {
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
	if len(r.servers) == 0 {
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
