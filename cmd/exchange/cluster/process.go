package cluster

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// process is one start of one replica.
type process struct {
	id     int
	cmd    *exec.Cmd
	leash  io.WriteCloser // the child ends when this is closed, so that none outlives a killed parent
	exited chan struct{}

	mu    sync.Mutex
	ended time.Time
	err   error
}

// startProcess runs `exchange serve` for the replica; what it logs goes to the file.
func startProcess(binary string, id int, config, logFile string) (*process, error) {
	out, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(binary, "serve", "-c", config, "--leashed")
	cmd.Stdout, cmd.Stderr = out, out
	// A Ctrl-C at the terminal goes to the parent alone, which then stops the replicas in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	leash, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start replica %d: %w", id, err)
	}
	p := &process{id: id, cmd: cmd, leash: leash, exited: make(chan struct{})}
	go func() {
		err := cmd.Wait()
		p.mu.Lock()
		p.ended, p.err = time.Now(), err
		p.mu.Unlock()
		close(p.exited)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// outcome is when and how the process ended.
func (p *process) outcome() (time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended, p.err
}

// stop asks the process to end, and makes it end when it does not.
func (p *process) stop(patience time.Duration) {
	p.cmd.Process.Signal(syscall.SIGCONT) // it may have been paused by a drill
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.leash.Close()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.cmd.Process.Kill()
		<-p.exited
	}
}
