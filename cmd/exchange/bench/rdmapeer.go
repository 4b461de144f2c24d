package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"exchange/cmd/exchange/server/thread"
	"exchange/rdmaio"
)

// rdmaPeer is another process of the benchmark, asked by lines on its standard input.
type rdmaPeer struct {
	process *os.Process
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	id      int
}

// Hidden commands of the exchange program that run RDMAPeer and NodePeer.
const (
	PeerCommand     = "bench-rdma-peer"
	NodePeerCommand = "bench-node-peer"
)

func startRDMAPeer(binary string, s *rdmaSetup, id int) (*rdmaPeer, error) {
	return startPeer(binary, PeerCommand, s, id)
}

// startPeer starts the program's hidden command; more goes behind the id.
func startPeer(binary, command string, s *rdmaSetup, id int, more ...string) (*rdmaPeer, error) {
	text, err := json.Marshal(s.config)
	if err != nil {
		return nil, err
	}
	return startProcess(binary, id, append([]string{command, fmt.Sprint(id), string(text)}, more...)...)
}

// startProcess starts a program that answers lines.
func startProcess(binary string, id int, args ...string) (p *rdmaPeer, err error) {
	c := exec.Command(binary, args...)
	c.Stderr = os.Stderr
	p = &rdmaPeer{cmd: c, id: id}
	if p.in, err = c.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := c.Start(); err != nil {
		return nil, err
	}
	p.process = c.Process
	return p, nil
}

// ask sends a line and gives the answer.
func (p *rdmaPeer) ask(line string) (string, error) {
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		return "", fmt.Errorf("process %d has ended: %w", p.id, err)
	}
	answer, err := p.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("process %d has ended: %w", p.id, err)
	}
	answer = strings.TrimSpace(answer)
	if why, bad := strings.CutPrefix(answer, "error "); bad {
		return "", fmt.Errorf("process %d: %s: %s", p.id, line, why)
	}
	return strings.TrimPrefix(answer, "ok "), nil
}

func (p *rdmaPeer) end() {
	p.in.Close()
	done := make(chan struct{})
	go func() { p.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(2 * time.Second):
		p.process.Kill()
		<-done
	}
}

// followerNap is how long a follower of the exchange sleeps between looks at its log.
const followerNap = 50 * time.Microsecond

// RDMAPeer is the other process: one loop that looks at its region every 50 µs and does what it is asked.
func RDMAPeer(id int, config string, in io.Reader, out io.Writer) error {
	var s rdmaSetup
	if err := json.Unmarshal([]byte(config), &s.config); err != nil {
		return err
	}
	side, err := newRDMASide(&s, id)
	if err != nil {
		return err
	}
	defer side.provider.Close()
	p := &peerLoop{side: side}
	answer(in, out, p.do, p.turn)
	return nil
}

// NodePeer is the other process of the benchmarks of replication: a consensus node. It proposes whenever it leads, if lead says so.
func NodePeer(id int, config string, incarnation uint64, lead bool, in io.Reader, out io.Writer) error {
	var s rdmaSetup
	if err := json.Unmarshal([]byte(config), &s.config); err != nil {
		return err
	}
	n, err := newBenchNode(&s, id, incarnation)
	if err != nil {
		return err
	}
	defer n.provider.Close()
	runtime.LockOSThread()
	n.thread.Begin(true)
	standing := 0
	answer(in, out, n.do, func() {
		n.thread.Turn(monotonic())
		n.turn(lead)
		switch {
		case !n.node.Standing():
			standing = 0
			n.park.Prepare()
			n.park.Sleep(followerNap)
		case standing%yieldEvery == yieldEvery-1:
			thread.Yield() // it is on others that it waits, and they may be waiting for this processor
			fallthrough
		default:
			standing++
		}
	})
	return nil
}

// answer carries out what is asked, line by line, and turns in between, until the lines end.
func answer(in io.Reader, out io.Writer, do func(words []string) (string, error), turn func()) {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for sc := bufio.NewScanner(in); sc.Scan(); {
			lines <- sc.Text()
		}
	}()
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return
			}
			words := strings.Fields(line)
			if len(words) == 0 {
				fmt.Fprintln(out, "error empty line")
				continue
			}
			if answer, err := do(words); err != nil {
				fmt.Fprintln(out, "error", err)
			} else {
				fmt.Fprintln(out, "ok", answer)
			}
		default:
			turn()
		}
	}
}

type peerLoop struct {
	side    *rdmaSide
	writing int // peer that is written to, 0: none
	region  int // of that peer
	seen    uint64
}

// turn is one look around, or one write.
func (p *peerLoop) turn() {
	if p.writing == 0 {
		p.seen += p.side.word(0)
		p.side.poll()
		time.Sleep(followerNap)
		return
	}
	qp := p.side.pairs[p.region][p.writing]
	p.side.poll()
	switch qp.State() {
	case rdmaio.StateError:
		_ = qp.Reset()
	case rdmaio.StateReady:
		p.side.offset++
		*(*[8]byte)(p.side.local) = [8]byte{byte(p.side.offset), byte(p.side.offset >> 8), byte(p.side.offset >> 16), 1}
		at := p.side.offset * 64 % uint64(rdmaRegions[p.region])
		if p.side.offset%2 == 0 {
			at = 0
		}
		_ = qp.PostSend(&rdmaio.WorkRequest{Opcode: rdmaio.Write, RemoteOffset: at, Local: p.side.local[:64]})
	default:
		time.Sleep(followerNap)
	}
	var c [16]rdmaio.Completion
	p.side.cq.Poll(c[:])
}

func (p *peerLoop) do(words []string) (string, error) {
	var region, a, b int
	if words[0] != "floor" {
		fmt.Sscan(strings.Join(words[1:], " "), &region, &a, &b)
	}
	if region < 0 || region >= len(p.side.pairs) {
		return "", errors.New("no such region")
	}
	pairs := &p.side.pairs[region]
	if a < 0 || a >= len(pairs) || b < 0 || b >= len(pairs) {
		return "", errors.New("no such process")
	}
	switch words[0] {
	case "ready":
		var others []int
		for id, q := range p.side.pairs[0] {
			if q != nil {
				others = append(others, id)
			}
		}
		return "", p.side.waitReady(context.Background(), others...)
	case "grant":
		return "", pairs[a].ModifyAccess(rdmaio.RemoteWrite)
	case "revoke":
		return "", pairs[a].ModifyAccess(0)
	case "move":
		start := time.Now()
		if err := pairs[a].ModifyAccess(0); err != nil {
			return "", err
		}
		if err := pairs[b].ModifyAccess(rdmaio.RemoteWrite); err != nil {
			return "", err
		}
		return fmt.Sprint(time.Since(start).Nanoseconds()), nil
	case "write":
		p.writing, p.region = a, region
		return "", nil
	case "rest":
		p.writing = 0
		return "", nil
	case "busy":
		before := p.side.word(region)
		for end := time.Now().Add(startPatience); p.side.word(region) == before; p.side.poll() {
			if time.Now().After(end) {
				return "", errors.New("nobody writes")
			}
		}
		return "", nil
	case "floor":
		return openFloorPeer(words[1])
	}
	return "", fmt.Errorf("%q is no request", words[0])
}
