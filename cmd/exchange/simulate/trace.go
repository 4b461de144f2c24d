package simulate

import (
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// A trace has a line for each thing that happened: virtual time, a column for each replica with what it was at that moment, brackets around the one
// that did it, and what it was.
//
//	  12.345678s  [L]  f   f    1 leads
//
// L leads, C tries to, f follows, l learns, z is paused, x is dead.

// say writes a line; id 0: no replica did it.
func (w *world) say(id int, format string, args ...any) {
	if w.o.Trace == nil {
		return
	}
	var b strings.Builder
	now := time.Duration(w.net.Now())
	fmt.Fprintf(&b, "%5d.%09ds ", now/time.Second, now%time.Second)
	for _, r := range w.replicas {
		if r.id == id {
			fmt.Fprintf(&b, " [%c]", r.letter())
		} else {
			fmt.Fprintf(&b, "  %c ", r.letter())
		}
	}
	if id != 0 {
		fmt.Fprintf(&b, "  %d ", id)
	} else {
		b.WriteString("    ")
	}
	fmt.Fprintf(&b, format, args...)
	b.WriteByte('\n')
	_, _ = io.WriteString(w.o.Trace, b.String())
}

func (r *replica) letter() byte {
	switch {
	case r.v == nil:
		return 'x'
	case r.pausedUntil > r.w.net.Now():
		return 'z'
	}
	return "flCL"[r.v.Node().Role()]
}

// logger makes a replica's log lines into lines of the trace.
func (r *replica) logger() zerolog.Logger {
	if r.w.o.Trace == nil {
		return zerolog.Nop()
	}
	return zerolog.New(logLines{r})
}

type logLines struct{ r *replica }

func (l logLines) Write(line []byte) (int, error) {
	fields := map[string]any{}
	if err := json.Unmarshal(line, &fields); err != nil {
		return 0, err
	}
	text := fmt.Sprint(fields["message"])
	delete(fields, "message")
	delete(fields, "level")
	delete(fields, "replica")
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		text += fmt.Sprintf(" %s=%v", name, fields[name])
	}
	l.r.w.say(l.r.id, "%s", text)
	return len(line), nil
}
