package book

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
)

// openingCommands list instruments, add three participants and so many sessions, of which 1 and 2 are of one participant, 3 is of another of its group,
// the others of a stranger; and open the market's hours and the connections.
func openingCommands(instruments, sessions int) (commands []Command) {
	for i := range instruments {
		commands = append(commands, Command{Kind: ListInstrument, ClientID: name(fmt.Sprintf("I%d", i+1)), Price: 100, Qty: 1})
	}
	commands = append(commands, Command{Kind: AddParticipant, ClientID: name("FIRM")},
		Command{Kind: AddParticipant, ClientID: name("SISTER"), OrigID: name("FIRM")}, Command{Kind: AddParticipant, ClientID: name("STRANGER")})
	for i := range sessions {
		of := [...]string{"FIRM", "FIRM", "SISTER", "STRANGER"}[min(i, 3)]
		commands = append(commands, Command{Kind: AddSession, ClientID: name(fmt.Sprintf("S%d>X", i+1)), OrigID: name(of), Protocol: FIX})
	}
	commands = append(commands, Command{Kind: SystemEvent, Code: 'Q'})
	for i := range sessions {
		commands = append(commands, Command{Kind: Logon, Session: uint16(i + 1), InSeq: 1, Seconds: 30})
	}
	return commands
}

// openMarket makes a market that has seen the openingCommands, and the naive one beside it.
func openMarket(tb testing.TB, l Limits, instruments, sessions int) (*Market, *naive) {
	tb.Helper()
	m := NewMarket(l)
	var out []Event
	for _, c := range openingCommands(instruments, sessions) {
		out = m.Apply(&c, out[:0])
	}
	group, firm := []int{0}, []int{0}
	for i := range sessions {
		group, firm = append(group, [...]int{1, 1, 1, 2}[min(i, 3)]), append(firm, [...]int{1, 1, 2, 3}[min(i, 3)])
	}
	n := &naive{
		epoch: make([]uint32, sessions+1), away: make([]bool, sessions+1), firms: []ClientID{{}, name("FIRM"), name("SISTER"), name("STRANGER")},
		day: map[uint16][]naiveTrade{}, flow: &happened{times: map[string]int{}}, maxOrders: l.Orders, maxIDs: l.ClientIDs,
		seen: map[naiveID]bool{}, order: map[naiveID]bool{}, halted: map[uint16]bool{}, last: map[uint16]int64{}, lastQty: map[uint16]int64{}, group: group, firm: firm, phase: 'Q', index: m.Index(), lastFeed: m.NextFeedSeq() - 1,
		maxPrice: MaxFeedPrice / 100, maxQty: MaxShares, nextIn: make([]uint64, sessions+1), nextOut: make([]uint64, sessions+1),
	}
	for i := 1; i <= sessions; i++ {
		n.nextIn[i], n.nextOut[i], n.epoch[i] = 2, 2, 1
	}
	return m, n
}

var oracleLimits = Limits{Orders: 10_000, ClientIDs: 200_000, PriceNodes: 20_000, Instruments: 8, Participants: 4, Sessions: 8}

// oracleCommands makes TestOracle play so many commands in place of 160,000, from another seed on if ORACLE_SEED says so.
func oracleSettings(t *testing.T) (commands, first int) {
	setting := func(name string, otherwise int) int {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s=%s: %v; give a number", name, text, err)
		}
		return n
	}
	return setting("ORACLE_COMMANDS", 160_000), setting("ORACLE_SEED", 0)
}

// perSeed is how many commands TestOracle plays by one seed.
const perSeed = 10_000

