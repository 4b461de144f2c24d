package server

import (
	"sync/atomic"

	"exchange/book"
)

// reportStore keeps, on every replica, the events that are messages to sessions, by session and outbound number. Live sending and resending
// read the same store: a connection's writer follows it with a cursor, so a slow reader holds nothing up and a new leader has all that
// was ever sent. One writer (the loop), any number of readers, no locks.
type reportStore struct {
	sessions atomic.Pointer[[]*sessionReports] // index: session number
	keep     int                               // chunks per session
}

// reportChunk is how many events lie together. Events hold no pointers, so the collector does not look inside.
const reportChunk = 256

type sessionReports struct {
	state atomic.Pointer[reportDir]
	// last is the highest number stored; everything in the directory up to it can be read.
	last atomic.Uint64
}

// reportDir is replaced as a whole when a chunk is added or dropped, or when the numbers start again.
type reportDir struct {
	generation uint64 // rises when the session's numbers were reset to 1
	first      uint64 // number of the first event of chunks[0]
	chunks     []*[reportChunk]book.Event
}

func newReportStore(perSession int) *reportStore {
	s := &reportStore{keep: max(2, perSession/reportChunk)}
	s.sessions.Store(new([]*sessionReports))
	return s
}

// append files one event under its session and number. Numbers come without holes; a number 1 starts the session's numbers again.
func (s *reportStore) append(e *book.Event) {
	r := s.session(e.Session)
	if r == nil {
		r = s.grow(e.Session)
	}
	d := r.state.Load()
	if e.OutSeq == 1 && (d.first != 1 || len(d.chunks) > 0) {
		d = &reportDir{generation: d.generation + 1, first: 1}
		r.last.Store(0)
		r.state.Store(d)
	}
	at := e.OutSeq - d.first
	if at/reportChunk == uint64(len(d.chunks)) {
		d = d.extended(s.keep)
		at = e.OutSeq - d.first
		r.state.Store(d)
	}
	d.chunks[at/reportChunk][at%reportChunk] = *e
	r.last.Store(e.OutSeq)
}

// restart forgets the session's reports: the next one has the number given.
func (s *reportStore) restart(session uint16, first uint64) {
	r := s.session(session)
	if r == nil {
		r = s.grow(session)
	}
	r.last.Store(0)
	r.state.Store(&reportDir{generation: r.state.Load().generation + 1, first: first})
}

// clone gives a store of its own with the same reports. What is full and never changes is shared. The writer's.
func (s *reportStore) clone() *reportStore {
	c := &reportStore{keep: s.keep}
	old := *s.sessions.Load()
	all := make([]*sessionReports, len(old))
	for i, r := range old {
		d := *r.state.Load()
		if n := len(d.chunks); n > 0 {
			last := *d.chunks[n-1]
			d.chunks = append(append(make([]*[reportChunk]book.Event, 0, n), d.chunks[:n-1]...), &last)
		}
		all[i] = &sessionReports{}
		all[i].state.Store(&d)
		all[i].last.Store(r.last.Load())
	}
	c.sessions.Store(&all)
	return c
}

// extended gives a directory with one more chunk, and without the oldest if there are too many.
func (d *reportDir) extended(keep int) *reportDir {
	n := &reportDir{generation: d.generation, first: d.first}
	old := d.chunks
	if len(old) >= keep {
		drop := len(old) - keep + 1
		old, n.first = old[drop:], d.first+uint64(drop)*reportChunk
	}
	n.chunks = append(append(make([]*[reportChunk]book.Event, 0, len(old)+1), old...), new([reportChunk]book.Event))
	return n
}

func (s *reportStore) session(number uint16) *sessionReports {
	all := *s.sessions.Load()
	if int(number) >= len(all) {
		return nil
	}
	return all[number]
}

func (s *reportStore) grow(number uint16) *sessionReports {
	old := *s.sessions.Load()
	all := append([]*sessionReports(nil), old...)
	for len(all) <= int(number) {
		r := &sessionReports{}
		r.state.Store(&reportDir{first: 1})
		all = append(all, r)
	}
	s.sessions.Store(&all)
	return all[number]
}

// last is the highest number stored for the session, and the generation it belongs to.
func (s *reportStore) last(session uint16) (last, generation uint64) {
	r := s.session(session)
	if r == nil {
		return 0, 0
	}
	return r.last.Load(), r.state.Load().generation
}

// read copies stored events from number from on into dst, in order, and returns how many and the number of the first: later than from
// if older ones are no longer kept, 0 if there is none at or after from.
func (s *reportStore) read(session uint16, from uint64, dst []book.Event) (n int, first uint64) {
	r := s.session(session)
	if r == nil {
		return 0, 0
	}
	// The directory first: when numbers are reset, last falls before the new directory is seen, so last never exceeds what d holds complete.
	d := r.state.Load()
	last := r.last.Load()
	first = max(from, d.first)
	if last < first {
		return 0, 0
	}
	for number := first; number <= last && n < len(dst); number++ {
		at := number - d.first
		if at/reportChunk >= uint64(len(d.chunks)) {
			break
		}
		dst[n] = d.chunks[at/reportChunk][at%reportChunk]
		n++
	}
	if n == 0 {
		return 0, 0
	}
	return n, first
}
