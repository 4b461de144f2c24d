package server

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exchange/book"
	"exchange/marketdata/client"
	"exchange/ouch"
	"exchange/ouch/soupbin"

	"github.com/fasthttp/websocket"
)

func TestOUCHOverTLS(t *testing.T) {
	dir := t.TempDir()
	authority, with, without := certificates(t, dir, "client-one")
	v := openOUCHVenue(t, func(c *Config) {
		c.Members[0].OUCHTLS = "127.0.0.1:0"
		c.Members[0].OUCH = "127.0.0.2:0"
		c.Gateway.TLSCertificate, c.Gateway.TLSKey = filepath.Join(dir, "venue.pem"), filepath.Join(dir, "venue.key")
		c.Gateway.TLSClientAuthority = authority
		c.OUCHAccounts[0].Certificate = "client-one"
		c.OUCHAccounts[1].Certificate = "client-two"
	})
	// login gives the answer to a login: A, J and the reason, or nothing.
	login := func(username, password string, secure *tls.Config) string {
		l := v.r.ouch.listeners[0]
		if secure != nil {
			l = v.r.ouch.listeners[1]
		}
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if secure != nil {
			secure = secure.Clone()
			secure.ServerName = "127.0.0.1"
			conn = tls.Client(conn, secure)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		soup := soupbin.MakeClient(soupbin.Session{}, 1)
		if _, err := conn.Write(soup.Login(nil, username, password, 0)); err != nil {
			return ""
		}
		var in []byte
		for buf := make([]byte, 1<<10); ; {
			n, err := conn.Read(buf)
			in = append(in, buf[:n]...)
			for {
				e, used, bad := soup.Receive(in, 0)
				switch {
				case bad != nil:
					t.Fatal(bad)
				case used > 0 && e.Kind == soupbin.LoginWasAccepted:
					return "A"
				case used > 0 && e.Kind == soupbin.LoginWasRejected:
					return "J" + string(e.Reason)
				}
				if used == 0 {
					break
				}
				in = in[used:]
			}
			if err != nil {
				return ""
			}
		}
	}
	for _, c := range []struct {
		what, username, password string
		secure                   *tls.Config
		answer                   string
	}{
		{"its own certificate", "OUCH1", "change-me1", with, "A"}, {"another's certificate", "OUCH2", "change-me2", with, "JA"},
		{"no certificate", "OUCH1", "change-me1", without, ""}, {"no TLS", "OUCH1", "change-me1", nil, "JA"},
		{"a wrong password", "OUCH1", "change-me2", with, "JA"},
	} {
		if got := login(c.username, c.password, c.secure); got != c.answer {
			t.Errorf("%s: the login is answered %q, want %q", c.what, got, c.answer)
		}
	}
	// TLS to the port without it, and the other way round, come to nothing, and the port goes on.
	for i, l := range v.r.ouch.listeners {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			if err := tls.Client(conn, with).Handshake(); err == nil {
				t.Error("the port without TLS speaks it")
			}
		} else {
			_, _ = conn.Write([]byte("no TLS at all, and long enough to be seen as that"))
		}
		conn.Close()
	}
	r := &reader{t: t, soup: soupbin.MakeClient(soupbin.Session{}, 1)}
	conn, err := tls.Dial("tcp", v.r.ouch.listeners[1].Addr().String(), with)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r.login(conn)
	r.read(func(uint64, *ouch.Report) bool { return true })
	_, _ = conn.Write(orderPackets(1, 100))
	r.read(func(_ uint64, rep *ouch.Report) bool { return rep.Type == ouch.Canceled && rep.UserRefNum == 100 })
}

