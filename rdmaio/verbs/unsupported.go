//go:build !(verbs && linux && cgo)

package verbs

import (
	"errors"

	"exchange/rdmaio"
)

// Provider cannot be had in this build.
type Provider struct{ rdmaio.Provider }

var errUnsupported = errors.New("verbs: built without tag verbs: libibverbs is not linked in: " +
	"build on Linux with `go build -tags verbs` and cgo, with libibverbs-dev (rdma-core) installed, or use another provider")

// Open returns an error that says what the build needs.
func Open(Config) (*Provider, error) { return nil, errUnsupported }

// Probe returns an error that says what the build needs.
func Probe() error { return errUnsupported }
