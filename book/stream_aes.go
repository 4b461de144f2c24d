//go:build amd64 || arm64

package book

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// The code in stream_amd64.s and stream_arm64.s reads commands and events by these sizes.
const (
	_ = -(unsafe.Sizeof(Command{}) ^ 8*commandWords)
	_ = -(unsafe.Sizeof(Event{}) ^ 8*eventWords)
)

var hasAES = cpu.X86.HasAES && cpu.X86.HasAVX || cpu.ARM64.HasAES

// roll takes a command and its events into the stream's hash.
func roll(h *uint64, b *behind) {
	if !hasAES {
		rollSoft(h, b)
		return
	}
	rollAES(h, b)
}

//go:noescape
func rollAES(h *uint64, b *behind)
