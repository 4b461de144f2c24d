package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
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
	feed, dir string
	plain     bool
	levels    int
	length    time.Duration
}

func watchCommand() *cobra.Command {
	var o watchOptions
	c := &cobra.Command{
		Use: "watch SYMBOL", Short: "Ladder and trades from the feed", Args: cobra.ExactArgs(1),
		Long: `Follows the feed from its first message, builds the book, and shows it. When its replica dies it goes on at another one, at the
next number. On a terminal a ladder is drawn; otherwise, or with --plain, each event is a line.`,
		Example: "  exchange watch ABC\n  exchange watch ABC --plain\n  exchange watch ABC --feed 127.0.0.1:9121,127.0.0.1:9122",
		RunE:    func(c *cobra.Command, args []string) error { return watch(c.OutOrStdout(), args[0], o) },
	}
	f := c.Flags()
	f.StringVar(&o.feed, "feed", "", "SoupBinTCP addresses of the feed, HOST:PORT[,…] (default: those of the demo that is running)")
	f.StringVar(&o.dir, "dir", "", "directory of a demo's cluster")
	f.BoolVar(&o.plain, "plain", false, "a line an event")
	f.IntVar(&o.levels, "levels", 10, "price levels of each side in the ladder")
	f.DurationVar(&o.length, "for", 0, "end after this time (default: at Ctrl-C)")
	return c
}

// framesPerSecond of the ladder.
const framesPerSecond = 10

func watch(out io.Writer, symbol string, o watchOptions) error {
	addresses := strings.Split(o.feed, ",")
	if o.feed == "" {
		dir, err := cluster.Find(o.dir)
		if err != nil {
			return err
		}
		f, err := cluster.ReadFile(dir)
		if err != nil {
			return err
		}
		addresses = f.Addresses(cluster.Replica.ITCHAddress)
		known := make([]string, 0, len(f.Instruments))
		for _, i := range f.Instruments {
			known = append(known, i.Symbol)
		}
		if !strings.Contains(" "+strings.Join(known, " ")+" ", " "+symbol+" ") {
			return fmt.Errorf("unknown instrument %s: there are %s", symbol, strings.Join(known, ", "))
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if o.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.length)
		defer cancel()
	}
	w := &watcher{out: out, symbol: symbol, books: depth.NewBuilder(), plain: o.plain || !toTerminal(out)}
	w.ladder = marketTape.Ladder{Levels: o.levels, Color: marketTape.ColorWanted(toTerminal(out))}
	if f, ok := out.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 20 {
			w.ladder.Width = width
		}
	}
	if !w.plain {
		go w.draw(ctx)
	}
	soup := client.Soup{Addresses: addresses, GiveUpAfter: 10 * time.Second, Notice: w.notice}
	err := soup.Run(ctx, w.take)
	if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
		return failed(fmt.Errorf("feed: %w", err))
	}
	return nil
}

// watcher shows one instrument.
type watcher struct {
	out    io.Writer
	symbol string
	plain  bool

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
	}
}

func (w *watcher) take(number uint64, message []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	change, err := w.books.ApplyBytes(message)
	if err != nil {
		return fmt.Errorf("message %d: %w", number, err)
	}
	w.number = number
	if w.plain && (change.Book == nil || change.Book == w.books.Book(w.symbol)) {
		w.line = marketTape.AppendLine(w.line[:0], number, &change)
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
