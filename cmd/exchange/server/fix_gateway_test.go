package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"exchange/book"

	"github.com/rs/zerolog"
)

// notes is a log that may be read while it is written.
type notes struct {
	mu   sync.Mutex
	text strings.Builder
}

func (n *notes) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(b)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// fixVenue is a replica's FIX ports with a loop that decides at once: no consensus, no other replica.
type fixVenue struct {
	t     testing.TB
	r     *Replica
	heard atomic.Int64 // commands that the loop read from sockets itself
}

func openFIXVenue(t testing.TB, log *notes, change func(*Config)) *fixVenue {
	cfg := DefaultConfig()
	cfg.Members[0].FIX = "127.0.0.1:0"
	cfg.Limits.Orders = 1 << 12
	cfg.FIXSessions = append(cfg.FIXSessions, FIXSession{Sender: "DROP", Target: "EXCHANGE", Participant: "FIRM1", DropCopy: true})
	change(&cfg)
	if err := cfg.Check(); err != nil {
		t.Fatal(err)
	}
	logger := zerolog.Nop()
	if log != nil {
		logger = zerolog.New(log)
	}
	r := &Replica{cfg: &cfg, log: logger, market: book.NewMarket(cfg.limits()), stopped: make(chan struct{}), requests: make(chan func(), loopRequests)}
	r.host = r.system()
	r.inbox = newInbox(cfg.Limits.InboxCommands, r.park.Wake)
	r.directory = newDirectory(r.cfg)
	r.outbox = newOutbox(r.cfg, r.directory)
	r.ouch = &ouchGateway{r: r}
	var err error
	if r.gateway, err = listenFIX(r); err != nil {
		t.Fatal(err)
	}
	for _, c := range start(r.cfg, r.market, nil) {
		r.outbox.apply(r.market, &c)
	}
	r.outbox.onEvent = r.deliver
	r.directory.serving.Store(true)
	go r.gateway.serve()
	v := &fixVenue{t: t, r: r}
	go v.loop()
	t.Cleanup(func() {
		r.stopping.Store(true)
		r.gateway.close()
		<-r.stopped
	})
	return v
}

func (v *fixVenue) loop() {
	defer close(v.r.stopped)
	var c book.Command
	v.r.leading.active = true
	for !v.r.stopping.Load() {
		select {
		case f := <-v.r.requests:
			f()
		default:
		}
		v.r.leading.followSessions(v.r, monotonic())
		had := len(v.r.heard)
		v.r.listen()
		v.heard.Add(int64(len(v.r.heard) - had))
		if !v.r.leading.take(&c) && !v.r.takeHeard(&c) && !v.r.inbox.take(&c) {
			v.r.leaveToReaders()
			time.Sleep(50 * time.Microsecond)
			continue
		}
		c.Time = time.Now().UnixNano()
		v.r.outbox.apply(v.r.market, &c)
		v.r.outbox.flush(v.r.wakeAll)
	}
}

// fixCaller is a client by hand.
type fixCaller struct {
	t      testing.TB
	conn   net.Conn
	sender string
	seq    int
	in     []byte
}

func (v *fixVenue) call(sender string, secure *tls.Config) *fixCaller {
	v.t.Helper()
	l := v.r.gateway.listeners[0]
	if secure != nil {
		l = v.r.gateway.listeners[len(v.r.gateway.listeners)-1]
	}
	var conn net.Conn
	var err error
	if secure != nil {
		conn, err = tls.Dial("tcp", l.Addr().String(), secure)
	} else {
		conn, err = net.Dial("tcp", l.Addr().String())
	}
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { conn.Close() })
	return &fixCaller{t: v.t, conn: conn, sender: sender, seq: 1}
}

