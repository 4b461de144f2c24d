package thread

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// loop is a thread of its own on which functions can be run, and which ends with the test.
type loop struct{ run chan func() }

func newLoop(t *testing.T) loop {
	l := loop{run: make(chan func())}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		for f := range l.run {
			f()
		}
	}()
	t.Cleanup(func() { close(l.run) })
	return l
}

// on runs f there and waits for it.
func (l loop) on(f func()) {
	done := make(chan struct{})
	l.run <- func() { defer close(done); f() }
	<-done
}

// attr is what the scheduler knows of the loop's thread.
func (l loop) attr(t *testing.T) (a unix.SchedAttr) {
	t.Helper()
	l.on(func() {
		got, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Error(err)
			return
		}
		a = *got
	})
	return a
}

// hurried is the class of a thread that was hurried: real-time where the system lets this process have that, asked of it in another way than Turns does.
func hurried(t *testing.T) (class uint32) {
	newLoop(t).on(func() {
		a := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: schedRR, Priority: watchPriority}
		if unix.SchedSetAttr(0, &a, 0) == nil {
			class = schedRR
		}
	})
	return class
}

// A loop that is hurried runs ahead of others for 2 ms from the last time.
func TestHurriedForAWhile(t *testing.T) {
	want := hurried(t)
	l := newLoop(t)
	var turns Turns
	turns.Hurry(1) // nobody there yet
	l.on(func() { turns.Begin(true) })
	const start, again = 1000, 1000 + haste/2
	for _, step := range []struct {
		now   int64
		hurry bool
		class uint32
	}{
		{0, false, schedNormal}, {start, true, want}, {start + 1, false, want}, {again, true, want}, {start + haste + 1, false, want},
		{again + haste, false, want}, {again + haste + 1, false, schedNormal}, {again + 3*haste, true, want}, {again + 5*haste, false, schedNormal},
	} {
		if step.hurry {
			turns.Hurry(step.now) // from here, another thread
		}
		l.on(func() { turns.Turn(step.now) })
		if a := l.attr(t); a.Policy != step.class {
			t.Errorf("at %d ns: class %d, want %d", step.now, a.Policy, step.class)
		} else if a.Flags&schedFlagResetOnFork == 0 {
			t.Errorf("at %d ns: threads started from it would be like it", step.now)
		}
		l.on(func() {
			if slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); err != nil || slack > timerSlack {
				t.Errorf("at %d ns: its naps may be %d ns late (%v)", step.now, slack, err)
			}
		})
	}
}

func TestNeverHurriedUnlessAskedFor(t *testing.T) {
	l := newLoop(t)
	var turns Turns
	l.on(func() { turns.Begin(false) })
	turns.Hurry(1)
	if a := l.attr(t); a.Policy != schedNormal {
		t.Errorf("class %d", a.Policy)
	}
}

// The watch's own thread runs ahead of others, and a death hurries the loop and ends its nap.
func TestWatch(t *testing.T) {
	want := hurried(t)
	l, own := newLoop(t), newLoop(t)
	var turns Turns
	l.on(func() { turns.Begin(true) })
	woken := false
	w := Watch{Turns: &turns, Clock: func() int64 { return 1 }, Wake: func() { woken = true }}
	own.on(w.Begin)
	if a := own.attr(t); a.Policy != want {
		t.Errorf("the watch's thread is of class %d, want %d", a.Policy, want)
	}
	if a := l.attr(t); a.Policy != schedNormal {
		t.Errorf("the loop's thread is of class %d before anyone died", a.Policy)
	}
	w.Died(2)
	if a := l.attr(t); a.Policy != want || !woken {
		t.Errorf("the loop's thread is of class %d, want %d; woken %v", a.Policy, want, woken)
	}
}
