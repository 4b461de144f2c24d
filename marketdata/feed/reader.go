package feed

// Reader is a cursor in a store. It is not safe for concurrent use; any number of readers may read at once.
type Reader struct {
	store  *Store
	chunk  *chunk
	number uint64
}

// NewReader makes a cursor whose first message is number. Number 0 stands for the next to be published.
func (s *Store) NewReader(number uint64) Reader {
	if number == 0 {
		number = s.Next()
	}
	return Reader{store: s, number: number}
}

// Number is the number of the message that Next gives.
func (r *Reader) Number() uint64 { return r.number }

// Next gives the next message and moves on. ErrNotYet: the tail is reached. ErrDropped: the reader was so slow that the message is
// gone. The bytes are the store's and never change.
func (r *Reader) Next() ([]byte, error) {
	if r.chunk == nil || r.number-r.chunk.first >= uint64(r.chunk.count.Load()) {
		if err := r.find(); err != nil {
			return nil, err
		}
	}
	m := r.chunk.message(uint32(r.number - r.chunk.first))
	r.number++
	return m, nil
}

// find takes the chunk that has the number.
func (r *Reader) find() error {
	if r.number >= r.store.Next() {
		return ErrNotYet
	}
	c := r.store.dir.Load().find(r.number)
	if c == nil {
		return ErrDropped
	}
	// The number is published, so a chunk of this directory or a later one has it; this one was full if it is not this one.
	if r.number-c.first >= uint64(c.count.Load()) {
		return ErrNotYet
	}
	r.chunk = c
	return nil
}
