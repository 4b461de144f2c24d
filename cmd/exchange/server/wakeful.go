package server

import "exchange/cmd/exchange/server/thread"

// wakeful keeps the processors of this host awake while clients wait for each answer before they send their next order. Such a client sleeps for some µs at a
// time, and so does a processor that has nothing else to do: it then takes longer to wake than an order takes, some 20 µs in a virtual machine, which has to be
// asked for it by an interrupt. A processor that is kept awake polls in place of sleeping, which costs power, so that is asked for only while the loop hears
// orders one after another, and for wakefulFor behind the last of them.
type wakeful struct {
	awake thread.Awake
	keeps bool
	heard int   // turns in a row in which it heard something, none later than spinFor behind the one before
	last  int64 // the last of them, monotonic ns
}

const (
	// wakefulAfter so many such turns the processors are kept awake, until none was heard for wakefulFor, ns.
	wakefulAfter = 8
	wakefulFor   = int64(10_000_000)
)

// hears is told of a turn in which the loop heard orders.
func (w *wakeful) hears(now int64) {
	if now-w.last > spinFor {
		w.heard = 0
	}
	w.heard, w.last = w.heard+1, now
	if w.heard >= wakefulAfter {
		w.keep(true)
	}
}

// tend lets the processors sleep again when no more orders come. It is called every statusEvery.
func (w *wakeful) tend(now int64) {
	if now-w.last > wakefulFor {
		w.keep(false)
	}
}

func (w *wakeful) keep(on bool) {
	w.keeps = on
	w.awake.Keep(on)
}
