package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
)

// fixTLS is what the FIX port speaks TLS with; nil: it has no certificate.
func (c *Config) fixTLS() (*tls.Config, error) {
	g := &c.Gateway
	if g.TLSCertificate == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(g.TLSCertificate, g.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("gateway.tls_certificate, tls_key: %w; both are PEM files", err)
	}
	t := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if g.TLSClientAuthority == "" {
		return t, nil
	}
	authority, err := os.ReadFile(g.TLSClientAuthority)
	if err != nil {
		return nil, fmt.Errorf("gateway.tls_client_authority: %w", err)
	}
	t.ClientCAs = x509.NewCertPool()
	if !t.ClientCAs.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("gateway.tls_client_authority: %s holds no certificate in PEM", g.TLSClientAuthority)
	}
	t.ClientAuth = tls.RequireAndVerifyClientCert
	return t, nil
}

// certified tells whether the connection's client certificate is for the name; an empty name is everyone's.
func certified(socket net.Conn, name string) bool {
	if name == "" {
		return true
	}
	secure, ok := socket.(*tls.Conn)
	if !ok {
		return false
	}
	for _, chain := range secure.ConnectionState().VerifiedChains {
		if chain[0].Subject.CommonName == name || chain[0].VerifyHostname(name) == nil {
			return true
		}
	}
	return false
}

// checkFIXListening refuses what would put passwords and orders on a network in the clear, unless it was asked for by name.
func (c *Config) checkFIXListening() error {
	g := &c.Gateway
	m, _ := c.Member(c.ID)
	switch {
	case (g.TLSCertificate == "") != (g.TLSKey == ""):
		return errors.New("gateway: tls_certificate and tls_key: one without the other; give both or none")
	case g.TLSCertificate == "" && (m.FIXTLS != "" || g.TLSAlways || g.TLSClientAuthority != ""):
		return errors.New("gateway: TLS is asked for (fix_tls, tls_always or tls_client_authority) without tls_certificate and tls_key; give them")
	case !loopback(m.FIX) && !g.TLSAlways && !g.AllowPlain:
		return fmt.Errorf("members: fix = %q of member %d can be reached from other hosts, and FIX without TLS shows passwords and orders to the network; "+
			"set gateway.tls_always with a certificate, listen on 127.0.0.1 and use fix_tls, or set gateway.allow_plain", m.FIX, c.ID)
	}
	return nil
}
