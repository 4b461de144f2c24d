package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
)

// fixTLS is what the ports for orders speak TLS with; nil: there is no certificate.
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

// marketTLS is what the ports with market data speak TLS with: the gateway's certificate, and nobody is asked for one; nil: there is none.
func (c *Config) marketTLS() (*tls.Config, error) {
	t, err := c.fixTLS()
	if t != nil {
		t.ClientCAs, t.ClientAuth = nil, tls.NoClientCert
	}
	return t, err
}

// portSetting is a port of a member: its setting's name, its address (empty: none), and whether it speaks TLS.
type portSetting struct {
	name, address string
	secure        bool
}

// listenAll opens ports. A handshake comes with the first read, under the time for what is to be read.
func listenAll(secure *tls.Config, ports ...portSetting) (all []net.Listener, err error) {
	for _, p := range ports {
		if p.address == "" {
			continue
		}
		l, err := listen(p.name, p.address)
		if err != nil {
			for _, l := range all {
				l.Close()
			}
			return nil, err
		}
		if p.secure {
			l = tls.NewListener(l, secure)
		}
		all = append(all, l)
	}
	return all, nil
}

// checkListening refuses what would put passwords, orders or market data on a network in the clear, unless it was asked for by name.
func (c *Config) checkListening() error {
	g := &c.Gateway
	m, _ := c.Member(c.ID)
	asked := m.FIXTLS != "" || m.OUCHTLS != "" || m.ITCHTLS != "" || m.GlimpseTLS != "" || m.HTTPTLS != "" || g.TLSAlways || g.TLSClientAuthority != ""
	switch {
	case (g.TLSCertificate == "") != (g.TLSKey == ""):
		return errors.New("gateway: tls_certificate and tls_key: one without the other; give both or none")
	case g.TLSCertificate == "" && asked:
		return errors.New("gateway: TLS is asked for (fix_tls, ouch_tls, itch_tls, glimpse_tls, http_tls, tls_always or tls_client_authority) without tls_certificate and tls_key; give them")
	}
	for _, port := range []struct {
		name, address string
		allowed       bool
		shows, set    string
	}{
		{"fix", m.FIX, g.TLSAlways || g.AllowPlain, "passwords and orders", "set gateway.tls_always with a certificate, listen on 127.0.0.1 and use fix_tls, or set gateway.allow_plain"},
		{"ouch", m.OUCH, g.TLSAlways || g.AllowPlain, "passwords and orders", "set gateway.tls_always with a certificate, listen on 127.0.0.1 and use ouch_tls, or set gateway.allow_plain"},
		{"itch", m.ITCH, c.Feed.AllowPlain, "market data", "listen on 127.0.0.1 and use itch_tls, or set feed.allow_plain"},
		{"glimpse", m.Glimpse, c.Feed.AllowPlain, "market data", "listen on 127.0.0.1 and use glimpse_tls, or set feed.allow_plain"},
		{"http", m.HTTP, c.Web.AllowPlain, "market data and the replica's whole state",
			"listen on 127.0.0.1 and use http_tls, or set web.allow_plain if other replicas are to reach it over a network of their own"},
	} {
		if port.address != "" && !port.allowed && !loopback(port.address) {
			return fmt.Errorf("members: %s = %q of member %d can be reached from other hosts, and without TLS it shows %s to the network; %s",
				port.name, port.address, c.ID, port.shows, port.set)
		}
	}
	return nil
}
