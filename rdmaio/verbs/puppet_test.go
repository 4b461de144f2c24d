//go:build verbs && linux && cgo

package verbs

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"exchange/rdmaio"
)

// Tests against real processes pull the strings of puppets: this test binary, started in a role of its own on a stage. The stage
// is in this system, or in another one (see guest/two-guests.sh): where EXCHANGE_VERBS_STAGE says, HOST:PORT.
const (
	roleVariable  = "EXCHANGE_VERBS_ROLE"
	stageVariable = "EXCHANGE_VERBS_STAGE"
	hereVariable  = "EXCHANGE_VERBS_HERE" // the address by which the stage's system reaches us
)

var stageAddress, here, there string

func TestMain(m *testing.M) {
	switch role := strings.Fields(os.Getenv(roleVariable)); {
	case len(role) > 1 && role[0] == "stage":
		l, err := net.Listen("tcp", role[1])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		serveStage(l)
		os.Exit(0)
	case len(role) > 0:
		go func() { time.Sleep(5 * time.Minute); os.Exit(3) }() // whatever happens to the test
		if err := perform(role); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	here, there = "127.0.0.1", "127.0.0.1"
	stageAddress = os.Getenv(stageVariable)
	if stageAddress == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		stageAddress = l.Addr().String()
		go serveStage(l)
	} else {
		here = os.Getenv(hereVariable)
		there, _, _ = net.SplitHostPort(stageAddress)
	}
	os.Exit(m.Run())
}

// serveStage starts a puppet for each connection that says "start ROLE", its strings being the connection, and sends signals for
// those that say "signal PID NUMBER".
func serveStage(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			in := bufio.NewReader(conn)
			line, _ := in.ReadString('\n')
			var pid int
			var signal syscall.Signal
			if n, _ := fmt.Sscanf(line, "signal %d %d", &pid, &signal); n == 2 {
				fmt.Fprintln(conn, "done", syscall.Kill(pid, signal))
				return
			}
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), roleVariable+"="+strings.TrimPrefix(strings.TrimSpace(line), "start "))
			cmd.Stdout, cmd.Stderr = conn, os.Stderr
			strings, _ := cmd.StdinPipe()
			if err := cmd.Start(); err != nil {
				fmt.Fprintln(conn, "error", err)
				return
			}
			fmt.Fprintln(conn, "pid", cmd.Process.Pid)
			go func() {
				_, _ = io.Copy(strings, in)
				_ = cmd.Process.Kill()
			}()
			_ = cmd.Wait()
		}()
	}
}

// end is a provider with two regions and a pair in each domain.
type end struct {
	*Provider
	mem   [2][]byte
	pairs [2]rdmaio.QueuePair
	local []byte
	cq    rdmaio.CompletionQueue
	seen  []rdmaio.AsyncEvent
}

const testRegion = 64 << 10