func (c *fixCaller) send(msgType, body string) {
	now := time.Now().UTC().Format("20060102-15:04:05")
	text := fmt.Sprintf("35=%s|34=%d|49=%s|52=%s|56=EXCHANGE|%s", msgType, c.seq, c.sender, now, strings.ReplaceAll(body, "<now>", now))
	c.seq++
	text = strings.ReplaceAll(text, "|", "\x01")
	text = fmt.Sprintf("8=FIX.4.4\x019=%d\x01%s", len(text), text)
	sum := 0
	for _, b := range []byte(text) {
		sum += int(b)
	}
	_, _ = fmt.Fprintf(c.conn, "%s10=%03d\x01", text, sum%256)
}

// expect reads the next message and holds it to the parts.
func (c *fixCaller) expect(parts ...string) {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 4096)
	for {
		if at := bytes.Index(c.in, []byte("\x0110=")); at >= 0 && len(c.in) >= at+8 {
			frame := "|" + strings.ReplaceAll(string(c.in[:at+8]), "\x01", "|")
			c.in = c.in[at+8:]
			for _, p := range parts {
				if !strings.Contains(frame, "|"+p+"|") {
					c.t.Fatalf("%s is not in %s", p, frame)
				}
			}
			return
		}
		n, err := c.conn.Read(buf)
		if err != nil {
			c.t.Fatalf("want %v: %v, after %q", parts, err, c.in)
		}
		c.in = append(c.in, buf[:n]...)
	}
}

// refused waits for the end without a message.
func (c *fixCaller) refused() {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, err := c.conn.Read(make([]byte, 1024))
	if e, ok := err.(net.Error); n > 0 || err == nil || ok && e.Timeout() {
		c.t.Fatalf("%d bytes, %v: want the end", n, err)
	}
}

const fixLogon = "98=0|108=30|"

func TestFIXCredentials(t *testing.T) {
	var log notes
	v := openFIXVenue(t, &log, func(c *Config) {
		c.FIXSessions[0].Username, c.FIXSessions[0].PasswordHash = "me", HashPassword("secret-word", PassingHashCost)
		c.FIXSessions[1].Networks = []string{"10.0.0.0/8", "192.0.2.1"}
	})
	for _, wrong := range []string{"", "553=me|", "553=me|554=other-word|", "553=you|554=secret-word|"} {
		c := v.call("CLIENT1", nil)
		c.send("A", fixLogon+wrong)
		c.refused()
	}
	c := v.call("CLIENT2", nil) // its networks are elsewhere
	c.send("A", fixLogon)
	c.refused()
	c = v.call("CLIENT1", nil)
	c.send("A", fixLogon+"553=me|554=secret-word|")
	c.expect("35=A", "34=1")
	second := v.call("CLIENT1", nil)
	second.send("A", fixLogon+"553=me|554=secret-word|")
	second.refused()
	c.send("1", "112=still here|")
	c.expect("35=0", "112=still here")
	if strings.Contains(log.String(), "secret") || strings.Contains(log.String(), "other-word") {
		t.Errorf("a password is in the log: %s", log.String())
	}
}

func TestFIXAdmission(t *testing.T) {
	now := time.Now()
	at := func(host string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(host), Port: 1} }
	a := newAdmission(2, 0)
	if !a.enter(at("192.0.2.1"), now) || !a.enter(at("192.0.2.1"), now) || a.enter(at("192.0.2.1"), now) || !a.enter(at("192.0.2.2"), now) {
		t.Error("two of one address, and others besides")
	}
	a.leave(at("192.0.2.1"))
	if !a.enter(at("::ffff:192.0.2.1"), now) || a.enter(at("192.0.2.1"), now) {
		t.Error("one gone makes room for one")
	}
	a = newAdmission(0, 3)
	got := 0
	for range 10 {
		if a.enter(at("192.0.2.1"), now) {
			got++
		}
	}
	if got != 3 || !a.enter(at("192.0.2.1"), now.Add(400*time.Millisecond)) || a.enter(at("192.0.2.1"), now.Add(400*time.Millisecond)) {
		t.Errorf("%d of ten at once, then one after a third of a second", got)
	}
	v := openFIXVenue(t, nil, func(c *Config) { c.Gateway.MaxPerAddress = 1 })
	first := v.call("CLIENT1", nil)
	first.send("A", fixLogon)
	first.expect("35=A")
	other := v.call("CLIENT2", nil)
	other.send("A", fixLogon)
	other.refused()
}

