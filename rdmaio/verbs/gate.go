//go:build verbs && linux && cgo

package verbs

import (
	"math/rand/v2"

	"exchange/rdmaio"
)

// gate is the queue pair by which one peer reaches our region of one protection domain. It only ever answers: our own
// requests go by a pair of their own, so that a refusal, which stops both ends of a connection, stops one direction only.
//
// The peer's lock guards it: the owner loop sets rights, a host goroutine lets the peer in.
//
// Invariant: while live is false the pair is in RESET or not there at all, and nothing of the peer is placed.
type gate struct {
	rc         *rcPair
	region     *piece
	live       bool
	open       bool          // the owner wants this peer in; false from its death until the pair's Reset
	access     rdmaio.Access // for the present incarnation
	generation uint32        // connections of lower ones are over
	attempt    uint32        // of the peer's present incarnation, the last one let in
}

// admit connects the gate anew to the queue pair that the peer names.
func (g *gate) admit(m *message, timeout uint8) (answer message, err error) {
	if err := g.cut(); err != nil {
		return answer, err
	}
	psn := rand.Uint32() & 0xffffff
	if err := g.rc.toInit(g.access); err != nil {
		return answer, err
	}
	if err := g.rc.toReady(m.end, psn, g.access, timeout); err != nil {
		_ = g.cut()
		return answer, err
	}
	g.live, g.attempt = true, m.attempt
	return message{
		kind: kindAdmitted, pd: m.pd, attempt: m.attempt, generation: g.generation, end: g.rc.port.end(g.rc.number(), psn),
		rkey: uint32(g.region.mrs[m.pd].rkey), address: g.region.address(), size: uint64(g.region.size),
	}, nil
}

// cut is the slow path: ERROR, wait until what is being placed is placed, RESET. The peer has to be let in again.
func (g *gate) cut() error {
	g.generation++
	if g.rc.c == nil {
		g.live = false
		return nil
	}
	if g.live {
		_ = g.rc.toError() // RESET below is what counts
		if err := g.rc.port.quiesce(); err != nil {
			return err
		}
	}
	if g.rc.toReset() != nil {
		if err := g.rc.destroy(); err != nil {
			return err
		}
	}
	g.live = false
	return nil
}

// setAccess gives and takes rights: by the queue pair's flags, and by a cut where that fails or is not wanted. cut tells that
// the peer must be told.
func (g *gate) setAccess(a rdmaio.Access, alwaysCycle bool) (cut bool, err error) {
	old := g.access
	if a == old || !g.live {
		g.access = a
		return false, nil
	}
	taken := old &^ a
	if taken == 0 || !alwaysCycle {
		err := g.rc.setAccess(a)
		if err == nil && taken != 0 {
			err = g.rc.port.quiesce()
		}
		if err == nil {
			g.access = a
			return false, nil
		}
	}
	if err := g.cut(); err != nil {
		return false, err
	}
	g.access = a
	return true, nil
}
