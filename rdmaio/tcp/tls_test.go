package tcp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"exchange/rdmaio"
)

// authority signs members' certificates.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cluster authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{key, cert}
}

// config gives a member's settings: its certificate from a, and trust in the authority trusts.
func (a *authority) config(t *testing.T, name string, trusts *authority) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(trusts.cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, RootCAs: pool, ClientCAs: pool, MinVersion: tls.VersionTLS13}
}

// Members with certificates of their own replicate over TLS as without.
func TestMembersOverTLS(t *testing.T) {
	at := freeAddresses(t, 2)
	a := newAuthority(t)
	var sides [3]*side
	for id := rdmaio.NodeID(1); id <= 2; id++ {
		sides[id] = makeSide(t, Config{
			Cluster: "test", Local: id, Incarnation: 1, Listen: at[id], Peers: at, TLS: a.config(t, MemberName(id, "test"), a), Unreachable: time.Second,
		})
	}
	w, o := sides[1], sides[2]
	until(t, "both are ready", func() bool { return w.ready(2) && o.ready(1) })
	if s := w.write(t, 2, 0, []byte("early")); s != rdmaio.RemoteAccessError {
		t.Errorf("without right: status %d", s)
	}
	if err := o.pairs[1].ModifyAccess(rdmaio.RemoteWrite); err != nil {
		t.Fatal(err)
	}
	if err := w.pairs[2].Reset(); err != nil {
		t.Fatal(err)
	}
	until(t, "the pair is ready again", func() bool { return w.ready(2) })
	for i := range w.local {
		w.local[i] = byte(i>>9 + i)
	}
	if s := w.write(t, 2, 0, w.local); s != rdmaio.Success || string(o.mem) != string(w.local) {
		t.Errorf("status %d", s)
	}
}

// Who has another's certificate, or one that somebody else signed, is not let in.
func TestCertificatesOfStrangers(t *testing.T) {
	a, foreign := newAuthority(t), newAuthority(t)
	for _, c := range []struct {
		name   string
		config *tls.Config
		says   string
	}{
		{"another member's name", a.config(t, MemberName(3, "test"), a), "is not member 1's"},
		{"another cluster's", a.config(t, MemberName(1, "other"), a), "is not member 1's"},
		{"another authority's", foreign.config(t, MemberName(1, "test"), a), "was refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := freeAddresses(t, 2)
			var mu sync.Mutex
			var said []string
			makeSide(t, Config{
				Cluster: "test", Local: 2, Incarnation: 1, Listen: at[2], Peers: at, TLS: a.config(t, MemberName(2, "test"), a),
				Notice: func(_ rdmaio.NodeID, what string) { mu.Lock(); said = append(said, what); mu.Unlock() },
			})
			w := makeSide(t, Config{Cluster: "test", Local: 1, Incarnation: 1, Listen: at[1], Peers: at, TLS: c.config})
			until(t, "the refusal is told", func() bool {
				mu.Lock()
				defer mu.Unlock()
				return strings.Contains(strings.Join(said, "\n"), c.says)
			})
			if w.ready(2) {
				t.Error("the pair became ready")
			}
		})
	}
}
