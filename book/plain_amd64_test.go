//go:build !purego

package book

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// withoutAVX runs f as on a processor that has none.
func withoutAVX(f func()) {
	avx, step := hasAVX, hasStep
	hasAVX, hasStep = false, false
	defer func() { hasAVX, hasStep = avx, step }()
	f()
}

// withoutVAES runs f as on a processor whose rounds of AES take 16 bytes.
func withoutVAES(f func()) {
	was := hasVAES
	hasVAES = false
	defer func() { hasVAES = was }()
	f()
}

// TestProcessorIsAsked: what the kernel says that the processor has is used, so that no test of the assembly is left out where it could run.
func TestProcessorIsAsked(t *testing.T) {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skip(err)
	}
	_, line, _ := strings.Cut(string(b), "flags")
	line, _, _ = strings.Cut(line, "\n")
	has := func(all ...string) bool {
		for _, flag := range all {
			if !slices.Contains(strings.Fields(line), flag) {
				return false
			}
		}
		return true
	}
	if hasLZCNT() != has("abm") || vaes() != has("vaes") || hasAVX != has("avx2", "bmi2", "abm") || hasStep != has("avx2", "bmi2", "abm", "aes") || hasVAES != has("avx2", "bmi2", "abm", "aes", "vaes") {
		t.Errorf("LZCNT %v, VAES %v, and of the ways %v, %v, %v; the processor has%s", hasLZCNT(), vaes(), hasAVX, hasStep, hasVAES, line)
	}
}

// TestAssemblySaysWhatWordsSay: plain commands by plainAVX, by enterPlain and cancelPlain, and by the general way; and all that plainAVX leaves to others is left
// now and then.
func TestAssemblySaysWhatWordsSay(t *testing.T) {
	left := threeWays(t, plainFlow)
	for kind, all := range map[CommandKind][]int{
		Enter:  {0, done, perhaps, done | levelNew, done | levelLeft, done | chainsLeft, done | levelNew | chainsLeft, done | levelLeft | chainsLeft},
		Cancel: {0, done, perhaps, done | levelLeft, done | chainsLeft, done | levelLeft | chainsLeft},
		Reduce: {0, done},
	} {
		for _, did := range all {
			if left[kind][did] < 3 {
				t.Errorf("of commands to %v plainAVX said %#x %d times", kind, did, left[kind][did])
			}
		}
	}
}

// TestAssemblySaysWhatWordsSayOfTrades is the same where most orders meet somebody.
func TestAssemblySaysWhatWordsSayOfTrades(t *testing.T) {
	left := threeWays(t, meetingFlow)[Enter]
	for _, did := range []int{0, done, perhaps, crossed, crossed | slotLeft, crossed | slotLeft | chainsLeft} {
		if left[did] < 3 {
			t.Errorf("of orders plainAVX said %#x %d times", did, left[did])
		}
	}
}

// slotLeft is set, for threeWays, where an order that crossed has its slot.
const slotLeft = 1 << slotShift

