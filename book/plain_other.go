//go:build !amd64

package book

// lookAheadAt takes the steps that fall due when a command takes the first one.
func (m *Market) lookAheadAt(commands []Command, at uint) { m.lookAheadSteps(commands, at) }

// step begins a command of ApplyAll and brings the stream's hash up to date; then it does as plain.
func (m *Market) step(c *Command, e *Event) bool {
	m.begin(c)
	m.catchUp()
	return m.counters.index <= m.until && m.plainEither(c, e)
}

// plain does what a plain command asks for and writes the event that follows. If the command is not such a one, nothing has changed.
func (m *Market) plain(c *Command, e *Event) bool { return m.plainEither(c, e) }
