package cluster

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Kill ends a replica with SIGKILL and gives the CLOCK_MONOTONIC time just before the signal, ns. hold: it is not started again by itself.
func (c *Cluster) Kill(id int, hold bool) (at int64, err error) {
	return c.signal(id, syscall.SIGKILL, hold)
}

// Pause stops a replica with SIGSTOP; Resume lets it go on.
func (c *Cluster) Pause(id int) (at int64, err error) { return c.signal(id, syscall.SIGSTOP, false) }

// Resume ends a Pause.
func (c *Cluster) Resume(id int) error { _, err := c.signal(id, syscall.SIGCONT, false); return err }

func (c *Cluster) signal(id int, s syscall.Signal, hold bool) (int64, error) {
	c.mu.Lock()
	p := c.processes[id]
	c.held[id] = hold
	c.mu.Unlock()
	if p == nil || !p.alive() {
		return 0, fmt.Errorf("replica %d is not running", id)
	}
	at := Monotonic()
	return at, p.cmd.Process.Signal(s)
}

// Restart starts a replica that was killed and held.
func (c *Cluster) Restart(id int) error {
	c.mu.Lock()
	p := c.processes[id]
	c.mu.Unlock()
	if p != nil {
		<-p.exited
	}
	if err := c.start(id); err != nil {
		return err
	}
	return c.describe()
}

// Monotonic is CLOCK_MONOTONIC, ns: comparable between processes of one host.
func Monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return ts.Nano()
}
