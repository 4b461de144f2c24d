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

// TestFamiliesSayWhatKeysSay: whatever ids a session uses one after another, what is known of the one before leads to the same key and the same block.
func TestFamiliesSayWhatKeysSay(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	ids := newIdentities(1 << 16)
	recent := newFamilies(3)
	known := 0
	prefixes := []string{"", "r", "A-", "1234567", "12345678", "ORDER-2026-", "0123456789abcde", "0123456789abcdef", "a name of more than sixteen bytes ", "9", "99999", "\x02\x30"}
	next := make([]int, len(prefixes))
	for range 40_000 {
		p := r.IntN(len(prefixes))
		if r.IntN(50) == 0 {
			next[p] = r.IntN(1_000_000)
		}
		text := prefixes[p] + fmt.Sprint(next[p])
		next[p]++
		switch r.IntN(12) {
		case 0:
			text += string(rune('/' + r.IntN(12)))
		case 1:
			text = prefixes[p] + string([]byte{byte(2 + r.IntN(254))})
		}
		id, session, kind := name(text[:min(len(text), ClientIDLen)]), uint16(1+r.IntN(3)), r.IntN(2)
		before := recent[session][kind]
		k, at := ids.place(session, &id, &recent[session][kind])
		b := &ids.blocks[at]
		if recent[session][kind] == before {
			known++
		}
		if want := makeKey(session, &id); k != want || b != &ids.blocks[ids.block(want)] {
			t.Fatalf("%q of session %d: key %+v, should be %+v, behind %+v", text, session, k, want, before)
		}
		if b.seen>>(k.member&63)&1 == 0 && ids.count < ids.limit {
			ids.addTo(b, k, uint64(kind))
		}
		if r.IntN(10_000) == 0 {
			ids.clear()
		}
	}
	if known < 1000 {
		t.Errorf("only %d ids were of a family that was known", known)
	}
}
