//go:build !linux

package bench

import "time"

func promptly() {}

func nap(d time.Duration) { time.Sleep(d) }
