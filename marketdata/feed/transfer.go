package feed

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"sort"
)

// The content as bytes, little endian but for the lengths of the messages, which are big-endian as in ITCH's own files:
//
//	"EXFEED01"
//	u64 number of the first message, u64 number after the last one
//	u64 rolling hash before the first, u64 rolling hash after the last
//	for each message: u16 length, bytes
const (
	transferMagic  = "EXFEED01"
	transferHeader = len(transferMagic) + 4*8
)

// Export is a store's content at one moment: by reference to what never changes, so that it can be written out while the store
// goes on.
type Export struct {
	chunks      []*chunk
	first, next uint64
	before      uint64
	after       uint64
}

// Export takes the published content. The writer's.
func (s *Store) Export() Export {
	s.Publish()
	chunks := s.dir.Load().chunks
	return Export{chunks: chunks, first: chunks[0].first, next: s.next.Load(), before: chunks[0].hashes[0], after: s.hash}
}

// From leaves out what comes before the number, for a replica that has that already. A number that is not kept, or lies beyond the export, changes
// nothing.
func (x Export) From(number uint64) Export {
	if number <= x.first || number > x.next {
		return x
	}
	before := x.hashBefore(number)
	for len(x.chunks) > 1 && x.chunks[1].first <= number {
		x.chunks = x.chunks[1:]
	}
	x.first, x.before = number, before
	return x
}

// Within leaves out what comes behind the first messages that WriteTo would write in so many bytes, which have to be enough for one.
func (x Export) Within(bytes int) Export {
	for i, c := range x.chunks {
		from := uint32(max(x.first, c.first) - c.first)
		to := uint32(min(x.next-c.first, uint64(c.count.Load())))
		if from >= to {
			continue
		}
		end := from
		start := uint32(0)
		if from > 0 {
			start = c.ends[from-1]
		}
		for end < to && (int(c.ends[end]-start)+2*int(end-from+1) <= bytes) {
			end++
		}
		if end == to {
			bytes -= int(c.ends[end-1]-start) + 2*int(end-from)
			continue
		}
		next := c.first + uint64(end)
		x.after = x.hashBefore(next)
		x.chunks, x.next = x.chunks[:i+1], next
		break
	}
	return x
}

// hashBefore is the rolling hash before a message of the export, or behind its last.
func (x *Export) hashBefore(number uint64) uint64 {
	if number == x.next {
		return x.after
	}
	i := sort.Search(len(x.chunks), func(i int) bool { return x.chunks[i].first > number }) - 1
	c := x.chunks[i]
	k := uint32(number - c.first)
	at := k / hashEvery * hashEvery
	hash := c.hashes[k/hashEvery]
	for ; at < k; at++ {
		hash = hashMessage(hash, c.message(at))
	}
	return hash
}

// First is the number of the export's first message, Next that after its last.
func (x *Export) First() uint64 { return x.first }

// Next is the number after the last message of the export.
func (x *Export) Next() uint64 { return x.next }

// WriteTo writes the content out.
func (x *Export) WriteTo(w io.Writer) (int64, error) {
	out := bufio.NewWriterSize(w, 1<<16)
	b := append(make([]byte, 0, transferHeader), transferMagic...)
	for _, v := range []uint64{x.first, x.next, x.before, x.after} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	n, _ := out.Write(b)
	written := int64(n)
	for _, c := range x.chunks {
		for i := uint32(0); i < c.count.Load() && c.first+uint64(i) < x.next; i++ {
			if c.first+uint64(i) < x.first {
				continue
			}
			m := c.message(i)
			out.Write(binary.BigEndian.AppendUint16(b[:0], uint16(len(m))))
			if _, err := out.Write(m); err != nil {
				return written, fmt.Errorf("feed: writing the content out: %w", err)
			}
			written += int64(2 + len(m))
		}
	}
	return written, out.Flush()
}

// Load takes in what WriteTo wrote, into an empty store or behind the messages there are, and gives what follows it in b. The hash of the whole is
// checked. The writer's. After an error the store is not to be used.
func (s *Store) Load(b []byte) (rest []byte, err error) {
	if len(b) < transferHeader || string(b[:len(transferMagic)]) != transferMagic {
		return nil, fmt.Errorf("feed: not the content of a feed of this version")
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(b[len(transferMagic)+8*i:]) }
	first, next, before, after := word(0), word(1), word(2), word(3)
	if first == 0 || next < first {
		return nil, fmt.Errorf("feed: content from message %d to before %d cannot be", first, next)
	}
	b = b[transferHeader:]
	switch have := s.last.first + uint64(s.written); {
	case have == 1:
		s.begin(first, before)
	case have != first || s.hash != before:
		return nil, fmt.Errorf("feed: content from message %d does not follow message %d of this store", first, have-1)
	}
	for number := first; number < next; number++ {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return nil, fmt.Errorf("feed: content cut at message %d: %w", number, io.ErrUnexpectedEOF)
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		if n-2 > MaxMessage {
			return nil, fmt.Errorf("feed: message %d has %d bytes, at most %d are allowed", number, n-2, MaxMessage)
		}
		s.Append(number, b[2:n])
		b = b[n:]
	}
	if s.hash != after {
		return nil, fmt.Errorf("feed: content of messages %d to %d has hash %016x, its sender had %016x: damaged, or another stream", first, next-1, s.hash, after)
	}
	s.Publish()
	return b, nil
}

// Clone gives a store of its own with the published content. What is full and never changes is shared. The writer's.
func (s *Store) Clone() *Store {
	s.Publish()
	c := &Store{maxChunks: s.maxChunks, written: s.written, used: s.used, hash: s.hash}
	c.followers.Store(new([]*Follower))
	last := &chunk{first: s.last.first, ends: s.last.ends, hashes: s.last.hashes, data: s.last.data}
	last.count.Store(s.written)
	chunks := append([]*chunk(nil), s.dir.Load().chunks...)
	chunks[len(chunks)-1] = last
	c.last = last
	c.dir.Store(&directory{chunks: chunks})
	c.next.Store(s.next.Load())
	c.whole.Store(s.whole.Load())
	return c
}

// Replace makes the content that of other, which is the same stream at least as far on; other is not to be used afterwards. Readers go on
// by number. The writer's.
func (s *Store) Replace(other *Store) error {
	s.Publish()
	other.Publish()
	if other.Next() < s.Next() {
		return fmt.Errorf("feed: the new content ends before message %d, %d is published already: it is of an older state", other.Next(), s.Next())
	}
	s.last, s.written, s.used, s.hash = other.last, other.written, other.used, other.hash
	s.dir.Store(other.dir.Load())
	s.next.Store(other.Next())
	s.whole.Store(other.Whole())
	s.wake()
	return nil
}
