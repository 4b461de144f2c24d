package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"exchange/fix"
)

// readScript reads our own notation, one step a line:
//
//	versions 4.4 5.0            the script is for these only
//	venue reset-on-logon        settings: reset-on-logon, next-expected, no-reset
//	+                           connect (2+ a second connection, and so on in all lines)
//	> D 2 11=a|21=1             send MsgType, MsgSeqNum (- for none), fields; header and trailer are added; 49, 52, 56 and 8 given here take their place
//	< 8 2 11=a                  expect
//	! 8=FIX.4.4|35=…            send as it stands (BodyLength and CheckSum are added unless given)
//	> 0 5-1200                  send, once with each number of the range
//	-                           the venue closes
//	~                           we close
//	. 300ms                     wait
//	@ 30s                       let the venue's clock run ahead
//
// <now>, <now-5>: the present time, or one so many seconds away; <9000x>: so many bytes. A field with @24 behind it is there in those versions only (2, 4, 5).
func readScript(t *testing.T, text string, version *fix.Version) (steps []step, with settings, ours bool) {
	ours = true
	letter := map[*fix.Version]string{fix.FIX42: "2", fix.FIX44: "4", fix.FIX50SP2: "5"}[version]
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || line[0] == '#':
			continue
		case word == "versions":
			ours = false
			for _, v := range strings.Fields(rest) {
				ours = ours || strings.HasSuffix(strings.TrimSuffix(version.Name, "SP2"), v)
			}
			continue
		case word == "venue":
			for _, w := range strings.Fields(rest) {
				switch w {
				case "reset-on-logon":
					with.resetOnLogon = true
				case "next-expected":
					with.nextExpected = true
				case "no-reset":
					with.noReset = true
				default:
					t.Fatalf("line %d: setting %q", n+1, w)
				}
			}
			continue
		}
		st := step{line: n + 1, kind: word[len(word)-1], conn: 1}
		if len(word) > 1 {
			st.conn, _ = strconv.Atoi(word[:len(word)-1])
		}
		switch st.kind {
		case '+', '-', '~':
		case '.', '@':
			d, err := time.ParseDuration(rest)
			if err != nil {
				t.Fatalf("line %d: %v", n+1, err)
			}
			st.wait = d
		case '!':
			st.kind = '>'
			st.raw = strings.ReplaceAll(strings.ReplaceAll(rest, "8=BEGIN", "8="+version.BeginString), "|", "\x01")
		case '>', '<':
			head, numbers := cutNumbers(t, n+1, rest)
			for _, number := range numbers {
				st.fields = message(t, n+1, strings.Replace(rest, head, number, 1), st.kind, version, letter)
				steps = append(steps, st)
			}
			continue
		default:
			t.Fatalf("line %d: %q", n+1, line)
		}
		steps = append(steps, st)
	}
	return steps, with, ours
}

// cutNumbers gives MsgType and MsgSeqNum as they stand, and with each number of the range if there is one.
func cutNumbers(t *testing.T, line int, text string) (head string, each []string) {
	words := strings.SplitN(text, " ", 3)
	if len(words) < 2 {
		t.Fatalf("line %d: MsgType and MsgSeqNum are needed", line)
	}
	head = words[0] + " " + words[1]
	first, last, ranged := strings.Cut(words[1], "-")
	from, err := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if !ranged || err != nil || err2 != nil {
		return head, []string{head}
	}
	for n := from; n <= to; n++ {
		each = append(each, words[0]+" "+strconv.Itoa(n))
	}
	return head, each
}

var onlyIn = regexp.MustCompile(`@([245]+)$`)

// message completes the fields of a message with its header.
func message(t *testing.T, line int, text string, way byte, version *fix.Version, letter string) []string {
	words := strings.SplitN(text, " ", 3)
	if len(words) < 2 {
		t.Fatalf("line %d: MsgType and MsgSeqNum are needed", line)
	}
	header := map[string]string{"8": version.BeginString, "35": words[0], "34": words[1], "49": "TW", "52": "<now>", "56": "ISLD"}
	if way == '<' {
		header["49"], header["56"] = "ISLD", "TW"
	}
	var before, body []string
	if len(words) == 3 {
		for _, f := range strings.Split(words[2], "|") {
			if m := onlyIn.FindStringSubmatch(f); m != nil {
				if !strings.Contains(m[1], letter) {
					continue
				}
				f = strings.TrimSuffix(f, m[0])
			}
			tag, value, _ := strings.Cut(f, "=")
			if _, ok := header[tag]; ok && len(body) == 0 {
				header[tag] = value
				continue
			}
			switch tag {
			case "43", "97", "122", "115", "116", "128", "129", "144", "145":
				before = append(before, f)
			default:
				body = append(body, f)
			}
		}
	}
	if version.ApplVerID != "" && words[0] == "A" && !strings.Contains(text, "1137=") {
		body = append(body, "1137="+version.ApplVerID)
	}
	fields := []string{"8=" + header["8"]}
	if way == '<' {
		fields = append(fields, "9=*")
	}
	fields = append(fields, "35="+header["35"])
	between := func(from, to int) {
		for _, f := range before {
			tag, _, _ := strings.Cut(f, "=")
			if n, _ := strconv.Atoi(tag); n > from && n < to {
				fields = append(fields, f)
			}
		}
	}
	if header["34"] != "-" {
		fields = append(fields, "34="+header["34"])
	}
	between(34, 49)
	for _, tag := range []string{"49", "52", "56"} {
		if header[tag] != "-" {
			fields = append(fields, tag+"="+header[tag])
		}
	}
	between(56, 1000)
	fields = append(fields, body...)
	return fields
}

// readDefinition reads the notation of QuickFIX's acceptance tests.
func readDefinition(t *testing.T, text string) (steps []step) {
	for n, line := range strings.Split(strings.ReplaceAll(text, "\r", ""), "\n") {
		if line == "" || !strings.ContainsRune("IEie", rune(line[0])) {
			continue
		}
		st := step{line: n + 1, conn: 1}
		rest := line[1:]
		if len(rest) > 2 && rest[1] == ',' {
			st.conn = int(rest[0] - '0')
			rest = rest[2:]
		}
		switch {
		case line[0] == 'I':
			st.kind, st.raw = '>', rest
		case line[0] == 'E':
			st.kind, st.fields = '<', strings.Split(strings.TrimSuffix(rest, "\x01"), "\x01")
		case strings.HasPrefix(rest, "SET_SESSION "):
			st.kind, st.raw = '=', rest[strings.LastIndexByte(rest, ' ')+1:]
		case rest == "CONNECT":
			st.kind = '+'
		case line[0] == 'i' && rest == "DISCONNECT":
			st.kind = '~'
		case rest == "DISCONNECT":
			st.kind = '-'
		default:
			t.Fatalf("line %d: %q", n+1, line)
		}
		steps = append(steps, st)
	}
	return steps
}
