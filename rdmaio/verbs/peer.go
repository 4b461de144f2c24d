//go:build verbs && linux && cgo

package verbs

import (
	"fmt"
	"sync"
	"time"

	"exchange/rdmaio"
)

// peer is what host, caller and owner loop know of one other process. The lock guards everything below it.
type peer struct {
	owner   *Provider
	id      rdmaio.NodeID
	address string
	wake    chan struct{} // of the caller: there is something to ask

	mu          sync.Mutex
	incarnation uint64 // the newest one met; 0: none
	dead        bool   // and known to be
	gates       [rdmaio.MaxPDs]*gate
	asks        [rdmaio.MaxPDs]ask
	gone        [rdmaio.MaxPDs]uint32 // the generation that the peer's gates have reached
	visitor     *visitor              // the newest connection of the peer to our host
	problem     error
}

// ask is a way of ours that seeks the peer's gate: question by the owner loop, answer by the caller.
type ask struct {
	active   bool
	answered bool
	sent     bool
	due      time.Time // not before
	question message
	answer   message
}

func poke(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default: // it is awake already
	}
}

func (r *peer) setProblem(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		err = fmt.Errorf("verbs: process %d at %s: %w", r.id, r.address, err)
	}
	r.problem = err
}

// meet takes notice of an incarnation, and with it of the death of every earlier one.
func (r *peer) meet(incarnation uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case incarnation < r.incarnation:
		return fmt.Errorf("incarnation %d: number %d was met already: start it with a higher one", incarnation, r.incarnation)
	case incarnation == r.incarnation && r.dead:
		return fmt.Errorf("incarnation %d was found dead, and stays so to the others: start it again with a higher one", incarnation)
	case incarnation == r.incarnation:
		return nil
	}
	if r.incarnation != 0 && !r.dead {
		r.bury()
	}
	for pd := range r.gone {
		r.gone[pd] = 0
	}
	for _, g := range r.gates {
		if g != nil {
			g.attempt = 0
		}
	}
	r.incarnation, r.dead = incarnation, false
	r.owner.news.Store(true)
	return nil
}

// die takes notice that nobody of that incarnation is left.
func (r *peer) die(incarnation uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.incarnation == incarnation && !r.dead {
		r.bury()
		r.owner.news.Store(true)
	}
}

// bury shuts the gates before anybody is told of the death: whatever the process may still be, it writes no more.
func (r *peer) bury() {
	for _, g := range r.gates {
		if g == nil {
			continue
		}
		g.open = false
		if err := g.cut(); err != nil { // then its rights stand until a ModifyAccess succeeds
			r.problem = fmt.Errorf("verbs: shut out process %d: %w", r.id, err)
			continue
		}
		g.access = 0
	}
	r.dead = true
	if r.visitor != nil {
		r.visitor.conn.Close() // should it live it comes again, and is told
	}
}

// admit answers the peer's question for a gate. No answer: the question is out of date.
func (r *peer) admit(incarnation uint64, m *message) (answer message, ok bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.incarnation != incarnation || r.dead {
		return answer, false, fmt.Errorf("incarnation %d is not the present one", incarnation)
	}
	notYet := message{kind: kindNotYet, pd: m.pd, attempt: m.attempt}
	g := r.gates[m.pd]
	if g == nil || !g.open {
		return notYet, true, nil
	}
	if m.attempt < g.attempt {
		return answer, false, nil
	}
	answer, err = g.admit(m, r.owner.timeout)
	if err != nil {
		r.problem = fmt.Errorf("verbs: let in process %d: %w", r.id, err)
		return notYet, true, nil
	}
	return answer, true, nil
}

// generations are what the gates have reached, as messages.
func (r *peer) generations() (notices []message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for pd, g := range r.gates {
		if g != nil {
			notices = append(notices, message{kind: kindGate, pd: rdmaio.PD(pd), generation: g.generation})
		}
	}
	return notices
}

// due gives the questions to be sent now, and how long it is until the next.
func (r *peer) due(now time.Time) (questions []message, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wait = time.Hour
	for pd := range r.asks {
		a := &r.asks[pd]
		if !a.active || a.answered || a.sent {
			continue
		}
		if left := a.due.Sub(now); left > 0 {
			wait = min(wait, left)
			continue
		}
		a.sent = true
		questions = append(questions, a.question)
	}
	return questions, wait
}

// askAgain is for a connection that is new: what an earlier one was asked is lost.
func (r *peer) askAgain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for pd := range r.asks {
		r.asks[pd].sent = false
	}
}

// hear takes what the peer's host says.
func (r *peer) hear(incarnation uint64, m *message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.incarnation != incarnation || r.dead {
		return
	}
	if m.kind == kindGate {
		if m.generation > r.gone[m.pd] {
			r.gone[m.pd] = m.generation
			r.owner.news.Store(true)
		}
		return
	}
	a := &r.asks[m.pd]
	if !a.active || a.answered || m.attempt != a.question.attempt {
		return
	}
	switch m.kind {
	case kindNotYet:
		a.sent, a.due = false, time.Now().Add(askPause)
		poke(r.wake)
	case kindAdmitted:
		a.answered, a.answer = true, *m
		r.owner.news.Store(true)
	}
}
