package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// fetchPause is how long a replica waits before it asks the others again.
	fetchPause = 50 * time.Millisecond
	// transferTimeout bounds one answer of another replica.
	transferTimeout = time.Minute
	// storesFull is less than what a piece of the stores has that was cut off: a smaller one is all that there was.
	storesFull = storesPiece / 4
	// storesPieces bounds the pieces taken of one source: more than the largest stores have.
	storesPieces = 1 << 14
	// entriesNear is which part of the log may be missing when the state is installed: the log holds that for long enough.
	entriesNear = 8
	// installTries bounds how often more entries are asked for because the log went on beyond those there are.
	installTries = 8
)

// fetchState asks the other replicas for their state until one gives it, and installs it. Followers are asked before the leader. What came of the stores
// is kept whatever becomes of its source.
func (r *Replica) fetchState() {
	if !r.fetching.CompareAndSwap(false, true) {
		return
	}
	defer r.fetching.Store(false)
	f := fetch{r: r, client: http.Client{Timeout: transferTimeout}, began: time.Now(), install: r.install}
	defer f.client.CloseIdleConnections()
	last := ""
	for !r.stopping.Load() {
		for _, m := range r.sources() {
			err := f.from(m.HTTP)
			if err == nil {
				r.log.Info().Int("from", m.ID).Int("bytes", f.size).Int("bytes_state", f.snapshot).Int("bytes_entries", f.entries).
					Dur("stores", f.storesTook).Dur("took", time.Since(f.began)).Msg("state taken over")
				if err := r.feed.start(); err != nil {
					r.fail(err)
				}
				return
			}
			if text := err.Error(); text != last {
				last = text
				r.log.Info().Int("from", m.ID).Err(err).Msg("no state from this replica yet")
			}
		}
		time.Sleep(fetchPause)
	}
}

// sources lists the other members, the leader last.
func (r *Replica) sources() (all []Member) {
	leader := 0
	if s := r.status.Load(); s != nil {
		leader = s.Leader
	}
	var leading []Member
	for _, m := range r.cfg.Members {
		switch m.ID {
		case r.cfg.ID:
		case leader:
			leading = append(leading, m)
		default:
			all = append(all, m)
		}
	}
	return append(all, leading...)
}

// fetch is the taking over of a state, over all its tries.
type fetch struct {
	r      *Replica
	client http.Client
	staged *outbox // stores as far as they came; nil: as far as the replica has them itself
	// install lets the loop change over to the state.
	install func(*installed) error
	piece   []byte // room for answers

	began                   time.Time
	size, snapshot, entries int // bytes that came: all, of the last state, of entries behind it
	storesTook              time.Duration
}

// from takes the state of the replica at the address: the stores in pieces, the state machine, what was decided since.
func (f *fetch) from(address string) (err error) {
	if f.staged == nil && !f.stage() {
		return errStopping
	}
	defer func() {
		if errors.Is(err, errStaged) {
			f.staged = nil
		}
	}()
	began := time.Now()
	for piece := 1; ; piece++ {
		if piece > storesPieces {
			return fmt.Errorf("%w: after %d pieces of the stores there are still more", errStaged, storesPieces)
		}
		body, err := f.get(address, "/v1/state/stores"+f.has())
		if err != nil {
			return err
		}
		if body, err = checked(body, storesMagic); err == nil {
			err = f.staged.loadStores(body)
		}
		if err != nil {
			return fmt.Errorf("stores: %w", err)
		}
		if len(body) < storesFull {
			break
		}
	}
	f.storesTook += time.Since(began)
	body, err := f.get(address, "/v1/state"+f.has())
	if err != nil {
		return err
	}
	in, err := f.r.readState(body, f.staged)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	f.snapshot = len(in.snapshot)
	if err := f.r.restore(in); err != nil {
		return err
	}
	in.snapshot = nil
	return f.follow(address, in)
}

// stage begins with what the replica has itself: everything of a stream that is the same on all.
func (f *fetch) stage() bool {
	return f.r.do(func() {
		o := newOutbox(f.r.cfg, f.r.directory)
		o.feed, o.reports = f.r.outbox.feed.Clone(), f.r.outbox.reports.clone()
		f.staged = &o
	})
}

// follow takes in what was decided since the state was copied, and installs it when that is little.
func (f *fetch) follow(address string, in *installed) error {
	for tries := 1; ; {
		body, err := f.get(address, fmt.Sprintf("/v1/state/entries?after=%d", in.position.Index))
		if err != nil {
			return err
		}
		size, err := in.follow(body)
		f.entries += size
		if err != nil {
			f.staged = nil // a part of an entry may be in it
			return fmt.Errorf("entries: %w", err)
		}
		if size > f.r.cfg.Limits.LogBytes/entriesNear {
			continue
		}
		if err = f.install(in); err == nil || tries == installTries {
			return err
		}
		tries++
	}
}

// has is the query that says what is staged.
func (f *fetch) has() string {
	has := since{feed: f.staged.feed.Next(), reports: f.staged.reports.has()}
	return has.query()
}

// get asks. The answer is valid until the next question.
func (f *fetch) get(address, path string) ([]byte, error) {
	resp, err := f.client.Get("http://" + address + path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if n := resp.ContentLength; n >= 0 {
		if int64(cap(f.piece)) < n {
			f.piece = make([]byte, max(n, 2*storesPiece))
		}
		f.piece = f.piece[:n]
		_, err = io.ReadFull(resp.Body, f.piece)
	} else {
		b := bytes.NewBuffer(f.piece[:0])
		_, err = b.ReadFrom(resp.Body)
		f.piece = b.Bytes()
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s", bytes.TrimSpace(f.piece))
	}
	f.size += len(f.piece)
	return f.piece, nil
}
