package drill

import "testing"

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