func TestFIXThrottleDropCopyAndMarketData(t *testing.T) {
	v := openFIXVenue(t, nil, func(c *Config) {
		c.FIXSessions[1].MessagesPerSecond = 1
		c.Gateway.MessageBurst = 2
		c.Gateway.MarketDataInterval = Duration(5 * time.Millisecond)
	})
	a, b, d := v.call("CLIENT1", nil), v.call("CLIENT2", nil), v.call("DROP", nil)
	for _, c := range []*fixCaller{a, b, d} {
		c.send("A", fixLogon)
		c.expect("35=A")
	}
	d.send("V", "262=md|263=1|264=1|265=0|267=2|269=0|269=1|146=1|55=ABC|")
	d.expect("35=W", "262=md", "268=0")
	a.send("D", "11=a1|55=ABC|54=1|40=2|44=10.00|38=10|60=<now>|")
	a.expect("35=8", "150=0", "11=a1")
	seen := map[string]bool{}
	for !seen["8"] || !seen["W"] { // in whichever order they come
		_ = d.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		buf := make([]byte, 4096)
		n, err := d.conn.Read(buf)
		if err != nil {
			t.Fatalf("%v, after %v", err, seen)
		}
		text := string(buf[:n])
		seen["8"] = seen["8"] || strings.Contains(text, "\x0111=a1\x01") && strings.Contains(text, "\x01797=Y\x01")
		seen["W"] = seen["W"] || strings.Contains(text, "\x0135=W\x01") && strings.Contains(text, "\x01270=10.00\x01271=10\x01")
	}
	b.send("H", "11=x|55=ABC|54=1|")
	b.expect("35=8", "150=I")
	b.send("H", "11=x|55=ABC|54=1|")
	b.expect("35=8", "150=I")
	b.send("H", "11=x|55=ABC|54=1|")
	b.expect("35=j", "380=0", "58=Message rate exceeded: at most 1 a second")
	b.send("1", "112=x|")
	b.expect("35=0", "112=x")
}

// certificates writes an authority, a server's and a client's certificate, and gives the client's configuration.
func certificates(t *testing.T, dir, client string) (authority string, with, without *tls.Config) {
	t.Helper()
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	now := time.Now()
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	rootKey := key()
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		t.Fatal(err)
	}
	authority = write("authority.pem", "CERTIFICATE", rootDER)
	made := func(name string, serial int64) tls.Certificate {
		leaf := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
		k := key()
		der, err := x509.CreateCertificate(rand.Reader, leaf, root, &k.PublicKey, rootKey)
		if err != nil {
			t.Fatal(err)
		}
		keyDER, err := x509.MarshalECPrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		write(name+".pem", "CERTIFICATE", der)
		write(name+".key", "EC PRIVATE KEY", keyDER)
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k}
	}
	made("venue", 2)
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(rootDER)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	with = &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{made(client, 3)}}
	return authority, with, &tls.Config{RootCAs: pool}
}

func TestFIXOverTLS(t *testing.T) {
	dir := t.TempDir()
	authority, with, without := certificates(t, dir, "client-one")
	v := openFIXVenue(t, nil, func(c *Config) {
		c.Members[0].FIXTLS = "127.0.0.1:0"
		c.Members[0].FIX = "127.0.0.2:0"
		c.Gateway.TLSCertificate, c.Gateway.TLSKey = filepath.Join(dir, "venue.pem"), filepath.Join(dir, "venue.key")
		c.Gateway.TLSClientAuthority = authority
		c.FIXSessions[0].Certificate = "client-one"
		c.FIXSessions[1].Certificate = "client-two"
	})
	a := v.call("CLIENT1", with)
	a.send("A", fixLogon)
	a.expect("35=A")
	b := v.call("CLIENT2", with) // another's certificate
	b.send("A", fixLogon)
	b.refused()
	plain := v.call("CLIENT2", nil) // none at all
	plain.send("A", fixLogon)
	plain.refused()
	nobody := v.call("CLIENT1", without)
	nobody.send("A", fixLogon)
	nobody.refused()
}

