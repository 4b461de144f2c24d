package book

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// withoutAVX runs f as on a processor that has none.
func withoutAVX(f func()) {
	avx, step := hasAVX, hasStep
	hasAVX, hasStep = false, false
	defer func() { hasAVX, hasStep = avx, step }()
	f()
}

// plainFlow are commands of which most are plain: a market that grows and is emptied again, in which prices come and go, under ids of each kind.
func plainFlow(seed uint64) []Command {
	r := rand.New(rand.NewPCG(seed, 77))
	forms := []string{"%d", "A%d", "ORDER-%06d", "ABCDEFGH%d", "a name of three words %d"}
	form := forms[seed%uint64(len(forms))]
	var commands []Command
	next := [3]uint64{0, 1, 1}
	var live [3][]ClientID
	for i := range 4000 {
		s := uint16(1 + r.IntN(2))
		next[s]++
		id := name(fmt.Sprintf(form, next[s]))
		switch r.IntN(60) {
		case 0: // used before
			id = name(fmt.Sprintf(form, 1+r.Uint64N(next[s])))
		case 1:
			id = name(fmt.Sprintf("%x", r.Uint64()))
		}
		c := Command{Kind: Enter, Session: s, Epoch: 1, InSeq: next[s], Time: int64(i), ClientID: id, Instrument: uint16(1 + r.IntN(2)), Side: Side(r.IntN(2)), Qty: 1 + r.Int64N(9)}
		c.Price = 5000 + r.Int64N(60) + int64(c.Side)*50 // few meet
		if i%1000 > 700 && len(live[s]) > 0 && r.IntN(8) > 0 || r.IntN(4) == 0 && len(live[s]) > 0 {
			k := r.IntN(len(live[s]))
			c = Command{Kind: Cancel, Session: s, Epoch: 1, InSeq: next[s], Time: int64(i), ClientID: id, OrigID: live[s][k]}
			live[s] = slices.Delete(live[s], k, k+1)
		} else {
			live[s] = append(live[s], id)
		}
		switch r.IntN(150) {
		case 0:
			c.Epoch = 2
		case 1:
			c.InSeq++
		case 2:
			c.OrigID = name("nobody")
		case 3:
			c.Session = 3
		case 4:
			c.Instrument = 9
		case 5:
			c.Qty = 0
		case 6:
			c.Price = 0
		case 7:
			c.Conditions = Hidden
		case 8:
			c.Display = 1
		case 9:
			c.Protocol = OUCH
		case 10:
			c.Reason = UnsupportedOrder
		case 11:
			c.SelfTrade = CancelNewest
		case 12:
			c.Expire = 1 << 60
		}
		if c.Session != s || c.Epoch != 1 || c.InSeq != next[s] {
			next[s]-- // it will be dropped, its number is still to come
		}
		commands = append(commands, c)
	}
	return commands
}

// TestAssemblySaysWhatWordsSay: plain commands by plainAVX, by enterPlain and cancelPlain, and by the general way; and all that plainAVX leaves to others is left
// now and then.
func TestAssemblySaysWhatWordsSay(t *testing.T) {
	if !hasAVX {
		t.Skip("this processor has no AVX")
	}
	limits := Limits{Orders: 3000, ClientIDs: 20_000, PriceNodes: 1 << 10, Instruments: 2, Participants: 3, Sessions: 2}
	left := map[int]int{}
	inWords := 0
	for seed := range uint64(10) {
		assembly, _ := openMarket(t, limits, 2, 2)
		words, _ := openMarket(t, limits, 2, 2)
		general, _ := openMarket(t, limits, 2, 2)
		commands := plainFlow(seed)
		for i := range commands {
			c := &commands[i]
			var buf, buf2 [8]Event
			a, w := buf[:0], buf2[:0]
			assembly.begin(c)
			did := 0
			if assembly.counters.index <= assembly.until {
				did = plainAVX(assembly, c, &buf[0])
				left[did&(1<<slotShift-1)]++
			}
			if did == done || assembly.finishPlain(c, &buf[0], did) {
				a = buf[:1]
			} else {
				a = assembly.general(c, a)
			}
			words.begin(c)
			if words.counters.index <= words.until && words.plainEither(c, &buf2[0]) {
				w = buf2[:1]
				inWords++
			} else {
				w = words.general(c, w)
			}
			want := general.Apply(c, nil) // there is no room for one event, so it is by the general way
			if !slices.Equal(a, want) || !slices.Equal(w, want) {
				t.Fatalf("seed %d, command %d, %+v:\nassembly %+v\nwords    %+v\ngeneral  %+v", seed, i, *c, a, w, want)
			}
			if i%50 == 0 {
				for _, m := range []*Market{assembly, words} {
					m.counters.stream = general.counters.stream
					if err := m.check(); err != nil {
						t.Fatalf("seed %d, command %d: %v", seed, i, err)
					}
					if m.Hash() != general.Hash() {
						t.Fatalf("seed %d, command %d: the states differ", seed, i)
					}
				}
			}
		}
	}
	t.Logf("%v; %d in words", left, inWords)
	for _, did := range []int{0, done, perhaps, done | levelNew, done | levelLeft, done | chainsLeft, done | levelNew | chainsLeft, done | levelLeft | chainsLeft} {
		if left[did] < 5 {
			t.Errorf("plainAVX said %#x %d times", did, left[did])
		}
	}
	if inWords < 10_000 {
		t.Errorf("%d commands were plain in words", inWords)
	}
}

// TestApplyAllOnEachProcessor: with and without the processor's help, looking ahead or not, a flow gives the same events and the same hash of its stream.
func TestApplyAllOnEachProcessor(t *testing.T) {
	limits := Limits{Orders: 3000, ClientIDs: 20_000, PriceNodes: 1 << 10, Instruments: 2, Participants: 3, Sessions: 2}
	for seed := range uint64(10) {
		single, _ := openMarket(t, limits, 2, 2)
		with, _ := openMarket(t, limits, 2, 2)
		again, _ := openMarket(t, limits, 2, 2)
		without, _ := openMarket(t, limits, 2, 2)
		commands := plainFlow(seed)
		compareAhead(t, seed, single, with, commands)
		withoutAVX(func() { compareAhead(t, seed, again, without, commands) })
		if single.StreamHash() != again.StreamHash() || with.Hash() != without.Hash() {
			t.Fatalf("seed %d: the hashes differ", seed)
		}
	}
}
