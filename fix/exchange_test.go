package fix

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"exchange/book"
)

// TestExchangeStories plays testdata/exchange: sessions A and B of HOUSE and the drop-copy session C at a real market. Lines are "A D 11=o1|55=ABC|…": session,
// MsgType, body; number, header and trailer are added. What each session is sent comes back without 8, 9, 49, 52, 56 and 10, and has to be
// right by the tables of its version.
//
//	open [a=FIX.4.2] [b=…] [c=…] [rate=N] [burst=N] [refused=N]   versions; FIX.4.4 where none is named
//	send                                                         messages
//	tick DURATION                                                time passes
//	number SESSION N                                             the session's client goes on with that number
//	halt SYMBOL | resume SYMBOL
//	resend SESSION FROM TO                                       the session asks for that range again
//
// Together the stories use every message of docs/fix.md in every version that has it, and nothing is sent that the page does not tell of.
func TestExchangeStories(t *testing.T) {
	said := usage{}
	played := 0
	datadriven.Walk(t, "testdata/exchange", func(t *testing.T, path string) {
		var tr *trading
		played++
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "open" {
				tr = openTrading(t, d)
				tr.said = said
				return ""
			}
			return tr.play(t, d)
		})
	})
	if files, err := os.ReadDir("testdata/exchange"); err != nil || played < len(files) {
		return // some were asked for by name
	}
	said.check(t)
}

// trading is clients at a market, each told at once what concerns it.
type trading struct {
	t       *testing.T
	hall    *hall
	now     int64
	clients []*tradingClient
	out     strings.Builder
	said    usage // if not nil, what goes over the connections is noted here
}

type tradingClient struct {
	name     string
	floor    *floor
	acceptor *Acceptor
	seq      uint64
	cursor   int
	over     bool
}

func openTrading(t *testing.T, d *datadriven.TestData) *trading {
	return startTrading(t, func(name string, s *SessionConfig) {
		for _, arg := range d.CmdArgs {
			n := 0
			switch arg.Key {
			case "a", "b", "c":
				if strings.ToUpper(arg.Key) == name {
					v, ok := VersionNamed(arg.Vals[0])
					if !ok {
						d.Fatalf(t, "version %s", arg.Vals[0])
					}
					s.Version = v
				}
			case "rate":
				d.ScanArgs(t, "rate", &n)
				s.MessagesPerSecond = n
			case "burst":
				d.ScanArgs(t, "burst", &n)
				s.MessageBurst = n
			case "refused":
				d.ScanArgs(t, "refused", &n)
				s.MaxRefused = n
			default:
				d.Fatalf(t, "setting %s", arg.Key)
			}
		}
	})
}

// startTrading opens a market and logs the three sessions on, each with the settings that it is given.
func startTrading(t *testing.T, set func(name string, s *SessionConfig)) *trading {
	h, configs := newHall(t, 2)
	drop := book.Command{Kind: book.AddSession, Protocol: book.FIX, Flags: book.DropCopy}
	copy(drop.ClientID[:], "T3>ISLD")
	copy(drop.OrigID[:], "HOUSE")
	h.apply(&drop, storyStart)
	configs = append(configs, SessionConfig{Number: 3, Sender: "T3", Target: "ISLD", DropCopy: true})
	tr := &trading{t: t, hall: h, now: storyStart}
	for i, cfg := range configs {
		c := &tradingClient{name: string(rune('A' + i)), floor: &floor{session: cfg}, seq: 1}
		set(c.name, &c.floor.session)
		c.acceptor = NewAcceptor(AcceptorConfig{Market: h}, c.floor)
		tr.clients = append(tr.clients, c)
		logon := "98=0|108=30"
		if v := c.floor.session.Version; v != nil && v.ApplVerID != "" {
			logon += "|1137=" + v.ApplVerID
		}
		tr.send(c, "A", logon)
	}
	tr.out.Reset()
	return tr
}

func (tr *trading) play(t *testing.T, d *datadriven.TestData) string {
	tr.t = t
	tr.out.Reset()
	switch d.Cmd {
	case "send":
		for _, line := range strings.Split(d.Input, "\n") {
			words := strings.SplitN(line, " ", 3)
			if len(words) < 3 {
				d.Fatalf(t, "session, MsgType and body are needed: %q", line)
			}
			tr.send(tr.client(words[0]), words[1], words[2])
		}
	case "tick":
		step, err := time.ParseDuration(d.CmdArgs[0].Key)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		tr.now += int64(step)
		for _, c := range tr.clients {
			c.acceptor.Tick(tr.now)
		}
		tr.settle()
	case "number":
		fmt.Sscan(d.CmdArgs[1].Key, &tr.client(d.CmdArgs[0].Key).seq)
	case "halt", "resume":
		for _, i := range listed {
			if i.Symbol == d.CmdArgs[0].Key {
				tr.hall.apply(&book.Command{Kind: book.TradingAction, Instrument: i.Number, Code: map[string]byte{"halt": 'H', "resume": 'T'}[d.Cmd]}, tr.now)
			}
		}
		tr.settle()
	case "resend":
		tr.send(tr.client(d.CmdArgs[0].Key), "2", fmt.Sprintf("7=%s|16=%s", d.CmdArgs[1].Key, d.CmdArgs[2].Key))
	default:
		d.Fatalf(t, "unknown command %s", d.Cmd)
	}
	return tr.out.String()
}

