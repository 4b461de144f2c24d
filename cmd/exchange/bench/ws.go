package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"exchange/cmd/exchange/server"
	"exchange/marketdata/feed"
	"exchange/marketdata/itch"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/fasthttp/websocket"
)

const (
	// WSClientsCommand is the hidden command of the exchange program that runs WSClients.
	WSClientsCommand = "bench-ws-clients"
	// wsDeliveries is how many messages a second all clients of a measurement get together, wsMostEvents how many events a second there are at most, and
	// wsStretch how long each measurement takes.
	wsDeliveries = 20_000
	wsMostEvents = 2_000
	wsStretch    = 3 * time.Second
	// wsTurns is in how many parts that is done, the floor's parts between them.
	wsTurns = 3
	// wsWarm is how many batches are not counted, wsFewest how many are at least in a turn, and wsPatience how long the clients may take to get everything.
	wsWarm     = 2
	wsFewest   = 1
	wsPatience = 20 * time.Second
)

// wsGot is what the clients got since they were asked last: how many messages, their bytes, and the times from publication to having been read.
type wsGot struct {
	Messages, Bytes     int64
	P50, P99, P999, Max int64
}

func (g *wsGot) figure(name string, params map[string]any) Figure {
	return Figure{Name: name, Params: params, P50: g.P50, P99: g.P99, P999: g.P999, Max: g.Max, Samples: g.Messages}
}

// WebSocket measures what a message of level2 costs with so many clients: from its publication on the feed until a client has read it, over all clients
// (websocket_event), and the serving process's processor time for each message of each client (websocket_cpu). Events come one by one, and in batches of 64.
// The clients are another process, started from the binary.
//
// The floor takes turns with it: as many bytes, made once, with one write for each client and batch to as many plain sockets, read by as many clients of
// the same kind.
func WebSocket(ctx context.Context, r *Report, binary string, clients []int) error {
	for _, n := range clients {
		for _, batch := range []int{1, 64} {
			if err := measureWebSocket(ctx, r, binary, n, batch); err != nil {
				return fmt.Errorf("%d WebSocket clients: %w", n, err)
			}
		}
	}
	return nil
}

// wsFeed is a feed with one instrument, in whose book one order comes and goes between ten levels of each side.
type wsFeed struct {
	store  *feed.Store
	buf    []byte
	number uint64
	rests  bool
}

func newWSFeed() *wsFeed {
	f := &wsFeed{store: feed.NewStore(1 << 26)}
	f.add(itch.Message{Type: itch.SystemEvent, Code: 'Q'})
	f.add(itch.Message{Type: itch.StockDirectory, Locate: 1, Stock: itch.MakeSymbol("ABC"), RoundLot: 1})
	for i := range uint32(10) {
		f.order(uint64(1000+i), 'B', 1_000_000-100*i)
		f.order(uint64(2000+i), 'S', 1_010_000+100*i)
	}
	f.store.Publish()
	return f
}

func (f *wsFeed) add(m itch.Message) {
	f.number++
	now := time.Now().UTC()
	m.Timestamp, m.Tracking = uint64(now.Sub(now.Truncate(24*time.Hour))), uint16(f.number)
	f.buf = itch.Append(f.buf[:0], &m)
	f.store.Append(f.number, f.buf)
}

func (f *wsFeed) order(ref uint64, side byte, price uint32) {
	f.add(itch.Message{Type: itch.AddOrder, Locate: 1, Ref: ref, Side: side, Shares: 100, Stock: itch.MakeSymbol("ABC"), Price: price})
}

// publish makes events: an order comes, or goes.
func (f *wsFeed) publish(events int) {
	for range events {
		if f.rests = !f.rests; f.rests {
			f.order(1, 'B', 1_000_100)
		} else {
			f.add(itch.Message{Type: itch.OrderDelete, Locate: 1, Ref: 1})
		}
	}
	f.store.Publish()
}

