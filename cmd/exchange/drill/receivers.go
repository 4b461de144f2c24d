package drill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"exchange/cmd/exchange/cluster"
	consumer "exchange/marketdata/client"
	"exchange/marketdata/depth"
	"exchange/marketdata/moldudp64"
)

// The receivers of a drill follow the feed as a customer would, with the consumer library, and keep books:
//
//  1. on the lines of two replicas, nothing lost on purpose;
//  2. on the same two lines, of which one datagram in a hundred is lost on each, and asked for again at any replica;
//  3. the same, joining late through a snapshot;
//  4. over SoupBinTCP, joining late through a snapshot.
//
// Each must get every number once and in order, and at the end have the engine's books, order by order.
const (
	lossPercent = 1
	// LineReceivers hear the lines, each at a loopback address of its own (cluster.Options.LineReceivers).
	LineReceivers = 3
)

// ReceiverReport is what came of one receiver.
type ReceiverReport struct {
	Name string `json:"name"`
	// BegunAt is the number of its first message, Anew how often it had to take the books from a snapshot again.
	BegunAt  uint64 `json:"begun_at"`
	Anew     int    `json:"taken_anew"`
	Messages uint64 `json:"messages"`
	// Dropped datagrams were lost on purpose; Gaps counts the holes that opened in what all lines brought together, Requests those that were asked for.
	Dropped  int    `json:"dropped_datagrams"`
	Gaps     uint64 `json:"gaps_opened"`
	Requests uint64 `json:"requests"`
	// Differences of its books from the engine's, 0 or 1 for each replica; Orders that were compared.
	Differences int `json:"differences"`
	Orders      int `json:"orders_compared"`
}

// receiver is one of them under way.
type receiver struct {
	check  *feedCheck
	market *consumer.Market
	random *rand.Rand // under drops

	mu     sync.Mutex // the market's guard
	books  *depth.Builder
	next   uint64
	report ReceiverReport
	failed error

	drops   sync.Mutex
	dropped int
}

// newReceivers makes the four: those that are there from the start, and those that join late.
func newReceivers(check *feedCheck, file cluster.File, seed uint64) (early, late []*receiver) {
	mold := func(place int, loses bool) *receiver {
		r := &receiver{check: check, random: rand.New(rand.NewPCG(seed, uint64(place)))}
		m := &consumer.Mold{RequestServers: file.Addresses(cluster.Replica.MoldRequestAddress)}
		for _, replica := range file.Replicas[:2] {
			m.Lines = append(m.Lines, strings.Split(replica.Mold, ",")[place])
		}
		if loses {
			m.Drop = r.drop
		}
		r.market = &consumer.Market{Mold: m}
		return r
	}
	snapshot := func(r *receiver) *receiver {
		r.market.Snapshot = &consumer.Snapshot{Addresses: file.Addresses(cluster.Replica.GlimpseAddress)}
		return r
	}
	named := func(r *receiver, name string) *receiver {
		r.report.Name = name
		r.market.Guard, r.market.Begun, r.market.Handle = &r.mu, r.begun, r.take
		return r
	}
	soup := &receiver{check: check, market: &consumer.Market{Soup: &consumer.Soup{Addresses: file.Addresses(cluster.Replica.ITCHAddress)}}}
	return []*receiver{named(mold(1, false), "two lines"), named(mold(2, true), fmt.Sprintf("two lines that lose %d %%", lossPercent))},
		[]*receiver{named(snapshot(mold(3, true)), fmt.Sprintf("late, two lines that lose %d %%", lossPercent)), named(snapshot(soup), "late, SoupBinTCP")}
}

func (r *receiver) drop([]byte) bool {
	r.drops.Lock()
	defer r.drops.Unlock()
	if r.random.IntN(100) >= lossPercent {
		return false
	}
	r.dropped++
	return true
}

