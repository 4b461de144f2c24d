package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/server"
)

// certificates writes an authority's certificate, and one with its key for each name, signed by it, as NAME.pem and NAME.key.
func certificates(t *testing.T, dir, authority string, names ...string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, kind string, der []byte) {
		must(os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	}
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: authority}, NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	der, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	must(err)
	write(authority+".pem", "CERTIFICATE", der)
	for i, name := range names {
		leaf := &x509.Certificate{SerialNumber: big.NewInt(int64(2 + i)), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to,
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(err)
		der, err := x509.CreateCertificate(rand.Reader, leaf, root, &key.PublicKey, rootKey)
		must(err)
		write(name+".pem", "CERTIFICATE", der)
		der, err = x509.MarshalECPrivateKey(key)
		must(err)
		write(name+".key", "EC PRIVATE KEY", der)
	}
}

// client and watch speak TLS to the ports that do, show their own certificate where one is asked for, and say what is wrong where it fails.
func TestCommandsOverTLS(t *testing.T) {
	needShm(t)
	dir := t.TempDir()
	certificates(t, dir, "authority", "venue", "own")
	certificates(t, dir, "stranger")
	pem := func(name string) string { return filepath.Join(dir, name) }
	base := freeBase(t, []string{"127.0.0.1"})
	at := func(offset int) string { return fmt.Sprintf("127.0.0.1:%d", base+offset) }
	c := server.DefaultConfig()
	m := server.MemberAt("127.0.0.1", base, 1)
	m.FIXTLS, m.OUCHTLS, m.ITCHTLS, m.GlimpseTLS = at(2), at(12), at(22), at(42)
	c.Cluster, c.Dir, c.Members = "over-tls", pem("cluster"), []server.Member{m}
	c.Gateway.TLSCertificate, c.Gateway.TLSKey, c.Gateway.TLSClientAuthority = pem("venue.pem"), pem("venue.key"), pem("authority.pem")
	text, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pem("replica.toml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	replica := exec.Command(program, "serve", "-c", pem("replica.toml"))
	var said lockedBuffer
	replica.Stderr = &said
	if err := replica.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { replica.Process.Signal(syscall.SIGTERM); replica.Wait() }()
	for end := time.Now().Add(30 * time.Second); cluster.Look(map[int]string{1: m.HTTP}, false).Leader == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("nobody leads\n%s", said.String())
		}
	}
	trusting := []string{"--tls-authority", pem("authority.pem")}
	own := append([]string{"--tls-certificate", pem("own.pem"), "--tls-key", pem("own.key")}, trusting...)
	overFIX, overOUCH := []string{"client", "--fix", m.FIXTLS, "--sender", "CLIENT1"}, []string{"client", "--ouch", m.OUCHTLS, "--username", "OUCH1", "--password", "change-me1"}
	watch := []string{"watch", "ABC", "--plain", "--for", "500ms", "--feed", m.ITCHTLS, "--glimpse", m.GlimpseTLS}
	short := []string{"--patience", "1s"}
	for _, c := range []struct {
		what   string
		input  string
		args   [][]string
		status int
		says   []string
	}{
		{"FIX", "buy ABC 100@10.00\nquit\n", [][]string{overFIX, own}, 0, []string{"logged on at " + m.FIXTLS, "accepted: buy ABC 100@10.00"}},
		{"OUCH", "buy ABC 50@10.00\n", [][]string{overOUCH, own}, 0, []string{"logged in at " + m.OUCHTLS, "accepted"}},
		{"feed and snapshot", "", [][]string{watch, trusting}, 0, []string{"2 orders rest in all books", "feed from " + m.ITCHTLS}},
		{"FIX, no certificate of one's own", "", [][]string{overFIX, trusting, short}, 1, []string{"no logon as CLIENT1", "certificate required"}},
		{"OUCH, no certificate of one's own", "", [][]string{overOUCH, trusting, short}, 1, []string{"no login as OUCH1", "certificate required"}},
		{"another authority", "", [][]string{overFIX, {"--tls-authority", pem("stranger.pem")}, short}, 1, []string{"certificate signed by unknown authority"}},
		{"another name", "", [][]string{overFIX, own, {"--tls-name", "elsewhere"}, short}, 1, []string{"valid for"}},
		{"no TLS", "", [][]string{overFIX, short}, 1, []string{"no logon as CLIENT1"}},
		{"TLS where none is spoken", "", [][]string{{"client", "--fix", m.FIX}, own, short}, 1, []string{"no logon as CLIENT1", m.FIX}},
		{"no such file", "", [][]string{overFIX, {"--tls-authority", pem("none.pem")}}, 2, []string{"--tls-authority: open", "no such file"}},
		{"no certificate in the file", "", [][]string{overFIX, {"--tls-authority", pem("replica.toml")}}, 2, []string{"no certificate in it"}},
		{"a certificate without its key", "", [][]string{overFIX, {"--tls-certificate", pem("own.pem")}}, 2, []string{"one needs the other"}},
		{"lines over TLS", "", [][]string{{"watch", "ABC", "--lines", "--tls"}}, 2, []string{"--lines are datagrams"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			var args []string
			for _, a := range c.args {
				args = append(args, a...)
			}
			out, errs, status := run(t, c.input, args...)
			if status != c.status {
				t.Errorf("status %d", status)
			}
			for _, text := range c.says {
				if !strings.Contains(out+errs, text) {
					t.Errorf("it does not say %q", text)
				}
			}
			if t.Failed() {
				t.Logf("%s%s", out, errs)
			}
		})
	}
}