// threeWays plays flows by plainAVX, in words, and by the general way, and tells what plainAVX said to each kind of command, and how often.
func threeWays(t *testing.T, flow func(seed uint64) []Command) (left map[CommandKind]map[int]int) {
	if !hasAVX {
		t.Skip("this processor has no AVX")
	}
	limits := Limits{Orders: 3000, ClientIDs: 20_000, PriceNodes: 1 << 10, Instruments: 2, Participants: 3, Sessions: 2}
	left = map[CommandKind]map[int]int{Enter: {}, Cancel: {}, Reduce: {}}
	inWords, trades := 0, map[int]int{}
	for seed := range uint64(10) {
		assembly, _ := openMarket(t, limits, 2, 2)
		words, _ := openMarket(t, limits, 2, 2)
		general, _ := openMarket(t, limits, 2, 2)
		commands := flow(seed)
		r := rand.New(rand.NewPCG(seed, 5))
		for i := range commands {
			c := &commands[i]
			var buf, buf2 [16]Event
			soil(buf[:]) // nothing of what was there may stay
			soil(buf2[:])
			room := 1 + r.IntN(len(buf))
			a, w := buf[:0:room], buf2[:0]
			assembly.begin(c)
			did := 0
			if assembly.counters.index <= assembly.until {
				did = plainAVX(assembly, c, &buf[0], room)
				said := did & (slotLeft - 1)
				if said&crossed != 0 {
					trades[did>>countShift/2]++
					if uint32(did>>slotShift) != 0 {
						said |= slotLeft
					}
				}
				if n := left[c.Kind]; n != nil {
					n[said]++
				}
			}
			switch {
			case did&crossed != 0:
				a = assembly.finishCrossed(c, a, did)
			case did == done || did != 0 && assembly.finishPlain(c, &buf[0], did):
				a = buf[:1]
			default:
				a = assembly.general(c, a)
			}
			words.begin(c)
			if words.counters.index <= words.until && words.plainEither(c, &buf2[0]) {
				w = buf2[:1]
				inWords++
			} else {
				w = words.general(c, w)
			}
			want := general.applyLong(c)
			if !slices.Equal(a, want) || !slices.Equal(w, want) {
				t.Fatalf("seed %d, command %d, %+v:\nassembly %+v\nwords    %+v\ngeneral  %+v", seed, i, *c, a, w, want)
			}
			if a, w := &assembly.pool, &words.pool; a.byName.count != w.byName.count || a.used != w.used || a.free != w.free {
				t.Fatalf("seed %d, command %d, %+v: %d orders in %d chains, and %d in %d; slots %d and %d are free", seed, i, *c, a.used, a.byName.count, w.used, w.byName.count, a.free, w.free)
			}
			if i%50 == 0 {
				for _, m := range []*Market{assembly, words} {
					m.counters.stream = general.counters.stream
					if err := m.check(); err != nil {
						t.Fatalf("seed %d, command %d: %v", seed, i, err)
					}
					if m.Hash() != general.Hash() || !bytes.Equal(m.AppendSnapshot(nil), general.AppendSnapshot(nil)) {
						t.Fatalf("seed %d, command %d: the states differ", seed, i)
					}
				}
			}
		}
	}
	t.Logf("%v; %d in words; trades %v", left, inWords, trades)
	if inWords < 5000 {
		t.Errorf("%d commands were plain in words", inWords)
	}
	return left
}

// TestAssemblyLooksAtBounds: of a session or an instrument behind the last one nothing is asked, though there be something that looks like it.
func TestAssemblyLooksAtBounds(t *testing.T) {
	if !hasAVX {
		t.Skip("this processor has no AVX")
	}
	m, _ := openMarket(t, oracleLimits, 2, 2)
	seq := uint64(1)
	enter := func(session, instrument uint16) (did int) {
		seq++
		c := Command{Kind: Enter, Session: session, Epoch: 1, InSeq: seq, ClientID: name(fmt.Sprintf("b%04d", seq)), Instrument: instrument, Price: 1000, Qty: 1}
		m.sessions[session].NextIn = seq
		m.Apply(&c, make([]Event, 0, 2)) // so that the family of its ids is known
		seq++
		c.InSeq, c.ClientID = seq, name(fmt.Sprintf("b%04d", seq))
		sessions, books := m.sessions, m.books
		defer func() { m.sessions, m.books = sessions, books }()
		switch {
		case session == 2:
			m.sessions = m.sessions[:2]
		case instrument == 2:
			m.books = m.books[:2]
		}
		var e [2]Event
		return plainAVX(m, &c, &e[0], len(e))
	}
	for _, c := range []struct {
		session, instrument uint16
		plain               bool
	}{{1, 1, true}, {1, 2, false}, {2, 1, false}, {1, 1, true}} {
		if did := enter(c.session, c.instrument); did&done != 0 != c.plain {
			t.Errorf("of session %d and instrument %d plainAVX did %#x", c.session, c.instrument, did)
		}
	}
}

