//go:build !amd64

package book

// step begins a command of ApplyAll and brings the stream's hash up to date; then it does as plain.
func (m *Market) step(c *Command, e *Event) bool {
	m.begin(c)
	m.catchUp()
	return m.counters.index <= m.until && m.plainEither(c, e)
}

// plain does what a plain command asks for and writes the event that follows. If the command is not such a one, nothing has changed.
func (m *Market) plain(c *Command, e *Event) bool { return m.plainEither(c, e) }
