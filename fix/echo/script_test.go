package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"exchange/book"
	"exchange/fix"
)

// step is one line of a script.
type step struct {
	line int
	// kind: + connect, > send, < expect, - expect the end of the connection, ~ hang up, . wait, @ let the venue's clock run ahead,
	// = set a number of the session.
	kind byte
	conn int
	// frame is what is sent, or expected: fields tag=value; a value of * stands for any, <now> for the present time.
	fields []string
	raw    string
	wait   time.Duration
}

type settings struct {
	resetOnLogon, nextExpected, noReset bool
}

// patience bounds the wait for what is expected; silence is how long nothing must come where nothing is expected.
const patience = 10 * time.Second

// script plays steps against a venue of its own.
type script struct {
	t       *testing.T
	version *fix.Version
	address string
	conns   map[int]*client
	venue   *venue
	line    int
}

type client struct {
	socket net.Conn
	reader *bufio.Reader
}

func newScript(t *testing.T, version *fix.Version) *script {
	return &script{t: t, version: version, conns: map[int]*client{}}
}

func (s *script) play(steps []step, with settings) {
	v := newVenue(s.version, "ISLD", "TW", with.resetOnLogon)
	s.venue = v
	v.session.SendNextExpected, v.session.MayReset = with.nextExpected, !with.noReset
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			socket, err := l.Accept()
			if err != nil {
				return
			}
			go v.serve(socket)
		}
	}()
	s.address = l.Addr().String()
	for _, st := range steps {
		s.line = st.line
		s.step(st)
	}
	for _, c := range s.conns {
		c.socket.Close()
	}
}

func (s *script) fatalf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("line %d: %s", s.line, fmt.Sprintf(format, args...))
}

func (s *script) step(st step) {
	c := s.conns[st.conn]
	if c == nil && st.kind != '+' && st.kind != '.' && st.kind != '@' && st.kind != '=' {
		s.fatalf("connection %d is not there", st.conn)
	}
	switch st.kind {
	case '+':
		socket, err := net.Dial("tcp", s.address)
		if err != nil {
			s.fatalf("%v", err)
		}
		s.conns[st.conn] = &client{socket, bufio.NewReader(socket)}
	case '>':
		if _, err := c.socket.Write([]byte(s.frame(st))); err != nil {
			s.fatalf("%v", err)
		}
	case '<':
		s.expect(c, st)
	case '-':
		s.expectEnd(c)
		c.socket.Close()
		delete(s.conns, st.conn)
	case '~':
		c.socket.Close()
		delete(s.conns, st.conn)
	case '.':
		time.Sleep(st.wait)
	case '=':
		s.setNumber(st.raw)
	case '@':
		s.venue.ahead.Add(int64(st.wait))
	}
}

// setNumber raises one of the session's numbers, as NEXTSENDERSEQNUM=7 (the venue's) or NEXTTARGETSEQNUM=7 (the client's), through the state machine: a
// connection that is not there logs on above a gap, so that it consumes nothing, and sends Heartbeats or moves the client's number.
func (s *script) setNumber(text string) {
	which, value, _ := strings.Cut(text, "=")
	want, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		s.fatalf("%q sets no number", text)
	}
	v := s.venue
	v.mu.Lock()
	defer v.mu.Unlock()
	if want == 1 {
		return // where it begins
	}
	epoch := v.apply(&book.Command{Kind: book.Logon, Protocol: book.FIX, Session: 1, InSeq: 1 << 20, Seconds: 30})[0].Epoch
	switch which {
	case "NEXTSENDERSEQNUM":
		for v.first+uint64(len(v.sent)) < want {
			v.apply(&book.Command{Kind: book.SessionMessage, Protocol: book.FIX, Session: 1, Epoch: epoch, Code: '0'})
		}
	case "NEXTTARGETSEQNUM":
		v.apply(&book.Command{Kind: book.SessionMessage, Protocol: book.FIX, Session: 1, Epoch: epoch, NextIn: want})
	default:
		s.fatalf("%q sets no number", text)
	}
	v.apply(&book.Command{Kind: book.Disconnect, Protocol: book.FIX, Session: 1, Epoch: epoch})
}

// frame completes what is sent: times, and BodyLength and CheckSum where they are not given.
func (s *script) frame(st step) string {
	text := s.times(st.raw)
	if text == "" {
		text = s.times(strings.Join(st.fields, "\x01") + "\x01")
	}
	if !strings.Contains(text, "\x019=") {
		head, rest, _ := strings.Cut(text, "\x01")
		body := rest
		if at := strings.LastIndex("\x01"+rest, "\x0110="); at >= 0 {
			body = rest[:at]
		}
		text = head + "\x019=" + strconv.Itoa(len(body)) + "\x01" + rest
	}
	if !strings.Contains(text, "\x0110=") {
		sum := 0
		for _, c := range []byte(text) {
			sum += int(c)
		}
		text += fmt.Sprintf("10=%03d\x01", sum%256)
	}
	return text
}

