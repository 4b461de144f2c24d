package tcp

import (
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"exchange/rdmaio"
)

// cuts says which direction of some connections is cut: requests, answers.
type cuts [2]atomic.Bool

// relay is a network between two addresses that a test cuts: what is sent into a cut direction stays there and is lost with the connection.
type relay struct {
	listener   net.Listener
	to         string
	mu         sync.Mutex
	cut        *cuts // of connections made from now on
	conns      []net.Conn
	shut       atomic.Bool
	background sync.WaitGroup
}

func newRelay(t *testing.T, to string) *relay {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, to: to, cut: new(cuts)}
	r.background.Add(1)
	go func() {
		defer r.background.Done()
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", r.to)
			if err != nil {
				a.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, a, b)
			cut := r.cut
			r.mu.Unlock()
			r.background.Add(2)
			go r.carry(a, b, &cut[0])
			go r.carry(b, a, &cut[1])
		}
	}()
	t.Cleanup(func() { l.Close(); r.shut.Store(true); r.drop(); r.background.Wait() })
	return r
}

func (r *relay) carry(from, to net.Conn, cut *atomic.Bool) {
	defer r.background.Done()
	defer to.Close()
	defer from.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		for cut.Load() && !r.shut.Load() {
			time.Sleep(time.Millisecond)
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// drop ends all connections.
func (r *relay) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.Close()
	}
	r.conns = nil
}

// relayed starts processes 1 and 2, where 1 reaches 2 through the relay.
func relayed(t *testing.T, unreachable time.Duration) (w, o *side, net *relay) {
	at := freeAddresses(t, 2)
	net = newRelay(t, at[2])
	o = makeSide(t, Config{Cluster: "test", Local: 2, Incarnation: 1, Listen: at[2], Peers: at, Unreachable: unreachable})
	w = makeSide(t, Config{
		Cluster: "test", Local: 1, Incarnation: 1, Listen: at[1], Peers: map[rdmaio.NodeID]string{2: net.listener.Addr().String()}, Unreachable: unreachable,
	})
	until(t, "both are ready", func() bool { return w.ready(2) && o.ready(1) })
	if err := o.pairs[1].ModifyAccess(rdmaio.RemoteWrite | rdmaio.RemoteRead); err != nil {
		t.Fatal(err)
	}
	return w, o, net
}

// A cut in either direction is noticed, is no denial and no death, and heals.
func TestCut(t *testing.T) {
	for direction, name := range []string{"requests are lost", "answers are lost"} {
		t.Run(name, func(t *testing.T) {
			w, o, net := relayed(t, 50*time.Millisecond)
			if s := w.write(t, 2, 0, []byte("before")); s != rdmaio.Success {
				t.Fatalf("status %d", s)
			}
			net.cut[direction].Store(true)
			if s := w.write(t, 2, 0, []byte("during")); s != rdmaio.RetryExceeded {
				t.Errorf("over the cut network: status %d", s)
			}
			if w.pairs[2].State() != rdmaio.StateError {
				t.Errorf("state %d", w.pairs[2].State())
			}
			if w.wasTold(rdmaio.PeerDown, 2, 1) || o.wasTold(rdmaio.PeerDown, 1, 1) {
				t.Error("a cut network was taken for a death")
			}
			if !o.ready(1) {
				t.Error("the other direction has a network of its own, and failed")
			}
			net.cut[direction].Store(false)
			net.drop()
			if err := w.pairs[2].Reset(); err != nil {
				t.Fatal(err)
			}
			until(t, "the network has healed", func() bool { return w.ready(2) })
			if s := w.write(t, 2, 0, []byte("healed")); s != rdmaio.Success || string(o.mem[:6]) != "healed" {
				t.Errorf("status %d, memory %q", s, o.mem[:6])
			}
		})
	}
}

