package tape

import (
	"regexp"
	"strings"
	"testing"

	"exchange/marketdata/depth"
	"exchange/marketdata/itch"
)

const noon = 12 * 3600 * 1_000_000_000

var abc = itch.MakeSymbol("ABC")

// day is a short one: every type that the venue makes.
var day = []itch.Message{
	{Type: 'S', Code: 'O', Timestamp: noon},
	{Type: 'R', Locate: 1, Stock: abc, RoundLot: 10, Timestamp: noon},
	{Type: 'H', Locate: 1, Stock: abc, Code: 'T', Timestamp: noon},
	{Type: 'A', Locate: 1, Ref: 5, Side: 'B', Shares: 100, Stock: abc, Price: 99_5000, Timestamp: noon + 5},
	{Type: 'A', Locate: 1, Ref: 6, Side: 'S', Shares: 70, Stock: abc, Price: 100_0000, Timestamp: noon + 6},
	{Type: 'A', Locate: 1, Ref: 7, Side: 'S', Shares: 30, Stock: abc, Price: 100_0125, Timestamp: noon + 6},
	{Type: 'E', Locate: 1, Ref: 5, Shares: 40, Match: 3, Timestamp: noon + 1_500_000_007},
	{Type: 'X', Locate: 1, Ref: 5, Shares: 10, Timestamp: noon + 8},
	{Type: 'U', Locate: 1, Ref: 6, NewRef: 8, Shares: 20, Price: 101_0000, Timestamp: noon + 9},
	{Type: 'D', Locate: 1, Ref: 7, Timestamp: noon + 9},
	{Type: 'C', Locate: 1, Ref: 8, Shares: 5, Match: 4, Printable: 'Y', Price: 100_7500, Timestamp: noon + 9},
	{Type: 'P', Locate: 1, Side: 'B', Shares: 1, Stock: abc, Price: 100_0000, Match: 5, Timestamp: noon + 9},
	{Type: 'B', Locate: 1, Match: 4, Timestamp: noon + 9},
}

const lines = `12:00:00.000000000 #1 start of messages
12:00:00.000000000 #2 ABC listed, lot 10
12:00:00.000000000 #3 ABC trading
12:00:00.000000005 #4 ABC add buy 100@99.50 order 5
12:00:00.000000006 #5 ABC add sell 70@100.00 order 6
12:00:00.000000006 #6 ABC add sell 30@100.0125 order 7
12:00:01.500000007 #7 ABC trade 40@99.50 sell hits order 5, 60 left, match 3
12:00:00.000000008 #8 ABC reduce by 10 order 5, 50 left
12:00:00.000000009 #9 ABC replace sell 70@100.00 by 20@101.00 order 8, was 6
12:00:00.000000009 #10 ABC delete sell 30@100.0125 order 7
12:00:00.000000009 #11 ABC trade 5@100.75 buy hits order 8, 15 left, match 4
12:00:00.000000009 #12 ABC trade of a hidden order 1@100.00, match 5
12:00:00.000000009 #13 ABC trade broken, match 4
`

// played applies the first messages of the day.
func played(t *testing.T, messages int) (*depth.Builder, string) {
	t.Helper()
	b := depth.NewBuilder()
	var text []byte
	for i := range messages {
		c, err := b.Apply(&day[i])
		if err != nil {
			t.Fatal(err)
		}
		text = AppendLine(text, uint64(i+1), &c)
	}
	return b, string(text)
}

func TestALineForEachMessage(t *testing.T) {
	if _, got := played(t, len(day)); got != lines {
		t.Errorf("got\n%swant\n%s", got, lines)
	}
	if got := AppendLine(nil, 1, &depth.Change{}); len(got) != 0 {
		t.Errorf("nothing happened: %q", got)
	}
}

const frame = `ABC  trading  last 99.5000  volume 40 in 1 trades  #7
  orders           bid         price           ask    orders

                            100.0125            30         1
                            100.0000            70         1
                            (0.5000)
       1            60       99.5000



last trades
  12:00:01.500000       99.5000          40  sell

`

func trimmed(s string) string {
	return regexp.MustCompile(` +\n`).ReplaceAllString(s, "\n")
}

func TestTheFrameOfABook(t *testing.T) {
	b, _ := played(t, 7)
	l := Ladder{Levels: 3, Trades: 2}
	got := string(l.AppendFrame(nil, 7, b.Book("ABC")))
	if trimmed(got) != frame {
		t.Errorf("got\n%s\nwant\n%s", got, frame)
	}
	if n := strings.Count(got, "\n"); n != 2*3+2+5 {
		t.Errorf("%d lines", n)
	}
	b, _ = played(t, 3)
	empty := string(l.AppendFrame(nil, 3, b.Book("ABC")))
	if strings.Count(empty, "\n") != 2*3+2+5 || !strings.Contains(empty, "no orders") {
		t.Errorf("an empty book:\n%s", empty)
	}
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	escapes := regexp.MustCompile("\x1b\\[[0-9]*m")
	b, _ := played(t, len(day))
	for _, width := range []int{1, 7, 40, 62, 80, 200} {
		for _, color := range []bool{false, true} {
			l := Ladder{Levels: 4, Trades: 3, Width: width, Color: color}
			got := string(l.AppendFrame(nil, 13, b.Book("ABC")))
			if color != strings.Contains(got, "\x1b[") {
				t.Fatalf("width %d, color %v:\n%q", width, color, got)
			}
			for _, line := range strings.Split(strings.TrimSuffix(escapes.ReplaceAllString(got, ""), "\n"), "\n") {
				if len(line) != width {
					t.Fatalf("width %d: a line of %d: %q", width, len(line), line)
				}
			}
		}
	}
}

func TestColorIsForTerminalsThatWantIt(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if !ColorWanted(true) || ColorWanted(false) {
		t.Error("by terminal")
	}
	t.Setenv("NO_COLOR", "1")
	if ColorWanted(true) {
		t.Error("NO_COLOR")
	}
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "dumb")
	if ColorWanted(true) {
		t.Error("dumb terminal")
	}
}

func TestNumbers(t *testing.T) {
	for price, want := range map[uint32]string{0: "0.00", 1: "0.0001", 100: "0.01", 99_5000: "99.50", 200000_0000: "200000.00", 1<<32 - 1: "429496.7295"} {
		if got := string(AppendPrice(nil, price)); got != want {
			t.Errorf("%d: %s, want %s", price, got, want)
		}
	}
	for digits, want := range []string{"23:59:59", "23:59:59.1", "23:59:59.12", "23:59:59.123"} {
		if got := string(AppendTime(nil, 86_399_123_456_789, digits)); got != want {
			t.Errorf("%d digits: %s", digits, got)
		}
	}
}
