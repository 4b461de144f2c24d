package feed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
)

// messageOf makes the message that the tests put under a number: of changing length, 0 bytes among them.
func messageOf(number uint64) []byte {
	n := int(number % 51)
	m := make([]byte, n)
	for i := range m {
		m[i] = byte(number*7 + uint64(i))
	}
	if n >= 8 {
		binary.BigEndian.PutUint64(m, number)
	}
	return m
}

func filled(t *testing.T, maxBytes int64, messages uint64) *Store {
	t.Helper()
	s := NewStore(maxBytes)
	for n := uint64(1); n <= messages; n++ {
		s.Append(n, messageOf(n))
	}
	s.Publish()
	return s
}

// hashOf is the rolling hash from its definition, byte by byte.
func hashOf(messages uint64) uint64 {
	h := uint64(14695981039346656037)
	step := func(x uint64) { h = (h ^ x) * 0x9E3779B97F4A7C15; h ^= h >> 32 }
	for n := uint64(1); n <= messages; n++ {
		m := messageOf(n)
		for at := 0; at < len(m); at += 8 {
			var x uint64
			for i := at; i < len(m) && i < at+8; i++ {
				x |= uint64(m[i]) << (8 * (i - at))
			}
			step(x)
		}
		step(uint64(len(m)))
	}
	return h
}

func wantMessage(t *testing.T, s *Store, number uint64) {
	t.Helper()
	m, err := s.Read(number)
	if err != nil || !bytes.Equal(m, messageOf(number)) {
		t.Fatalf("message %d: %x, %v; want %x", number, m, err, messageOf(number))
	}
}

func TestReadByNumber(t *testing.T) {
	const messages = 3*chunkMessages + 100
	s := filled(t, 1<<30, messages)
	if s.First() != 1 || s.Next() != messages+1 {
		t.Fatalf("first %d, next %d", s.First(), s.Next())
	}
	for _, n := range []uint64{1, 2, 50, chunkMessages - 1, chunkMessages, chunkMessages + 1, 2 * chunkMessages, 2*chunkMessages + 1, messages} {
		wantMessage(t, s, n)
	}
	if _, err := s.Read(messages + 1); !errors.Is(err, ErrNotYet) {
		t.Errorf("the next number: %v", err)
	}
	r := s.NewReader(1)
	for n := uint64(1); n <= messages; n++ {
		if m, err := r.Next(); err != nil || !bytes.Equal(m, messageOf(n)) {
			t.Fatalf("message %d: %x, %v", n, m, err)
		}
	}
	if _, err := r.Next(); !errors.Is(err, ErrNotYet) || r.Number() != messages+1 {
		t.Errorf("at the tail: %v, number %d", err, r.Number())
	}
}

func TestNothingIsSeenBeforePublish(t *testing.T) {
	s := filled(t, 1<<30, 10)
	r := s.NewReader(0)
	s.Append(11, messageOf(11))
	if _, err := r.Next(); !errors.Is(err, ErrNotYet) {
		t.Fatalf("read before Publish: %v", err)
	}
	if _, err := s.HashAt(11); !errors.Is(err, ErrNotYet) {
		t.Fatalf("hash before Publish: %v", err)
	}
	s.Publish()
	if m, err := r.Next(); err != nil || !bytes.Equal(m, messageOf(11)) {
		t.Fatalf("after Publish: %x, %v", m, err)
	}
}

func TestChunksFillByBytesToo(t *testing.T) {
	s := NewStore(1 << 30)
	// A length that leaves a rest at the chunk's end which is nearly enough for another message.
	long := func(n uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 980-8), n) }
	const messages = 3 * chunkBytes / 980
	for n := uint64(1); n <= messages; n++ {
		s.Append(n, long(n))
	}
	s.Publish()
	r := s.NewReader(1)
	for n := uint64(1); n <= messages; n++ {
		if m, err := r.Next(); err != nil || !bytes.Equal(m, long(n)) {
			t.Fatalf("message %d: %d bytes, %v", n, len(m), err)
		}
	}
	if n := len(s.dir.Load().chunks); n < 3 {
		t.Errorf("only %d chunks", n)
	}
}

