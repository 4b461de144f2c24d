// Command client enters orders with quickfixgo until its standard input ends, waits for what is unanswered and says what it saw.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/quickfixgo/quickfix"
	"github.com/quickfixgo/quickfix/store/file"
)

// result is what a client saw, the same for every engine.
type result struct {
	Engine     string   `json:"engine"`
	Sent       int      `json:"sent"`
	New        int      `json:"new"`
	Rejected   int      `json:"rejected"`
	Logons     int      `json:"logons"`
	Unanswered []string `json:"unanswered"`
	Doubled    []string `json:"doubled"`
	TooLow     []string `json:"too_low"`
}

// client is the application side of one session.
type client struct {
	username, password string

	mu      sync.Mutex
	up      bool
	session quickfix.SessionID
	open    map[string]bool // ClOrdIDs without an answer
	done    map[string]bool
	execs   map[string]bool
	result  result
}

const (
	tagClOrdID  = quickfix.Tag(11)
	tagExecID   = quickfix.Tag(17)
	tagText     = quickfix.Tag(58)
	tagExecType = quickfix.Tag(150)
	tagUsername = quickfix.Tag(553)
	tagPassword = quickfix.Tag(554)
	tagMsgType  = quickfix.Tag(35)
)

func (c *client) OnCreate(id quickfix.SessionID) { c.session = id }

func (c *client) OnLogon(quickfix.SessionID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up = true
	c.result.Logons++
}

func (c *client) OnLogout(quickfix.SessionID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up = false
}

func (c *client) ToAdmin(m *quickfix.Message, _ quickfix.SessionID) {
	switch kind, _ := m.Header.GetString(tagMsgType); kind {
	case "A":
		m.Body.SetString(tagUsername, c.username)
		m.Body.SetString(tagPassword, c.password)
	case "5":
		c.logout(m)
	}
}

func (c *client) ToApp(*quickfix.Message, quickfix.SessionID) error { return nil }

func (c *client) FromAdmin(m *quickfix.Message, _ quickfix.SessionID) quickfix.MessageRejectError {
	if kind, _ := m.Header.GetString(tagMsgType); kind == "5" {
		c.logout(m)
	}
	return nil
}

// logout notes a Logout of either side that says that a number was used twice.
func (c *client) logout(m *quickfix.Message) {
	if text, _ := m.Body.GetString(tagText); strings.Contains(text, "too low") {
		c.mu.Lock()
		c.result.TooLow = append(c.result.TooLow, text)
		c.mu.Unlock()
	}
}

func (c *client) FromApp(m *quickfix.Message, _ quickfix.SessionID) quickfix.MessageRejectError {
	if kind, _ := m.Header.GetString(tagMsgType); kind != "8" {
		return nil
	}
	id, _ := m.Body.GetString(tagClOrdID)
	exec, _ := m.Body.GetString(tagExecID)
	execType, _ := m.Body.GetString(tagExecType)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.execs[exec] {
		c.result.Doubled = append(c.result.Doubled, "ExecID "+exec)
	}
	c.execs[exec] = true
	switch execType {
	case "0":
		c.result.New++
	case "8":
		c.result.Rejected++
	default:
		return nil
	}
	if c.done[id] {
		c.result.Doubled = append(c.result.Doubled, "ClOrdID "+id)
	}
	c.done[id] = true
	delete(c.open, id)
	return nil
}

// enter sends an order, if the session is up and not too many are unanswered.
func (c *client) enter(symbol string, window int) error {
	c.mu.Lock()
	if !c.up || len(c.open) >= window {
		c.mu.Unlock()
		return nil
	}
	c.result.Sent++
	n := c.result.Sent
	id := fmt.Sprintf("qfg-%d", n)
	c.open[id] = true
	session := c.session
	c.mu.Unlock()
	m := quickfix.NewMessage()
	m.Header.SetString(tagMsgType, "D")
	m.Body.SetString(tagClOrdID, id)
	m.Body.SetString(21, "1")
	m.Body.SetString(38, "10")
	m.Body.SetString(40, "2")
	m.Body.SetString(44, fmt.Sprintf("%d.%02d", 10+n%3, n%7))
	m.Body.SetString(54, fmt.Sprint(1+n%2))
	m.Body.SetString(55, symbol)
	m.Body.SetString(59, "3") // the book stays small
	m.Body.SetString(60, time.Now().UTC().Format("20060102-15:04:05.000"))
	return quickfix.SendToTarget(m, session)
}

func (c *client) unanswered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "quickfixgo client:", err)
		os.Exit(1)
	}
}

func run() error {
	addresses := flag.String("addresses", "", "HOST:PORT,HOST:PORT,… of the exchange's replicas")
	sender, target := flag.String("sender", "CLIENT1", "our CompID"), flag.String("target", "EXCHANGE", "the exchange's CompID")
	username, password := flag.String("username", "", "tag 553"), flag.String("password", "", "tag 554")
	store := flag.String("store", "", "directory of the session's store")
	symbol := flag.String("symbol", "XYZ1", "what to trade")
	window := flag.Int("window", 50, "orders without an answer at most")
	every := flag.Duration("every", 2*time.Millisecond, "time between two orders")
	patience := flag.Duration("patience", 60*time.Second, "how long to wait for answers in the end")
	flag.Parse()
	c := &client{username: *username, password: *password, open: map[string]bool{}, done: map[string]bool{}, execs: map[string]bool{}}
	c.result = result{Engine: "quickfixgo", Unanswered: []string{}, Doubled: []string{}, TooLow: []string{}}
	settings, err := quickfix.ParseSettings(bytes.NewReader(configuration(*addresses, *sender, *target, *store)))
	if err != nil {
		return err
	}
	initiator, err := quickfix.NewInitiator(c, file.NewStoreFactory(settings), settings, quickfix.NewNullLogFactory())
	if err != nil {
		return err
	}
	if err := initiator.Start(); err != nil {
		return err
	}
	over := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(over)
	}()
	tick := time.NewTicker(*every)
	defer tick.Stop()
	for entering := true; entering; {
		select {
		case <-over:
			entering = false
		case <-tick.C:
			if err := c.enter(*symbol, *window); err != nil {
				return err
			}
		}
	}
	for end := time.Now().Add(*patience); c.unanswered() > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	initiator.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.open {
		c.result.Unanswered = append(c.result.Unanswered, id)
	}
	return json.NewEncoder(os.Stdout).Encode(c.result)
}

// configuration is quickfixgo's settings file.
func configuration(addresses, sender, target, store string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "[DEFAULT]\nConnectionType=initiator\nReconnectInterval=1\nHeartBtInt=5\nFileStorePath=%s\nResetOnLogon=N\nResetOnLogout=N\nResetOnDisconnect=N\n", store)
	fmt.Fprintf(&b, "[SESSION]\nBeginString=FIX.4.4\nSenderCompID=%s\nTargetCompID=%s\n", sender, target)
	for i, address := range strings.Split(addresses, ",") {
		host, port, _ := net.SplitHostPort(address)
		suffix := ""
		if i > 0 {
			suffix = fmt.Sprint(i)
		}
		fmt.Fprintf(&b, "SocketConnectHost%s=%s\nSocketConnectPort%s=%s\n", suffix, host, suffix, port)
	}
	return b.Bytes()
}