func newEnd(cfg Config, peer rdmaio.NodeID) (*end, error) {
	p, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	e := &end{Provider: p}
	for pd := range rdmaio.PD(2) {
		r, err := p.Register(pd, testRegion)
		if err != nil {
			return nil, err
		}
		e.mem[pd] = r.Bytes()
	}
	if e.local, err = p.AllocLocal(testRegion); err != nil {
		return nil, err
	}
	if e.cq, err = p.CreateCQ(256); err != nil {
		return nil, err
	}
	for pd := range rdmaio.PD(2) {
		if e.pairs[pd], err = p.Connect(peer, pd, e.cq); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *end) word(i int) *uint64 { return (*uint64)(unsafe.Pointer(&e.mem[0][8*i])) }

func (e *end) collect() {
	var ev [8]rdmaio.AsyncEvent
	for k := e.PollAsync(ev[:]); k > 0; k = e.PollAsync(ev[:]) {
		e.seen = append(e.seen, ev[:k]...)
	}
}

// do posts and waits for the outcome; a pair that is not ready gives 255.
func (e *end) do(pd int, wr rdmaio.WorkRequest) rdmaio.Status {
	if e.pairs[pd].PostSend(&wr) != nil {
		return 255
	}
	var c [1]rdmaio.Completion
	for e.cq.Poll(c[:]) == 0 {
		time.Sleep(20 * time.Microsecond)
	}
	return c[0].Status
}

// perform is a puppet's life: role, listen, our peer's address, id, incarnation, peer, and whether it always cycles.
func perform(role []string) error {
	var cfg Config
	var theirs string
	var peer rdmaio.NodeID
	var unreachable time.Duration
	if _, err := fmt.Sscan(strings.Join(role[1:], " "), &cfg.Listen, &theirs, &cfg.Local, &cfg.Incarnation, &peer, &cfg.AlwaysCycle, &unreachable); err != nil {
		return err
	}
	cfg.Cluster, cfg.Peers, cfg.UnreachableAfter = "puppets", map[rdmaio.NodeID]string{peer: theirs}, unreachable
	e, err := newEnd(cfg, peer)
	if err != nil {
		return err
	}
	orders := make(chan string)
	go func() {
		for s := bufio.NewScanner(os.Stdin); s.Scan(); {
			orders <- s.Text()
		}
		os.Exit(0)
	}()
	fmt.Println("here")
	for {
		select {
		case order := <-orders:
			if err := e.obey(order, orders); err != nil {
				return err
			}
		case <-time.After(200 * time.Microsecond):
			e.collect()
		}
	}
}

// obey carries out one order and answers with one line.
func (e *end) obey(order string, orders <-chan string) error {
	var verb string
	var pd, number, length int
	var text string
	_, _ = fmt.Sscan(order, &verb, &pd, &number, &text)
	bytes, _ := hex.DecodeString(text)
	_, _ = fmt.Sscan(text, &length)
	q := e.pairs[pd]
	switch verb {
	case "grant":
		fmt.Println("granted", q.ModifyAccess(rdmaio.Access(number)))
	case "reset":
		fmt.Println("reset", q.Reset())
	case "write":
		fmt.Println("status", e.do(pd, rdmaio.WorkRequest{Opcode: rdmaio.Write, RemoteOffset: uint64(number), Local: e.local[:copy(e.local, bytes)]}))
	case "read":
		status := e.do(pd, rdmaio.WorkRequest{Opcode: rdmaio.Read, RemoteOffset: uint64(number), Local: e.local[:length]})
		fmt.Println("status", status, hex.EncodeToString(e.local[:length]))
	case "peek":
		fmt.Println("bytes", hex.EncodeToString(e.mem[pd][number:number+length]))
	case "state":
		e.collect()
		fmt.Println("state", q.State(), q.PeerIncarnation(), q.Access(), q.RemoteSize())
	case "events":
		e.collect()
		fmt.Println("events", e.seen)
	case "problem":
		fmt.Println("problem", e.Problem(q.Peer()))
	case "loop":
		return e.loop(orders)
	default:
		return fmt.Errorf("unknown order %q", order)
	}
	return nil
}

const writtenWords = 64

// loop counts through the words of the peer's memory as fast as it can, until another order comes. Denied, it says so, resets
// and goes on.
func (e *end) loop(orders <-chan string) error {
	var b [8]byte
	var c [1]rdmaio.Completion
	fmt.Println("looping")
	for i := uint64(1); ; {
		if e.pairs[0].State() != rdmaio.StateReady {
			select {
			case <-orders:
				fmt.Println("looped")
				return nil
			case <-time.After(time.Millisecond):
			}
			continue
		}
		*(*uint64)(unsafe.Pointer(&b)) = i
		if err := e.pairs[0].PostSend(&rdmaio.WorkRequest{ID: i, Opcode: rdmaio.Write, RemoteOffset: 8 * (i % writtenWords), Local: b[:]}); err != nil {
			return err
		}
		for e.cq.Poll(c[:]) == 0 {
		}
		switch c[0].Status {
		case rdmaio.Success:
			i++
		case rdmaio.RemoteAccessError:
			fmt.Println("denied")
			if err := e.pairs[0].Reset(); err != nil {
				return err
			}
		default:
			return fmt.Errorf("completion %+v, problem %v", c[0], e.Problem(c[0].Peer))
		}
	}
}

// puppet is a process on the stage.
type puppet struct {
	t       testing.TB
	conn    net.Conn
	pid     int
	lines   chan string
	died    sync.Once
	denials atomic.Int64
}

func startPuppet(t testing.TB, listen, ours string, id rdmaio.NodeID, incarnation uint64, cfg *Config) *puppet {
	t.Helper()
	conn, err := net.Dial("tcp", stageAddress)
	for tries := 0; err != nil && tries < 300; tries++ { // the other system may still be booting
		time.Sleep(100 * time.Millisecond)
		conn, err = net.Dial("tcp", stageAddress)
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &puppet{t: t, conn: conn, lines: make(chan string, 1<<16)}
	fmt.Fprintln(conn, "start puppet", listen, ours, id, incarnation, 3-id, cfg.AlwaysCycle, int64(cfg.UnreachableAfter))
	go func() {
		for s := bufio.NewScanner(conn); s.Scan(); {
			p.lines <- s.Text()
		}
		close(p.lines)
	}()
	fmt.Sscanf(p.hear("pid"), "%d", &p.pid)
	t.Cleanup(p.kill)
	p.hear("here")
	return p
}

// hear waits for a line that begins with the word, and gives the rest.
func (p *puppet) hear(word string) string {
	p.t.Helper()
	hang := time.After(60 * time.Second)
	for {
		select {
		case line, ok := <-p.lines:
			first, rest, _ := strings.Cut(line, " ")
			switch {
			case !ok:
				p.t.Fatalf("the puppet ended without saying %q", word)
			case first == word:
				return rest
			case first == "error":
				p.t.Fatalf("the puppet said %q, expected %q", line, word)
			}
		case <-hang:
			p.t.Fatalf("the puppet does not say %q", word)
		}
	}
}

// order gives an order and returns what is answered behind the word.
func (p *puppet) order(word string, order ...any) string {
	p.t.Helper()
	fmt.Fprintln(p.conn, order...)
	return p.hear(word)
}

func (p *puppet) signal(s syscall.Signal) {
	p.t.Helper()
	conn, err := net.Dial("tcp", stageAddress)
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "signal %d %d\n", p.pid, s)
	if answer, err := bufio.NewReader(conn).ReadString('\n'); err != nil || strings.TrimSpace(answer) != "done <nil>" {
		p.t.Fatalf("signal %v: %q, %v", s, answer, err)
	}
}

func (p *puppet) kill() {
	p.died.Do(func() { p.conn.Close() }) // the stage kills whose strings are cut
}
