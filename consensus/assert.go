package consensus

import "fmt"

// halt stops the node: something does not hold that always must, so nothing it would say or do from here on can be trusted. Nobody may write its
// log any more, so that no leader counts it, and its counter stands still, so that the others see it fail.
func (n *Node) halt(format string, args ...any) {
	if n.err != nil {
		return
	}
	n.err = fmt.Errorf("consensus: replica %d stopped: "+format+": start it again without its log", append([]any{n.cfg.Local}, args...)...)
	n.stepDown("stopped")
	for _, p := range n.peers {
		_ = p.log.ModifyAccess(0)
	}
	n.voter, n.empty = false, true
	n.reason = n.err.Error()
	n.publish()
	n.tell(Event{Kind: Stopped, Reason: n.reason})
}

// Err is what stopped the node, or nil. A node that has stopped does nothing any more: end the process and start it again as a learner.
func (n *Node) Err() error { return n.err }

// inspect checks what must hold between two Polls: applied <= handed <= FUO <= end, and the number in our log's header never falls.
func (n *Node) inspect() {
	end := n.fuo.Offset
	if n.role == Leader {
		end = n.lead.end.Offset
	}
	m := load(n.log.region, wordMinProposal)
	switch {
	case n.applied.Offset > n.handed.Offset || n.handed.Offset > n.fuo.Offset || n.fuo.Offset > end:
		n.halt("applied %d, handed out %d, decided %d, end %d must not fall", n.applied.Offset, n.handed.Offset, n.fuo.Offset, end)
	case m < n.promised:
		n.halt("the proposal number in this log's header fell from %d to %d", n.promised, m)
	case n.role == Leader && m != n.lead.proposal:
		n.halt("this replica leads under number %d, and its log's header says %d: another has written it", n.lead.proposal, m)
	}
}
