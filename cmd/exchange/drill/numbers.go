package drill

import (
	"bytes"
	"fmt"
	"hash/fnv"

	"exchange/fix"
)

// numbers follows the numbers that a venue gave its messages to one session.
type numbers struct {
	content map[uint64]uint64 // application messages: hash of all but what a resend changes
	seen    map[uint64]struct{}
	highest uint64
	faults  []string
	count   int
}

func newNumbers() *numbers {
	return &numbers{content: map[uint64]uint64{}, seen: map[uint64]struct{}{}}
}

func (n *numbers) fault(format string, args ...any) {
	n.count++
	if len(n.faults) < 10 {
		n.faults = append(n.faults, fmt.Sprintf(format, args...))
	}
}

// take follows one message, seen for the first time or again.
func (n *numbers) take(r *fix.Received) {
	if r.Is("5") && bytes.HasPrefix([]byte(r.Text), []byte("MsgSeqNum too low")) {
		n.fault("logged out: %s", r.Text)
	}
	if r.Is("4") {
		for seq := r.Seq; r.NewSeqNo > seq && r.NewSeqNo-seq < 1<<20; seq++ {
			n.mark(seq)
		}
		return
	}
	n.mark(r.Seq)
	if !application(r) {
		return
	}
	content := contentOf(r.Raw)
	if before, again := n.content[r.Seq]; again && before != content {
		n.fault("number %d has two contents; now: %s", r.Seq, fix.Readable(r.Raw))
	}
	n.content[r.Seq] = content
}

func (n *numbers) mark(seq uint64) {
	n.seen[seq] = struct{}{}
	n.highest = max(n.highest, seq)
}

func application(r *fix.Received) bool {
	return r.Is("8") || r.Is("9") || r.Is("j")
}

// holes counts the numbers up to the highest that never came.
func (n *numbers) holes() int { return int(n.highest) - len(n.seen) }

// contentOf hashes a frame without the fields that a resend may change: 8, 9, 10, 43, 52, 122.
func contentOf(frame []byte) uint64 {
	h := fnv.New64a()
	for _, field := range bytes.Split(frame, []byte{1}) {
		tag, _, _ := bytes.Cut(field, []byte("="))
		switch string(tag) {
		case "8", "9", "10", "43", "52", "122":
		default:
			h.Write(field)
			h.Write([]byte{1})
		}
	}
	return h.Sum64()
}
