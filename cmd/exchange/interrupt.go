package main

import (
	"context"
	"os/signal"
	"syscall"
)

// untilInterrupted is for a command that has processes and files to put away: it is done when the user stops the command, closes its terminal, or stops reading
// what it prints.
func untilInterrupted() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
}
