//go:build !linux

package server

// signal is not there: wake-ups are made by the loop.
type signal struct{}

func (s *signal) open() error { return nil }
func (s *signal) works() bool { return false }
func (s *signal) raise()      {}
func (s *signal) await() bool { return false }
func (s *signal) close()      {}
