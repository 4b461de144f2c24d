package fix

import (
	"fmt"
	"strconv"
	"strings"
)

//go:generate go run ./dictionary

// format is the data type of a field's value.
type format uint8

const (
	formatString format = iota
	formatChar
	formatBoolean
	formatInt
	formatSeqNum
	formatLength
	formatFloat
	formatTimestamp
	formatDate
	formatData
	formatCount    // NumInGroup
	formatMultiple // values with blanks between them
)

// place is the part of a message that a field belongs to.
type place uint8

const (
	inBody place = iota
	inHeader
	inTrailer
)

// fieldRule is what a version says about a tag, ready for the hot path.
type fieldRule struct {
	defined bool
	format  format
	place   place
	// values, if not 0, are those allowed, at Version.values[values].
	values uint16
}

// valueSet is the values that a field may have: those of one byte as a set, the others in a list.
type valueSet struct {
	bytes  [2]uint64
	longer []string
}

func (s *valueSet) has(value []byte) bool {
	if len(value) == 1 {
		c := value[0]
		return c < 128 && s.bytes[c>>6]&(1<<(c&63)) != 0
	}
	for _, v := range s.longer {
		if v == string(value) {
			return true
		}
	}
	return false
}

// tagSet is a set of tags below indexedTags.
type tagSet [indexedTags / 64]uint64

func (s *tagSet) add(tag int)      { s[tag>>6] |= 1 << (tag & 63) }
func (s *tagSet) has(tag int) bool { return s[tag>>6]&(1<<(tag&63)) != 0 }

// groupRule is a repeating group: its first member starts each instance.
type groupRule struct {
	delimiter int32
	members   tagSet
	required  []int32
	groups    []groupAt
}

// groupAt says which rule holds for the group that a NumInGroup field counts.
type groupAt struct {
	count int32
	rule  *groupRule
}

func groupOf(groups []groupAt, count int32) *groupRule {
	for i := range groups {
		if groups[i].count == count {
			return groups[i].rule
		}
	}
	return nil
}

// messageRule is what a version says about a message whose body we know.
type messageRule struct {
	name     string
	allowed  tagSet
	required []int
	groups   []groupAt
	// fields, if not nil, are the only ones that are known in this message: on FIXT, those of the transport in its own messages.
	fields *tagSet
}

// Version is a version of FIX as we speak it, with its dictionary. Versions are package variables, made at start and never changed.
type Version struct {
	// Name is how the version is called; BeginString is field 8.
	Name, BeginString string
	// ApplVerID is DefaultApplVerID (1137) on the transport FIXT.1.1, otherwise empty.
	ApplVerID string
	// old is FIX.4.2, whose reports are told differently: ExecTransType (20), no ExecType F and I.
	old bool
	// triggered is the ExecType of a stop that is triggered.
	triggered byte

	fields [indexedTags]fieldRule
	values []valueSet
	// one holds messages with a MsgType of one byte, longer those with more.
	one    [128]*messageRule
	longer map[string]*messageRule
	// known holds every MsgType that the version defines.
	known        map[string]bool
	header       []int // required header fields, besides 8, 9 and 35
	headerGroups []groupAt
	rejectReason *valueSet // SessionRejectReason
}

// The versions spoken.
var (
	FIX42    = newVersion("FIX.4.2", &fix42)
	FIX44    = newVersion("FIX.4.4", &fix44)
	FIX50SP2 = newVersion("FIX.5.0SP2", &fix50SP2)
)

// VersionNames are the names that VersionNamed knows.
var VersionNames = []string{FIX42.Name, FIX44.Name, FIX50SP2.Name}

// VersionNamed finds a version by its name, or by its BeginString.
func VersionNamed(name string) (*Version, bool) {
	for _, v := range []*Version{FIX42, FIX44, FIX50SP2} {
		if name == v.Name || name == v.BeginString {
			return v, true
		}
	}
	return nil, false
}

// versionSpec is a version as fix/dictionary writes it down. Elements are tags with blanks between; ! marks what is required, and brackets behind
// a NumInGroup field hold its group, the delimiter first.
type versionSpec struct {
	beginString, applVerID string
	fields                 []typedFields
	values                 []valueSpec
	msgTypes               string
	header, trailer        string
	messages               []messageSpec
}

type typedFields struct {
	format format
	tags   string
}

type valueSpec struct{ values, tags string }

type messageSpec struct{ msgType, name, body string }

// newVersion makes the tables; it panics on a specification that contradicts itself.
func newVersion(name string, s *versionSpec) *Version {
	v := &Version{
		Name: name, BeginString: s.beginString, ApplVerID: s.applVerID, old: s.beginString == "FIX.4.2", triggered: 'D',
		known: map[string]bool{}, longer: map[string]*messageRule{}, values: make([]valueSet, 1),
	}
	for _, f := range s.fields {
		for _, tag := range tagsIn(f.tags) {
			v.fields[tag] = fieldRule{defined: true, format: f.format}
		}
	}
	for _, s := range s.values {
		v.values = append(v.values, newValueSet(s.values))
		for _, tag := range tagsIn(s.tags) {
			v.fields[tag].values = uint16(len(v.values) - 1)
		}
	}
	v.rejectReason = &v.values[v.fields[tagSessionRejectReason].values]
	if v.values[v.fields[tagExecType].values].has([]byte{'L'}) {
		v.triggered = 'L'
	}
	for _, t := range strings.Fields(s.msgTypes) {
		v.known[t] = true
	}
	b := bodyReader{version: v, groups: map[string]*groupRule{}}
	b.envelope(s)
	for _, m := range s.messages {
		rule := &messageRule{name: m.name}
		b.words = m.body
		b.read(func(tag int, required bool) {
			rule.allowed.add(tag)
			if required {
				rule.required = append(rule.required, tag)
			}
		}, &rule.groups)
		if len(m.msgType) == 1 {
			v.one[m.msgType[0]] = rule
		} else {
			v.longer[m.msgType] = rule
		}
	}
	if v.ApplVerID != "" {
		v.bound("012345A")
	}
	return v
}

