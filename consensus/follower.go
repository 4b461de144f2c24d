package consensus

import "fmt"

// entriesPerPoll bounds how much of its log a follower looks at in one Poll.
const entriesPerPoll = 4096

// follow looks at what was written into our log. What is complete counts as accepted; what lies below the greatest commit offset seen is decided.
func (n *Node) follow() {
	if n.empty {
		return
	}
	if m := load(n.log.region, wordMinProposal); m != n.promised {
		if m < n.promised {
			n.halt("the proposal number in this log's header fell from %d to %d", n.promised, m)
			return
		}
		n.promised = m
		n.scan = n.fuo // what lies behind it is another's, and may be written over
	}
	n.examine(n.promised)
	n.seeAdmission()
}

// examine goes through the complete entries that were written under a number from lowest on. An older one behind what is decided is a tail that nobody has
// adopted yet: whoever goes past it would not see what is written over it.
func (n *Node) examine(lowest uint64) {
	n.commit = max(n.commit, load(n.log.region, wordCommit))
	if h := n.byID[n.holder]; planted("commit offset learnt elsewhere") && h != nil {
		n.commit = max(n.commit, h.fresh.fuo)
	}
	n.believe()
	if n.scan.Offset < n.fuo.Offset {
		n.scan = n.fuo
	}
	for range entriesPerPoll {
		h, _, ok := n.log.parse(n.scan)
		if !ok || h.proposal < lowest && n.scan.Offset >= n.commit && !planted("old tail counted as log") {
			break
		}
		n.commit = max(n.commit, h.commit)
		n.scan = h.after()
		if planted("apply above commit") {
			n.commit = n.scan.Offset
		}
	}
	n.believe()
}

// settle looks at all of a log that nobody else may write at the moment, and shows how far it is decided. Whoever is let in READs one window behind
// that, and what may be decided beyond it would be lost: every entry carries a commit offset that lies at most a window before its end, so after
// settling no complete entry ends more than a window behind the first undecided offset.
func (n *Node) settle() {
	for !n.empty {
		scan, fuo := n.scan.Offset, n.fuo.Offset
		n.examine(0)
		if n.scan.Offset == scan && n.fuo.Offset == fuo {
			break
		}
	}
	store(n.background, wordFUO, n.fuo.Offset)
}

// believe moves a follower's first undecided offset up to the commit offset that it found in its own log. Only that one will do: it was written there
// behind the entries it speaks of. What is known to be decided elsewhere says nothing about a tail that somebody else may have left here.
func (n *Node) believe() {
	for range entriesPerPoll {
		if n.fuo.Offset >= n.commit {
			return
		}
		after, ok := n.next()
		if !ok {
			return
		}
		if after.Offset > n.commit {
			n.halt("no entry ends at the commit offset %d: after %+v comes one up to %d", n.commit, n.fuo, after.Offset)
			return
		}
		n.fuo = after
	}
}

// next is the position behind the entry at the first undecided offset. One that was examined under the present writer is complete.
func (n *Node) next() (after Position, ok bool) {
	if n.fuo.Offset < n.scan.Offset {
		after, _, _, ok = n.log.past(n.fuo)
		return after, ok
	}
	h, _, ok := n.log.parse(n.fuo)
	return h.after(), ok
}

// decideTo moves a leader's first undecided offset. Invariant: it never falls, and stands between entries of our own.
func (n *Node) decideTo(offset uint64) {
	if offset == n.lead.end.Offset { // all there is, as after most proposals
		n.fuo = n.lead.end
		return
	}
	for n.fuo.Offset < offset {
		after, _, _, ok := n.log.past(n.fuo)
		if !ok || after.Offset > offset {
			n.halt("no entry ends at the decided offset %d: after %+v comes one up to %d", offset, n.fuo, after.Offset)
			return
		}
		n.fuo = after
	}
}

// seeAdmission makes a learner a voter once a leader has written, behind everything decided, that it is one.
func (n *Node) seeAdmission() {
	if n.voter || load(n.log.region, wordAdmitted) != n.cfg.Incarnation {
		return
	}
	n.voter = true
	n.role = Follower
	n.setReason("brought up to the decided state")
	n.tell(Event{Kind: RoleChanged, Role: n.role, Reason: n.reason})
}

// InstallSnapshot says that the application's state is now that at the position. Entries go on from there.
func (n *Node) InstallSnapshot(at Position) error {
	if n.role == Leader || n.role == Candidate {
		return fmt.Errorf("consensus: a %v takes no snapshot", n.role)
	}
	if needed := load(n.background, wordNeedsState); at.Offset < n.fuo.Offset || at.Offset+1 < needed {
		return fmt.Errorf("consensus: the snapshot at %d is behind: this log is at %d, the others' begin at %d", at.Offset, n.fuo.Offset, max(needed, 1)-1)
	}
	n.applied, n.handed, n.fuo, n.scan = at, at, at, at
	n.floor = at.Offset
	n.empty = false
	store(n.background, wordNeedsState, 0)
	n.publish()
	return nil
}
