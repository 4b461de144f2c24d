//go:build !race

package simulate

// How much a run of the tests plays; SIMULATE_LONG=1 plays all that CI does. Under the race detector less (seeds_race_test.go).
const (
	seedsInTest, seedsInLongTest         = 250, 2000
	historiesInTest, historiesInLongTest = 400, 1000
)
