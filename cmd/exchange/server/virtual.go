package server

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"time"

	"exchange/book"
	"exchange/consensus"
	"exchange/marketdata/feed"
	"exchange/rdmaio"

	"github.com/rs/zerolog"
)

// Virtual is a replica whose loop is called, for simulations: the same state machine, consensus, stores and FIX gateway as a served one, without a
// goroutine, socket, file or clock of its own. Everything that it does is done within a call. What lies between processes is the caller's: memory by
// the provider, client connections by Connect, states by State and TakeState.
type Virtual struct{ r *Replica }

// VirtualConfig is what a Virtual is told.
type VirtualConfig struct {
	Config   *Config
	Provider rdmaio.Provider
	// Incarnation counts the starts of this replica from 1; Learner: an earlier one had a memory, which is lost.
	Incarnation uint64
	Learner     bool
	// Limits of the state machine; the same on all replicas.
	Limits book.Limits
	// Monotonic never falls, Wall is the time of day in ns and may jump.
	Monotonic, Wall func() int64
	Log             zerolog.Logger
	// Applied is told of each command after it was applied, with its events; neither is to be kept.
	Applied func(c *book.Command, events []book.Event)
}

// virtualHashes is how many state hashes a Virtual remembers: nobody asks for them from outside.
const virtualHashes = 64

// OpenVirtual makes a replica. Turn runs it.
func OpenVirtual(c VirtualConfig) (*Virtual, error) {
	r := &Replica{
		cfg: c.Config, log: c.Log, provider: c.Provider, requests: make(chan func(), loopRequests), stopped: make(chan struct{}),
		hashes: newHashRing(virtualHashes), start: incarnation{number: c.Incarnation, learner: c.Learner},
	}
	r.host = host{
		monotonic: c.Monotonic, wall: c.Wall, limits: c.Limits, called: true, applied: c.Applied,
		pause: func(time.Duration) { panic("server: a gateway waits for room, and nobody else can make any") },
		fetch: func() { r.fetching.Store(true) },
	}
	r.fetching.Store(c.Learner)
	r.chores.status = math.MaxInt64 / 2 // nobody asks for it
	r.assemble()
	r.gateway = &gateway{r: r, conns: map[*conn]struct{}{}, admission: newAdmission(0, 0)}
	r.ouch = &ouchGateway{r: r, conns: map[*ouchConn]struct{}{}}
	var err error
	if r.node, err = consensus.New(c.Config.consensus(r.start), c.Provider); err != nil {
		return nil, err
	}
	r.outbox.beat = r.node.Beat
	return &Virtual{r}, nil
}

// Turn is one turn of the loop. A state that cannot be is an error, as is the end of the replica: there is nothing more to be called then.
func (v *Virtual) Turn(now int64) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("replica %d found its own state impossible: %v", v.r.cfg.ID, p)
		}
	}()
	v.r.turn(now)
	if f := v.r.failure.Load(); f != nil {
		return *f
	}
	return nil
}

// Node is the replica's consensus.
func (v *Virtual) Node() *consensus.Node { return v.r.node }

// Market is the replica's state machine; not to be changed.
func (v *Virtual) Market() *book.Market { return v.r.market }

// Feed is the replica's feed store.
func (v *Virtual) Feed() *feed.Store { return v.r.outbox.feed }

// Applied is the log position of the state.
func (v *Virtual) Applied() consensus.Position { return v.r.applied }

// HaveState tells whether the replica has one: a learner has none until it was given one.
func (v *Virtual) HaveState() bool { return v.r.haveState }

// Serving tells whether the replica leads and takes orders.
func (v *Virtual) Serving() bool { return v.r.directory.serving.Load() }

// Waiting is how many commands wait in the inbox.
func (v *Virtual) Waiting() int { return v.r.inbox.waiting() }

// LastReport is the number of the last message kept for the session.
func (v *Virtual) LastReport(session uint16) uint64 {
	last, _ := v.r.outbox.reports.last(session)
	return last
}

// Report reads the session's message with the number, if it is kept.
func (v *Virtual) Report(session uint16, number uint64) (book.Event, bool) {
	var e [1]book.Event
	n, first := v.r.outbox.reports.read(session, number, e[:])
	return e[0], n == 1 && first == number
}

// WantsState tells whether the replica waits for the state of another.
func (v *Virtual) WantsState() bool { return v.r.fetching.Load() }

// State writes the replica's state as it is carried to another.
func (v *Virtual) State(w io.Writer) error {
	s, err := v.r.copyState(since{feed: 1})
	if err != nil {
		return err
	}
	return s.write(w)
}

// TakeState installs the state of another replica. An error says that it does not help, and the replica goes on waiting for one.
func (v *Virtual) TakeState(state []byte) error {
	if !v.r.fetching.Load() {
		return errors.New("no state is waited for")
	}
	staged := newOutbox(v.r.cfg, v.r.directory)
	in, err := v.r.readState(state, &staged)
	if err == nil {
		err = v.r.restore(in)
	}
	if err == nil {
		err = v.r.install(in)
	}
	if err == nil {
		v.r.fetching.Store(false)
	}
	return err
}

// VirtualConnection is the venue's end of a FIX connection. What the venue writes goes to the socket given, whose Read is not called.
type VirtualConnection struct {
	c    *conn
	read bool // nothing more is read
}

// Connect opens a connection; nil: it was closed at once.
func (v *Virtual) Connect(socket net.Conn) *VirtualConnection {
	c := v.r.gateway.admit(socket)
	if c == nil {
		return nil
	}
	return &VirtualConnection{c: c}
}

// Room is how many bytes Receive takes now.
func (c *VirtualConnection) Room() int {
	if c.read {
		return math.MaxInt
	}
	return c.c.acceptor.Room()
}

// Receive takes bytes from the client, at most Room of them.
func (c *VirtualConnection) Receive(b []byte) {
	if !c.read {
		c.read = c.c.received(b, nil)
	}
}

// Hangup tells that the connection is cut.
func (c *VirtualConnection) Hangup() {
	if !c.read {
		c.read = c.c.received(nil, io.EOF)
	}
}

// Wants tells whether there is something for Look to do apart from timers.
func (c *VirtualConnection) Wants() bool {
	return len(c.c.awake)+len(c.c.control) > 0 || c.c.abandoned.Load()
}

// Look is what the connection's writer does when it wakes; true: the connection is over, and nothing more is to be called.
func (c *VirtualConnection) Look() (over bool) {
	for range controlEvents {
		select {
		case e := <-c.c.control:
			if c.c.look(&e) {
				return true
			}
			continue
		case <-c.c.awake:
		default:
		}
		break
	}
	return c.c.look(nil)
}

// Submit puts a command into the inbox, as a gateway does; false: it is full.
func (v *Virtual) Submit(c *book.Command) bool { return v.r.inbox.put(c) }
