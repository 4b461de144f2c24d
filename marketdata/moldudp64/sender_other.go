//go:build !unix

package moldudp64

import (
	"errors"
	"net"
	"net/netip"
)

// sender is the socket of a line.
type sender struct {
	conn *net.UDPConn
	to   []netip.AddrPort
}

func openSender(config *PublisherConfig) (*sender, error) {
	for _, d := range config.Destinations {
		if d.Addr().IsMulticast() {
			return nil, errors.New("multicast is not there on this system: name unicast addresses")
		}
	}
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, err
	}
	return &sender{conn, config.Destinations}, nil
}

// send sends a packet to all destinations; it tells to how many it failed.
func (s *sender) send(packet []byte) (failed int) {
	for _, to := range s.to {
		if _, err := s.conn.WriteToUDPAddrPort(packet, to); err != nil {
			failed++
		}
	}
	return failed
}

// express sends without ever waiting; here there is no way to.
func (*sender) express([]byte) (sent bool, failed int) { return false, 0 }

// heard is not known here.
func (*sender) heard() bool { return true }

func (s *sender) close() { s.conn.Close() }
