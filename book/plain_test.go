package book

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// TestPlainWritesWholeEvents: an event may be put where another one was, and nothing of that one may be left in it.
func TestPlainWritesWholeEvents(t *testing.T) {
	for seed := range uint64(8) {
		clean, commands := recorded(t, seed, 3000, 60)
		used, _ := recorded(t, seed, 0, 0)
		var dirty []Event
		for i := range commands {
			dirty = soil(slices.Grow(dirty[:0], 8))
			want := clean.Apply(&commands[i], nil)
			if dirty = used.Apply(&commands[i], dirty); !slices.Equal(dirty, want) {
				t.Fatalf("seed %d, command %d, %+v: %+v, and in empty memory %+v", seed, i, commands[i], dirty, want)
			}
		}
	}
}

// soil gives events in which something is left, in all that there is room for.
func soil(events []Event) []Event {
	whole := events[:cap(events)]
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(whole))), len(whole)*int(unsafe.Sizeof(Event{})))
	for k := range bytes {
		bytes[k] = 0xa5
	}
	for k := range whole {
		whole[k].Resting = false // only 0 and 1 are values of it
	}
	return events[:0]
}

// TestNotedIDsAreFound: whatever ids a session uses one after another, new ones and used ones, each is noted once, where its key says.
func TestNotedIDsAreFound(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	ids := newIdentities(1<<16, 3)
	seen := map[string]use{}
	known, again := 0, 0
	prefixes := []string{"", "r", "A-", "1234567", "12345678", "ORDER-2026-", "0123456789abcde", "0123456789abcdef", "a name of more than sixteen bytes ", "9", "99999", "\x02\x30"}
	next := make([]int, len(prefixes))
	for range 60_000 {
		p := r.IntN(len(prefixes))
		if r.IntN(50) == 0 {
			next[p] = r.IntN(1_000_000)
		}
		text := prefixes[p] + fmt.Sprint(max(0, next[p]-r.IntN(3)*r.IntN(80)))
		next[p]++
		switch r.IntN(12) {
		case 0:
			text += string(rune('/' + r.IntN(12)))
		case 1:
			text = prefixes[p] + string([]byte{byte(2 + r.IntN(254))})
		}
		id, session, u := name(text[:min(len(text), ClientIDLen)]), uint16(1+r.IntN(3)), use(r.IntN(2))
		before := ids.recent[session][u]
		whole := fmt.Sprint(session, id)
		_, was := seen[whole]
		if ids.note(session, &id, u) == was {
			t.Fatalf("%q of session %d was seen: %v, and is noted otherwise, behind %+v", text, session, was, before)
		}
		switch {
		case was:
			again++
		case ids.recent[session][u] == before:
			known++
		}
		if !was {
			seen[whole] = u
		}
		want := wasOrder
		if seen[whole] == forRequest {
			want = notOrder
		}
		if _, state := ids.find(makeKey(session, &id), session, &id); state != want {
			t.Fatalf("%q of session %d is %d, should be %d, behind %+v", text, session, state, want, before)
		}
		if r.IntN(10_000) == 0 {
			ids.clear()
			clear(seen)
		}
	}
	if known < 1000 || again < 1000 {
		t.Errorf("only %d ids were of a family that was known, %d were used again", known, again)
	}
}
