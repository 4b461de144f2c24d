//go:build !unix

package marketdata

import "net"

// express writes to a socket without waiting for it; here there is no way to.
type express struct{}

func (*express) open(net.Conn)   {}
func (*express) possible() bool  { return false }
func (*express) send([]byte) int { return 0 }
