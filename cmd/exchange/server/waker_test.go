package server

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"exchange/book"
)

// TestWakerForgetsNothing: whatever is added while the goroutine works or goes to sleep is woken.
func TestWakerForgetsNothing(t *testing.T) {
	var woken [4]atomic.Int64
	var fed atomic.Int64
	w, err := newWaker(func(session uint16) { woken[session].Add(1) }, func() { fed.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	const rounds = 20_000
	for i := range rounds {
		w.add([]uint16{1, 2})
		w.add(nil)
		if i%100 == 0 {
			time.Sleep(20 * time.Microsecond) // let it fall asleep now and then
		}
	}
	w.add([]uint16{3})
	for i := range int64(50) { // each time it sleeps, or soon will
		before := fed.Load()
		w.addFeed()
		for end := time.Now().Add(20 * time.Second); fed.Load() == before; time.Sleep(10 * time.Microsecond) {
			if time.Now().After(end) {
				t.Fatalf("the feed's followers were not woken the %dth time", i+1)
			}
		}
	}
	for end := time.Now().Add(20 * time.Second); woken[1].Load() != rounds || woken[2].Load() != rounds || woken[3].Load() != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("woken %d, %d and %d times", woken[1].Load(), woken[2].Load(), woken[3].Load())
		}
	}
	w.close()
}

// TestNobodyIsWokenForWhoIsAbsent: reports of sessions that are not connected here, as all are to a follower, wake no thread.
func TestNobodyIsWokenForWhoIsAbsent(t *testing.T) {
	v := openFIXVenue(t, nil, func(*Config) {})
	c := v.call("CLIENT1", nil)
	c.send("A", fixLogon)
	c.expect("35=A", "34=1")
	here := uint16(0)
	for i := range v.r.gateway.live {
		if v.r.connected(uint16(i)) {
			here = uint16(i)
		}
	}
	var mu sync.Mutex
	var woken []uint16
	w, err := newWaker(func(session uint16) {
		mu.Lock()
		defer mu.Unlock()
		woken = append(woken, session)
	}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	tell := func(sessions ...uint16) {
		v.r.do(func() {
			v.r.waker = w
			v.r.inbox.put(&book.Command{Kind: book.Tick}) // the loop is busy: it leaves all to the writers
			v.r.wakeAll(sessions)
			v.r.waker = nil
		})
	}
	tell(here+1, here+2, here+3)
	tell(here+1, here, here+2)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		mu.Lock()
		if len(woken) > 0 {
			break
		}
		mu.Unlock()
		if time.Now().After(end) {
			t.Fatal("the session that is here was not woken")
		}
	}
	defer mu.Unlock()
	if !slices.Equal(woken, []uint16{here}) {
		t.Errorf("woken: %v", woken)
	}
}
