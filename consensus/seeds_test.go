//go:build !race

package consensus

// How many seeds the random tests run. All is one goroutine, so the race detector has nothing to find and takes ten times as long: fewer there.
const (
	randomSeeds     = 40
	standstillSeeds = 400
)
