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
	Holes      []string `json:"holes"`     // numbers that never came
	Reused     []string `json:"reused"`    // numbers that came with two contents
	Cancelled  []string `json:"cancelled"` // orders that nobody asked to cancel
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
	numbers map[int]string // what came under each number; filled: nothing that is sent again
	result  result
}

const filled = "session message or gap fill"

const (
	tagClOrdID  = quickfix.Tag(11)
	tagExecID   = quickfix.Tag(17)
	tagText     = quickfix.Tag(58)
	tagExecType = quickfix.Tag(150)
	tagUsername = quickfix.Tag(553)
	tagPassword = quickfix.Tag(554)
	tagMsgType  = quickfix.Tag(35)
	tagSeqNum   = quickfix.Tag(34)
	tagNewSeqNo = quickfix.Tag(36)
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
	kind, _ := m.Header.GetString(tagMsgType)
	first, _ := m.Header.GetInt(tagSeqNum)
	next := first + 1
	switch kind {
	case "4":
		if n, err := m.Body.GetInt(tagNewSeqNo); err == nil {
			next = n
		}
	case "5":
		c.logout(m)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := first; n < next; n++ {
		c.number(n, filled)
	}
	return nil
}

// number notes what came under a number: session messages may be filled over, reports are the same for ever.
func (c *client) number(n int, content string) {
	before, seen := c.numbers[n]
	if seen && before != content {
		c.result.Reused = append(c.result.Reused, fmt.Sprintf("%d: %s, then %s", n, before, content))
	}
	c.numbers[n] = content
}

// holes are the numbers below the highest that never came.
func (c *client) holes() (list []string) {
	list = []string{}
	for n, seen := 1, 0; seen < len(c.numbers); n++ {
		if _, ok := c.numbers[n]; ok {
			seen++
		} else {
			list = append(list, fmt.Sprint(n))
		}
	}
	return list
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
	kind, _ := m.Header.GetString(tagMsgType)
	number, _ := m.Header.GetInt(tagSeqNum)
	id, _ := m.Body.GetString(tagClOrdID)
	exec, _ := m.Body.GetString(tagExecID)
	execType, _ := m.Body.GetString(tagExecType)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.number(number, kind+" "+exec); kind != "8" {
		return nil
	}
	if c.execs[exec] {
		c.result.Doubled = append(c.result.Doubled, "ExecID "+exec)
	}
	c.execs[exec] = true
	switch execType {
	case "0":
		c.result.New++
	case "8":
		c.result.Rejected++
	case "4", "C":
		if id == resting {
			c.result.Cancelled = append(c.result.Cancelled, id)
		}
		return nil
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

// resting is the first order: it lies in the book, far from all others, for as long as the client comes back in time.
const resting = "qfg-1"

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
	price, side, force := fmt.Sprintf("%d.%02d", 10+n%3, n%7), fmt.Sprint(1+n%2), "3" // the book stays small
	if id == resting {
		price, side, force = "0.01", "1", "1"
	}
	m := quickfix.NewMessage()
	m.Header.SetString(tagMsgType, "D")
	m.Body.SetString(tagClOrdID, id)
	m.Body.SetString(21, "1")
	m.Body.SetString(38, "10")
	m.Body.SetString(40, "2")
	m.Body.SetString(44, price)
	m.Body.SetString(54, side)
	m.Body.SetString(55, symbol)
	m.Body.SetString(59, force)
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
	c := &client{username: *username, password: *password, open: map[string]bool{}, done: map[string]bool{}, execs: map[string]bool{}, numbers: map[int]string{}}
	c.result = result{Engine: "quickfixgo", Unanswered: []string{}, Doubled: []string{}, TooLow: []string{}, Reused: []string{}, Cancelled: []string{}}
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
	c.result.Holes = c.holes()
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
