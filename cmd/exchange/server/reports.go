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
	// readers is how many are in read now.
	readers atomic.Int32

	// The writer's: chunks that are out of the directory and may be filled again once nobody reads; and up to which number chunks were given to others, and may
	// not be.
	spare  [spareChunks]*[reportChunk]book.Event
	spares int
	free   int // of the spares: nobody read after they were dropped
	shared uint64
}

// spareChunks bounds the chunks kept to be filled again. Memory that was never touched costs more than all else that is done with an event: the system has to
// find and clear a page for each dozen of them.
const spareChunks = 4

// chunk gives one to be filled.
func (r *sessionReports) chunk() *[reportChunk]book.Event {
	if r.free == 0 {
		return new([reportChunk]book.Event)
	}
	r.free--
	r.spares--
	c := r.spare[r.free]
	r.spare[r.free] = r.spare[r.spares]
	return c
}

// sweep finds out whether the spare chunks are free. Who reads in a directory that was replaced since was counted before it was loaded: when the count is zero
// nobody does.
func (r *sessionReports) sweep() {
	if r.free < r.spares && r.readers.Load() == 0 {
		r.free = r.spares
	}
}

// dropped takes the chunk that was taken out of the directory, whose first number is given.
func (r *sessionReports) dropped(c *[reportChunk]book.Event, first uint64) {
	if first > r.shared && r.spares < spareChunks {
		r.spare[r.spares] = c
		r.spares++
	}
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
	r.sweep()
	d := r.state.Load()
	if e.OutSeq == 1 && (d.first != 1 || len(d.chunks) > 0) {
		d = &reportDir{generation: d.generation + 1, first: 1}
		r.last.Store(0)
		r.state.Store(d)
	}
	at := e.OutSeq - d.first
	if at/reportChunk == uint64(len(d.chunks)) {
		n := d.extended(s.keep, r.chunk())
		r.state.Store(n)
		if n.first > d.first {
			r.dropped(d.chunks[0], d.first)
		}
		d, at = n, e.OutSeq-n.first
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
		r.shared = r.last.Load()
		all[i] = &sessionReports{shared: r.shared}
		all[i].state.Store(&d)
		all[i].last.Store(r.last.Load())
	}
	c.sessions.Store(&all)
	return c
}

// extended gives a directory with one more chunk, and without the oldest if there are too many.
func (d *reportDir) extended(keep int, chunk *[reportChunk]book.Event) *reportDir {
	n := &reportDir{generation: d.generation, first: d.first}
	old := d.chunks
	if len(old) >= keep {
		drop := len(old) - keep + 1
		old, n.first = old[drop:], d.first+uint64(drop)*reportChunk
	}
	n.chunks = append(append(make([]*[reportChunk]book.Event, 0, len(old)+1), old...), chunk)
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
	r.readers.Add(1)
	defer r.readers.Add(-1)
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
