package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"exchange/book"
	"exchange/consensus"
	"exchange/marketdata/feed"
	"exchange/marketdata/ws"

	"github.com/rs/zerolog"
)

// source is a replica that others take the state of: no consensus, no clients; it applies the entries that it is given.
type source struct {
	r        *Replica
	address  string
	requests atomic.Int64
	// cut closes the connection of a request in place of an answer.
	cut atomic.Pointer[func(path string) bool]
}

// sources apply the same entries, one after the other, until the test ends.
func openSources(t *testing.T, n int) (all []*source, decide func(entries int)) {
	cfg := transferConfig()
	for id := 1; id <= n; id++ {
		c := *cfg
		c.ID = id
		s := &source{r: bareReplica(&c)}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.address = l.Addr().String()
		h := &httpServer{r: s.r}
		inner := newHTTPPort(l, h.handle, 0)
		front := &cutting{Listener: l, s: s}
		go func() { _ = inner.inner.Serve(front) }()
		t.Cleanup(func() { l.Close() })
		all = append(all, s)
	}
	var entry, offset uint64
	var payload []byte
	give := func(commands []book.Command) {
		entry, payload = entry+1, payload[:0]
		for i := range commands {
			commands[i].Time = int64(entry) * 1000
			payload = commands[i].AppendTo(payload)
		}
		offset += uint64(len(payload)+64) &^ 63
		for _, s := range all {
			s.r.decideEntry(consensus.Position{Index: entry, Offset: offset, Chain: uint32(entry)}, payload)
		}
	}
	give(append(start(cfg, all[0].r.market, nil), book.Command{Kind: book.Logon, Session: 1, InSeq: 1, Seconds: 30},
		book.Command{Kind: book.Logon, Session: 2, InSeq: 1, Seconds: 30}))
	id := 0
	decide = func(entries int) {
		for range entries {
			var commands []book.Command
			for range 20 {
				id++
				c := book.Command{Kind: book.Enter, Session: uint16(1 + id%2), Epoch: 1, InSeq: uint64(2 + (id-1)/2), Instrument: uint16(1 + id/4%2), Side: book.Buy,
					Type: book.Limit, TIF: book.Day, Price: int64(1000 + id%7), Qty: int64(1 + id%50), ClientID: clientID(fmt.Sprintf("order-%d", id))}
				if id/2%2 == 0 {
					c.Side = book.Sell
				}
				commands = append(commands, c)
			}
			give(commands)
		}
	}
	return all, decide
}

func transferConfig() *Config {
	cfg := DefaultConfig()
	cfg.Limits.Orders, cfg.Limits.ClientIDs, cfg.Limits.ReportsPerSession, cfg.Limits.LogBytes = 1<<16, 1<<17, 1<<14, 1<<16
	return &cfg
}

// bareReplica is a replica without ports and consensus. Its loop is the test's goroutine and those of requests, one at a time (decideEntry, serveRequests).
func bareReplica(cfg *Config) *Replica {
	r := &Replica{cfg: cfg, log: zerolog.Nop(), hashes: newHashRing(hashesKept), requests: make(chan func(), loopRequests), stopped: make(chan struct{})}
	r.host = r.system()
	r.assemble()
	r.haveState = true
	go func() {
		for f := range r.requests {
			f()
		}
	}()
	return r
}

// decideEntry applies an entry as the loop does.
func (r *Replica) decideEntry(at consensus.Position, payload []byte) {
	r.do(func() {
		for rest := payload; len(rest) > 0; {
			var c book.Command
			n, err := book.DecodeCommand(rest, &c)
			if err != nil {
				panic(err)
			}
			rest = rest[n:]
			r.outbox.apply(r.market, &c)
			r.hashes.store(r.market.Index(), r.market.StreamHash())
		}
		r.applied = at
		r.tail.add(at, payload)
		r.outbox.flush(func([]uint16) {})
	})
}

// cutting is a listener whose connections end in the middle when the source is to die.
type cutting struct {
	net.Listener
	s *source
}

func (l *cutting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &cuttingConn{Conn: c, s: l.s}, err
}

type cuttingConn struct {
	net.Conn
	s *source
}

func (c *cuttingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.s.requests.Add(1)
		path := strings.TrimPrefix(string(b[:n]), "GET ")
		if cut := c.s.cut.Load(); cut != nil && (*cut)(path) {
			c.Conn.Close()
			return 0, io.EOF
		}
	}
	return n, err
}

// taker takes the state of sources; what it would install is in installed.
func taker(t *testing.T) (f *fetch, took *installed) {
	took = new(installed)
	cfg := transferConfig()
	cfg.ID = 3
	f = &fetch{r: bareReplica(cfg), install: func(in *installed) error { *took = *in; return nil }}
	t.Cleanup(f.client.CloseIdleConnections)
	return f, took
}

