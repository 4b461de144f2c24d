//go:build unix

package moldudp64

import (
	"fmt"
	"net"
	"syscall"
)

// setMulticast sets the interface and the reach of what a socket sends to IPv4 groups; processes of this host hear it too.
func setMulticast(fd int, interfaceName string, ttl int) error {
	var address [4]byte
	if interfaceName != "" {
		var err error
		if address, err = interfaceAddress(interfaceName); err != nil {
			return err
		}
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, syscall.IP_MULTICAST_TTL, ttl); err != nil {
		return err
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, syscall.IP_MULTICAST_LOOP, 1); err != nil {
		return err
	}
	if interfaceName != "" {
		return syscall.SetsockoptInet4Addr(fd, syscall.IPPROTO_IP, syscall.IP_MULTICAST_IF, address)
	}
	return nil
}

// interfaceAddress is the first IPv4 address of a network interface.
func interfaceAddress(name string) (address [4]byte, err error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return address, fmt.Errorf("interface %s: %w", name, err)
	}
	all, err := i.Addrs()
	if err != nil {
		return address, fmt.Errorf("interface %s: %w", name, err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			return [4]byte(n.IP.To4()), nil
		}
	}
	return address, fmt.Errorf("interface %s has no IPv4 address, which multicast needs here", name)
}
