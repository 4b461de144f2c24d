package server

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// admission bounds what one address may open: connections at a time, and how fast new ones come. It is asked before anything is read or allocated
// for a connection.
type admission struct {
	most      int     // connections of one address at a time; 0: no bound
	perSecond float64 // new connections of one address; 0: no bound

	mu    sync.Mutex
	guest map[netip.Addr]*guest // at most maxGuests; those without a connection are dropped when there are more
}

// guest is one address.
type guest struct {
	open int
	// allowance is how many connections may come at once now, at most perSecond of them (and one); since is when that was true.
	allowance float64
	since     time.Time
}

// maxGuests bounds the addresses remembered.
const maxGuests = 1 << 14

func newAdmission(most int, perSecond int) *admission {
	return &admission{most: most, perSecond: float64(perSecond), guest: map[netip.Addr]*guest{}}
}

// enter tells whether a connection of the address may be opened now; if so, leave says that it is gone.
func (a *admission) enter(address net.Addr, now time.Time) bool {
	at := addressOf(address)
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.guest[at]
	if g == nil {
		if len(a.guest) >= maxGuests && !a.forget(now) {
			return false
		}
		g = &guest{allowance: max(a.perSecond, 1), since: now}
		a.guest[at] = g
	}
	if a.perSecond > 0 {
		g.allowance = min(g.allowance+a.perSecond*now.Sub(g.since).Seconds(), max(a.perSecond, 1))
		g.since = now
		if g.allowance < 1 {
			return false
		}
	}
	if a.most > 0 && g.open >= a.most {
		return false
	}
	g.allowance--
	g.open++
	return true
}

func (a *admission) leave(address net.Addr) {
	at := addressOf(address)
	a.mu.Lock()
	defer a.mu.Unlock()
	if g := a.guest[at]; g != nil && g.open > 0 {
		g.open--
	}
}

// forget drops addresses that have nothing open and would be let in; it tells whether there is room now. Under mu.
func (a *admission) forget(now time.Time) bool {
	for at, g := range a.guest {
		if g.open == 0 && (a.perSecond == 0 || now.Sub(g.since) > time.Second) {
			delete(a.guest, at)
		}
	}
	return len(a.guest) < maxGuests
}

// addressOf is the connection's address without its port; IPv4 in IPv6 is IPv4.
func addressOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		at, _ := netip.AddrFromSlice(tcp.IP)
		return at.Unmap()
	}
	return netip.Addr{}
}

// within tells whether the address is in one of the networks; no networks: every address is.
func within(at netip.Addr, networks []netip.Prefix) bool {
	if len(networks) == 0 {
		return true
	}
	for _, n := range networks {
		if n.Contains(at) {
			return true
		}
	}
	return false
}

// loopback tells whether a listening address is reached from this host alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	at, err := netip.ParseAddr(host)
	return err == nil && at.IsLoopback()
}