// TestOracle plays 160,000 random commands (ORACLE_COMMANDS: as many as that; ORACLE_SEED: from that seed on) to the market and to the naive one: every
// event must be the same in every field, and now and then the books, the day's trades and what the feed alone tells of it. At random points the market
// is put away and taken out of its snapshot again. What must happen on the way is in happened_test.go. A difference is made short before it is told.
func TestOracle(t *testing.T) {
	commands, first := oracleSettings(t)
	all := &happened{times: map[string]int{}}
	kinds, reasons := map[EventKind]int{}, map[Reason]int{}
	for seed := first; seed < first+max(1, commands/perSeed) && !t.Failed(); seed++ {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			o := newOracle(t, uint64(seed))
			o.naive.flow = all
			for range perSeed {
				events, err := o.step()
				if err != nil {
					t.Fatalf("%v\n%s", err, shortest(t, o.limits, o.played))
				}
				for k := range events {
					kinds[events[k].Kind]++
					reasons[events[k].Reason]++
				}
			}
		})
	}
	if t.Failed() {
		return
	}
	for k := Accepted; k < Told; k++ { // Told changes nothing; stories tell of it
		if kinds[k] == 0 {
			t.Errorf("the flow saw no event %v", k)
		}
	}
	for _, r := range []Reason{PriceOffTick, PriceOutOfRange, QuantityOutOfRange, DuplicateClientID, InstrumentHalted, UnknownOrder, TooLateToCancel,
		UserRequest, ImmediateOrCancelRest, NotFillable, NoLiquidity, NotAuthorized, UnsupportedOrder, WouldTrade, MinimumNotMet, SelfTradePrevented,
		Expired, ExpireTimePast, StopPriceOutOfRange, NoReferencePrice, DayEnded, MarketClosed, BookFull, ClientIDsFull, SessionDisconnected, BudgetNotMet,
		BudgetOutOfRange} {
		if reasons[r] == 0 {
			t.Errorf("the flow saw nothing %q", r)
		}
	}
	all.check(t, 1)
	if testing.Verbose() {
		for _, what := range slices.Sorted(maps.Keys(all.times)) {
			t.Logf("%8d %s", all.times[what], what)
		}
	}
}

// oracle is a market and the naive one, who are given the same commands.
type oracle struct {
	limits Limits
	market *Market
	naive  *naive
	flow   *flow
	feed   *feedBook
	played []playedCommand
	out    []Event
	// often: the whole check after each command, and a restore before it.
	often bool
}

// newOracle makes one for a seed, of which each eighth has plain orders only, and each eighth a market that is full soon.
func newOracle(tb testing.TB, seed uint64) *oracle {
	l := oracleLimits
	if seed%8 == 5 {
		l.Orders, l.ClientIDs = 25, 1500
	}
	o := &oracle{limits: l, feed: newFeedBook()}
	o.market, o.naive = openMarket(tb, l, 3, 4)
	o.flow = newFlow(seed, o.naive)
	return o
}

// step plays the next command of the flow.
func (o *oracle) step() ([]Event, error) {
	c := o.flow.command()
	return o.play(c, o.flow.r.IntN(2500) == 0)
}

// play plays a command, and puts the market away behind it and takes it out again, if that is asked for.
func (o *oracle) play(c Command, restore bool) ([]Event, error) {
	o.played = append(o.played, playedCommand{c, c.InSeq != 0 && c.InSeq == o.naive.nextIn[c.Session], c.Session != 0 && c.Epoch == o.naive.epoch[c.Session]})
	o.out = o.market.Apply(&c, o.out[:0])
	if want := o.naive.apply(&c); !slices.Equal(o.out, want) {
		return nil, fmt.Errorf("command %d %s:\n%s", len(o.played), brief(c), difference(o.out, want))
	}
	for k := range o.out {
		if err := o.feed.take(&o.out[k]); err != nil {
			return nil, err
		}
	}
	if o.often || len(o.played)%50 == 0 {
		if err := errors.Join(o.market.check(), o.feed.compare(o.market), compareBooks(o.market, o.naive)); err != nil {
			return nil, fmt.Errorf("after command %d %v: %w", len(o.played), c.Kind, err)
		}
	}
	if restore || o.often {
		again, err := comeBack(o.limits, o.market)
		if err != nil {
			return nil, fmt.Errorf("after command %d %v: %w", len(o.played), c.Kind, err)
		}
		o.market = again
	}
	return o.out, nil
}
func difference(got, want []Event) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("event %d is missing: %s", i, brief(want[i]))
		case i >= len(want):
			return fmt.Sprintf("event %d is too many: %s", i, brief(got[i]))
		case got[i] != want[i]:
			return fmt.Sprintf("event %d is\n%s\nshould be\n%s", i, brief(got[i]), brief(want[i]))
		}
	}
	return "the same"
}

