package client

import (
	"context"
	"crypto/tls"
	"net"
)

// dial connects to a replica's port, with TLS if there is a configuration.
func dial(ctx context.Context, address string, secure *tls.Config) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	if secure == nil {
		return dialer.DialContext(ctx, "tcp", address)
	}
	return (&tls.Dialer{NetDialer: &dialer, Config: secure}).DialContext(ctx, "tcp", address)
}
