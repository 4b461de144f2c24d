//go:build unix

package moldudp64

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// sender is the socket of a line. It is not one of package net's: those are watched for room to write, so that each packet that has left one wakes a thread.
type sender struct {
	fd int // -1: closed
	to []unix.Sockaddr
}

// openSender opens the socket, with multicast's settings if a destination is a group.
func openSender(config *PublisherConfig) (*sender, error) {
	domain, group := unix.AF_INET, false
	for _, d := range config.Destinations {
		if d.Addr().Is6() {
			domain = unix.AF_INET6 // which takes addresses of version 4 too
		}
		group = group || d.Addr().IsMulticast()
	}
	s := &sender{}
	for _, d := range config.Destinations {
		to, err := socketAddress(d, domain)
		if err != nil {
			return nil, err
		}
		s.to = append(s.to, to)
	}
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	s.fd = fd
	if domain == unix.AF_INET6 {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0) // where it cannot be, addresses of version 4 fail by themselves
	}
	if group {
		if err := setMulticast(fd, config.Interface, config.TTL); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
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

// send sends a packet to all destinations and waits for the socket's room; it tells to how many it failed.
func (s *sender) send(packet []byte) (failed int) {
	for _, to := range s.to {
		if err := sendTo(s.fd, packet, 0, to); err != nil {
			failed++
		}
	}
	return failed
}

// express is send without ever waiting, for a thread that must not wait. Not sent: to none, now.
func (s *sender) express(packet []byte) (sent bool, failed int) {
	if s.fd < 0 {
		return false, 0
	}
	for i, to := range s.to {
		switch err := sendTo(s.fd, packet, unix.MSG_DONTWAIT, to); {
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

func sendTo(fd int, packet []byte, flags int, to unix.Sockaddr) error {
	for {
		if err := unix.Sendto(fd, packet, flags, to); err != unix.EINTR {
			return err
		}
	}
}

func (s *sender) close() {
	if s.fd >= 0 {
		unix.Close(s.fd)
		s.fd = -1
	}
}
