package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/marketdata/client"
	"exchange/marketdata/depth"
	marketTape "exchange/marketdata/tape"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// watchOptions are the flags of watch.
type watchOptions struct {
	feed, dir    string
	fromSnapshot bool
	glimpse      string
	lines        bool
	netInterface string
	capture      string
	plain        bool
	levels       int
	length       time.Duration
	secure       secureOptions
}

func watchCommand() *cobra.Command {
	var o watchOptions
	c := &cobra.Command{
		Use: "watch SYMBOL", Short: "Ladder and trades from the feed", Args: cobra.ExactArgs(1),
		Long: `Follows the feed from its first message, or from a snapshot of the books, builds the book, and shows it. When its replica dies it goes on at another
one, at the next number. On a terminal a ladder is drawn; otherwise, or with --plain, each event is a line.

--lines hears the MoldUDP64 lines of all replicas in place of SoupBinTCP, merges them, and asks for what all of them lost. --capture keeps what came as it
came: the packets of SoupBinTCP, or with --lines each datagram with its length in two bytes before it (marketdata/testdata/decode.py reads both).`,
		Example: "  exchange watch ABC\n  exchange watch ABC --plain --from-snapshot\n  exchange watch ABC --feed 127.0.0.1:9121,127.0.0.1:9122\n" +
			"  exchange watch ABC --lines --capture day.mold\n  exchange watch ABC --feed venue.example:9161 --tls-authority venue.pem",
		RunE: func(c *cobra.Command, args []string) error { return watch(c.OutOrStdout(), args[0], o) },
	}
	f := c.Flags()
	f.StringVar(&o.feed, "feed", "", "SoupBinTCP addresses of the feed, HOST:PORT[,…] (default: those of the demo that is running)")
	f.StringVar(&o.dir, "dir", "", "directory of a demo's cluster")
	f.BoolVar(&o.fromSnapshot, "from-snapshot", false, "begin with the books as they are, not with the day's first message")
	f.StringVar(&o.glimpse, "glimpse", "", "addresses of the snapshot ports, HOST:PORT[,…] (default: those of the demo that is running); implies --from-snapshot")
	f.BoolVar(&o.lines, "lines", false, "hear the MoldUDP64 lines of the demo that is running")
	f.StringVar(&o.netInterface, "interface", "", "network interface to join multicast groups on, with --lines (default: the system's choice)")
	f.StringVar(&o.capture, "capture", "", "file to keep what came in, as it came")
	o.secure.flags(c)
	f.BoolVar(&o.plain, "plain", false, "a line an event")
	f.IntVar(&o.levels, "levels", 10, "price levels of each side in the ladder")
	f.DurationVar(&o.length, "for", 0, "end after this time (default: at Ctrl-C)")
	return c
}

// framesPerSecond of the ladder.
const framesPerSecond = 10

func watch(out io.Writer, symbol string, o watchOptions) error {
	w := &watcher{out: out, symbol: symbol, books: depth.NewBuilder(), plain: o.plain || !toTerminal(out)}
	market, err := o.market(symbol)
	if err != nil {
		return err
	}
	if market.Guard, market.Begun, market.Handle = &w.mu, w.begun, w.take; market.Soup != nil {
		market.Soup.Notice = w.notice
	} else {
		market.Mold.Notice = w.notice
	}
	if o.capture != "" {
		file, err := os.Create(o.capture)
		if err != nil {
			return err
		}
		buffered := bufio.NewWriter(file)
		defer func() { buffered.Flush(); file.Close() }()
		if market.Soup != nil {
			market.Soup.Capture = buffered
		} else {
			market.Mold.Capture = buffered
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if o.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.length)
		defer cancel()
	}
	w.ladder = marketTape.Ladder{Levels: o.levels, Color: marketTape.ColorWanted(toTerminal(out))}
	if f, ok := out.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 20 {
			w.ladder.Width = width
		}
	}
	if !w.plain {
		go w.draw(ctx)
	}
	err = market.Run(ctx)
	if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
		return failed(fmt.Errorf("feed: %w", err))
	}
	return nil
}

// feedPatience is how long no replica may serve the feed, or a snapshot.
const feedPatience = 10 * time.Second

