//go:build race

package simulate

const (
	seedsInTest, seedsInLongTest         = 20, 20
	historiesInTest, historiesInLongTest = 20, 20
)