// TestAssemblyComparesWholeNames: an order whose hash is that of the id asked for, but of another session or with another name, is another order.
func TestAssemblyComparesWholeNames(t *testing.T) {
	if !hasAVX {
		t.Skip("this processor has no AVX")
	}
	for _, kind := range []CommandKind{Cancel, Reduce} {
		for what, differ := range map[string]func(*order){
			"nothing":          func(*order) {},
			"another session":  func(o *order) { o.session = 2 },
			"the first word":   func(o *order) { o.name[0] ^= 1 << 40 },
			"the second word":  func(o *order) { o.name[1] ^= 1 << 40 },
			"a third word":     func(o *order) { o.name[2] = 'a' },
			"a fourth word":    func(o *order) { o.name[3] = 'a' },
			"a fifth word":     func(o *order) { o.name[4] = 'a' },
			"a mark":           func(o *order) { o.marks = marks(Hidden) },
			"another self way": func(o *order) { o.marks = marks(CancelBoth) << selfTradeShift },
		} {
			m, _ := openMarket(t, oracleLimits, 1, 2)
			var e [2]Event
			seq := uint64(1)
			play := func(c Command) int {
				seq++
				c.Session, c.Epoch, c.InSeq = 1, 1, seq
				if c.Kind != Reduce {
					c.ClientID = name(fmt.Sprintf("ORDER-%06d", seq))
				}
				return plainAVX(m, &c, &e[0], len(e))
			}
			order, gone := Command{Kind: Enter, Instrument: 1, Price: 1000, Qty: 5}, Command{Kind: Cancel, OrigID: name("ORDER-000002")}
			for _, c := range []Command{order, order, gone} { // so that the families of both ids are known
				seq++
				c.Session, c.Epoch, c.InSeq, c.ClientID = 1, 1, seq, name(fmt.Sprintf("ORDER-%06d", seq))
				m.Apply(&c, e[:0])
			}
			id := name("ORDER-000003")
			for word := 2; word < 5; word++ { // no text has zeros within, but a command can have such an id
				long := id
				long[8*word] = 'a'
				if did := play(Command{Kind: kind, OrigID: long, Qty: 1}); did&done != 0 {
					t.Errorf("%v of an order whose name ends in another way: plainAVX did %#x", kind, did)
				}
			}
			seq -= 3
			differ(&m.pool.orders[m.pool.find(1, &id)])
			if did := play(Command{Kind: kind, OrigID: id, Qty: 1}); did&done != 0 != (what == "nothing") {
				t.Errorf("%v of an order in which %s differs: plainAVX did %#x", kind, what, did)
			}
		}
	}
}