var (
	timeWord  = regexp.MustCompile(`<(?i:TIME|now)([+-]\d+)?>`)
	bytesWord = regexp.MustCompile(`<\d+x>`)
)

// times puts the present time, or one so many seconds away, for <now>, <now-5> and the like, and so many bytes for <9000x>. The present is the same in all of a
// message: 122 must not be a second behind 52.
func (s *script) times(text string) string {
	present := time.Unix(0, s.venue.now()).UTC()
	text = bytesWord.ReplaceAllStringFunc(text, func(w string) string {
		n, _ := strconv.Atoi(w[1 : len(w)-2])
		return strings.Repeat("x", n)
	})
	return timeWord.ReplaceAllStringFunc(text, func(w string) string {
		away, _ := strconv.Atoi(timeWord.FindStringSubmatch(w)[1])
		return present.Add(time.Duration(away) * time.Second).Format("20060102-15:04:05")
	})
}

// receive reads one frame.
func (c *client) receive() (string, error) {
	_ = c.socket.SetReadDeadline(time.Now().Add(patience))
	var b bytes.Buffer
	for {
		part, err := c.reader.ReadString(1)
		if err != nil {
			return b.String(), err
		}
		b.WriteString(part)
		if strings.HasPrefix(part, "10=") {
			return b.String(), nil
		}
	}
}

// expectEnd reads to the end of the connection; nothing may come before it.
func (s *script) expectEnd(c *client) {
	frame, err := c.receive()
	if frame != "" {
		s.fatalf("got %s instead of the end", fix.Readable([]byte(frame)))
	}
	if e, ok := err.(net.Error); ok && e.Timeout() || err != io.EOF && !strings.Contains(err.Error(), "reset") {
		s.fatalf("the connection does not end: %v", err)
	}
}

// expect holds the next frame to what is expected: tags in their order, values, BodyLength and CheckSum by counting.
func (s *script) expect(c *client, st step) {
	got, err := c.receive()
	want := strings.Join(st.fields, "|")
	if err != nil {
		s.fatalf("want %s, got %q: %v", want, got, err)
	}
	fields := strings.Split(strings.TrimSuffix(got, "\x01"), "\x01")
	s.counts(got, fields)
	expected := st.fields
	if !strings.HasPrefix(expected[len(expected)-1], "10=") { // some leave it out
		expected = append(append([]string(nil), expected...), "10=*")
	}
	if !strings.HasPrefix(expected[1], "9=") {
		expected = append([]string{expected[0], "9=*"}, expected[1:]...)
	}
	if len(fields) != len(expected) {
		s.fatalf("want %s, got %s", want, fix.Readable([]byte(got)))
	}
	for i := range fields {
		tag, value, _ := strings.Cut(fields[i], "=")
		wantTag, wantValue, _ := strings.Cut(expected[i], "=")
		if tag != wantTag || !s.same(tag, value, wantValue) {
			s.fatalf("want %s, got %s", want, fix.Readable([]byte(got)))
		}
	}
}

var (
	someTime    = regexp.MustCompile(`^\d{8}-\d{2}:\d{2}:\d{2}(\.\d{3})?$`)
	lengthOnOwn = map[string]bool{"10": true, "9": true}
)

// same compares a value. Times are any time; lengths and sums are counted, not compared.
func (s *script) same(tag, value, want string) bool {
	switch {
	case want == "*":
		return true
	case tag == "52", tag == "122":
		return someTime.MatchString(value)
	case tag == "60" && want != "":
		return someTime.MatchString(value)
	case lengthOnOwn[tag]:
		return true
	}
	return value == want
}

// counts checks BodyLength and CheckSum.
func (s *script) counts(frame string, fields []string) {
	if len(fields) < 4 || !strings.HasPrefix(fields[1], "9=") {
		s.fatalf("9 is not second: %s", fix.Readable([]byte(frame)))
	}
	head := len(fields[0]) + len(fields[1]) + 2
	tail := strings.LastIndex(frame, "\x0110=") + 1
	if length := strconv.Itoa(tail - head); fields[1] != "9="+length {
		s.fatalf("%s, but %s bytes: %s", fields[1], length, fix.Readable([]byte(frame)))
	}
	sum := 0
	for _, b := range []byte(frame[:tail]) {
		sum += int(b)
	}
	if want := fmt.Sprintf("10=%03d", sum%256); fields[len(fields)-1] != want {
		s.fatalf("%s, want %s", fields[len(fields)-1], want)
	}
}
