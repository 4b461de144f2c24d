package fix

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"exchange/book"
)

// TestAcceptorStories plays testdata/acceptor: what the client sends, what is submitted, what is sent back. SOH is written |.
func TestAcceptorStories(t *testing.T) {
	datadriven.Walk(t, "testdata/acceptor", func(t *testing.T, path string) {
		var s *story
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "venue" {
				s = newStory(t, d)
				return ""
			}
			if s == nil {
				d.Fatalf(t, "a story begins with venue")
			}
			return s.play(t, d)
		})
	})
}

// story is one connection of a client at a venue; reconnect makes another one.
type story struct {
	now      int64
	floor    *floor
	venue    *venue
	acceptor *Acceptor
	held     []book.Command
	hold     bool
	chunk    int
	cfg      AcceptorConfig
	out      strings.Builder
	told     bool
}

var storyStart = time.Date(2024, 2, 29, 23, 59, 58, 123456789, time.UTC).UnixNano()

func newStory(t *testing.T, d *datadriven.TestData) *story {
	s := &story{now: storyStart, floor: newFloor(), venue: newVenue()}
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "reset-on-logon":
			s.floor.session.ResetOnLogon = true
		case "no-reset":
			s.floor.session.MayReset, s.venue.mayReset = false, false
		case "next-expected":
			s.floor.session.SendNextExpected = true
		case "micros":
			s.floor.session.Precision = Microseconds
		case "heartbeat":
			low, _ := strconv.Atoi(arg.Vals[0])
			high, _ := strconv.Atoi(arg.Vals[1])
			s.floor.session.MinHeartbeat, s.floor.session.MaxHeartbeat = uint16(low), uint16(high)
		case "password":
			want := arg.Vals[0]
			s.floor.session.Authenticate = func(user, password []byte) bool { return string(user) == "me" && string(password) == want }
		case "in", "out":
			n, err := strconv.ParseUint(arg.Vals[0], 10, 64)
			if err != nil {
				d.Fatalf(t, "%s: %v", arg.Key, err)
			}
			if arg.Key == "in" {
				s.venue.nextIn = n
			} else {
				s.venue.nextOut = n
			}
		case "max-frame":
			s.cfg.MaxFrame, _ = strconv.Atoi(arg.Vals[0])
		default:
			d.Fatalf(t, "unknown setting %q", arg.Key)
		}
	}
	s.acceptor = NewAcceptor(s.cfg, s.floor)
	return s
}

func (s *story) play(t *testing.T, d *datadriven.TestData) string {
	s.out.Reset()
	switch d.Cmd {
	case "recv":
		s.chunk = 0
		d.MaybeScanArgs(t, "chunk", &s.chunk)
		s.receive(s.frames(t, d))
	case "tick":
		for _, arg := range d.CmdArgs {
			step, err := time.ParseDuration(strings.TrimPrefix(arg.Key, "+"))
			if err != nil {
				d.Fatalf(t, "tick: %v", err)
			}
			s.now += int64(step)
			s.acceptor.Tick(s.now)
			s.settle()
		}
	case "logout":
		s.acceptor.Logout(s.now, d.Input)
	case "hangup":
		s.acceptor.Hangup(s.now)
	case "reconnect":
		s.settle()
		if s.acceptor.Over() {
			s.floor.claimed = false
		}
		s.acceptor, s.told = NewAcceptor(s.cfg, s.floor), false
	case "second":
		other := NewAcceptor(s.cfg, s.floor)
		other.Receive(s.now, s.frames(t, d))
		closed, reason := other.Closed()
		fmt.Fprintf(&s.out, "commands %d, bytes %d, closed %v: %s\n", len(other.Commands()), len(other.Bytes()), closed, reason)
	case "fill":
		var id string
		var lots, ticks int64
		d.ScanArgs(t, "id", &id)
		d.ScanArgs(t, "lots", &lots)
		d.ScanArgs(t, "ticks", &ticks)
		ev := s.venue.fill(id, lots, ticks, s.now)
		if s.acceptor.Active() {
			s.acceptor.Deliver(s.now, &ev)
		}
	case "forget":
		s.venue.store = nil
	case "drop":
		s.acceptor.Deliver(s.now, &book.Event{Kind: book.CommandDropped, Epoch: s.venue.epoch})
	case "skip":
		s.acceptor.Deliver(s.now, &book.Event{Kind: book.SessionMessageSent, Code: '0', OutSeq: s.venue.nextOut + 1})
	case "hold":
		s.hold = true
	case "release":
		s.hold = false
	default:
		d.Fatalf(t, "unknown command %q", d.Cmd)
	}
	s.settle()
	return s.out.String()
}

