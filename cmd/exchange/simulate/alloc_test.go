package simulate

import (
	"fmt"
	"testing"
	"time"

	"exchange/book"
	"exchange/cmd/exchange/server"
	"exchange/rdmaio"
	"exchange/rdmaio/sim"

	"github.com/rs/zerolog"
)

// A command allocates nothing on its way through whole replicas, on the leader's or on the followers': from the inbox through the log and the state machine into
// the stores of reports and of the feed. What those keep takes a chunk of memory for each hundred reports or so, which is all that is allowed for.
func TestACommandAllocatesNothingInAReplica(t *testing.T) {
	const size, commands = 3, 4000
	const chunks = size * commands / 50 // two reports an order, one chunk for more than a hundred of them
	p := plan{size: size, symbols: []string{"ABC"}, clients: 2, grace: time.Hour, timing: server.Timing{
		HeartbeatInterval: 200_000, CommitPush: 20_000, MaxLogPin: 1_000_000_000,
	}, limits: server.Limits{LogBytes: 1 << 16, InboxCommands: inboxSize, BatchCommands: 16, ReportsPerSession: 1}}
	limits := marketLimits
	limits.ClientIDs = 4 * commands
	net := sim.New(sim.Config{Seed: 1, MinLatency: 500, MaxLatency: 1500, MinNotice: 20_000, MaxNotice: 40_000})
	var all [size + 1]*server.Virtual
	for id := 1; id <= size; id++ {
		v, err := server.OpenVirtual(server.VirtualConfig{
			Config: p.config(id), Provider: net.Provider(rdmaio.NodeID(id), 1), Incarnation: 1, Limits: limits,
			Monotonic: net.Now, Wall: func() int64 { return epoch + net.Now() }, Log: zerolog.Nop(), Applied: func(*book.Command, []book.Event) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		all[id] = v
	}
	turn := func() {
		for _, v := range all[1:] {
			if err := v.Turn(net.Now()); err != nil {
				t.Fatal(err)
			}
		}
		net.RunUntil(net.Now() + 2000)
	}
	for k := 0; !all[1].Serving(); k++ {
		if turn(); k > 10_000 {
			t.Fatal("replica 1 takes no orders")
		}
	}
	session, _ := all[1].Market().SessionByName(p.config(1).FIXSessions[0].Name())
	all[1].Submit(&book.Command{Kind: book.Logon, Session: session, InSeq: 1, Seconds: 30})
	var ids [3 * commands]book.ClientID
	for i := range ids {
		copy(ids[i][:], fmt.Sprint("A-", i))
	}
	next := 0
	play := func() {
		for end := next + commands; next < end; {
			c := book.Command{
				Kind: book.Enter, Session: session, Epoch: 1, Instrument: 1, Side: book.Side(next % 2), Type: book.Limit, Price: 1000, Qty: 10,
				ClientID: ids[next],
			}
			if all[1].Waiting() < 16 && all[1].Submit(&c) {
				next++
				continue
			}
			turn()
		}
		for k := 0; 2*all[3].Market().Trades() < uint64(next); k++ { // every second order trades with the one before it
			if turn(); k > 10_000 {
				t.Fatalf("%d trades of %d orders", all[3].Market().Trades(), next)
			}
		}
	}
	play()
	if allocs := testing.AllocsPerRun(1, play); allocs > chunks {
		t.Errorf("%v allocations for %d commands in three replicas", allocs, commands)
	} else {
		t.Logf("%v allocations for %d commands in three replicas", allocs, commands)
	}
}
