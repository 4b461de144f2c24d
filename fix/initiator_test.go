package fix

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"exchange/book"
)

// TestInitiatorStories plays testdata/initiator: what the venue sends, what the client takes and answers.
func TestInitiatorStories(t *testing.T) {
	datadriven.Walk(t, "testdata/initiator", func(t *testing.T, path string) {
		var s *clientStory
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "client" {
				s = newClientStory(t, d)
				return ""
			}
			if s == nil {
				d.Fatalf(t, "a story begins with client")
			}
			return s.play(t, d)
		})
	})
}

type clientStory struct {
	now    int64
	client *Initiator
	told   bool
	venue  story // for the clock of its frames
}

func newClientStory(t *testing.T, d *datadriven.TestData) *clientStory {
	cfg := InitiatorConfig{Sender: "TW", Target: "ISLD"}
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "reset-on-logon":
			cfg.ResetOnLogon = true
		case "next-expected":
			cfg.SendNextExpected = true
		case "adopt":
			cfg.AdoptNumbers = true
		case "no-heartbeats":
			cfg.NoHeartbeats = true
		case "password":
			cfg.Username, cfg.Password = "me", arg.Vals[0]
		case "keep":
			fmt.Sscan(arg.Vals[0], &cfg.SentMessages)
		case "heartbeat":
			fmt.Sscan(arg.Vals[0], &cfg.HeartBtInt)
		default:
			d.Fatalf(t, "unknown setting %q", arg.Key)
		}
	}
	return &clientStory{now: storyStart, client: NewInitiator(cfg)}
}

func (s *clientStory) play(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "connect":
		s.told = false
		s.client.Connect(s.now)
	case "recv":
		s.venue.now = s.now
		frames := s.venue.frames(t, d)
		// The stories' frames are the client's own; here they come from the venue.
		text := strings.NewReplacer("\x0149=TW", "\x0149=ISLD", "\x0156=ISLD", "\x0156=TW").Replace(string(frames))
		for _, frame := range strings.SplitAfter(strings.ReplaceAll(text, "8=FIX", "\n8=FIX"), "\n") {
			frame = strings.TrimSuffix(frame, "\n")
			if i := strings.LastIndex(frame, "\x0110="); i >= 0 {
				frame = fmt.Sprintf("%s10=%03d\x01", frame[:i+1], checkSum([]byte(frame[:i+1])))
			}
			s.client.Receive(s.now, []byte(frame))
		}
	case "order":
		var id string
		d.ScanArgs(t, "id", &id)
		s.client.NewOrderSingle(s.now, &Order{ClOrdID: []byte(id), Symbol: []byte("ABC"), Side: book.Sell, Type: book.Limit, Price: 100_500, Qty: 7})
	case "replace", "cancel":
		var id, orig string
		d.ScanArgs(t, "id", &id)
		d.ScanArgs(t, "orig", &orig)
		o := &Order{ClOrdID: []byte(id), OrigClOrdID: []byte(orig), Symbol: []byte("ABC"), Side: book.Sell, Type: book.Limit, Price: 100_600, Qty: 9}
		if d.Cmd == "replace" {
			s.client.OrderCancelReplaceRequest(s.now, o)
		} else {
			s.client.OrderCancelRequest(s.now, o)
		}
	case "tick":
		for _, arg := range d.CmdArgs {
			step, err := time.ParseDuration(strings.TrimPrefix(arg.Key, "+"))
			if err != nil {
				d.Fatalf(t, "tick: %v", err)
			}
			s.now += int64(step)
			s.client.Tick(s.now)
		}
	case "logout":
		s.client.Logout(s.now)
	case "hangup":
		s.client.Hangup(s.now)
	case "numbers":
		in, out := s.client.Numbers()
		return fmt.Sprintf("in %d out %d\n", in, out)
	default:
		d.Fatalf(t, "unknown command %q", d.Cmd)
	}
	var b strings.Builder
	for _, r := range s.client.Received() {
		b.WriteString("  " + describeReceived(&r) + "\n")
	}
	b.WriteString(splitSent(s.client.Bytes()))
	s.client.Sent(len(s.client.Bytes()))
	if closed, why := s.client.Closed(); closed && !s.told && d.Cmd != "order" {
		s.told = true
		fmt.Fprintf(&b, "closed: %s\n", why)
	}
	return b.String()
}

