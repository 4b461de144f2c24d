package book

import "encoding/binary"

func idWords(id *ClientID) (a, b, c, d, e uint64) {
	return binary.LittleEndian.Uint64(id[0:8]), binary.LittleEndian.Uint64(id[8:16]), binary.LittleEndian.Uint64(id[16:24]),
		binary.LittleEndian.Uint64(id[24:32]), binary.LittleEndian.Uint64(id[32:40])
}

func (id *ClientID) empty() bool {
	a, b, c, d, e := idWords(id)
	return a|b|c|d|e == 0
}

// hashID takes an id in; most are short.
func hashID(x uint64, id *ClientID) uint64 {
	a, b, c, d, e := idWords(id)
	x = fold(x^a, b^k1)
	if c|d|e != 0 {
		x = fold(x^c, d^k2)
		x = fold(x^e, k3)
	}
	return x
}

func (t *idText) hash() uint64 {
	id := t.clientID()
	return hashID(k4, &id)
}

// hashBytes takes a string of bytes, and its length, into a rolling hash.
func hashBytes(h uint64, b []byte) uint64 {
	h = fold(h^uint64(len(b)), k5) + k2
	for len(b) >= 16 {
		h = fold(h^binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])^k1) + k3
		b = b[16:]
	}
	var tail [16]byte
	copy(tail[:], b)
	return fold(h^binary.LittleEndian.Uint64(tail[:]), binary.LittleEndian.Uint64(tail[8:])^k1) + k4
}

// hashWords takes numbers into a rolling hash.
func hashWords(h uint64, words ...uint64) uint64 {
	for _, w := range words {
		h = fold(h^w, k1) + k0
	}
	return h
}
