package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"exchange/cmd/exchange/server"
)

// Options says what cluster to start.
type Options struct {
	Dir          string // "": a temporary one, removed at the end
	Replicas     int    // 3 or 5
	Provider     string
	Durability   string
	BasePort     int           // 0: ports are chosen where there is room
	Heartbeat    time.Duration // between two reads of another's counter; 0: the default
	RestartAfter time.Duration // a replica that dies is started again after this; 0: never
	Binary       string        // the exchange program; "": this one
	Market       func(*server.Config)
	KeepLogs     bool // leave the replicas' logs behind
	// LineReceivers is how many receivers every MoldUDP64 line is sent to beside the first, at 127.0.0.2, 127.0.0.3 … and the same port.
	LineReceivers int
	// Notice is told one line for each change a person would want to know of; may be nil.
	Notice func(string)
}

// Cluster is a running cluster. Its methods may be called by any goroutine.
type Cluster struct {
	options   Options
	dir       string
	ownDir    bool
	lock      *os.File
	base      server.Config
	addresses map[int]string

	mu        sync.Mutex
	processes map[int]*process
	held      map[int]bool // not to be restarted: a drill does it itself
	leader    int
	stopping  bool
	watchers  sync.WaitGroup
	stopped   chan struct{}
	reserved  net.Listener // see choosePorts
}

// heartbeatsUnreachable is how many heartbeats a connection may stay without an answer, where the heartbeat was chosen.
const heartbeatsUnreachable = 30

// stopPatience is how long a replica may take to end by itself.
const stopPatience = 3 * time.Second

// Start writes the configuration and starts all replicas; it does not wait until they serve (see WaitServing).
func Start(o Options) (*Cluster, error) {
	c := &Cluster{options: o, processes: map[int]*process{}, held: map[int]bool{}, stopped: make(chan struct{})}
	if c.options.Notice == nil {
		c.options.Notice = func(string) {}
	}
	if err := c.prepare(); err != nil {
		c.release()
		return nil, err
	}
	for id := 1; id <= o.Replicas; id++ {
		if err := c.start(id); err != nil {
			c.Stop()
			return nil, err
		}
	}
	go c.follow()
	return c, c.describe()
}

func (c *Cluster) prepare() error {
	if c.options.Binary == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		c.options.Binary = self
	}
	if err := c.takeDir(); err != nil {
		return err
	}
	c.base = server.DefaultConfig()
	c.base.Cluster, c.base.Dir = "demo", c.dir
	c.base.Provider, c.base.Durability = c.options.Provider, c.options.Durability
	if c.options.Heartbeat > 0 {
		c.base.Timing.HeartbeatInterval = server.Duration(c.options.Heartbeat)
		c.base.Replication.Unreachable = max(c.base.Replication.Unreachable, server.Duration(heartbeatsUnreachable*c.options.Heartbeat))
	}
	c.options.Market(&c.base)
	if err := c.choosePorts(); err != nil {
		return err
	}
	c.addresses = map[int]string{}
	for _, m := range c.base.Members {
		c.addresses[m.ID] = m.HTTP
		replica := c.base
		replica.ID = m.ID
		if err := replica.Check(); err != nil {
			return err
		}
		text, err := replica.Encode()
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.file(m.ID, "toml"), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// takeDir makes the directory this cluster's own, and clears away what a crash of everything left in it: a memory cluster's state went with
// its processes.
func (c *Cluster) takeDir() (err error) {
	if c.options.Dir == "" {
		if _, err := Clean(""); err != nil { // what a crash of everything left
			return err
		}
		c.ownDir = true
		if c.dir, err = os.MkdirTemp("", pattern()); err != nil {
			return err
		}
	} else {
		if c.dir, err = filepath.Abs(c.options.Dir); err != nil {
			return err
		}
		if _, err := os.Stat(c.dir); errors.Is(err, os.ErrNotExist) {
			c.ownDir = true
		}
		if err := os.MkdirAll(c.dir, 0o700); err != nil {
			return err
		}
	}
	if c.lock, err = lock(c.dir); err != nil {
		c.ownDir = false // somebody else's
		return err
	}
	c.sweep()
	return nil
}

// sweep removes the files a cluster makes, and nothing else.
func (c *Cluster) sweep() {
	for _, name := range []string{FileName, "." + FileName} {
		os.Remove(filepath.Join(c.dir, name))
	}
	files, _ := filepath.Glob(filepath.Join(c.dir, "replica-*.*"))
	for _, f := range files {
		if c.stopping && c.options.KeepLogs && filepath.Ext(f) == ".log" {
			continue
		}
		os.Remove(f)
	}
}

func (c *Cluster) file(id int, kind string) string {
	return filepath.Join(c.dir, fmt.Sprintf("replica-%d.%s", id, kind))
}

func (c *Cluster) start(id int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		return errors.New("the cluster is stopping")
	}
	p, err := startProcess(c.options.Binary, id, c.file(id, "toml"), c.file(id, "log"))
	if err != nil {
		return err
	}
	c.processes[id] = p
	c.held[id] = false
	c.watchers.Add(1)
	go c.watch(p)
	return nil
}

