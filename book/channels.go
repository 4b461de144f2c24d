package book

// A session of OUCH may divide its requests into channels: UserRefIdx, 0 if a client names none. Each channel has a line of numbers of its own, and an order's
// id says which it is of. Channel 0's line is Session.NextIn, so a session that uses no other is what it always was. Those of the others are made 255 at a time,
// when the session first uses one, and stay: at most Limits.Channels sessions have them. What a request says of a channel that there is no room for is
// Rejected, and consumes nothing.

// maxChannels is how many channels a session has: the index is a byte.
const maxChannels = 256

// ChannelAt is where an id that is a number has the channel's index: right behind the number, where those of channel 0 have a zero as they always had.
const ChannelAt = 5

// line is a channel's state: the lowest number that may be used, and whether orders are refused (the session's EntryDisabled holds for all).
type line struct {
	next     uint64
	disabled bool
}

// fresh is a line as it is made. Those that still are need not be told of in a snapshot.
var fresh = line{next: 1}

// channels are the lines of all sessions besides those of channel 0.
type channels struct {
	of    []uint16            // by session: whose place in lines, 0: it has none
	lines [][maxChannels]line // places are taken in the order of first use and never given back; 0 is none's, and [n][0] is not used
}

func newChannels(sessions, limit int) channels {
	return channels{of: make([]uint16, sessions+1), lines: make([][maxChannels]line, 1, limit+1)}
}

// find gives a line, nil if the session has used no channel but 0 so far.
func (t *channels) find(session uint16, index uint8) *line {
	if at := t.of[session]; at != 0 {
		return &t.lines[at][index]
	}
	return nil
}

// make lets a session have lines, if it has none and there is room.
func (t *channels) make(session uint16) (ok bool) {
	switch {
	case t.of[session] != 0:
		return true
	case len(t.lines) == cap(t.lines):
		return false
	}
	at := len(t.lines)
	t.lines = t.lines[:at+1]
	for i := range t.lines[at] {
		t.lines[at][i] = fresh
	}
	t.of[session] = uint16(at)
	return true
}

// newDay lets all lines begin at 1 again. Who was refused orders still is.
func (t *channels) newDay() {
	for at := range t.lines {
		for i := range t.lines[at] {
			t.lines[at][i].next = fresh.next
		}
	}
}

// ChannelID is the client id of a number of a channel, with nothing behind it.
func ChannelID(channel uint8, number uint32) ClientID {
	id := NumberID(number)
	id[ChannelAt] = channel
	return id
}

// Channel is the channel of an id that is a number, 0 of any other.
func (id *ClientID) Channel() uint8 {
	if id[0] != NumberedID {
		return 0
	}
	return id[ChannelAt]
}

// NextNumber is the lowest number that a session of OUCH may use in a channel.
func (m *Market) NextNumber(session uint16, channel uint8) uint64 {
	if channel == 0 {
		return m.sessions[session].NextIn
	}
	if l := m.channels.find(session, channel); l != nil {
		return l.next
	}
	return fresh.next
}

// next is where the number that the command's session is to use next is kept: of an OUCH request, in its channel.
func (m *Market) next(s *Session) *uint64 {
	c := m.cmd
	if c.Protocol == OUCH && s.Protocol == OUCH {
		if channel := c.ClientID.Channel(); channel != 0 {
			if l := m.channels.find(c.Session, channel); l != nil {
				return &l.next
			}
		}
	}
	return &s.NextIn
}

// entryDisabled tells whether the command's session may enter no orders, or none in the command's channel.
func (m *Market) entryDisabled(s *Session) bool {
	if s.Flags&EntryDisabled != 0 {
		return true
	}
	channel := m.cmd.ClientID.Channel()
	l := m.channels.find(m.cmd.Session, channel)
	return channel != 0 && l != nil && l.disabled
}

// disableEntry refuses the orders of the command's channel from now on, or takes them again; channel 0 stands for the whole session.
func (m *Market) disableEntry(s *Session, disabled bool) {
	if channel := m.cmd.ClientID.Channel(); channel != 0 {
		m.channels.find(m.cmd.Session, channel).disabled = disabled
		return
	}
	s.Flags &^= EntryDisabled
	if disabled {
		s.Flags |= EntryDisabled
	}
}

// words are what a hash or a snapshot has of a session's lines: of each that is not fresh its index, whether it is disabled, and the next number.
func (t *channels) words(session uint16, each func(index uint8, l *line)) {
	if t.of[session] == 0 {
		return
	}
	for i := range t.lines[t.of[session]] {
		if l := &t.lines[t.of[session]][i]; *l != fresh {
			each(uint8(i), l)
		}
	}
}
