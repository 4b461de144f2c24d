//go:build planted

package consensus

import "testing"

// A bug that takes a standstill to show, longer than a simulation's log: an owner that lets another in before it has looked through its log.
func TestPlantedGrantWithoutSettling(t *testing.T) {
	Plant("granted without settling")
	defer Plant("")
	if decided, found := standstill(t); found >= decided {
		t.Errorf("not found: %d entries were decided, and the next leader found %d", decided, found)
	}
}
