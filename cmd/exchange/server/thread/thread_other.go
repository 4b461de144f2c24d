//go:build !linux

package thread

import (
	"runtime"
	"time"
)

// Turns is the standing of a loop's thread with the scheduler: nothing is asked for on this system.
type Turns struct{}

// Begin sets the calling thread up.
func (*Turns) Begin(bool) {}

// Hurry lets the thread run ahead of ordinary ones.
func (*Turns) Hurry(int64) {}

// Turn is called at the beginning of each turn.
func (*Turns) Turn(int64) {}

func (*Turns) aheadHere() {}

// Nap sleeps.
func Nap(d time.Duration) { time.Sleep(d) }

// Yield lets others run first.
func Yield() { runtime.Gosched() }
