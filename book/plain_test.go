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

// applyLong is Apply by the general way, whatever the command is.
func (m *Market) applyLong(c *Command) []Event {
	m.until = 0 // there is room for no command that goes a short way
	return m.Apply(c, nil)
}

// plainFlow are commands of which most are plain: a market that grows and is emptied again, in which prices come and go, under ids of each kind.
func plainFlow(seed uint64) []Command {
	r := rand.New(rand.NewPCG(seed, 77))
	forms := []string{"%d", "A%d", "ORDER-%06d", "ABCDEFGH%d", "a name of three words %d"}
	form := forms[seed%uint64(len(forms))]
	var commands []Command
	next, epoch := [3]uint64{0, 1, 1}, [3]uint32{0, 1, 1}
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
		case 2:
			id = name(fmt.Sprintf("as long as an id may be, %d", r.Uint32()))
		}
		c := Command{Kind: Enter, Session: s, Epoch: epoch[s], InSeq: next[s], Time: int64(i), ClientID: id, Instrument: uint16(1 + r.IntN(2)), Side: Side(r.IntN(2)), Qty: 1 + r.Int64N(9)}
		c.Price = 5000 + r.Int64N(60) + int64(c.Side)*50 // few meet
		empties := i%2000 > 900                          // until there is hardly an order left
		if empties && len(live[s]) > 0 && r.IntN(16) > 0 || r.IntN(4) == 0 && len(live[s]) > 0 {
			k := r.IntN(len(live[s]))
			c = Command{Kind: Cancel, Session: s, Epoch: epoch[s], InSeq: next[s], Time: int64(i), ClientID: id, OrigID: live[s][k]}
			if r.IntN(10) == 0 {
				c.Kind, c.Qty = Reduce, r.Int64N(5)
				if r.IntN(4) > 0 {
					c.ClientID = ClientID{}
				}
			} else {
				live[s] = slices.Delete(live[s], k, k+1)
			}
		} else {
			live[s] = append(live[s], id)
		}
		switch r.IntN(150) {
		case 0:
			c.Epoch++
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
			c.Conditions = [...]Conditions{Hidden, AllOrNone}[r.IntN(2)]
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
		if c.Session != s || c.Epoch != epoch[s] || c.InSeq != next[s] {
			next[s]-- // it will be dropped, its number is still to come
		}
		commands = append(commands, c)
		if r.IntN(400) == 0 { // what is sent between is of a connection that is over
			commands = append(commands, Command{Kind: Disconnect, Session: s, Epoch: epoch[s]}, c, Command{Kind: Logon, Session: s, InSeq: next[s] + 1, Seconds: 30})
			next[s]++
			epoch[s]++
			between := &commands[len(commands)-2]
			between.InSeq, between.ClientID = next[s], name(fmt.Sprintf(form, next[s]))
		}
	}
	return commands
}

// meetingFlow is plainFlow with prices at which most orders meet somebody; a market that grew is emptied by trades.
func meetingFlow(seed uint64) []Command {
	r := rand.New(rand.NewPCG(seed, 78))
	commands := plainFlow(seed)
	for i := range commands {
		c, phase := &commands[i], i%2000
		if c.Kind == Cancel && phase > 900 && phase < 1300 && r.IntN(3) == 0 {
			c.Kind, c.OrigID, c.Instrument, c.Side, c.Type, c.Qty = Enter, ClientID{}, uint16(1+r.IntN(2)), Side(r.IntN(2)), MarketOrder, 30
		}
		if c.Kind == Enter && c.Price != 0 && phase >= 600 {
			bringTogether(c, r)
		}
	}
	return commands
}

// bringTogether gives an order of plainFlow a price at which it is likely to meet somebody. Some will not wait, some are stops.
func bringTogether(c *Command, r *rand.Rand) {
	c.Price -= int64(c.Side) * (50 + r.Int64N(20))
	switch r.IntN(40) {
	case 0, 1:
		c.Type = MarketOrder
	case 2, 3:
		c.TIF = ImmediateOrCancel
	case 4:
		c.Qty += 90
	case 5:
		c.Type, c.TIF = MarketOrder, ImmediateOrCancel
	case 6:
		if r.IntN(4) == 0 {
			c.Type, c.StopPrice = [...]OrderType{Stop, StopLimit}[r.IntN(2)], c.Price+20*(1-2*int64(c.Side))
		}
	case 7:
		if r.IntN(20) == 0 {
			c.Type, c.Trail = TrailingStop, 5
		}
	}
}
