package orderflow

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLayout has the bytes of a file written out.
func TestLayout(t *testing.T) {
	f := &File{Symbols: 3, Span: 258, Records: []Record{{Op: Replace, Side: 1, Symbol: 2, Qty: 0x01020304, ID: 5, Price: 10007, Aux: 6}}}
	var b bytes.Buffer
	if err := f.Encode(&b); err != nil {
		t.Fatal(err)
	}
	want := "BKBENCH1" + "\x01\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00" + "\x03\x00\x00\x00" + "\x02\x01\x00\x00" +
		"\x06\x01\x02\x00" + "\x04\x03\x02\x01" + "\x05\x00\x00\x00\x00\x00\x00\x00" + "\x17\x27\x00\x00\x00\x00\x00\x00" + "\x06\x00\x00\x00\x00\x00\x00\x00"
	if b.String() != want {
		t.Fatalf("%q\nshould be\n%q", b.String(), want)
	}
}

// TestHeaderMustFit: what the header says and what follows must agree.
func TestHeaderMustFit(t *testing.T) {
	var good bytes.Buffer
	f := &File{Symbols: 1, Span: 10, Records: []Record{{Op: Add, ID: 1, Price: BasePrice, Qty: 1}, {Op: Cancel, ID: 1}}}
	if err := f.Encode(&good); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(b []byte) []byte{
		"cut header":       func(b []byte) []byte { return b[:20] },
		"prefill too many": func(b []byte) []byte { b[16] = 3; return b },
		"records too many": func(b []byte) []byte { b[15] = 0xff; return b },
		"no symbols":       func(b []byte) []byte { b[24] = 0; return b },
		"side":             func(b []byte) []byte { b[33] = 2; return b },
		"id 0":             func(b []byte) []byte { b[40] = 0; return b },
		"more behind":      func(b []byte) []byte { return append(b, 0) },
	} {
		if _, err := Decode(bytes.NewReader(change(bytes.Clone(good.Bytes())))); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{
		{}, {Records: 10, Prefill: 11, Symbols: 1, Span: 100, Depth: 10}, {Records: 10, Symbols: 0, Span: 100, Depth: 10},
		{Records: 10, Symbols: 5000, Span: 100, Depth: 10}, {Records: 10, Symbols: 1, Span: 100, Depth: 60},
	} {
		if _, err := Generate(o, nil); err == nil || !strings.Contains(err.Error(), ":") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// FuzzDecode: whatever is read as a file is written again as the same bytes.
func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	(&File{Symbols: 2, Span: 10, Records: []Record{{Op: Add, ID: 1, Price: BasePrice, Qty: 1}, {Op: Replace, ID: 1, Aux: 2, Qty: 5, Price: BasePrice + 1}}}).Encode(&b)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := Decode(bytes.NewReader(raw))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := file.Encode(&again); err != nil || !bytes.Equal(again.Bytes(), raw) {
			t.Fatalf("%x read and written is %x", raw, again.Bytes())
		}
	})
}
