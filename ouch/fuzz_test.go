package ouch

import (
	"testing"

	"exchange/book"
	"exchange/ouch/soupbin"
)

// FuzzAcceptor gives an acceptor that is logged in whatever bytes, whole and in pieces. It must take them all or close with a reason, make of them only
// commands that the replicas can read, the same in both ways, and whatever the market says to those must be a message that a client can read.
func FuzzAcceptor(f *testing.F) {
	for _, g := range goldenRequests {
		f.Add(soupbin.AppendPacket(nil, soupbin.Unsequenced, goldenBytes(f, g.bytes)), uint8(7))
	}
	r := order('B', 10, 100)
	r.Tags.Set(TagMaxFloor, 3)
	r.Tags.Set(TagPostOnly, 'P')
	two := soupbin.AppendPacket(nil, soupbin.Unsequenced, r.AppendTo(nil))
	replace := Request{Type: ReplaceOrder, UserRefNum: 9, Quantity: 5, Price: 100, TimeInForce: '0', Display: 'Y', Sweep: 'N'}
	f.Add(append(two, soupbin.AppendPacket(nil, soupbin.Unsequenced, replace.AppendTo(nil))...), uint8(1))
	f.Add([]byte{0, 1, 'R', 0, 1, 'O'}, uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, piece uint8) {
		var heard [2]string
		for way := range heard {
			v := newVenue(t, "alice")
			c := newClient(v, "alice", 1)
			c.connect()
			c.talk()
			for rest := b; len(rest) > 0; {
				n := len(rest)
				if way == 1 {
					n = min(n, int(piece)+1)
				}
				if taken := c.l.a.Receive(v.now, rest[:n]); taken != n {
					t.Fatalf("%d of %d bytes taken", taken, n)
				}
				rest = rest[n:]
				v.waiting = append(v.waiting, c.l.a.Commands()...)
			}
			for i := range v.waiting {
				var again book.Command
				if _, err := book.DecodeCommand(v.waiting[i].AppendTo(nil), &again); err != nil || again != v.waiting[i] {
					t.Fatalf("%+v is read as %+v: %v", v.waiting[i], again, err)
				}
			}
			v.run()
			if err := c.Receive(v.now, c.l.turn()); err != nil {
				t.Fatal(err)
			}
			if closed, why := c.l.a.Closed(); closed && why == "" {
				t.Fatal("closed without a reason")
			}
			heard[way] = c.heard()
		}
		if heard[0] != heard[1] {
			t.Fatalf("whole:\n%s\nin pieces:\n%s", heard[0], heard[1])
		}
	})
}

// FuzzInitiator gives a client whatever bytes; it must take them or say what is wrong with them.
func FuzzInitiator(f *testing.F) {
	for _, g := range goldenReports {
		f.Add(soupbin.AppendPacket(nil, soupbin.Sequenced, goldenBytes(f, g.bytes)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		i := NewInitiator(InitiatorConfig{Username: "a", Password: "b", Number: 1})
		i.Connected(0)
		accept := append([]byte{0, 31, 'A'}, "      DAY1                   1"...)
		if err := i.Receive(0, accept); err != nil || !i.Ready() {
			t.Fatalf("login: %v", err)
		}
		for range 3 {
			if _, err := i.Send(0, &Request{Type: EnterOrder, Quantity: 10}); err != nil {
				t.Fatal(err)
			}
		}
		_ = i.Receive(0, b)
		if n := i.Unanswered(); n > 3 {
			t.Fatalf("%d unanswered", n)
		}
	})
}
