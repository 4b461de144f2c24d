package fix

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// used is a field of a message of a version, and the way that it went: in to the exchange, out of it.
type used struct {
	version, way, kind string
	tag                int
}

// usage is what went over connections.
type usage map[used]bool

// note keeps a frame's body fields. Messages that are wrong on purpose count too: they were sent.
func (tr *trading) note(c *tradingClient, frame []byte, way string) {
	v := c.acceptor.session.Version
	if tr.said == nil || v == nil {
		return
	}
	kind := ""
	for _, field := range strings.Split(strings.TrimSuffix(string(frame), "\x01"), "\x01") {
		name, value, _ := strings.Cut(field, "=")
		tag, _ := strconv.Atoi(name)
		if tag == 35 {
			kind = value
			tr.said[used{v.Name, way, kind, 0}] = true
		}
		if tag < indexedTags && v.fields[tag].defined && v.fields[tag].place == inBody {
			tr.said[used{v.Name, way, kind, tag}] = true
		}
	}
}

// meaningless are fields that FIX wants in requests, or lets be there, and the exchange does not look at.
var meaningless = []int{21, 38}

// neverSent are fields that a version has and the page tells of for another: a trigger has an ExecType of its own in FIX.5.0SP2, and the tick a field.
var neverSent = []used{{FIX50SP2.Name, "out", "8", tagExecRestatementReason}, {FIX50SP2.Name, "out", "y", tagText}}

// check holds what was said to docs/fix.md, both ways.
func (u usage) check(t *testing.T) {
	page := readPage(t)
	for k := range u {
		m, told := page[k.kind]
		switch {
		case k.tag == 0 || !told && k.way == "in": // what is not taken is not told of
		case !told:
			t.Errorf("%s sends %s, which docs/fix.md does not tell of", k.version, k.kind)
		case k.way == "in" && (slices.Contains(meaningless, k.tag) || slices.Contains(unsupportedFields[:], k.tag)):
		case !m.fields[k.tag][k.version] && m.versions[k.version]:
			t.Errorf("%s has field %d in %s (%s), which docs/fix.md does not tell of", k.version, k.tag, k.kind, k.way)
		}
	}
	for kind, m := range page {
		for version := range m.versions {
			for _, way := range m.ways {
				if !strings.Contains("01245A", kind) && !u[used{version, way, kind, 0}] { // the session's have stories of their own
					t.Errorf("no story has %s %s in %s", kind, way, version)
				}
			}
		}
		for tag, versions := range m.fields {
			for version := range versions {
				k := used{version, "out", kind, tag}
				if m.ways[0] == "out" && !u[k] && !slices.Contains(neverSent, k) {
					t.Errorf("no story has field %d in %s of %s", tag, kind, version)
				}
			}
		}
	}
}

// pageMessage is what docs/fix.md says about a message.
type pageMessage struct {
	ways     []string
	versions map[string]bool
	fields   map[int]map[string]bool // by tag, in which versions
}

var (
	pageHeading = regexp.MustCompile(`^### (\w+) \w+$`)
	pageRow     = regexp.MustCompile(`^\| (\d+) \| \w+ \| ([^|]*) \|`)
	shortNames  = map[string]string{"4.2": FIX42.Name, "4.4": FIX44.Name, "5.0": FIX50SP2.Name}
)

// readPage reads the tables of docs/fix.md.
func readPage(t *testing.T) map[string]*pageMessage {
	raw, err := os.ReadFile("../docs/fix.md")
	if err != nil {
		t.Fatal(err)
	}
	page := map[string]*pageMessage{}
	var m *pageMessage
	for _, line := range strings.Split(string(raw), "\n") {
		if h := pageHeading.FindStringSubmatch(line); h != nil {
			m = &pageMessage{versions: map[string]bool{}, fields: map[int]map[string]bool{}}
			page[h[1]] = m
			continue
		}
		if m == nil {
			continue
		}
		switch line {
		case "To the exchange.":
			m.ways = []string{"in"}
		case "From the exchange.":
			m.ways = []string{"out"}
		case "Both ways.":
			m.ways = []string{"in", "out"}
		}
		if row := pageRow.FindStringSubmatch(line); row != nil {
			tag, _ := strconv.Atoi(row[1])
			m.fields[tag] = map[string]bool{}
			for _, short := range strings.Fields(strings.ReplaceAll(row[2], "*", "")) {
				m.versions[shortNames[short]] = true
				m.fields[tag][shortNames[short]] = true
			}
		}
	}
	if len(page) < 25 {
		t.Fatalf("docs/fix.md has %d messages", len(page))
	}
	return page
}
