package glimpse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"exchange/marketdata/client"
	"exchange/marketdata/depth"
	"exchange/marketdata/feed"
	"exchange/marketdata/glimpse"
	"exchange/marketdata/itch"
	"exchange/ouch/soupbin"
)

// patience bounds how long a test waits for what has to come; nothing is measured by it.
const patience = 30 * time.Second

var abc = itch.MakeSymbol("ABC")

// day makes a feed's messages: orders come, are executed and go; about resting of them stand at a time.
type day struct {
	random  *rand.Rand
	number  uint64
	ref     uint64
	resting int
	refs    []uint64
}

func newDay(seed uint64, resting int) *day {
	return &day{random: rand.New(rand.NewPCG(seed, 1)), resting: resting}
}

func (d *day) next() []byte {
	d.number++
	m := itch.Message{Locate: 1, Stock: abc, Timestamp: d.number}
	i := 0
	if len(d.refs) > 0 {
		i = d.random.IntN(len(d.refs))
	}
	switch {
	case d.number == 1:
		m.Type, m.RoundLot = 'R', 1
	case d.number == 2:
		m.Type, m.Code = 'H', 'T'
	case len(d.refs) > d.resting/2 && d.random.IntN(d.resting) < len(d.refs)/2:
		m.Type, m.Ref = 'D', d.refs[i]
		d.refs = slices.Delete(d.refs, i, i+1)
	default:
		d.ref++
		m.Type, m.Ref, m.Side, m.Shares, m.Price = 'A', d.ref, "BS"[d.ref%2], 1+d.random.Uint64N(500), uint32(1000-500*(d.ref%2)+d.random.Uint64N(400))
		d.refs = append(d.refs, d.ref)
	}
	return itch.Append(nil, &m)
}

func publish(s *feed.Store, d *day, messages int) {
	for range messages {
		m := d.next()
		s.Append(d.number, m)
	}
	s.Publish()
}