// comeBack gives the market restored from a snapshot of itself, which must be the same in all that can be told.
func comeBack(l Limits, m *Market) (*Market, error) {
	snapshot := m.AppendSnapshot(nil)
	again, err := RestoreMarket(l, snapshot)
	switch {
	case err != nil:
		return nil, err
	case again.Hash() != m.Hash() || again.StreamHash() != m.StreamHash() || again.BookHash() != m.BookHash() || again.Index() != m.Index():
		return nil, errors.New("the restored market has other hashes")
	case string(again.AppendSnapshot(nil)) != string(snapshot):
		return nil, errors.New("the restored market gives another snapshot")
	}
	if err := again.check(); err != nil {
		return nil, fmt.Errorf("restored: %w", err)
	}
	return again, nil
}

func restored(t *testing.T, l Limits, m *Market) *Market {
	t.Helper()
	again, err := comeBack(l, m)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// compareBooks compares what rests, and that every lot entered is filled, open or cancelled follows from the events being equal.
func compareBooks(m *Market, n *naive) error {
	var got, want []RestingOrder
	for i := 1; i <= m.NumInstruments(); i++ {
		got = m.RestingOrders(uint16(i), Sell, m.RestingOrders(uint16(i), Buy, got))
		var wholes, stops []RestingOrder
		for _, side := range []Side{Buy, Sell} {
			for _, o := range m.WaitingOrders(uint16(i), side, nil) {
				if o.Conditions&AllOrNone != 0 && !m.waiting(m.slotOf(&o)) {
					wholes = append(wholes, o)
				} else {
					stops = append(stops, o)
				}
			}
		}
		got = append(append(got, wholes...), stops...)
		if day, want := m.Statistics(uint16(i)), n.statistics(uint16(i)); day != want {
			return fmt.Errorf("the trades of %d were %+v, should be %+v", i, day, want)
		}
	}
	for _, o := range n.all() {
		r := RestingOrder{OrderID: o.id, Ref: o.ref, Session: o.Session, Side: o.Side, Type: o.Type, TIF: o.TIF, Conditions: o.Conditions, SelfTrade: o.SelfTrade,
			Price: o.Price, Qty: o.Qty, Open: o.open(), Shown: o.open(), Display: o.Display, StopPrice: o.StopPrice, Trail: o.Trail, Expire: o.Expire, ClientID: o.ClientID}
		if o.Display != 0 {
			r.Shown = o.shown
		}
		if !o.visible() {
			r.Shown = 0
		}
		want = append(want, r)
	}
	if !slices.Equal(got, want) {
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				return fmt.Errorf("the books differ at %d of %d, %d:\n%+v\n%+v", i, len(got), len(want), at(got, i), at(want, i))
			}
		}
	}
	if m.Resting() != len(n.orders) || m.Trades() != n.lastMatch || m.Orders() != n.lastOrder {
		return fmt.Errorf("%d rest, %d trades, %d orders; should be %d, %d, %d", m.Resting(), m.Trades(), m.Orders(), len(n.orders), n.lastMatch, n.lastOrder)
	}
	return nil
}

func at(orders []RestingOrder, i int) string {
	if i < len(orders) {
		return fmt.Sprintf("%+v", orders[i])
	}
	return "nothing"
}

// slotOf finds a listed order's slot.
func (m *Market) slotOf(o *RestingOrder) uint32 {
	return m.pool.find(o.Session, &o.ClientID)
}