// check compares what was taken with the source.
func (s *source) check(t *testing.T, took *installed) {
	t.Helper()
	if took.market == nil {
		t.Fatal("nothing was installed")
	}
	if hash, ok := s.r.hashes.at(took.market.Index()); !ok || hash != took.market.StreamHash() {
		t.Fatalf("after command %d the state has hash %x, the source had %x", took.market.Index(), took.market.StreamHash(), hash)
	}
	last := took.outbox.feed.Next() - 1
	if n := took.market.NextFeedSeq() - 1; n != last {
		t.Fatalf("the feed is kept up to %d, the state is at %d", last, n)
	}
	a, err := took.outbox.feed.HashAt(last)
	if b, other := s.r.outbox.feed.HashAt(last); err != nil || other != nil || a != b || took.outbox.feed.First() != s.r.outbox.feed.First() {
		t.Fatalf("the feed up to %d has hash %x and %x: %v, %v", last, a, b, err, other)
	}
	compared := 0
	for session := uint16(1); session <= 2; session++ {
		end, _ := took.outbox.reports.last(session)
		first, _ := took.outbox.reports.kept(session)
		if end == 0 {
			t.Fatalf("session %d has no reports", session)
		}
		if sourceFirst, _ := s.r.outbox.reports.kept(session); first > sourceFirst {
			t.Fatalf("session %d: reports from %d on, the source has them from %d on", session, first, sourceFirst)
		}
		for number := first; number <= end; number++ {
			var a, b [1]book.Event
			took.outbox.reports.read(session, number, a[:])
			if s.r.outbox.reports.read(session, number, b[:]); b[0].OutSeq == number {
				compared++
				if a != b {
					t.Fatalf("session %d: report %d is %+v, the source's is %+v", session, number, a, b)
				}
			}
		}
	}
	if compared < 1000 {
		t.Fatalf("only %d reports were compared", compared)
	}
}

// A state is taken over whole while the source goes on: what is decided in between comes behind it.
func TestStateIsTakenOverWhileTheSourceGoesOn(t *testing.T) {
	all, decide := openSources(t, 1)
	decide(1500)
	f, took := taker(t)
	var pieces atomic.Int64
	during := func(path string) bool {
		if strings.HasPrefix(path, "/v1/state/stores") {
			pieces.Add(1)
		}
		decide(40) // some 100 KB of entries, more than the log of 64 KiB holds
		return false
	}
	var steps atomic.Int64
	bounded := func(path string) bool {
		if steps.Add(1) < 12 {
			return during(path)
		}
		return false
	}
	all[0].cut.Store(&bounded)
	if err := f.from(all[0].address); err != nil {
		t.Fatal(err)
	}
	all[0].check(t, took)
	if pieces.Load() < 2 || f.entries < 3*transferConfig().Limits.LogBytes {
		t.Fatalf("%d pieces of the stores, %d bytes of entries: the test shows nothing", pieces.Load(), f.entries)
	}
	if took.market.Index() != all[0].r.market.Index() {
		t.Fatalf("the state is at command %d, the source at %d", took.market.Index(), all[0].r.market.Index())
	}
	// So it serves what the source serves, from any sequence: the market over WebSocket and REST is made from the feed.
	web := func(o *outbox) (books []byte) {
		w := newWebFeed(o.feed, defaultWeb(), "DAY", func(string) int64 { return 100 }, func() (uint64, int64) { return o.feed.Next() - 1, took.market.Time() }, zerolog.Nop())
		if err := w.current(); err != nil {
			t.Fatal(err)
		}
		defer w.mu.Unlock()
		for _, id := range []string{"ABC-USD", "DEF-USD"} {
			books = w.market.AppendBook(books, w.market.Product(id), 3)
			c, err := w.market.Resume(w.market.Product(id), ws.Full, 100)
			if err != nil {
				t.Fatal(err)
			}
			events, _, err := w.market.Read(nil, &c, 1<<16)
			if err != nil || len(events) < 1000 {
				t.Fatalf("%d bytes of events: %v", len(events), err)
			}
			books = append(books, events...)
		}
		return books
	}
	if a, b := web(took.outbox), web(&all[0].r.outbox); !bytes.Equal(a, b) {
		t.Fatalf("the market over WebSocket is %.300s, the source's %.300s", a, b)
	}
}

// A source that dies in the middle costs what it had not given: the next one gives the rest.
func TestStateGoesOnAtAnotherSource(t *testing.T) {
	all, decide := openSources(t, 2)
	decide(2500)
	for _, dies := range []string{"/v1/state/stores", "/v1/state?", "/v1/state/entries"} {
		f, took := taker(t)
		var seen atomic.Int64 // each connection has a goroutine of its own
		cut := func(path string) bool {
			return strings.HasPrefix(path, dies) && (seen.Add(1) > 1 || dies != "/v1/state/stores")
		}
		all[0].cut.Store(&cut)
		if err := f.from(all[0].address); err == nil {
			t.Fatalf("%s: the source died and the state is complete", dies)
		}
		first := f.size
		decide(10)
		if err := f.from(all[1].address); err != nil {
			t.Fatalf("%s: %v", dies, err)
		}
		all[1].check(t, took)
		whole, _ := taker(t)
		if err := whole.from(all[1].address); err != nil {
			t.Fatal(err)
		}
		if first < storesFull || f.size > whole.size+whole.size/4 {
			t.Fatalf("%s: %d bytes came before the source died, and %d in all, where %d are enough", dies, first, f.size, whole.size)
		}
	}
}