func measureWebSocket(ctx context.Context, r *Report, binary string, clients, batch int) error {
	f := newWSFeed()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	cfg := server.DefaultWeb()
	cfg.MaxConnections = max(cfg.MaxConnections, clients)
	last := f.number
	stop := server.ServeMarket(l, f.store, "BENCH", cfg, func(string) int64 { return 100 }, func() (uint64, int64) { return last, time.Now().UnixNano() })
	defer stop()
	peers, err := startWSPeers(ctx, binary, l.Addr().String(), clients, wsOverWebSocket)
	if err != nil {
		return err
	}
	defer peers.stop()
	floor, err := startWSFloor(ctx, binary, clients)
	if err != nil {
		return fmt.Errorf("the floor: %w", err)
	}
	defer floor.stop()

	every := time.Duration(batch) * max(time.Second/wsMostEvents, time.Second*time.Duration(clients)/wsDeliveries)
	batches := max(int(wsStretch/every/wsTurns), wsFewest)
	rounds := func(p *wsPeers, count int, publish func()) error {
		next := time.Now()
		for range count {
			publish()
			next = next.Add(every)
			select {
			case <-time.After(time.Until(next)):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return p.wait(ctx, int64(count*batch*clients))
	}
	ours := func() { f.publish(batch) }
	if err := rounds(peers, wsWarm, ours); err != nil {
		return err
	}
	warm, err := peers.got()
	if err != nil {
		return err
	}
	size := int(warm.Bytes / warm.Messages)
	theirs := func() { floor.publish(batch, size) }
	if err := rounds(floor.peers, wsWarm, theirs); err != nil {
		return err
	}
	if _, err := floor.peers.got(); err != nil {
		return err
	}
	spent := time.Duration(0)
	for range wsTurns {
		before := cpuTime()
		if err := rounds(peers, batches, ours); err != nil {
			return err
		}
		spent += cpuTime() - before
		if err := rounds(floor.peers, batches, theirs); err != nil {
			return err
		}
	}
	got, err := peers.got()
	if err != nil {
		return err
	}
	raw, err := floor.peers.got()
	if err != nil {
		return err
	}
	params := map[string]any{"clients": clients, "batch": batch}
	beside := map[string]any{"beside": "websocket", "clients": clients, "batch": batch, "bytes": size}
	r.Figures = append(r.Figures, got.figure("websocket_event", params), Figure{Name: "websocket_cpu", Params: params, P50: int64(spent) / got.Messages, Samples: got.Messages})
	r.Floors = append(r.Floors, raw.figure("raw_tcp", beside))
	r.ratio(fmt.Sprintf("websocket_over_raw_tcp_p50_%d_%d", clients, batch), got.P50, raw.P50)
	return nil
}

// wsFloor has as many plain connections, and writes to one after the other.
type wsFloor struct {
	peers *wsPeers
	conns []net.Conn
	buf   []byte
}

func startWSFloor(ctx context.Context, binary string, clients int) (*wsFloor, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	f := &wsFloor{}
	taken := make(chan error, 1)
	go func() {
		for range clients {
			conn, err := l.Accept()
			if err != nil {
				taken <- err
				return
			}
			f.conns = append(f.conns, conn)
		}
		taken <- nil
	}()
	if f.peers, err = startWSPeers(ctx, binary, l.Addr().String(), clients, wsOverPlainTCP); err != nil {
		return nil, err
	}
	if err := <-taken; err != nil {
		f.stop()
		return nil, err
	}
	return f, nil
}

// publish writes messages of so many bytes, each a line with its time.
func (f *wsFloor) publish(messages, size int) {
	f.buf = f.buf[:0]
	for range messages {
		start := len(f.buf)
		f.buf = append(time.Now().UTC().AppendFormat(append(f.buf, wsTimeField...), wsTimeLayout), '"')
		for len(f.buf)-start < size-1 {
			f.buf = append(f.buf, '.')
		}
		f.buf = append(f.buf, '\n')
	}
	for _, c := range f.conns {
		_, _ = c.Write(f.buf) // what is missing at the clients ends the measurement
	}
}

func (f *wsFloor) stop() {
	f.peers.stop()
	for _, c := range f.conns {
		c.Close()
	}
}

// What the clients speak.
const (
	wsOverWebSocket = "websocket"
	wsOverPlainTCP  = "tcp"
)

// wsPeers is the process with the clients.
type wsPeers struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Reader
	expected int64 // messages, since it was asked last
}

func startWSPeers(ctx context.Context, binary, address string, clients int, over string) (*wsPeers, error) {
	p := &wsPeers{cmd: exec.CommandContext(ctx, binary, WSClientsCommand, address, fmt.Sprint(clients), over)}
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if _, err := p.out.ReadString('\n'); err != nil {
		p.stop()
		return nil, fmt.Errorf("the clients' process: %w", err)
	}
	return p, nil
}

// ask gives what the clients got; with forget they begin to count anew.
func (p *wsPeers) ask(forget bool) (g wsGot, err error) {
	if _, err := fmt.Fprintln(p.in, forget); err != nil {
		return g, err
	}
	line, err := p.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &g)
	}
	if err != nil {
		return g, fmt.Errorf("the clients' process: %w", err)
	}
	return g, nil
}

