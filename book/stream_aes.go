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
func roll(h uint64, c *Command, events []Event) uint64 {
	if !hasAES {
		return rollSoft(h, c, events)
	}
	return rollAES(h, c, unsafe.SliceData(events), len(events), &lanes)
}

//go:noescape
func rollAES(h uint64, c *Command, events *Event, n int, lanes *[4]block) uint64
