package tcp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"exchange/rdmaio"
)

var (
	errBadFrame = errors.New("what came is no frame of this protocol")
	errBye      = errors.New("the peer closes")
	errSilent   = errors.New("no answer within the time allowed")
)

// inbound is a connection on which a peer posts to our region. Its goroutine serves it.
type inbound struct {
	owner       *Provider
	conn        net.Conn
	region      *region
	from        rdmaio.NodeID
	incarnation uint64
	done        uint64 // requests completed
	in, out     []byte

	writing sync.Mutex
	epoch   atomic.Uint64 // to be told, 0: nothing
}

// epochPatience bounds how long the owner loop may wait to tell of a revocation; a connection whose buffer has no room for that is closed.
const epochPatience = 2 * time.Millisecond

func (p *Provider) accept() {
	defer p.background.Done()
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			if p.closing.Load() {
				return
			}
			time.Sleep(backOffFirst) // out of descriptors, most likely
			continue
		}
		p.mu.Lock()
		room := len(p.serving) < maxInbound && !p.closing.Load()
		if room {
			p.serving[conn] = struct{}{}
			p.background.Add(1)
		}
		p.mu.Unlock()
		if !room {
			conn.Close()
			continue
		}
		go func() {
			defer p.background.Done()
			p.serve(conn)
			conn.Close()
			p.mu.Lock()
			delete(p.serving, conn)
			p.mu.Unlock()
		}()
	}
}

// serve greets and then answers until the connection ends.
func (p *Provider) serve(conn net.Conn) {
	in, err := p.greet(conn)
	if err != nil || in == nil {
		return
	}
	p.arrived(in.from, in.incarnation)
	defer p.left(in.from, in.incarnation)
	in.serve()
}

// greet reads the hello and answers it. nil without an error: the peer was asked to come again.
func (p *Provider) greet(conn net.Conn) (*inbound, error) {
	tune(conn)
	_ = conn.SetDeadline(time.Now().Add(handshakePatient))
	secure := conn
	if p.cfg.TLS != nil {
		c := p.cfg.TLS.Clone()
		c.ClientAuth = tls.RequireAndVerifyClientCert
		t := tls.Server(conn, c)
		if err := t.Handshake(); err != nil {
			p.notice(0, fmt.Sprintf("%v was refused: %v", conn.RemoteAddr(), err))
			return nil, err
		}
		secure = t
	}
	h, err := readHello(secure)
	if err != nil {
		return nil, err
	}
	in := &inbound{owner: p, conn: secure, from: h.from, incarnation: h.incarnation}
	a := p.judge(&h, secure, in)
	if a.verdict == refused {
		p.notice(h.from, fmt.Sprintf("%v was refused: %s", conn.RemoteAddr(), a.text))
	}
	if _, err := secure.Write(a.encode()); err != nil || a.verdict != welcome {
		return nil, err
	}
	return in, conn.SetDeadline(time.Time{})
}

// judge decides on a hello and, where it is welcome, makes the connection the pair's current one.
func (p *Provider) judge(h *hello, conn net.Conn, in *inbound) answer {
	a := answer{verdict: refused, incarnation: p.cfg.Incarnation}
	_, member := p.cfg.Peers[h.from]
	switch {
	case h.cluster != p.cfg.Cluster:
		a.text = fmt.Sprintf("it is of cluster %q, this is %q", h.cluster, p.cfg.Cluster)
		return a
	case h.to != p.cfg.Local:
		a.text = fmt.Sprintf("it looks for member %d, this is %d: the addresses are mixed up", h.to, p.cfg.Local)
		return a
	case h.from == p.cfg.Local || !member || h.pd >= rdmaio.MaxPDs:
		a.text = fmt.Sprintf("member %d, domain %d is not known here", h.from, h.pd)
		return a
	}
	if t, ok := conn.(*tls.Conn); ok {
		if err := t.ConnectionState().PeerCertificates[0].VerifyHostname(MemberName(h.from, p.cfg.Cluster)); err != nil {
			a.text = fmt.Sprintf("its certificate is not member %d's: %v", h.from, err)
			return a
		}
	}
	if !p.meet(h.from, h.incarnation) {
		a.text = fmt.Sprintf("incarnation %d of member %d is an earlier one than was here", h.incarnation, h.from)
		return a
	}
	region, ok := p.open(h)
	if !ok {
		a.verdict = notYet
		return a
	}
	in.region = region
	in.in, in.out = make([]byte, 0, 2*(MaxPiece+requestBytes)), make([]byte, 0, 2*(MaxPiece+responseBytes))
	var before *inbound
	a.verdict, a.size = welcome, region.size
	if a.epoch, before = region.admit(in); before != nil {
		before.conn.Close()
	}
	return a
}

