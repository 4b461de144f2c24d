package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"exchange/marketdata/ws"

	"github.com/fasthttp/websocket"
)

// webClient is one WebSocket connection: the goroutine that came with it reads, another one writes; the feed's goroutine only puts frames into the queue. The
// frames are shared by all who get them and never changed.
type webClient struct {
	feed *webFeed
	conn *websocket.Conn
	raw  net.Conn

	// Guarded by the feed's mutex.
	subscriptions ws.Subscriptions
	leaving       []webSubscription
	replaying     []ws.Cursor
	pinged        time.Time
	gone          bool

	mu      sync.Mutex
	queue   [][]byte
	queued  int  // bytes, with those that the writer has taken and not written
	missing bool // there is something to replay
	closing bool // what is queued is the last; nothing is put behind it
	dropped bool // what the writer has taken is not to be written: last words are queued
	closed  bool // the connection is over: nothing is written any more
	wake    chan struct{}
	written chan struct{} // the writer has ended

	allowance float64 // messages that may be sent at once
	counted   time.Time
}

// serveWebSocket serves a connection until it ends.
func (w *webFeed) serveWebSocket(conn *websocket.Conn) {
	c := &webClient{feed: w, conn: conn, raw: conn.NetConn(), wake: make(chan struct{}, 1), written: make(chan struct{}), pinged: time.Now()}
	socket := innermost(c.raw)
	if secure, ok := socket.(*tls.Conn); ok {
		socket = secure.NetConn()
	}
	if socket, ok := socket.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = socket.SetWriteBuffer(webSocketBuffer)
	}
	c.allowance, c.counted = float64(w.cfg.MessageBurst), time.Now()
	if !w.add(c) {
		_, _ = c.raw.Write(ws.AppendClose(ws.AppendError(nil, "no connection is possible now", "too many connections, or the replica is stopping: try another one"), ws.CloseGoingAway, "too many"))
		return
	}
	go c.write()
	c.read()
	w.remove(c)
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.signal()
	_ = c.raw.SetWriteDeadline(time.Now()) // a writer that waits for the client gives up
	<-c.written
}

// read takes the client's messages until it goes, or breaks a rule and was told so.
func (c *webClient) read() {
	c.conn.SetPingHandler(func(content string) error {
		if !c.mayspeak(time.Now()) {
			return errWebRate
		}
		c.send(ws.AppendPong(nil, content))
		return c.conn.SetReadDeadline(time.Now().Add(webSilence))
	})
	c.conn.SetPongHandler(func(string) error { return c.conn.SetReadDeadline(time.Now().Add(webSilence)) })
	c.conn.SetCloseHandler(func(code int, _ string) error {
		c.finish(ws.AppendClose(nil, ws.CloseNormal, ""))
		return nil
	})
	until := time.Now().Add(c.feed.subscribeWithin)
	_ = c.conn.SetReadDeadline(until)
	subscribed := false
	for {
		kind, message, err := c.message()
		if err != nil {
			c.ended(err, subscribed)
			break
		}
		if !c.mayspeak(time.Now()) {
			c.ended(errWebRate, subscribed)
			break
		}
		if kind != websocket.TextMessage {
			c.fail("not a text message", "requests are JSON text", ws.CloseInvalid)
			break
		}
		q, err := ws.ParseRequest(message)
		if err != nil {
			c.send(ws.AppendError(nil, "request not understood", err.Error()))
			continue
		}
		if bad := c.feed.request(c, &q); bad != nil {
			c.send(ws.AppendError(nil, bad.message, bad.reason))
			continue
		}
		subscribed = subscribed || q.Subscribe
		if subscribed {
			_ = c.conn.SetReadDeadline(time.Now().Add(webSilence))
		}
	}
	// What was queued last has a moment to get there: a connection closed with something unread would take it away from the client.
	_ = c.raw.SetReadDeadline(time.Now().Add(webGoodbye))
	var rest [512]byte
	for {
		if _, err := c.raw.Read(rest[:]); err != nil {
			return
		}
	}
}

