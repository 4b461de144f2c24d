package main

import (
	"bytes"
	"fmt"
	"strings"
)

// The tables of docs/fix.md lie between these lines.
const (
	pageBegin = "<!-- made from fix/dictionary/table.txt by go generate ./fix -->\n"
	pageEnd   = "<!-- end of what is made -->\n"
)

// ways are the headings, by direction.
var ways = map[string]string{"in": "to the exchange", "out": "from the exchange", "both": "both ways"}

// writePage puts the message tables into the page.
func (t *table) writePage(page []byte) ([]byte, error) {
	before, rest, ok := bytes.Cut(page, []byte(pageBegin))
	_, after, also := bytes.Cut(rest, []byte(pageEnd))
	if !ok || !also {
		return nil, fmt.Errorf("the lines %q and %q are not there", strings.TrimSpace(pageBegin), strings.TrimSpace(pageEnd))
	}
	var b bytes.Buffer
	b.Write(before)
	b.WriteString(pageBegin)
	for _, m := range t.messages {
		if len(m.says) > 0 {
			t.messageTable(&b, m)
		}
	}
	b.WriteString(pageEnd)
	b.Write(after)
	return b.Bytes(), nil
}

func (t *table) messageTable(b *bytes.Buffer, m *message) {
	way := m.says[0].way
	for _, s := range m.says {
		if s.way != way {
			way = "both"
		}
	}
	fmt.Fprintf(b, "\n### %s %s\n%s.\n\n| tag | | in | | |\n| --- | --- | --- | --- | --- |\n", m.kind, m.name, strings.ToUpper(ways[way][:1])+ways[way][1:])
	for _, s := range m.says {
		name, _ := t.nameIn(m, s.tag)
		format := ""
		var in []string
		for _, v := range versions {
			e, ok := find(m.body[v.letter], s.tag)
			if !ok {
				continue
			}
			format = t.fields[v.letter][s.tag].format
			if e.required {
				in = append(in, "**"+v.short+"**")
			} else {
				in = append(in, v.short)
			}
		}
		fmt.Fprintf(b, "| %d | %s | %s | %s | %s |\n", s.tag, name, strings.Join(in, " "), format, s.text)
	}
}
