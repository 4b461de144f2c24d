//go:build !linux

package server

import "time"

var clockStart = time.Now()

func monotonicClock() int64 { return int64(time.Since(clockStart)) }
