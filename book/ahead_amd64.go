//go:build !purego

package book

import "unsafe"

// lookAheadAVX is lookAheadSteps, but for step 1 of ids that are longer than two words, or not of the family that is known: of that more is to be done.
//
//go:noescape
func lookAheadAVX(m *Market, commands *Command, n, at uint) (more bool)

const _ = -(unsafe.Sizeof(ahead{}) ^ 32)

// lookAheadAt takes the steps that fall due when a command takes the first one.
func (m *Market) lookAheadAt(commands []Command, at uint) {
	if !hasAVX {
		m.lookAheadSteps(commands, at)
	} else if lookAheadAVX(m, unsafe.SliceData(commands), uint(len(commands)), at) {
		m.foreseeIDs(&commands[at], &m.ahead[at%aheadRing])
	}
}