// run follows the feed until the context ends.
func (r *receiver) run(ctx context.Context) {
	err := r.market.Run(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() == nil {
		r.failed = fmt.Errorf("its feed ended: %w", err)
	}
}

func (r *receiver) begun(books *depth.Builder, next uint64) {
	if r.books == nil {
		r.report.BegunAt = next
	} else {
		r.report.Anew++
	}
	r.books, r.next = books, next
}

func (r *receiver) take(number uint64, message []byte, _ *depth.Change) error {
	r.check.mu.Lock()
	defer r.check.mu.Unlock()
	if number != r.next {
		r.check.gaps++
		r.check.fault("receiver %q: number %d where %d is next", r.report.Name, number, r.next)
	}
	r.next = number + 1
	r.report.Messages++
	r.check.see(number, message, "receiver "+strconv.Quote(r.report.Name))
	return nil
}

// reach waits until it has the number.
func (r *receiver) reach(ctx context.Context, number uint64) error {
	for {
		r.mu.Lock()
		next, failed := r.next, r.failed
		r.mu.Unlock()
		switch {
		case failed != nil:
			return failed
		case next > number:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it stands before number %d, the replicas are at %d: %w", next, number, ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// text is its books as cluster.Books gives the engine's.
func (r *receiver) text() string {
	var b []byte
	for _, k := range r.books.Books() {
		for _, side := range []byte{'B', 'S'} {
			for _, o := range k.AppendOrders(nil, side) {
				b = append(append(append(b, k.Symbol...), ' ', side, ' '), strconv.FormatUint(uint64(o.Price), 10)...)
				b = strconv.AppendUint(append(b, ' '), o.Shares, 10)
				b = append(strconv.AppendUint(append(b, ' '), o.Ref, 10), '\n')
			}
		}
	}
	return string(b)
}

// status gives the report, with what the lines' merging counted.
func (r *receiver) status() ReceiverReport {
	var s moldudp64.ReceiverStatus
	if r.market.Mold != nil {
		s = r.market.Mold.Status()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drops.Lock()
	defer r.drops.Unlock()
	report := r.report
	report.Gaps, report.Requests, report.Dropped = s.Gaps, s.Requests, r.dropped
	return report
}

// compareBooks compares every receiver's books with every replica's. Nothing is under way any more, and orders rest.
func (s *scene) compareBooks(ctx context.Context) error {
	if !s.o.Receivers {
		return nil
	}
	texts, number, err := s.engineBooks(ctx)
	if err != nil {
		return err
	}
	for _, r := range s.receivers {
		if err := r.reach(ctx, number); err != nil {
			return fmt.Errorf("receiver %q: %w", r.report.Name, err)
		}
		r.mu.Lock()
		text := r.text()
		for id, engine := range texts {
			if text != engine {
				r.report.Differences++
				s.feed.mu.Lock()
				s.feed.contradictions++
				s.feed.fault("receiver %q: its books after message %d are not those of replica %d: %s", r.report.Name, number, id, firstDifference(text, engine))
				s.feed.mu.Unlock()
			}
		}
		r.report.Orders = max(r.report.Orders, r.books.Orders())
		r.mu.Unlock()
	}
	return nil
}

// engineBooks asks all replicas for their books until they are at one number.
func (s *scene) engineBooks(ctx context.Context) (texts map[int]string, number uint64, err error) {
	for {
		texts, number = map[int]string{}, 0
		same := true
		for id, address := range s.cluster.HTTP() {
			text, at, err := cluster.Books(address)
			if err != nil || number != 0 && at != number {
				same = false
				break
			}
			texts[id], number = text, at
		}
		if same {
			return texts, number, nil
		}
		select {
		case <-ctx.Done():
			return nil, 0, fmt.Errorf("the replicas' books do not come to one number of the feed: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func firstDifference(a, b string) string {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return fmt.Sprintf("line %d is %q and %q", i+1, left[i], right[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(left), len(right))
}
