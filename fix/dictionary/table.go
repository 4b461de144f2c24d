package main

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// version is a version of FIX as the table knows it.
type version struct {
	letter    byte // how table.txt calls it
	name      string
	short     string // in docs/fix.md
	begin     string // BeginString
	variable  string
	file      string
	applVerID string // DefaultApplVerID, on FIXT only
}

var versions = []version{
	{'2', "FIX.4.2", "4.2", "FIX.4.2", "fix42", "table_fix42.go", ""},
	{'4', "FIX.4.4", "4.4", "FIX.4.4", "fix44", "table_fix44.go", ""},
	{'5', "FIX.5.0SP2", "5.0", "FIXT.1.1", "fix50SP2", "table_fix50sp2.go", "9"},
}

// field is what one version says about a tag.
type field struct {
	name, format string
	values       []string
}

// element is a field's place in a body: required or not, with its group's elements if it counts one.
type element struct {
	tag      int
	required bool
	group    []element
}

// message is a message with its body in each version that gives one.
type message struct {
	kind, name string
	versions   string
	body       map[byte][]element
	says       []saying
}

// saying is what a field of a message means here.
type saying struct {
	way  string // in, out or both
	tag  int
	text string
}

// table is table.txt.
type table struct {
	fields          map[byte]map[int]field
	header, trailer map[byte][]element
	messages        []*message
	code            []int
}

// formats are the data types, by their names in table.txt.
var formats = map[string]string{
	"string": "formatString", "char": "formatChar", "boolean": "formatBoolean", "int": "formatInt", "seqnum": "formatSeqNum", "length": "formatLength",
	"float": "formatFloat", "timestamp": "formatTimestamp", "date": "formatDate", "data": "formatData", "count": "formatCount", "multiple": "formatMultiple",
}

// readTable reads the whole table; an error names the line.
func readTable(text string) (*table, error) {
	t := &table{fields: map[byte]map[int]field{}, header: map[byte][]element{}, trailer: map[byte][]element{}}
	for _, v := range versions {
		t.fields[v.letter] = map[int]field{}
	}
	for _, l := range joined(text) {
		if err := t.line(l.words); err != nil {
			return nil, fmt.Errorf("line %d: %w", l.number, err)
		}
	}
	return t, t.check()
}

type line struct {
	number int
	words  []string
}

// joined puts lines together that belong together, without comments.
func joined(text string) []line {
	var lines []line
	for i, raw := range strings.Split(text, "\n") {
		words := strings.Fields(raw)
		switch {
		case len(words) == 0 || words[0][0] == '#':
		case raw[0] == ' ' && len(lines) > 0:
			last := &lines[len(lines)-1]
			last.words = append(last.words, words...)
		default:
			lines = append(lines, line{i + 1, words})
		}
	}
	return lines
}

func (t *table) line(words []string) error {
	need := map[string]int{"field": 5, "header": 4, "trailer": 4, "message": 4, "body": 4, "needs": 4, "adds": 4, "says": 4, "code": 2}[words[0]]
	switch {
	case need == 0:
		return fmt.Errorf("%q begins no line of the table", words[0])
	case len(words) < need:
		return fmt.Errorf("%s needs at least %d words", words[0], need)
	}
	switch words[0] {
	case "field":
		return t.field(words[1:])
	case "message":
		t.messages = append(t.messages, &message{kind: words[1], name: words[2], versions: words[3], body: map[byte][]element{}})
		return nil
	case "says":
		return t.saying(words[1:])
	case "code":
		for _, w := range words[1:] {
			tag, err := strconv.Atoi(w)
			if err != nil {
				return err
			}
			t.code = append(t.code, tag)
		}
		return nil
	}
	if words[2] != ":" {
		return fmt.Errorf("%s: a colon is missing", words[0])
	}
	elements, rest, err := readElements(spaced(strings.Join(words[3:], " ")))
	if err != nil || len(rest) > 0 {
		return fmt.Errorf("%s: elements end at %q: %v", words[0], rest, err)
	}
	for _, v := range []byte(words[1]) {
		if err := t.elements(words[0], v, elements); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) field(words []string) error {
	tag, err := strconv.Atoi(words[0])
	if err != nil {
		return err
	}
	if formats[words[3]] == "" {
		return fmt.Errorf("field %d: type %q is none", tag, words[3])
	}
	f := field{name: words[1], format: words[3]}
	if len(words) > 4 {
		f.values = strings.Split(strings.Join(words[4:], ","), ",")
	}
	for _, v := range []byte(words[2]) {
		if t.fields[v] == nil {
			return fmt.Errorf("field %d: version %c is none", tag, v)
		}
		if _, twice := t.fields[v][tag]; twice {
			return fmt.Errorf("field %d stands twice in version %c", tag, v)
		}
		t.fields[v][tag] = f
	}
	return nil
}

// elements files a header, trailer or body, or changes the last message's body.
func (t *table) elements(what string, v byte, elements []element) error {
	switch what {
	case "header":
		t.header[v] = elements
		return nil
	case "trailer":
		t.trailer[v] = elements
		return nil
	}
	if len(t.messages) == 0 {
		return fmt.Errorf("%s before any message", what)
	}
	m := t.messages[len(t.messages)-1]
	switch what {
	case "body":
		m.body[v] = append([]element(nil), elements...)
	case "adds":
		m.body[v] = append(m.body[v], elements...)
	case "needs":
		for _, e := range elements {
			i := position(m.body[v], e.tag)
			if i < 0 {
				return fmt.Errorf("%s needs %d, which its body in version %c does not have", m.name, e.tag, v)
			}
			m.body[v][i].required = true
		}
	}
	return nil
}

func position(elements []element, tag int) int {
	for i := range elements {
		if elements[i].tag == tag {
			return i
		}
	}
	return -1
}

func (t *table) saying(words []string) error {
	tag, err := strconv.Atoi(words[2])
	if err != nil {
		return err
	}
	m := t.message(words[0])
	if m == nil || words[1] != "in" && words[1] != "out" && words[1] != "both" {
		return fmt.Errorf("says: %s %s: no such message or way", words[0], words[1])
	}
	m.says = append(m.says, saying{words[1], tag, strings.Join(words[3:], " ")})
	return nil
}

func (t *table) message(kind string) *message {
	for _, m := range t.messages {
		if m.kind == kind {
			return m
		}
	}
	return nil
}

// spaced sets brackets apart.
func spaced(s string) []string {
	return strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(s))
}

