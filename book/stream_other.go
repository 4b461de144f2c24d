//go:build !amd64 && !arm64

package book

// roll takes a command and its events into the stream's hash.
func roll(h uint64, c *Command, events []Event) uint64 { return rollSoft(h, c, events) }
