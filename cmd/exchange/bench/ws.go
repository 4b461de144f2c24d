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
	// wsWarm is how many batches are not counted, wsFewest how many are at least, and wsPatience how long the clients may take to get everything.
	wsWarm     = 2
	wsFewest   = 3
	wsPatience = 20 * time.Second
)

// wsGot is what the clients got since they were asked last: how many messages, and the times from publication to having been read.
type wsGot struct {
	Messages            int64
	P50, P99, P999, Max int64
}

// WebSocket measures what a message of level2 costs with so many clients: from its publication on the feed until a client has read it, over all clients
// (websocket_event), and the serving process's processor time for each message of each client (websocket_cpu). Events come one by one, and in batches of 64.
// The clients are another process, started from the binary.
func WebSocket(ctx context.Context, binary string, clients []int) ([]Figure, error) {
	var figures []Figure
	for _, n := range clients {
		for _, batch := range []int{1, 64} {
			two, err := measureWebSocket(ctx, binary, n, batch)
			if err != nil {
				return nil, fmt.Errorf("%d WebSocket clients: %w", n, err)
			}
			figures = append(figures, two...)
		}
	}
	return figures, nil
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

func measureWebSocket(ctx context.Context, binary string, clients, batch int) ([]Figure, error) {
	f := newWSFeed()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	cfg := server.DefaultWeb()
	cfg.MaxConnections = max(cfg.MaxConnections, clients)
	last := f.number
	stop := server.ServeMarket(l, f.store, "BENCH", cfg, func(string) int64 { return 100 }, func() (uint64, int64) { return last, time.Now().UnixNano() })
	defer stop()
	peers, err := startWSPeers(ctx, binary, l.Addr().String(), clients)
	if err != nil {
		return nil, err
	}
	defer peers.stop()

	every := time.Duration(batch) * max(time.Second/wsMostEvents, time.Second*time.Duration(clients)/wsDeliveries)
	batches := max(int(wsStretch/every), wsFewest)
	round := func(count int) (wsGot, error) {
		next := time.Now()
		for range count {
			f.publish(batch)
			next = next.Add(every)
			select {
			case <-time.After(time.Until(next)):
			case <-ctx.Done():
				return wsGot{}, ctx.Err()
			}
		}
		return peers.got(ctx, int64(count*batch*clients))
	}
	if _, err := round(wsWarm); err != nil {
		return nil, err
	}
	before := cpuTime()
	got, err := round(batches)
	if err != nil {
		return nil, err
	}
	spent := cpuTime() - before
	params := map[string]any{"clients": clients, "batch": batch}
	return []Figure{
		{Name: "websocket_event", Params: params, P50: got.P50, P99: got.P99, P999: got.P999, Max: got.Max, Samples: got.Messages},
		{Name: "websocket_cpu", Params: params, P50: int64(spent) / got.Messages, Samples: got.Messages},
	}, nil
}

// wsPeers is the process with the clients.
type wsPeers struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startWSPeers(ctx context.Context, binary, address string, clients int) (*wsPeers, error) {
	p := &wsPeers{cmd: exec.CommandContext(ctx, binary, WSClientsCommand, address, fmt.Sprint(clients))}
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

// got waits until the clients have so many messages, and gives their times.
func (p *wsPeers) got(ctx context.Context, messages int64) (g wsGot, err error) {
	for until := time.Now().Add(wsPatience); ; time.Sleep(20 * time.Millisecond) {
		if _, err := fmt.Fprintln(p.in, messages); err != nil {
			return g, err
		}
		line, err := p.out.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &g)
		}
		switch {
		case err != nil:
			return g, fmt.Errorf("the clients' process: %w", err)
		case g.Messages >= messages:
			return g, ctx.Err()
		case time.Now().After(until):
			return g, fmt.Errorf("%d of %d messages came in %v", g.Messages, messages, wsPatience)
		}
	}
}

func (p *wsPeers) stop() {
	p.in.Close()
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// wsClients counts for all clients of the process.
type wsClients struct {
	mu  sync.Mutex
	h   *hdrhistogram.Histogram
	err error
}

// WSClients is the process with the clients: it subscribes each of them to level2, says so, and answers each line with a number by what they got; when that
// is as much as the number, counting starts again. It ends with standard input.
func WSClients(address string, clients int, stdin io.Reader, stdout io.Writer) error {
	all := &wsClients{h: hdrhistogram.New(1, int64(time.Minute), 3)}
	for range clients {
		conn, _, err := websocket.DefaultDialer.Dial("ws://"+address+"/ws", nil)
		if err != nil {
			return err
		}
		if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","product_ids":["ABC-USD"],"channels":["level2"]}`)); err != nil {
			return err
		}
		for range 2 { // subscriptions and snapshot
			if _, _, err := conn.ReadMessage(); err != nil {
				return err
			}
		}
		go all.read(conn)
	}
	fmt.Fprintln(stdout, "ready")
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		var want int64
		if _, err := fmt.Sscan(lines.Text(), &want); err != nil {
			return err
		}
		all.mu.Lock()
		got := wsGot{all.h.TotalCount(), all.h.ValueAtQuantile(50), all.h.ValueAtQuantile(99), all.h.ValueAtQuantile(99.9), all.h.Max()}
		if got.Messages >= want {
			all.h.Reset()
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

// read notes the age of each message when it has been read. Its time has whole microseconds.
func (w *wsClients) read(conn *websocket.Conn) {
	const field, layout = `"time":"`, "2006-01-02T15:04:05.000000Z"
	for {
		_, text, err := conn.ReadMessage()
		now := time.Now()
		var made time.Time
		if err == nil {
			at := bytes.Index(text, []byte(field)) + len(field)
			if at < len(field) || len(text) < at+len(layout) {
				continue
			}
			made, err = time.Parse(layout, string(text[at:at+len(layout)]))
		}
		w.mu.Lock()
		if err != nil {
			w.err = err
			w.mu.Unlock()
			return
		}
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