func session(t *testing.T) soupbin.Session {
	t.Helper()
	s, err := soupbin.MakeSession("DAY0001")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// port serves a store's snapshots on a port of its own.
func port(t *testing.T, store *feed.Store, k glimpse.KeeperConfig, c glimpse.ServerConfig) (string, *glimpse.Keeper, *glimpse.Server) {
	t.Helper()
	keeper := glimpse.NewKeeper(store, k)
	t.Cleanup(keeper.Close)
	c.Session = session(t)
	server, err := glimpse.NewServer(keeper, c)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	t.Cleanup(server.Close)
	return l.Addr().String(), keeper, server
}

func content(b *depth.Builder) (all []string) {
	for m := range b.Messages {
		all = append(all, string(itch.Append(nil, m)))
	}
	return all
}

// builtFrom gives what the store's messages below next build.
func builtFrom(t *testing.T, s *feed.Store, next uint64) []string {
	t.Helper()
	b := depth.NewBuilder()
	for r := s.NewReader(1); r.Number() < next; {
		m, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.ApplyBytes(m); err != nil {
			t.Fatal(err)
		}
	}
	return content(b)
}

func TestASnapshotIsTheBooksAtItsNumber(t *testing.T) {
	store, d := feed.NewStore(1<<30), newDay(1, 3000)
	publish(store, d, 5)
	address, keeper, server := port(t, store, glimpse.KeeperConfig{Fresh: time.Nanosecond}, glimpse.ServerConfig{})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var last uint64
	for round := range 10 {
		publish(store, d, 1+round*700)
		taken, err := (&client.Snapshot{Addresses: []string{address}, GiveUpAfter: time.Nanosecond}).Take(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if taken.Next != store.Next() || taken.Session != "DAY0001" {
			t.Fatalf("session %s, next message %d, the feed's is %d", taken.Session, taken.Next, store.Next())
		}
		if !reflect.DeepEqual(content(taken.Books), builtFrom(t, store, taken.Next)) {
			t.Fatalf("other books at number %d", taken.Next)
		}
		last = taken.Next
	}
	if s := keeper.Status(); s.Next != last || s.Images != 10 || s.Orders < 1000 || s.Fault != nil {
		t.Errorf("%+v", s)
	}
	server.Close()
	if served, refused := server.Counts(); served != 10 || refused != 0 {
		t.Errorf("%d served, %d refused", served, refused)
	}
}

// TestLateJoinersWhileTheFeedGoesOn: many at once, each builds the rest from the feed and comes to the same books.
func TestLateJoinersWhileTheFeedGoesOn(t *testing.T) {
	store, d := feed.NewStore(1<<30), newDay(2, 500)
	publish(store, d, 100)
	address, keeper, _ := port(t, store, glimpse.KeeperConfig{MaxBehind: 100}, glimpse.ServerConfig{})
	const joiners = 20
	var wg sync.WaitGroup
	var going atomic.Bool
	going.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	taken := make([]*client.Taken, joiners)
	for i := range joiners {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var err error
			if taken[i], err = (&client.Snapshot{Addresses: []string{address}, GiveUpAfter: time.Nanosecond}).Take(ctx); err != nil {
				t.Error(err)
			}
		}()
	}
	joined := make(chan struct{})
	go func() { wg.Wait(); close(joined) }()
	for going.Load() {
		publish(store, d, 50)
		select {
		case <-joined:
			going.Store(false)
		case <-time.After(100 * time.Microsecond):
		}
	}
	publish(store, d, 50)
	want := builtFrom(t, store, store.Next())
	for i, j := range taken {
		if j == nil {
			continue
		}
		for r := store.NewReader(j.Next); r.Number() < store.Next(); {
			m, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := j.Books.ApplyBytes(m); err != nil {
				t.Fatalf("joiner %d, message %d: %v", i, r.Number()-1, err)
			}
		}
		if !reflect.DeepEqual(content(j.Books), want) {
			t.Fatalf("joiner %d, who began at %d, has other books", i, j.Next)
		}
	}
	if s := keeper.Status(); s.Images == 0 || s.Images > joiners {
		t.Errorf("%d images for %d joiners", s.Images, joiners)
	}
}

// TestAKeeperWhoseFeedBeginsInTheMiddleIsSeeded: the first messages are gone; another replica's snapshot takes their place.
func TestAKeeperWhoseFeedBeginsInTheMiddleIsSeeded(t *testing.T) {
	whole, d := feed.NewStore(1<<30), newDay(3, 300)
	small, same := feed.NewStore(0), newDay(3, 300)
	publish(whole, d, 100_000)
	publish(small, same, 100_000)
	if small.First() == 1 {
		t.Fatal("the small store dropped nothing")
	}
	address, _, _ := port(t, whole, glimpse.KeeperConfig{}, glimpse.ServerConfig{})
	var seeded atomic.Int32
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var other string
	other, _, _ = port(t, small, glimpse.KeeperConfig{Fresh: time.Nanosecond, Seed: func(ctx context.Context) (*depth.Builder, uint64, error) {
		if seeded.Add(1) == 1 {
			return nil, 0, errors.New("nobody answers yet")
		}
		taken, err := (&client.Snapshot{Addresses: []string{address}}).Take(ctx)
		if err != nil {
			return nil, 0, err
		}
		return taken.Books, taken.Next, nil
	}}, glimpse.ServerConfig{})
	taken, err := (&client.Snapshot{Addresses: []string{other}, RetryAfter: time.Millisecond}).Take(ctx)
	if err != nil {
		t.Fatal(err)
	}
	publish(small, same, 1000)
	publish(whole, d, 1000)
	if taken, err = (&client.Snapshot{Addresses: []string{other}, RetryAfter: time.Millisecond}).Take(ctx); err != nil {
		t.Fatal(err)
	}
	if taken.Next != whole.Next() || !reflect.DeepEqual(content(taken.Books), builtFrom(t, whole, whole.Next())) {
		t.Errorf("next %d of %d, or other books", taken.Next, whole.Next())
	}
	if seeded.Load() < 2 {
		t.Errorf("seeded %d times", seeded.Load())
	}
}

func TestAnImpossibleFeedIsNoSnapshot(t *testing.T) {
	store, d := feed.NewStore(1<<30), newDay(4, 10)
	publish(store, d, 5)
	bad := itch.Append(nil, &itch.Message{Type: 'D', Locate: 1, Ref: 999})
	store.Append(6, bad)
	store.Publish()
	told := make(chan error, 2)
	address, keeper, _ := port(t, store, glimpse.KeeperConfig{Fault: func(err error) { told <- err }}, glimpse.ServerConfig{})
	_, err := (&client.Snapshot{Addresses: []string{address}, GiveUpAfter: time.Nanosecond}).Take(context.Background())
	if !errors.Is(err, client.ErrRejected) {
		t.Errorf("a snapshot of an impossible feed: %v", err)
	}
	if err := <-told; !errors.Is(err, depth.ErrUnknownOrder) {
		t.Error(err)
	}
	if s := keeper.Status(); !errors.Is(s.Fault, depth.ErrUnknownOrder) {
		t.Errorf("%+v", s)
	}
}

func TestWhoIsLetIn(t *testing.T) {
	store, d := feed.NewStore(1<<30), newDay(5, 10)
	empty := feed.NewStore(1 << 20)
	publish(store, d, 50)
	open, _, _ := port(t, store, glimpse.KeeperConfig{}, glimpse.ServerConfig{})
	narrow, _, _ := port(t, store, glimpse.KeeperConfig{}, glimpse.ServerConfig{MaxConnections: 2})
	locked, _, _ := port(t, store, glimpse.KeeperConfig{}, glimpse.ServerConfig{Username: "JOE", Password: "secret"})
	nothing, _, _ := port(t, empty, glimpse.KeeperConfig{}, glimpse.ServerConfig{})
	for name, c := range map[string]struct {
		s    client.Snapshot
		want error
	}{
		"no address":       {client.Snapshot{}, errors.New("no snapshot port")},
		"open":             {client.Snapshot{Addresses: []string{open}}, nil},
		"right session":    {client.Snapshot{Addresses: []string{open}, Session: "DAY0001"}, nil},
		"other session":    {client.Snapshot{Addresses: []string{open}, Session: "DAY0002"}, client.ErrRejected},
		"no password":      {client.Snapshot{Addresses: []string{locked}}, client.ErrRejected},
		"password":         {client.Snapshot{Addresses: []string{locked}, Username: "joe", Password: "secret"}, nil},
		"no books yet":     {client.Snapshot{Addresses: []string{nothing}}, client.ErrRejected},
		"the next has one": {client.Snapshot{Addresses: []string{nothing, open}}, nil},
	} {
		c.s.GiveUpAfter = time.Nanosecond
		if name == "the next has one" {
			c.s.GiveUpAfter = patience
		}
		taken, err := c.s.Take(context.Background())
		switch {
		case c.want == nil && (err != nil || taken.Next != 51):
			t.Errorf("%s: %+v, %v", name, taken, err)
		case c.want != nil && err == nil:
			t.Errorf("%s: let in", name)
		case c.want == client.ErrRejected && !errors.Is(err, client.ErrRejected):
			t.Errorf("%s: %v", name, err)
		}
	}
	// The stream is the login's own: there is no going on.
	conn, err := net.Dial("tcp", open)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	core := soupbin.MakeClient(soupbin.Session{}, 2)
	conn.Write(core.Login(nil, "", "", 0))
	conn.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 100)
	if n, err := conn.Read(buf); err != nil || string(buf[2:n]) != "JS" {
		t.Errorf("a login that wants number 2: %q, %v", buf[:n], err)
	}
	// What is no SoupBinTCP is told so.
	stranger, err := net.Dial("tcp", open)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	stranger.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
	stranger.SetReadDeadline(time.Now().Add(patience))
	word, _ := io.ReadAll(stranger)
	if p, n, err := soupbin.Next(word, soupbin.MaxPayload); err != nil || n == 0 || p.Type != soupbin.Debug || !strings.Contains(string(p.Payload), "longer than this end takes") {
		t.Errorf("a stranger hears %q, %v", word, err)
	}
	// Two connections that say nothing fill the house.
	for range 2 {
		c, err := net.Dial("tcp", narrow)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	full := client.Snapshot{Addresses: []string{narrow}, GiveUpAfter: time.Nanosecond}
	for deadline := time.Now().Add(patience); ; {
		if _, err := full.Take(context.Background()); errors.Is(err, client.ErrSnapshotCut) || err != nil && !errors.Is(err, client.ErrRejected) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a third one is let in")
		}
	}
}

