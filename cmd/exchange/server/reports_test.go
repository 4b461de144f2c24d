package server

import (
	"bytes"
	"sync"
	"testing"

	"exchange/book"
)

func report(session uint16, number uint64) *book.Event {
	return &book.Event{Kind: book.Accepted, Session: session, OutSeq: number, OrderID: number * 7}
}

// A reader that follows with a cursor sees every number once and complete, while the writer goes on and old ones are dropped.
func TestReportsAreReadWhileWritten(t *testing.T) {
	const last = 50_000
	s := newReportStore(4 * reportChunk)
	var readers sync.WaitGroup
	for range 4 {
		readers.Add(1)
		go func() {
			defer readers.Done()
			var batch [64]book.Event
			for cursor := uint64(0); cursor < last; {
				n, first := s.read(3, cursor+1, batch[:])
				if n > 0 && first < cursor+1 {
					t.Errorf("asked for %d, got %d", cursor+1, first)
					return
				}
				for i := range n {
					if e := &batch[i]; e.OutSeq != first+uint64(i) || e.OrderID != 7*e.OutSeq || e.Session != 3 {
						t.Errorf("number %d is %+v", first+uint64(i), e)
						return
					}
					cursor = batch[i].OutSeq
				}
			}
		}()
	}
	for n := uint64(1); n <= last; n++ {
		s.append(report(3, n))
	}
	readers.Wait()
	var batch [1]book.Event
	if n, first := s.read(3, 1, batch[:]); n != 1 || first == 1 {
		t.Fatalf("number 1 is still kept beyond the bound (n=%d first=%d)", n, first)
	}
	if n, _ := s.read(3, last+1, batch[:]); n != 0 {
		t.Fatal("a number that was not given yet can be read")
	}
	if n, _ := s.read(9, 1, batch[:]); n != 0 {
		t.Fatal("an unknown session has reports")
	}
}

// Chunks that are out of the directory are filled again, but not while somebody who may have found them there is reading.
func TestReportsFillChunksAgain(t *testing.T) {
	const keep = 4
	s := newReportStore(keep * reportChunk)
	made := map[*[reportChunk]book.Event]bool{}
	next := uint64(1)
	fill := func(chunks int) (fresh int) {
		before := len(made)
		for range chunks * reportChunk {
			s.append(report(3, next))
			next++
			all := s.session(3).state.Load().chunks
			made[all[len(all)-1]] = true
		}
		return len(made) - before
	}
	if n := fill(20); n > keep+2 {
		t.Errorf("%d chunks were made where %d are kept", n, keep)
	}
	r := s.session(3)
	seen := *r.state.Load()
	was := *seen.chunks[0]
	r.readers.Add(1)
	if n := fill(10); n < 8 {
		t.Errorf("%d chunks were made for 10 while somebody read", n)
	}
	if *seen.chunks[0] != was {
		t.Error("a chunk was filled again while somebody read in it")
	}
	r.readers.Add(-1)
	if n := fill(20); n > 1 {
		t.Errorf("%d chunks were made when nobody read any more", n)
	}
}

func TestReportsStartAgainWhenNumbersAreReset(t *testing.T) {
	s := newReportStore(4 * reportChunk)
	for n := uint64(1); n <= 10; n++ {
		s.append(report(1, n))
	}
	_, before := s.last(1)
	s.append(report(1, 1))
	last, after := s.last(1)
	if last != 1 || after == before {
		t.Fatalf("after the reset: last %d, generation %d then %d", last, before, after)
	}
	var batch [8]book.Event
	if n, first := s.read(1, 1, batch[:]); n != 1 || first != 1 {
		t.Fatalf("read %d from %d", n, first)
	}
}

// What one replica keeps, another takes over: the same reports under the same numbers, also where the oldest were dropped.
func TestReportsAreTakenOver(t *testing.T) {
	s := newReportStore(2 * reportChunk)
	for n := uint64(1); n <= 3*reportChunk; n++ {
		s.append(report(2, n))
	}
	s.append(report(5, 1))
	copied, cloned := &stateCopy{reports: s.export(nil)}, s.clone()
	var was [4 * reportChunk]book.Event
	kept, oldest := s.read(2, 1, was[:])
	for n := uint64(3*reportChunk + 1); n <= 9*reportChunk; n++ { // the source goes on, and fills its chunks again
		s.append(report(2, n))
	}
	var out bytes.Buffer
	if err := copied.writeReports(&out); err != nil {
		t.Fatal(err)
	}
	to := newReportStore(2 * reportChunk)
	if err := to.load(out.Bytes()); err != nil {
		t.Fatal(err)
	}
	for what, other := range map[string]*reportStore{"transferred": to, "cloned": cloned} {
		var is [4 * reportChunk]book.Event
		if n, first := other.read(2, 1, is[:]); n != kept || first != oldest || is != was {
			t.Errorf("%s: %d reports from %d became %d from %d", what, kept, oldest, n, first)
		}
		if n, first := other.read(5, 1, is[:1]); n != 1 || first != 1 || is[0] != *report(5, 1) {
			t.Errorf("%s: session 5 has %d reports from %d: %+v", what, n, first, is[0])
		}
	}
	if err := newReportStore(1).load(out.Bytes()[:out.Len()-1]); err == nil {
		t.Fatal("a transfer that was cut is taken")
	}
}