func TestTheOldestGoWhenTheBoundIsReached(t *testing.T) {
	s := filled(t, 2*ChunkSize, chunkMessages)
	slow, stale := s.NewReader(1), s.NewReader(1)
	if _, err := slow.Next(); err != nil {
		t.Fatal(err)
	}
	for n := uint64(chunkMessages + 1); n <= 4*chunkMessages; n++ {
		s.Append(n, messageOf(n))
	}
	s.Publish()
	if s.First() != 2*chunkMessages+1 {
		t.Fatalf("first kept is %d", s.First())
	}
	wantMessage(t, s, s.First())
	wantMessage(t, s, 4*chunkMessages)
	if _, err := s.Read(s.First() - 1); !errors.Is(err, ErrDropped) {
		t.Errorf("a dropped number: %v", err)
	}
	if _, err := stale.Next(); !errors.Is(err, ErrDropped) {
		t.Errorf("a reader that waited: %v", err)
	}
	// A reader inside a dropped chunk reads to its end, and then learns it.
	for n := uint64(2); n <= chunkMessages; n++ {
		if m, err := slow.Next(); err != nil || !bytes.Equal(m, messageOf(n)) {
			t.Fatalf("message %d: %x, %v", n, m, err)
		}
	}
	if _, err := slow.Next(); !errors.Is(err, ErrDropped) {
		t.Errorf("after the held chunk: %v", err)
	}
	if _, err := s.HashAt(s.First() - 2); !errors.Is(err, ErrDropped) {
		t.Errorf("hash of a dropped number: %v", err)
	}
	if h, err := s.HashAt(s.First() - 1); err != nil || h != hashOf(2*chunkMessages) {
		t.Errorf("hash before the first kept: %016x, %v", h, err)
	}
}

func TestHashAtAnyNumber(t *testing.T) {
	s := filled(t, 1<<30, chunkMessages+2000)
	for _, n := range []uint64{0, 1, 2, hashEvery - 1, hashEvery, hashEvery + 1, 5000, chunkMessages, chunkMessages + 1, chunkMessages + 1999, chunkMessages + 2000} {
		if h, err := s.HashAt(n); err != nil || h != hashOf(n) {
			t.Errorf("hash after %d: %016x, %v; want %016x", n, h, err, hashOf(n))
		}
	}
	if h, err := NewStore(0).HashAt(0); err != nil || h != hashOf(0) {
		t.Errorf("hash of nothing: %016x, %v", h, err)
	}
}

func TestAHoleOrARepetitionPanics(t *testing.T) {
	for name, write := range map[string]func(*Store){
		"hole":       func(s *Store) { s.Append(12, nil) },
		"repetition": func(s *Store) { s.Append(10, nil) },
		"too long":   func(s *Store) { s.Append(11, make([]byte, MaxMessage+1)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: taken", name)
				}
			}()
			write(filled(t, 0, 10))
		}()
	}
}

func TestConcurrentReadersSeeEveryMessage(t *testing.T) {
	const messages = 2*chunkMessages + 777
	s := NewStore(1 << 30)
	var wg sync.WaitGroup
	for reader := range 4 {
		f, err := s.Follow()
		if err != nil {
			t.Fatal(err)
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer f.Close()
			r := s.NewReader(uint64(1 + reader*10))
			for r.Number() <= messages {
				f.Arm()
				if r.Number() == s.Next() {
					<-f.C
					continue
				}
				for {
					n := r.Number()
					m, err := r.Next()
					if errors.Is(err, ErrNotYet) {
						break
					}
					if err != nil || !bytes.Equal(m, messageOf(n)) {
						t.Errorf("message %d: %x, %v", n, m, err)
						return
					}
				}
				if n := r.Number() - 1; n%8 == 0 {
					if h, err := s.HashAt(n); err != nil || h == 0 {
						t.Errorf("hash after %d: %v", n, err)
					}
				}
			}
		}()
	}
	random := rand.New(rand.NewPCG(1, 1))
	for n := uint64(1); n <= messages; n++ {
		s.Append(n, messageOf(n))
		if random.IntN(20) == 0 {
			s.Publish()
		}
	}
	s.Publish()
	wg.Wait()
	if n := len(*s.followers.Load()); n != 0 {
		t.Errorf("%d followers are left", n)
	}
}

func TestFollowersAreBounded(t *testing.T) {
	s := NewStore(0)
	var last *Follower
	for range MaxFollowers {
		f, err := s.Follow()
		if err != nil {
			t.Fatal(err)
		}
		last = f
	}
	if _, err := s.Follow(); err == nil {
		t.Error("one too many was taken")
	}
	last.Close()
	if _, err := s.Follow(); err != nil {
		t.Errorf("after a Close: %v", err)
	}
}

func exported(t *testing.T, s *Store) []byte {
	t.Helper()
	x := s.Export()
	var b bytes.Buffer
	n, err := x.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("%d bytes written, %d counted: %v", b.Len(), n, err)
	}
	return b.Bytes()
}

