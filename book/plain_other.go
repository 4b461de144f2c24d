//go:build !amd64 || purego

package book

const hasStep = false

func stepAVX(*Market, *Command, *Event, int) int { panic("book: no such processor") }

// lookAheadAt takes the steps that fall due when a command takes the first one.
func (m *Market) lookAheadAt(commands []Command, at uint) { m.lookAheadSteps(commands, at) }

// plain does what a plain command asks for and writes the event that follows to room, if the command is such a one.
func (m *Market) plain(c *Command, room []Event) int { return m.inWords(c, &room[0]) }

func (m *Market) finishPlain(*Command, *Event, int) bool { return false }

func (m *Market) finishCrossed(*Command, []Event, int) []Event { return nil }
