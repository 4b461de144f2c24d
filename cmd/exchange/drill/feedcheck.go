package drill

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"sync"
	"time"

	"exchange/marketdata/moldudp64"
	"exchange/ouch/soupbin"
)

// feedCheck listens to the feed in every way there is, and compares what came under each number: over SoupBinTCP from several replicas, going on at
// another one when a connection breaks, and on every replica's MoldUDP64 line.
type feedCheck struct {
	mu             sync.Mutex
	content        []uint64 // by number; 0: never seen
	contradictions int
	gaps           int // numbers passed over by a SoupBinTCP stream
	faults         []string
	sessions       map[string]struct{}
	lineMessages   int
	reached        []uint64 // by stream: its last number
	record         record   // the first stream's messages
}

func newFeedCheck(streams int) *feedCheck {
	return &feedCheck{sessions: map[string]struct{}{}, reached: make([]uint64, streams)}
}

func (f *feedCheck) fault(format string, args ...any) {
	if len(f.faults) < 10 {
		f.faults = append(f.faults, fmt.Sprintf(format, args...))
	}
}

// see records a message. Under mu.
func (f *feedCheck) see(number uint64, message []byte, from string) {
	h := fnv.New64a()
	h.Write(message)
	hash := h.Sum64() | 1
	for uint64(len(f.content)) <= number {
		f.content = append(f.content, 0)
	}
	if was := f.content[number]; was != 0 && was != hash {
		f.contradictions++
		f.fault("feed number %d has two contents; %s says %q", number, from, message)
	}
	f.content[number] = hash
}

const (
	feedDialTimeout = time.Second
	feedRetry       = 5 * time.Millisecond
	feedBuffer      = 256 << 10
)

// stream follows the feed over SoupBinTCP until the context ends.
func (f *feedCheck) stream(ctx context.Context, number int, addresses []string) {
	client := soupbin.MakeClient(soupbin.Session{}, 1)
	for at := number; ctx.Err() == nil; at++ {
		conn, err := net.DialTimeout("tcp", addresses[at%len(addresses)], feedDialTimeout)
		if err == nil {
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			f.read(conn, &client, number)
			stop()
			conn.Close()
		}
		select {
		case <-ctx.Done():
		case <-time.After(feedRetry):
		}
	}
}

func (f *feedCheck) read(conn net.Conn, client *soupbin.Client, stream int) {
	if _, err := conn.Write(client.Login(nil, "drill", "", time.Now().UnixNano())); err != nil {
		return
	}
	buf, have := make([]byte, feedBuffer), 0
	var out []byte
	for {
		_ = conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := conn.Read(buf[have:])
		now := time.Now().UnixNano()
		have += n
		done := 0
		f.mu.Lock()
		for {
			e, used, bad := client.Receive(buf[done:have], now)
			if bad != nil {
				f.gaps++
				f.fault("feed stream %d from %s: %v", stream, conn.RemoteAddr(), bad)
				f.mu.Unlock()
				return
			}
			if used == 0 {
				break
			}
			done += used
			f.take(&e, stream)
		}
		f.mu.Unlock()
		have = copy(buf, buf[done:have])
		if timeout, ok := err.(net.Error); err != nil && !(ok && timeout.Timeout()) {
			return
		}
		if out, err = client.Tick(out[:0], now); err != nil {
			return
		}
		if len(out) > 0 {
			if _, err := conn.Write(out); err != nil {
				return
			}
		}
	}
}

// take follows one packet of a stream. Under mu.
func (f *feedCheck) take(e *soupbin.ClientEvent, stream int) {
	switch e.Kind {
	case soupbin.LoginWasAccepted:
		f.sessions[e.Session.String()] = struct{}{}
		if len(f.sessions) > 1 {
			f.fault("the feed's session id changed to %s", e.Session)
		}
	case soupbin.SequencedData:
		if e.Number != f.reached[stream]+1 {
			f.gaps += int(e.Number - f.reached[stream] - 1)
			f.fault("feed stream %d: number %d after %d", stream, e.Number, f.reached[stream])
		}
		f.reached[stream] = e.Number
		f.see(e.Number, e.Message, "a SoupBinTCP stream")
		if stream == 0 {
			f.record.add(e.Message)
		}
	}
}

// line listens to one MoldUDP64 line until the context ends. Datagrams may be lost, so a number missing here is no fault; one that contradicts is.
func (f *feedCheck) line(ctx context.Context, address string) error {
	at, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return err
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		return fmt.Errorf("listen to the feed's line at %s: %w", address, err)
	}
	_ = conn.SetReadBuffer(4 << 20)
	context.AfterFunc(ctx, func() { conn.Close() })
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			p, err := moldudp64.Parse(buf[:n])
			f.mu.Lock()
			if err != nil {
				f.contradictions++
				f.fault("line %s: %v", address, err)
			}
			for number := p.Number; err == nil; number++ {
				m, ok := p.Next()
				if !ok {
					break
				}
				f.lineMessages++
				f.see(number, m, "line "+address)
			}
			f.mu.Unlock()
		}
	}()
	return nil
}

// complete waits until every stream has reached the number.
func (f *feedCheck) complete(ctx context.Context, number uint64) error {
	for {
		f.mu.Lock()
		behind := false
		for _, r := range f.reached {
			behind = behind || r < number
		}
		reached := append([]uint64(nil), f.reached...)
		f.mu.Unlock()
		if !behind {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("feed: streams stand at %v, the replicas at %d", reached, number)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// missing counts numbers that came on no way at all.
func (f *feedCheck) missing() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for number := 1; number < len(f.content); number++ {
		if f.content[number] == 0 {
			n++
		}
	}
	return n
}
