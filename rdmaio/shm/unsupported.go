//go:build !linux || !(amd64 || arm64)

package shm

import (
	"fmt"
	"runtime"

	"exchange/rdmaio"
)

// Provider cannot be had on this system.
type Provider struct{ rdmaio.Provider }

func unsupported() error {
	return fmt.Errorf("shm: %s/%s: fencing a stale writer needs userfaultfd, which only Linux on amd64 or arm64 has: use another provider", runtime.GOOS, runtime.GOARCH)
}

// Open returns an error that says what the provider needs.
func Open(Config) (*Provider, error) { return nil, unsupported() }

// Probe returns an error that says what the provider needs.
func Probe() error { return unsupported() }
