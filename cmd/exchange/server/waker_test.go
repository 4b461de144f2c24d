package server

import (
	"sync/atomic"
	"testing"
	"time"
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
