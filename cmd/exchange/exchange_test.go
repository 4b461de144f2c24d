package main

import (
	"bytes"
	"context"
	"encoding/json"
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

// The tests here run the program itself: real processes, real sockets, real kill -9. TestMain builds it once.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "exchange-test-")
	if err == nil {
		program = filepath.Join(dir, "exchange")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
			err = fmt.Errorf("build: %w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// needShm stops a test on a system that cannot run replicas over shared memory. CI may not pass that way.
func needShm(t *testing.T) {
	t.Helper()
	if err := server.CanRun("shm"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// run runs the program to its end and gives its exit status.
func run(t *testing.T, stdin string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &errs
	err := c.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

// startDemo starts a demo without traders in a directory of its own, and waits until it serves.
func startDemo(t *testing.T, args ...string) (dir string, stop func()) {
	t.Helper()
	needShm(t)
	dir = filepath.Join(t.TempDir(), "cluster")
	c := exec.Command(program, append([]string{"demo", "--dir", dir, "--traders", "0", "--restart-after", "200ms"}, args...)...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	stop = func() {
		c.Process.Signal(syscall.SIGINT)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("demo ended with %v:\n%s", err, out.String())
			}
		case <-time.After(20 * time.Second):
			c.Process.Kill()
			t.Error("the demo does not stop")
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			left, _ := filepath.Glob(filepath.Join(dir, "*"))
			t.Errorf("left behind: %v", left)
		}
	}
	waitFor(t, dir, func(s cluster.Survey) bool { return s.Leader != 0 && s.Voters() == 3 })
	return dir, stop
}

func waitFor(t *testing.T, dir string, ok func(cluster.Survey) bool) (s cluster.Survey, f *cluster.File) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var err error
		if f, err = cluster.ReadFile(dir); err != nil {
			continue
		}
		addresses := map[int]string{}
		for _, r := range f.Replicas {
			addresses[r.ID] = r.HTTP
		}
		if s = cluster.Look(addresses, false); ok(s) && f.Leader == s.Leader {
			return s, f
		}
	}
	t.Fatalf("the cluster does not come to the state waited for: %+v", s)
	return s, f
}

// One client goes on in sequence while the leader is killed, and its successor too after the first is back; orders live through it, the feed has
// no gap, and the replicas agree.
func TestLeaderAndItsSuccessorAreKilled(t *testing.T) {
	dir, stop := startDemo(t)
	defer stop()
	in, feed := exec.Command(program, "client", "--dir", dir, "--sender", "CLIENT1"), exec.Command(program, "watch", "XYZ1", "--dir", dir, "--plain")
	var said, seen lockedBuffer
	in.Stdout, in.Stderr, feed.Stdout = &said, &said, &seen
	typed, err := in.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*exec.Cmd{in, feed} {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer c.Process.Kill()
	}
	ask := func(line, answer string, times int) {
		t.Helper()
		fmt.Fprintln(typed, line)
		said.wait(t, answer, times)
	}
	ask("buy XYZ1 100@10.00", "accepted: buy XYZ1 100@10.00", 1)
	for round := 1; round <= 2; round++ {
		s, f := waitFor(t, dir, func(s cluster.Survey) bool { return s.Leader != 0 && s.Voters() == 3 })
		for _, r := range f.Replicas {
			if r.ID == s.Leader {
				syscall.Kill(r.PID, syscall.SIGKILL)
			}
		}
		ask("sell XYZ1 10@10.00", "filled 10@10.00, 10 done, 0 open", round)
	}
	ask("orders", "buy XYZ1 100@10.00, 20 done, 80 open", 1)
	fmt.Fprintln(typed, "quit")
	if err := in.Wait(); err != nil {
		t.Errorf("client: %v\n%s", err, said.String())
	}
	if strings.Contains(said.String(), "too low") {
		t.Errorf("the client's numbers did not go on:\n%s", said.String())
	}
	seen.wait(t, "trade 10@10.00", 2)
	s, _ := waitFor(t, dir, func(s cluster.Survey) bool { return s.Leader != 0 && s.Voters() == 3 })
	if !s.Agree || len(s.Hashes) != 3 {
		t.Errorf("state hashes at command %d: %v", s.CommonIndex, s.Hashes)
	}
	out, errs, status := run(t, "", "status", "--dir", dir)
	if status != 0 || !strings.Contains(out, "state hashes of 3 replicas are equal") {
		t.Errorf("status %d:\n%s%s", status, out, errs)
	}
}

// The drill kills leaders under load and finds nothing lost, doubled or numbered wrongly.
func TestDrill(t *testing.T) {
	needShm(t)
	for scenario, timed := range map[string]string{
		"leader-kill": "kill_to_first_decision_ns", "leader-stop": "stop_to_first_decision_ns", "handover": "handover_to_first_decision_ns",
	} {
		args := []string{"drill", scenario, "--runs", "3", "--rate", "500", "--json"}
		if scenario == "leader-kill" {
			args = append(args, "--receivers")
		}
		out, errs, status := run(t, "", args...)
		var report map[string]any
		if err := json.Unmarshal([]byte(out), &report); err != nil || status != 0 {
			t.Fatalf("%s: status %d, %v:\n%s%s", scenario, status, err, out, errs)
		}
		if report["schema"] != "exchange.drill/v1" || report["scenario"] != scenario || report["verdict"] != "pass" || report["runs"] != 3.0 || report["acknowledged"].(float64) < 100 {
			t.Errorf("report: %s", out)
		}
		if receivers, _ := report["receivers"].([]any); scenario == "leader-kill" && len(receivers) != 4 {
			t.Errorf("receivers: %v", report["receivers"])
		} else {
			for _, r := range receivers {
				if r := r.(map[string]any); r["orders_compared"].(float64) == 0 || r["differences"] != 0.0 || r["messages"].(float64) == 0 {
					t.Errorf("receiver %v", r)
				}
			}
		}
		if d, ok := report[timed].(map[string]any); !ok || d["p50"].(float64) <= 0 {
			t.Errorf("%s: %v", timed, report[timed])
		}
		for _, zero := range []string{"lost", "doubled", "diverged", "feed_gaps", "feed_contradictions", "number_faults", "rejected"} {
			if report[zero] != 0.0 {
				t.Errorf("%s: %s: %v", scenario, zero, report[zero])
			}
		}
	}
}

// The same file through one book and through a cluster gives the same trades and the same state.
func TestReplayBothWays(t *testing.T) {
	needShm(t)
	var results [2]map[string]any
	for i, way := range [][]string{nil, {"--cluster"}} {
		out, errs, status := run(t, "", append([]string{"replay", "../../testdata/orderflow/small.bin", "--json"}, way...)...)
		if err := json.Unmarshal([]byte(out), &results[i]); err != nil || status != 0 {
			t.Fatalf("status %d, %v:\n%s%s", status, err, out, errs)
		}
	}
	for _, same := range []string{"orders", "accepted", "rejected", "trades", "volume", "resting", "trade_hash", "state_hash"} {
		if results[0][same] != results[1][same] {
			t.Errorf("%s: %v through one book, %v through the cluster", same, results[0][same], results[1][same])
		}
	}
}

// A demo whose reader goes away, or whose terminal is closed, ends like one that is interrupted.
func TestDemoEndsWithItsReader(t *testing.T) {
	needShm(t)
	for _, way := range []string{"hang-up", "reader gone"} {
		t.Run(way, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cluster")
			c := exec.Command(program, "demo", "--dir", dir)
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			defer c.Process.Kill()
			_, f := waitFor(t, dir, func(s cluster.Survey) bool { return s.Leader != 0 && s.Voters() == 3 })
			if way == "hang-up" {
				go io.Copy(io.Discard, out)
				c.Process.Signal(syscall.SIGHUP)
			} else {
				out.Close() // its next trade finds nobody
			}
			ended := make(chan struct{})
			go func() { c.Process.Wait(); close(ended) }()
			select {
			case <-ended:
			case <-time.After(20 * time.Second):
				t.Fatal("the demo goes on")
			}
			for _, r := range f.Replicas {
				if syscall.Kill(r.PID, 0) == nil {
					t.Errorf("replica %d still runs", r.ID)
				}
			}
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				left, _ := filepath.Glob(filepath.Join(dir, "*"))
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// A demo that is killed with its replicas leaves files, which clean removes; a running one's are not touched.
func TestCleanAfterACrashOfEverything(t *testing.T) {
	dir, stop := startDemo(t)
	if _, errs, status := run(t, "", "clean", "--dir", dir); status != 2 || !strings.Contains(errs, "another cluster is running in it") {
		t.Errorf("clean under a running demo: status %d, %s", status, errs)
	}
	stop()
	crashed := filepath.Join(t.TempDir(), "crashed")
	c := exec.Command(program, "demo", "--dir", crashed, "--traders", "0", "--quiet")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_, f := waitFor(t, crashed, func(s cluster.Survey) bool { return s.Leader != 0 && s.Voters() == 3 })
	for _, r := range f.Replicas {
		syscall.Kill(r.PID, syscall.SIGSTOP) // so that none of them tidies up
	}
	c.Process.Kill()
	c.Wait()
	for _, r := range f.Replicas {
		syscall.Kill(r.PID, syscall.SIGKILL)
	}
	out, errs, status := run(t, "", "clean", "--dir", crashed)
	if status != 0 || !strings.Contains(out, "removed "+crashed) {
		t.Errorf("status %d:\n%s%s", status, out, errs)
	}
	if _, err := os.Stat(crashed); !os.IsNotExist(err) {
		left, _ := filepath.Glob(filepath.Join(crashed, "*"))
		t.Errorf("left behind: %v", left)
	}
}

// What cannot be done is said: what, why, and what to do.
func TestWrongUseIsExplained(t *testing.T) {
	dir, stop := startDemo(t)
	defer stop()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	bad := filepath.Join(t.TempDir(), "bad.toml")
	if err := os.WriteFile(bad, []byte("cluster = 'x'\nspeed = 'high'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	port := taken.Addr().(*net.TCPAddr).Port
	for _, c := range []struct {
		name   string
		stdin  string
		args   []string
		status int
		says   string
	}{
		{"a second cluster in the directory", "", []string{"demo", "--dir", dir}, 2, "another cluster is running in it"},
		{"a port in use", "", []string{"demo", "--base-port", fmt.Sprint(port - 1)}, 2, "choose others with --base-port"},
		{"an unknown key", "", []string{"serve", "-c", bad}, 2, "unknown key \"speed\""},
		{"no configuration", "", []string{"config", "check", bad + "x"}, 2, "print-defaults"},
		{"an unknown session", "", []string{"client", "--dir", dir, "--sender", "NOBODY"}, 2, "has no FIX session NOBODY>EXCHANGE"},
		{"an unknown session at the gateway", "", []string{"client", "--fix", leaderFIX(t, dir), "--sender", "NOBODY", "--patience", "500ms"}, 1, "no logon as NOBODY"},
		{"an unknown symbol to watch", "", []string{"watch", "NOPE", "--dir", dir}, 2, "unknown instrument NOPE"},
		{"an unknown instrument", "buy NOPE 1@1.00\n", []string{"client", "--dir", dir}, 0, "rejected: unknown instrument"},
		{"a price off the tick", "buy XYZ1 1@1.001\n", []string{"client", "--dir", dir}, 0, "rejected: price is not a multiple of the tick size"},
		{"a quantity of zero", "buy XYZ1 0@1.00\n", []string{"client", "--dir", dir}, 0, "rejected: quantity out of range"},
		{"no such file", "", []string{"replay", "nothing.bin"}, 2, "no such file"},
		{"not an order-flow file", "", []string{"replay", bad}, 2, "not an order-flow file"},
		{"an unknown command", "", []string{"sing"}, 2, "unknown command"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, status := run(t, c.stdin, c.args...)
			if status != c.status || !strings.Contains(out+errs, c.says) {
				t.Errorf("status %d, it should be %d and say %q:\n%s%s", status, c.status, c.says, out, errs)
			}
		})
	}
}

func leaderFIX(t *testing.T, dir string) string {
	f, err := cluster.ReadFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f.Addresses(cluster.Replica.FIXAddress)[0]
}