// The feed, snapshots, WebSocket and REST over TLS give what they give without, and nobody needs a certificate for them.
func TestMarketDataOverTLS(t *testing.T) {
	dir := t.TempDir()
	authority, _, without := certificates(t, dir, "client-one")
	d := openDay(t)
	cfg := d.r.cfg
	cfg.Gateway.TLSCertificate, cfg.Gateway.TLSKey = filepath.Join(dir, "venue.pem"), filepath.Join(dir, "venue.key")
	cfg.Gateway.TLSClientAuthority = authority // for orders
	m := &cfg.Members[0]
	*m = Member{ID: 1, FIX: m.FIX, ITCH: "127.0.0.2:0", ITCHTLS: "127.0.0.1:0", Glimpse: "127.0.0.2:0", GlimpseTLS: "127.0.0.1:0", HTTP: "127.0.0.2:0", HTTPTLS: "127.0.0.1:0"}
	var err error
	if d.r.feed, err = listenFeed(d.r); err != nil {
		t.Fatal(err)
	}
	if d.r.http, err = listenHTTP(d.r); err != nil {
		t.Fatal(err)
	}
	d.r.feed.serve()
	go d.r.http.serve()
	t.Cleanup(func() { d.r.http.close(); d.r.feed.close() })
	d.enter(1, "a", book.Buy, 1000, 100, nil)
	d.enter(2, "b", book.Sell, 1000, 30, nil)
	d.r.status.Store(&Status{FeedNumber: d.r.outbox.feed.Next() - 1, Time: time.Now().UnixNano()})
	d.give(endOfDay('Q', nil)[0]) // M: the day's orders end
	d.r.feed.server.EndSession()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	next := d.r.outbox.feed.Next()
	last := uint64(0)
	soup := client.Soup{Addresses: []string{d.r.feed.listeners[1].Addr().String()}, TLS: without}
	if err := soup.Run(ctx, func(number uint64, _ []byte) error { last = number; return nil }); err != nil || last+1 != next {
		t.Errorf("the feed over TLS: up to message %d of %d: %v", last, next-1, err)
	}
	snapshot := client.Snapshot{Addresses: []string{d.r.feed.glimpseListeners[1].Addr().String()}, TLS: without}
	if taken, err := snapshot.Take(ctx); err != nil || taken.Next != next {
		t.Errorf("a snapshot over TLS: %+v %v", taken, err)
	}
	address := d.r.http.secure.listener.Addr().String()
	web := http.Client{Transport: &http.Transport{TLSClientConfig: without}, Timeout: 10 * time.Second}
	get := func(path string) (int, string) {
		resp, err := web.Get("https://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	if status, body := get("/products/ABC-USD/trades"); status != 200 || !strings.Contains(body, `"size":"30"`) {
		t.Errorf("trades over TLS: %d %s", status, body)
	}
	// What is for replicas and operators is not on the public port.
	for _, path := range []string{"/v1/status", "/v1/state", "/v1/state/stores?feed=1", "/metrics"} {
		if status, body := get(path); status != 404 {
			t.Errorf("%s over TLS: %d %.80s", path, status, body)
		}
	}
	resp, err := http.Get("http://" + d.r.http.port.listener.Addr().String() + metricsPath)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if figures, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || !strings.Contains(string(figures), "\nexchange_feed_number{") {
		t.Errorf("the figures for who watches: %d %.200s", resp.StatusCode, figures)
	}
	dialer := websocket.Dialer{TLSClientConfig: without, HandshakeTimeout: 10 * time.Second}
	conn, _, err := dialer.Dial("wss://"+address+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","product_ids":["ABC-USD"],"channels":["full"],"from_sequence":0}`)); err != nil {
		t.Fatal(err)
	}
	for text := ""; !strings.Contains(text, `"type":"match"`); {
		_, b, err := conn.ReadMessage()
		if err != nil {
			t.Fatalf("WebSocket over TLS: %v after %s", err, text)
		}
		text += string(b)
	}
}

func TestPortsWithoutTLSStayHere(t *testing.T) {
	for name, port := range map[string]struct {
		set   func(*Config, string)
		allow func(*Config)
	}{
		"ouch":    {func(c *Config, a string) { c.Members[0].OUCH = a }, func(c *Config) { c.Gateway.AllowPlain = true }},
		"itch":    {func(c *Config, a string) { c.Members[0].ITCH = a }, func(c *Config) { c.Feed.AllowPlain = true }},
		"glimpse": {func(c *Config, a string) { c.Members[0].Glimpse = a }, func(c *Config) { c.Feed.AllowPlain = true }},
		"http":    {func(c *Config, a string) { c.Members[0].HTTP = a }, func(c *Config) { c.Web.AllowPlain = true }},
	} {
		for address, good := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, "0.0.0.0:1": false, ":1": false, "192.0.2.1:1": false} {
			c := DefaultConfig()
			port.set(&c, address)
			err := c.Check()
			if (err == nil) != good || err != nil && (!strings.Contains(err.Error(), name+" = ") || !strings.Contains(err.Error(), "allow_plain")) {
				t.Errorf("%s at %s: %v", name, address, err)
			}
			if port.allow(&c); c.Check() != nil {
				t.Errorf("%s at %s, and allowed by name: %v", name, address, c.Check())
			}
		}
	}
	for name, ask := range map[string]func(*Config){
		"ouch_tls": func(c *Config) { c.Members[0].OUCHTLS = "127.0.0.1:1" }, "itch_tls": func(c *Config) { c.Members[0].ITCHTLS = "127.0.0.1:1" },
		"glimpse_tls": func(c *Config) { c.Members[0].GlimpseTLS = "127.0.0.1:1" }, "http_tls": func(c *Config) { c.Members[0].HTTPTLS = "127.0.0.1:1" },
	} {
		c := DefaultConfig()
		ask(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), "without tls_certificate") {
			t.Errorf("%s without a certificate: %v", name, err)
		}
	}
}
