package server

import (
	"time"

	"exchange/consensus"
	"exchange/rdmaio"

	"github.com/valyala/fasthttp"
)

// Switchover is the answer to a leader's being asked to hand over, when it has.
type Switchover struct {
	From int `json:"from"`
	To   int `json:"to"` // who was asked to lead
	// At is the CLOCK_MONOTONIC time of the leader's host at which it began: from then on it proposed nothing. ns.
	At int64 `json:"at_mono_ns"`
}

// switchoverLook is how often it is looked whether the leader has handed over.
const switchoverLook = time.Millisecond

// switchover asks consensus to hand over and waits until this replica has stepped down, or goes on leading. Orders that come meanwhile wait in the inbox;
// those that are not proposed any more get no answer here, as with any change of leader: their owners come to the next leader and send them again.
func (h *httpServer) switchover(c *fasthttp.RequestCtx) {
	to := c.QueryArgs().GetUintOrZero("to")
	answered := Switchover{From: h.r.cfg.ID}
	var err error
	var s consensus.Status
	running := h.r.do(func() {
		if err = h.r.node.HandOver(rdmaio.NodeID(to)); err == nil {
			answered.At = monotonic()
			s = h.r.node.Status()
		}
	})
	answered.To = int(s.Successor)
	for running && err == nil && s.Successor != 0 {
		time.Sleep(switchoverLook)
		running = h.r.do(func() { s = h.r.node.Status() })
	}
	switch {
	case !running:
		c.Error("the replica is stopping", fasthttp.StatusServiceUnavailable)
	case err != nil:
		c.Error(err.Error(), fasthttp.StatusConflict)
	case s.Role == consensus.Leader:
		c.Error("the replica goes on leading: its successor did not have everything in time; ask again", fasthttp.StatusConflict)
	default:
		answer(c, answered)
	}
}
