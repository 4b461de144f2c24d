package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// fixPeer is an acceptor on somebody else's engine, in a process of its own: it answers each order with a New, keeps messages in memory and replicates nothing.
type fixPeer struct {
	name string
	// build makes the program at a path, from the source tree.
	build func(ctx context.Context, root, program string) error
}

var fixPeers = []fixPeer{
	{"quickfixgo", func(ctx context.Context, root, program string) error {
		return runIn(ctx, filepath.Join(root, fixPeersModule), "go", "build", "-o", program, "./acceptor")
	}},
	{"quickfix_cpp", func(ctx context.Context, root, program string) error {
		if _, err := os.Stat("/usr/include/quickfix/Application.h"); err != nil {
			return errNotPresent
		}
		return runIn(ctx, root, "g++", "-std=c++14", "-O2", "-w", "-o", program, "fix/peers/quickfix/acceptor.cc", "-lquickfix", "-lpthread")
	}},
}

var errNotPresent = errors.New("not installed")

const fixPeersModule = "fix/peers/quickfixgo"

// fixPeerShare is the part of the orders that peers are given, but so many at least: the slowest takes a hundred times as long.
const (
	fixPeerShare = 20
	fixPeerLeast = 1_000
)

// fixPeerProgram is a peer that was built.
type fixPeerProgram struct{ name, program string }

// buildFIXPeers builds those that can be built here; done takes their programs away.
func buildFIXPeers(ctx context.Context) (built []fixPeerProgram, done func(), err error) {
	root, err := sourceTree(fixPeersModule)
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "fix-peers")
	if err != nil {
		return nil, nil, err
	}
	for _, p := range fixPeers {
		program := filepath.Join(dir, p.name)
		if err := p.build(ctx, root, program); err == errNotPresent {
			continue
		} else if err != nil {
			os.RemoveAll(dir)
			return nil, nil, fmt.Errorf("%s: %w", p.name, err)
		}
		built = append(built, fixPeerProgram{p.name, program})
	}
	return built, func() { os.RemoveAll(dir) }, nil
}

// throughPeer measures a peer with the client that measures us, one pass of it.
func (b *fixBench) throughPeer(ctx context.Context, p fixPeerProgram) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := l.Addr().String() // free a moment ago
	l.Close()
	c := exec.CommandContext(ctx, p.program, "--listen", address, "--sender", fixBenchTarget, "--client", fixBenchName, "--sessions", fmt.Sprint(fixBenchSessions))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	in, err := c.StdinPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	defer func() {
		in.Close()
		_ = c.Process.Kill()
		_ = c.Wait()
	}()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return fmt.Errorf("it does not start: %w", err)
	}
	for _, connections := range b.o.Connections {
		fleet, err := dialFIX([]string{address}, connections, false)
		if err != nil {
			return err
		}
		for _, n := range b.o.InFlight {
			l := fixLoad{0, connections, n}
			total, _ := b.share(l)
			count := max(total/fixPeerShare, min(total, fixPeerLeast))
			if _, err := fleet.round(max(count/4, 1), n); err != nil { // not counted
				return err
			}
			s, err := fleet.round(count, n)
			if err != nil {
				return err
			}
			if b.peers[p.name] == nil {
				b.peers[p.name] = map[fixLoad]*samples{}
			}
			samplesOf(b.peers[p.name], l).add(s)
		}
		fleet.close()
		time.Sleep(100 * time.Millisecond) // let it notice
	}
	return nil
}
