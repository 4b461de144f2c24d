package server

import (
	"exchange/consensus"
	"exchange/rdmaio"
)

// consensus makes the node's settings.
func (c *Config) consensus(in incarnation) consensus.Config {
	return consensus.Config{
		Local: rdmaio.NodeID(c.ID), Members: c.members(), Incarnation: in.number, Learner: in.learner,
		LogBytes: c.Limits.LogBytes, HeartbeatInterval: int64(c.Timing.HeartbeatInterval), CommitPush: int64(c.Timing.CommitPush),
		MaxLogPin: int64(c.Timing.MaxLogPin),
	}
}

// followConsensus acts on what happened to the node, and writes a line about each change.
func (r *Replica) followConsensus(now int64) {
	r.notices = r.node.AppendEvents(r.notices[:0])
	for _, e := range r.notices {
		line := r.log.Info().Int("replica", r.cfg.ID).Uint64("entry", r.applied.Index)
		if e.Peer != 0 {
			line = line.Int("peer", int(e.Peer))
		}
		if e.Kind == consensus.RoleChanged {
			line = line.Str("role", e.Role.String())
		}
		if e.Reason != "" {
			line = line.Str("reason", e.Reason)
		}
		line.Msg(e.Kind.String())
		if e.Kind == consensus.PeerSilent || e.Kind == consensus.PeerDied || e.Kind == consensus.RoleChanged {
			r.thread.Hurry(now)
		}
		if e.Kind == consensus.Stopped {
			r.fail(r.node.Err())
		}
		if e.Kind == consensus.SnapshotNeeded {
			r.haveState = false
			r.host.fetch()
		}
	}
	switch leads := r.node.Leading(); {
	case leads && !r.leading.active:
		r.leading.begin(now)
	case !leads && r.leading.active:
		r.leading.end(r)
	}
}
