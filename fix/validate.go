package fix

import "bytes"

// fault is why a message that is not garbled is refused: a SessionRejectReason (373) and the tag it is about. The zero fault is none.
type fault struct {
	found  bool
	reason uint8
	// tag is RefTagID (371), 0 if the fault is not about a tag.
	tag int32
}

func faultOf(reason uint8, tag int32) fault { return fault{found: true, reason: reason, tag: tag} }

// validate checks a message against the version: the first fault in the order of the fields, then the first required tag that is missing.
// The body of a message that we do not take is checked for what needs no knowledge of it.
func (v *Version) validate(m *Message) fault {
	rule := v.message(m.msgType())
	if rule == nil && !v.known[string(m.msgType())] {
		return faultOf(rejectMsgType, 0)
	}
	where := inHeader
	for i := 0; i < len(m.fields); {
		f := &m.fields[i]
		next := i + 1
		if uint32(f.tag-1) >= indexedTags-1 || !v.fields[f.tag].defined || rule != nil && rule.fields != nil && !rule.fields.has(int(f.tag)) {
			return faultOf(rejectInvalidTag, f.tag)
		}
		field := &v.fields[f.tag]
		if f.start == f.end {
			return faultOf(rejectNoValue, f.tag)
		}
		if field.place != where {
			switch {
			case field.place == inHeader, where == inTrailer:
				return faultOf(rejectTagOrder, f.tag)
			default:
				where = field.place
			}
		}
		if field.place != inBody || rule != nil {
			if int(m.first[f.tag]) != i+1 {
				return faultOf(rejectTagTwice, f.tag)
			}
			if reason := v.badValue(field, m.frame[f.start:f.end], &m.day); reason != 0 {
				return faultOf(reason, f.tag)
			}
			if field.format == formatLength && !m.announces(i) {
				return faultOf(rejectDataFormat, f.tag)
			}
			if field.place == inBody && !rule.allowed.has(int(f.tag)) {
				return faultOf(rejectTagNotForMessage, f.tag)
			}
			if field.format == formatCount {
				after, bad := v.checkGroup(m, i, v.groupAt(rule, field.place, f.tag))
				if bad.found {
					return bad
				}
				next = after
			}
		}
		i = next
	}
	for _, tag := range v.header {
		if m.first[tag] == 0 {
			return faultOf(rejectRequiredMissing, int32(tag))
		}
	}
	if m.first[tagApplVerID] != 0 && m.counted() && string(m.get(tagApplVerID)) != v.ApplVerID {
		// FIXT has a reason of its own for this, which dictionaries in use do not know.
		return faultOf(rejectValueOutOfRange, tagApplVerID)
	}
	if rule != nil {
		for _, tag := range rule.required {
			if m.first[tag] == 0 {
				return faultOf(rejectRequiredMissing, int32(tag))
			}
		}
	}
	return fault{}
}

// badValue checks a value's format and enumeration; 0: good.
func (v *Version) badValue(rule *fieldRule, b []byte, day *dayRead) uint8 {
	switch rule.format {
	case formatData:
		return 0
	case formatChar:
		if len(b) != 1 {
			return rejectDataFormat
		}
	case formatBoolean:
		if len(b) != 1 || b[0] != 'Y' && b[0] != 'N' {
			return rejectDataFormat
		}
	case formatInt:
		if b[0] == '-' {
			b = b[1:]
		}
		if _, ok := parseUint(b); !ok {
			return rejectDataFormat
		}
	case formatSeqNum, formatLength, formatCount:
		if _, ok := parseUint(b); !ok {
			return rejectDataFormat
		}
	case formatFloat:
		if !wellFormedFloat(b) {
			return rejectDataFormat
		}
	case formatTimestamp:
		if _, ok := parseTimestamp(b, day); !ok {
			return rejectDataFormat
		}
	case formatDate:
		if _, ok := parseDate(b); !ok {
			return rejectDataFormat
		}
	}
	if rule.values == 0 {
		return 0
	}
	if rule.format == formatMultiple {
		return v.badMultiple(rule, b)
	}
	if !v.values[rule.values].has(b) {
		return rejectValueOutOfRange
	}
	return 0
}

// badMultiple checks values with blanks between them.
func (v *Version) badMultiple(rule *fieldRule, b []byte) uint8 {
	for {
		value, rest, more := bytes.Cut(b, []byte{' '})
		if !v.values[rule.values].has(value) {
			return rejectValueOutOfRange
		}
		if !more {
			return 0
		}
		b = rest
	}
}

// wellFormedFloat tells whether parseDecimal can read b.
func wellFormedFloat(b []byte) bool {
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	digits, points := 0, 0
	for _, c := range b {
		if c-'0' <= 9 {
			digits++
		} else if c == '.' {
			points++
		} else {
			return false
		}
	}
	return digits > 0 && points <= 1
}

// groupAt is the rule of the group that a NumInGroup field of a header or body counts.
func (v *Version) groupAt(rule *messageRule, where place, count int32) *groupRule {
	if where == inHeader {
		return groupOf(v.headerGroups, count)
	}
	return groupOf(rule.groups, count)
}

// checkGroup checks the repeating group whose count field is at i, and gives the position after it.
func (v *Version) checkGroup(m *Message, i int, group *groupRule) (int, fault) {
	countTag := m.fields[i].tag
	want, _ := parseUint(m.valueAt(i))
	var have uint64
	var seen tagSet
	for i++; i < len(m.fields); {
		f := &m.fields[i]
		if group == nil || uint32(f.tag) >= indexedTags || !group.members.has(int(f.tag)) {
			break
		}
		if f.tag == group.delimiter {
			if bad := group.missing(have, &seen); bad.found {
				return 0, bad
			}
			have++
			seen = tagSet{}
		} else if have == 0 {
			// Members before the first delimiter belong to no instance.
			return 0, faultOf(rejectGroupCount, countTag)
		}
		if seen.has(int(f.tag)) {
			return 0, faultOf(rejectTagTwice, f.tag)
		}
		seen.add(int(f.tag))
		if f.start == f.end {
			return 0, faultOf(rejectNoValue, f.tag)
		}
		rule := &v.fields[f.tag]
		if reason := v.badValue(rule, m.frame[f.start:f.end], &m.day); reason != 0 {
			return 0, faultOf(reason, f.tag)
		}
		if rule.format == formatLength && !m.announces(i) {
			return 0, faultOf(rejectDataFormat, f.tag)
		}
		if rule.format != formatCount {
			i++
			continue
		}
		after, bad := v.checkGroup(m, i, groupOf(group.groups, f.tag))
		if bad.found {
			return 0, bad
		}
		i = after
	}
	if have != want {
		return 0, faultOf(rejectGroupCount, countTag)
	}
	return i, group.missing(have, &seen)
}

// missing is the first required member that the instance just ended does not have.
func (g *groupRule) missing(have uint64, seen *tagSet) fault {
	if have == 0 {
		return fault{}
	}
	for _, tag := range g.required {
		if !seen.has(int(tag)) {
			return faultOf(rejectRequiredMissing, tag)
		}
	}
	return fault{}
}
