package drill

import "testing"

func TestWitnessSeesAnOrderAgainstRealTime(t *testing.T) {
	for _, c := range []struct {
		name  string
		all   []operation
		count int
	}{
		{"one after the other", []operation{{1, 0, 10}, {2, 20, 30}, {5, 40, 50}}, 0},
		{"under way together, the later one first", []operation{{2, 0, 30}, {1, 5, 20}}, 0},
		{"answered before the one before it was sent", []operation{{7, 0, 10}, {6, 20, 30}}, 1},
		{"behind one of another long before", []operation{{1, 0, 10}, {2, 100, 110}, {3, 20, 200}, {4, 30, 40}}, 1},
		{"two of one command", []operation{{3, 0, 10}, {3, 5, 12}}, 1},
	} {
		if count, why := misordered(c.all); count != c.count || (count > 0) != (why != "") {
			t.Errorf("%s: %d, %q", c.name, count, why)
		}
	}
}
