//go:build !amd64 && !arm64

package book

import "unsafe"

// prefetch is nothing where it is not known how.
func prefetch(_, _ unsafe.Pointer) {}
