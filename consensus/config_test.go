package consensus

import (
	"strings"
	"testing"
	"time"

	"exchange/rdmaio"
	"exchange/rdmaio/sim"
)

// What a Config may not say, and the word of the error that tells.
func TestConfigIsChecked(t *testing.T) {
	good := func() Config {
		c := smallConfig()
		c.Local, c.Members, c.Incarnation = 2, []rdmaio.NodeID{1, 2, 3}, 1
		return c
	}
	for _, test := range []struct {
		what   string
		change func(*Config)
		says   string
	}{
		{"nothing wrong", func(*Config) {}, ""},
		{"defaults", func(c *Config) { c.LogBytes, c.WindowBytes, c.MaxPayload, c.HeartbeatInterval = 0, 0, 0, 0 }, ""},
		{"the highest id", func(c *Config) { c.Local, c.Members = 16, []rdmaio.NodeID{16, 1, 7} }, ""},
		{"alone", func(c *Config) { c.Members = []rdmaio.NodeID{2} }, ""},
		{"nobody", func(c *Config) { c.Members = nil }, "odd number"},
		{"an even number", func(c *Config) { c.Members = []rdmaio.NodeID{1, 2} }, "odd number"},
		{"one twice", func(c *Config) { c.Members = []rdmaio.NodeID{1, 2, 2} }, "each once"},
		{"id 0", func(c *Config) { c.Members = []rdmaio.NodeID{0, 2, 3} }, "1 to 16"},
		{"id 17", func(c *Config) { c.Members = []rdmaio.NodeID{17, 2, 3} }, "1 to 16"},
		{"not a member", func(c *Config) { c.Local = 4 }, "not a member"},
		{"no incarnation", func(c *Config) { c.Incarnation = 0 }, "count from 1"},
		{"a log of no power of two", func(c *Config) { c.LogBytes = 10_000 }, "power of two"},
		{"a log too small", func(c *Config) { c.LogBytes = 2048 }, "power of two"},
		{"a window of half the log", func(c *Config) { c.WindowBytes = c.LogBytes / 2 }, "four windows"},
		{"a payload larger than the window", func(c *Config) { c.MaxPayload = c.WindowBytes }, "fit the window"},
	} {
		c := good()
		test.change(&c)
		_, err := New(c, sim.New(sim.Config{}).Provider(max(c.Local, 1), 1))
		switch {
		case test.says == "" && err != nil:
			t.Errorf("%s: %v", test.what, err)
		case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%s: %v, want %q in it", test.what, err, test.says)
		}
	}
}

// Ids need not be 1 to n, and their order in Members says nothing: the lowest leads.
func TestAnyIDs(t *testing.T) {
	net := sim.New(calmFabric())
	nodes := map[rdmaio.NodeID]*Node{}
	members := []rdmaio.NodeID{16, 3, 9}
	for _, id := range members {
		c := smallConfig()
		c.Local, c.Members, c.Incarnation = id, members, 1
		n, err := New(c, net.Provider(id, 1))
		if err != nil {
			t.Fatal(err)
		}
		nodes[id] = n
	}
	for range 200 {
		for _, id := range members {
			nodes[id].Poll(net.Now())
		}
		net.RunUntil(net.Now() + 2000)
	}
	st := nodes[3].Status()
	if st.Role != Leader || len(st.Confirmed) != 2 || len(st.Peers) != 2 || st.Peers[0].ID != 9 || st.Peers[1].State != "confirmed" {
		t.Fatalf("3 does not lead 9 and 16: %+v", st)
	}
}

// A payload may be from one byte to MaxPayload long.
func TestPayloadBounds(t *testing.T) {
	s, _ := metered(t, 3, calmFabric(), nil)
	n := s.nodes[1]
	for _, test := range []struct {
		length int
		err    error
	}{{0, ErrTooLarge}, {1, nil}, {512, nil}, {513, ErrTooLarge}} {
		if _, err := n.Propose(make([]byte, test.length)); err != test.err {
			t.Errorf("%d bytes: %v, want %v", test.length, err, test.err)
		}
	}
	if _, err := s.nodes[2].Propose([]byte("x")); err != ErrNotLeader {
		t.Errorf("at a follower: %v", err)
	}
}

// Status tells how far each peer lags.
func TestStatusTellsTheLag(t *testing.T) {
	s, _ := metered(t, 3, calmFabric(), nil)
	s.net.SetDelay(1, 3, int64(time.Millisecond))
	for range 10 {
		s.propose(1, "a command")
	}
	s.run(20 * time.Microsecond)
	peers := s.nodes[1].Status().Peers
	if peers[0].Lag != 0 || peers[1].Lag != 640 || !peers[1].Alive || !peers[1].Voter || peers[1].State != "confirmed" {
		t.Errorf("%+v: want 2 without lag, and 3 640 bytes behind", peers)
	}
	s.holds[2] = true
	s.propose(1, "another")
	s.run(time.Millisecond)
	if p := s.nodes[1].Status().Peers[0]; p.Unread == 0 {
		t.Errorf("%+v: its application has taken nothing of what it knows to be decided", p)
	}
}

// What always must hold is looked at: a violated invariant stops the node with an error, and the others go on without it.
func TestAViolatedInvariantStopsTheNode(t *testing.T) {
	for _, test := range []struct {
		what  string
		harm  func(n *Node)
		says  string
		stops int
	}{
		{"a proposal number falls", func(n *Node) { store(n.log.region, wordMinProposal, 1) }, "proposal number", 3},
		{"a commit offset in the middle of an entry", func(n *Node) { store(n.log.region, wordCommit, n.fuo.Offset+8) }, "commit offset", 3},
		{"a leader's header is written by another", func(n *Node) { store(n.log.region, wordMinProposal, 99<<8|3) }, "another has written", 1},
		{"a decided entry is gone", func(n *Node) { clear(n.log.ring) }, "not in the log", 3},
	} {
		s, _ := metered(t, 3, calmFabric(), nil)
		s.holds[3] = true
		for k := range 3 {
			s.propose(1, "before")
			s.run(time.Duration(k+1) * 10 * time.Microsecond)
		}
		s.holds[3] = false
		n := s.nodes[test.stops]
		test.harm(n)
		s.propose(1, "on its way")
		for range 10 {
			for id := 1; id <= 3; id++ {
				s.nodes[id].Poll(s.net.Now())
				for e, ok := s.nodes[id].Next(); ok; e, ok = s.nodes[id].Next() {
					s.states[id] = e.After()
				}
			}
			s.net.RunUntil(s.net.Now() + 2000)
		}
		if n.Err() == nil || !strings.Contains(n.Err().Error(), test.says) || n.Leading() {
			t.Errorf("%s: %v, want %q in it", test.what, n.Err(), test.says)
			continue
		}
		if _, err := n.Propose([]byte("x")); err != n.Err() {
			t.Errorf("%s: then proposes: %v", test.what, err)
		}
		counter := load(n.background, wordCounter)
		n.Poll(s.net.Now() + 1_000_000)
		if load(n.background, wordCounter) != counter {
			t.Errorf("%s: its counter goes on", test.what)
		}
		s.nodes[test.stops] = nil
		s.must(test.what+": the others go on", 20*time.Millisecond, func() bool {
			return s.nodes[1] != nil && s.leads(1, 1) || s.nodes[2].Leading()
		})
	}
}
