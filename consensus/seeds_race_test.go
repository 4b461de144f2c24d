//go:build race

package consensus

const (
	randomSeeds     = 6
	standstillSeeds = 60
)
