package feed

import (
	"bytes"
	"fmt"
	"testing"
)

// A store that is taken over in pieces, some of which begin again with another source, is the same store; and a clone goes on without its original.
func TestStoreIsTakenOverInPieces(t *testing.T) {
	const messages = 3*chunkMessages + 777
	s := NewStore(8 * ChunkSize)
	for n := uint64(1); n <= messages; n++ {
		s.Append(n, fmt.Appendf(nil, "message %d of a day%*s", n, int(n%17), ""))
	}
	for _, room := range []int{MaxMessage + 2, 1000 * 512, 2 * chunkBytes, 64 << 20} {
		to := NewStore(8 * ChunkSize)
		pieces := 0
		for to.Next() < s.Next() {
			if room < 10_000 && to.Next() > 2000 {
				room = chunkBytes / 2 // small ones only for a while
			}
			x := s.Export().From(to.Next()).Within(room)
			var b bytes.Buffer
			if n, err := x.WriteTo(&b); err != nil || int(n) > transferHeader+room || x.First() != to.Next() || x.Next() <= x.First() {
				t.Fatalf("piece from %d: %d bytes, messages %d to %d, %v", to.Next(), n, x.First(), x.Next(), err)
			}
			rest, err := to.Load(append(b.Bytes(), "rest"...))
			if err != nil || string(rest) != "rest" {
				t.Fatalf("piece from %d: %v, %q is left", x.First(), err, rest)
			}
			if pieces++; pieces%5 == 0 {
				to = to.Clone()
			}
		}
		a, _ := s.HashAt(messages)
		if b, err := to.HashAt(messages); err != nil || a != b {
			t.Fatalf("in pieces of %d bytes: hash %x is %x: %v", room, a, b, err)
		}
		for _, n := range []uint64{1, chunkMessages, chunkMessages + 1, messages} {
			m, err := to.Read(n)
			if want, _ := s.Read(n); err != nil || !bytes.Equal(m, want) {
				t.Fatalf("message %d is %q: %v", n, m, err)
			}
		}
	}
	c := s.Clone()
	c.Append(messages+1, []byte("the clone's"))
	s.Append(messages+1, []byte("the original's"))
	c.Publish()
	s.Publish()
	if a, _ := c.Read(messages + 1); string(a) != "the clone's" {
		t.Fatalf("the clone has %q", a)
	}
	if a, _ := s.Read(messages + 1); string(a) != "the original's" {
		t.Fatalf("the original has %q", a)
	}
}
