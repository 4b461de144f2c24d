//go:build !unix

package moldudp64

import (
	"net"
	"net/netip"
)

// express sends packets without waiting for the socket; here there is no way to.
type express struct{}

func (*express) open(*net.UDPConn, []netip.AddrPort) {}
func (*express) possible() bool                      { return false }
func (*express) send([]byte) (sent bool, failed int) { return false, 0 }
