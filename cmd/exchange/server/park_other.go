//go:build !linux

package server

import (
	"runtime"
	"sync/atomic"
	"time"
)

// parker lets the loop sleep until it is woken or a time has passed; see park_linux.go.
type parker struct {
	sleeping atomic.Bool
	ch       chan struct{}
	made     atomic.Bool
}

func (p *parker) prepare() {
	if !p.made.Load() {
		p.ch = make(chan struct{}, 1)
		p.made.Store(true)
	}
	p.sleeping.Store(true)
}

func (p *parker) cancel() { p.sleeping.Store(false) }

func (p *parker) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-p.ch:
	case <-t.C:
	}
	p.sleeping.Store(false)
}

func (p *parker) wake() {
	if p.made.Load() && p.sleeping.CompareAndSwap(true, false) {
		select {
		case p.ch <- struct{}{}:
		default:
		}
	}
}

func promptly() {}

func yield() { runtime.Gosched() }
