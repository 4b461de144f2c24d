package bench

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"exchange/marketdata/itch"
	"exchange/marketdata/moldudp64"
	"exchange/ouch"
	"exchange/ouch/soupbin"
)

const accepted = ouch.Accepted

// newSendTimes has room for when each order was sent; the reader of the feed looks at it from another goroutine.
func newSendTimes(count int) []atomic.Int64 { return make([]atomic.Int64, count) }

// reports waits for so many reports.
func (p *ouchPipe) reports(count int) error {
	for got := 0; got < count; {
		n, err := p.conn.Read(p.in[p.have:])
		if err != nil {
			return err
		}
		p.have += n
		answers, done, err := p.take(p.in[:p.have], accepted)
		if err != nil {
			return err
		}
		p.have = copy(p.in, p.in[done:p.have])
		got += answers
	}
	return nil
}

// feedEar hears the feed and knows nothing of it but which messages add an order.
type feedEar interface {
	// some waits for bytes and says how many orders were added in them; added waits for so many.
	some() (int, error)
	added(count int) error
	// drain reads what is left of a round, until nothing comes.
	drain() error
	close()
}

// Patience of an ear.
const (
	earPatience = 5 * time.Second
	// earQuiet is how long nothing may come before a round is held to be over.
	earQuiet = 20 * time.Millisecond
)

// drainUntilQuiet reads until nothing but a heartbeat comes for a while.
func drainUntilQuiet(conn net.Conn, some func() (int, error)) error {
	for {
		_ = conn.SetReadDeadline(time.Now().Add(earQuiet))
		if _, err := some(); errors.Is(err, os.ErrDeadlineExceeded) {
			return conn.SetReadDeadline(time.Now().Add(earPatience))
		} else if err != nil {
			return err
		}
	}
}

func waitFor(count int, some func() (int, error)) error {
	for got := 0; got < count; {
		n, err := some()
		if err != nil {
			return fmt.Errorf("feed: %d of %d messages: %w", got, count, err)
		}
		got += n
	}
	return nil
}

// soupEar hears one replica over SoupBinTCP.
type soupEar struct {
	conn net.Conn
	core soupbin.Client
	in   []byte
	have int
	now  time.Time
}

func hearSoup(address string) (feedEar, error) {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return nil, err
	}
	e := &soupEar{conn: conn, core: soupbin.MakeClient(soupbin.Session{}, 0), in: make([]byte, pipelineBuffer), now: time.Now()}
	_ = conn.SetReadDeadline(time.Now().Add(earPatience))
	if _, err := conn.Write(e.core.Login(nil, "bench", "", 0)); err != nil {
		return nil, err
	}
	for !e.core.LoggedIn() {
		if _, err := e.some(); err != nil {
			conn.Close()
			return nil, fmt.Errorf("feed %s: %w", address, err)
		}
	}
	return e, nil
}

func (e *soupEar) some() (added int, err error) {
	n, err := e.conn.Read(e.in[e.have:])
	e.have += n
	done := 0
	for {
		event, used, bad := e.core.Receive(e.in[done:e.have], 0)
		if bad != nil {
			return added, bad
		}
		if used == 0 {
			break
		}
		done += used
		switch {
		case event.Kind == soupbin.LoginWasRejected:
			return added, fmt.Errorf("login refused: %s", event.Reason)
		case event.Kind == soupbin.SequencedData && event.Message[0] == itch.AddOrder:
			added++
		}
	}
	e.have = copy(e.in, e.in[done:e.have])
	if added > 0 {
		return added, nil
	}
	return added, err
}

func (e *soupEar) added(count int) error { return waitFor(count, e.some) }

// drain also keeps the connection alive: the server wants to hear from us now and then.
func (e *soupEar) drain() error {
	if err := drainUntilQuiet(e.conn, e.some); err != nil {
		return err
	}
	beat, err := e.core.Tick(nil, int64(time.Since(e.now)))
	if err == nil || errors.Is(err, soupbin.ErrDead) {
		_, err = e.conn.Write(append(beat, 0, 1, byte(soupbin.ClientHeartbeat)))
	}
	return err
}

func (e *soupEar) close() { e.conn.Close() }

// lineEar hears one line in datagrams.
type lineEar struct {
	conn *net.UDPConn
	buf  []byte
	next uint64
	// at, if not nil, is told of every message that adds an order.
	at func(number uint64)
}

func hearLine(setting string) (*lineEar, error) {
	line, _, _ := strings.Cut(setting, ",")
	at, err := net.ResolveUDPAddr("udp", line)
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, fmt.Errorf("hear the line at %s: %w", line, err)
	}
	_ = conn.SetReadBuffer(4 << 20)
	_ = conn.SetReadDeadline(time.Now().Add(earPatience))
	return &lineEar{conn: conn, buf: make([]byte, 64<<10)}, nil
}

func (e *lineEar) some() (added int, err error) {
	n, _, err := e.conn.ReadFromUDPAddrPort(e.buf)
	if err != nil {
		return 0, err
	}
	p, err := moldudp64.Parse(e.buf[:n])
	if err != nil {
		return 0, err
	}
	for number := p.Number; ; number++ {
		m, ok := p.Next()
		if !ok {
			return added, nil
		}
		if number >= e.next && m[0] == itch.AddOrder {
			added++
			if e.at != nil {
				e.at(number)
			}
		}
		e.next = max(e.next, number+1)
	}
}

func (e *lineEar) added(count int) error { return waitFor(count, e.some) }

func (e *lineEar) drain() error { return drainUntilQuiet(e.conn, e.some) }

func (e *lineEar) close() { e.conn.Close() }
