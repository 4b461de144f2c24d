package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/server"
)

// freeBase finds a base port whose decades are free on the addresses.
func freeBase(t *testing.T, hosts []string) int {
	t.Helper()
search:
	for base := 31000; base < 60000; base += 100 {
		for id, host := range hosts {
			for decade := 0; decade < 80; decade += 10 {
				l, err := net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(base+decade+id+1)))
				if err != nil {
					continue search
				}
				l.Close()
			}
		}
		return base
	}
	t.Fatal("no free ports")
	return 0
}

// Three configuration files on three addresses are a cluster, with a directory each, as on three hosts; the leader killed with -9 loses nothing.
func TestThreeConfigurationsOnThreeAddresses(t *testing.T) {
	hosts := []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}
	base := freeBase(t, hosts)
	c := server.DefaultConfig()
	c.Cluster, c.Provider, c.Members = "three-hosts", "tcp", nil
	addresses := map[int]string{}
	var gateways []string
	for i, host := range hosts {
		m := server.MemberAt(host, base, i+1)
		c.Members = append(c.Members, m)
		addresses[m.ID] = m.HTTP
		gateways = append(gateways, m.FIX)
	}
	replicas := map[int]*exec.Cmd{}
	start := func(id int) {
		t.Helper()
		own := c
		own.ID, own.Dir = id, filepath.Join(t.TempDir(), fmt.Sprintf("host-%d", id))
		text, err := own.Encode()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "replica.toml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		p := exec.Command(program, "serve", "-c", file)
		var said lockedBuffer
		p.Stderr = &said
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		replicas[id] = p
		t.Cleanup(func() {
			p.Process.Signal(syscall.SIGTERM)
			if err := p.Wait(); err != nil && !strings.Contains(err.Error(), "killed") {
				t.Errorf("replica %d: %v\n%s", id, err, said.String())
			}
		})
	}
	for id := range 3 {
		start(id + 1)
	}
	serving := func(not int) (leader int) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if s := cluster.Look(addresses, false); s.Leader != 0 && s.Leader != not {
				return s.Leader
			}
		}
		t.Fatal("nobody leads")
		return 0
	}
	leader := serving(0)
	client := exec.Command(program, "client", "--fix", strings.Join(gateways, ","), "--sender", "CLIENT1")
	var said lockedBuffer
	client.Stdout, client.Stderr = &said, &said
	typed, err := client.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	defer client.Process.Kill()
	io.WriteString(typed, "buy ABC 100@10.00\n")
	said.wait(t, "accepted: buy ABC 100@10.00", 1)
	replicas[leader].Process.Signal(syscall.SIGKILL)
	serving(leader)
	io.WriteString(typed, "sell ABC 40@10.00\n")
	said.wait(t, "filled 40@10.00, 40 done, 0 open", 1)
	io.WriteString(typed, "orders\nquit\n")
	if err := client.Wait(); err != nil {
		t.Errorf("%v\n%s", err, said.String())
	}
	if !strings.Contains(said.String(), "buy ABC 100@10.00, 40 done, 60 open") {
		t.Errorf("the order did not live through it:\n%s", said.String())
	}
}

// The drill runs over TCP as over shared memory.
func TestDrillOverTCP(t *testing.T) {
	out, errs, status := run(t, "", "drill", "leader-kill", "--provider", "tcp", "--runs", "2", "--rate", "500")
	if status != 0 || !strings.Contains(out, "3 replicas over tcp") || !strings.Contains(out, "\npass\n") {
		t.Errorf("status %d:\n%s%s", status, out, errs)
	}
}
