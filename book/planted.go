//go:build planted

package book

import "time"

// Bugs put in on purpose, to see that the tests of this package and the simulations find them. Only a build with the tag planted has them, and only the one
// that is planted at the moment.

var plantedBug string

// Plant puts a bug in and takes the one before out; "" leaves none. Nothing of this package may run meanwhile.
func Plant(bug string) { plantedBug = bug }

// planted tells whether a bug is in.
func planted(bug string) bool { return bug == plantedBug }

// plantedClock is what the state machine must not know.
func plantedClock() int64 { return time.Now().UnixNano() }
