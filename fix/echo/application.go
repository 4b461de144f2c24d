package main

import (
	"sort"
	"strconv"
	"strings"

	"exchange/book"
	"exchange/fix"
)

// echo returns NewOrderSingle and SecurityDefinition (D and d), as session suites expect; every other application message is refused as not
// supported. A message with 97=Y whose ClOrdID was returned before is not returned again. Called under the venue's lock.
type echo struct {
	version *fix.Version
	bodies  []string // by the number that an event's text gives; at most maxBodies, the newest
	first   int      // number of bodies[0]
	orders  map[string]bool
}

// maxBodies bounds what can be sent again.
const maxBodies = 1 << 16

const (
	tagClOrdID    = 11
	tagPossResend = 97
)

// Take keeps the body and has it sent back.
func (a *echo) Take(m *fix.Message, c *book.Command) bool {
	kind := string(m.MsgType())
	if kind != "D" && kind != "d" {
		return false
	}
	if id := string(m.Value(tagClOrdID)); id != "" {
		if string(m.Value(tagPossResend)) == "Y" && a.orders[id] {
			return true
		}
		a.orders[id] = true
	}
	c.Code = kind[0]
	copy(c.ClientID[:], strconv.Itoa(a.first+len(a.bodies)))
	a.bodies = append(a.bodies, a.body(m))
	if len(a.bodies) > maxBodies {
		drop := maxBodies / 2
		a.first += drop
		a.bodies = append([]string(nil), a.bodies[drop:]...)
	}
	return true
}

// body writes the fields in ascending order of the tags; the fields of a group stay together behind their count.
func (a *echo) body(m *fix.Message) string {
	type entry struct {
		tag  int
		text strings.Builder
	}
	var entries []*entry
	groups := 0
	m.Body(a.version, func(tag int, value []byte) {
		if groups > 0 && a.version.InGroup(string(m.MsgType()), entries[len(entries)-1].tag, tag) {
			field(&entries[len(entries)-1].text, tag, value)
			return
		}
		groups = 0
		if a.version.Counts(tag) {
			groups = 1
		}
		e := &entry{tag: tag}
		field(&e.text, tag, value)
		entries = append(entries, e)
	})
	sort.SliceStable(entries, func(i, k int) bool { return entries[i].tag < entries[k].tag })
	var b strings.Builder
	for _, e := range entries {
		b.WriteString(e.text.String())
	}
	return b.String()
}

func field(b *strings.Builder, tag int, value []byte) {
	b.WriteString(strconv.Itoa(tag))
	b.WriteByte('=')
	b.Write(value)
	b.WriteByte(0x01)
}

// Encode appends the body that the event's text names.
func (a *echo) Encode(dst []byte, ev *book.Event) []byte {
	n, err := strconv.Atoi(strings.TrimRight(string(ev.ClientID[:]), "\x00"))
	if err != nil || n < a.first || n-a.first >= len(a.bodies) {
		return dst
	}
	return append(dst, a.bodies[n-a.first]...)
}
