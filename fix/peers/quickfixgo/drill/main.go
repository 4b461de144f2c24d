// Command drill starts a cluster with `exchange demo`, lets clients written by others enter orders, kills the leader again and again, and holds what the
// clients saw together.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// description is what the drill needs of the cluster's cluster.json.
type description struct {
	Leader   int `json:"leader"`
	Replicas []struct {
		ID    int    `json:"id"`
		PID   int    `json:"pid"`
		Alive bool   `json:"alive"`
		FIX   string `json:"fix"`
		HTTP  string `json:"http"`
	} `json:"replicas"`
	Sessions []struct {
		Sender   string `json:"sender"`
		Target   string `json:"target"`
		Username string `json:"username"`
		Password string `json:"password"`
	} `json:"fix_sessions"`
}

// seen is what a client saw.
type seen struct {
	Engine     string   `json:"engine"`
	Sent       int      `json:"sent"`
	New        int      `json:"new"`
	Rejected   int      `json:"rejected"`
	Logons     int      `json:"logons"`
	Unanswered []string `json:"unanswered"`
	Doubled    []string `json:"doubled"`
	TooLow     []string `json:"too_low"`
	Holes      []string `json:"holes"`
	Reused     []string `json:"reused"`
	Cancelled  []string `json:"cancelled"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "drill:", err)
		os.Exit(1)
	}
}

// patience bounds the wait for a leader.
const patience = 60 * time.Second

func run() (err error) {
	exchange := flag.String("exchange", "", "the exchange program")
	clients := flag.String("clients", "", "client programs, with commas between; each gets a session of its own")
	kills := flag.Int("kills", 50, "how often the leader is killed")
	settle := flag.Duration("settle", 2500*time.Millisecond, "time from a kill's new leader to the next kill")
	port := flag.Int("base-port", 9600, "of the cluster")
	traders := flag.Int("traders", 4, "our own clients besides")
	flag.Parse()
	var dir string
	if dir, err = os.MkdirTemp("", "fix-peers"); err != nil {
		return err
	}
	defer func() {
		if err == nil {
			_ = os.RemoveAll(dir)
		} else {
			fmt.Fprintln(os.Stderr, "drill: the cluster's logs are in", dir)
		}
	}()
	demo := exec.Command(*exchange, "demo", "--quiet", "--dir", filepath.Join(dir, "cluster"), "--base-port", fmt.Sprint(*port), "--traders", fmt.Sprint(*traders),
		"--restart-after", "500ms")
	demo.Stdout, demo.Stderr = io.Discard, os.Stderr
	demo.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := demo.Start(); err != nil {
		return err
	}
	defer func() {
		_ = demo.Process.Signal(syscall.SIGINT)
		_ = demo.Wait()
	}()
	file := filepath.Join(dir, "cluster", "cluster.json")
	d, err := waitLeader(file, 0)
	if err != nil {
		return err
	}
	var programs []*program
	for i, path := range strings.Split(*clients, ",") {
		p, err := startClient(path, d, i, dir)
		if err != nil {
			return err
		}
		defer p.cmd.Process.Kill()
		programs = append(programs, p)
	}
	for n := range *kills {
		time.Sleep(*settle)
		if d, err = kill(file, d); err != nil {
			return fmt.Errorf("kill %d: %w", n+1, err)
		}
		fmt.Fprintf(os.Stderr, "\rkill %d of %d", n+1, *kills)
	}
	fmt.Fprintln(os.Stderr)
	time.Sleep(*settle)
	return judge(programs)
}

// waitLeader reads the cluster's description until it has a leader other than the process given, and every replica has a vote: a cluster in memory that loses a
// second replica before the first has taken its state back has lost its majority for ever, and rightly stops.
func waitLeader(file string, not int) (*description, error) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var d description
		text, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(text, &d) != nil || d.Leader == 0 {
			continue
		}
		votes := 0
		for _, r := range d.Replicas {
			if r.Alive && votesNow(r.HTTP, r.PID) {
				votes++
			}
		}
		if pid := d.leader(); pid != 0 && pid != not && votes == len(d.Replicas) {
			return &d, nil
		}
	}
	return nil, fmt.Errorf("no leader of a whole cluster in %v", patience)
}

// votesNow tells whether the process is there and a voter.
func votesNow(address string, pid int) bool {
	client := http.Client{Timeout: time.Second}
	answer, err := client.Get("http://" + address + "/v1/status")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	var status struct {
		PID   int    `json:"pid"`
		Role  string `json:"role"`
		Voter bool   `json:"voter"`
	}
	return json.NewDecoder(answer.Body).Decode(&status) == nil && status.PID == pid && status.Voter && status.Role != "learner"
}

func (d *description) leader() int {
	for _, r := range d.Replicas {
		if r.ID == d.Leader && r.Alive {
			return r.PID
		}
	}
	return 0
}

// kill kills the leader and waits until another leads and the killed one is back with its vote.
func kill(file string, d *description) (*description, error) {
	now, err := waitLeader(file, 0)
	if err != nil {
		return nil, err
	}
	pid := now.leader()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return nil, err
	}
	return waitLeader(file, pid)
}

// program is a running client.
type program struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
}

func startClient(path string, d *description, n int, dir string) (*program, error) {
	sender := fmt.Sprintf("CLIENT%d", n+1)
	var addresses []string
	for _, r := range d.Replicas {
		addresses = append(addresses, r.FIX)
	}
	args := []string{"--addresses", strings.Join(addresses, ","), "--store", filepath.Join(dir, "store-"+sender), "--sender", sender, "--symbol", fmt.Sprintf("XYZ%d", n%4+1)}
	for _, s := range d.Sessions {
		if s.Sender == sender {
			args = append(args, "--target", s.Target, "--username", s.Username, "--password", s.Password)
		}
	}
	c := exec.Command(path, args...)
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &program{c, in, bufio.NewReader(out)}, c.Start()
}

// judge ends the clients and says whether all is right.
func judge(programs []*program) error {
	for _, p := range programs {
		p.stdin.Close()
	}
	bad := 0
	for _, p := range programs {
		line, err := p.out.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("a client said nothing: %w", err)
		}
		fmt.Print(string(line))
		var s seen
		if err := json.Unmarshal(line, &s); err != nil {
			return err
		}
		bad += len(s.Unanswered) + len(s.Doubled) + len(s.TooLow) + len(s.Holes) + len(s.Reused) + len(s.Cancelled)
		if s.Sent == 0 || s.Sent != s.New+s.Rejected {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d faults", bad)
	}
	fmt.Println("pass")
	return nil
}
