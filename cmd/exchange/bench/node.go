package bench

import (
	"encoding/binary"
	"fmt"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/server"
	"exchange/cmd/exchange/server/thread"
	"exchange/consensus"
	"exchange/rdmaio"
)

// benchNode is one replica of an application that counts its entries: nothing but consensus.
type benchNode struct {
	provider rdmaio.Provider
	node     *consensus.Node
	at       consensus.Position // applied
	lag      *samples           // from an entry's proposal to its being applied here, ns
	marks    marks
	events   []consensus.Event
	payload  []byte
	proposed int64 // when this node proposed last, as a leader
	floor    *floorLog
	thread   thread.Turns
	park     thread.Parker
}

// marks are the moments of a change of leader as one node saw it, CLOCK_MONOTONIC ns; 0: it did not.
type marks struct {
	Stood   int64 `json:"stood"`   // began its attempt
	Granted int64 `json:"granted"` // let another write its log
	Led     int64 `json:"led"`
	First   int64 `json:"first"` // its first own entry was decided
}

// nodeProposal is what a leader of the fail-over benchmark proposes, and every how often at most.
const (
	nodePayload  = 64
	nodeInterval = 20 * time.Microsecond
)

// clockBase and clockStart make CLOCK_MONOTONIC, which all processes of a host share, out of Go's clock, which is read without a system call.
var clockBase, clockStart = cluster.Monotonic(), time.Now()

func monotonic() int64 { return clockBase + int64(time.Since(clockStart)) }

func newBenchNode(s *rdmaSetup, id int, incarnation uint64) (*benchNode, error) {
	c := s.config
	c.ID = id
	n := &benchNode{lag: newSamples(), payload: make([]byte, nodePayload)}
	p, err := server.OpenProvider(&c, incarnation, &thread.Watch{Turns: &n.thread, Clock: monotonic, Wake: n.park.Wake})
	if err != nil {
		return nil, err
	}
	cfg := consensus.Config{Local: rdmaio.NodeID(id), Incarnation: incarnation, Learner: incarnation > 1}
	for _, m := range c.Members {
		cfg.Members = append(cfg.Members, rdmaio.NodeID(m.ID))
	}
	n.provider = p
	if n.node, err = consensus.New(cfg, p); err != nil {
		p.Close()
		return nil, err
	}
	return n, nil
}

// turn is one look around. A leader proposes if lead says so; others count.
func (n *benchNode) turn(lead bool) {
	now := monotonic()
	n.node.Poll(now)
	n.note(now)
	if lead && n.node.Leading() && now-n.proposed >= int64(nodeInterval) {
		binary.NativeEndian.PutUint64(n.payload, uint64(now))
		if _, err := n.node.Propose(n.payload); err == nil {
			n.proposed = now
		}
	}
	n.take()
	if n.floor != nil {
		n.floor.read()
	}
}

// take applies what is decided.
func (n *benchNode) take() {
	for e, ok := n.node.Next(); ok; e, ok = n.node.Next() {
		n.at = e.After()
		proposed := int64(binary.NativeEndian.Uint64(e.Payload))
		if proposed == 0 {
			continue // nobody wants to know when it was
		}
		now := monotonic()
		n.lag.record(now - proposed)
		if n.marks.Led > 0 && n.marks.First == 0 && proposed >= n.marks.Led {
			n.marks.First = now
		}
	}
}

func (n *benchNode) note(now int64) {
	n.events = n.node.AppendEvents(n.events[:0])
	for _, e := range n.events {
		n.thread.Hurry(now)
		switch {
		case e.Kind == consensus.WriterChanged:
			n.marks.Granted = now
		case e.Kind == consensus.RoleChanged && e.Role == consensus.Candidate:
			n.marks = marks{Stood: now}
		case e.Kind == consensus.RoleChanged && e.Role == consensus.Leader:
			n.marks.Led = now
		}
	}
}

// whole tells whether this node leads all others, as voters.
func (n *benchNode) whole(members int) bool {
	s := n.node.Status()
	if s.Role != consensus.Leader || len(s.Confirmed) != members-1 {
		return false
	}
	for _, p := range s.Peers {
		if !p.Voter {
			return false
		}
	}
	return true
}

// do is what a node's process is asked for; see RDMAPeer for the form.
func (n *benchNode) do(words []string) (answer string, err error) {
	switch words[0] {
	case "status":
		return fmt.Sprintf("%+v %+v", n.node.Status(), n.marks), nil
	case "leader":
		return fmt.Sprint(n.node.Status().Leader), nil
	case "whole":
		return fmt.Sprint(n.whole(len(n.node.Status().Peers) + 1)), nil
	case "marks":
		return fmt.Sprint(n.marks.Stood, n.marks.Granted, n.marks.Led, n.marks.First), nil
	case "position":
		return fmt.Sprint(n.at.Index, n.at.Offset, n.at.Chain), nil
	case "install":
		var at consensus.Position
		if len(words) != 4 {
			return "", fmt.Errorf("install: a position is needed")
		}
		if _, err := fmt.Sscan(words[1]+" "+words[2]+" "+words[3], &at.Index, &at.Offset, &at.Chain); err != nil {
			return "", err
		}
		if err := n.node.InstallSnapshot(at); err != nil {
			return "", err
		}
		n.at = at
		return "", nil
	case "lag":
		lag := n.lag
		n.lag = newSamples()
		return fmt.Sprint(lag.h.ValueAtQuantile(50), lag.h.ValueAtQuantile(99), lag.h.ValueAtQuantile(99.9), lag.h.Max(), lag.h.TotalCount()), nil
	case "floor":
		if len(words) != 2 {
			return "", fmt.Errorf("floor: a path is needed")
		}
		return openFloorPeer(words[1])
	case "floorlog":
		if len(words) != 2 {
			return "", fmt.Errorf("floorlog: a path is needed")
		}
		n.floor, err = openFloorLog(words[1])
		return "", err
	}
	return "", fmt.Errorf("%q is no request", words[0])
}
