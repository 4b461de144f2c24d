package thread

import "exchange/rdmaio"

// Watch hurries a loop when another process has died: it is what a provider's thread that waits for that calls.
type Watch struct {
	Turns *Turns
	Clock func() int64 // the loop's
	Wake  func()       // ends the loop's nap; nil: it ends by itself
}

// Begin lets the calling thread run ahead of others whenever it wakes. It sleeps until then.
func (w *Watch) Begin() {
	w.Turns.aheadHere()
}

// Died hurries the loop.
func (w *Watch) Died(rdmaio.NodeID) {
	w.Turns.Hurry(w.Clock())
	if w.Wake != nil {
		w.Wake()
	}
}
