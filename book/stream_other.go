//go:build !amd64 && !arm64

package book

// roll takes a command and its events into the stream's hash.
func roll(h *uint64, b *behind) { rollSoft(h, b) }