// readElements reads elements up to a closing bracket or the end, and gives what follows.
func readElements(words []string) (elements []element, rest []string, err error) {
	for len(words) > 0 && words[0] != ")" {
		if words[0] == "(" {
			if len(elements) == 0 {
				return nil, words, fmt.Errorf("a group without a count")
			}
			var group []element
			if group, words, err = readElements(words[1:]); err != nil {
				return nil, words, err
			}
			if len(words) == 0 || len(group) == 0 {
				return nil, words, fmt.Errorf("a group is empty or does not end")
			}
			elements[len(elements)-1].group = group
			words = words[1:]
			continue
		}
		digits, required := strings.CutSuffix(words[0], "!")
		tag, err := strconv.Atoi(digits)
		if err != nil {
			return nil, words, err
		}
		elements = append(elements, element{tag: tag, required: required})
		words = words[1:]
	}
	return elements, words, nil
}

// check holds what must be true of the whole: every element is a field of its version, groups are counted by counts, sayings name fields that
// some version's body has.
func (t *table) check() error {
	for _, v := range versions {
		for _, part := range [][]element{t.header[v.letter], t.trailer[v.letter]} {
			if len(part) == 0 {
				return fmt.Errorf("%s has no header or no trailer", v.name)
			}
			if err := t.checkElements(v, "header or trailer", part); err != nil {
				return err
			}
		}
		for _, m := range t.messages {
			if err := t.checkElements(v, m.name, m.body[v.letter]); err != nil {
				return err
			}
		}
	}
	for _, m := range t.messages {
		for _, s := range m.says {
			if _, ok := t.nameIn(m, s.tag); !ok {
				return fmt.Errorf("%s says something of %d, which no version's body has", m.name, s.tag)
			}
		}
	}
	return nil
}

func (t *table) checkElements(v version, where string, elements []element) error {
	seen := map[int]bool{}
	for _, e := range elements {
		f, ok := t.fields[v.letter][e.tag]
		switch {
		case !ok:
			return fmt.Errorf("%s: %s: %d is no field", v.name, where, e.tag)
		case seen[e.tag]:
			return fmt.Errorf("%s: %s: %d stands twice", v.name, where, e.tag)
		case (f.format == "count") != (e.group != nil):
			return fmt.Errorf("%s: %s: %d counts a group without fields, or has fields and is no count", v.name, where, e.tag)
		}
		seen[e.tag] = true
		if err := t.checkElements(v, where, e.group); err != nil {
			return err
		}
	}
	return nil
}

// nameIn is the field's name in the first version whose body of the message has it.
func (t *table) nameIn(m *message, tag int) (string, bool) {
	for _, v := range versions {
		if _, ok := find(m.body[v.letter], tag); ok {
			return t.fields[v.letter][tag].name, true
		}
	}
	return "", false
}

// find looks for a tag in elements and their groups.
func find(elements []element, tag int) (element, bool) {
	for _, e := range elements {
		if e.tag == tag {
			return e, true
		}
		if in, ok := find(e.group, tag); ok {
			return in, true
		}
	}
	return element{}, false
}

// tags gives a version's tags in ascending order.
func (t *table) tags(v version) []int {
	tags := make([]int, 0, len(t.fields[v.letter]))
	for tag := range t.fields[v.letter] {
		tags = append(tags, tag)
	}
	sort.Ints(tags)
	return tags
}