// TestSlowReadersShareImages: while as many are held as may be, nobody gets another one; afterwards there is a new one.
func TestSlowReadersShareImages(t *testing.T) {
	store, d := feed.NewStore(1<<30), newDay(6, 100)
	publish(store, d, 100)
	_, keeper, _ := port(t, store, glimpse.KeeperConfig{Fresh: time.Nanosecond, MaxImages: 3}, glimpse.ServerConfig{})
	var held []*glimpse.Image
	numbers := map[uint64]int{}
	for range 10 {
		publish(store, d, 10)
		image, err := keeper.Image(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, image)
		numbers[image.Next]++
	}
	if len(numbers) != 3 || numbers[131] != 8 || keeper.Status().Images != 3 {
		t.Errorf("images at %v, %d made", numbers, keeper.Status().Images)
	}
	for _, image := range held {
		image.Release()
	}
	if image, err := keeper.Image(context.Background()); err != nil || image.Next != store.Next() {
		t.Errorf("afterwards: %+v, %v", image, err)
	}
}

func TestTheEnd(t *testing.T) {
	for _, n := range []uint64{1, 21, 1<<64 - 1} {
		b := glimpse.AppendEnd(nil, n)
		if got, err := glimpse.ParseEnd(b); err != nil || got != n || string(b) != fmt.Sprintf("G%20d", n) {
			t.Errorf("%d: %q, %d, %v", n, b, got, err)
		}
	}
	for text, want := range map[string]uint64{"G7                   ": 7, "G00000000000000000007": 7, "G                    ": 0, "G                   0": 0, "G7": 0,
		"X                   7": 0, "G                  -7": 0, "G99999999999999999999": 0} {
		if got, err := glimpse.ParseEnd([]byte(text)); got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