// wait waits until the clients have so many messages more.
func (p *wsPeers) wait(ctx context.Context, messages int64) error {
	p.expected += messages
	for until := time.Now().Add(wsPatience); ; time.Sleep(20 * time.Millisecond) {
		g, err := p.ask(false)
		switch {
		case err != nil:
			return err
		case g.Messages >= p.expected:
			return ctx.Err()
		case time.Now().After(until):
			return fmt.Errorf("%d of %d messages came in %v", g.Messages, p.expected, wsPatience)
		}
	}
}

// got gives what all that was waited for took.
func (p *wsPeers) got() (wsGot, error) {
	p.expected = 0
	return p.ask(true)
}

func (p *wsPeers) stop() {
	p.in.Close()
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// wsClients counts for all clients of the process.
type wsClients struct {
	mu    sync.Mutex
	h     *hdrhistogram.Histogram
	bytes int64
	err   error
}

// WSClients is the process with the clients: it subscribes each of them to level2, or lets it read lines from a plain socket, says so, and answers each line with
// what they got; if that says true, counting starts again. It ends with standard input.
func WSClients(address string, clients int, over string, stdin io.Reader, stdout io.Writer) error {
	all := &wsClients{h: hdrhistogram.New(1, int64(time.Minute), 3)}
	for range clients {
		dial := subscribed
		if over == wsOverPlainTCP {
			dial = linesOf
		}
		next, err := dial(address)
		if err != nil {
			return err
		}
		go all.read(next)
	}
	fmt.Fprintln(stdout, "ready")
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		var forget bool
		if _, err := fmt.Sscan(lines.Text(), &forget); err != nil {
			return err
		}
		all.mu.Lock()
		got := wsGot{all.h.TotalCount(), all.bytes, all.h.ValueAtQuantile(50), all.h.ValueAtQuantile(99), all.h.ValueAtQuantile(99.9), all.h.Max()}
		if forget {
			all.h.Reset()
			all.bytes = 0
		}
		err := all.err
		all.mu.Unlock()
		if err != nil {
			return err
		}
		if err := json.NewEncoder(stdout).Encode(got); err != nil {
			return err
		}
	}
	return nil
}

// subscribed is a client of level2; it gives one message after the other.
func subscribed(address string) (next func() ([]byte, error), err error) {
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+address+"/ws", nil)
	if err != nil {
		return nil, err
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","product_ids":["ABC-USD"],"channels":["level2"]}`)); err != nil {
		return nil, err
	}
	next = func() ([]byte, error) {
		_, text, err := conn.ReadMessage()
		return text, err
	}
	for range 2 { // subscriptions and snapshot
		if _, err := next(); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// linesOf is a client of the floor.
func linesOf(address string) (next func() ([]byte, error), err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewReader(conn)
	return func() ([]byte, error) { return lines.ReadSlice('\n') }, nil
}

// A message's time, in whole microseconds.
const (
	wsTimeField  = `"time":"`
	wsTimeLayout = "2006-01-02T15:04:05.000000Z"
)

// read notes the age of each message when it has been read.
func (w *wsClients) read(next func() ([]byte, error)) {
	for {
		text, err := next()
		now := time.Now()
		var made time.Time
		if err == nil {
			at := bytes.Index(text, []byte(wsTimeField)) + len(wsTimeField)
			if at < len(wsTimeField) || len(text) < at+len(wsTimeLayout) {
				continue
			}
			made, err = time.Parse(wsTimeLayout, string(text[at:at+len(wsTimeLayout)]))
		}
		w.mu.Lock()
		if err != nil {
			w.err = err
			w.mu.Unlock()
			return
		}
		w.bytes += int64(len(text))
		_ = w.h.RecordValue(max(int64(now.Sub(made)), 1))
		w.mu.Unlock()
	}
}

// cpuTime is the processor time of this process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
