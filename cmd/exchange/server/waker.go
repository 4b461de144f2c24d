package server

import "sync"

// waker passes wake-ups of connections' writers from the loop's thread to the scheduler's threads. A writer that the loop woke itself would lie first in the
// queue of the loop's own processor, which never runs it, and others take it from there only after a pause of some 60 µs. So the loop writes to an event
// descriptor instead, and a goroutine that reads it wakes the writers from a thread that runs them next.
type waker struct {
	wake   func(session uint16)
	feed   func() // wakes the feed's followers
	signal signal

	mu      sync.Mutex
	touched []uint16 // at most one entry a session and flush
	taken   []uint16
	fed     bool // the feed has new messages for followers that wait
	asleep  bool // the goroutine waits for a signal
}

// newWaker starts the goroutine; wake and feed are called by it. If the system has no event descriptors it is called by the loop.
func newWaker(wake func(session uint16), feed func()) (*waker, error) {
	w := &waker{wake: wake, feed: feed}
	if err := w.signal.open(); err != nil {
		return nil, err
	}
	if w.signal.works() {
		go w.run()
	}
	return w, nil
}

// add notes sessions with new reports, and sees to it that their writers look. The loop's.
func (w *waker) add(sessions []uint16) {
	if len(sessions) == 0 {
		return
	}
	if !w.signal.works() {
		for _, s := range sessions {
			w.wake(s)
		}
		return
	}
	w.mu.Lock()
	w.touched = append(w.touched, sessions...)
	asleep := w.asleep
	w.asleep = false
	w.mu.Unlock()
	if asleep {
		w.signal.raise()
	}
}

// addFeed notes new messages of the feed. The loop's.
func (w *waker) addFeed() {
	if !w.signal.works() {
		w.feed()
		return
	}
	w.mu.Lock()
	w.fed = true
	asleep := w.asleep
	w.asleep = false
	w.mu.Unlock()
	if asleep {
		w.signal.raise()
	}
}

func (w *waker) run() {
	for {
		w.mu.Lock()
		w.touched, w.taken = w.taken[:0], w.touched
		fed := w.fed
		w.fed = false
		w.asleep = len(w.taken) == 0 && !fed
		asleep := w.asleep
		w.mu.Unlock()
		if asleep {
			if !w.signal.await() {
				return
			}
			continue
		}
		for _, s := range w.taken {
			w.wake(s)
		}
		if fed {
			w.feed()
		}
	}
}

func (w *waker) close() { w.signal.close() }
