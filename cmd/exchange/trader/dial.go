package trader

import (
	"crypto/tls"
	"net"
)

// dial connects to a replica's port, with TLS if there is a configuration.
func dial(address string, secure *tls.Config) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: dialTimeout}
	if secure == nil {
		return dialer.Dial("tcp", address)
	}
	return tls.DialWithDialer(dialer, "tcp", address, secure)
}
