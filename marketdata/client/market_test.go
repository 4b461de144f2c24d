package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"exchange/marketdata"
	"exchange/marketdata/depth"
	"exchange/marketdata/feed"
	"exchange/marketdata/glimpse"
	"exchange/marketdata/itch"
	"exchange/marketdata/moldudp64"
)

// orders makes a day of messages: they rest, and go.
type orders struct {
	random      *rand.Rand
	number, ref uint64
	refs        []uint64
}

func newOrders() *orders { return &orders{random: rand.New(rand.NewPCG(9, 9))} }

func (o *orders) next() []byte {
	o.number++
	m := itch.Message{Locate: 1, Stock: itch.MakeSymbol("ABC"), Timestamp: o.number}
	if o.number == 1 {
		m.Type, m.RoundLot = 'R', 1
	} else if n := len(o.refs); n > 150 || n > 0 && o.random.IntN(5) == 0 {
		i := o.random.IntN(n)
		m.Type, m.Ref = 'D', o.refs[i]
		o.refs = slices.Delete(o.refs, i, i+1)
	} else {
		o.ref++
		m.Type, m.Ref, m.Side, m.Shares, m.Price = 'A', o.ref, "BS"[o.ref%2], 1+o.random.Uint64N(500), uint32(1000+o.random.Uint64N(50))
		o.refs = append(o.refs, o.ref)
	}
	return itch.Append(nil, &m)
}

// venue is some replicas with the same feed: every port of each.
type venue struct {
	t       *testing.T
	day     *orders
	stores  []*feed.Store
	servers []*marketdata.Server
	keepers []*glimpse.Keeper
	books   *depth.Builder // what a reader of everything has

	soup, requests, snapshots, lines []string
}

func openVenue(t *testing.T, replicas int, maxBytes int64) *venue {
	v := &venue{t: t, day: newOrders(), books: depth.NewBuilder()}
	for range replicas {
		v.open(feed.NewStore(maxBytes))
	}
	return v
}

// open adds a replica with this store.
func (v *venue) open(store *feed.Store) {
	t, day := v.t, session(v.t, "DAY0001")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(err)
		return l
	}
	server, err := marketdata.NewServer(store, marketdata.ServerConfig{})
	must(err)
	server.SetSession(day)
	l := listen()
	go server.Serve(l)
	t.Cleanup(server.Close)
	v.soup, v.servers, v.stores = append(v.soup, l.Addr().String()), append(v.servers, server), append(v.stores, store)

	keeper := glimpse.NewKeeper(store, glimpse.KeeperConfig{Fresh: time.Nanosecond, Seed: func(context.Context) (*depth.Builder, uint64, error) {
		return nil, 0, errors.New("nobody to ask")
	}})
	t.Cleanup(keeper.Close)
	snapshots, err := glimpse.NewServer(keeper, glimpse.ServerConfig{Session: day})
	must(err)
	l = listen()
	go snapshots.Serve(l)
	t.Cleanup(snapshots.Close)
	v.snapshots = append(v.snapshots, l.Addr().String())

	requests, err := moldudp64.ListenRequests("127.0.0.1:0", store, moldudp64.RequestConfig{Session: day, PerSecond: 1 << 20})
	must(err)
	t.Cleanup(requests.Close)
	v.requests = append(v.requests, requests.Addr().String())
	line := freePort(t)
	p, err := moldudp64.NewPublisher(store, moldudp64.PublisherConfig{Session: day, From: 1, MaxPacket: 400 + 300*len(v.lines), Heartbeat: 10 * time.Millisecond,
		Destinations: []netip.AddrPort{netip.MustParseAddrPort(line)}})
	must(err)
	t.Cleanup(p.Close)
	v.lines, v.keepers = append(v.lines, line), append(v.keepers, keeper)
}

// publish adds messages on every replica.
func (v *venue) publish(messages int) {
	for range messages {
		m := v.day.next()
		if _, err := v.books.ApplyBytes(m); err != nil {
			v.t.Fatal(err)
		}
		for _, s := range v.stores {
			s.Append(v.day.number, m)
		}
	}
	for _, s := range v.stores {
		s.Publish()
	}
}

func contentOf(b *depth.Builder) (all []string) {
	for m := range b.Messages {
		all = append(all, string(itch.Append(nil, m)))
	}
	return all
}

// following runs a market until it has message last, while more is published, and compares its books.
func (v *venue) following(m *Market, last uint64, begin func(*depth.Builder, uint64)) (begun []uint64) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var books *depth.Builder
	next := uint64(0)
	m.Begun = func(b *depth.Builder, n uint64) {
		books, next = b, n
		begun = append(begun, n)
		if begin != nil {
			begin(b, n)
		}
	}
	end := errors.New("all of it")
	handle := m.Handle
	m.Handle = func(number uint64, message []byte, change *depth.Change) error {
		if number != next {
			v.t.Errorf("message %d where %d is next", number, next)
		}
		next++
		if number == last {
			return end
		}
		if handle != nil {
			return handle(number, message, change)
		}
		return nil
	}
	if err := m.Run(ctx); err != end {
		v.t.Fatalf("ended at %d with %v", next, err)
	}
	if !reflect.DeepEqual(contentOf(books), contentOf(v.books)) {
		v.t.Error("the books are not the feed's")
	}
	return begun
}

// inBackground publishes messages up to number last, a few at a time.
func (v *venue) inBackground(last uint64) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		for v.day.number < last {
			v.publish(int(min(50, last-v.day.number)))
			time.Sleep(100 * time.Microsecond)
		}
	}()
	return done
}

