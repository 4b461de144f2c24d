//go:build !amd64

package book

// plain does what a plain command asks for and writes the event that follows. If the command is not such a one, nothing has changed.
func (m *Market) plain(c *Command, e *Event) bool { return m.plainEither(c, e) }
