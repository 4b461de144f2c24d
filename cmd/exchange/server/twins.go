package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"exchange/marketdata/feed"

	"github.com/rs/zerolog"
	"github.com/valyala/fasthttp"
)

// feedTwins compares this replica's feed with the others' by the rolling hash, at the last number that both have. A consumer takes any replica's message
// for any other's, so feeds that differ are an alarm: a line in the log at once, and the status and the metrics say so from then on.
type feedTwins struct {
	cfg   *Config
	store *feed.Store
	log   zerolog.Logger
	http  fasthttp.Client
	done  chan struct{}
	begun sync.Once
	wg    sync.WaitGroup

	mu     sync.Mutex
	others map[int]twin
}

// twin is what the last comparison with a replica said.
type twin struct {
	number  uint64 // the hashes after it were compared; 0: never
	differs bool   // they once were not equal
}

const (
	// compareEvery is how often every other replica is asked, comparePatience how long one may take to answer.
	compareEvery    = time.Second
	comparePatience = 500 * time.Millisecond
)

// feedHash is the answer to /v1/feed/hash.
type feedHash struct {
	Session string `json:"session"`
	Number  uint64 `json:"number"`
	Hash    string `json:"hash"` // over messages 1 to number
}

func newFeedTwins(cfg *Config, store *feed.Store, log zerolog.Logger) *feedTwins {
	t := &feedTwins{cfg: cfg, store: store, log: log, done: make(chan struct{}), others: map[int]twin{}}
	t.http.NoDefaultUserAgentHeader = true
	return t
}

// start begins to compare, once this replica has a feed of its own.
func (t *feedTwins) start() { t.begun.Do(t.begin) }

func (t *feedTwins) begin() {
	t.wg.Add(1)
	go func() {
		defer t.wg.Done()
		every := time.NewTicker(compareEvery)
		defer every.Stop()
		for {
			select {
			case <-every.C:
			case <-t.done:
				return
			}
			for _, m := range t.cfg.Members {
				if m.ID != t.cfg.ID {
					t.compare(m)
				}
			}
		}
	}()
}

func (t *feedTwins) close() {
	t.begun.Do(func() {}) // never any more
	close(t.done)
	t.wg.Wait()
}

// compare asks one replica. One that does not answer, or has what this one has no longer, is passed over.
func (t *feedTwins) compare(m Member) {
	var theirs feedHash
	last := t.store.Next() - 1
	if last == 0 || t.ask(m.HTTP, fmt.Sprintf("/v1/feed/hash?number=%d", last), &theirs) != nil || theirs.Number == 0 {
		return
	}
	t.judge(m.ID, &theirs)
}

// judge compares another replica's hash with ours.
func (t *feedTwins) judge(id int, theirs *feedHash) {
	ours, err := t.store.HashAt(theirs.Number)
	if err != nil {
		return
	}
	differs := theirs.Session != t.cfg.FeedSession || theirs.Hash != hex(ours)
	t.mu.Lock()
	was := t.others[id]
	t.others[id] = twin{number: theirs.Number, differs: differs || was.differs}
	t.mu.Unlock()
	if differs && !was.differs {
		t.log.Error().Int("replica", t.cfg.ID).Int("other", id).Uint64("number", theirs.Number).Str("session", t.cfg.FeedSession).Str("hash", hex(ours)).
			Str("other_session", theirs.Session).Str("other_hash", theirs.Hash).Uint64("equal_at", was.number).
			Msg("the feeds of two replicas differ: consumers may see one number with two contents; keep both directories and logs")
	}
}

func (t *feedTwins) ask(address, path string, into any) error {
	q, a := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(q)
	defer fasthttp.ReleaseResponse(a)
	q.SetRequestURI("http://" + address + path)
	if err := t.http.DoTimeout(q, a, comparePatience); err != nil {
		return err
	}
	if a.StatusCode() != fasthttp.StatusOK {
		return fmt.Errorf("%s", a.Body())
	}
	return json.Unmarshal(a.Body(), into)
}

// status gives the highest number at which every replica that ever answered has the same feed as this one, and who has another.
func (t *feedTwins) status() (equalAt uint64, differ []int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, o := range t.others {
		if o.differs {
			differ = append(differ, id)
		} else if equalAt == 0 || o.number < equalAt {
			equalAt = o.number
		}
	}
	return equalAt, differ
}

// feedHash answers with this replica's hash after the number asked for, or after its last one if that is lower.
func (h *httpServer) feedHash(c *fasthttp.RequestCtx) {
	number, err := c.QueryArgs().GetUint("number")
	if err != nil || number < 1 {
		c.Error("number: a feed number from 1 is needed", fasthttp.StatusBadRequest)
		return
	}
	store := h.r.outbox.feed
	at := min(uint64(number), store.Next()-1)
	hash, err := store.HashAt(at)
	switch {
	case err == nil:
		answer(c, feedHash{Session: h.r.cfg.FeedSession, Number: at, Hash: hex(hash)})
	case errors.Is(err, feed.ErrDropped):
		c.Error("no longer kept", fasthttp.StatusGone)
	default:
		c.Error(err.Error(), fasthttp.StatusNotFound)
	}
}
