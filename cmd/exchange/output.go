package main

import (
	"encoding/json"
	"io"
	"os"

	"golang.org/x/term"
)

// printJSON writes the one object that --json promises.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(v)
}

// onTerminal tells whether a file is a terminal: progress bars and colours are for people.
func onTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// colours tells whether to colour what goes to f; NO_COLOR forbids it.
func colours(f *os.File) bool { return os.Getenv("NO_COLOR") == "" && onTerminal(f) }
