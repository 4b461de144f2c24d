package glimpse

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"exchange/marketdata/depth"
	"exchange/marketdata/feed"
)

// KeeperConfig holds the settings of a Keeper; zero means the default.
type KeeperConfig struct {
	// MaxBehind is how many messages the books may be behind the feed while nobody asks and the feed is busy (default 1<<17). It is to be far less than
	// what the store keeps.
	MaxBehind uint64
	// Fresh is how old an image may be to be given to another client (default 100 ms).
	Fresh time.Duration
	// MaxImages bounds the images that are being sent at one time (default 4), and so the memory for them. When so many are, who asks gets the last one,
	// older than Fresh though it is: it is as good for whoever goes on from the feed at its number.
	MaxImages int
	// Seed gives books and the number of the message after them, when the store's oldest messages are gone: another replica's snapshot. Nil: there
	// is none, and without its first messages the feed makes no books.
	Seed func(ctx context.Context) (books *depth.Builder, next uint64, err error)
	// Fault, if not nil, is told once when the feed turns out to be impossible.
	Fault func(error)
}

const (
	defaultMaxBehind = 1 << 17
	defaultFresh     = 100 * time.Millisecond
	defaultMaxImages = 4
	// lookEvery is how often a Keeper looks whether it is too far behind, or has the time to catch up.
	lookEvery = 100 * time.Millisecond
	// stretch is how many messages are applied before others get the processor; a feed with no more than that between two looks is not busy.
	stretch = 1024
	// seedAgain is the pause after a seed could not be had.
	seedAgain = 200 * time.Millisecond
)

// Why there is no image.
var (
	ErrNoBooks = errors.New("no books yet: nothing is published here, or the feed's first messages are gone and no other replica has given a snapshot")
	ErrClosed  = errors.New("the keeper is closed")
)

// Keeper keeps books beside the feed. While nobody asks and the feed is busy it lets it run ahead, so that it takes no time from others just then.
type Keeper struct {
	store  *feed.Store
	config KeeperConfig
	asked  chan chan answer
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	alive atomic.Int32 // images that somebody holds, the keeper or a connection

	// The goroutine's own.
	books  *depth.Builder // nil: to be seeded
	reader feed.Reader
	image  *Image
	fault  error

	next   atomic.Uint64
	orders atomic.Int64
	images atomic.Uint64
	broken atomic.Pointer[error]
}

type answer struct {
	image *Image
	err   error
}

// KeeperStatus is how far a Keeper is.
type KeeperStatus struct {
	// Next is the number of the message to be applied next, 0 while there are no books; Orders rest in them.
	Next   uint64
	Orders int
	// Images made.
	Images uint64
	// Fault is why the feed makes no books any more, nil if it does.
	Fault error
}

// NewKeeper starts to follow the store from its first message.
func NewKeeper(store *feed.Store, config KeeperConfig) *Keeper {
	if config.MaxBehind == 0 {
		config.MaxBehind = defaultMaxBehind
	}
	if config.Fresh <= 0 {
		config.Fresh = defaultFresh
	}
	if config.MaxImages <= 0 {
		config.MaxImages = defaultMaxImages
	}
	k := &Keeper{store: store, config: config, asked: make(chan chan answer), books: depth.NewBuilder(), reader: store.NewReader(1)}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	k.wg.Add(1)
	go func() {
		defer k.wg.Done()
		k.run()
	}()
	return k
}

// Close ends it.
func (k *Keeper) Close() {
	k.cancel()
	k.wg.Wait()
}

// Status tells how far it is.
func (k *Keeper) Status() KeeperStatus {
	s := KeeperStatus{Next: k.next.Load(), Orders: int(k.orders.Load()), Images: k.images.Load()}
	if f := k.broken.Load(); f != nil {
		s.Fault = *f
	}
	return s
}