// serve answers requests: all that have come are done before what is to be said of them is written, in one piece.
func (in *inbound) serve() {
	for {
		rest, err := in.work()
		if e := in.flush(); err != nil || e != nil {
			return
		}
		in.in = in.in[:copy(in.in[:cap(in.in)], rest)]
		n, err := in.conn.Read(in.in[len(in.in):cap(in.in)])
		if err != nil {
			return
		}
		in.in = in.in[:len(in.in)+n]
	}
}

// work does the whole requests that have come and gives what is left over.
func (in *inbound) work() (rest []byte, err error) {
	rest = in.in
	answered := in.done
	for len(rest) >= requestBytes {
		q := takeRequest(rest)
		whole := requestBytes
		if q.kind == askWrite {
			if q.length > MaxPiece {
				return nil, errBadFrame
			}
			whole += int(q.length)
		}
		if len(rest) < whole {
			break
		}
		if err = in.do(&q, rest[requestBytes:whole], &answered); err != nil {
			break
		}
		rest = rest[whole:]
	}
	switch {
	case errors.Is(err, errDenied):
		in.tell(response{kind: tellDenied, value: in.done})
	case err == nil && answered != in.done:
		in.tell(response{kind: tellDone, value: in.done})
	}
	return rest, err
}

func (in *inbound) do(q *request, data []byte, answered *uint64) error {
	switch q.kind {
	case askWrite:
		if err := in.region.write(in, q, data); err != nil {
			return err
		}
		if q.last == 1 {
			in.done++
		}
	case askRead:
		if err := in.read(q); err != nil {
			return err
		}
		in.done++
	case askPing:
		*answered = ^uint64(0) // answer in any case
	case askBye:
		in.owner.saidBye(in.from, in.incarnation)
		return errBye
	default:
		return errBadFrame
	}
	return nil
}

// read answers with data, piece by piece. Each piece is fetched under the lock.
func (in *inbound) read(q *request) error {
	for sent := uint64(0); sent < uint64(q.length); {
		piece := min(uint64(q.length)-sent, MaxPiece)
		if len(in.out)+responseBytes+int(piece) > cap(in.out) {
			if err := in.flush(); err != nil {
				return err
			}
		}
		at := len(in.out)
		in.out = in.out[:at+responseBytes+int(piece)]
		if err := in.region.read(in, q.offset+sent, uint64(q.length)-sent, in.out[at+responseBytes:]); err != nil {
			in.out = in.out[:at]
			return err
		}
		response{kind: tellData, length: uint32(piece), value: in.done}.put(in.out[at:])
		sent += piece
	}
	return nil
}

func (in *inbound) tell(r response) {
	if len(in.out)+responseBytes > cap(in.out) {
		_ = in.flush() // a failure shows again at the next
	}
	at := len(in.out)
	in.out = in.out[:at+responseBytes]
	r.put(in.out[at:])
}

func (in *inbound) flush() error {
	if len(in.out) > 0 {
		in.writing.Lock()
		_, err := in.conn.Write(in.out)
		in.writing.Unlock()
		in.out = in.out[:0]
		if err != nil {
			return err
		}
	}
	in.sendEpoch(false)
	return nil
}

// tellEpoch tells the writer that its right was taken: what it posts before it has heard of that is refused. Called by the owner loop, which does not
// wait for a writer that takes nothing: when the serving goroutine is in the middle of a write, it will tell.
func (in *inbound) tellEpoch(epoch uint64) {
	in.epoch.Store(epoch)
	in.sendEpoch(true)
}

func (in *inbound) sendEpoch(hurry bool) {
	for in.epoch.Load() != 0 && in.writing.TryLock() {
		if e := in.epoch.Swap(0); e != 0 {
			var b [responseBytes]byte
			response{kind: tellEpoch, value: e}.put(b[:])
			if hurry {
				_ = in.conn.SetWriteDeadline(time.Now().Add(epochPatience))
			}
			_, err := in.conn.Write(b[:])
			if hurry {
				_ = in.conn.SetWriteDeadline(time.Time{})
			}
			if err != nil {
				in.conn.Close()
			}
		}
		in.writing.Unlock()
	}
}

// tune sets what a connection of small urgent messages needs.
func tune(conn net.Conn) {
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetNoDelay(true)
		_ = t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 5})
	}
}