// TestAssemblyDoesWhatItCan: what is left to others is left for a reason.
func TestAssemblyDoesWhatItCan(t *testing.T) {
	if !hasAVX {
		t.Skip("this processor has no AVX")
	}
	m, _ := openMarket(t, oracleLimits, 1, 1)
	var e [8]Event
	seq := uint64(1)
	named := func(n int) ClientID { return name(fmt.Sprintf("ORDER-%06d", n)) }
	whole := func(events int) int { return crossed | events<<countShift }
	for i, c := range []struct {
		what string
		Command
		did int // -1: anything
	}{
		{"a family of orders' ids", Command{Kind: Enter, Side: Sell, Price: 1000, Qty: 5}, -1},
		{"the day's first trade", Command{Kind: Enter, Side: Buy, Price: 1000, Qty: 5}, -1},
		{"the first level", Command{Kind: Enter, Side: Sell, Price: 1000, Qty: 5}, done | levelNew},
		{"an order that goes", Command{Kind: Enter, Side: Sell, Price: 1000, Qty: 5}, done},
		{"a family of requests' ids", Command{Kind: Cancel, OrigID: named(5)}, -1},
		{"an order more there", Command{Kind: Enter, Side: Sell, Price: 1000, Qty: 5}, done},
		{"a level behind it", Command{Kind: Enter, Side: Sell, Price: 1010, Qty: 5}, done},
		{"a level between them", Command{Kind: Enter, Side: Sell, Price: 1005, Qty: 5}, done},
		{"a better level", Command{Kind: Enter, Side: Sell, Price: 995, Qty: 5}, done},
		{"a level in another leaf", Command{Kind: Enter, Side: Sell, Price: 2000, Qty: 5}, done | levelNew},
		{"a reduction", Command{Kind: Reduce, OrigID: named(4), Qty: 2}, done},
		{"a level between is left", Command{Kind: Cancel, OrigID: named(9)}, done},
		{"the best level is left", Command{Kind: Cancel, OrigID: named(10)}, done},
		{"one of two orders is cancelled", Command{Kind: Cancel, OrigID: named(7)}, done},
		{"a leaf is left", Command{Kind: Cancel, OrigID: named(11)}, done | levelLeft},
		{"a part is taken of an order", Command{Kind: Enter, Side: Buy, Price: 1000, Qty: 2}, whole(3)},
		{"the rest, and the level with it", Command{Kind: Enter, Side: Buy, Price: 1010, Qty: 1, TIF: ImmediateOrCancel}, whole(3)},
		{"an order at a level", Command{Kind: Enter, Side: Sell, Price: 1010, Qty: 5}, done},
		{"an order and a part of another", Command{Kind: Enter, Side: Buy, Type: MarketOrder, Qty: 7}, whole(5)},
	} {
		seq++
		c.Session, c.Epoch, c.InSeq, c.Instrument, c.ClientID = 1, 1, seq, 1, named(i+2)
		if c.Kind == Reduce {
			c.ClientID = ClientID{}
		}
		if c.did < 0 {
			m.Apply(&c.Command, e[:0])
			continue
		}
		m.begin(&c.Command)
		did := plainAVX(m, &c.Command, &e[0], len(e))
		if left := did & (1<<slotShift - 1); did != c.did && (left != c.did || left&crossed != 0) {
			t.Errorf("%s: plainAVX did %#x, should %#x", c.what, did, c.did)
		}
		if did&(done|crossed) == done {
			m.finishPlain(&c.Command, &e[0], did)
		}
		if err := m.check(); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// TestApplyAllOnEachProcessor: with and without the processor's help, looking ahead or not, a flow gives the same events and the same hash of its stream; also where
// there is no room for some of it.
func TestApplyAllOnEachProcessor(t *testing.T) {
	for seed := range uint64(10) {
		limits := Limits{Orders: 3000, ClientIDs: 20_000, PriceNodes: 1 << 10, Instruments: 2, Participants: 3, Sessions: 2}
		switch seed / 2 {
		case 1:
			limits.Orders = 40
		case 2:
			limits.ClientIDs = 2500
		case 3:
			limits.PriceNodes = 8 * ladderHeight
		}
		single, _ := openMarket(t, limits, 2, 2)
		with, _ := openMarket(t, limits, 2, 2)
		again, _ := openMarket(t, limits, 2, 2)
		without, _ := openMarket(t, limits, 2, 2)
		third, _ := openMarket(t, limits, 2, 2)
		narrow, _ := openMarket(t, limits, 2, 2)
		commands := plainFlow(seed)
		if seed%2 == 1 {
			commands = meetingFlow(seed)
		}
		compareAhead(t, seed, single, with, commands)
		withoutAVX(func() { compareAhead(t, seed, again, without, commands) })
		withoutVAES(func() { compareAhead(t, seed, third, narrow, commands) })
		if single.StreamHash() != again.StreamHash() || with.Hash() != without.Hash() || with.Hash() != narrow.Hash() {
			t.Fatalf("seed %d: the hashes differ", seed)
		}
	}
}

// TestLookingAheadWhereNodesBecomeOthers: prices so far apart, and so few, that between two steps a leaf is given back and taken for a node that has nodes, whose
// numbers are no levels'.
func TestLookingAheadWhereNodesBecomeOthers(t *testing.T) {
	limits := Limits{Orders: 8, ClientIDs: 4000, PriceNodes: 1 << 12, Instruments: 2, Participants: 3, Sessions: 1}
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 10))
		var commands []Command
		var live []ClientID
		for i := range 1500 {
			id := name(fmt.Sprint("W", i))
			c := Command{Kind: Enter, Session: 1, Epoch: 1, InSeq: uint64(2 + i), ClientID: id, Instrument: uint16(1 + r.IntN(2)), Side: Sell, Qty: 1}
			for height := range 4 { // digits 1 and 2 only, so that they are often the same
				c.Price |= (1 + r.Int64N(2)) << (digitBits * height)
			}
			if n := len(live); n > 0 && r.IntN(6) < n {
				k := r.IntN(n)
				c = Command{Kind: Cancel, Session: 1, Epoch: 1, InSeq: c.InSeq, ClientID: id, OrigID: live[k]}
				live = slices.Delete(live, k, k+1)
			} else {
				live = append(live, id)
			}
			commands = append(commands, c)
		}
		for _, processor := range []func(func()){func(f func()) { f() }, withoutAVX} {
			single, _ := openMarket(t, limits, 2, 1)
			ahead, _ := openMarket(t, limits, 2, 1)
			processor(func() { compareAhead(t, seed, single, ahead, commands) })
		}
	}
}
