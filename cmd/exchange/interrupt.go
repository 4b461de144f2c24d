package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// untilInterrupted is for a command that has processes and files to put away: it is done when the user stops the command, closes its terminal, or stops reading
// what it prints.
func untilInterrupted() (context.Context, context.CancelFunc) {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	go func() {
		for {
			select {
			case <-pipes:
				if readerGone() {
					cancel()
				}
			case <-ctx.Done():
				return // the signal stays taken: to put things away is not to be cut off by a last word that nobody reads
			}
		}
	}()
	return ctx, cancel
}

// readerGone tells whether nobody reads what the command prints. The signal alone does not say so: a socket whose other side was killed brings it too.
func readerGone() bool {
	out := []unix.PollFd{{Fd: 1}, {Fd: 2}}
	n, err := unix.Poll(out, 0)
	return err == nil && n > 0 && (out[0].Revents|out[1].Revents)&(unix.POLLERR|unix.POLLHUP) != 0
}