// bound lets the messages know no fields but their own and those of header and trailer.
func (v *Version) bound(msgTypes string) {
	known := &tagSet{}
	for tag := range v.fields {
		if v.fields[tag].place != inBody {
			known.add(tag)
		}
	}
	for i := range msgTypes {
		rule := v.one[msgTypes[i]]
		rule.fields = known
		for k := range known {
			known[k] |= rule.allowed[k]
		}
		for _, g := range rule.groups {
			for k := range known {
				known[k] |= g.rule.members[k]
			}
		}
	}
}

func tagsIn(list string) []int {
	var tags []int
	for _, w := range strings.Fields(list) {
		tag, err := strconv.Atoi(w)
		if err != nil || tag <= 0 || tag >= indexedTags {
			panic(fmt.Sprintf("fix: tag %q of a table", w))
		}
		tags = append(tags, tag)
	}
	return tags
}

func newValueSet(list string) (s valueSet) {
	for _, w := range strings.Fields(list) {
		if len(w) > 1 {
			s.longer = append(s.longer, w)
			continue
		}
		s.bytes[w[0]>>6] |= 1 << (w[0] & 63)
	}
	return s
}

// bodyReader reads elements. A group that stands in many messages is made once.
type bodyReader struct {
	version *Version
	groups  map[string]*groupRule
	words   string
}

// envelope reads header and trailer.
func (b *bodyReader) envelope(s *versionSpec) {
	v := b.version
	b.words = s.header
	b.read(func(tag int, required bool) {
		v.fields[tag].place = inHeader
		if required && tag != tagBeginString && tag != tagBodyLength && tag != tagMsgType {
			v.header = append(v.header, tag)
		}
	}, &v.headerGroups)
	for _, g := range v.headerGroups {
		for tag := range v.fields {
			if g.rule.members.has(tag) {
				v.fields[tag].place = inHeader
			}
		}
	}
	b.words = s.trailer
	b.read(func(tag int, required bool) { v.fields[tag].place = inTrailer }, nil)
}

// read reads elements up to the end, telling of each.
func (b *bodyReader) read(tell func(tag int, required bool), groups *[]groupAt) {
	for {
		b.words = strings.TrimLeft(b.words, " \t\n")
		if b.words == "" || b.words[0] == ')' {
			return
		}
		n := 0
		for n < len(b.words) && b.words[n]-'0' <= 9 {
			n++
		}
		tag := tagsIn(b.words[:n])[0]
		b.words = b.words[n:]
		required := strings.HasPrefix(b.words, "!")
		if required {
			b.words = b.words[1:]
		}
		tell(tag, required)
		if strings.HasPrefix(b.words, "(") {
			*groups = append(*groups, groupAt{int32(tag), b.group()})
		}
	}
}

func (b *bodyReader) group() *groupRule {
	start := b.words
	b.words = b.words[1:]
	rule := &groupRule{}
	b.read(func(tag int, required bool) {
		if rule.delimiter == 0 {
			rule.delimiter = int32(tag)
		} else if required {
			rule.required = append(rule.required, int32(tag))
		}
		rule.members.add(tag)
	}, &rule.groups)
	b.words = b.words[1:] // the closing bracket
	text := start[:len(start)-len(b.words)]
	if same := b.groups[text]; same != nil {
		return same
	}
	b.groups[text] = rule
	return rule
}

// message gives the rule of a MsgType whose body we know, nil for every other.
func (v *Version) message(msgType []byte) *messageRule {
	if len(msgType) == 1 && msgType[0] < 128 {
		return v.one[msgType[0]]
	}
	return v.longer[string(msgType)]
}

// has tells whether a message may have a field.
func (v *Version) has(msgType string, tag int) bool {
	rule := v.message([]byte(msgType))
	return rule != nil && rule.allowed.has(tag)
}

// Counts tells whether a field counts a repeating group.
func (v *Version) Counts(tag int) bool {
	return tag > 0 && tag < indexedTags && v.fields[tag].defined && v.fields[tag].format == formatCount
}

// InGroup tells whether a field belongs to the group that count counts in a message, or to a group inside it.
func (v *Version) InGroup(msgType string, count, tag int) bool {
	rule := v.message([]byte(msgType))
	if rule == nil {
		return false
	}
	return inGroup(groupOf(rule.groups, int32(count)), tag)
}

// groupHas tells whether a group that a message has at its outermost has a field.
func (v *Version) groupHas(msgType string, count, tag int) bool {
	rule := v.message([]byte(msgType))
	g := groupOf(rule.groups, int32(count))
	return g != nil && g.members.has(tag)
}

func inGroup(g *groupRule, tag int) bool {
	if g == nil || tag <= 0 || tag >= indexedTags {
		return false
	}
	if g.members.has(tag) {
		return true
	}
	for _, nested := range g.groups {
		if inGroup(nested.rule, tag) {
			return true
		}
	}
	return false
}