func (tr *trading) client(name string) *tradingClient {
	for _, c := range tr.clients {
		if c.name == name {
			return c
		}
	}
	tr.t.Fatalf("no session %s", name)
	return nil
}

// send lets a client send a message under its next number.
func (tr *trading) send(c *tradingClient, msgType, body string) {
	begin := "FIX.4.4"
	if v := c.floor.session.Version; v != nil {
		begin = v.BeginString
	}
	now := string(appendTimestamp(nil, tr.now, Milliseconds))
	body = strings.ReplaceAll(body, "<now>", now)
	frame := seal(fmt.Sprintf("8=%s|9=?|35=%s|34=%d|49=%s|52=%s|56=ISLD|%s|10=?|", begin, msgType, c.seq, c.floor.session.Sender, now, body))
	c.seq++
	tr.note(c, frame, "in")
	if c.acceptor.Receive(tr.now, frame) != len(frame) {
		tr.t.Fatal("the buffer is full")
	}
	tr.settle()
}

// settle applies and delivers until nothing more happens.
func (tr *trading) settle() {
	for again := true; again; {
		again = false
		for _, c := range tr.clients {
			for _, cmd := range append([]book.Command(nil), c.acceptor.Commands()...) {
				again = true
				tr.hall.apply(&cmd, tr.now)
			}
			number := c.floor.session.Number
			for ; c.cursor < len(tr.hall.streams[number]); c.cursor++ {
				again = true
				tr.drain(c)
				c.acceptor.Deliver(tr.now, &tr.hall.streams[number][c.cursor])
			}
			tr.drain(c)
		}
	}
}

// drain serves a resend, and writes and checks what is sent.
func (tr *trading) drain(c *tradingClient) {
	if from, to, ok := c.acceptor.ResendRequest(); ok {
		for i := range tr.hall.stores[c.floor.session.Number] {
			if ev := &tr.hall.stores[c.floor.session.Number][i]; ev.OutSeq >= from && ev.OutSeq <= to {
				c.acceptor.Resend(tr.now, ev)
			}
		}
		c.acceptor.ResendDone(tr.now)
	}
	f := newFramer(MaxFrame, framerBuffer)
	f.write(c.acceptor.Bytes())
	c.acceptor.Sent(len(c.acceptor.Bytes()))
	for {
		frame, status := f.next()
		if status != frameReady {
			break
		}
		tr.check(c, frame)
	}
	if closed, why := c.acceptor.Closed(); closed && !c.over {
		c.over = true
		fmt.Fprintf(&tr.out, "%s closed: %s\n", c.name, why)
	}
}

func (tr *trading) check(c *tradingClient, frame []byte) {
	var m Message
	if why := m.parse(frame); why != notGarbled {
		tr.t.Fatalf("%s: %s", why, Readable(frame))
	}
	v := c.acceptor.session.Version
	if f := v.validate(&m); f.found {
		tr.t.Errorf("%s, tag %d, in %s: %s", sessionRejectText(f.reason), f.tag, v.Name, Readable(frame))
	}
	tr.note(c, frame, "out")
	fmt.Fprintf(&tr.out, "%s:", c.name)
	for _, field := range strings.Split(strings.TrimSuffix(string(frame), "\x01"), "\x01") {
		switch tag, _, _ := strings.Cut(field, "="); tag {
		case "8", "9", "10", "49", "52", "56", "60", "122":
		default:
			tr.out.WriteString(" " + field)
		}
	}
	tr.out.WriteString("\n")
}

// message is a message as the stories write it: session, colon, fields with blanks between them.
type message string

// first is the first message that the session got since out was emptied.
func (tr *trading) first(session string) message {
	for _, line := range strings.Split(tr.out.String(), "\n") {
		if strings.HasPrefix(line, session+":") {
			return message(line + " ")
		}
	}
	tr.t.Fatalf("%s got nothing: %s", session, tr.out.String())
	return ""
}

// has holds the message to fields; a value may have blanks, a word without = goes on with the one before.
func (m message) has(t *testing.T, fields string) {
	t.Helper()
	var want []string
	for _, word := range strings.Fields(fields) {
		if strings.Contains(word, "=") || len(want) == 0 {
			want = append(want, word)
		} else {
			want[len(want)-1] += " " + word
		}
	}
	for _, f := range want {
		if !strings.Contains(string(m), " "+f+" ") {
			t.Errorf("%s is not in %s", f, m)
		}
	}
}

// replaceWord puts a field for another.
func replaceWord(fields, old, new string) string {
	return strings.TrimSpace(strings.ReplaceAll(fields+" ", old+" ", new+" "))
}

// Depth, Last and State let the hall be a MarketView.
func (h *hall) Depth(instrument uint16, side book.Side, n int, dst []book.PriceLevel) []book.PriceLevel {
	return h.market.Depth(instrument, side, n, dst)
}

func (h *hall) Last(instrument uint16) (price, qty int64) {
	s := h.market.Statistics(instrument)
	return s.Last, s.LastQty
}

func (h *hall) State(instrument uint16) (state, phase byte) {
	return h.market.Instrument(instrument).State, h.market.Phase()
}