func (s *story) receive(b []byte) {
	for len(b) > 0 {
		n := len(b)
		if s.chunk > 0 {
			n = min(n, s.chunk)
		}
		if taken := s.acceptor.Receive(s.now, b[:n]); taken != n {
			panic("the buffer is full")
		}
		b = b[n:]
		s.settle()
	}
}

// settle does what the server does after each call, until nothing more happens.
func (s *story) settle() {
	for again := true; again; {
		again = false
		s.drain()
		s.held = append(s.held, s.acceptor.Commands()...)
		for !s.hold && len(s.held) > 0 {
			c := s.held[0]
			s.held = s.held[1:]
			again = true
			fmt.Fprintln(&s.out, "  "+describeCommand(&c))
			for _, ev := range s.venue.apply(&c, s.now) {
				s.drain()
				s.acceptor.Deliver(s.now, &ev)
				s.drain()
			}
			s.held = append(s.held, s.acceptor.Commands()...)
		}
	}
	if closed, reason := s.acceptor.Closed(); closed && !s.told {
		s.told = true
		fmt.Fprintf(&s.out, "closed: %s\n", reason)
	}
}

// drain serves a resend and prints what was sent.
func (s *story) drain() {
	if from, to, ok := s.acceptor.ResendRequest(); ok {
		fmt.Fprintf(&s.out, "  resend %d-%d\n", from, to)
		for i := range s.venue.store {
			if ev := &s.venue.store[i]; ev.OutSeq >= from && ev.OutSeq <= to {
				s.acceptor.Resend(s.now, ev)
			}
		}
		s.acceptor.ResendDone(s.now)
	}
	sent := s.acceptor.Bytes()
	fmt.Fprint(&s.out, splitSent(sent))
	s.acceptor.Sent(len(sent))
}

// splitSent writes each message on a line of its own.
func splitSent(b []byte) string {
	text := strings.ReplaceAll(string(b), "\x01", "|")
	return strings.ReplaceAll(text, "8=FIX", "\n8=FIX")[min(1, len(text)):] + strings.Repeat("\n", min(1, len(text)))
}

// frames reads a block of messages. A line "TYPE SEQ field|field" gets the header and trailer that a good client writes; fields with a tag of the
// header replace that field (an empty value leaves it empty, "-" leaves it out). "raw TEXT" is taken as it is, with 9=? and 10=? worked out.
func (s *story) frames(t *testing.T, d *datadriven.TestData) []byte {
	var out []byte
	for _, line := range strings.Split(strings.TrimSpace(d.Input), "\n") {
		line = s.times(line)
		if raw, ok := strings.CutPrefix(line, "raw "); ok {
			out = append(out, seal(raw)...)
			continue
		}
		parts := strings.SplitN(line, " ", 3)
		if len(parts) < 2 {
			d.Fatalf(t, "not a message: %q", line)
		}
		begin := "FIX.4.4"
		header := []string{"34=" + parts[1], "49=TW", "52=" + s.stamp(0), "56=ISLD"}
		var body []string
		if len(parts) == 3 {
		fields:
			for _, f := range strings.Split(parts[2], "|") {
				tag, value, _ := strings.Cut(f, "=")
				if tag == "8" {
					begin = value
					continue
				}
				for i := range header {
					if strings.HasPrefix(header[i], tag+"=") {
						header[i] = f
						if value == "-" {
							header = append(header[:i], header[i+1:]...)
						}
						continue fields
					}
				}
				body = append(body, f)
			}
		}
		all := append(append([]string{"8=" + begin, "9=?", "35=" + parts[0]}, header...), body...)
		out = append(out, seal(strings.Join(all, "|")+"|10=?|")...)
	}
	return out
}

// times replaces <now>, <now+N> and <now-N> (seconds).
func (s *story) times(line string) string {
	for {
		i := strings.Index(line, "<now")
		if i < 0 {
			return line
		}
		end := i + strings.Index(line[i:], ">")
		shift, _ := strconv.Atoi(line[i+4 : end])
		line = line[:i] + s.stamp(shift) + line[end+1:]
	}
}

func (s *story) stamp(shift int) string {
	return string(appendTimestamp(nil, s.now+int64(shift)*nanosPerSecond, Milliseconds))
}

