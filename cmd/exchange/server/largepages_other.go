//go:build !linux

package server

// gatherPages does nothing on this system.
func gatherPages() int { return 0 }
