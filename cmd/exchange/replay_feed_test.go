package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"exchange/book"
	"exchange/cmd/exchange/orderflow"
)

// decoder is the independent one; it needs Python.
const decoder = "../../marketdata/testdata/decode.py"

func decode(t *testing.T, args ...string) (said string, ok bool) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("python3 is not here: the feed is not read by a decoder of its own")
	}
	out, err := exec.Command(python, append([]string{decoder}, args...)...).CombinedOutput()
	return string(out), err == nil
}

// writtenDay plays a day and gives the files.
func writtenDay(t *testing.T, play func(d *dayWriter)) (feed, books string) {
	t.Helper()
	dir := t.TempDir()
	feed, books = filepath.Join(dir, "day.soup"), filepath.Join(dir, "day.books")
	d, err := openDay(feed, books, 1000)
	if err != nil {
		t.Fatal(err)
	}
	play(d)
	if err := d.finish(); err != nil {
		t.Fatal(err)
	}
	return feed, books
}

func generatedDay(t *testing.T) (feed, books string) {
	t.Helper()
	f, err := orderflow.Generate(orderflow.Options{Seed: 11, Records: 20_000, Prefill: 1000, Symbols: 5, Span: 8192, Depth: 100}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return writtenDay(t, func(d *dayWriter) { orderflow.PlayObserved(f, nil, d.observe) })
}

func TestADecoderOfItsOwnBuildsTheEnginesBooks(t *testing.T) {
	feed, books := generatedDay(t)
	if said, ok := decode(t, feed, "--expect", books); !ok || !strings.Contains(said, "equal to the engine's at 21 moments") {
		t.Error(said)
	}
}

// everyKind plays what the generator has not: replaces in place and by others, icebergs, hidden orders, post-only, halts, mass cancels.
func everyKind(d *dayWriter) {
	random := rand.New(rand.NewPCG(4, 4))
	p := orderflow.NewObservedPlayer(book.DefaultLimits(), 3, d.observe)
	var ids []string
	inSeq := uint64(1)
	apply := func(c book.Command) {
		inSeq++
		c.Session, c.Epoch, c.InSeq, c.Time = 1, 1, inSeq, int64(inSeq)*1_000_000
		d.observe(p.Market, p.Market.Apply(&c, nil))
	}
	for n := range 8000 {
		c := book.Command{Kind: book.Enter, Instrument: uint16(1 + random.IntN(3)), Side: book.Side(random.IntN(2)), Price: 990 + random.Int64N(21), Qty: 1 + random.Int64N(500)}
		name := "n" + strconv.Itoa(n)
		copy(c.ClientID[:], name)
		old := ""
		if len(ids) > 0 {
			old = ids[random.IntN(len(ids))]
		}
		switch kind := random.IntN(20); {
		case old != "" && kind < 5:
			c.Kind = book.Replace
			copy(c.OrigID[:], old)
			ids = append(ids, name)
		case old != "" && kind < 10:
			c.Kind = book.Cancel
			copy(c.OrigID[:], old)
		case old != "" && kind == 10:
			c.Kind, c.Qty = book.Reduce, 1+random.Int64N(50)
			copy(c.OrigID[:], old)
		default:
			switch random.IntN(6) {
			case 0:
				c.Display = 1 + c.Qty/4
			case 1:
				c.Conditions = book.Hidden
			case 2:
				c.TIF = book.ImmediateOrCancel
			}
			ids = append(ids, name)
		}
		apply(c)
		if len(ids) > 400 {
			ids = ids[200:]
		}
		if n%1500 == 1499 {
			for _, state := range []byte{'H', 'T'} {
				apply(book.Command{Kind: book.TradingAction, Instrument: 2, Code: state})
			}
		}
	}
}

func TestADecoderOfItsOwnReadsEveryKindOfMessage(t *testing.T) {
	feed, books := writtenDay(t, everyKind)
	said, ok := decode(t, feed, "--expect", books)
	if !ok {
		t.Fatal(said)
	}
	for _, kind := range []string{"A ", "D ", "E ", "H ", "P ", "R ", "S ", "U ", "X "} {
		if !strings.Contains(said, "("+kind) && !strings.Contains(said, " "+kind) {
			t.Errorf("no message %s in the day: %s", kind, said)
		}
	}
}

// TestTheDecoderSeesWhatIsWrong: otherwise its agreement would say nothing.
func TestTheDecoderSeesWhatIsWrong(t *testing.T) {
	feed, books := generatedDay(t)
	stream, err := os.ReadFile(feed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(books)
	if err != nil {
		t.Fatal(err)
	}
	// The last packet of a kind begins with its length, S and the message's type.
	last := func(kind byte, length int) int {
		at := strings.LastIndex(string(stream), string([]byte{0, byte(length + 1), 'S', kind}))
		if at < 0 {
			t.Fatalf("no %c in the feed", kind)
		}
		return at + 3
	}
	lines := strings.SplitAfter(string(text), "\n")
	for name, c := range map[string]struct {
		stream []byte
		books  string
	}{
		"a share more":       {changed(stream, last('A', 36)+23, 1), string(text)},
		"another price":      {changed(stream, last('A', 36)+35, 1), string(text)},
		"another stock":      {changed(stream, last('A', 36)+2, 1), string(text)},
		"another order":      {changed(stream, last('D', 19)+18, 3), string(text)},
		"a message left out": {append(append([]byte{}, stream[:last('X', 23)-3]...), stream[last('X', 23)+23:]...), string(text)},
		"a cut stream":       {stream[:len(stream)-5], string(text)},
		"two orders swapped": {stream, strings.Join(lines[:len(lines)-3], "") + lines[len(lines)-2] + lines[len(lines)-3]},
		"an order fewer":     {stream, strings.Join(lines[:len(lines)-2], "")},
	} {
		dir := t.TempDir()
		s, b := filepath.Join(dir, "s"), filepath.Join(dir, "b")
		if os.WriteFile(s, c.stream, 0o600) != nil || os.WriteFile(b, []byte(c.books), 0o600) != nil {
			t.Fatal("writing files")
		}
		if said, ok := decode(t, s, "--expect", b); ok {
			t.Errorf("%s: the decoder says: %s", name, said)
		}
	}
}

// changed gives the bytes with one of them changed.
func changed(b []byte, at int, by byte) []byte {
	b = append([]byte{}, b...)
	b[at] ^= by
	return b
}
