// Command acceptor answers each NewOrderSingle with a New, on quickfixgo: what `exchange bench fix --with-peers` measures beside the exchange.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/quickfixgo/quickfix"
)

type venue struct{ orders atomic.Int64 }

func (*venue) OnCreate(quickfix.SessionID)                       {}
func (*venue) OnLogon(quickfix.SessionID)                        {}
func (*venue) OnLogout(quickfix.SessionID)                       {}
func (*venue) ToAdmin(*quickfix.Message, quickfix.SessionID)     {}
func (*venue) ToApp(*quickfix.Message, quickfix.SessionID) error { return nil }

func (*venue) FromAdmin(*quickfix.Message, quickfix.SessionID) quickfix.MessageRejectError {
	return nil
}

func (v *venue) FromApp(m *quickfix.Message, id quickfix.SessionID) quickfix.MessageRejectError {
	n := strconv.FormatInt(v.orders.Add(1), 10)
	r := quickfix.NewMessage()
	r.Header.SetString(35, "8")
	for _, tag := range []quickfix.Tag{11, 38, 40, 44, 54, 55, 59} {
		if value, err := m.Body.GetString(tag); err == nil {
			r.Body.SetString(tag, value)
		}
	}
	for tag, value := range map[quickfix.Tag]string{6: "0", 14: "0", 17: n, 37: n, 39: "0", 60: "20260102-10:00:00.000", 150: "0", 151: "100"} {
		r.Body.SetString(tag, value)
	}
	_ = quickfix.SendToTarget(r, id)
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "quickfixgo acceptor:", err)
		os.Exit(1)
	}
}

func run() error {
	listen := flag.String("listen", "127.0.0.1:5010", "HOST:PORT")
	ours, client := flag.String("sender", "EXCHANGE", "our CompID"), flag.String("client", "BENCH", "the clients' CompIDs without their numbers")
	sessions := flag.Int("sessions", 64, "how many clients")
	flag.Parse()
	host, port, err := net.SplitHostPort(*listen)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "[DEFAULT]\nConnectionType=acceptor\nSocketAcceptHost=%s\nSocketAcceptPort=%s\nSenderCompID=%s\nBeginString=FIX.4.4\n", host, port, *ours)
	for n := 1; n <= *sessions; n++ {
		fmt.Fprintf(&b, "[SESSION]\nTargetCompID=%s%d\n", *client, n)
	}
	settings, err := quickfix.ParseSettings(&b)
	if err != nil {
		return err
	}
	a, err := quickfix.NewAcceptor(&venue{}, quickfix.NewMemoryStoreFactory(), settings, quickfix.NewNullLogFactory())
	if err != nil {
		return err
	}
	if err := a.Start(); err != nil {
		return err
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	a.Stop()
	return nil
}
