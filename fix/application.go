package fix

import (
	"errors"
	"fmt"

	"exchange/book"
)

// Application is what application messages of a session are for. Without one an Acceptor is the exchange's: orders become commands of the book
// (orders.go). It is called under the acceptor's own calls, and must not call it back.
type Application interface {
	// Take is given an application message that came in order and without fault. It makes the command that answers it: c is a SessionMessage that consumes the
	// number and sends nothing, until Code says what is sent and the text (ClientID and OrigID) what Encode needs to know. false: the MsgType is
	// not taken. m is not kept.
	Take(m *Message, c *book.Command) bool
	// Encode appends the body of an event with the Code, each field as tag=value SOH, in the order they are sent. It is called again, and gives the same,
	// when the message is sent again.
	Encode(dst []byte, ev *book.Event) []byte
}

// application gives a message to whom it is for.
func (a *Acceptor) application(in *inbound) {
	if a.cfg.Application == nil {
		a.exchange(in)
		return
	}
	c := a.consume(in, 0)
	if in.m.is(tagPossResend, 'Y') {
		c.Flags |= book.PossResend
	}
	if !a.cfg.Application.Take(in.m, c) {
		// The number is this command's; the refusal takes its place.
		a.cmds = a.cmds[:len(a.cmds)-1]
		a.expected--
		a.unsupported(in)
	}
}

// unsupported answers a message of the version that is not taken.
func (a *Acceptor) unsupported(in *inbound) {
	c := a.refuse(in, 'j')
	c.Reason = businessUnsupportedMsgType
}

// exchange gives a message to the order book's side.
func (a *Acceptor) exchange(in *inbound) {
	kind := string(in.m.msgType())
	if a.session.DropCopy && kind != "x" && kind != "e" && kind != "V" && kind != "BT" {
		a.refuseText(in, a.session.Version.business(businessNotAuthorized), "a drop-copy session enters nothing")
		return
	}
	switch kind {
	case "D":
		a.newOrder(in)
	case "F":
		a.cancelRequest(in)
	case "G":
		a.replaceRequest(in)
	case "H":
		a.statusRequest(in)
	case "AF":
		a.massStatusRequest(in)
	case "q":
		a.massCancelRequest(in)
	case "x":
		a.securityListRequest(in)
	case "BT":
		a.marketDefinitionRequest(in)
	case "V":
		a.marketDataRequest(in)
	case "e":
		a.securityStatusRequest(in)
	default:
		a.unsupported(in)
	}
}

// Errors of Parse.
var (
	// ErrGarbled: the frame counts as not received.
	ErrGarbled = errors.New("fix: garbled")
	// ErrRejected: a session would answer the message with a Reject.
	ErrRejected = errors.New("fix: rejected")
)

// Parse reads one frame and checks it against the version. m holds it until the next, and refers to the frame's bytes. The error says what
// is wrong.
func (m *Message) Parse(v *Version, frame []byte) error {
	if why := m.parse(frame); why != notGarbled {
		return fmt.Errorf("%w: %s", ErrGarbled, why)
	}
	if f := v.validate(m); f.found {
		return fmt.Errorf("%w: %s, tag %d", ErrRejected, sessionRejectText(f.reason), f.tag)
	}
	return nil
}

// MsgType is MsgType (35), valid as long as the message.
func (m *Message) MsgType() []byte { return m.msgType() }

// Value is the value of a tag's first occurrence, nil if there is none.
func (m *Message) Value(tag int) []byte {
	if tag <= 0 || tag >= indexedTags {
		return nil
	}
	return m.get(tag)
}

// Body calls f with each field of the message that belongs neither to the header nor to the trailer of the version, in the order received.
func (m *Message) Body(v *Version, f func(tag int, value []byte)) {
	for i := range m.fields {
		tag := m.fields[i].tag
		if uint32(tag) < indexedTags && v.fields[tag].place == inBody {
			f(int(tag), m.valueAt(i))
		}
	}
}
