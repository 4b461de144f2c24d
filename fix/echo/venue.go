package main

import (
	"sync"
	"sync/atomic"
	"time"

	"exchange/book"
	"exchange/fix"
)

// venue is the state machine with one session, and everything that was sent to it.
type venue struct {
	mu      sync.Mutex
	market  *book.Market
	session fix.SessionConfig
	echo    *echo
	sent    []book.Event // by number - first, the newest maxBodies of them
	first   uint64
	owner   *connection
	// ahead is how far its clock is ahead of the system's, in ns: suites that wait for silence move it.
	ahead atomic.Int64
}

// now is the time of day in ns since the Unix epoch.
func (v *venue) now() int64 { return time.Now().UnixNano() + v.ahead.Load() }

// newVenue makes a venue that knows one session, by our CompID and the client's.
func newVenue(version *fix.Version, ours, client string, resetOnLogon bool) *venue {
	v := &venue{
		market: book.NewMarket(book.Limits{Sessions: 1, Participants: 1}), first: 1,
		echo: &echo{version: version, orders: map[string]bool{}},
		session: fix.SessionConfig{
			Number: 1, Sender: client, Target: ours, Version: version, ResetOnLogon: resetOnLogon, MayReset: true,
		},
	}
	participant := book.Command{Kind: book.AddParticipant, ClientID: clientID("echo")}
	session := book.Command{
		Kind: book.AddSession, ClientID: clientID(client + ">" + ours), OrigID: clientID("echo"), Protocol: book.FIX, Flags: book.MayReset,
	}
	for _, c := range []book.Command{participant, session} {
		v.market.Apply(&c, nil)
	}
	return v
}

func clientID(s string) (id book.ClientID) {
	copy(id[:], s)
	return id
}

// apply decides a command at once.
func (v *venue) apply(c *book.Command) []book.Event {
	c.Time = v.now()
	events := v.market.Apply(c, nil)
	for i := range events {
		e := &events[i]
		if e.OutSeq == 0 {
			continue
		}
		if e.OutSeq != v.first+uint64(len(v.sent)) { // the numbers were reset
			v.sent, v.first = v.sent[:0], e.OutSeq
		}
		if len(v.sent) == maxBodies {
			v.sent, v.first = append([]book.Event(nil), v.sent[maxBodies/2:]...), v.first+maxBodies/2
		}
		v.sent = append(v.sent, *e)
	}
	return events
}

// between gives what was sent under the numbers from to to, as far as it is kept.
func (v *venue) between(from, to uint64) []book.Event {
	from = max(from, v.first)
	to = min(to, v.first+uint64(len(v.sent))-1)
	if from > to {
		return nil
	}
	return v.sent[from-v.first : to+1-v.first]
}

// claimant is the venue as the directory of one connection's acceptor.
type claimant struct {
	*venue
	c *connection
}

// Session knows one session.
func (d claimant) Session(sender, target []byte) (fix.SessionConfig, bool) {
	return d.session, string(sender) == d.session.Sender && string(target) == d.session.Target
}

// Claim gives the session to the connection, if no other has it.
func (d claimant) Claim(uint16) bool {
	if d.owner != nil {
		return false
	}
	d.owner = d.c
	return true
}

// Instrument knows none.
func (d claimant) Instrument([]byte) (fix.Instrument, bool) { return fix.Instrument{}, false }

// InstrumentByNumber knows none.
func (d claimant) InstrumentByNumber(uint16) (fix.Instrument, bool) { return fix.Instrument{}, false }
