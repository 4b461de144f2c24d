package server

import (
	"time"

	"exchange/book"
)

// leadership is what a leader does besides passing commands on: it brings the market to its configured start, and it is the living leader that
// notices disconnected sessions (a follower cannot: it has no connections). Everything it wants done becomes a command. The loop's own.
type leadership struct {
	active bool
	// since is when this replica became leader, first when its first command after that was decided; monotonic ns.
	since, first int64
	// ready: the market's start is complete and gateways are open.
	ready  bool
	queue  []book.Command // to be proposed before anything from the inbox
	absent []absence      // by session number
}

// absence follows one session without a connection at this leader.
type absence struct {
	epoch uint32
	kind  book.CommandKind // what the end of the grace asks for
	until int64            // monotonic ns at which the grace ends
	asked bool             // that was queued
}

// begin starts a leadership: nothing of an earlier one counts.
func (l *leadership) begin(now int64) {
	*l = leadership{active: true, since: now, queue: l.queue[:0], absent: l.absent[:0]}
	l.queue = append(l.queue, book.Command{Kind: book.Tick})
}

// end stops it: connections are closed, what waits is dropped, clients come to the next leader and send again.
func (l *leadership) end(r *Replica) {
	*l = leadership{queue: l.queue[:0], absent: l.absent[:0]}
	r.batch = r.batch[:0]
	r.directory.serving.Store(false)
	r.outbox.onEvent = nil
	r.disconnectAll("this replica does not lead any more")
	r.inbox.drain()
}

// take gives the leader's own next command.
func (l *leadership) take(c *book.Command) bool {
	if len(l.queue) == 0 {
		return false
	}
	*c = l.queue[0]
	l.queue = append(l.queue[:0], l.queue[1:]...)
	return true
}

// decided is called after an entry was applied.
func (l *leadership) decided(r *Replica) {
	if l.active && l.first == 0 {
		l.first = r.host.monotonic()
	}
}

// tend looks after the market's start and the sessions.
func (l *leadership) tend(r *Replica, now int64) {
	if !l.active || l.first == 0 || len(l.queue) > 0 {
		return // entries of earlier leaders may still be unread: the first own command behind them must be decided
	}
	if !l.ready {
		if l.queue = start(r.cfg, r.market, l.queue); len(l.queue) > 0 {
			return
		}
		l.ready = true
		r.outbox.onEvent = r.deliver
		r.directory.serving.Store(true)
		r.log.Info().Int("replica", r.cfg.ID).Uint64("commands", r.market.Index()).Msg("takes orders")
	}
	l.followSessions(r, now)
}

// start lists what is missing between the market's state and its configured start, in order: start of messages, directory, system hours, market
// hours; or what is missing of a day's end that was begun. A leader that died in the middle is followed by one that goes on where it stopped.
func start(cfg *Config, m *book.Market, q []book.Command) []book.Command {
	phase := m.Phase()
	event := func(code byte) { q = append(q, book.Command{Kind: book.SystemEvent, Code: code}) }
	if phase == 0 {
		event('O')
	}
	for _, i := range cfg.Instruments {
		if _, listed := m.InstrumentBySymbol(i.Symbol); !listed {
			tick, _ := i.TickTenThousandths() // checked with the configuration
			q = append(q, book.Command{Kind: book.ListInstrument, ClientID: clientID(i.Symbol), Price: tick, Qty: i.Lot})
		}
	}
	for _, p := range cfg.Participants {
		if _, known := m.ParticipantByName(p); !known {
			q = append(q, book.Command{Kind: book.AddParticipant, ClientID: clientID(p)})
		}
	}
	for _, s := range cfg.FIXSessions {
		if _, known := m.SessionByName(s.Name()); !known {
			c := book.Command{Kind: book.AddSession, ClientID: clientID(s.Name()), OrigID: clientID(s.Participant), Protocol: book.FIX}
			if s.CancelOnDisconnect {
				c.Flags |= book.CancelOnDisconnect
			}
			if s.MayReset {
				c.Flags |= book.MayReset
			}
			if s.DropCopy {
				c.Flags |= book.DropCopy
			}
			q = append(q, c)
		}
	}
	q = cfg.addAccounts(m, q)
	if phase == 0 || phase == 'O' {
		event('S')
	}
	if phase == 0 || phase == 'O' || phase == 'S' {
		event('Q')
	}
	if phase == 'M' || phase == 'E' {
		q = endOfDay(phase, q)
	}
	return q
}

func clientID(s string) (id book.ClientID) {
	copy(id[:], s)
	return id
}

// followSessions ends connections that the replicated state still holds open though nobody is connected here (their grace after a change of leader
// is over), and cancels the orders of disconnected sessions that asked for it.
func (l *leadership) followSessions(r *Replica, now int64) {
	n := r.market.NumSessions()
	for len(l.absent) <= n {
		l.absent = append(l.absent, absence{})
	}
	for number := 1; number <= n; number++ {
		s := r.market.Session(uint16(number))
		a := &l.absent[number]
		cancels := s.Flags&book.CancelOnDisconnect != 0 && s.OpenOrders > 0
		if r.connected(uint16(number)) || !s.Connected && !cancels {
			*a = absence{}
			continue
		}
		grace := time.Duration(r.cfg.Gateway.ReconnectGrace)
		kind := book.Disconnect
		if !s.Connected {
			grace, kind = r.cfg.cancelGrace(s.Name), book.CancelSession
		}
		if a.kind != kind || a.epoch != s.Epoch {
			*a = absence{epoch: s.Epoch, kind: kind, until: now + int64(grace)}
		}
		if !a.asked && now >= a.until {
			a.asked = true
			l.queue = append(l.queue, book.Command{Kind: kind, Session: uint16(number), Epoch: s.Epoch})
		}
	}
}