var (
	errWebRate = errors.New("too many messages")
	errWebLong = errors.New("message too long")
)

// message gives the client's next message. The bound is ours and not the connection's, which would close with a word of its own, past the queue.
func (c *webClient) message() (kind int, message []byte, err error) {
	kind, r, err := c.conn.NextReader()
	if err != nil {
		return kind, nil, err
	}
	message, err = io.ReadAll(io.LimitReader(r, ws.MaxRequest+1))
	if len(message) > ws.MaxRequest {
		err = errWebLong
	}
	return kind, message, err
}

// ended tells the client why, if it can still be told.
func (c *webClient) ended(err error, subscribed bool) {
	var timeout net.Error
	switch {
	case errors.Is(err, errWebRate):
		c.fail("too many messages", "fewer messages in a second are taken: put more products into one", ws.ClosePolicy)
	case errors.Is(err, errWebLong):
		c.fail("message too long", fmt.Sprintf("at most %d bytes are taken: put fewer products into one", ws.MaxRequest), ws.CloseTooBig)
	case errors.As(err, &timeout) && timeout.Timeout() && !subscribed:
		c.fail("nothing subscribed", fmt.Sprintf("a subscription is expected in the first %v", c.feed.subscribeWithin), ws.ClosePolicy)
	case errors.As(err, &timeout) && timeout.Timeout():
		c.fail("silent connection", "pings were not answered", ws.ClosePolicy)
	default:
		c.finish(ws.AppendClose(nil, ws.CloseNormal, ""))
	}
}

// mayspeak counts a message of the client.
func (c *webClient) mayspeak(now time.Time) bool {
	c.allowance = min(c.allowance+now.Sub(c.counted).Seconds()*float64(c.feed.cfg.Messages), float64(c.feed.cfg.MessageBurst))
	c.counted = now
	if c.allowance < 1 {
		return false
	}
	c.allowance--
	return true
}

// send queues frames. A queue that is full ends the connection: what waits is dropped, and the client is told so instead.
func (c *webClient) send(frames []byte) {
	if len(frames) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.closed {
		return
	}
	if c.queued > 0 && c.queued+len(frames) > c.feed.cfg.MaxQueueBytes {
		c.lastWords("slow consumer", "more was waiting than is kept for one connection: read faster or subscribe to less; from_sequence goes on where this ended", ws.ClosePolicy)
		return
	}
	c.queue = append(c.queue, frames)
	c.queued += len(frames)
	c.signal()
}

// fail ends the connection with an error message.
func (c *webClient) fail(message, reason string, code uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastWords(message, reason, code)
}

// lastWords replaces what waits by an error message and a close frame.
func (c *webClient) lastWords(message, reason string, code uint16) {
	if c.closing || c.closed {
		return
	}
	clear(c.queue)
	c.queue, c.queued = append(c.queue[:0], ws.AppendClose(ws.AppendError(nil, message, reason), code, message)), 0
	c.closing, c.dropped = true, true
	_ = c.raw.SetWriteDeadline(time.Now().Add(webWriteTimeout))
	c.signal()
}

// finish puts a close frame behind what waits.
func (c *webClient) finish(frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.closed {
		return
	}
	c.queue = append(c.queue, frame)
	c.closing = true
	_ = c.raw.SetWriteDeadline(time.Now().Add(webGoodbye))
	c.signal()
}

func (c *webClient) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// replay gives the client what it missed, as fast as it takes it, before it becomes a subscriber. The feed's mutex is held.
func (c *webClient) replay(cursor ws.Cursor) {
	c.replaying = append(c.replaying, cursor)
	c.mu.Lock()
	c.missing = true
	c.mu.Unlock()
	c.signal()
}

// ping sends a ping when it is time. The feed's mutex is held.
func (c *webClient) ping(now time.Time) {
	if now.Sub(c.pinged) >= webPingEvery {
		c.pinged = now
		c.send(ws.AppendPing(nil))
	}
}

