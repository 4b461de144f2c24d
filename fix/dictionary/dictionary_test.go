package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatIsCheckedInIsWhatIsMade holds every generated file to the table.
func TestWhatIsCheckedInIsWhatIsMade(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	made, err := makeAll(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(made) != len(versions)+2 {
		t.Fatalf("%d files are made", len(made))
	}
	for name, want := range made {
		have, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(have, want) {
			t.Errorf("%s is not what the table makes; run `go generate ./fix`", name)
		}
	}
}

func TestTablesThatContradictThemselvesAreRefused(t *testing.T) {
	good := "field 1 A 245 char X,Y\nfield 2 B 245 count\nfield 3 C 245 int\nheader 2 : 3!\nheader 4 : 3!\nheader 5 : 3!\ntrailer 2 : 3\ntrailer 4 : 3\ntrailer 5 : 3\n" +
		"message D Order 245\nbody 245 : 1! 2(3)\nsays D in 1 words\n"
	if _, err := readTable(good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct{ from, to, want string }{
		{"body 245 : 1! 2(3)", "body 245 : 1! 2(4)", "no field"},
		{"body 245 : 1! 2(3)", "body 245 : 1! 2", "counts a group"},
		{"body 245 : 1! 2(3)", "body 245 : 1! 3(1)", "counts a group"},
		{"body 245 : 1! 2(3)", "body 245 : 1! 1", "twice"},
		{"body 245 : 1! 2(3)", "body 245 : 1! 2(3", "does not end"},
		{"field 1 A 245 char", "field 3 A 245 char", "twice"},
		{"245 char", "246 char", "version"},
		{"245 char", "245 chars", "type"},
		{"says D in 1", "says D in 3x", "invalid"},
		{"says D in 1", "says E in 1", "no such message"},
		{"message D", "massage D", "begins no line"},
		{"header 2 : 3!\n", "", "no header"},
	} {
		text := strings.Replace(good, bad.from, bad.to, 1)
		if text == good {
			t.Fatalf("%q is not in the table", bad.from)
		}
		if _, err := readTable(text); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%q for %q: %v, want %q", bad.to, bad.from, err, bad.want)
		}
	}
}
