//go:build !linux

package thread

import "errors"

// Awake asks the system to keep the processors of this host awake: not on this system.
type Awake struct{}

// Open gets hold of the request.
func (*Awake) Open() error { return errors.ErrUnsupported }

// Keep begins or ceases to ask.
func (*Awake) Keep(bool) {}

// Close ends the request.
func (*Awake) Close() {}