// describeReceived writes what is not zero.
func describeReceived(r *Received) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", r.Seq, trimNULs(r.MsgType[:]))
	put := func(name string, set bool, value any) {
		if set {
			fmt.Fprintf(&b, " %s=%v", name, value)
		}
	}
	put("dup", r.PossDup, "Y")
	put("again", r.Duplicate, "Y")
	put("new", r.NewSeqNo != 0, r.NewSeqNo)
	put("id", r.ClOrdID[0] != 0, string(trimNULs(r.ClOrdID[:])))
	put("orig", r.OrigClOrdID[0] != 0, string(trimNULs(r.OrigClOrdID[:])))
	put("exec", r.ExecIDLen != 0, string(r.ExecID[:r.ExecIDLen]))
	put("order", r.OrderID != 0, r.OrderID)
	put("match", r.Match != 0, r.Match)
	put("type", r.ExecType != 0, string(rune(r.ExecType)))
	put("status", r.OrdStatus != 0, string(rune(r.OrdStatus)))
	put("symbol", r.Symbol[0] != 0, string(trimNULs(r.Symbol[:])))
	put("qty", r.OrderQty != 0, r.OrderQty)
	put("price", r.Price != 0, FormatPrice(r.Price))
	put("last", r.LastQty != 0, fmt.Sprintf("%d@%s", r.LastQty, FormatPrice(r.LastPx)))
	put("average", r.AvgPx != 0, FormatPrice(r.AvgPx))
	put("cum", r.CumQty != 0, r.CumQty)
	put("leaves", r.LeavesQty != 0, r.LeavesQty)
	put("ref", r.RefSeqNum != 0, r.RefSeqNum)
	put("reftag", r.RefTagID != 0, r.RefTagID)
	put("reason", r.Reason >= 0, r.Reason)
	put("text", r.Text != "", r.Text)
	return b.String()
}

func TestSentStore(t *testing.T) {
	s := newSentStore(8, 100)
	kept := map[uint64]string{}
	for seq := uint64(1); seq < 2000; seq++ {
		body := strings.Repeat(string(rune('a'+seq%26)), int(seq*7919%41))
		s.add(seq, int64(seq), "D", []byte(body))
		kept[seq] = body
		total := 0
		for k := 0; k < s.count; k++ {
			r := s.at(k)
			if got := string(s.body(r)); got != kept[r.seq] || r.time != int64(r.seq) {
				t.Fatalf("after %d: message %d is %q, want %q", seq, r.seq, got, kept[r.seq])
			}
			total += int(r.size)
		}
		if s.count == 0 || s.at(s.count-1).seq != seq {
			t.Fatalf("after %d: the latest is not kept", seq)
		}
		if s.count < 8 && total < 100-41-41 && seq > 8 {
			t.Fatalf("after %d: only %d messages, %d bytes are kept", seq, s.count, total)
		}
		oldest := s.at(0).seq
		if s.from(0) != 0 || s.from(oldest+1) != 1 || s.from(seq+1) != s.count {
			t.Fatalf("after %d: from", seq)
		}
	}
	s.add(5000, 1, "D", make([]byte, 101))
	if s.at(s.count-1).seq == 5000 {
		t.Error("a body longer than the store is kept")
	}
}

func TestInitiatorStateRoundTrip(t *testing.T) {
	cfg := InitiatorConfig{Sender: "TW", Target: "ISLD", SentMessages: 4, SentBytes: 4096}
	client := NewInitiator(cfg)
	for n := 0; n < 6; n++ {
		client.NewOrderSingle(storyStart, &Order{ClOrdID: fmt.Appendf(nil, "o%d", n), Symbol: []byte("ABC"), Type: book.Limit, Price: 10000, Qty: 1})
	}
	client.nextIn = 42
	saved := client.AppendState([]byte("before"))[6:]
	again := NewInitiator(cfg)
	if err := again.RestoreState(saved); err != nil {
		t.Fatal(err)
	}
	if in, out := again.Numbers(); in != 42 || out != 7 {
		t.Fatalf("numbers %d, %d", in, out)
	}
	if got := again.AppendState(nil); string(got) != string(saved) {
		t.Fatal("saved again, the state differs")
	}
	resent := func(i *Initiator) string {
		i.state = initiatorActive
		i.resend(storyStart, 1, 0)
		return string(i.Bytes())
	}
	if a, b := resent(client), resent(again); a != b || strings.Count(b, "\x0135=D\x01") != 4 {
		t.Fatalf("sent again:\n%s\n%s", Readable([]byte(a)), Readable([]byte(b)))
	}
	for n := range saved {
		damaged := []byte(string(saved))
		damaged[n] ^= 0x10
		if NewInitiator(cfg).RestoreState(damaged) == nil {
			t.Fatalf("a state damaged at byte %d is taken", n)
		}
		if NewInitiator(cfg).RestoreState(saved[:n]) == nil {
			t.Fatalf("a state cut at byte %d is taken", n)
		}
	}
}
