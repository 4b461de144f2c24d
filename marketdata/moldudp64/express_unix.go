//go:build unix

package moldudp64

import (
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// express sends packets without ever waiting for the socket, so that a thread that must not wait can do it.
type express struct {
	raw    syscall.RawConn
	to     []unix.Sockaddr
	packet []byte
	write  func(fd uintptr)
	sent   bool // to the first destination at least
	failed int
}

// open prepares it; on a socket of another kind nothing is possible.
func (x *express) open(conn *net.UDPConn, destinations []netip.AddrPort) {
	for _, d := range destinations {
		if !d.Addr().Is4() {
			return
		}
		x.to = append(x.to, &unix.SockaddrInet4{Port: int(d.Port()), Addr: d.Addr().As4()})
	}
	if local, ok := conn.LocalAddr().(*net.UDPAddr); !ok || local.IP.To4() == nil {
		return // a socket of version 6 takes no addresses of version 4
	}
	if raw, err := conn.SyscallConn(); err == nil {
		x.raw, x.write = raw, x.toAll
	}
}

func (x *express) possible() bool { return x.raw != nil }

func (x *express) toAll(fd uintptr) {
	x.sent, x.failed = false, 0
	for i, to := range x.to {
		switch err := unix.Sendto(int(fd), x.packet, unix.MSG_DONTWAIT, to); {
		case err == nil:
			x.sent = true
		case i == 0:
			return
		default:
			x.failed++
		}
	}
}

// send sends the packet to all destinations; false: to none, now. failed says how many it did not reach.
func (x *express) send(packet []byte) (sent bool, failed int) {
	x.packet, x.sent = packet, false
	_ = x.raw.Control(x.write) // fails when the socket was closed: nothing is sent then
	return x.sent, x.failed
}
