package simulate

import (
	"fmt"
	"math/rand/v2"
	"time"

	"exchange/book"
	"exchange/cmd/exchange/server"
	"exchange/rdmaio/sim"
)

// plan is what a seed draws before it begins.
type plan struct {
	size      int
	heartbeat int64 // interval of consensus, ns
	fabric    sim.Config
	limits    server.Limits
	timing    server.Timing
	grace     time.Duration // of sessions without a connection

	symbols  []string
	clients  int
	cancels  int // clients from the first whose orders are cancelled on disconnect
	window   int // requests under way at one time
	requests int // of each client
	later    int // of which so many only when a minority is lost
	faults   int
}

// Bounds of a run. Tables are made for them, so they decide what a seed costs too.
const (
	maxClients  = 8
	maxRequests = 40 // of one client
	inboxSize   = 256
)

func drawPlan(rng *rand.Rand, o *Options) plan {
	heartbeats := [...]int64{50_000, 200_000, 1_000_000, 7_000_000}
	p := plan{
		size: o.Replicas, heartbeat: heartbeats[rng.IntN(len(heartbeats))], grace: time.Duration(50+rng.IntN(450)) * time.Millisecond,
		symbols: []string{"ABC", "XYZ"}[:1+rng.IntN(2)], clients: 2 + rng.IntN(3), window: 1 + rng.IntN(4), requests: 10 + rng.IntN(maxRequests-10+1),
		faults: 6 + rng.IntN(9),
	}
	if p.size == 0 {
		if p.size = 3; rng.IntN(4) == 0 {
			p.size = 5
		}
	}
	p.cancels = rng.IntN(2)
	if o.Small {
		p.symbols, p.clients, p.window, p.requests, p.cancels = p.symbols[:1], maxClients, 1, 4+rng.IntN(smallHistory/maxClients-3), 0
	}
	p.later = 1 + rng.IntN(3)
	slow := p.heartbeat / 10
	p.fabric = sim.Config{
		Seed: rng.Uint64(), MinLatency: 500, MaxLatency: 1500 + rng.Int64N(4000+p.heartbeat/20*rng.Int64N(3)), MinNotice: slow, MaxNotice: 4 * slow, RetryTime: 30_000 + p.heartbeat*(20+190*rng.Int64N(3)),
	}
	if rng.IntN(3) > 0 {
		p.fabric.TornWrite = rng.Float64() / 2
	}
	p.timing = server.Timing{
		HeartbeatInterval: server.Duration(p.heartbeat), CommitPush: server.Duration(p.heartbeat / 10 * (1 + rng.Int64N(10))),
		MaxLogPin: server.Duration(p.heartbeat * (5 + rng.Int64N(100))),
	}
	p.limits = server.Limits{
		LogBytes: 1 << (13 + rng.IntN(3)), InboxCommands: inboxSize, BatchCommands: 1 + rng.IntN(4)*rng.IntN(4), ReportsPerSession: 1,
	}
	return p
}

// marketLimits are the state machine's: what the clients of a seed can need, and no more.
var marketLimits = book.Limits{Orders: 512, ClientIDs: 1024, PriceNodes: 64, Instruments: 4, Participants: 4, Sessions: maxClients + 2}

// config makes a replica's configuration.
func (p *plan) config(id int) *server.Config {
	c := &server.Config{
		Cluster: "simulation", ID: id, Provider: "sim", Durability: "memory", FeedSession: "SIM0000001", Participants: []string{"FIRM"},
		Timing: p.timing, Limits: p.limits,
		Gateway: server.Gateway{
			HeartbeatMin: server.Duration(time.Second), HeartbeatMax: server.Duration(time.Hour), LogonTimeout: server.Duration(logonPatience),
			SendingTimeTolerance: server.Duration(4 * time.Minute), TimePrecision: "us", ReconnectGrace: server.Duration(p.grace),
			CancelGrace: server.Duration(p.grace / 2), WriteTimeout: server.Duration(time.Second), MaxConnections: 4 * maxClients,
		},
		Feed: server.Feed{MaxKeptBytes: 1},
	}
	for m := 1; m <= p.size; m++ {
		c.Members = append(c.Members, server.Member{ID: m})
	}
	for _, s := range p.symbols {
		c.Instruments = append(c.Instruments, server.Instrument{Symbol: s, Tick: "0.01", Lot: 1})
	}
	for k := range p.clients {
		c.FIXSessions = append(c.FIXSessions, server.FIXSession{
			Sender: sender(k), Target: venue, Participant: "FIRM", CancelOnDisconnect: k < p.cancels,
		})
	}
	return c
}

const venue = "EXCHANGE"

func sender(client int) string { return fmt.Sprintf("C%d", client) }