// watch starts the replica again some time after it died.
func (c *Cluster) watch(p *process) {
	defer c.watchers.Done()
	<-p.exited
	c.mu.Lock()
	stopping, held := c.stopping, c.held[p.id]
	c.mu.Unlock()
	if stopping {
		return
	}
	_, err := p.outcome()
	c.describe()
	again := c.options.RestartAfter > 0 && !held
	note := fmt.Sprintf("replica %d (pid %d) died: %v", p.id, p.pid(), err)
	if again {
		note += fmt.Sprintf("; started again in %v", c.options.RestartAfter)
	}
	c.options.Notice(note)
	if !again {
		return
	}
	select {
	case <-c.stopped:
		return
	case <-time.After(c.options.RestartAfter):
	}
	if err := c.start(p.id); err != nil {
		c.options.Notice(fmt.Sprintf("replica %d could not be started again: %v", p.id, err))
		return
	}
	c.describe()
	c.options.Notice(fmt.Sprintf("replica %d was started again", p.id))
}

// follow keeps cluster.json's leader true.
func (c *Cluster) follow() {
	for {
		s := Look(c.addresses, false)
		c.mu.Lock()
		changed := s.Leader != 0 && s.Leader != c.leader
		if changed {
			c.leader = s.Leader
		}
		c.mu.Unlock()
		if changed {
			c.describe()
			for _, r := range s.Replicas {
				if r.ID == s.Leader {
					c.options.Notice(fmt.Sprintf("replica %d leads (%s)", s.Leader, r.Status.Reason))
				}
			}
		}
		select {
		case <-c.stopped:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Describe is what cluster.json says now.
func (c *Cluster) Describe() File {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := File{
		Cluster: c.base.Cluster, Provider: c.base.Provider, Durability: c.base.Durability, Leader: c.leader,
		Instruments: c.base.Instruments, OUCH: []Account{}, FIXSessions: []Session{},
	}
	for _, m := range c.base.Members {
		r := Replica{ID: m.ID, FIX: m.FIX, OUCH: m.OUCH, ITCH: m.ITCH, Mold: m.Mold, MoldRequest: m.MoldRequest, Glimpse: m.Glimpse, HTTP: m.HTTP}
		if p := c.processes[m.ID]; p != nil {
			r.PID, r.Alive = p.pid(), p.alive()
		}
		f.Replicas = append(f.Replicas, r)
	}
	for _, s := range c.base.FIXSessions {
		f.FIXSessions = append(f.FIXSessions, Session{s.Sender, s.Target, s.Username, s.Password})
	}
	for _, a := range c.base.OUCHAccounts {
		f.OUCH = append(f.OUCH, Account{a.Username, a.Password})
	}
	return f
}

// describing keeps two writers from taking each other's place.
var describing sync.Mutex

func (c *Cluster) describe() error {
	describing.Lock()
	defer describing.Unlock()
	f := c.Describe()
	return f.write(c.dir)
}

// Dir is the cluster's directory.
func (c *Cluster) Dir() string { return c.dir }

// HTTP gives the replicas' HTTP addresses by id.
func (c *Cluster) HTTP() map[int]string { return c.addresses }

// WaitServing waits until a leader takes orders and all replicas follow it as voters.
func (c *Cluster) WaitServing(ctx context.Context) (Survey, error) {
	type end struct {
		survey Survey
		err    error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan end, 1)
	go func() {
		s, err := WaitFor(ctx, c.addresses, func(s Survey) bool { return s.Leader != 0 && s.Voters() == c.options.Replicas })
		done <- end{s, err}
	}()
	for {
		select {
		case e := <-done:
			if e.err != nil {
				e.err = fmt.Errorf("%w\n%s", e.err, c.lastWords())
			}
			return e.survey, e.err
		case <-time.After(50 * time.Millisecond):
			if err := c.misfit(); err != nil {
				return Survey{}, err
			}
		}
	}
}

// misfit tells of a replica that could not run (a usage error, a port in use): waiting for it would be in vain.
func (c *Cluster) misfit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, p := range c.processes {
		if p.alive() {
			continue
		}
		if code := p.cmd.ProcessState.ExitCode(); code == 1 || code == 2 {
			return fmt.Errorf("replica %d could not run:\n%s", id, tail(c.file(id, "log")))
		}
	}
	return nil
}

func (c *Cluster) lastWords() (words string) {
	for id := range c.addresses {
		words += tail(c.file(id, "log"))
	}
	return words
}

// tail gives the last lines of a log file.
func tail(path string) string {
	text, _ := os.ReadFile(path)
	if len(text) > 2000 {
		text = text[len(text)-2000:]
	}
	return string(text)
}

// Voters counts the replicas that answer and vote.
func (s Survey) Voters() (n int) {
	for _, r := range s.Replicas {
		if r.Status != nil && r.Status.Voter {
			n++
		}
	}
	return n
}

// Stop ends all replicas and takes away every file and directory that the cluster made.
func (c *Cluster) Stop() {
	c.mu.Lock()
	if c.stopping {
		c.mu.Unlock()
		<-c.stopped
		return
	}
	c.stopping = true
	processes := c.processes
	c.mu.Unlock()
	var all sync.WaitGroup
	for _, p := range processes {
		all.Add(1)
		go func() { defer all.Done(); p.stop(stopPatience) }()
	}
	all.Wait()
	close(c.stopped)
	c.watchers.Wait()
	describing.Lock()
	defer describing.Unlock()
	c.sweep()
	c.release()
}

func (c *Cluster) release() {
	if c.reserved != nil {
		c.reserved.Close()
	}
	if c.lock != nil {
		os.Remove(filepath.Join(c.dir, lockName))
		c.lock.Close()
	}
	if c.ownDir && c.dir != "" {
		os.Remove(c.dir)
	}
}