// market says where the feed comes from, as the flags have it.
func (o *watchOptions) market(symbol string) (*client.Market, error) {
	m := new(client.Market)
	secure, err := o.secure.config()
	if err != nil {
		return nil, err
	}
	if secure != nil && (o.lines || o.feed == "" || o.fromSnapshot && o.glimpse == "") {
		return nil, errors.New("TLS is spoken to the addresses of --feed and --glimpse (itch_tls and glimpse_tls of the configuration): name them; --lines are datagrams")
	}
	var f *cluster.File
	if o.feed == "" || o.lines || o.fromSnapshot && o.glimpse == "" {
		dir, err := cluster.Find(o.dir)
		if err != nil {
			return nil, err
		}
		if f, err = cluster.ReadFile(dir); err != nil {
			return nil, err
		}
		known := make([]string, 0, len(f.Instruments))
		for _, i := range f.Instruments {
			known = append(known, i.Symbol)
		}
		if !slices.Contains(known, symbol) {
			return nil, fmt.Errorf("unknown instrument %s: there are %s", symbol, strings.Join(known, ", "))
		}
	}
	addresses := func(given string, of func(cluster.Replica) string) []string {
		if given != "" {
			return strings.Split(given, ",")
		}
		return f.Addresses(of)
	}
	if o.fromSnapshot || o.glimpse != "" {
		m.Snapshot = &client.Snapshot{Addresses: addresses(o.glimpse, cluster.Replica.GlimpseAddress), TLS: secure, GiveUpAfter: feedPatience}
	}
	if !o.lines {
		m.Soup = &client.Soup{Addresses: addresses(o.feed, cluster.Replica.ITCHAddress), TLS: secure, GiveUpAfter: feedPatience}
		return m, nil
	}
	m.Mold = &client.Mold{Interface: o.netInterface, RequestServers: f.Addresses(cluster.Replica.MoldRequestAddress)}
	for _, r := range f.Replicas {
		if line, _, _ := strings.Cut(r.Mold, ","); line != "" && !slices.Contains(m.Mold.Lines, line) {
			m.Mold.Lines = append(m.Mold.Lines, line)
		}
	}
	return m, nil
}

// watcher shows one instrument.
type watcher struct {
	out    io.Writer
	symbol string
	plain  bool

	// mu guards what follows; the market holds it while it calls begun and take.
	mu     sync.Mutex
	books  *depth.Builder
	ladder marketTape.Ladder
	number uint64
	line   []byte
	shown  uint64
	from   string
}

func (w *watcher) notice(n client.Notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch n.Kind {
	case client.Connected:
		w.from = n.Address
		if w.plain {
			fmt.Fprintf(w.out, "* feed from %s, next message %d\n", n.Address, n.Number)
		}
	case client.Disconnected:
		if w.plain && n.Err != nil {
			fmt.Fprintf(w.out, "* feed: %s: %v\n", n.Address, n.Err)
		}
	case client.Requested:
		if w.plain {
			fmt.Fprintf(w.out, "* message %d was lost on every line: asked for at %s\n", n.Number, n.Address)
		}
	}
}

// begun takes over the books at the start, and those that are taken anew.
func (w *watcher) begun(books *depth.Builder, next uint64) {
	w.books, w.number = books, next-1
	if w.plain && next > 1 {
		fmt.Fprintf(w.out, "* %d orders rest in all books, next message %d\n", books.Orders(), next)
	}
}

func (w *watcher) take(number uint64, _ []byte, change *depth.Change) (err error) {
	w.number = number
	if w.plain && (change.Book == nil || change.Book == w.books.Book(w.symbol)) {
		w.line = marketTape.AppendLine(w.line[:0], number, change)
		_, err = w.out.Write(w.line)
	}
	return err
}

// draw shows the ladder some times a second, if anything has changed.
func (w *watcher) draw(ctx context.Context) {
	tick := time.NewTicker(time.Second / framesPerSecond)
	defer tick.Stop()
	frame := []byte("\x1b[2J")
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		w.mu.Lock()
		book := w.books.Book(w.symbol)
		if book != nil && w.number != w.shown {
			w.shown = w.number
			frame = append(frame, marketTape.Home...)
			frame = w.ladder.AppendFrame(frame, w.number, book)
			frame = append(frame, "feed from "+w.from+marketTape.ClearBelow...)
			_, _ = w.out.Write(frame)
			frame = frame[:0]
		}
		w.mu.Unlock()
	}
}
