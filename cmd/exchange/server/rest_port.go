package server

import (
	"bytes"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// httpPort is one port with two sides that must not be in each other's way: what replicas, commands and whoever watches over them ask (paths below /v1/, and
// /metrics; few connections, long heads) and what everybody asks of the market. The first request of a connection tells which side it is.
type httpPort struct {
	listener net.Listener
	inner    *fasthttp.Server
	public   *fasthttp.Server
	open     atomic.Int64
	limit    int64
}

const (
	// portHead is how much of a request is read to tell the sides apart: the method and the beginning of the path.
	portHead = 16
	// portUndecided is how many connections may be there beyond those that the sides allow, while they are told apart or refused.
	portUndecided = 256
	innerPath     = "/v1/"
	metricsPath   = "/metrics"
)

// isInner tells of a path, or of its beginning as long as metricsPath, whether it is the inner side's.
func isInner(path []byte) bool {
	return bytes.HasPrefix(path, []byte(innerPath)) || bytes.HasPrefix(path, []byte(metricsPath))
}

func (p *httpPort) serve() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(10 * time.Millisecond) // no descriptors, perhaps
			continue
		}
		if p.open.Load() >= p.limit {
			c.Close()
			continue
		}
		p.open.Add(1)
		go p.begin(&portConn{Conn: c, port: p})
	}
}

// begin reads the beginning of the first request and gives the connection to its side.
func (p *httpPort) begin(c *portConn) {
	_ = c.SetReadDeadline(time.Now().Add(httpReadTimeout))
	head := make([]byte, 0, portHead)
	for !decided(head) {
		n, err := c.Conn.Read(head[len(head):cap(head)])
		if head = head[:len(head)+n]; err != nil {
			c.Close()
			return
		}
	}
	c.head = head
	side := p.public
	if at := bytes.IndexByte(head, ' '); at >= 0 && isInner(head[at+1:]) {
		side = p.inner
	}
	_ = c.SetReadDeadline(time.Time{})
	_ = side.ServeConn(c)
}

// decided tells whether the head tells the side.
func decided(head []byte) bool {
	at := bytes.IndexByte(head, ' ')
	return len(head) == portHead || at >= 0 && len(head)-at-1 >= len(metricsPath) || bytes.IndexByte(head, '\n') >= 0
}

// portConn is a connection of which a part was read already, and which is counted as long as it is open.
type portConn struct {
	net.Conn
	port   *httpPort
	head   []byte
	closed atomic.Bool
}

func (c *portConn) Read(b []byte) (int, error) {
	if len(c.head) > 0 {
		n := copy(b, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

func (c *portConn) Close() error {
	if !c.closed.Swap(true) {
		c.port.open.Add(-1)
	}
	return c.Conn.Close()
}

// UnsafeConn is the connection itself.
func (c *portConn) UnsafeConn() net.Conn { return c.Conn }
