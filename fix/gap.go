package fix

// Bounds of what is kept of messages that came too early. What does not fit is forgotten: the other side sends it again, or its number is found
// missing once the gap before it is closed.
const (
	maxGapMessages = 1024
	maxGapBytes    = 1 << 20
)

// gap is a hole in the inbound numbers and what has come above it.
type gap struct {
	// open tells that a ResendRequest is out; until is the last number of the hole. Invariant: open implies expected <= until.
	open  bool
	until uint64
	// frames holds copies by number, bytes their length together.
	frames map[uint64]keptFrame
	bytes  int
}

// keptFrame is a message above the hole. refused tells that it was one too many when it came: the rate is that of its coming, not that at which the filled
// hole lets all of them through.
type keptFrame struct {
	frame   []byte
	refused bool
}

// ask opens a hole of which until is the last number, and tells whether a ResendRequest must be sent: one for each hole.
func (g *gap) ask(until uint64) bool {
	if g.open {
		return false
	}
	g.open, g.until = true, until
	return true
}

// keep stores a copy of a frame above the hole.
func (g *gap) keep(seq uint64, frame []byte, refused bool) {
	if len(g.frames) >= maxGapMessages || g.bytes+len(frame) > maxGapBytes {
		return
	}
	if _, twice := g.frames[seq]; twice {
		return
	}
	if g.frames == nil {
		g.frames = make(map[uint64]keptFrame)
	}
	g.frames[seq] = keptFrame{append([]byte(nil), frame...), refused}
	g.bytes += len(frame)
}

// take removes and gives the frame kept under the expected number, if there is one, and closes the hole when expected has passed it.
func (g *gap) take(expected uint64) (kept keptFrame, ok bool) {
	if g.open && expected > g.until {
		g.open = false
	}
	kept, ok = g.frames[expected]
	if ok {
		delete(g.frames, expected)
		g.bytes -= len(kept.frame)
	}
	return kept, ok
}

// passed forgets what lies below expected, after a reset or gap fill that jumped.
func (g *gap) passed(expected uint64) {
	for seq, kept := range g.frames {
		if seq < expected {
			delete(g.frames, seq)
			g.bytes -= len(kept.frame)
		}
	}
}

// clear forgets everything.
func (g *gap) clear() { *g = gap{} }
