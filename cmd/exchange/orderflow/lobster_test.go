package orderflow

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exchange/book"
)

// asLobster plays a file and writes what a venue would have told of it: orders that came to rest, what was taken off them, and their executions.
func asLobster(f *File) (text string, want Result) {
	var b strings.Builder
	line := 0
	tell := func(typ int, id uint64, size, price int64, side book.Side) {
		line++
		fmt.Fprintf(&b, "%d.%09d,%d,%d,%d,%d,%d\n", 34200+line/1000, line%1000*1000, typ, 1000+7*id, size, price*lobsterTick, 1-2*int(side))
	}
	p := NewObservedPlayer(LimitsFor(f), f.Symbols, func(_ *book.Market, events []book.Event) {
		for i := range events {
			e := &events[i]
			id := ParseID(&e.ClientID)
			switch {
			case e.Rests():
				tell(lobsterAdd, id, e.Leaves, e.Price, e.Side)
			case e.Kind == book.Filled && e.Resting:
				tell(lobsterVisible, id, e.LastQty, e.Price, e.Side)
			case e.Kind == book.Reduced:
				tell(lobsterReduce, id, e.LastQty, e.Price, e.Side)
			case e.Kind == book.Cancelled && e.FeedSeq != 0:
				tell(lobsterDelete, ParseID(&e.OrigID), max(1, e.Qty-e.Cum), e.Price, e.Side)
			}
		}
	})
	for i := range f.Records {
		p.Play(i, &f.Records[i])
	}
	return b.String(), p.Finish(0)
}

// TestLobster: flow told as LOBSTER tells it, and made flow again, has the same trades and leaves the same orders; each execution hits the order that was
// reported.
func TestLobster(t *testing.T) {
	f, err := Generate(Options{Seed: 9, Records: 20_000, Prefill: 300, Symbols: 1, Span: 2048, Depth: 60}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, want := asLobster(f)
	l, err := DecodeLobster(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	resting, hits, executions, at := uint64(0), 0, 0, 0
	p := NewObservedPlayer(LimitsFor(l.File), 1, func(_ *book.Market, events []book.Event) {
		for i := range events {
			if events[i].Kind == book.Filled && events[i].Resting {
				resting = ParseID(&events[i].ClientID)
			}
		}
	})
	for at = range l.Records {
		resting = 0
		p.Play(at, &l.Records[at])
		if l.Reported[at] != 0 {
			executions++
			if resting == l.Reported[at] {
				hits++
			}
		}
	}
	got := p.Finish(0)
	if got.Trades != want.Trades || got.Volume != want.Volume || got.Resting != want.Resting || got.Rejected != 0 || want.Trades < 1000 {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if hits != executions || executions != want.Trades || l.Unknown != 0 || l.Unseen != 0 {
		t.Errorf("%d of %d executions hit the order reported, %d lines of unknown orders, %d unseen", hits, executions, l.Unknown, l.Unseen)
	}
}

// TestLobsterLines has each type of line once, written out; also as a file that Read knows by what is in it.
func TestLobsterLines(t *testing.T) {
	text := "34200.004241176,1,16113575,18,95,-1\n"
	if _, err := DecodeLobster(strings.NewReader(text)); !errors.Is(err, ErrLobster) || !strings.Contains(err.Error(), "price 95") {
		t.Errorf("a price that is no multiple of a cent: %v", err)
	}
	text = "34200.004241176,1,16113575,18,5853300,-1\n" + // added: sell 18 at 585.33
		"34200.1,3,99,18,5853300,1\n" + // of an order from before: left out
		"34200.2,1,16113584,100,5853000,1\n" +
		"34200.2,2,16113584,30,5853000,1\n" + // 30 off
		"34201,4,16113575,8,5853300,-1\n" + // executed: 8
		"34202,5,0,50,5853100,1\n" + // a hidden execution: left out
		"34203,6,-1,50,5853100,-1\n" + // a cross: left out
		"34204,3,16113575,10,5853300,-1\r\n" +
		"34205,7,0,0,-1,-1\n" + // a halt: the end
		"34206,1,5,18,5853300,-1\n"
	path := filepath.Join(t.TempDir(), "messages.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []Record{
		{Op: Add, Side: 1, Qty: 18, ID: 1, Price: 58533}, {Op: Add, Qty: 100, ID: 2, Price: 58530}, {Op: Reduce, Qty: 30, ID: 2},
		{Op: IOC, Qty: 8, ID: 3, Price: 58533}, {Op: Cancel, Side: 1, ID: 1},
	}
	if fmt.Sprint(f.Records) != fmt.Sprint(want) || f.Span != 58533-BasePrice+1 {
		t.Errorf("got %+v, span %d\nwant %+v", f.Records, f.Span, want)
	}
	l, err := DecodeLobster(strings.NewReader("1,1,5,10,1000,1\n2,4,5,10,1000,1\n"))
	if err != nil || l.Offset != BasePrice-10 || l.Records[1].Price != BasePrice || l.Records[1].Side != 1 || l.Reported[1] != 1 || l.Span != 1 {
		t.Errorf("an order at ten cents: %+v, %v", l, err)
	}
	var b bytes.Buffer
	if err := l.Encode(&b); err != nil {
		t.Fatal(err)
	}
	if again, err := Decode(&b); err != nil || len(again.Records) != 2 {
		t.Errorf("written as an order-flow file it is not read: %v", err)
	}
}

func TestDamagedLobsterIsExplained(t *testing.T) {
	good := "34200.5,1,7,18,5853300,-1\n"
	for says, text := range map[string]string{
		"5 fields":       "34200.5,1,7,18,5853300\n",
		"time":           "noon,1,7,18,5853300,-1\n",
		"time falls":     good + "34200.4,1,8,18,5853300,-1\n",
		"whole number":   "34200.5,1,x,18,5853300,-1\n",
		"type 8":         "34200.5,8,7,18,5853300,-1\n",
		"direction":      "34200.5,1,7,18,5853300,0\n",
		"size 0":         "34200.5,1,7,0,5853300,-1\n",
		"added again":    good + good,
		"no line":        "",
		"no line of it":  "34200.5,5,0,50,5853100,1\n",
		"line 2: 1 fiel": good + "\n",
	} {
		if _, err := DecodeLobster(strings.NewReader(text)); !errors.Is(err, ErrLobster) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: error %v, it should say %q", text, err, says)
		}
	}
}

func FuzzLobster(f *testing.F) {
	f.Add("34200.5,1,7,18,5853300,-1\n34200.6,4,7,18,5853300,-1\n")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := DecodeLobster(strings.NewReader(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := l.Encode(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(&b); err != nil {
			t.Fatalf("what was made of it is no order-flow file: %v", err)
		}
	})
}