// Image gives the books as they are now, or were a moment ago (KeeperConfig.Fresh). ErrNoBooks, or the feed's fault, if there are none. The image is to be
// released.
func (k *Keeper) Image(ctx context.Context) (*Image, error) {
	reply := make(chan answer, 1)
	select {
	case k.asked <- reply:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-k.ctx.Done():
		return nil, ErrClosed
	}
	select {
	case a := <-reply:
		return a.image, a.err
	case <-ctx.Done():
		go func() { // the answer is on its way, or the keeper closes
			select {
			case a := <-reply:
				if a.image != nil {
					a.image.Release()
				}
			case <-k.ctx.Done():
			}
		}()
		return nil, ctx.Err()
	case <-k.ctx.Done():
		return nil, ErrClosed
	}
}

func (k *Keeper) run() {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	last := uint64(0)
	for {
		select {
		case reply := <-k.asked:
			image, err := k.take()
			reply <- answer{image, err}
		case <-look.C:
			next := k.store.Next()
			if quiet := next-last <= stretch; quiet || next-k.reader.Number() > k.config.MaxBehind {
				k.catchUp()
			}
			last = next
			if k.image != nil && !k.current() {
				k.drop()
			}
		case <-k.ctx.Done():
			return
		}
	}
}

// take gives an image for who asks now.
func (k *Keeper) take() (*Image, error) {
	if k.image != nil && k.current() {
		return k.image.hold(), nil
	}
	k.catchUp()
	switch {
	case k.fault != nil:
		return nil, k.fault
	case k.books == nil || k.reader.Number() == 1: // a market has a first message; a replica without one has not been told of it yet
		return nil, ErrNoBooks
	}
	k.drop()
	k.image = makeImage(k.books, k.reader.Number())
	k.image.alive = &k.alive
	k.image.hold() // the keeper does
	k.images.Add(1)
	return k.image.hold(), nil
}

// current tells whether the image is given to who asks now: it is fresh, or there are so many that no more are made. It has to be one that the
// feed goes on from.
func (k *Keeper) current() bool {
	fresh := time.Since(k.image.made) <= k.config.Fresh || int(k.alive.Load()) >= k.config.MaxImages
	return fresh && k.image.Next >= k.store.First()
}

// drop gives the keeper's own image back; those who send it hold it.
func (k *Keeper) drop() {
	if k.image != nil {
		k.image.Release()
		k.image = nil
	}
}

// catchUp applies what is published now. What is dropped already is made good by a seed, if one can be had.
func (k *Keeper) catchUp() {
	for to := k.store.Next(); k.fault == nil && k.ctx.Err() == nil; {
		if k.books == nil && !k.seed() {
			break
		}
		if k.reader.Number() >= to {
			break
		}
		switch err := k.apply(to); {
		case errors.Is(err, feed.ErrDropped):
			k.books = nil
		case err != nil && !errors.Is(err, feed.ErrNotYet):
			k.giveUp(err)
		}
		runtime.Gosched()
	}
	if k.books != nil {
		k.next.Store(k.reader.Number())
		k.orders.Store(int64(k.books.Orders()))
	} else {
		k.next.Store(0)
	}
}

// apply applies a stretch of messages below number to.
func (k *Keeper) apply(to uint64) error {
	for range stretch {
		if k.reader.Number() >= to {
			return nil
		}
		number := k.reader.Number()
		message, err := k.reader.Next()
		if err != nil {
			return err
		}
		if _, err := k.books.ApplyBytes(message); err != nil {
			return fmt.Errorf("feed message %d makes no sense in the books: %w", number, err)
		}
	}
	return nil
}

// seed begins with another replica's books. They are of use only if the store goes on from there.
func (k *Keeper) seed() bool {
	if k.config.Seed == nil {
		return false
	}
	books, next, err := k.config.Seed(k.ctx)
	if err != nil || next < k.store.First() {
		select {
		case <-time.After(seedAgain):
		case <-k.ctx.Done():
		}
		return false
	}
	k.books, k.reader = books, k.store.NewReader(next)
	return true
}

// giveUp ends the building: a feed that makes no sense is not given to anybody as books.
func (k *Keeper) giveUp(err error) {
	k.fault = err
	k.broken.Store(&err)
	if k.config.Fault != nil {
		k.config.Fault(err)
	}
}
