package drill

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"exchange/cmd/exchange/cluster"
	consumer "exchange/marketdata/client"
)

// Keep says what of a replay through a cluster is written to files; an empty name is one that is not wanted.
type Keep struct {
	// Feed: the whole feed as one replica serves it over SoupBinTCP. Lines: the datagrams of all replicas' MoldUDP64 lines, and the answers to what was lost.
	// Books: the engine's books at the end, which all replicas must have alike.
	Feed, Lines, Books string
}

// listening is a reader of the lines under way.
type listening struct {
	file   *os.File
	out    *bufio.Writer
	number atomic.Uint64 // of the last message that was delivered
	stop   context.CancelFunc
	result chan error
}

// listen hears the lines from now on, when the first messages can still be asked for.
func (k *Keep) listen(ctx context.Context, file cluster.File) (*listening, error) {
	if k.Lines == "" {
		return nil, nil
	}
	f, err := os.Create(k.Lines)
	if err != nil {
		return nil, err
	}
	l := &listening{file: f, out: bufio.NewWriterSize(f, 1<<16), result: make(chan error, 1)}
	ctx, l.stop = context.WithCancel(ctx)
	mold := &consumer.Mold{
		Lines:          file.Addresses(func(r cluster.Replica) string { return r.Mold }),
		RequestServers: file.Addresses(cluster.Replica.MoldRequestAddress), Capture: l.out,
	}
	go func() {
		l.result <- mold.Run(ctx, func(n uint64, _ []byte) error {
			l.number.Store(n)
			return nil
		})
	}()
	return l, nil
}

// finish ends it once it has message last.
func (l *listening) finish(ctx context.Context, last uint64) error {
	defer l.stop()
	for l.number.Load() < last {
		select {
		case err := <-l.result:
			return fmt.Errorf("hear the lines: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("hear the lines up to number %d, of which %d came: %w", last, l.number.Load(), ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
	l.stop()
	<-l.result
	return errors.Join(l.out.Flush(), l.file.Close())
}

// keep writes the rest when everything is played.
func (k *Keep) keep(ctx context.Context, c *cluster.Cluster, l *listening) error {
	if *k == (Keep{}) {
		return nil
	}
	file := c.Describe()
	books, last := "", uint64(0)
	for _, r := range file.Replicas {
		text, number, err := cluster.Books(r.HTTP)
		switch {
		case err != nil:
			return err
		case last != 0 && (text != books || number != last):
			return fmt.Errorf("the books of replica %d at feed number %d are not those of the others at %d", r.ID, number, last)
		}
		books, last = text, number
	}
	if k.Books != "" {
		if err := os.WriteFile(k.Books, []byte(books), 0o666); err != nil {
			return err
		}
	}
	if k.Feed != "" {
		if err := captureFeed(ctx, k.Feed, file.Addresses(cluster.Replica.ITCHAddress), last); err != nil {
			return fmt.Errorf("read the feed: %w", err)
		}
	}
	if l == nil {
		return nil
	}
	return l.finish(ctx, last)
}

var errReached = errors.New("the last number is reached")

// captureFeed reads the feed up to number last over SoupBinTCP.
func captureFeed(ctx context.Context, path string, addresses []string, last uint64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<16)
	soup := consumer.Soup{Addresses: addresses, GiveUpAfter: flowPatience, Capture: out}
	err = soup.Run(ctx, func(number uint64, _ []byte) error {
		if number == last {
			return errReached
		}
		return nil
	})
	if errors.Is(err, errReached) {
		err = nil
	}
	return errors.Join(err, out.Flush(), f.Close())
}