// write is the writer: it takes all that waits, and puts small pieces together into one write.
func (c *webClient) write() {
	defer close(c.written)
	var taken [][]byte
	var buffer []byte
	for {
		var state webQueue
		if taken, state = c.take(taken); len(taken) == 0 {
			switch {
			case state == webOver:
				c.endWriting()
				return
			case state == webMissing:
				c.feed.more(c)
			default:
				<-c.wake
			}
			continue
		}
		for len(taken) > 0 {
			var piece []byte
			piece, buffer, taken = gather(buffer[:0], taken)
			switch c.put(piece) {
			case webCut:
				return
			case webLastWords:
				taken = taken[:0]
			}
		}
	}
}

// webQueue is what a queue without frames means.
type webQueue int

const (
	webEmpty webQueue = iota
	webMissing
	webOver
)

// take takes what waits, into the room of what was taken before.
func (c *webClient) take(before [][]byte) (taken [][]byte, state webQueue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken, c.queue = c.queue, before[:0]
	c.dropped = false // last words come now, if any
	switch {
	case c.closed || c.closing:
		state = webOver
	case c.missing:
		c.missing, state = len(taken) > 0, webMissing
	}
	if c.closed {
		taken = nil
	}
	return taken, state
}

// gather puts the first pieces together, as long as they fit one write; a large one is written as it is.
func gather(buffer []byte, pieces [][]byte) (piece, room []byte, rest [][]byte) {
	if len(pieces) == 1 || len(pieces[0])+len(pieces[1]) > webWriteBuffer {
		return pieces[0], buffer, pieces[1:]
	}
	n := 0
	for n < len(pieces) && len(buffer)+len(pieces[n]) <= webWriteBuffer {
		buffer = append(buffer, pieces[n]...)
		n++
	}
	return buffer, buffer, pieces[n:]
}

// webPut is how a write went.
type webPut int

const (
	webDone webPut = iota
	webLastWords
	webCut
)

// put writes: webCut, the connection is over; webLastWords, what was taken and is not written is not wanted any more. The deadline of last words is not moved.
func (c *webClient) put(piece []byte) webPut {
	c.mu.Lock()
	switch {
	case c.closed:
		c.mu.Unlock()
		return webCut
	case c.dropped:
		c.mu.Unlock()
		return webLastWords
	case !c.closing:
		_ = c.raw.SetWriteDeadline(time.Now().Add(webWriteTimeout))
	}
	c.mu.Unlock()
	_, err := c.raw.Write(piece)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queued -= len(piece)
	if err != nil {
		c.closing = true
		_ = c.raw.SetReadDeadline(time.Now()) // the reader ends it
		return webCut
	}
	return webDone
}

// endWriting tells the client that nothing follows, and leaves it a moment to answer.
func (c *webClient) endWriting() {
	if half, ok := innermost(c.raw).(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(webGoodbye))
}

// innermost gives the connection itself, for what its wrappers do not pass on.
func innermost(c net.Conn) net.Conn {
	for {
		inner, ok := c.(interface{ UnsafeConn() net.Conn })
		if !ok {
			return c
		}
		c = inner.UnsafeConn()
	}
}

// more queues the next piece of what a client missed; at its end the client is a subscriber.
func (w *webFeed) more(c *webClient) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(c.replaying) == 0 || w.market == nil || c.gone {
		return
	}
	k := &c.replaying[0]
	frames, done, err := w.market.Read(nil, k, webReplayBytes)
	if err != nil {
		c.fail(ws.ErrTooOld.Error(), err.Error(), ws.ClosePolicy)
		return
	}
	c.send(frames)
	if done {
		s := webSubscription{k.Channel(), k.Product()}
		c.replaying = append(c.replaying[:0], c.replaying[1:]...)
		w.join(c, s)
	}
	if len(c.replaying) > 0 {
		c.mu.Lock()
		c.missing = true
		c.mu.Unlock()
	}
}