// seal turns | into SOH and works out 9=? and 10=?.
func seal(text string) []byte {
	text = strings.ReplaceAll(text, "|", "\x01")
	if i := strings.LastIndex(text, "\x0110="); i >= 0 {
		if j := strings.Index(text, "9=?\x01"); j >= 0 {
			text = text[:j] + "9=" + strconv.Itoa(i-j-3) + text[j+3:]
		}
	}
	if i := strings.Index(text, "\x0110=?"); i >= 0 {
		text = fmt.Sprintf("%s%03d%s", text[:i+4], checkSum([]byte(text[:i+1])), text[i+5:])
	}
	return []byte(text)
}

// describeCommand writes a command in one line, what is zero left out.
func describeCommand(command *book.Command) string {
	copied := *command
	c := &copied
	kinds := map[book.CommandKind]string{book.Enter: "Enter", book.Cancel: "Cancel", book.Replace: "Replace", book.Logon: "Logon",
		book.SessionMessage: "SessionMessage", book.Disconnect: "Disconnect"}
	var b strings.Builder
	b.WriteString(kinds[c.Kind])
	put := func(name string, set bool, value any) {
		if set {
			fmt.Fprintf(&b, " %s=%v", name, value)
		}
	}
	put("code", c.Code != 0, string(rune(c.Code)))
	put("in", true, c.InSeq)
	put("epoch", true, c.Epoch)
	put("next", c.NextIn != 0, c.NextIn)
	put("seconds", c.Seconds != 0, c.Seconds)
	put("reset", c.Flags&book.ResetNumbers != 0, "Y")
	put("dup", c.Flags&book.PossDup != 0, "Y")
	order := c.Kind == book.Enter || c.Kind == book.Cancel || c.Kind == book.Replace
	if order {
		put("reason", c.Reason != 0, c.Reason)
		put("instrument", true, c.Instrument)
		put("side", true, []string{"buy", "sell"}[c.Side])
		put("type", c.Type != 0, []string{"limit", "market", "stop", "stop-limit", "trailing", "trailing-limit", "market-to-limit", "budget"}[c.Type])
		put("stop", c.StopPrice != 0, c.StopPrice)
		put("trail", c.Trail != 0, c.Trail)
		put("conditions", c.Conditions != 0, c.Conditions)
		put("min", c.MinQty != 0, c.MinQty)
		put("display", c.Display != 0, c.Display)
		put("tif", c.TIF != 0, c.TIF)
		put("price", c.Price != 0, c.Price)
		put("qty", c.Qty != 0, c.Qty)
		put("id", true, string(trimNULs(c.ClientID[:])))
		put("orig", c.OrigID[0] != 0, string(trimNULs(c.OrigID[:])))
		return b.String()
	}
	put("reason", c.Reason != 0, uint8(c.Reason))
	put("tag", c.RefTag != 0, c.RefTag)
	text := strings.ReplaceAll(string(takeText(c)), "\x01", "|")
	put("text", text != "", strconv.Quote(text))
	return b.String()
}

// TestResendIsNotMixed: what is live may come before a range has been taken, not while it is being sent.
func TestResendIsNotMixed(t *testing.T) {
	a, _ := loggedOn(t)
	live := func(seq uint64) *book.Event {
		return &book.Event{Kind: book.SessionMessageSent, Code: '0', OutSeq: seq}
	}
	a.Receive(storyStart, clientFrame("2", "2", "7=1\x0116=0"))
	a.Deliver(storyStart, live(2))
	from, to, ok := a.ResendRequest()
	if from != 1 || to != 1 || !ok {
		t.Fatalf("range %d-%d %v, want 1-1", from, to, ok)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a live event between resent ones is taken")
			}
		}()
		a.Deliver(storyStart, live(3))
	}()
	a.ResendDone(storyStart)
	if _, _, again := a.ResendRequest(); again {
		t.Error("the range is given again")
	}
	a.Deliver(storyStart, live(3))
	var m Message
	f := newFramer(MaxFrame, framerBuffer)
	f.write(a.Bytes())
	for _, want := range []string{"2 0", "1 4", "3 0"} {
		frame, status := f.next()
		if status != frameReady || m.parse(frame) != notGarbled {
			t.Fatalf("no message where %q should be", want)
		}
		if got := string(m.get(tagMsgSeqNum)) + " " + string(m.msgType()); got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
}
