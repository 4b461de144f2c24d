package server

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// linePlace is the file that says how far this replica's line was published: the session, and the number of the next message. It is written while the line
// runs and read by the replica's next start. It outlives the process, not the host: it is not worth a write to the disk, since a line that does not
// know its place leaves a hole that the other lines and the request servers fill.
//
// Invariant: what has a lower number, the line has sent, or nobody had its port open.
type linePlace struct {
	file    *os.File
	session string
	number  uint64 // where the line ended, 0: not known; then what was noted last
}

// openLinePlace reads the file. One of another session, or one that says nothing, is as none.
func openLinePlace(path, session string) (*linePlace, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the place of the line: %w; name another dir", err)
	}
	p := &linePlace{file: f, session: session}
	if text, err := os.ReadFile(path); err == nil {
		of, number, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
		if n, err := strconv.ParseUint(number, 10, 64); err == nil && of == session {
			p.number = n
		}
	}
	return p, nil
}

// note writes the number down, if it is news. The text has one length for a session: a later one covers it.
func (p *linePlace) note(number uint64) {
	if number == p.number {
		return
	}
	p.number = number
	// If it cannot be written the place that is there is an earlier one, and more is repeated.
	_, _ = p.file.WriteAt(fmt.Appendf(nil, "%-10s %020d\n", p.session, number), 0)
}

func (p *linePlace) close() {
	if p != nil {
		p.file.Close()
	}
}
