package fix

import "sort"

// sentRecord is one application message that was given a number: its body, without header and trailer, lies in the store's bytes.
type sentRecord struct {
	seq  uint64
	time int64
	// msgType is MsgType, padded with NUL.
	msgType   [2]byte
	off, size int32
}

// sentStore keeps application messages for sending again: the latest ones, bounded by number and by bytes. Older ones are forgotten and filled
// over when asked for.
type sentStore struct {
	// records is a ring, in the order of seq: count of them from first on.
	records      []sentRecord
	first, count int
	// bytes is a ring too; no body is split at its end. w is where the next one goes.
	bytes []byte
	w     int
}

func newSentStore(messages, bytes int) sentStore {
	return sentStore{records: make([]sentRecord, messages), bytes: make([]byte, bytes)}
}

func (s *sentStore) at(i int) *sentRecord {
	i += s.first
	if i >= len(s.records) {
		i -= len(s.records)
	}
	return &s.records[i]
}

func (s *sentStore) body(r *sentRecord) []byte { return s.bytes[r.off : r.off+r.size] }

func (s *sentStore) evict() {
	s.first++
	if s.first == len(s.records) {
		s.first = 0
	}
	s.count--
}

// add keeps a body; one longer than the whole store is not kept. seq is above all kept before.
func (s *sentStore) add(seq uint64, time int64, msgType string, body []byte) {
	n := len(body)
	if n > len(s.bytes) {
		return
	}
	if s.w+n > len(s.bytes) {
		// The oldest lie between here and the end.
		for s.count > 0 && int(s.at(0).off) >= s.w {
			s.evict()
		}
		s.w = 0
	}
	for s.count > 0 {
		oldest := s.at(0)
		overlaps := int(oldest.off) < s.w+n && s.w < int(oldest.off+oldest.size)
		if !overlaps && s.count < len(s.records) {
			break
		}
		s.evict()
	}
	copy(s.bytes[s.w:], body)
	s.count++
	r := s.at(s.count - 1)
	*r = sentRecord{seq: seq, time: time, off: int32(s.w), size: int32(n)}
	copy(r.msgType[:], msgType)
	s.w += n
}

// from is the position of the first message kept with a number of at least seq.
func (s *sentStore) from(seq uint64) int {
	return sort.Search(s.count, func(i int) bool { return s.at(i).seq >= seq })
}

func (s *sentStore) clear() { s.first, s.count, s.w = 0, 0, 0 }
