package consensus

import (
	"fmt"

	"exchange/rdmaio"
)

// What follows is for whoever watches a node from outside, between two Polls: a simulation, or a test of an application.

// MaxPayload is the longest payload that Propose takes, in bytes.
func (n *Node) MaxPayload() int { return n.cfg.MaxPayload }

// Decided is the first undecided offset: everything before it is decided and lies in this node's log.
func (n *Node) Decided() Position { return n.fuo }

// Votes tells whether the node counts for majorities.
func (n *Node) Votes() bool { return n.voter && n.err == nil }

// Epoch is the highest proposal number in this node's log header; a leader's is its own.
func (n *Node) Epoch() uint64 { return load(n.log.region, wordMinProposal) }

// CheckDecided reads what is decided and not yet taken by the application from the log's memory again, and says what is wrong with it. Nothing in there
// may change, so all of it must be complete and end at the first undecided offset.
func (n *Node) CheckDecided() error {
	at := n.handed
	for at.Offset < n.fuo.Offset {
		h, _, ok := n.log.parse(at)
		if !ok {
			return fmt.Errorf("consensus: replica %d: decided entry %d at offset %d is not complete in its log", n.cfg.Local, at.Index+1, at.Offset)
		}
		at = h.after()
	}
	if n.err == nil && at != n.fuo {
		return fmt.Errorf("consensus: replica %d: its decided entries end at %+v, it says %+v", n.cfg.Local, at, n.fuo)
	}
	return nil
}

// Written is the offset behind everything that the node has proposed or written again in its present or latest leadership.
func (n *Node) Written() uint64 { return n.lead.end.Offset }

// Holds reads the entry behind the position from the log's memory, and tells whether every byte of it is in place, and where it ends.
func (n *Node) Holds(at Position) (after Position, ok bool) {
	h, _, ok := n.log.parse(at)
	return h.after(), ok
}

// Role is what the node is.
func (n *Node) Role() Role { return n.role }

// Undecided is how many bytes of a leader's log it has proposed and not seen decided; 0 for others.
func (n *Node) Undecided() uint64 {
	if n.role != Leader {
		return 0
	}
	return n.lead.end.Offset - n.fuo.Offset
}

// CheckCommit says whether a follower was told that more is decided than lies in its log, complete. A commit offset is written behind the entries that it speaks
// of, so a Poll that finds it finds those too.
func (n *Node) CheckCommit() error {
	told := load(n.log.region, wordCommit)
	if n.role != Follower || n.empty || n.err != nil || told <= n.fuo.Offset {
		return nil
	}
	return fmt.Errorf("consensus: replica %d was told that all before offset %d is decided, and has entries up to offset %d", n.cfg.Local, told, n.fuo.Offset)
}

// Writes tells whether the node leads and counts on the member's log, and where what it has proposed ends.
func (n *Node) Writes(member rdmaio.NodeID) (end uint64, ok bool) {
	p := n.byID[member]
	if n.role != Leader || p == nil || p.state != confirmed {
		return 0, false
	}
	return n.lead.end.Offset, true
}