func TestALateJoinerOverSoupBinTCP(t *testing.T) {
	v := openVenue(t, 2, 1<<30)
	v.publish(5000)
	const last = 20_000
	cut := false
	m := &Market{Soup: &Soup{Addresses: v.soup}, Snapshot: &Snapshot{Addresses: v.snapshots}}
	m.Handle = func(number uint64, _ []byte, _ *depth.Change) error {
		if number > 8000 && !cut {
			cut = true
			go v.servers[0].Close()
		}
		return nil
	}
	publishing := v.inBackground(last)
	defer func() { <-publishing }()
	begun := v.followingAfter(publishing, m, last)
	if len(begun) != 1 || begun[0] < 5001 {
		t.Errorf("begun at %v", begun)
	}
}

// followingAfter is following, but compares with the books when all is published.
func (v *venue) followingAfter(publishing chan struct{}, m *Market, last uint64) []uint64 {
	v.t.Helper()
	handle := m.Handle
	m.Handle = func(number uint64, message []byte, change *depth.Change) error {
		if number == last-1 {
			<-publishing
		}
		if handle != nil {
			return handle(number, message, change)
		}
		return nil
	}
	return v.following(m, last, nil)
}

// TestALateJoinerOnLinesThatLosePackets joins the lines first, then takes the snapshot: both lines lose a tenth.
func TestALateJoinerOnLinesThatLosePackets(t *testing.T) {
	v := openVenue(t, 2, 1<<30)
	v.publish(3000)
	const last = 20_000
	var asked, dropped atomic.Int64
	random := rand.New(rand.NewPCG(5, 5))
	var mu sync.Mutex
	drop := func([]byte) bool {
		mu.Lock()
		defer mu.Unlock()
		if random.IntN(10) > 0 {
			return false
		}
		dropped.Add(1)
		return true
	}
	mold := &Mold{Lines: v.lines, RequestServers: v.requests, RequestAgain: 5 * time.Millisecond, Drop: drop, Notice: func(Notice) { asked.Add(1) }}
	publishing := v.inBackground(last)
	defer func() { <-publishing }()
	begun := v.followingAfter(publishing, &Market{Mold: mold, Snapshot: &Snapshot{Addresses: v.snapshots}}, last)
	if len(begun) != 1 || begun[0] < 3001 {
		t.Errorf("begun at %v", begun)
	}
	if s := mold.Status(); asked.Load() == 0 || dropped.Load() == 0 || s.Requests == 0 || s.Duplicates == 0 || s.Delivered != last+1-begun[0] {
		t.Errorf("asked %d, dropped %d, %+v, begun at %v", asked.Load(), dropped.Load(), s, begun)
	}
}

func TestTheFirstMessageOnWithoutASnapshot(t *testing.T) {
	v := openVenue(t, 1, 1<<30)
	v.publish(1000)
	for name, m := range map[string]*Market{
		"SoupBinTCP": {Soup: &Soup{Addresses: v.soup}},
		"MoldUDP64":  {Mold: &Mold{Lines: v.lines, RequestServers: v.requests, RequestAgain: 5 * time.Millisecond}},
	} {
		if begun := v.following(m, 1000, nil); !slices.Equal(begun, []uint64{1}) {
			t.Errorf("%s: begun at %v", name, begun)
		}
	}
}

// TestBooksAreTakenAnewWhenAMessageCannotBeHad: between the snapshot and the first message so much is published that this one is kept nowhere.
func TestBooksAreTakenAnewWhenAMessageCannotBeHad(t *testing.T) {
	for _, over := range []string{"SoupBinTCP", "MoldUDP64"} {
		v := openVenue(t, 1, 0)
		v.publish(100)
		const last = 120_000 // the store keeps two chunks of 32,768 at most
		var times atomic.Int32
		m := &Market{Snapshot: &Snapshot{Addresses: v.snapshots}}
		begin := func(*depth.Builder, uint64) {
			if times.Add(1) > 1 {
				v.publish(1)
				return
			}
			for v.day.number < last-1 {
				v.publish(int(min(10_000, last-1-v.day.number)))
				image, err := v.keepers[0].Image(context.Background()) // it keeps up
				if err != nil {
					t.Error(err)
					return
				}
				image.Release()
			}
		}
		if over == "SoupBinTCP" {
			m.Soup = &Soup{Addresses: v.soup, NotServedAfter: 20 * time.Millisecond, RetryAfter: time.Millisecond}
		} else {
			m.Mold = &Mold{Lines: v.lines, RequestServers: v.requests, RequestAgain: 2 * time.Millisecond, LostAfter: 50 * time.Millisecond,
				Drop: func(b []byte) bool { return times.Load() == 1 && b[18]|b[19] != 0 }} // heartbeats tell that something is missing
		}
		begun := v.following(m, last, begin)
		if len(begun) != 2 || begun[0] != 101 || begun[1] != last {
			t.Errorf("%s: begun at %v", over, begun)
		}
	}
}

func TestWhatAMarketCannotDo(t *testing.T) {
	for name, m := range map[string]*Market{
		"no source":   {},
		"two sources": {Soup: &Soup{}, Mold: &Mold{}},
		"no port":     {Soup: &Soup{Addresses: []string{"127.0.0.1:1"}}, Snapshot: &Snapshot{}},
	} {
		if err := m.Run(context.Background()); err == nil {
			t.Errorf("%s: nothing is wrong", name)
		}
	}
	v := openVenue(t, 1, 1<<20)
	v.publish(3)
	v.stores[0].Append(4, itch.Append(nil, &itch.Message{Type: 'D', Locate: 1, Ref: 999}))
	v.stores[0].Publish()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := (&Market{Soup: &Soup{Addresses: v.soup}}).Run(ctx); !errors.Is(err, depth.ErrUnknownOrder) {
		t.Errorf("an impossible feed: %v", err)
	}
}