// What was posted before a Reset and comes late does not land on what was written after it.
func TestLateBytesOfAnEarlierConnection(t *testing.T) {
	w, o, net := relayed(t, 50*time.Millisecond)
	net.cut[0].Store(true)
	if s := w.write(t, 2, 0, []byte("stale")); s != rdmaio.RetryExceeded {
		t.Fatalf("status %d", s)
	}
	// The next connection has a way of its own; the bytes still wait on the old one.
	old := net.cut
	net.mu.Lock()
	net.cut = new(cuts)
	net.mu.Unlock()
	if err := w.pairs[2].Reset(); err != nil {
		t.Fatal(err)
	}
	until(t, "the pair is ready again", func() bool { return w.ready(2) })
	if s := w.write(t, 2, 0, []byte("fresh")); s != rdmaio.Success {
		t.Fatalf("status %d", s)
	}
	old[0].Store(false)
	for end := time.Now().Add(30 * time.Millisecond); time.Now().Before(end); w.poll() {
		if string(o.mem[:5]) != "fresh" {
			t.Fatalf("memory %q", o.mem[:5])
		}
	}
}

// An idle pair to a host that vanished fails by itself: nobody need write to find out.
func TestVanishedHostIsNoticed(t *testing.T) {
	w, _, net := relayed(t, 40*time.Millisecond)
	net.cut[0].Store(true)
	net.cut[1].Store(true)
	until(t, "the idle pair has failed", func() bool { w.poll(); return w.pairs[2].State() == rdmaio.StateError })
}

// An idle pair to a living one stays.
func TestIdlePairStays(t *testing.T) {
	w, _, _ := relayed(t, 20*time.Millisecond)
	for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); time.Sleep(100 * time.Microsecond) {
		if !w.ready(2) {
			t.Fatal("an idle pair failed")
		}
	}
}

// Writes and reads longer than any buffer arrive whole.
func TestLongRequests(t *testing.T) {
	w, o, _ := relayed(t, time.Second)
	for i := range w.local {
		w.local[i] = byte(i>>10 ^ i)
	}
	if s := w.write(t, 2, 0, w.local[:sideRegion-8]); s != rdmaio.Success || string(o.mem[:sideRegion-8]) != string(w.local[:sideRegion-8]) {
		t.Fatalf("a long write: status %d", s)
	}
	if err := w.pairs[2].PostSend(&rdmaio.WorkRequest{Opcode: rdmaio.Read, RemoteOffset: 0, Local: w.mem[8:]}); err != nil {
		t.Fatal(err)
	}
	if s := w.outcome(t); s != rdmaio.Success || string(w.mem[8:]) != string(o.mem[:sideRegion-8]) {
		t.Fatalf("a long read: status %d", s)
	}
}

// Strangers are told why they are not let in.
func TestStrangersAreRefused(t *testing.T) {
	at := freeAddresses(t, 3)
	makeSide(t, Config{Cluster: "test", Local: 2, Incarnation: 1, Listen: at[2], Peers: map[rdmaio.NodeID]string{1: at[1]}})
	for _, c := range []struct {
		name, cluster string
		local, looks  rdmaio.NodeID
		says          string
	}{
		{"another cluster", "other", 1, 2, `it is of cluster "other", this is "test"`},
		{"no member", "test", 3, 2, "member 3"},
		{"mixed up addresses", "test", 1, 3, "looks for member 3, this is 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex
			var said []string
			s := makeSide(t, Config{
				Cluster: c.cluster, Local: c.local, Incarnation: 1, Listen: "127.0.0.1:0", Peers: map[rdmaio.NodeID]string{c.looks: at[2]},
				Notice: func(_ rdmaio.NodeID, what string) { mu.Lock(); said = append(said, what); mu.Unlock() },
			})
			until(t, "the refusal is explained", func() bool {
				mu.Lock()
				defer mu.Unlock()
				return strings.Contains(strings.Join(said, "\n"), c.says)
			})
			if s.ready(c.looks) {
				t.Error("the pair became ready")
			}
		})
	}
}

// Garbage on the port ends its own connection and nothing else.
func TestGarbage(t *testing.T) {
	w, o, _ := relayed(t, time.Second)
	c, err := net.Dial("tcp", o.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: exchange\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadAll(c); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error("the connection was not closed")
	}
	if s := w.write(t, 2, 0, []byte("fine")); s != rdmaio.Success {
		t.Errorf("status %d", s)
	}
}
