package server

import (
	"sync"
	"testing"

	"exchange/book"
)

// Commands of one gateway come out in its order, each once, whatever the others do; a full inbox says so.
func TestInboxKeepsEachProducersOrder(t *testing.T) {
	const producers, each = 8, 20_000
	q := newInbox(64, func() {})
	var all sync.WaitGroup
	for p := range producers {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := 1; i <= each; {
				if q.put(&book.Command{Session: uint16(p), InSeq: uint64(i)}) {
					i++
				}
			}
		}()
	}
	var last [producers]uint64
	var c book.Command
	for got := 0; got < producers*each; {
		if !q.take(&c) {
			continue
		}
		got++
		if c.InSeq != last[c.Session]+1 {
			t.Fatalf("producer %d: %d after %d", c.Session, c.InSeq, last[c.Session])
		}
		last[c.Session] = c.InSeq
	}
	all.Wait()
	if q.take(&c) || q.waiting() != 0 {
		t.Fatal("something is left over")
	}
}

func TestInboxFullSaysSo(t *testing.T) {
	woken := 0
	q := newInbox(16, func() { woken++ })
	for i := range 16 {
		if !q.put(&book.Command{InSeq: uint64(i)}) {
			t.Fatalf("no room for command %d of 16", i)
		}
	}
	if q.put(&book.Command{}) {
		t.Fatal("a 17th command was taken")
	}
	if woken != 16 {
		t.Fatalf("woken %d times", woken)
	}
	if n := q.drain(); n != 16 {
		t.Fatalf("drained %d", n)
	}
	if !q.put(&book.Command{}) {
		t.Fatal("no room after draining")
	}
}
