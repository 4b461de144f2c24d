package main

import (
	"syscall"
	"testing"
	"time"
)

// A socket whose other side is gone sends the same signal as a reader who is: it stops nothing.
func TestBrokenSocketIsNoInterrupt(t *testing.T) {
	ctx, cancel := untilInterrupted()
	defer cancel()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGPIPE); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ctx.Done():
		t.Fatal("interrupted")
	case <-time.After(100 * time.Millisecond):
	}
}
