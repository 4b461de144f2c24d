package feed

import (
	"encoding/binary"
	"fmt"
)

// The rolling hash: h begins at hashStart; for each message, for each of its 8-byte little-endian words (the last one filled up with
// zeros) and then for its length, h = (h xor x) * hashPrime mod 2^64, h = h xor (h >> 32). Every replica has the same h after the
// same number.
const (
	hashStart = 14695981039346656037
	hashPrime = 0x9E3779B97F4A7C15
	// hashEvery is how many messages lie between two hashes that are kept.
	hashEvery = 512
)

func hashWord(h, x uint64) uint64 {
	h = (h ^ x) * hashPrime
	return h ^ h>>32
}

func hashMessage(h uint64, message []byte) uint64 {
	n := uint64(len(message))
	for ; len(message) >= 8; message = message[8:] {
		h = hashWord(h, binary.LittleEndian.Uint64(message))
	}
	if len(message) > 0 {
		var tail [8]byte
		copy(tail[:], message)
		h = hashWord(h, binary.LittleEndian.Uint64(tail[:]))
	}
	return hashWord(h, n)
}

// HashAt gives the rolling hash over messages 1 to number, from the nearest hash that is kept: number lies between First-1
// and Next-1, else the error is ErrDropped or ErrNotYet.
func (s *Store) HashAt(number uint64) (uint64, error) {
	if number >= s.Next() {
		return 0, fmt.Errorf("hash after message %d: %w", number, ErrNotYet)
	}
	dir := s.dir.Load()
	c := dir.find(number)
	if c == nil {
		// The hash before the first kept message is kept with it.
		if first := dir.chunks[0]; number+1 == first.first {
			return first.hashes[0], nil
		}
		return 0, fmt.Errorf("hash after message %d: %w", number, ErrDropped)
	}
	i := uint32(number - c.first)
	at := i / hashEvery * hashEvery
	h := c.hashes[i/hashEvery]
	for ; at <= i; at++ {
		h = hashMessage(h, c.message(at))
	}
	return h, nil
}
