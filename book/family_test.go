package book

import "testing"

func TestTheFamilyBehind(t *testing.T) {
	for _, c := range []struct {
		id   string
		tens int
		want string // empty: it cannot be told
	}{
		{"r12300", 4, "r12400"}, {"r12905", 4, "r13005"}, {"ORD-0999901", 9, "ORD-1000001"}, {"99907", 3, ""}, {"r99907", 4, ""}, {"r00", 1, ""}, {"07", 0, ""},
		{"1-07", 2, ""}, {"a8x07", 3, ""},
	} {
		id := name(c.id)
		next, ok := following(&id, c.tens)
		if got := text(&next); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("behind the family of %s comes %s, %v; it should be %q", c.id, got, ok, c.want)
		}
		var r family
		if r.learn(&id, makeKey(1, &id), 0); r != unknown && r.digits() != c.tens {
			t.Errorf("the last two digits of %s begin at %d, not %d", c.id, c.tens, r.digits())
		}
	}
}