func TestFIXWithoutTLSStaysHere(t *testing.T) {
	c := DefaultConfig()
	for address, good := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, "0.0.0.0:1": false, ":1": false, "192.0.2.1:1": false} {
		c.Members[0].FIX = address
		if err := c.checkListening(); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
	c.Gateway.AllowPlain = true
	if err := c.checkListening(); err != nil {
		t.Error(err)
	}
	c.Gateway.TLSAlways = true
	if err := c.checkListening(); err == nil {
		t.Error("TLS without a certificate is taken")
	}
}

func TestPasswordHashes(t *testing.T) {
	text := HashPassword("open sesame", PassingHashCost)
	h, err := parsePasswordHash(text)
	if err != nil {
		t.Fatal(err)
	}
	c := newLogonChecker()
	for range 2 { // the second time from memory
		if !c.check(&h, []byte("open sesame")) || c.check(&h, []byte("open barley")) || c.check(&h, nil) {
			t.Error("only the password is right")
		}
	}
	if text == HashPassword("open sesame", PassingHashCost) {
		t.Error("two hashes have one salt")
	}
	for _, bad := range []string{"", "open sesame", strings.Replace(text, "argon2id", "argon2i", 1), strings.Replace(text, "m=1024", "m=99999999", 1), text[:len(text)-4],
		strings.Replace(text, ",p=1", ",p=4", 1), strings.Replace(text, "v=19", "v=16", 1)} {
		if _, err := parsePasswordHash(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// BenchmarkFIXPipelined is orders over one connection, 256 under way, through a loop that decides at once; the client is in the same process.
func BenchmarkFIXPipelined(b *testing.B) {
	v := openFIXVenue(b, nil, func(c *Config) { c.Limits.Orders = 1 << 20 })
	c := v.call("CLIENT1", nil)
	c.send("A", fixLogon)
	c.expect("35=A")
	var out []byte
	buf, have := make([]byte, 256<<10), 0
	_ = c.conn.SetReadDeadline(time.Now().Add(time.Minute))
	now := time.Now().UTC().Format("20060102-15:04:05")
	b.ResetTimer()
	for sent, answered := 0, 0; answered < b.N; {
		out = out[:0]
		for sent < b.N && sent-answered < 256 {
			body := fmt.Appendf(nil, "35=D\x0134=%d\x0149=CLIENT1\x0152=%s\x0156=EXCHANGE\x0111=o%d\x0138=100\x0140=2\x0144=10.%02d\x0154=1\x0155=ABC\x0159=3\x0160=%s\x01",
				c.seq, now, sent, sent%64, now)
			start := len(out)
			out = append(fmt.Appendf(out, "8=FIX.4.4\x019=%d\x01", len(body)), body...)
			sum := 0
			for _, x := range out[start:] {
				sum += int(x)
			}
			out = fmt.Appendf(out, "10=%03d\x01", sum%256)
			c.seq++
			sent++
		}
		if _, err := c.conn.Write(out); err != nil {
			b.Fatal(err)
		}
		n, err := c.conn.Read(buf[have:])
		if err != nil {
			b.Fatal(err)
		}
		have += n
		whole := bytes.LastIndexByte(buf[:have], 1)
		answered += bytes.Count(buf[:whole+1], []byte("\x01150=4\x01"))
		have = copy(buf, buf[max(whole, 0):have]) // the last SOH may begin the next mark
	}
}
