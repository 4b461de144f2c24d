//go:build !unix

package moldudp64

import (
	"errors"
	"net"
)

func setMulticast(*net.UDPConn, string, int) error {
	return errors.New("multicast is not done on this system: name unicast addresses")
}
