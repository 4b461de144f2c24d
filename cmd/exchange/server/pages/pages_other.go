//go:build !linux

package pages

// Gather does nothing on this system.
func Gather() int { return 0 }