// A source that is behind what was staged, or that does not keep the entries any more, says so, and nothing that was staged is lost.
func TestSourceThatCannotHelpSaysSo(t *testing.T) {
	all, decide := openSources(t, 2)
	decide(500)
	f, took := taker(t)
	late := func(path string) bool {
		if strings.HasPrefix(path, "/v1/state/entries") {
			all[0].r.do(func() { all[0].r.tail = entryTail{} })
		}
		return false
	}
	all[0].cut.Store(&late)
	if err := f.from(all[0].address); err == nil || !strings.Contains(err.Error(), "newer state") {
		t.Fatalf("entries that are gone: %v", err)
	}
	behind, _ := openSources(t, 1)
	if err := f.from(behind[0].address); err == nil || !strings.Contains(err.Error(), "not as far") || f.staged == nil {
		t.Fatalf("a source that is behind: %v", err)
	}
	noState := bareReplica(transferConfig())
	noState.haveState = false
	if _, err := noState.copyStores(since{feed: 1}); err == nil {
		t.Fatal("stores of a replica without a state")
	}
	if _, err := noState.copyEntries(1); err == nil {
		t.Fatal("entries of a replica without a state")
	}
	all[0].cut.Store(nil)
	size := f.size
	if err := f.from(all[0].address); err != nil {
		t.Fatal(err)
	}
	all[0].check(t, took)
	if f.size-size > size {
		t.Fatalf("%d bytes at the second try, after %d", f.size-size, size)
	}
}

// What is kept of entries is bounded, and given up when nobody asks for it.
func TestEntryTailIsBounded(t *testing.T) {
	var tail entryTail
	payload := make([]byte, tailChunkBytes/3)
	tail.add(consensus.Position{Index: 6}, payload)
	if _, err := tail.behind(5, 0); !errors.Is(err, errTailGone) {
		t.Fatalf("nothing is kept and something is given: %v", err)
	}
	tail.begin(6, 0)
	for i := uint64(7); i < 7+4*tailChunks; i++ {
		tail.add(consensus.Position{Index: i, Offset: i}, payload)
	}
	if len(tail.chunks) != tailChunks {
		t.Fatalf("%d chunks are kept", len(tail.chunks))
	}
	if _, err := tail.behind(6, 0); !errors.Is(err, errTailGone) {
		t.Fatalf("entry 7 was dropped and is given: %v", err)
	}
	last := uint64(6 + 4*tailChunks)
	for _, after := range []uint64{tail.first - 1, last - 5, last} {
		chunks, err := tail.behind(after, 0)
		if err != nil || chunks[0].first > after+1 {
			t.Fatalf("behind %d: from %d on, %v", after, chunks[0].first, err)
		}
	}
	tail.expire(int64(tailPatience) + 1)
	if tail.chunks != nil {
		t.Fatal("nobody asks for it and it is kept")
	}
	big := make([]byte, 2*tailChunkBytes) // one that is longer than a chunk has one of its own
	tail.begin(last, 0)
	tail.add(consensus.Position{Index: last + 1}, big)
	tail.add(consensus.Position{Index: last + 2}, payload)
	if chunks, err := tail.behind(last, 0); err != nil || len(chunks) < 2 {
		t.Fatalf("%d chunks, %v", len(chunks), err)
	}
}

// An answer that was damaged or cut on its way is refused as a whole.
func TestDamagedTransferIsRefused(t *testing.T) {
	all, decide := openSources(t, 1)
	decide(20)
	s := all[0]
	for _, path := range []string{"/v1/state/stores?feed=1", "/v1/state?feed=1", "/v1/state/entries?after=21"} {
		resp, err := http.Get("http://" + s.address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %v %s", path, resp.Status, err, body)
		}
		magic := string(body[:8])
		if _, err := checked(body, magic); err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{0, 8, len(body) / 2, len(body) - 1} {
			body[at] ^= 0x10
			if _, err := checked(body, magic); err == nil {
				t.Fatalf("%s: byte %d of %d was changed, and it is taken", path, at, len(body))
			}
			body[at] ^= 0x10
		}
		if _, err := checked(body[:len(body)-1], magic); err == nil {
			t.Fatalf("%s: it was cut, and it is taken", path)
		}
	}
	var in installed
	in.outbox, in.position = &outbox{feed: feed.NewStore(0)}, consensus.Position{Index: 9, Offset: 9}
	old := seal(append(consensus.Position{Index: 9, Offset: 9}.AppendTo([]byte(tailMagic)), 0, 0, 0, 0))
	if _, err := in.follow(old); err == nil {
		t.Fatal("an entry is taken twice")
	}
	if err := (&outbox{feed: feed.NewStore(0), reports: newReportStore(0)}).loadStores([]byte("nonsense")); !errors.Is(err, errStaged) {
		t.Fatalf("nonsense for stores: %v", err)
	}
}
