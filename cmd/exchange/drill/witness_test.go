package drill

import (
	"testing"

	"exchange/book"
	"exchange/marketdata/itch"
)

func TestWitnessSeesAnOrderAgainstRealTime(t *testing.T) {
	for _, c := range []struct {
		name  string
		all   []operation
		count int
	}{
		{"one after the other", []operation{{index: 1, called: 0, returned: 10}, {index: 2, called: 20, returned: 30}, {index: 5, called: 40, returned: 50}}, 0},
		{"under way together, the later one first", []operation{{index: 2, called: 0, returned: 30}, {index: 1, called: 5, returned: 20}}, 0},
		{"answered before the one before it was sent", []operation{{index: 7, called: 0, returned: 10}, {index: 6, called: 20, returned: 30}}, 1},
		{"behind one of another long before", []operation{{index: 1, called: 0, returned: 10}, {index: 2, called: 100, returned: 110}, {index: 3, called: 20, returned: 200}, {index: 4, called: 30, returned: 40}}, 1},
		{"two of one command", []operation{{index: 3, called: 0, returned: 10}, {index: 3, called: 5, returned: 12}}, 1},
	} {
		if count, why := misordered(c.all); count != c.count || (count > 0) != (why != "") {
			t.Errorf("%s: %d, %q", c.name, count, why)
		}
	}
}

// Over OUCH the witness finds an order's place by its reference on the feed, or by its first match.
func TestWitnessFindsOrdersOnTheFeed(t *testing.T) {
	messages, _, _ := history()
	var r record
	for k := range messages {
		r.add(itch.Append(nil, &messages[k]))
	}
	order := func(called, returned int64, immediate bool) operation {
		return operation{called: called, returned: returned, order: asked{"ABC", book.Buy, 1, 1, immediate}}
	}
	found, missing := r.place([]placed{
		{order(0, 10, false), 1, 0},     // rested in command 10
		{order(40, 50, false), 99, 1},   // traded away in command 12
		{order(20, 30, true), 98, 0},    // neither rested nor traded, and was not to
		{order(60, 70, false), 97, 0},   // was to rest and came nowhere
		{order(55, 100, false), 3, 777}, // rested in command 14
	})
	if len(found) != 3 || missing != 1 || found[0].index != 10 || found[1].index != 12 || found[2].index != 14 {
		t.Fatalf("found %+v, missing %d", found, missing)
	}
	if count, why := misordered(found); count != 0 {
		t.Errorf("%d: %s", count, why)
	}
	found[0].called, found[0].returned = 200, 210 // command 10 was sent when 12 and 14 had been answered
	if count, _ := misordered(found); count != 2 {
		t.Errorf("%d out of order, want 2", count)
	}
}

// A hand-over that refuses an order has not held; a kill may cost one.
func TestAHandoverRefusesNothing(t *testing.T) {
	for scenario, passes := range map[string]bool{handoverScenario: false, "leader-kill": true} {
		if r := (Report{Scenario: scenario, Rejected: 1}); r.Passed() != passes || !(&Report{Scenario: scenario}).Passed() {
			t.Errorf("%s with an order refused: passed %v", scenario, r.Passed())
		}
	}
}
