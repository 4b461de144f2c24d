package feed

import (
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	// MaxMessage is the longest message, in bytes. It has to fit one datagram.
	MaxMessage = 1024
	// MaxFollowers bounds who is woken by the writer itself; a server with many connections follows once and wakes them.
	MaxFollowers = 16

	chunkBytes    = 1 << 20
	chunkMessages = 1 << 15
	// chunksAtLeast keeps the store useful at a bound that is too small: one full chunk and the one being filled.
	chunksAtLeast = 2
)

// ChunkSize is the memory of one chunk, in bytes: the granularity of the store's bound.
const ChunkSize = int64(unsafe.Sizeof(chunk{}))

var (
	// ErrDropped: the number was kept once; the bound was reached and the oldest messages went.
	ErrDropped = errors.New("message is no longer kept: the feed's memory bound was reached; ask another replica, or begin with a snapshot")
	// ErrNotYet: no message has this number yet.
	ErrNotYet = errors.New("no message has this number yet")
)

// chunk is a stretch of the stream. Bytes and index below count never change.
type chunk struct {
	first uint64 // number of its first message
	count atomic.Uint32
	ends  [chunkMessages]uint32
	// hashes[i] is the rolling hash before message i x hashEvery of the chunk.
	hashes [chunkMessages / hashEvery]uint64
	data   [chunkBytes]byte
}

// message gives message i, which the caller knows to be published.
func (c *chunk) message(i uint32) []byte {
	var from uint32
	if i > 0 {
		from = c.ends[i-1]
	}
	to := c.ends[i]
	return c.data[from:to:to]
}

// directory is the kept chunks in order. A directory is never changed, a new one takes its place.
type directory struct{ chunks []*chunk }

// find gives the chunk that has or will have the number; nil if it is dropped.
func (d *directory) find(number uint64) *chunk {
	i := sort.Search(len(d.chunks), func(i int) bool { return d.chunks[i].first > number })
	if i == 0 {
		return nil
	}
	return d.chunks[i-1]
}

// Store is the stream. One goroutine may call the writer's methods (Append, Publish, Load, Export, Replace); any number the others.
type Store struct {
	maxChunks int

	// The writer's own: the chunk being filled, how many messages and bytes of it are written, and the hash after them.
	last    *chunk
	written uint32
	used    uint32
	hash    uint64

	dir  atomic.Pointer[directory]
	next atomic.Uint64 // number of the first message that is not published
	// whole is next at the last call of Publish by the writer: a chunk that was filled in the middle of a batch raises next alone.
	whole atomic.Uint64

	followers atomic.Pointer[[]*Follower]
	raise     func()     // see PassOn
	following sync.Mutex // serialises changes of followers; the writer never takes it
}

// NewStore makes an empty store that keeps at most maxBytes in whole chunks (ChunkSize each, two at least). When they are full the oldest
// chunk is dropped: its numbers give ErrDropped from then on.
func NewStore(maxBytes int64) *Store {
	s := &Store{maxChunks: int(max(chunksAtLeast, maxBytes/ChunkSize))}
	s.followers.Store(new([]*Follower))
	s.begin(1, hashStart)
	return s
}

// begin makes number the first of a store without messages, after the hash given.
func (s *Store) begin(number, hash uint64) {
	s.last = newChunk(number, hash)
	s.written, s.used, s.hash = 0, 0, hash
	s.dir.Store(&directory{chunks: []*chunk{s.last}})
	s.next.Store(number)
	s.whole.Store(number)
}

func newChunk(first, hash uint64) *chunk {
	c := &chunk{first: first}
	c.hashes[0] = hash
	return c
}

// First is the lowest number that is kept, or Next if there is none.
func (s *Store) First() uint64 { return s.dir.Load().chunks[0].first }

// Next is the number of the next message to be published.
func (s *Store) Next() uint64 { return s.next.Load() }

// Append writes a message, which has to be the next number: a hole or a repetition is a broken state machine and panics, as is a
// message longer than MaxMessage. Readers see it after Publish, or when the next chunk begins.
func (s *Store) Append(number uint64, message []byte) {
	if want := s.last.first + uint64(s.written); number != want {
		panic(fmt.Sprintf("feed: message %d appended where %d is next", number, want))
	}
	if len(message) > MaxMessage {
		panic(fmt.Sprintf("feed: message %d has %d bytes, at most %d are allowed", number, len(message), MaxMessage))
	}
	if s.written == chunkMessages || int(s.used)+len(message) > chunkBytes {
		s.extend()
	}
	c := s.last
	if s.written%hashEvery == 0 && s.written > 0 {
		c.hashes[s.written/hashEvery] = s.hash
	}
	s.hash = hashMessage(s.hash, message)
	s.used += uint32(copy(c.data[s.used:], message))
	c.ends[s.written] = s.used
	s.written++
}

// extend begins a new chunk and drops the oldest if that is one too many.
func (s *Store) extend() {
	s.show()
	s.wake()
	c := newChunk(s.last.first+uint64(s.written), s.hash)
	chunks := s.dir.Load().chunks
	if len(chunks) >= s.maxChunks {
		chunks = chunks[1:]
	}
	s.dir.Store(&directory{chunks: append(chunks[:len(chunks):len(chunks)], c)})
	s.last, s.written, s.used = c, 0, 0
}

// Publish makes what was appended visible and wakes the followers that wait for it. Once per batch is enough.
func (s *Store) Publish() {
	s.show()
	if next := s.next.Load(); s.whole.Load() != next {
		s.whole.Store(next)
		s.wake()
	}
}

// show makes what was appended visible.
func (s *Store) show() {
	if next := s.last.first + uint64(s.written); next != s.next.Load() {
		s.last.count.Store(s.written)
		s.next.Store(next)
	}
}

// Whole is the number up to which the writer's batches are complete, at most Next: a reader that stands at it has read everything that the
// commands so far caused, and not the half of what one of them did.
func (s *Store) Whole() uint64 { return s.whole.Load() }

// Read gives a message by number: ErrDropped below First, ErrNotYet from Next on. The bytes are the store's and never change.
func (s *Store) Read(number uint64) ([]byte, error) {
	r := s.NewReader(number)
	return r.Next()
}

// Fill is which part of the memory that the store may use is in use, from 0 to 1: at 1 the oldest messages go.
func (s *Store) Fill() float64 { return float64(len(s.dir.Load().chunks)) / float64(s.maxChunks) }