func TestContentMovesToAnotherStore(t *testing.T) {
	for _, messages := range []uint64{0, 1, 5000, 3*chunkMessages + 5} {
		s := filled(t, 2*ChunkSize, messages)
		b := append(exported(t, s), "what follows"...)
		c := NewStore(1 << 30)
		rest, err := c.Load(b)
		if err != nil || string(rest) != "what follows" {
			t.Fatalf("%d messages: %v, rest %q", messages, err, rest)
		}
		if c.First() != s.First() || c.Next() != s.Next() {
			t.Fatalf("%d messages: %d to %d, want %d to %d", messages, c.First(), c.Next(), s.First(), s.Next())
		}
		for n := s.First(); n < s.Next(); n++ {
			wantMessage(t, c, n)
		}
		for n := messages + 1; n < messages+100; n++ {
			s.Append(n, messageOf(n))
			c.Append(n, messageOf(n))
		}
		s.Publish()
		c.Publish()
		a, _ := s.HashAt(messages + 99)
		if h, err := c.HashAt(messages + 99); err != nil || h != a || h != hashOf(messages+99) {
			t.Errorf("%d messages: hashes go apart: %016x and %016x, %v", messages, a, h, err)
		}
	}
}

func TestExportIsOfItsMomentWhileAppendsGoOn(t *testing.T) {
	s := filled(t, 1<<30, 3000)
	x := s.Export()
	for n := uint64(3001); n <= 2*chunkMessages; n++ {
		s.Append(n, messageOf(n))
	}
	s.Publish()
	var b bytes.Buffer
	if _, err := x.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	c := NewStore(0)
	if rest, err := c.Load(b.Bytes()); err != nil || c.Next() != 3001 || len(rest) != 0 {
		t.Errorf("next %d, %d bytes too many, %v", c.Next(), len(rest), err)
	}
}

func TestDamagedContentIsRefused(t *testing.T) {
	b := exported(t, filled(t, 0, 20))
	for at := 0; at < len(b); at += 3 {
		damaged := bytes.Clone(b)
		damaged[at] ^= 1
		if rest, err := NewStore(0).Load(damaged); err == nil && len(rest) == 0 {
			t.Fatalf("byte %d damaged: taken", at)
		}
	}
	for _, cut := range []int{0, 7, transferHeader - 1, transferHeader, len(b) - 1} {
		if _, err := NewStore(0).Load(b[:cut]); err == nil {
			t.Errorf("cut to %d bytes: taken", cut)
		}
	}
	if _, err := NewStore(0).Load(b[:len(b)-1]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: %v", err)
	}
}

func TestReplaceKeepsReadersGoing(t *testing.T) {
	s := filled(t, 1<<30, 100)
	r := s.NewReader(95)
	for range 6 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	f, _ := s.Follow()
	f.Arm()
	if err := s.Replace(filled(t, 1<<30, 99)); err == nil {
		t.Fatal("an older content was taken")
	}
	if err := s.Replace(filled(t, 1<<30, 5000)); err != nil {
		t.Fatal(err)
	}
	<-f.C
	for n := uint64(101); n <= 5000; n++ {
		if m, err := r.Next(); err != nil || !bytes.Equal(m, messageOf(n)) {
			t.Fatalf("message %d: %x, %v", n, m, err)
		}
	}
	s.Append(5001, messageOf(5001))
	s.Publish()
	wantMessage(t, s, 5001)
	if h, _ := s.HashAt(5001); h != hashOf(5001) {
		t.Error("hash after Replace")
	}
}

func TestAppendAllocatesNothingButChunks(t *testing.T) {
	s := NewStore(0)
	m := messageOf(36)
	n := uint64(0)
	f, _ := s.Follow()
	if a := testing.AllocsPerRun(1000, func() {
		n++
		s.Append(n, m)
		f.Arm()
		s.Publish()
	}); a != 0 {
		t.Errorf("%v allocations for a message", a)
	}
}

func BenchmarkAppend(b *testing.B) {
	s := NewStore(64 << 20)
	m := bytes.Repeat([]byte{5}, 36)
	n := uint64(0)
	for b.Loop() {
		n++
		s.Append(n, m)
		s.Publish()
	}
}

func ExampleStore() {
	s := NewStore(1 << 20)
	s.Append(1, []byte("first"))
	s.Append(2, []byte("second"))
	s.Publish()
	r := s.NewReader(2)
	m, err := r.Next()
	fmt.Println(string(m), err)
	_, err = r.Next()
	fmt.Println(err)
	// Output:
	// second <nil>
	// no message has this number yet
}
