package book

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// playedCommand is a command as it was played, and whether its number and epoch were those expected: if some before it are left out, they still are to be.
type playedCommand struct {
	Command
	numbered, present bool
}

// again plays commands to a fresh market and naive market, and tells the first difference.
func again(tb testing.TB, l Limits, commands []playedCommand, often bool) error {
	o := &oracle{limits: l, feed: newFeedBook(), often: often}
	o.market, o.naive = openMarket(tb, l, 3, 4)
	for _, p := range commands {
		c := p.Command
		if p.numbered {
			c.InSeq = o.naive.nextIn[c.Session]
		}
		if p.present {
			c.Epoch = o.naive.epoch[c.Session]
		}
		if _, err := o.play(c, false); err != nil {
			return err
		}
	}
	return nil
}

// shortest leaves out what the difference last found does not need, as far as that can be done in a bounded number of commands, and tells the rest.
func shortest(tb testing.TB, l Limits, commands []playedCommand) string {
	budget := 400_000 // commands to play
	fails := func(some []playedCommand, often bool) bool {
		budget -= len(some)
		return again(tb, l, some, often) != nil
	}
	often := false
	if !fails(commands, false) {
		// Only what is looked at now and then differs: look at all of it each time, behind the last time that nothing was wrong.
		if often = true; len(commands) > 5000 || !fails(commands, true) {
			return "the same commands once more give no difference; the seed does"
		}
	}
	leaveOut := func() {
		for size := len(commands) / 2; size > 0; size /= 2 {
			for at := 0; at < len(commands) && budget > 0; {
				some := slices.Delete(slices.Clone(commands), at, min(at+size, len(commands)))
				if len(some) > 0 && fails(some, often) {
					commands = some
				} else {
					at += size
				}
			}
		}
	}
	leaveOut()
	if !often && len(commands) >= 50 && fails(commands, true) { // what is looked at only then
		often = true
		leaveOut()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d commands show it:\n", len(commands))
	for _, p := range commands {
		b.WriteString("  " + brief(p.Command) + "\n")
	}
	fmt.Fprintf(&b, "%v", again(tb, l, commands, often))
	return b.String()
}

// brief writes what is not zero of a command or an event.
func brief(c any) string {
	var words []string
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		f := v.Field(i)
		if f.IsZero() {
			continue
		}
		if id, ok := f.Interface().(ClientID); ok {
			words = append(words, v.Type().Field(i).Name+"="+text(&id))
			continue
		}
		words = append(words, fmt.Sprintf("%s=%v", v.Type().Field(i).Name, f.Interface()))
	}
	return strings.Join(words, " ")
}
