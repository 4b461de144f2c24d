package fix

import (
	"fmt"
	"strings"
)

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
	formatCount // NumInGroup
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
	// enum, if not 0, is the set of one-byte values allowed, at enums[enum].
	enum uint8
	// group, if not 0, is the repeating group that this NumInGroup field starts, at groups[group].
	group uint8
}

// byteSet is a set of ASCII bytes.
type byteSet [2]uint64

func (s *byteSet) has(c byte) bool { return c < 128 && s[c>>6]&(1<<(c&63)) != 0 }

// tagSet is a set of tags below indexedTags.
type tagSet [indexedTags / 64]uint64

func (s *tagSet) add(tag int)      { s[tag>>6] |= 1 << (tag & 63) }
func (s *tagSet) has(tag int) bool { return s[tag>>6]&(1<<(tag&63)) != 0 }

// groupRule is a repeating group: its first member starts each instance.
type groupRule struct {
	delimiter int32
	members   tagSet
}

// messageRule is what a version says about a message that we take.
type messageRule struct {
	allowed  tagSet
	required []int
}

// Version is a version of FIX as we speak it: its BeginString and its dictionary. Versions are package variables, made at start and never
// changed.
type Version struct {
	// BeginString is field 8.
	BeginString string
	// maxRejectReason is the highest SessionRejectReason (373) that the version defines.
	maxRejectReason uint8
	// replacedStatus: ExecutionReport of a replace carries OrdStatus (39) 5.
	replacedStatus bool
	// secondaryExecID: ExecutionReport has 527.
	secondaryExecID bool

	fields [indexedTags]fieldRule
	enums  []byteSet
	groups []groupRule
	// one holds messages with a MsgType of one byte.
	one [128]*messageRule
	// known holds every MsgType that the version defines.
	known map[string]bool
	// headerRequired are the header fields that every message must have, besides 8, 9 and 35.
	headerRequired []int
	spec           *versionSpec
}

// FIX44 is FIX.4.4.
var FIX44 = newVersion(&fix44)

// versionSpec is a version as a table: what validation, encoding and the description of the dialect are made from.
type versionSpec struct {
	beginString     string
	lastTag         int // tags 1..lastTag are defined
	maxRejectReason uint8
	replacedStatus  bool
	secondaryExecID bool
	msgTypes        string // all of the version, by blanks
	header, trailer []int
	headerRequired  []int
	fields          []fieldSpec
	groups          []groupSpec
	messages        []messageSpec
}

type fieldSpec struct {
	tag    int
	name   string
	format format
	enum   string // one-byte values allowed; empty: any
}

type groupSpec struct {
	count   int
	members []int // the delimiter first; a nested group by its count field
}

type messageSpec struct {
	msgType, name      string
	required, optional []int
}

// newVersion makes the tables; it panics on a table that contradicts itself.
func newVersion(s *versionSpec) *Version {
	v := &Version{
		BeginString: s.beginString, maxRejectReason: s.maxRejectReason, replacedStatus: s.replacedStatus,
		secondaryExecID: s.secondaryExecID, known: map[string]bool{}, headerRequired: s.headerRequired, spec: s,
		enums: make([]byteSet, 1), groups: make([]groupRule, 1),
	}
	for tag := 1; tag <= s.lastTag; tag++ {
		v.fields[tag].defined = true
	}
	for _, f := range s.fields {
		rule := &v.fields[f.tag]
		if !rule.defined || rule.format != formatString {
			panic(fmt.Sprintf("fix: %s: field %d is out of range or listed twice", s.beginString, f.tag))
		}
		rule.format = f.format
		if f.enum != "" {
			var set byteSet
			for _, c := range []byte(f.enum) {
				set[c>>6] |= 1 << (c & 63)
			}
			v.enums = append(v.enums, set)
			rule.enum = uint8(len(v.enums) - 1)
		}
	}
	for _, tag := range s.header {
		v.fields[tag].place = inHeader
	}
	for _, tag := range s.trailer {
		v.fields[tag].place = inTrailer
	}
	for _, g := range s.groups {
		rule := groupRule{delimiter: int32(g.members[0])}
		for _, tag := range g.members {
			rule.members.add(tag)
		}
		v.groups = append(v.groups, rule)
		v.fields[g.count].group = uint8(len(v.groups) - 1)
		if v.fields[g.count].format != formatCount {
			panic(fmt.Sprintf("fix: %s: field %d counts a group but is no NumInGroup", s.beginString, g.count))
		}
	}
	for _, t := range strings.Fields(s.msgTypes) {
		v.known[t] = true
	}
	for i := range s.messages {
		v.addMessage(&s.messages[i])
	}
	return v
}

func (v *Version) addMessage(s *messageSpec) {
	if len(s.msgType) != 1 || !v.known[s.msgType] {
		panic("fix: MsgType " + s.msgType + " is not of " + v.BeginString)
	}
	rule := &messageRule{required: s.required}
	for _, tags := range [][]int{s.required, s.optional} {
		for _, tag := range tags {
			rule.allowed.add(tag)
		}
	}
	v.one[s.msgType[0]] = rule
}

// message gives the rule of a MsgType that we take, nil for every other.
func (v *Version) message(msgType []byte) *messageRule {
	if len(msgType) == 1 && msgType[0] < 128 {
		return v.one[msgType[0]]
	}
	return nil
}
