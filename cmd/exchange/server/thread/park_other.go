//go:build !linux

package thread

import (
	"sync/atomic"
	"time"
)

// Parker lets the loop sleep until it is woken or a time has passed; see park_linux.go.
type Parker struct {
	sleeping atomic.Bool
	ch       chan struct{}
	made     atomic.Bool
}

func (p *Parker) Prepare() {
	if !p.made.Load() {
		p.ch = make(chan struct{}, 1)
		p.made.Store(true)
	}
	p.sleeping.Store(true)
}

func (p *Parker) Cancel() { p.sleeping.Store(false) }

func (p *Parker) Sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-p.ch:
	case <-t.C:
	}
	p.sleeping.Store(false)
}

func (p *Parker) Wake() {
	if p.made.Load() && p.sleeping.CompareAndSwap(true, false) {
		select {
		case p.ch <- struct{}{}:
		default:
		}
	}
}
