package simulate

import "testing"

func TestSeeds(t *testing.T) {
	for seed := uint64(1); seed <= seedsInTest; seed++ {
		if r := Run(seed, Options{}); r.Violation != "" {
			t.Errorf("%s: %s", r.String(), r.Violation)
		}
	}
}

func TestSameSeedSameRun(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		a, b := Run(seed, Options{}), Run(seed, Options{})
		if a.String() != b.String() {
			t.Errorf("seed %d differs:\n%s\n%s", seed, a.String(), b.String())
		}
	}
}
