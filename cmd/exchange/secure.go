package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// secureOptions are the flags of a command that can speak TLS.
type secureOptions struct {
	on                                bool
	authority, certificate, key, name string
}

func (o *secureOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&o.on, "tls", false, "speak TLS; implied by the flags below")
	f.StringVar(&o.authority, "tls-authority", "", "PEM file with the authority that signed the exchange's certificate (default: the system's)")
	f.StringVar(&o.certificate, "tls-certificate", "", "PEM file with our certificate, if the exchange asks for one")
	f.StringVar(&o.key, "tls-key", "", "PEM file with its key")
	f.StringVar(&o.name, "tls-name", "", "name that the exchange's certificate is for (default: the host in the address)")
}

// config is what to speak TLS with, nil if it is not to be spoken.
func (o *secureOptions) config() (*tls.Config, error) {
	if !o.on && o.authority+o.certificate+o.key+o.name == "" {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.name}
	if o.authority != "" {
		text, err := os.ReadFile(o.authority)
		if err != nil {
			return nil, fmt.Errorf("--tls-authority: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--tls-authority %s: no certificate in it; a PEM file is wanted", o.authority)
		}
	}
	if (o.certificate == "") != (o.key == "") {
		return nil, errors.New("--tls-certificate and --tls-key: one needs the other")
	}
	if o.certificate != "" {
		own, err := tls.LoadX509KeyPair(o.certificate, o.key)
		if err != nil {
			return nil, fmt.Errorf("--tls-certificate %s, --tls-key %s: %w", o.certificate, o.key, err)
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c, nil
}
