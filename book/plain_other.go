//go:build !amd64 || purego

package book

const hasStep = false

func stepAVX(*Market, *Command, *Event) int { panic("book: no such processor") }

// lookAheadAt takes the steps that fall due when a command takes the first one.
func (m *Market) lookAheadAt(commands []Command, at uint) { m.lookAheadSteps(commands, at) }

// plain does what a plain command asks for and writes the event that follows. If the command is not such a one, nothing has changed.
func (m *Market) plain(c *Command, e *Event) bool { return m.plainEither(c, e) }

func (m *Market) finishPlain(*Command, *Event, int) bool { return false }
