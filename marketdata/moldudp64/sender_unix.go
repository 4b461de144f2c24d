//go:build unix

package moldudp64

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// sender is the sockets of a line, one for each destination. They are not of package net's: those are watched for room to write, so that each packet that has
// left one wakes a thread.
type sender struct {
	to []destination // none: closed
}

// destination is where packets go. A receiver at a loopback address is connected to: the system then tells, as soon as a packet has been sent, that nobody has its
// port open. Of another host that is said later, or not at all, and a packet to it costs the same whether it is heard or not.
type destination struct {
	fd      int
	address unix.Sockaddr // nil: the socket is connected
	unheard bool          // nobody had the port open for the last packet, or for none yet; always false where the system does not tell
}

// openSender opens the sockets, with multicast's settings for a group.
func openSender(config *PublisherConfig) (*sender, error) {
	s := &sender{}
	for _, to := range config.Destinations {
		d, err := openDestination(to, config)
		if err != nil {
			s.close()
			return nil, err
		}
		s.to = append(s.to, d)
	}
	return s, nil
}

func openDestination(to netip.AddrPort, config *PublisherConfig) (d destination, err error) {
	domain := unix.AF_INET
	if to.Addr().Is6() {
		domain = unix.AF_INET6
	}
	address, err := socketAddress(to, domain)
	if err != nil {
		return d, err
	}
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return d, fmt.Errorf("socket: %w", err)
	}
	d = destination{fd: fd, address: address}
	switch {
	case to.Addr().IsMulticast():
		if err := setMulticast(fd, config.Interface, config.TTL); err != nil {
			unix.Close(fd)
			return d, err
		}
	case to.Addr().IsLoopback() && unix.Connect(fd, address) == nil:
		d.address, d.unheard = nil, true
	}
	return d, nil
}

// socketAddress is an address as a socket of the domain takes it.
func socketAddress(d netip.AddrPort, domain int) (unix.Sockaddr, error) {
	if domain == unix.AF_INET {
		return &unix.SockaddrInet4{Port: int(d.Port()), Addr: d.Addr().As4()}, nil
	}
	to := &unix.SockaddrInet6{Port: int(d.Port()), Addr: d.Addr().As16()}
	if zone := d.Addr().Zone(); zone != "" {
		i, err := net.InterfaceByName(zone)
		if err != nil {
			return nil, fmt.Errorf("zone of %v: %w", d, err)
		}
		to.ZoneId = uint32(i.Index)
	}
	return to, nil
}

// send sends a packet to all destinations and waits for the sockets' room; it tells to how many it failed.
func (s *sender) send(packet []byte) (failed int) {
	for i := range s.to {
		if s.to[i].send(packet, 0) != nil {
			failed++
		}
	}
	return failed
}

// express is send without ever waiting, for a thread that must not wait. Not sent: to none, now.
func (s *sender) express(packet []byte) (sent bool, failed int) {
	for i := range s.to {
		switch err := s.to[i].send(packet, unix.MSG_DONTWAIT); {
		case err == nil:
			sent = true
		case i == 0:
			return false, 0
		default:
			failed++
		}
	}
	return sent, failed
}

// heard tells whether anybody may have heard the last packet.
func (s *sender) heard() bool {
	for i := range s.to {
		if !s.to[i].unheard {
			return true
		}
	}
	return false
}

func (d *destination) send(packet []byte, flags int) error {
	err := d.try(packet, flags)
	if err == unix.ECONNREFUSED { // that was the one before: this one has not been sent
		d.unheard = true
		err = d.try(packet, flags)
	}
	if err == nil && d.unheard {
		fault, failed := unix.GetsockoptInt(d.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		d.unheard = failed == nil && fault == int(unix.ECONNREFUSED)
	}
	return err
}

func (d *destination) try(packet []byte, flags int) error {
	for {
		if err := unix.Sendto(d.fd, packet, flags, d.address); err != unix.EINTR {
			return err
		}
	}
}

func (s *sender) close() {
	for i := range s.to {
		unix.Close(s.to[i].fd)
	}
	s.to = nil
}
